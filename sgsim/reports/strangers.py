"""Whose packets are not judged: the most frequent addresses of packets that no selected interface sent or received."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from sgsim.engine.packets import address_of
from sgsim.model import Address, Interface, Topology
from sgsim.reports.summary import Stranger
from sgsim.selection import address_owners


def most_common(bodies: NDArray[np.void], most: int, topology: Topology, selected: Collection[str]) -> list[Stranger]:
    """The most frequent addresses of packets, records of BODY, that no selected interface sent or received, most
    packets first; multicast and broadcast ones are nobody's."""
    counts: Counter[tuple[int, int, int]] = Counter()
    version = bodies["version"].tolist()
    for end in ("src", "dst"):
        counts.update(zip(version, bodies[f"{end}_hi"].tolist(), bodies[f"{end}_lo"].tolist(), strict=True))
    found: list[Stranger] = []
    for key, packets in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
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
