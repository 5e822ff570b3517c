"""The workload that all benchmarks run on, made once and kept in the temporary folder of the session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sgsim.model import Topology
from sgsim.workload import Workload, draw_flows, topology, write_stream

WORKLOAD = Workload(packets=int(os.environ.get("SGSIM_BENCH_PACKETS", 5_000_000)))


@pytest.fixture(scope="session")
def rules() -> Topology:
    return topology(WORKLOAD)


@pytest.fixture(scope="session")
def stream(rules: Topology, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pcap of the workload's packets."""
    path = tmp_path_factory.mktemp("workload") / f"{WORKLOAD.name}.pcap"
    write_stream(path, draw_flows(WORKLOAD, rules), WORKLOAD.seed)
    return path
