"""Drafts -> Topology: rules named and put into their groups, interfaces with the groups that they have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from sgsim.errors import InputError
from sgsim.model import (
    ANY_PROTOCOL,
    EVERYWHERE,
    Direction,
    GroupReference,
    Interface,
    Peer,
    PrefixListReference,
    Rule,
    SecurityGroup,
    Topology,
    UnknownPeer,
)
from sgsim.sources.infrastructure.drafts import Doubts, Drafts, GroupDraft, InterfaceDraft, RuleDraft
from sgsim.sources.infrastructure.values import Unknown
from sgsim.sources.infrastructure.vpcs import place_in_vpcs
from sgsim.sources.interfaces import warn_if_unfiltered
from sgsim.sources.places import Place
from sgsim.sources.references import check_references, refuse_shared_addresses

_MOST_NAMES = 10


def assemble(drafts: Drafts, doubts: Doubts) -> Topology:
    """The topology of the drafts, which are completed on the way. Raises InputError."""
    _add_missing_groups(drafts, doubts)
    place_in_vpcs(drafts, doubts)
    interfaces = {name: _interface(draft, doubts) for name, draft in drafts.interfaces.items()}
    refuse_shared_addresses(interfaces, {name: draft.place for name, draft in drafts.interfaces.items()})
    joinable = _joinable(drafts)
    apart: dict[str, list[RuleDraft]] = defaultdict(list)
    for group_id, rule in drafts.rules:
        apart[group_id].append(rule)
    groups = {name: _group(group, apart[name], drafts, joinable, doubts) for name, group in drafts.groups.items()}
    topology = Topology(
        groups=groups,
        interfaces=interfaces,
        prefix_lists=drafts.prefix_lists,
        vpcs=drafts.vpcs,
        subnets=drafts.subnets,
        peerings=drafts.peerings,
        associations=tuple(dict.fromkeys(drafts.associations)),
    )
    _note_interfaces(drafts, doubts)
    remedy = "it is not made here: what only such a rule might admit is unresolved"
    check_references(doubts.source, topology, doubts.notes, remedy=remedy, joinable=joinable)
    return replace(topology, warnings=doubts.notes.warnings)


# --- groups -----------------------------------------------------------------------------------------------------------


def _add_missing_groups(drafts: Drafts, doubts: Doubts) -> None:
    """A group for each that interfaces have and rules belong to without its being made here: its rules are unknown."""
    rest = "what only its rules might admit is unresolved"
    asked: dict[str, InputError] = {}
    for name, draft in drafts.interfaces.items():
        for group in draft.groups:
            group_id = group.name if isinstance(group, Unknown) else group
            if group_id in drafts.groups or group_id in asked:
                continue
            problem = f"{name} has the security group {group_id}, which is not made here: {rest}"
            if isinstance(group, Unknown):
                problem = f"which security groups {name} has is known only {doubts.when}: {rest}"
            asked[group_id] = draft.place.refusal(problem)
    for group_id, rule in drafts.rules:
        if group_id not in drafts.groups and group_id not in asked:
            problem = f"its group {group_id} is not made here: what only other rules of it might admit is unresolved"
            asked[group_id] = Place(doubts.source, rule.rule_id).refusal(problem)
    for group_id, doubt in asked.items():
        drafts.groups[group_id] = GroupDraft(Place(doubts.source, group_id), group_id, whole=False)
        doubts.notes.doubt(doubt)
    for made in drafts.groups.values():
        if not made.whole:
            made.rules += [_any_rule(made.group_id, direction) for direction in Direction]


def _any_rule(group_id: str, direction: Direction) -> RuleDraft:
    name = f"{group_id}/{direction}/unknown"
    return RuleDraft(direction, ANY_PROTOCOL, None, None, (UnknownPeer(group_id),), rule_id=name)


def _joinable(drafts: Drafts) -> set[str]:
    """Groups that other interfaces have than those that are known, or these at addresses that are not."""
    found = drafts.carried | {name for name, group in drafts.groups.items() if not group.whole}
    for draft in drafts.interfaces.values():
        if not draft.addressed:
            found |= {group for group in draft.groups if isinstance(group, str)}
    return found


def _group(
    draft: GroupDraft, apart: list[RuleDraft], drafts: Drafts, joinable: Collection[str], doubts: Doubts
) -> SecurityGroup:
    """``apart``: the group's rules that are resources by themselves."""
    rules = [*draft.rules, *apart]
    made: dict[Direction, tuple[Rule, ...]] = {}
    for direction in Direction:
        listed = [rule for rule in rules if rule.direction is direction]
        if direction is Direction.EGRESS and draft.open_egress:
            listed.insert(0, _open_egress(draft, drafts))
        named = _named(draft.group_id, listed, joinable, drafts.incomplete_lists)
        made[direction] = _each_once(named, draft.place, doubts)
    return SecurityGroup(draft.group_id, draft.name, draft.vpc_id, made[Direction.INGRESS], made[Direction.EGRESS])


def _open_egress(draft: GroupDraft, drafts: Drafts) -> RuleDraft:
    """AWS's own egress rules: the one for IPv6 where the VPC has an IPv6 CIDR (VPC user guide, default rules)."""
    has_ipv6 = draft.vpc_id in drafts.ipv6_vpcs or any(
        owned.version == 6
        for each in drafts.interfaces.values()
        if each.interface.vpc_id == draft.vpc_id
        for owned in (*each.interface.addresses, *each.interface.prefixes)
    )
    peers = (EVERYWHERE[4], EVERYWHERE[6]) if has_ipv6 else (EVERYWHERE[4],)
    return RuleDraft(Direction.EGRESS, ANY_PROTOCOL, None, None, peers)


def _named(
    group_id: str, drafts: Iterable[RuleDraft], joinable: Collection[str], incomplete: Collection[str]
) -> Iterator[Rule]:
    """A rule for each peer, and an unresolved one beside it where the peer stands for more than is known."""
    number = 0
    for draft in drafts:
        for place, peer in enumerate(draft.peers):
            if not draft.rule_id:
                name, number = f"{group_id}/{draft.direction}/{number}", number + 1
            else:
                name = draft.rule_id if len(draft.peers) == 1 else f"{draft.rule_id}/{place}"
            ports = draft.protocol, draft.from_port, draft.to_port
            yield Rule(name, group_id, draft.direction, *ports, peer, draft.description)
            rest = _rest(peer, joinable, incomplete)
            if rest is not None:
                yield Rule(f"{name}/unknown", group_id, draft.direction, *ports, rest, draft.description)


def _rest(peer: Peer, joinable: Collection[str], incomplete: Collection[str]) -> UnknownPeer | None:
    if isinstance(peer, GroupReference) and peer.group_id in joinable:
        return UnknownPeer(peer.group_id)
    if isinstance(peer, PrefixListReference) and peer.prefix_list_id in incomplete:
        return UnknownPeer(peer.prefix_list_id)
    return None


def _each_once(rules: Iterable[Rule], place: Place, doubts: Doubts) -> tuple[Rule, ...]:
    """A rule that is written in the group and is a resource too is one: it goes by the resource's name."""
    found: dict[object, Rule] = {}
    for rule in rules:
        key = (rule.protocol, rule.from_port, rule.to_port, rule.peer)
        first = found.setdefault(key, rule)
        if first is rule:
            continue
        numbered = first.rule_id.startswith(f"{rule.group_id}/{rule.direction}/")
        if numbered and not rule.rule_id.startswith(f"{rule.group_id}/{rule.direction}/"):
            found[key] = replace(first, rule_id=rule.rule_id, description=rule.description or first.description)
        elif not isinstance(rule.peer, UnknownPeer):
            problem = f"rules listed twice: {rule.rule_id} repeats {first.rule_id}"
            doubts.notes.doubt(place.refusal(problem, "AWS refuses the second: remove it"))
    return tuple(found.values())


# --- interfaces -------------------------------------------------------------------------------------------------------


def _interface(draft: InterfaceDraft, doubts: Doubts) -> Interface:
    groups = tuple(dict.fromkeys(each.name if isinstance(each, Unknown) else each for each in draft.groups))
    interface = replace(draft.interface, group_ids=groups)
    warn_if_unfiltered(interface.interface_id, interface.interface_type, groups, draft.place, doubts.notes)
    return interface


def _note_interfaces(drafts: Drafts, doubts: Doubts) -> None:
    hidden = [name for name, draft in drafts.interfaces.items() if not draft.addressed]
    if hidden:
        problem = f"addresses that are known only {doubts.when}: {_names(hidden)}: no packet is theirs"
        doubts.notes.note(Place(doubts.source).refusal(problem))
    if drafts.carriers:
        problem = f"the interfaces of these are not here: {_names(drafts.carriers)}: no packet is judged at them"
        doubts.notes.note(Place(doubts.source).refusal(problem))


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
