"""How benchmarks measure: the first call apart, since it compiles kernels or loads them; then medians of rounds.

Every result carries what it was measured on (``extra_info``): workload, packets, flows, rules, seed, threads, machine.
Sizes come from the environment: ``SGSIM_BENCH_PACKETS`` (5,000,000), ``SGSIM_BENCH_FLOWS`` (1,000,000 connections).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from sgsim.bench import machine
from sgsim.model import Topology
from sgsim.workload import STREAMS, Acl, Workload, draw_flows, topology, write_stream

PACKETS = int(os.environ.get("SGSIM_BENCH_PACKETS", 5_000_000))
LIVE_FLOWS = int(os.environ.get("SGSIM_BENCH_FLOWS", 1_000_000))
ROUNDS = 5


class Streams:
    """Topologies and captures of the workloads, each made once for all benchmarks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[Workload, tuple[Topology, Path]] = {}

    def get(self, name: str) -> tuple[Workload, Topology, Path]:
        workload = replace(STREAMS[name], packets=PACKETS, flows=min(STREAMS[name].flows, PACKETS // 10))
        if workload not in self._made:
            made, path = topology(workload), self._folder / f"{name}.pcap"
            write_stream(path, draw_flows(workload, made), workload.seed)
            self._made[workload] = made, path
        return workload, *self._made[workload]


@pytest.fixture(scope="session")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Streams:
    return Streams(tmp_path_factory.mktemp("streams"))


def _seconds(work: Callable[..., object], arguments: tuple[object, ...]) -> float:
    begun = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begun


@pytest.fixture
def timed(benchmark: Any) -> Callable[..., None]:
    """Run ``work`` in rounds; ``count`` things a round (packets, say) give ``<unit>_per_second``.

    ``fresh`` makes what ``work`` is given in each round; that is not timed.
    """

    def run(
        work: Callable[..., object],
        about: object,
        count: int | None = None,
        unit: str = "packets",
        fresh: Callable[[], object] | None = None,
        rounds: int = ROUNDS,
        **more: object,
    ) -> None:
        first = _seconds(work, () if fresh is None else (fresh(),))
        benchmark.extra_info.update(asdict(about) if isinstance(about, Workload | Acl) else {"name": about})
        benchmark.extra_info.update(asdict(machine()), threads=1, first_call_seconds=round(first, 4), **more)
        benchmark.pedantic(work, setup=None if fresh is None else lambda: ((fresh(),), {}), rounds=rounds)
        if count is not None and benchmark.stats is not None:
            benchmark.extra_info[f"{unit}_per_second"] = round(count / benchmark.stats.stats.median)

    return run
