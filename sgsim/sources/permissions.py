"""IpPermissions and SecurityGroupRules -> rules, each with one peer and one name."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

from sgsim.model import Direction, GroupReference, Peer, PrefixListReference, Rule, SecurityGroup
from sgsim.sources import shapes
from sgsim.sources.checks import network, port_range, protocol_number
from sgsim.sources.joining import Joined
from sgsim.sources.places import Notes, Place

#: What makes two rules of a group the same, as AWS sees it: descriptions do not count, nor whose VPC a peer is in.
_Identity = tuple[Direction, int, int | None, int | None, object]
#: The rules of SecurityGroupRules that have no counterpart yet, by group and identity, in their order.
_Spare = dict[_Identity, deque[Rule]]


def security_groups(
    groups: Joined[shapes.SecurityGroup], listed: Joined[shapes.SecurityGroupRule], notes: Notes
) -> dict[str, SecurityGroup]:
    """All groups: SecurityGroups with ids and descriptions from SecurityGroupRules, then those only in the latter."""
    rules_of: dict[str, list[Rule]] = defaultdict(list)
    for place, record in listed.values():
        rules_of[record.group_id].append(_listed_rule(record, place, notes))
    found: dict[str, SecurityGroup] = {}
    for group_id, (place, group) in groups.items():
        rules = rules_of.pop(group_id, [])
        if group.ip_permissions is None and group.ip_permissions_egress is None:
            if not rules:
                notes.doubt(place.refusal(f"{group_id} has neither IpPermissions nor IpPermissionsEgress"))
            found[group_id] = _from_listed(group_id, group.group_name or "", group.vpc_id, rules)
        else:
            found[group_id] = _group(group, rules, place, notes)
        if not group.vpc_id:
            problem = f"{group_id} has no VpcId: EC2-Classic is no more"
            notes.doubt(place.refusal(problem, "save the command's output unmodified"))
    for group_id, rules in rules_of.items():
        found[group_id] = _from_listed(group_id, "", None, rules)
    _warn_of_duplicates(found.values(), {name: place for name, (place, _) in groups.items()}, listed, notes)
    return found


def _from_listed(group_id: str, name: str, vpc_id: str | None, rules: list[Rule]) -> SecurityGroup:
    return SecurityGroup(
        group_id,
        name,
        vpc_id,
        ingress=_numbered(rule for rule in rules if rule.direction is Direction.INGRESS),
        egress=_numbered(rule for rule in rules if rule.direction is Direction.EGRESS),
    )


def _numbered(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Rules without an AWS id get one from their place among their group's rules of one direction."""
    return tuple(_named(rule, number) if not rule.rule_id else rule for number, rule in enumerate(rules))


def _named(rule: Rule, number: int, description: str = "") -> Rule:
    return Rule(
        f"{rule.group_id}/{rule.direction}/{number}",
        rule.group_id,
        rule.direction,
        rule.protocol,
        rule.from_port,
        rule.to_port,
        rule.peer,
        rule.description or description,
    )


def _group(group: shapes.SecurityGroup, rules: list[Rule], place: Place, notes: Notes) -> SecurityGroup:
    spare: _Spare = defaultdict(deque)
    for rule in rules:
        spare[_identity(rule)].append(rule)
    given = bool(rules)
    found, nameless = {}, 0
    for direction, key, permissions in (
        (Direction.INGRESS, "IpPermissions", group.ip_permissions),
        (Direction.EGRESS, "IpPermissionsEgress", group.ip_permissions_egress),
    ):
        merged = []
        for number, rule in enumerate(_rules(group.group_id, direction, permissions or (), place.at(key), notes)):
            twin = spare.get(_identity(rule)) if given else None
            nameless += given and not twin
            merged.append(_identified(rule, twin.popleft(), number) if twin else _named(rule, number))
        found[direction] = tuple(merged)
    left = sum(len(twins) for twins in spare.values())
    if given and (nameless or left):
        problem = (
            f"{group.group_id} differs between SecurityGroups and SecurityGroupRules "
            f"({nameless} rules only in the former, {left} only in the latter): the former counts"
        )
        notes.doubt(place.refusal(problem, "save both at the same time, all pages of them"))
    return SecurityGroup(
        group.group_id, group.group_name or "", group.vpc_id, found[Direction.INGRESS], found[Direction.EGRESS]
    )


def _identified(rule: Rule, twin: Rule, number: int) -> Rule:
    """The rule of an IpPermission with id and description of its twin in SecurityGroupRules."""
    if not twin.rule_id:
        return _named(rule, number, twin.description)
    return Rule(
        twin.rule_id,
        rule.group_id,
        rule.direction,
        rule.protocol,
        rule.from_port,
        rule.to_port,
        rule.peer,
        twin.description or rule.description,
    )


def _rules(
    group_id: str, direction: Direction, permissions: Iterable[shapes.IpPermission], place: Place, notes: Notes
) -> Iterator[Rule]:
    """The rules of one direction in credit order, without names."""
    for number, permission in enumerate(permissions):
        here = place.at(number)
        protocol = protocol_number(permission.ip_protocol, here.at("IpProtocol"))
        first, last = port_range(protocol, permission.from_port, permission.to_port, here)
        peer = None
        for peer, description in _peers(permission, here, notes):
            yield Rule("", group_id, direction, protocol, first, last, peer, description or "")
        if peer is None:
            raise here.refusal(
                "has no peer", "one of IpRanges, Ipv6Ranges, PrefixListIds, UserIdGroupPairs must name one"
            )


def _peers(permission: shapes.IpPermission, place: Place, notes: Notes) -> Iterator[tuple[Peer, str | None]]:
    for number, range4 in enumerate(permission.ip_ranges or ()):
        yield network(range4.cidr_ip, 4, place.at(f"IpRanges[{number}].CidrIp"), notes), range4.description
    for number, range6 in enumerate(permission.ipv6_ranges or ()):
        yield network(range6.cidr_ipv6, 6, place.at(f"Ipv6Ranges[{number}].CidrIpv6"), notes), range6.description
    for listed in permission.prefix_list_ids or ():
        yield PrefixListReference(listed.prefix_list_id), listed.description
    for pair in permission.user_id_group_pairs or ():
        yield _reference(pair), pair.description


def _reference(group: shapes.UserIdGroupPair | shapes.ReferencedGroup) -> GroupReference:
    return GroupReference(group.group_id, group.vpc_id, group.vpc_peering_connection_id, group.peering_status)


def _listed_rule(record: shapes.SecurityGroupRule, place: Place, notes: Notes) -> Rule:
    """One of SecurityGroupRules. There -1 stands for ports that do not apply."""
    protocol = protocol_number(record.ip_protocol, place.at("IpProtocol"))
    first, last = port_range(protocol, record.from_port, record.to_port, place)
    peers: list[Peer] = []
    if record.cidr_ipv4 is not None:
        peers.append(network(record.cidr_ipv4, 4, place.at("CidrIpv4"), notes))
    if record.cidr_ipv6 is not None:
        peers.append(network(record.cidr_ipv6, 6, place.at("CidrIpv6"), notes))
    if record.prefix_list_id is not None:
        peers.append(PrefixListReference(record.prefix_list_id))
    if record.referenced_group_info is not None:
        peers.append(_reference(record.referenced_group_info))
    if len(peers) != 1:
        problem = f"names {len(peers)} peers"
        raise place.refusal(problem, "give one of CidrIpv4, CidrIpv6, PrefixListId, ReferencedGroupInfo")
    direction = Direction.EGRESS if record.is_egress else Direction.INGRESS
    return Rule(
        record.security_group_rule_id or "",
        record.group_id,
        direction,
        protocol,
        first,
        last,
        peers[0],
        record.description or "",
    )


def _identity(rule: Rule) -> _Identity:
    peer = rule.peer.group_id if isinstance(rule.peer, GroupReference) else rule.peer
    return rule.direction, rule.protocol, rule.from_port, rule.to_port, peer


def _warn_of_duplicates(
    groups: Iterable[SecurityGroup],
    places: dict[str, Place],
    listed: Joined[shapes.SecurityGroupRule],
    notes: Notes,
) -> None:
    for group in groups:
        twice = duplicates(group)
        if not twice:
            continue
        place = places.get(group.group_id)
        if place is None:  # known from SecurityGroupRules alone
            place = next(where for where, record in listed.values() if record.group_id == group.group_id)
        notes.doubt(place.refusal(duplicates_text(twice), "AWS lists each rule once: remove the second"))


def duplicates(group: SecurityGroup) -> list[tuple[Rule, Rule]]:
    """Pairs of equal rules: the first one and its repetition."""
    first: dict[_Identity, Rule] = {}
    twice = []
    for rule in group.ingress + group.egress:
        earlier = first.setdefault(_identity(rule), rule)
        if earlier is not rule:
            twice.append((earlier, rule))
    return twice


def duplicates_text(twice: list[tuple[Rule, Rule]]) -> str:
    shown = ", ".join(f"{second.rule_id} repeats {first.rule_id}" for first, second in twice[:3])
    more = f" and {len(twice) - 3} more" if len(twice) > 3 else ""
    return f"rules listed twice: {shown}{more}"
