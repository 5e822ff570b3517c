"""The table of answers of one list of groups in one direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.addresses import AddressLine
from sgsim.compile.classes import Ranges, classify, covers
from sgsim.compile.peers import Peer, Span
from sgsim.compile.services import ServiceLine
from sgsim.layout import ADMITTED, FROM_EVERYWHERE, UNRESOLVED
from sgsim.model import ANY_PROTOCOL, EVERYWHERE, TCP, UDP, Rule

_WHOLE = {4: Span(4, 0, (1 << 32) - 1), 6: Span(6, 0, (1 << 128) - 1)}


class PlacedRule(NamedTuple):
    """A rule, its place in ``Topology.rules()``, and what its peer stands for here."""

    rule: Rule
    place: int
    peer: Peer


class Side(NamedTuple):
    """``cells`` has the shape (address classes, service classes), int32; see the bits of answers in the layout."""

    address_class: NDArray[np.uint32]
    service_class: NDArray[np.uint32]
    cells: NDArray[np.int32]
    open: int


def tabulate(rules: Sequence[PlacedRule], addresses: AddressLine, services: ServiceLine) -> Side:
    """The answers to every pair of interval and service; ``rules`` are in credit order."""
    peers = [addresses.ranges(placed.peer.spans) for placed in rules]
    asked = [services.ranges(placed.rule) for placed in rules]
    families = [addresses.ranges([_WHOLE[version]]) for version in (4, 6)]
    address_class, address_of = classify(addresses.count, [*_distinct(peers), *families])
    service_class, service_of = classify(services.count, _distinct(asked))
    cells = np.zeros((len(address_of), len(service_of)), dtype=np.int32)
    of_family = {version: covers(ranges, address_of) for version, ranges in zip((4, 6), families, strict=True)}
    for placed, service in zip(rules, asked, strict=True):
        columns = np.flatnonzero(covers(service, service_of))
        for version in placed.peer.families:
            cells[np.ix_(np.flatnonzero(of_family[version]), columns)] |= UNRESOLVED
    everywhere = np.zeros(cells.shape, dtype=np.bool_)
    for placed, ranges, service in zip(reversed(rules), reversed(peers), reversed(asked), strict=True):
        if not len(ranges):
            continue
        block = np.ix_(np.flatnonzero(covers(ranges, address_of)), np.flatnonzero(covers(service, service_of)))
        cells[block] = placed.place | ADMITTED
        if placed.rule.peer in EVERYWHERE.values():
            everywhere[block] = True
    cells[everywhere] |= FROM_EVERYWHERE
    return Side(address_class, service_class, cells, _open(rules))


def _distinct(sets: Sequence[Ranges]) -> list[Ranges]:
    return list({ranges.tobytes(): ranges for ranges in sets if len(ranges)}.values())


def _open(rules: Sequence[PlacedRule]) -> int:
    """The bits of SIDE.open: for which of TCP and UDP over IPv4 and IPv6 one rule admits everything from everywhere."""
    bits = 0
    for rule, _, _ in rules:
        for family, version in enumerate((4, 6)):
            for bit, protocol in enumerate((TCP, UDP)):
                whole = rule.protocol == protocol and (rule.from_port, rule.to_port) == (0, 65535)
                if rule.peer == EVERYWHERE[version] and (rule.protocol == ANY_PROTOCOL or whole):
                    bits |= 1 << (bit + 2 * family)
    return bits
