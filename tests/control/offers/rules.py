"""Calls for groups, their rules and their associations."""

from __future__ import annotations

from random import Random

from tests.control.calling import ACCOUNT, OTHER
from tests.control.naive import Record, World
from tests.control.naive.rules import WEIGHTS, way
from tests.control.offers.picking import Offer, an_id, chosen, known, one_of, owner, seldom, with_tags
from tests.control.offers.values import (
    BAD_BLOCKS,
    BAD_DESCRIPTIONS,
    BAD_NAMES,
    BAD_SERVICES,
    BLOCKS,
    BLOCKS6,
    DESCRIPTIONS,
    NAMES,
    SERVICES,
)


def create_group(rng: Random, world: World) -> Offer:
    vpc, account = chosen(rng, world, "vpc")
    texts = [text for text in DESCRIPTIONS if text]
    params = {"GroupName": one_of(rng, NAMES, BAD_NAMES)}
    params["Description"] = one_of(rng, texts, (*BAD_DESCRIPTIONS, "", None))
    params |= {"VpcId": vpc} if rng.random() < 0.9 else {}
    params |= with_tags(rng, "security-group")
    return account, "CreateSecurityGroup", {key: value for key, value in params.items() if value is not None}


def a_group(rng: Random, world: World, *, busy: bool = True) -> tuple[str, Record]:
    """Who calls, and a group: mostly one of the three with most rules, by id or, in the default VPC, by name."""
    names = known(world, "sg")
    if busy and rng.random() < 0.7:
        names = sorted(names, key=lambda name: len(world.rules_of(name)))[-3:]
    name = an_id(rng, world, "sg", names)
    account = owner(rng, world, "sg", name)
    if name in world.groups and world.vpcs[world.groups[name]["vpc"]]["default"] and rng.random() < 0.5:
        return account, {"GroupName": world.groups[name]["name"]}
    return account, {"GroupId": name}


def delete_group(rng: Random, world: World) -> Offer:
    account, named = a_group(rng, world, busy=False)
    referred = [rule["peer"][1] for rule in world.rules.values() if rule["peer"][1] in world.groups]
    referred = [name for name in referred if world.groups[name]["name"] != "default"]
    if referred and rng.random() < 0.6:
        named = {"GroupId": rng.choice(referred)}
        account = world.groups[named["GroupId"]]["account"]
    return account, "DeleteSecurityGroup", named


def _afar(world: World, group: str) -> list[str]:
    """The groups of other VPCs that rules of the group may refer to; those by association are there twice."""
    ways = {name: way(world, group, name) for name in world.groups}
    associated = [name for name, how in ways.items() if how == "associated"]
    return associated + [name for name, how in ways.items() if how not in (None, "here")]


def peer(rng: Random, world: World, account: str, group: str | None, kind: str) -> Record:
    """An item of a permission."""
    item: Record = {"Description": one_of(rng, DESCRIPTIONS, BAD_DESCRIPTIONS)} if rng.random() < 0.3 else {}
    if kind in ("IpRanges", "Ipv6Ranges"):
        good, bad = (BLOCKS, BLOCKS6) if kind == "IpRanges" else (BLOCKS6, BLOCKS)
        block = one_of(rng, good, (*BAD_BLOCKS, *bad))
        return item | ({} if block is None else {"CidrIp" if kind == "IpRanges" else "CidrIpv6": block})
    if kind == "PrefixListIds":
        own = known(world, "pl", account)
        of_aws = [name for name in known(world, "pl", "AWS") if world.lists[name]["name"].endswith(tuple(WEIGHTS))]
        names = own if own and rng.random() < 0.8 else of_aws
        return item | {"PrefixListId": an_id(rng, world, "pl", names)}
    near = [name for name in known(world, "sg") if group in world.groups and way(world, group, name)]
    far = _afar(world, group) if group in world.groups else []
    name = an_id(rng, world, "sg", far if far and rng.random() < 0.6 else near)
    if seldom(rng, 0.1):
        name = rng.choice(known(world, "sg"))
    others = world.groups[name]["account"] if name in world.groups else account
    if others != account or rng.random() < 0.2:
        item["UserId"] = one_of(rng, [others], [ACCOUNT, OTHER])
    if name in near and world.vpcs[world.groups[name]["vpc"]]["default"] and others == account and rng.random() < 0.3:
        return item | {"GroupName": world.groups[name]["name"]}
    return item | {"GroupId": name}


def service(rng: Random) -> Record:
    protocol, low, high = one_of(rng, SERVICES, BAD_SERVICES)
    given = {"IpProtocol": protocol, "FromPort": low, "ToPort": high}
    return {key: value for key, value in given.items() if value is not None}


def permission(rng: Random, world: World, account: str, group: str | None) -> Record:
    kinds = ("IpRanges", "IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs", "UserIdGroupPairs")
    given = service(rng)
    for _ in range(rng.choice((1, 1, 1, 2, 3)) if not seldom(rng, 0.02) else 0):
        kind = rng.choice(kinds)
        given.setdefault(kind, []).append(peer(rng, world, account, group, kind))
    return given


def authorize(rng: Random, world: World) -> Offer:
    account, named = a_group(rng, world)
    reaching = [name for name in known(world, "sg") if _afar(world, name)]
    if reaching and rng.random() < 0.4:
        named = {"GroupId": rng.choice(reaching)}
        account = world.groups[named["GroupId"]]["account"]
    direction = rng.choice(("Ingress", "Ingress", "Egress"))
    group = group_id(world, account, named)
    if rng.random() < 0.15 and (direction == "Ingress" or seldom(rng)):
        params = service(rng) | peer(rng, world, account, group, "IpRanges")
        params.pop("Description", None)
    else:
        params = {"IpPermissions": [permission(rng, world, account, group) for _ in range(rng.choice((1, 1, 2)))]}
        there = world.rules_of(group or "", direction == "Egress")
        if there and seldom(rng, 0.1):
            params["IpPermissions"].append(values_of(rng, world, rng.choice(list(there.values()))))
    return account, f"AuthorizeSecurityGroup{direction}", named | params | with_tags(rng, "security-group-rule")


def group_id(world: World, account: str, named: Record) -> str | None:
    if "GroupId" in named:
        return str(named["GroupId"])
    vpc = world.default_vpc(account)
    return next((i for i, g in world.groups.items() if (g["vpc"], g["name"]) == (vpc, named["GroupName"])), None)


def values_of(rng: Random, world: World, rule: Record) -> Record:
    """A permission that means the rule, seldom almost."""
    given = {"IpProtocol": rule["protocol"], "FromPort": rule["from"], "ToPort": rule["to"]}
    numbers = {"tcp": "6", "udp": "17", "icmp": "1", "icmpv6": "58"}
    if rng.random() < 0.2:
        given["IpProtocol"] = numbers.get(rule["protocol"], rule["protocol"])
    kind, peer = rule["peer"]
    member = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6", "PrefixListIds": "PrefixListId"}.get(kind, "GroupId")
    if seldom(rng) and rule["to"] is not None:
        given["ToPort"] = rule["to"] + 1
    if kind == "IpRanges" and peer.endswith("/8"):
        peer = rng.choice((peer, peer.replace("0.0.0", "9.9.9")))
    item = {member: peer}
    if kind == "UserIdGroupPairs" and peer in world.groups:
        item["UserId"] = world.groups[peer]["account"]
    return {key: value for key, value in given.items() if value is not None} | {kind: [item]}


def revoke(rng: Random, world: World) -> Offer:
    account, named = a_group(rng, world)
    direction = rng.choice(("Ingress", "Egress"))
    group = group_id(world, account, named) or ""
    rules = world.rules_of(group, direction == "Egress")
    operation = f"RevokeSecurityGroup{direction}"
    several = rng.choice((1, 1, 2))
    if rng.random() < 0.4:
        others = [name for name in world.rules_of(group) if name not in rules]
        ids = {an_id(rng, world, "sgr", one_of(rng, [list(rules)], [others], 0.2)) for _ in range(several)}
        return account, operation, named | {"SecurityGroupRuleIds": sorted(ids)}
    if rules and not seldom(rng, 0.3):
        wanted = rng.sample(list(rules), min(several, len(rules)))
        return account, operation, named | {"IpPermissions": [values_of(rng, world, rules[name]) for name in wanted]}
    return account, operation, named | {"IpPermissions": [permission(rng, world, account, group)]}


def modify_rules(rng: Random, world: World) -> Offer:
    account, named = a_group(rng, world)
    group = group_id(world, account, named) or ""
    rules = world.rules_of(group)
    updates = []
    for _ in range(rng.choice((1, 1, 1, 2))):
        name = an_id(rng, world, "sgr", list(rules))
        kind = world.rules[name]["peer"][0] if name in world.rules else "IpRanges"
        kind = one_of(rng, [kind], ["IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"], 0.15)
        item = peer(rng, world, account, group, kind)
        members = {"CidrIp": "CidrIpv4", "GroupId": "ReferencedGroupId", "UserId": "", "GroupName": ""}
        spec = service(rng) | {members.get(key, key): value for key, value in item.items() if members.get(key, key)}
        if seldom(rng, 0.03):
            spec["CidrIpv6"] = "::/0"
        updates.append({"SecurityGroupRuleId": name, "SecurityGroupRule": spec})
    if len(rules) > 1 and seldom(rng, 0.1):
        updates = _changing_places(world, *rng.sample(list(rules), 2))
    return account, "ModifySecurityGroupRules", {"GroupId": group or "sg-0", "SecurityGroupRules": updates}


def _changing_places(world: World, one: str, other: str) -> list[Record]:
    """Each of the two becomes what the other is."""
    return [
        {"SecurityGroupRuleId": here, "SecurityGroupRule": _whole(world.rules[there])}
        for here, there in ((one, other), (other, one))
    ]


def _whole(rule: Record) -> Record:
    kind, peer = rule["peer"]
    member = {"IpRanges": "CidrIpv4", "Ipv6Ranges": "CidrIpv6", "PrefixListIds": "PrefixListId"}
    ports = {} if rule["from"] is None else {"FromPort": rule["from"], "ToPort": rule["to"]}
    return {"IpProtocol": rule["protocol"], member.get(kind, "ReferencedGroupId"): peer} | ports


def describe_rules(rng: Random, world: World) -> Offer:
    account, named = a_group(rng, world)
    direction = rng.choice(("Ingress", "Egress"))
    rules = world.rules_of(group_id(world, account, named) or "", direction == "Egress")
    text = {"Description": one_of(rng, DESCRIPTIONS, BAD_DESCRIPTIONS)} if rng.random() < 0.8 else {}
    if rules and rng.random() < 0.5:
        given = values_of(rng, world, rules[rng.choice(list(rules))])
        for items in given.values():
            if isinstance(items, list):
                items[0] |= text
        params: Record = {"IpPermissions": [given]}
    else:
        item = {"SecurityGroupRuleId": an_id(rng, world, "sgr", list(rules))} | text
        params = {"SecurityGroupRuleDescriptions": [item]}
    return account, f"UpdateSecurityGroupRuleDescriptions{direction}", named | params


def associate(rng: Random, world: World) -> Offer:
    """And the end of it; mostly where rules refer to the group from the other VPC, in whatever way."""
    far = [rule for rule in world.rules.values() if rule["way"] != "here"]
    if far and rng.random() < 0.7:
        rule = rng.choice([rule for rule in far if rule["way"] == "associated" and rng.random() < 0.7] or far)
        group, vpc = rule["peer"][1], world.groups[rule["group"]]["vpc"]
        operation = (
            "DisassociateSecurityGroupVpc" if (group, vpc) in world.associations else "AssociateSecurityGroupVpc"
        )
        return world.groups[rule["group"]]["account"], operation, {"GroupId": group, "VpcId": vpc}
    if world.associations and rng.random() < 0.2:
        group, vpc = rng.choice(world.associations)
        account = world.groups[group]["account"]
        return account, "DisassociateSecurityGroupVpc", {"GroupId": group, "VpcId": vpc}
    own = [name for name, each in world.groups.items() if each["name"] != "default"]
    group = an_id(rng, world, "sg", own)
    account = owner(rng, world, "sg", group)
    others = [name for name in known(world, "vpc", account) if not world.vpcs[name]["default"]]
    vpc = an_id(rng, world, "vpc", others)
    operation = one_of(rng, ["AssociateSecurityGroupVpc"], ["DisassociateSecurityGroupVpc"])
    return account, operation, {"GroupId": group, "VpcId": vpc}
