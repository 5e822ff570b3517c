"""Compiling rules: from the loaded snapshot to the tables, and to the first verdict."""

from __future__ import annotations

import pytest

from sgsim.bench import table_bytes
from sgsim.compile import compile_topology
from sgsim.engine import Simulator
from sgsim.model import Direction, Settings
from sgsim.workload import GUARDED, RULE_SETS, STREAMS, acl_topology, gate_packets, topology


@pytest.mark.parametrize("name", ["acl-v1-1000", "acl-v1-10000", "acl-v1-100000", "acl-v1-groups"])
def test_compiling_a_rule_set(timed, name):
    made = acl_topology(RULE_SETS[name])
    interfaces = [made.interfaces[GUARDED]]
    octets = table_bytes(compile_topology(made, interfaces, Settings()).table)
    rounds = 1 if RULE_SETS[name].rules > 10_000 else 5
    timed(lambda: compile_topology(made, interfaces, Settings()), RULE_SETS[name], rounds=rounds, table_bytes=octets)


@pytest.mark.parametrize("name", STREAMS)
def test_the_first_verdict(timed, name):
    """Of a loaded snapshot: an engine for all interfaces, and one packet judged."""
    made = topology(STREAMS[name])
    interface = next(iter(made.interfaces))
    columns = gate_packets(made, interface, Direction.INGRESS, 1)
    octets = table_bytes(Simulator(made).table)
    timed(lambda: Simulator(made).judge_columns(columns), STREAMS[name], rounds=3, table_bytes=octets)
