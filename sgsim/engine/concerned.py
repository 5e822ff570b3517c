"""Whom a change concerns: the interfaces at whose gates something may be decided otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from sgsim.model import (
    GroupReference,
    Interface,
    PrefixList,
    PrefixListReference,
    Rule,
    SecurityGroup,
    Subnet,
    Topology,
    Vpc,
)

Record = TypeVar("Record")


def concerned(before: Topology, after: Topology) -> set[str]:
    """The ids of the interfaces, of either topology, whose own settings, groups, rules or the rules' peers differ.

    More may be named than decide otherwise, but none that does is left out; descriptions, names of groups and public
    addresses decide nothing. Records that are shared by both topologies cost next to nothing.
    """
    if any(getattr(before, each) != getattr(after, each) for each in ("peerings", "associations", "auto_tracked")):
        return {*before.interfaces, *after.interfaces}
    places = {name for name in _different(before.vpcs, after.vpcs) if not _same_cidr(before.vpcs, after.vpcs, name)}
    places |= {
        name
        for name in _different(before.subnets, after.subnets)
        if not _same_cidr(before.subnets, after.subnets, name)
    }
    moved = {
        name for name in _different(before.interfaces, after.interfaces) if not _same_interface(name, before, after)
    }
    groups = {name for name in _different(before.groups, after.groups) if not _same_group(name, before, after)}
    lists = {
        name
        for name in _different(before.prefix_lists, after.prefix_lists)
        if _entries(before.prefix_lists.get(name)) != _entries(after.prefix_lists.get(name))
    }
    members = {group_id for interface in _of(moved, before, after) for group_id in interface.group_ids}
    peers = members | lists | {name for name in groups if _vpc(name, before) != _vpc(name, after)}
    if peers:
        groups |= {group_id for each in (before, after) for group_id in _referring(each, peers)}
    having = {
        name
        for each in (before, after)
        for name, interface in each.interfaces.items()
        if not groups.isdisjoint(interface.group_ids) or not places.isdisjoint((interface.vpc_id, interface.subnet_id))
    }
    return moved | having


def _different(one: Mapping[str, Record], other: Mapping[str, Record]) -> Iterator[str]:
    """The names of records that are not the very same in both."""
    yield from (name for name, record in one.items() if other.get(name) is not record)
    yield from (name for name in other if name not in one)


def _of(names: set[str], *topologies: Topology) -> Iterator[Interface]:
    return (each.interfaces[name] for each in topologies for name in names if name in each.interfaces)


def _same_interface(name: str, before: Topology, after: Topology) -> bool:
    found = [replace(each, name="", public_addresses=()) for each in _of({name}, before, after)]
    return len(found) == 2 and found[0] == found[1]


def _same_group(name: str, before: Topology, after: Topology) -> bool:
    one, other = before.groups.get(name), after.groups.get(name)
    if one is None or other is None:
        return False
    return one.vpc_id == other.vpc_id and list(map(_rule, _rules(one))) == list(map(_rule, _rules(other)))


def _vpc(name: str, topology: Topology) -> tuple[str | None, ...]:
    """The group's VPC, or () where there is no such group: a reference to it stands for its members, not its rules."""
    return (topology.groups[name].vpc_id,) if name in topology.groups else ()


def _rules(group: SecurityGroup) -> tuple[Rule, ...]:
    return (*group.ingress, *group.egress)


def _rule(rule: Rule) -> tuple[object, ...]:
    return rule.rule_id, rule.direction, rule.protocol, rule.from_port, rule.to_port, rule.peer


def _same_cidr(before: Mapping[str, Vpc | Subnet], after: Mapping[str, Vpc | Subnet], name: str) -> bool:
    """Whose resolver, or router, has the same address."""
    one, other = before.get(name), after.get(name)
    return (one and one.cidr) == (other and other.cidr)


def _entries(listed: PrefixList | None) -> object:
    return None if listed is None else (listed.family, listed.entries)


def _referring(topology: Topology, peers: set[str]) -> Iterator[str]:
    """The groups with a rule for one of these groups or prefix lists."""
    for group_id, group in topology.groups.items():
        for rule in _rules(group):
            peer = rule.peer
            if isinstance(peer, GroupReference | PrefixListReference) and _peer(peer) in peers:
                yield group_id
                break


def _peer(peer: GroupReference | PrefixListReference) -> str:
    return peer.group_id if isinstance(peer, GroupReference) else peer.prefix_list_id
