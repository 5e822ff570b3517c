"""The kernel that matches without state: what rules alone say about a batch of packets at one gate."""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import kernel
from sgsim.kernels.match import answer, interval
from sgsim.layout import ADMITTED, EGRESS, RULE_BITS, MatchTable, PacketColumns


@kernel
def match_columns(columns: PacketColumns, table: MatchTable, interface: int, direction: int, out: np.ndarray) -> None:
    """Write the rule credited with each of n packets into ``out``, shape (n,), int32; -1 where none admits it.

    ``interface`` is a place among the table's interfaces, and has groups. That some traffic is never filtered is no
    matter of rules.
    """
    for n in range(len(out)):
        i = np.uint64(n)
        body = columns.bodies[i]
        remote = interval(table, body["version"], body["src_hi"], body["src_lo"])
        local = interval(table, body["version"], body["dst_hi"], body["dst_lo"])
        if direction == EGRESS:
            remote, local = local, remote
        said = answer(table, columns, i, interface, direction, remote, local)
        out[i] = said & RULE_BITS if said & ADMITTED else -1
