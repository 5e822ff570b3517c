"""What a shell prompt waits for, beside what it cannot go below: `python -c pass` and importing numpy and numba."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from sgsim.workload import STREAMS, draw_flows, topology, write_stream

SCENARIO = "examples/three-tier/scenario.yaml"
SGSIM = [sys.executable, "-m", "sgsim"]
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import numpy, numba": [sys.executable, "-c", "import numpy, numba"],
    "sgsim --help": [*SGSIM, "--help"],
    "sgsim query": [*SGSIM, "query", "{groups}", "--from", "i-1", "--to", "i-2", "--protocol", "tcp", "--port", "443"],
    "sgsim replay, ten packets": [*SGSIM, "replay", SCENARIO, "{ten}"],
}


def fifty_groups(path):
    """A scenario of 50 groups, each of which lets in the next one, and an interface for each."""
    lines = ["security_groups:"]
    lines += [f"  g-{n}: {{ingress: [tcp 443 from g-{(n + 1) % 50}, tcp 22 from 10.{n}.0.0/16]}}" for n in range(50)]
    lines += ["interfaces:"]
    lines += [f"  i-{n}: {{addresses: [10.99.0.{n + 1}], groups: [g-{n}]}}" for n in range(50)]
    path.write_text("\n".join(lines))
    return path


def ten_packets(path):
    workload = replace(STREAMS["vpc-v2"], packets=20, flows=20)
    write_stream(path, draw_flows(workload, topology(workload)), workload.seed)
    octets, begin = path.read_bytes(), 24
    for _ in range(10):
        begin += 16 + int.from_bytes(octets[begin + 8 : begin + 12], "little")
    path.write_bytes(octets[:begin])
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_start_up(timed, tmp_path, name):
    files = {"groups": fifty_groups(tmp_path / "groups.yaml"), "ten": ten_packets(tmp_path / "ten.pcap")}
    command = [word.format(**files) for word in COMMANDS[name]]
    timed(lambda: subprocess.run(command, capture_output=True, check=False).returncode, name, rounds=10)
    assert subprocess.run(command, capture_output=True, check=False).returncode in (0, 1)


def test_first_run_ever(timed, tmp_path):
    """Nothing is cached: every kernel that replay needs is compiled, each time for a new folder."""
    folders = (tmp_path / str(number) for number in range(4))
    ten = ten_packets(tmp_path / "ten.pcap")

    def run():
        environment = os.environ | {"NUMBA_CACHE_DIR": os.fspath(next(folders))}
        subprocess.run([*SGSIM, "replay", SCENARIO, ten], env=environment, capture_output=True, check=True)

    timed(run, "first run ever", rounds=2)
