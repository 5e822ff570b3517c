"""Whose packets are not judged: the most frequent addresses of packets that no selected interface sent or received."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import numpy as np

from sgsim.engine.packets import address_of
from sgsim.layout import SKIPS, PacketColumns
from sgsim.model import Address, Interface, Skip, Topology
from sgsim.reports.summary import Stranger
from sgsim.selection import address_owners

LOOKED_AT = 100_000  # unjudged packets, from the first: enough to tell which addresses to map, in 50 ms

_NO_INTERFACE = 1 + SKIPS.index(Skip.NO_INTERFACE)


class Strangers:
    """Add every judged batch; then ask for the addresses."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, int, int]] = Counter()
        self._left = LOOKED_AT

    def add(self, columns: PacketColumns) -> None:
        if self._left <= 0:
            return
        rows = np.flatnonzero(columns.skip == _NO_INTERFACE)[: self._left]
        self._left -= len(rows)
        if len(rows):
            version = columns.version[rows].tolist()
            for hi, lo in ((columns.src_hi, columns.src_lo), (columns.dst_hi, columns.dst_lo)):
                self._counts.update(zip(version, hi[rows].tolist(), lo[rows].tolist(), strict=True))

    def most_common(self, most: int, topology: Topology, selected: Collection[str]) -> list[Stranger]:
        """The most frequent addresses, most packets first; multicast and broadcast ones are nobody's."""
        found: list[Stranger] = []
        for key, packets in sorted(self._counts.items(), key=lambda item: (-item[1], item[0])):
            address = address_of(*key)
            if len(found) < most and not (address.is_multicast or int(address) in (0, 0xFFFFFFFF)):
                found.append(_stranger(address, packets, topology, selected))
        return found


def _stranger(address: Address, packets: int, topology: Topology, selected: Collection[str]) -> Stranger:
    interfaces: list[Interface] = list(topology.interfaces.values())
    public_of = next((i for i in interfaces if address in i.public_addresses), None)
    owners = address_owners(interfaces, address)
    unselected = next((i for i in owners if i.interface_id not in selected), None)
    return Stranger(address, packets, public_of, unselected)
