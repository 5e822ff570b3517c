"""What has to hold of everything that is described, whatever was called: no model is needed to say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sgsim.control import Quotas
from tests.control.naive import Record
from tests.control.naive.rules import WEIGHTS
from tests.control.twins import ACCOUNTS, Answers

IDS = {
    "DescribeSecurityGroups": "GroupId",
    "DescribeSecurityGroupRules": "SecurityGroupRuleId",
    "DescribeVpcs": "VpcId",
    "DescribeSubnets": "SubnetId",
    "DescribeManagedPrefixLists": "PrefixListId",
    "DescribeNetworkInterfaces": "NetworkInterfaceId",
    "DescribeInstances": "InstanceId",
}


def assert_sound(answers: Answers, quotas: Quotas) -> None:
    """``quotas``: of each the highest that there ever was."""
    everybodys = {
        operation: [record for account in ACCOUNTS for record in answers[account, operation, ""]] for operation in IDS
    }
    groups = {group["GroupId"]: group for group in everybodys["DescribeSecurityGroups"]}
    lists = {listed["PrefixListId"]: listed for listed in everybodys["DescribeManagedPrefixLists"]}
    _ids(everybodys)
    _names(groups, answers)
    _rules(groups, everybodys["DescribeSecurityGroupRules"])
    _references(groups, lists, everybodys["DescribeSecurityGroupRules"], answers)
    _quotas(lists, everybodys, answers, quotas)


def _ids(everybodys: dict[str, list[Record]]) -> None:
    """An id is one thing's; AWS's prefix lists are seen by both accounts."""
    for operation, key in IDS.items():
        number = Counter(record[key] for record in everybodys[operation] if record.get("OwnerId") != "AWS")
        assert not [name for name, times in number.items() if times > 1], operation


def _names(groups: dict[str, Record], answers: Answers) -> None:
    """Every VPC has its default group, and among the groups that it may use no name twice."""
    for (_, operation, vpc), usable in answers.items():
        if operation == "GetSecurityGroupsForVpc":
            names = [group["GroupName"].lower() for group in usable]
            assert len(set(names)) == len(names), (vpc, names)
            own = [group["GroupName"] for group in groups.values() if group["VpcId"] == vpc]
            assert own.count("default") == 1, (vpc, own)
    vpcs = {vpc["VpcId"] for account in ACCOUNTS for vpc in answers[account, "DescribeVpcs", ""]}
    assert {group["VpcId"] for group in groups.values()} == vpcs


def _flat(group: Record) -> Iterator[tuple[object, ...]]:
    """What the permissions of a group say, rule by rule."""
    for egress, key in ((False, "IpPermissions"), (True, "IpPermissionsEgress")):
        for permission in group[key]:
            service = (permission["IpProtocol"], permission.get("FromPort", -1), permission.get("ToPort", -1))
            for block in permission["IpRanges"]:
                yield group["GroupId"], egress, *service, block["CidrIp"], block.get("Description")
            for block in permission["Ipv6Ranges"]:
                yield group["GroupId"], egress, *service, block["CidrIpv6"], block.get("Description")
            for listed in permission["PrefixListIds"]:
                yield group["GroupId"], egress, *service, listed["PrefixListId"], listed.get("Description")
            for pair in permission["UserIdGroupPairs"]:
                yield group["GroupId"], egress, *service, pair["GroupId"], pair.get("Description")


def _peer(rule: Record) -> str:
    named = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId")
    return str(named or rule["ReferencedGroupInfo"]["GroupId"])


def _rules(groups: dict[str, Record], rules: list[Record]) -> None:
    """The permissions of the groups hold exactly their rules; no rule is there twice."""
    permitted = Counter(flat for group in groups.values() for flat in _flat(group))
    told: Counter[tuple[object, ...]] = Counter(
        (
            rule["GroupId"],
            rule["IsEgress"],
            rule["IpProtocol"],
            rule["FromPort"],
            rule["ToPort"],
            _peer(rule),
            rule.get("Description"),
        )
        for rule in rules
    )
    assert permitted == told
    assert max(Counter(flat[:-1] for flat in permitted.elements()).values(), default=1) == 1


def _references(groups: dict[str, Record], lists: dict[str, Record], rules: list[Record], answers: Answers) -> None:
    """What rules and interfaces refer to is there, or the rule is told to be stale."""
    stale = {
        (group["GroupId"], pair["GroupId"])
        for (_, operation, _), found in answers.items()
        if operation == "DescribeStaleSecurityGroups"
        for group in found
        for key in ("StaleIpPermissions", "StaleIpPermissionsEgress")
        for permission in group[key]
        for pair in permission["UserIdGroupPairs"]
    }
    for rule in rules:
        if "PrefixListId" in rule:
            assert rule["PrefixListId"] in lists, rule
        if "ReferencedGroupInfo" in rule and rule["ReferencedGroupInfo"]["GroupId"] not in groups:
            assert (rule["GroupId"], rule["ReferencedGroupInfo"]["GroupId"]) in stale, rule
    for account in ACCOUNTS:
        for interface in answers[account, "DescribeNetworkInterfaces", ""]:
            assert interface["Groups"], interface
            assert all(groups[each["GroupId"]]["GroupName"] == each["GroupName"] for each in interface["Groups"])


def _quotas(lists: dict[str, Record], everybodys: dict[str, list[Record]], answers: Answers, quotas: Quotas) -> None:
    weights: Counter[tuple[str, bool, int]] = Counter()
    for rule in everybodys["DescribeSecurityGroupRules"]:
        for family in (4, 6):
            weights[rule["GroupId"], rule["IsEgress"], family] += _weight(lists, rule, family)
    assert max(weights.values(), default=0) <= quotas.rules_per_security_group
    for interface in everybodys["DescribeNetworkInterfaces"]:
        assert len(interface["Groups"]) <= quotas.security_groups_per_interface
    for account in ACCOUNTS:
        own = [each for each in answers[account, "DescribeManagedPrefixLists", ""] if each["OwnerId"] == account]
        assert len(answers[account, "DescribeSecurityGroups", ""]) <= quotas.security_groups_per_region
        assert len(answers[account, "DescribeVpcs", ""]) <= quotas.vpcs_per_region
        assert len(answers[account, "DescribeNetworkInterfaces", ""]) <= quotas.interfaces_per_region
        assert len(own) <= quotas.prefix_lists_per_region
        assert all(each["MaxEntries"] <= quotas.entries_per_prefix_list for each in own)
    versions: Counter[str] = Counter()
    for (_, operation, about), entries in answers.items():
        if operation == "GetManagedPrefixListEntries":
            name = about.partition(" ")[0]
            versions[name] += 1
            assert len(entries) <= quotas.entries_per_prefix_list
    assert max(versions.values(), default=0) <= quotas.versions_per_prefix_list
    peerings = {
        (side["VpcId"], connection["VpcPeeringConnectionId"])
        for account in ACCOUNTS
        for connection in answers[account, "DescribeVpcPeeringConnections", ""]
        for side in (connection["RequesterVpcInfo"], connection["AccepterVpcInfo"])
        if connection["Status"]["Code"] == "active"
    }
    assert max(Counter(vpc for vpc, _ in peerings).values(), default=0) <= quotas.peerings_per_vpc


def _weight(lists: dict[str, Record], rule: Record, family: int) -> int:
    if "CidrIpv4" in rule or "CidrIpv6" in rule:
        return int(("CidrIpv4" in rule) == (family == 4))
    if "PrefixListId" not in rule:
        return 1
    listed = lists[rule["PrefixListId"]]
    if listed["AddressFamily"] != f"IPv{family}":
        return 0
    if "MaxEntries" in listed:
        return int(listed["MaxEntries"])
    return next(weight for end, weight in WEIGHTS.items() if listed["PrefixListName"].endswith("." + end))
