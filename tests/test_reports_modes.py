"""What kernels write in the two modes that show what compiled ones hide: as plain Python, and bounds-checked."""

from __future__ import annotations

import contextlib
import io
import os
import random
import subprocess
import sys
import tempfile
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from unittest.mock import patch

import pytest

from sgsim.captures import traffic
from sgsim.model import Verdict
from sgsim.replay import Outputs, replay
from sgsim.reports import flows
from tests.differential.worlds import topology_of

ROOT = Path(__file__).resolve().parents[1]
MODES = {"plain Python": {"NUMBA_DISABLE_JIT": "1"}, "bounds checked": {"NUMBA_BOUNDSCHECK": "1"}}


def digest() -> str:
    """Of all that a replay of one flow of each kind can write, judged by some random rules."""
    ends = {4: ("192.0.2.7", "10.0.1.10", "203.0.113.1"), 6: ("2001:db8::7", "2001:db8:1::10", "2001:db8::1")}
    packets = []
    for client, server, router in ends.values():
        packets += traffic.tcp(client, server, 443) + traffic.ping(client, server, count=2)
        packets += traffic.path_mtu_discovery(client, server, 80, router)
        packets += traffic.fragments(traffic.udp(client, server, 53, request_size=3_000)[0])
    hosts = [ip_address(text) for pair in ends.values() for text in pair]
    state, observations = blake2b(), 0
    for seed in range(4):
        topology = topology_of(random.Random(seed), hosts)
        with tempfile.TemporaryDirectory() as folder, patch.object(flows, "MOST", 5):
            names = [f"{folder}/o.{form}" for form in ("ndjson", "csv", "pcapng")]
            lines = io.TextIOWrapper(io.BytesIO())
            with contextlib.redirect_stdout(lines):
                outputs = Outputs(names, flows=f"{folder}/flows.csv", printed=tuple(Verdict))
                summary = replay(topology, [packets], outputs=outputs)
            observations += summary.observations
            lines.seek(0)
            state.update(lines.read().encode())
            for file in sorted(Path(folder).iterdir()):
                state.update(file.read_bytes())
    assert observations > 100
    return state.hexdigest()


@pytest.mark.parametrize("mode", [*MODES])
def test_the_same_is_written_in_every_mode(tmp_path: Path, mode: str):
    """Records, comments, flows (some of them early) and lines."""
    environment = {**os.environ, **MODES[mode], "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    # Hashes overflow on purpose, which plain numpy scalars mention.
    command = [sys.executable, "-W", "ignore::RuntimeWarning", "-c"]
    command.append("from tests.test_reports_modes import digest; print(digest())")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == digest()
