"""Rules of groups: what a permission means, and authorize, revoke, modify, describe them. Source: aws-facts.md 1.2,
3.1 and 3.3 to 3.5."""

from __future__ import annotations

import re

from tests.control.naive.tags import given_tags
from tests.control.naive.world import Chosen, Record, Refused, World, network_of

NAMES = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
DESCRIPTION = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}")
#: How much an AWS-managed prefix list weighs, by the end of its name. What the others weigh is not written down.
WEIGHTS = {"s3": 1, "dynamodb": 1, "cloudfront.origin-facing": 55, "vpc-lattice": 10, "groundstation": 5}

KINDS = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")


def service(given: Record) -> tuple[str, int | None, int | None]:
    """Protocol and ports as they are stored; no ports where they do not count. Raises Refused."""
    wrong = Refused("InvalidParameterValue")
    protocol, low, high = given.get("IpProtocol"), given.get("FromPort"), given.get("ToPort")
    protocol = NAMES.get(str(protocol), protocol)
    if protocol in ("tcp", "udp"):
        if low is None or high is None or not 0 <= low <= high <= 65535:
            raise wrong
        return protocol, low, high
    if protocol in ("icmp", "icmpv6"):
        if protocol == "icmpv6" and low is None and high is None:
            low = high = -1
        if low is None or high is None or not -1 <= low <= 255 or not -1 <= high <= 255 or (low == -1 and high != -1):
            raise wrong
        return protocol, low, high
    if protocol == "-1" or (str(protocol).isdigit() and int(str(protocol)) <= 255):
        return str(protocol), None, None
    raise wrong


def way(world: World, group: str, referenced: str) -> str | None:
    """How a rule of the group may refer to the other one: "here" (the same VPC), "associated", or over a peering
    connection, its id; None: not at all."""
    home, there = world.groups[group]["vpc"], world.groups[referenced]["vpc"]
    if home == there:
        return "here"
    if (referenced, home) in world.associations:
        return "associated"
    for name, peering in world.peerings.items():
        if peering["status"] == "active" and {home, there} == peering["between"]:
            return name
    return None


def is_stale(world: World, rule: Record) -> bool:
    kind, referenced = rule["peer"]
    if kind != "UserIdGroupPairs":
        return False
    if referenced not in world.groups:
        return True
    if rule["way"] == "associated":
        return (referenced, world.groups[rule["group"]]["vpc"]) not in world.associations
    return rule["way"] != "here" and world.peerings[rule["way"]]["status"] != "active"


def revive(world: World, name: str) -> None:
    """A peering became active: the rules over an earlier one of the same two VPCs are rules over it, if the groups that
    they refer to are still there."""
    for rule in world.rules.values():
        before = world.peerings.get(rule["way"], {})
        again = before.get("status") != "active" and before.get("between") == world.peerings[name]["between"]
        if again and rule["peer"][1] in world.groups:
            rule["way"] = name


def peer_of(
    world: World, account: str, group: str, kind: str, item: Record, *, known: bool = True
) -> tuple[str, str, str]:
    """The peer as it is stored, and the way to it. ``known``: only what may be referred to now. Raises Refused."""
    if kind in ("IpRanges", "Ipv6Ranges"):
        given = item.get("CidrIp" if kind == "IpRanges" else "CidrIpv6")
        block = network_of(given, 4 if kind == "IpRanges" else 6)
        if block is None:
            raise Refused("InvalidPermission.Malformed" if given is None else "InvalidParameterValue")
        return kind, block, "here"
    if kind == "PrefixListIds":
        if known:
            world.get("pl", account, item.get("PrefixListId"), of_aws=True)
        return kind, item["PrefixListId"], "here"
    name = item.get("GroupId")
    if name is None and "GroupName" in item:
        if not world.vpcs[world.groups[group]["vpc"]]["default"]:
            raise Refused("InvalidParameterValue", "InvalidGroup.NotFound")
        name = by_name(world, account, item["GroupName"])
    if not known:
        return kind, str(name), "here"
    if name not in world.groups:
        world.get("sg", account, name)
    owner = world.groups[str(name)]["account"]
    found = way(world, group, str(name))
    if found is None or item.get("UserId", owner if item.get("any account") else account) != owner:
        raise Refused("InvalidGroup.NotFound")
    return kind, str(name), found


def by_name(world: World, account: str, name: str) -> str:
    """Groups have names in the default VPC only."""
    default = world.default_vpc(account)
    if default is None:
        raise Refused("VPCIdNotSpecified")
    for group_id, group in world.groups.items():
        if group["vpc"] == default and group["name"] == name:
            return group_id
    raise Refused("InvalidGroup.NotFound")


def group_of(world: World, account: str, params: Record) -> str:
    if params.get("GroupId") is not None:
        world.get("sg", account, params["GroupId"])
        return str(params["GroupId"])
    if params.get("GroupName") is None:
        raise Refused("MissingParameter")
    return by_name(world, account, params["GroupName"])


def permissions_of(params: Record) -> list[Record]:
    """Those of the request, the flat form as one."""
    if "IpPermissions" in params:
        return list(params["IpPermissions"])
    if "IpProtocol" in params or "CidrIp" in params:
        flat = {key: params[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in params}
        return [flat | {"IpRanges": [{"CidrIp": params["CidrIp"]}] if "CidrIp" in params else []}]
    return []


def rules_of(
    world: World, account: str, group: str, params: Record, *, egress: bool, known: bool = True
) -> tuple[list[Record], set[str]]:
    """The rules that the request means, one for each peer, and what is wrong with it."""
    rules, wrong = [], set()
    permissions = permissions_of(params)
    if not permissions:
        wrong.add("MissingParameter")
    if egress and "IpPermissions" not in params and permissions:
        wrong |= {"InvalidParameterValue", "InvalidParameterCombination", "UnknownParameter", "MissingParameter"}
    for permission in permissions:
        items = [(kind, item) for kind in KINDS for item in permission.get(kind, [])]
        if not items:
            wrong.add("MissingParameter")
        for kind, item in items or [("none", {})]:
            try:
                protocol, low, high = service(permission)
                peer = peer_of(world, account, group, kind, item, known=known) if items else ("none", "", "here")
            except Refused as refused:
                wrong |= refused.codes
                continue
            if not DESCRIPTION.fullmatch(item.get("Description") or ""):
                wrong.add("InvalidParameterValue")
            rule = {"group": group, "egress": egress, "protocol": protocol, "from": low, "to": high}
            rules.append(rule | referring(world, *peer) | {"description": item.get("Description") or None})
    if any(same(rule, other) for n, rule in enumerate(rules) for other in rules[:n]):
        wrong.add("InvalidParameterValue")
    return rules, wrong


def referring(world: World, kind: str, peer: str, way: str) -> Record:
    """What a rule says of its peer; ``there`` is the VPC of the group that it refers to."""
    there = world.groups[peer]["vpc"] if peer in world.groups else None
    return {"peer": (kind, peer), "way": way, "there": there}


def same(one: Record, other: Record) -> bool:
    """Descriptions, tags and ids make no difference."""
    return all(one[key] == other[key] for key in ("egress", "protocol", "from", "to", "peer"))


def weight(world: World, rule: Record, family: int) -> int:
    kind, name = rule["peer"]
    if kind == "PrefixListIds":
        listed = world.lists[name]
        if listed["family"] != family:
            return 0
        if listed["account"] != "AWS":
            return int(listed["most"])
        return next(weight for end, weight in WEIGHTS.items() if listed["name"].endswith("." + end))
    return int(kind == "UserIdGroupPairs" or (kind == "IpRanges") == (family == 4))


def too_many(world: World, rules: list[Record]) -> bool:
    """Of one group and one direction."""
    most = world.quotas.rules_per_security_group
    return any(sum(weight(world, rule, family) for rule in rules) > most for family in (4, 6))


def authorize(world: World, account: str, params: Record, chosen: Chosen, *, egress: bool) -> Record:
    group = group_of(world, account, params)
    tags, wrong = given_tags(params, "sgr")
    rules, more = rules_of(world, account, group, params, egress=egress)
    wrong |= more
    there = list(world.rules_of(group, egress).values())
    if any(same(rule, other) for rule in rules for other in there):
        wrong.add("InvalidPermission.Duplicate")
    if too_many(world, there + rules):
        wrong.add("RulesPerSecurityGroupLimitExceeded")
    if wrong:
        raise Refused(*wrong)
    names = [add_rule(world, rule, chosen) for rule in rules]
    for name in names:
        world.tags[account, name] = dict(tags)
    if egress:
        world.groups[group]["outbound_changed"] = True
    return {"Return": True, "SecurityGroupRules": names}


def add_rule(world: World, rule: Record, chosen: Chosen) -> str:
    name = chosen.id("sgr", **rule)
    world.rules[name] = rule
    return name


def revoke(world: World, account: str, params: Record, chosen: Chosen, *, egress: bool) -> Record:
    group = group_of(world, account, params)
    there = world.rules_of(group, egress)
    unknown: list[Record] = []
    if "SecurityGroupRuleIds" in params:
        going = [name for name in there if name in params["SecurityGroupRuleIds"]]
        wrong = {code for name in params["SecurityGroupRuleIds"] if name not in there for code in _no_rule(name)}
    else:
        rules, wrong = rules_of(world, account, group, params, egress=egress, known=False)
        going = [name for name, rule in there.items() if any(same(rule, other) for other in rules)]
        unknown = [rule for rule in rules if not any(same(rule, other) for other in there.values())]
        if unknown and not world.vpcs[world.groups[group]["vpc"]]["default"]:
            wrong.add("InvalidPermission.NotFound")
    if wrong:
        raise Refused(*wrong)
    for name in going:
        world.remove("sgr", name)
    if egress and going:
        world.groups[group]["outbound_changed"] = True
    return {"gone": going, "unknown": unknown}


def _no_rule(name: str) -> set[str]:
    pattern = re.fullmatch("sgr-[0-9a-f]+", name)
    return {"InvalidSecurityGroupRuleId.NotFound" if pattern else "InvalidSecurityGroupRuleId.Malformed"}


PEERS = {"CidrIpv4": "IpRanges", "CidrIpv6": "Ipv6Ranges", "PrefixListId": "PrefixListIds"}
PEERS |= {"ReferencedGroupId": "UserIdGroupPairs"}
MEMBERS = {"CidrIpv4": "CidrIp", "ReferencedGroupId": "GroupId"}


def modify(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    group = group_of(world, account, params)
    changes, wrong = {}, set()
    updates = params.get("SecurityGroupRules", [])
    if not updates:
        wrong.add("MissingParameter")
    names = [update.get("SecurityGroupRuleId") for update in updates]
    if len(set(names)) < len(names):
        wrong.add("InvalidParameterValue")
    for update in updates:
        name, given = update.get("SecurityGroupRuleId"), update.get("SecurityGroupRule", {})
        if name is None:
            wrong.add("MissingParameter")
        elif name not in world.rules_of(group):
            wrong |= _no_rule(name)
        peers = [key for key in PEERS if key in given]
        if len(peers) != 1:
            wrong.add("MissingParameter" if not peers else "InvalidParameterCombination")
        try:
            protocol, low, high = service(given)
        except Refused as refused:
            wrong |= refused.codes
            continue
        if len(peers) != 1:
            continue
        kind = PEERS[peers[0]]
        if name in world.rules_of(group) and world.rules[name]["peer"][0] != kind:
            wrong.add("InvalidParameterValue")
        try:
            item = {MEMBERS.get(peers[0], peers[0]): given[peers[0]], "any account": True}
            peer = peer_of(world, account, group, kind, item)
        except Refused as refused:
            wrong |= refused.codes
            continue
        if not DESCRIPTION.fullmatch(given.get("Description") or ""):
            wrong.add("InvalidParameterValue")
        if name in world.rules_of(group):
            changed = {"protocol": protocol, "from": low, "to": high, "description": given.get("Description") or None}
            changes[name] = world.rules[name] | changed | referring(world, *peer)
    after = {name: changes.get(name, rule) for name, rule in world.rules_of(group).items()}
    for name in changes:
        if any(same(after[name], rule) for other, rule in after.items() if other != name):
            wrong.add("InvalidPermission.Duplicate")
    for egress in {rule["egress"] for rule in changes.values()}:
        if too_many(world, [rule for rule in after.values() if rule["egress"] == egress]):
            wrong.add("RulesPerSecurityGroupLimitExceeded")
    if wrong:
        raise Refused(*wrong)
    world.rules.update(changes)
    if any(rule["egress"] for rule in changes.values()):
        world.groups[group]["outbound_changed"] = True
    return {"Return": True}


def describe(world: World, account: str, params: Record, chosen: Chosen, *, egress: bool) -> Record:
    """UpdateSecurityGroupRuleDescriptions; without one the description goes."""
    group = group_of(world, account, params)
    there = world.rules_of(group, egress)
    changes: dict[str, str | None] = {}
    if "SecurityGroupRuleDescriptions" in params:
        wrong = set() if params["SecurityGroupRuleDescriptions"] else {"MissingParameter"}
        for item in params["SecurityGroupRuleDescriptions"]:
            if item.get("SecurityGroupRuleId") not in there:
                wrong |= _no_rule(item["SecurityGroupRuleId"])
            if not DESCRIPTION.fullmatch(item.get("Description") or ""):
                wrong.add("InvalidParameterValue")
            changes[item["SecurityGroupRuleId"]] = item.get("Description") or None
    else:
        rules, wrong = rules_of(world, account, group, params, egress=egress, known=False)
        for rule in rules:
            found = [name for name, other in there.items() if same(rule, other)]
            if not found:
                wrong.add("InvalidPermission.NotFound")
            changes |= dict.fromkeys(found, rule["description"])
    if wrong:
        raise Refused(*wrong)
    for name, description in changes.items():
        world.rules[name]["description"] = description
    return {"Return": True}
