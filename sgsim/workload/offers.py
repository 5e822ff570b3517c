"""What the rules of a topology ask for: one row for each way in which traffic could satisfy one of its rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.model import (
    ANY_PROTOCOL,
    EVERYWHERE,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Address,
    Direction,
    GroupReference,
    Network,
    PrefixListReference,
    Rule,
    Topology,
)

OPEN, PAIR, INBOUND, OUTBOUND = range(4)  # untracked; between two interfaces; from outside; to outside

_LOW = (1 << 64) - 1


class Offers(NamedTuple):
    """n offers, one array of length n for each field. ``local`` and ``remote`` are places in ``Members``; ``remote``
    is -1 where the peer is a network, which is then ``hi``, ``lo`` and ``hi_hosts``, ``lo_hosts`` (its host bits)."""

    kind: NDArray[np.uint8]  # OPEN, PAIR (the interface receives), INBOUND or OUTBOUND
    protocol: NDArray[np.uint8]  # TCP, UDP or ICMP, which stands for ICMPv6 as well
    v6: NDArray[np.bool_]
    low: NDArray[np.int64]  # destination ports
    high: NDArray[np.int64]
    local: NDArray[np.int64]
    remote: NDArray[np.int64]
    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]
    hi_hosts: NDArray[np.uint64]
    lo_hosts: NDArray[np.uint64]


_DTYPES = (np.uint8, np.uint8, np.bool_, *[np.int64] * 4, *[np.uint64] * 4)  # of the fields of Offers


class Members(NamedTuple):
    """Primary addresses of the interfaces that have a list of groups, or a group: those of the k-th list or group
    stand from ``begins[k]`` to ``begins[k + 1]``, where a list has one place for IPv4 and the next one for IPv6."""

    begins: NDArray[np.int64]
    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]


def offers_of(topology: Topology) -> tuple[Offers, Members]:
    """Rules whose traffic has no ports (ESP, say), or whose peer has no known address, offer nothing."""
    lists: dict[tuple[str, ...], list[Address]] = {}
    groups: dict[str, list[Address]] = {}
    for interface in topology.interfaces.values():
        addresses = [a for a in (interface.primary(4), interface.primary(6)) if a is not None]
        if interface.group_ids:
            lists.setdefault(interface.group_ids, []).extend(addresses)
        for group_id in interface.group_ids:
            groups.setdefault(group_id, []).extend(addresses)
    owners = {("list", group_ids): found for group_ids, found in lists.items()}
    owners |= {("group", (group_id,)): found for group_id, found in groups.items()}
    places = {owner: 2 * place for place, owner in enumerate(owners)}
    members = _members(owners.values())
    sizes = np.diff(members.begins).tolist()
    rows = [row for group_ids in lists for row in _rows(topology, group_ids, places, sizes)]
    columns = zip(*rows, strict=True) if rows else [[]] * len(Offers._fields)
    offers = Offers._make(np.array(column, dtype=dtype) for column, dtype in zip(columns, _DTYPES, strict=True))
    return offers, members


def _members(owners: Iterable[list[Address]]) -> Members:
    found = [[int(a) for a in addresses if a.version == version] for addresses in owners for version in (4, 6)]
    numbers = [number for part in found for number in part]
    return Members(
        begins=np.cumsum([0, *map(len, found)], dtype=np.int64),
        hi=np.array([number >> 64 for number in numbers], dtype=np.uint64),
        lo=np.array([number & _LOW for number in numbers], dtype=np.uint64),
    )


def _rows(
    topology: Topology, group_ids: tuple[str, ...], places: dict[tuple[str, tuple[str, ...]], int], sizes: list[int]
) -> Iterator[tuple[int, ...]]:
    """Rows of Offers from the rules of one list of groups."""
    known = [topology.groups[group_id] for group_id in group_ids if group_id in topology.groups]
    rules = {d: [rule for group in known for rule in group.rules(d)] for d in Direction}
    open_to = {d: set(_wide_open(rules[d])) for d in Direction}
    for direction in Direction:
        outside = INBOUND if direction is Direction.INGRESS else OUTBOUND
        for rule in rules[direction]:
            if isinstance(rule.peer, GroupReference):
                remote = places.get(("group", (rule.peer.group_id,)))
                networks = list(EVERYWHERE.values()) if remote is not None and direction is Direction.INGRESS else []
            else:
                remote, networks = None, _networks(topology, rule)
            for network in networks:
                six = network.version == 6
                local = places["list", group_ids] + six
                if not sizes[local] or (remote is not None and sizes[remote + six] < 2):
                    continue
                base, hosts = int(network.network_address), int(network.hostmask)
                for protocol, low, high in _services(rule, network.version):
                    is_open = network.prefixlen == 0 and (protocol, network.version) in open_to[direction.opposite]
                    kind = PAIR if remote is not None else OPEN if is_open and outside == INBOUND else outside
                    yield (
                        *(kind, protocol, six, low, high, local, -1 if remote is None else remote + six),
                        *(base >> 64, base & _LOW, hosts >> 64, hosts & _LOW),
                    )


def _networks(topology: Topology, rule: Rule) -> list[Network]:
    if isinstance(rule.peer, PrefixListReference):
        found = topology.prefix_lists.get(rule.peer.prefix_list_id)
        return list(found.entries or ()) if found else []
    assert not isinstance(rule.peer, GroupReference)
    return [rule.peer]


def _wide_open(rules: list[Rule]) -> Iterator[tuple[int, int]]:
    """Protocol and IP version of what these rules admit on all ports and from everywhere, in one rule."""
    for rule in rules:
        for version, everywhere in EVERYWHERE.items():
            if rule.peer == everywhere:
                for protocol, low, high in _services(rule, version):
                    if (low, high) == (0, 65_535):
                        yield protocol, version


def _services(rule: Rule, version: int) -> Iterator[tuple[int, int, int]]:
    """Protocols and destination ports of the rule, as far as they are TCP, UDP or echo requests."""
    if rule.protocol == ANY_PROTOCOL:
        yield from ((TCP, 0, 65_535), (UDP, 0, 65_535), (ICMP, 0, 0))
    elif rule.protocol in (TCP, UDP) and rule.from_port is not None and rule.to_port is not None:
        yield rule.protocol, rule.from_port, rule.to_port
    elif (rule.protocol, version) in ((ICMP, 4), (ICMPV6, 6)):
        echo = 8 if version == 4 else 128
        if rule.from_port in (-1, echo) and rule.to_port in (-1, 0):
            yield ICMP, 0, 0
