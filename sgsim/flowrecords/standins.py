"""A topology that can judge records which do not give the type of ICMP.

A protocol number that nobody uses stands for ICMP among the rules that admit it whatever its type, another one among
those that admit some type of it. So rules, connections and timers are the engine's own, as for any protocol without
ports: one side's record opens the way for the other's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.errors import SelectionError
from sgsim.model import ICMP, ICMPV6, TCP, UDP, Address, Interface, Rule, Topology

_PLACES = {ICMP: 0, ICMPV6: 1}  # in StandIns.protocols: by IP version
_UNASSIGNED = range(252, 147, -1)  # IANA, "Assigned Internet Protocol Numbers"

# An interface whose address of an IP version the snapshot does not say goes by one of these: addresses that no VPC has
# (RFC 1112, section 4: class E; RFC 6666: discard prefix).
_NOBODY_V4, _NOBODY_V6 = int(IPv4Address("240.0.0.1")), int(IPv6Address("100::1"))


class StandIns(NamedTuple):
    """``topology``: with stand-ins in its rules, and an address of either IP version for each interface.

    ``protocols``, int16, shape (2, 2, 256): by certainty (whatever the type; some type), IP version (4, 6) and protocol
    of a record: the number that stands for it; -1 in the second where it would say the same as the first.
    ``rule_places``, int32: the place among the given topology's rules of each rule.
    """

    topology: Topology
    protocols: NDArray[np.int16]
    rule_places: NDArray[np.int32]


def stand_ins(topology: Topology) -> StandIns:
    """Raises SelectionError if rules use so many protocol numbers that none is left."""
    rules = topology.rules()
    certain, some = {}, {}
    free = _unused(rule.protocol for rule in rules)
    typed = any(rule.protocol in _PLACES and not _admits_all_types(rule) for rule in rules)
    for protocol in _PLACES:
        certain[protocol], some[protocol] = next(free), next(free)
    other = next(free)
    protocols = np.tile(np.arange(256, dtype=np.int16), (2, 2, 1))
    protocols[0, :, [*certain.values(), *some.values()]] = other  # they are not ICMP where they are themselves
    protocols[1] = -1
    for protocol, place in _PLACES.items():
        protocols[0, place, protocol] = certain[protocol]
        protocols[1, place, protocol] = some[protocol] if typed else -1
    places: list[int] = []
    groups = {}
    number = 0
    for group in topology.groups.values():
        made: list[tuple[Rule, ...]] = []
        for own in (group.ingress, group.egress):
            parts = [_stood_for(rule, certain, some) for rule in own]
            places += [number + n for n, part in enumerate(parts) for _ in part]
            number += len(own)
            made.append(tuple(rule for part in parts for rule in part))
        groups[group.group_id] = replace(group, ingress=made[0], egress=made[1])
    interfaces = {i.interface_id: _with_addresses(i, n) for n, i in enumerate(topology.interfaces.values())}
    judged = replace(topology, groups=groups, interfaces=interfaces)
    return StandIns(judged, protocols, np.array(places, dtype=np.int32))


def _unused(named: Iterable[int]) -> Iterator[int]:
    taken = {*named, *_PLACES, TCP, UDP}
    yield from (number for number in (*_UNASSIGNED, *range(147, -1, -1), 253, 254, 255) if number not in taken)
    raise SelectionError("the rules name nearly all protocol numbers: none is left to stand for ICMP without a type")


def _admits_all_types(rule: Rule) -> bool:
    return rule.from_port in (None, -1)


def _stood_for(rule: Rule, certain: dict[int, int], some: dict[int, int]) -> Sequence[Rule]:
    """The rules that take the place of one, in its place."""
    if rule.protocol not in _PLACES:
        return (rule,)
    widest = replace(rule, from_port=None, to_port=None)
    of_some = replace(widest, protocol=some[rule.protocol])
    if not _admits_all_types(rule):
        return (of_some,)
    return replace(widest, protocol=certain[rule.protocol]), of_some


def _with_addresses(interface: Interface, number: int) -> Interface:
    """The interface with an address of either IP version."""
    more: list[Address] = []
    if interface.primary(4) is None:
        more.append(IPv4Address(_NOBODY_V4 + number))
    if interface.primary(6) is None:
        more.append(IPv6Address(_NOBODY_V6 + number))
    return replace(interface, addresses=(*interface.addresses, *more)) if more else interface
