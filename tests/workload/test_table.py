"""Every workload that benchmarks measure is judged alike by engine and reference, on a small piece of it."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from sgsim.captures import merged, open_capture
from sgsim.engine import Simulator
from sgsim.model import Direction, Reason, Settings
from sgsim.workload import (
    GUARDED,
    RULE_SETS,
    STREAMS,
    acl_topology,
    draw_flows,
    gate_packets,
    live_topology,
    meeting,
    opening,
    topology,
    write_stream,
)
from tests.differential.compare import assert_same


@pytest.mark.parametrize("name", STREAMS)
def test_streams(name, tmp_path):
    """Fewer lists of groups, so that the plain judge is done in time; the same kinds of rules and traffic."""
    workload = STREAMS[name]
    workload = replace(workload, packets=4_000, flows=200, lists=min(workload.lists, 10), interfaces=20)
    made, path = topology(workload), tmp_path / "stream.pcap"
    write_stream(path, draw_flows(workload, made), workload.seed)
    with open_capture(os.fspath(path)) as capture:
        met = assert_same(made, Settings(), (batch.columns for batch in merged([capture])))
    assert met == {Reason.RULE, Reason.TRACKED, Reason.NO_RULE, Reason.NOT_REACHED}


@pytest.mark.parametrize("name", [name for name, acl in RULE_SETS.items() if acl.rules <= 1_000])
def test_rule_sets(name):
    acl = RULE_SETS[name]
    made = acl_topology(replace(acl, members=min(acl.members, 2_000)))
    columns = gate_packets(made, GUARDED, Direction.INGRESS, 400)
    assert assert_same(made, Settings(), [columns]) >= {Reason.RULE, Reason.NO_RULE}


def test_live_connections():
    """As many as asked for are open, and every packet after that meets one."""
    batches = [*opening(10_000), *meeting(10_000, 10_000)]
    simulator = Simulator(live_topology())
    reasons = [set(simulator.judge_columns(columns).reason.tolist()) for columns in batches]
    assert simulator.live_entries() == 10_000
    assert reasons == [{list(Reason).index(Reason.RULE)}] * 2 + [{list(Reason).index(Reason.TRACKED)}] * 2
    assert assert_same(live_topology(), Settings(), [*opening(300), *meeting(300, 500)]) == {
        Reason.RULE,
        Reason.TRACKED,
    }
