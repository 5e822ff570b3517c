"""What each describe call has to answer, by the model: everything that the account sees, each record once, in no order.

A record is cut to the members that the model knows, see ``MEMBERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.control.naive.groups import usable
from tests.control.naive.instances import interfaces_of
from tests.control.naive.lists import users
from tests.control.naive.rules import KINDS, is_stale
from tests.control.naive.world import RESOURCE_TYPES, Record, World

REGION = "us-east-1"


def arn(account: str, kind: str, name: str) -> str:
    return f"arn:aws:ec2:{REGION}:{account}:{kind}/{name}"


def tags(world: World, account: str, name: str) -> list[Record]:
    return [{"Key": key, "Value": value} for key, value in world.tags.get((account, name), {}).items()]


def pair(world: World, rule: Record) -> Record:
    """The group that a rule refers to. AWS's example of one that is gone has the status of the connection; a snapshot
    in which it would be "active" could not tell that the rule is stale."""
    name, way = rule["peer"][1], rule["way"]
    shown = {"GroupId": name}
    if name in world.groups:
        shown["UserId"] = world.groups[name]["account"]
    if way in world.peerings:
        shown |= {"VpcId": rule["there"], "VpcPeeringConnectionId": way, "PeeringStatus": world.peerings[way]["status"]}
    elif way == "associated" and is_stale(world, rule):
        shown |= {"VpcId": rule["there"], "PeeringStatus": "disassociated"}
    return shown | ({} if name in world.groups else {"PeeringStatus": "deleted"})


def permissions(world: World, rules: list[Record]) -> list[Record]:
    """Rules with equal protocol and ports are one permission."""
    found: dict[Any, Record] = {}
    for rule in rules:
        key = (rule["protocol"], rule["from"], rule["to"])
        if key not in found:
            found[key] = {"IpProtocol": rule["protocol"]} | {kind: [] for kind in KINDS}
            if rule["from"] is not None:
                found[key] |= {"FromPort": rule["from"], "ToPort": rule["to"]}
        kind, peer = rule["peer"]
        item = {
            "IpRanges": {"CidrIp": peer},
            "Ipv6Ranges": {"CidrIpv6": peer},
            "PrefixListIds": {"PrefixListId": peer},
        }.get(kind) or pair(world, rule)
        found[key][kind].append(item | ({"Description": rule["description"]} if rule["description"] else {}))
    return list(found.values())


def stale_permissions(world: World, rules: list[Record]) -> list[Record]:
    """The permissions of rules that are stale, as AWS's example has them: without accounts, with the status of the
    connection."""
    stale = [rule for rule in rules if is_stale(world, rule)]
    found = []
    for permission in permissions(world, stale):
        shown = {key: value for key, value in permission.items() if key not in KINDS}
        pairs = [{key: value for key, value in each.items() if key != "UserId"} for each in permission[KINDS[3]]]
        for each in pairs:
            if "VpcPeeringConnectionId" in each:
                each["PeeringStatus"] = world.peerings[each["VpcPeeringConnectionId"]]["status"]
        found.append(shown | {KINDS[3]: pairs})
    return found


NAMES = {"IpRanges": "CidrIpv4", "Ipv6Ranges": "CidrIpv6", "PrefixListIds": "PrefixListId"}


def bare_rule(known: Record) -> Record:
    """What makes a rule the rule that it is, as it is described."""
    kind, peer = known["peer"]
    return {
        "GroupId": known["group"],
        "IsEgress": known["egress"],
        "IpProtocol": known["protocol"],
        "FromPort": -1 if known["from"] is None else known["from"],
        "ToPort": -1 if known["to"] is None else known["to"],
        NAMES.get(kind, "ReferencedGroup"): peer,
    }


def bare(shown: Record) -> Record:
    """The same, of a rule that was described."""
    keys = ("GroupId", "IsEgress", "IpProtocol", "FromPort", "ToPort", *NAMES.values())
    group = {"ReferencedGroup": shown["ReferencedGroupInfo"]["GroupId"]} if "ReferencedGroupInfo" in shown else {}
    return {key: shown[key] for key in keys if key in shown} | group


def rule(world: World, name: str) -> Record:
    known = world.rules[name]
    account = world.groups[known["group"]]["account"]
    shown = bare_rule(known) | {
        "SecurityGroupRuleId": name,
        "GroupOwnerId": account,
        "Tags": tags(world, account, name),
        "SecurityGroupRuleArn": arn(account, "security-group-rule", name),
    }
    if shown.pop("ReferencedGroup", None):
        shown["ReferencedGroupInfo"] = pair(world, known)
    return shown | ({"Description": known["description"]} if known["description"] else {})


def _rules(world: World, account: str) -> Iterator[Record]:
    for name, known in world.rules.items():
        if world.groups[known["group"]]["account"] == account:
            yield rule(world, name)


def _groups(world: World, account: str) -> Iterator[Record]:
    for name, group in world.groups.items():
        if group["account"] == account:
            yield {
                "GroupId": name,
                "GroupName": group["name"],
                "Description": group["description"],
                "OwnerId": account,
                "VpcId": group["vpc"],
                "IpPermissions": permissions(world, list(world.rules_of(name, False).values())),
                "IpPermissionsEgress": permissions(world, list(world.rules_of(name, True).values())),
                "Tags": tags(world, account, name),
                "SecurityGroupArn": arn(account, "security-group", name),
            }


def _vpcs(world: World, account: str) -> Iterator[Record]:
    for name, vpc in world.vpcs.items():
        if vpc["account"] == account:
            yield {
                "VpcId": name,
                "CidrBlock": vpc["blocks"][0],
                "Ipv6CidrBlockAssociationSet": [
                    {"AssociationId": association, "Ipv6CidrBlock": block}
                    for association, block in vpc["blocks6"].items()
                ],
                "IsDefault": vpc["default"],
                "OwnerId": account,
                "Tags": tags(world, account, name),
            }


def _subnets(world: World, account: str) -> Iterator[Record]:
    for name, subnet in world.subnets.items():
        if subnet["account"] == account:
            shown = {"SubnetId": name, "VpcId": subnet["vpc"], "CidrBlock": subnet["block"], "OwnerId": account}
            yield shown | {"Tags": tags(world, account, name)}


def _lists(world: World, account: str) -> Iterator[Record]:
    for name, listed in world.lists.items():
        if listed["account"] in (account, "AWS"):
            shown = {
                "PrefixListId": name,
                "PrefixListName": listed["name"],
                "AddressFamily": f"IPv{listed['family']}",
                "OwnerId": listed["account"],
                "State": listed["state"],
                "Tags": tags(world, listed["account"], name),
            }
            if listed["account"] != "AWS":
                shown |= {"MaxEntries": listed["most"], "Version": listed["version"]}
            yield shown


def _peerings(world: World, account: str) -> Iterator[Record]:
    for name, peering in world.peerings.items():
        if account in world.owners("pcx", name):
            sides = {
                f"{side.capitalize()}VpcInfo": {
                    "OwnerId": peering[side]["account"],
                    "VpcId": peering[side]["vpc"],
                    "Region": REGION,
                }
                for side in ("requester", "accepter")
            }
            shown = {"VpcPeeringConnectionId": name, "Status": {"Code": peering["status"]}}
            yield shown | sides | {"Tags": tags(world, account, name)}


def _associations(world: World, account: str) -> Iterator[Record]:
    for group, vpc in world.associations:
        if world.groups[group]["account"] == account:
            owners = {"GroupOwnerId": account, "VpcOwnerId": account}
            yield {"GroupId": group, "VpcId": vpc, "State": "associated"} | owners


def _interfaces(world: World, account: str) -> Iterator[Record]:
    for name, interface in world.interfaces.items():
        if interface["account"] == account:
            yield (
                {
                    "NetworkInterfaceId": name,
                    "OwnerId": account,
                    "VpcId": interface["vpc"],
                    "SubnetId": interface["subnet"],
                    "Description": interface["description"],
                    "SourceDestCheck": interface["check"],
                    "Status": "available" if interface["instance"] is None else "in-use",
                    "Groups": _names(world, interface["groups"]),
                    "PrivateIpAddresses": [{"PrivateIpAddress": each} for each in interface["addresses"]],
                    "TagSet": tags(world, account, name),
                }
                | _attachment(interface)
                | _timeouts(interface)
            )


def _attachment(interface: Record) -> Record:
    if interface["instance"] is None:
        return {}
    shown = {"AttachmentId": interface["attachment"], "InstanceId": interface["instance"], "Status": "attached"}
    return {"Attachment": shown | {"DeviceIndex": interface["device"], "DeleteOnTermination": interface["ends"]}}


def _timeouts(interface: Record) -> Record:
    return {"ConnectionTrackingConfiguration": interface["timeouts"]} if interface["timeouts"] else {}


def _instances(world: World, account: str) -> Iterator[Record]:
    for name, instance in world.instances.items():
        if instance["account"] == account:
            there = interfaces_of(world, name)
            shown = {
                "InstanceId": name,
                "State": {"Name": instance["state"]},
                "NetworkInterfaces": [{"NetworkInterfaceId": each} for each in there],
                "SecurityGroups": [],
                "Tags": tags(world, account, name),
            }
            for interface in there.values():
                if interface["device"] == 0:
                    shown["SecurityGroups"] = _names(world, interface["groups"])
                    shown |= {"SubnetId": interface["subnet"], "VpcId": interface["vpc"]}
            yield shown


def _names(world: World, groups: list[str]) -> list[Record]:
    return [{"GroupId": each, "GroupName": world.groups[each]["name"]} for each in groups]


def _tags(world: World, account: str) -> Iterator[Record]:
    for (owner, name), known in world.tags.items():
        for key, value in known.items() if owner == account else ():
            kind = RESOURCE_TYPES[name.rpartition("-")[0]]
            yield {"Key": key, "Value": value, "ResourceId": name, "ResourceType": kind}


WHOLE = None
#: Operation -> the members of its records that the model knows; of those that are not here it knows all.
MEMBERS: dict[str, Record] = {
    "DescribeVpcs": dict.fromkeys(("VpcId", "CidrBlock", "IsDefault", "OwnerId", "Tags"))
    | {"Ipv6CidrBlockAssociationSet": dict.fromkeys(("AssociationId", "Ipv6CidrBlock"))},
    "DescribeSubnets": dict.fromkeys(("SubnetId", "VpcId", "CidrBlock", "OwnerId", "Tags")),
    "DescribeManagedPrefixLists": dict.fromkeys(
        ("PrefixListId", "PrefixListName", "AddressFamily", "OwnerId", "State", "Tags", "MaxEntries", "Version")
    ),
    "DescribeVpcPeeringConnections": {"VpcPeeringConnectionId": WHOLE, "Status": {"Code": WHOLE}, "Tags": WHOLE}
    | dict.fromkeys(("RequesterVpcInfo", "AccepterVpcInfo"), dict.fromkeys(("OwnerId", "VpcId", "Region"))),
    "DescribeNetworkInterfaces": dict.fromkeys(
        ("NetworkInterfaceId", "OwnerId", "VpcId", "SubnetId", "Description", "SourceDestCheck", "Status", "Groups")
    )
    | {"TagSet": WHOLE, "ConnectionTrackingConfiguration": WHOLE, "PrivateIpAddresses": {"PrivateIpAddress": WHOLE}}
    | {"Attachment": dict.fromkeys(("AttachmentId", "InstanceId", "Status", "DeviceIndex", "DeleteOnTermination"))},
    "DescribeInstances": {"InstanceId": WHOLE, "State": {"Name": WHOLE}, "SubnetId": WHOLE, "VpcId": WHOLE}
    | {"SecurityGroups": WHOLE, "NetworkInterfaces": {"NetworkInterfaceId": WHOLE}, "Tags": WHOLE},
}

#: Operation -> the member of its answer that holds the records (those of instances are in reservations), and the
#: records by the model.
EVERYTHING: dict[str, tuple[str, Callable[[World, str], Iterator[Record]]]] = {
    "DescribeSecurityGroups": ("SecurityGroups", _groups),
    "DescribeSecurityGroupRules": ("SecurityGroupRules", _rules),
    "DescribeVpcs": ("Vpcs", _vpcs),
    "DescribeSubnets": ("Subnets", _subnets),
    "DescribeManagedPrefixLists": ("PrefixLists", _lists),
    "DescribeVpcPeeringConnections": ("VpcPeeringConnections", _peerings),
    "DescribeSecurityGroupVpcAssociations": ("SecurityGroupVpcAssociations", _associations),
    "DescribeNetworkInterfaces": ("NetworkInterfaces", _interfaces),
    "DescribeInstances": ("Instances", _instances),
    "DescribeTags": ("Tags", _tags),
}


def stale_groups(world: World, vpc: str) -> Iterator[Record]:
    """DescribeStaleSecurityGroups."""
    for name, group in world.groups.items():
        rules = world.rules_of(name)
        if group["vpc"] == vpc and any(is_stale(world, each) for each in rules.values()):
            inbound, outbound = ([r for r in rules.values() if r["egress"] == egress] for egress in (False, True))
            yield {
                "GroupId": name,
                "GroupName": group["name"],
                "Description": group["description"],
                "VpcId": vpc,
                "StaleIpPermissions": stale_permissions(world, inbound),
                "StaleIpPermissionsEgress": stale_permissions(world, outbound),
            }


def references(world: World, group: str) -> Iterator[Record]:
    """DescribeSecurityGroupReferences: those from the other side of a peering, a VPC once."""
    for each in {
        (world.groups[known["group"]]["vpc"], known["way"])
        for known in world.rules.values()
        if known["peer"] == ("UserIdGroupPairs", group) and known["way"] in world.peerings
    }:
        yield {"GroupId": group, "ReferencingVpcId": each[0], "VpcPeeringConnectionId": each[1]}


def groups_for(world: World, vpc: str) -> Iterator[Record]:
    """GetSecurityGroupsForVpc."""
    for name in usable(world, vpc):
        group = world.groups[name]
        yield {
            "GroupId": name,
            "GroupName": group["name"],
            "Description": group["description"],
            "OwnerId": group["account"],
            "PrimaryVpcId": group["vpc"],
            "Tags": tags(world, group["account"], name),
        }


def entries(world: World, listed: str, version: int) -> Iterator[Record]:
    """GetManagedPrefixListEntries."""
    for block, description in world.lists[listed]["versions"][version].items():
        yield {"Cidr": block} | ({"Description": description} if description else {})


def list_users(world: World, listed: str) -> Iterator[Record]:
    """GetManagedPrefixListAssociations."""
    for group in users(world, listed):
        yield {"ResourceId": group, "ResourceOwner": world.groups[group]["account"]}
