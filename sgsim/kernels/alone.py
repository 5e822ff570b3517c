"""The kernel that matches without state: what rules alone say about a batch of packets at one gate."""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import kernel
from sgsim.kernels.match import answer, interval
from sgsim.layout import ADMITTED, EGRESS, RULE_BITS, MatchTable, PacketColumns


@kernel
def match_columns(columns: PacketColumns, table: MatchTable, interface: int, direction: int, out: np.ndarray) -> None:
    """Write the rule credited with each of n packets into ``out``, shape (n,), int32; -1 where none admits it.

    ``interface`` is a place among the table's interfaces; what is never filtered counts as not admitted.
    """
    for n in range(len(out)):
        i = np.uint64(n)
        version = columns.version[i]
        remote = interval(table, version, columns.src_hi[i], columns.src_lo[i])
        local = interval(table, version, columns.dst_hi[i], columns.dst_lo[i])
        if direction == EGRESS:
            remote, local = local, remote
        said = answer(table, columns, i, interface, direction, remote, local)
        out[i] = said & RULE_BITS if said & ADMITTED else -1
