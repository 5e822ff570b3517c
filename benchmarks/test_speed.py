"""How fast, in one thread, on workload vpc-v2. Run: python -m pytest benchmarks --benchmark-enable

The numbers carry what they were measured on (extra_info); tcpdump counts the same file beside them, so that ratios of
one run can be quoted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import asdict

import pytest

from benchmarks.conftest import WORKLOAD
from sgsim.captures import merged, open_capture
from sgsim.engine import Simulator
from sgsim.reports.tally import Tally

ROUNDS = 5


@pytest.fixture
def timed(benchmark):
    benchmark.extra_info.update(asdict(WORKLOAD), threads=1)

    def run(function):
        packets = benchmark.pedantic(function, rounds=ROUNDS, warmup_rounds=1)
        benchmark.extra_info["packets_per_second"] = round(packets / benchmark.stats.stats.median)
        return packets

    return run


def test_reading_vpc_v2(timed, stream):
    """Walk and decode alone."""

    def read():
        with open_capture(os.fspath(stream)) as capture:
            return sum(len(batch.columns.skip) for batch in capture.batches())

    assert timed(read) > 0


def test_the_whole_way_vpc_v2(timed, stream, rules):
    """Capture to summary: read, judge, tally."""

    def replay():
        simulator = Simulator(rules)
        tally = Tally(simulator)
        with open_capture(os.fspath(stream)) as capture:
            for batch in merged([capture]):
                tally.add(batch.columns, simulator.judge_columns(batch.columns))
        return tally.packets

    assert timed(replay) > 0


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
def test_tcpdump_counts_vpc_v2(timed, stream):
    """The peer: tcpdump -r FILE --count, start-up included."""

    def count():
        subprocess.run(["tcpdump", "-r", os.fspath(stream), "--count"], check=True, capture_output=True)
        return WORKLOAD.packets

    assert timed(count) > 0


@pytest.mark.parametrize("arguments", [["--help"], ["query"]], ids=lambda words: words[0])
def test_start_up(benchmark, arguments):
    """What a shell prompt waits for; `python -c pass` is the floor."""
    scenario = "examples/three-tier/scenario.yaml"
    if arguments == ["query"]:
        arguments = ["query", scenario, "--from", "app-1", "--to", "db-1", "--protocol", "tcp", "--port", "5432"]
    command = [sys.executable, "-m", "sgsim", *arguments]
    benchmark.pedantic(lambda: subprocess.run(command, check=True, capture_output=True), rounds=10, warmup_rounds=1)
