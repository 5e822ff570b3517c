"""Looking at what there is in parts: by filters, in pages; and which of it a plain filter over everything finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from tests.control.naive import Record
from tests.control.twins import ACCOUNTS, Twins, records_of

Values = Callable[[Record], Iterable[Any]]
MOST_PAGES = 100


def matches(pattern: str, text: str) -> bool:
    """A star stands for any characters, a question mark for one, a backslash takes what follows it literally."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(matches(pattern[1:], text[n:]) for n in range(len(text) + 1))
    if pattern[0] == "?":
        return bool(text) and matches(pattern[1:], text[1:])
    if pattern[0] == "\\" and len(pattern) > 1:
        pattern = pattern[1:]
    return text[:1] == pattern[0] and matches(pattern[1:], text[1:])


def member(*path: str) -> Values:
    """The values under these names, one inside the other; through lists too."""

    def values(record: Any) -> list[Any]:
        found = [record]
        for name in path:
            found = [each for value in found for each in (value if isinstance(value, list) else [value])]
            found = [value[name] for value in found if name in value]
        return found

    return values


def _permissions(key: str, names: dict[str, str]) -> dict[str, Values]:
    """The filters about rules. ``names``: of all groups, by id."""
    pairs = member(key, "UserIdGroupPairs", "GroupId")
    return {
        "cidr": member(key, "IpRanges", "CidrIp"),
        "ipv6-cidr": member(key, "Ipv6Ranges", "CidrIpv6"),
        "from-port": member(key, "FromPort"),
        "to-port": member(key, "ToPort"),
        "protocol": member(key, "IpProtocol"),
        "prefix-list-id": member(key, "PrefixListIds", "PrefixListId"),
        "group-id": pairs,
        "user-id": member(key, "UserIdGroupPairs", "UserId"),
        "group-name": lambda record: [names[name] for name in pairs(record) if name in names],
    }


def filters(operation: str, names: dict[str, str]) -> dict[str, Values]:
    """What can be asked for with the operation's filters; tags aside."""
    outbound = _permissions("IpPermissionsEgress", names)
    known: dict[str, dict[str, Values]] = {
        "DescribeSecurityGroups": {
            "group-id": member("GroupId"),
            "group-name": member("GroupName"),
            "description": member("Description"),
            "owner-id": member("OwnerId"),
            "vpc-id": member("VpcId"),
        }
        | {f"ip-permission.{name}": values for name, values in _permissions("IpPermissions", names).items()}
        | {f"egress.ip-permission.{name}": values for name, values in outbound.items()},
        "DescribeSecurityGroupRules": {
            "group-id": member("GroupId"),
            "security-group-rule-id": member("SecurityGroupRuleId"),
        },
        "DescribeVpcs": {
            "vpc-id": member("VpcId"),
            "cidr": member("CidrBlock"),
            "is-default": member("IsDefault"),
            "owner-id": member("OwnerId"),
            "ipv6-cidr-block-association.ipv6-cidr-block": member("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock"),
        },
        "DescribeSubnets": {
            "subnet-id": member("SubnetId"),
            "vpc-id": member("VpcId"),
            "cidr-block": member("CidrBlock"),
            "availability-zone": member("AvailabilityZone"),
        },
        "DescribeManagedPrefixLists": {
            "prefix-list-id": member("PrefixListId"),
            "prefix-list-name": member("PrefixListName"),
            "owner-id": member("OwnerId"),
        },
        "DescribeVpcPeeringConnections": {
            "vpc-peering-connection-id": member("VpcPeeringConnectionId"),
            "status-code": member("Status", "Code"),
            "requester-vpc-info.vpc-id": member("RequesterVpcInfo", "VpcId"),
            "accepter-vpc-info.vpc-id": member("AccepterVpcInfo", "VpcId"),
            "requester-vpc-info.owner-id": member("RequesterVpcInfo", "OwnerId"),
            "accepter-vpc-info.owner-id": member("AccepterVpcInfo", "OwnerId"),
        },
        "DescribeSecurityGroupVpcAssociations": {
            "group-id": member("GroupId"),
            "vpc-id": member("VpcId"),
            "state": member("State"),
            "group-owner-id": member("GroupOwnerId"),
            "vpc-owner-id": member("VpcOwnerId"),
        },
        "DescribeNetworkInterfaces": {
            "network-interface-id": member("NetworkInterfaceId"),
            "subnet-id": member("SubnetId"),
            "vpc-id": member("VpcId"),
            "group-id": member("Groups", "GroupId"),
            "group-name": member("Groups", "GroupName"),
            "status": member("Status"),
            "description": member("Description"),
            "source-dest-check": member("SourceDestCheck"),
            "private-ip-address": member("PrivateIpAddress"),
            "addresses.private-ip-address": member("PrivateIpAddresses", "PrivateIpAddress"),
            "attachment.instance-id": member("Attachment", "InstanceId"),
            "attachment.device-index": member("Attachment", "DeviceIndex"),
        },
        "DescribeInstances": {
            "instance-id": member("InstanceId"),
            "instance.group-id": member("SecurityGroups", "GroupId"),
            "instance-state-name": member("State", "Name"),
            "vpc-id": member("VpcId"),
            "subnet-id": member("SubnetId"),
        },
        "DescribeTags": {
            "key": member("Key"),
            "value": member("Value"),
            "resource-id": member("ResourceId"),
            "resource-type": member("ResourceType"),
        },
    }
    return known[operation]


#: The operations that can be looked at, and the members of their answers.
LOOKS = {
    "DescribeSecurityGroups": "SecurityGroups",
    "DescribeSecurityGroupRules": "SecurityGroupRules",
    "DescribeVpcs": "Vpcs",
    "DescribeSubnets": "Subnets",
    "DescribeManagedPrefixLists": "PrefixLists",
    "DescribeVpcPeeringConnections": "VpcPeeringConnections",
    "DescribeSecurityGroupVpcAssociations": "SecurityGroupVpcAssociations",
    "DescribeNetworkInterfaces": "NetworkInterfaces",
    "DescribeInstances": "Instances",
    "DescribeTags": "Tags",
}
TAGGED = LOOKS.keys() - {"DescribeSecurityGroupVpcAssociations", "DescribeManagedPrefixLists", "DescribeTags"}


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _tags(record: Record) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in record.get("Tags", record.get("TagSet", []))}


def _value(rng: Random, found: list[str]) -> str:
    """One that is there, with a wildcard at times; seldom another one."""
    value = rng.choice(found) if found and rng.random() < 0.9 else "nothing"
    if rng.random() < 0.1:
        value = value.swapcase()
    value = "".join("\\" + each if each in "*?\\" else each for each in value)
    if value and rng.random() < 0.3:
        place = rng.randrange(len(value))
        value = rng.choice((value[:place] + "*", "*" + value[place:], value[:place] + "?" + value[place + 1 :], "*"))
    return value


def look(rng: Random, twins: Twins) -> None:
    """By one or two filters, or none, in pages at times: what comes is what a plain filter finds, in the same order."""
    account, operation = rng.choice(ACCOUNTS), rng.choice(list(LOOKS))
    everything = twins.answers[account, operation, ""]
    names = {name: group["name"] for name, group in twins.world.groups.items()}
    known = filters(operation, names)
    if operation in TAGGED:
        known |= {"tag-key": lambda record: list(_tags(record))}
        keys = sorted({key for record in everything for key in _tags(record)})
        for key in keys[:3]:
            known[f"tag:{key}"] = lambda record, key=key: [_tags(record)[key]] if key in _tags(record) else []
    asked = []
    for name in rng.sample(list(known), rng.choice((0, 1, 1, 2))):
        there = sorted({text(value) for record in everything for value in known[name](record)})
        asked.append({"Name": name, "Values": [_value(rng, there) for _ in range(rng.choice((1, 1, 2)))]})
    expected = [
        record
        for record in everything
        if all(
            any(matches(pattern, text(value)) for pattern in each["Values"] for value in known[each["Name"]](record))
            for each in asked
        )
    ]
    found, params = [], {"Filters": asked} if asked else {}
    size = rng.choice((None, 5, 7))
    for _ in range(MOST_PAGES):
        answer = twins.ask(account, operation, **params, **({} if size is None else {"MaxResults": size}))
        part = records_of(answer, LOOKS[operation])
        assert size is None or len(part) <= size
        found += part
        if "NextToken" not in answer:
            break
        params["NextToken"] = answer["NextToken"]
    assert found == expected, (operation, asked, size)
