"""Look-ups without a search for the largest tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.tables import Tables
from sgsim.compile.tries import trie
from sgsim.layout import SERVICES


class Direct(NamedTuple):
    """Of each chosen table in turn, see MatchTable."""

    roots: NDArray[np.uint32]
    nodes: NDArray[np.uint32]
    leaves: NDArray[np.uint16]
    services: NDArray[np.uint16]


def direct(tables: Tables, chosen: Sequence[int]) -> Direct:
    """The address and service look-ups of the chosen tables."""
    address, service = tables.address, tables.service
    roots, nodes, leaves, services = (
        [np.zeros(0, dtype=dtype)] for dtype in (np.uint32, np.uint32, np.uint16, np.uint16)
    )
    for table in chosen:
        mine = slice(address.lines[2 * table], address.lines[2 * table + 1])
        found = trie(address.starts[mine], address.interval[mine] - address.classes[2 * table])
        roots.append(found.root + np.uint32(sum(map(len, nodes))))
        nodes.append(found.nodes + np.uint32(sum(map(len, leaves))))
        leaves.append(found.leaves.astype(np.uint16))
        mine = slice(service.lines[table], service.lines[table + 1])
        lengths = np.diff(service.starts[mine], append=SERVICES)
        services.append(np.repeat((service.interval[mine] - service.classes[table]).astype(np.uint16), lengths))
    return Direct(*map(np.concatenate, (roots, nodes, leaves, services)))
