"""Judging packets of connections that are open, drawn at random among so many: what finding their entries costs."""

from __future__ import annotations

import pytest

from benchmarks.conftest import LIVE_FLOWS, PACKETS
from sgsim.engine import Simulator
from sgsim.workload import LIVE, live_topology, meeting, opening


@pytest.mark.parametrize("flows", sorted({1_000, 100_000, LIVE_FLOWS}))
def test_tracking_live_v1(timed, flows):
    """``SGSIM_BENCH_FLOWS=10000000`` needs some 3 GB of memory."""
    simulator = Simulator(live_topology())
    for columns in opening(flows):
        simulator.judge_columns(columns)
    assert simulator.live_entries() == flows
    batches = list(meeting(flows, PACKETS))

    def judge():
        for columns in batches:
            simulator.judge_columns(columns)

    timed(judge, LIVE, PACKETS, packets=PACKETS, flows=flows, seed=1)
    assert simulator.live_entries() == flows


def test_opening_live_v1(timed):
    """Every packet makes an entry, and the table grows on the way."""
    flows = min(LIVE_FLOWS, 1_000_000)
    batches = list(opening(flows))

    def judge(simulator):
        for columns in batches:
            simulator.judge_columns(columns)
        assert simulator.live_entries() == flows

    about = {"packets": flows, "flows": flows, "seed": 1}
    timed(judge, LIVE, flows, fresh=lambda: Simulator(live_topology()), **about)
