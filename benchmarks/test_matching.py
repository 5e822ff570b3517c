"""Matching alone: columns in, the credited rule of each packet out, at one gate, without state."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.conftest import PACKETS
from sgsim.bench import table_bytes
from sgsim.compile import compile_topology
from sgsim.kernels.alone import match_columns
from sgsim.layout import INGRESS
from sgsim.model import Direction, Settings
from sgsim.workload import GUARDED, HITS, MISSES, RULE_SETS, acl_topology, gate_packets


@pytest.mark.parametrize("name", RULE_SETS)
@pytest.mark.parametrize("hits", [HITS, MISSES], ids=["hit", "miss"])
def test_matching(timed, name, hits):
    made = acl_topology(RULE_SETS[name])
    table = compile_topology(made, [made.interfaces[GUARDED]], Settings()).table
    columns = gate_packets(made, GUARDED, Direction.INGRESS, PACKETS, hits)
    out = np.empty(PACKETS, dtype=np.int32)
    more = {"packets": PACKETS, "hits": hits, "table_bytes": table_bytes(table)}
    timed(lambda: match_columns(columns, table, 0, INGRESS, out), RULE_SETS[name], PACKETS, **more)
    assert np.mean(out >= 0) == pytest.approx(hits, abs=0.01)
