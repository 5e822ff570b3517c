"""Capture to summary, as `sgsim replay` does it: read, judge, tally."""

from __future__ import annotations

import os

import pytest

from sgsim.captures import merged, open_capture
from sgsim.engine import Simulator
from sgsim.reports.tally import Tally


@pytest.mark.parametrize("name", ["vpc-v2", "vpc-v2-1000", "vpc-v2-region"])
def test_the_whole_way(timed, streams, name):
    """The rules are compiled before; connection tables begin empty in each round."""
    workload, made, path = streams.get(name)

    def replay(simulator):
        tally = Tally(simulator)
        with open_capture(os.fspath(path)) as capture:
            for batch in merged([capture]):
                tally.add(batch.columns, simulator.judge_columns(batch.columns))
        assert tally.packets == workload.packets

    timed(replay, workload, workload.packets, fresh=lambda: Simulator(made))
