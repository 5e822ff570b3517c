"""What the rules of a topology ask for: one row for each way in which traffic could satisfy one of its rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sgsim.model import (
    ANY_PROTOCOL,
    EVERYWHERE,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Direction,
    GroupReference,
    Interface,
    Network,
    PrefixListReference,
    Rule,
    Topology,
    UnknownPeer,
)

# Kinds: untracked; between two interfaces, of which the one with the rule receives, or sends; from and to outside.
OPEN, CALLED, CALLING, INBOUND, OUTBOUND = range(5)

_LOW = (1 << 64) - 1

Owner = TypeVar("Owner", str, tuple[str, ...])


class Offers(NamedTuple):
    """n offers, one array of length n for each field. ``local`` and ``remote`` are places in ``Members``; ``remote``
    is -1 where the peer is a network, which is then ``hi``, ``lo`` and ``hi_hosts``, ``lo_hosts`` (its host bits)."""

    kind: NDArray[np.uint8]  # OPEN, CALLED, CALLING, INBOUND or OUTBOUND
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


def offers_of(topology: Topology, gate: tuple[Interface, Direction] | None = None) -> tuple[Offers, Members]:
    """What the rules of one gate ask for, or those of all.

    Rules whose traffic has no ports (ESP, say), or whose peer has no known address, offer nothing.
    """
    owners = _Owners(topology)
    gates = [(groups, direction) for groups in owners.lists for direction in Direction]
    if gate is not None:
        gates = [(gate[0].group_ids, gate[1])]
    rows = [row for group_ids, direction in gates for row in _rows(topology, owners, group_ids, direction)]
    columns = zip(*rows, strict=True) if rows else [[]] * len(Offers._fields)
    offers = Offers._make(np.array(column, dtype=dtype) for column, dtype in zip(columns, _DTYPES, strict=True))
    return offers, owners.members()


class _Owners:
    """Who has which addresses: the interfaces with the same list of groups, and those with the same group."""

    def __init__(self, topology: Topology) -> None:
        self.lists: dict[tuple[str, ...], int] = {}  # the place of its IPv4 addresses in Members
        self.groups: dict[str, int] = {}
        self._addresses: list[list[int]] = []  # by the place
        for interface in topology.interfaces.values():
            if interface.group_ids:
                places = [self._place(self.lists, interface.group_ids)]
                places += [self._place(self.groups, group_id) for group_id in interface.group_ids]
                for address in interface.addresses:
                    for place in places:
                        self._addresses[place + (address.version == 6)].append(int(address))

    def _place(self, places: dict[Owner, int], owner: Owner) -> int:
        if owner not in places:
            places[owner] = len(self._addresses)
            self._addresses += [[], []]
        return places[owner]

    def has_others(self, remote: int, local: int) -> bool:
        """Whether the one has an address for each of the other's to talk to."""
        found = self._addresses[remote]
        return len(found) > 1 or (len(found) == 1 and found[0] not in self._addresses[local])

    def has_any(self, place: int) -> bool:
        return bool(self._addresses[place])

    def members(self) -> Members:
        numbers = [number for found in self._addresses for number in found]
        return Members(
            begins=np.cumsum([0, *map(len, self._addresses)], dtype=np.int64),
            hi=np.array([number >> 64 for number in numbers], dtype=np.uint64),
            lo=np.array([number & _LOW for number in numbers], dtype=np.uint64),
        )


def _rows(
    topology: Topology, owners: _Owners, group_ids: tuple[str, ...], direction: Direction
) -> Iterator[tuple[int, ...]]:
    """Rows of Offers from the rules of one list of groups."""
    known = [topology.groups[group_id] for group_id in group_ids if group_id in topology.groups]
    free = set(_wide_open(rule for group in known for rule in group.rules(direction.opposite)))
    inward = direction is Direction.INGRESS
    for rule in (rule for group in known for rule in group.rules(direction)):
        for network, group in _peers(topology, owners, rule):
            six = network.version == 6
            local = owners.lists[group_ids] + six
            remote = -1 if group is None else group + six
            if not owners.has_any(local) or (group is not None and not owners.has_others(remote, local)):
                continue
            base, hosts = int(network.network_address), int(network.hostmask)
            for protocol, low, high in _services(rule, network.version):
                if group is not None:
                    kind = CALLED if inward else CALLING
                elif inward and network.prefixlen == 0 and (protocol, network.version) in free:
                    kind = OPEN
                else:
                    kind = INBOUND if inward else OUTBOUND
                yield (
                    *(kind, protocol, six, low, high, local, remote),
                    *(base >> 64, base & _LOW, hosts >> 64, hosts & _LOW),
                )


def _peers(topology: Topology, owners: _Owners, rule: Rule) -> Iterator[tuple[Network, int | None]]:
    """The networks that the rule's peer stands for; of a group, everywhere, and its place in Members."""
    if isinstance(rule.peer, GroupReference):
        place = owners.groups.get(rule.peer.group_id)
        if place is not None:
            yield from ((everywhere, place) for everywhere in EVERYWHERE.values())
    elif isinstance(rule.peer, PrefixListReference):
        found = topology.prefix_lists.get(rule.peer.prefix_list_id)
        yield from ((entry, None) for entry in (found.entries if found else None) or ())
    elif not isinstance(rule.peer, UnknownPeer):
        yield rule.peer, None


def _wide_open(rules: Iterable[Rule]) -> Iterator[tuple[int, int]]:
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
