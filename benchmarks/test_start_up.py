"""What a shell prompt waits for, beside what it cannot go below: `python -c pass` and importing numpy and numba."""

from __future__ import annotations

import os
import subprocess

import pytest

from benchmarks.startup import NAMES, SCENARIO, SGSIM, commands, ten_packets


@pytest.mark.parametrize("name", NAMES)
def test_start_up(timed, tmp_path, name):
    command = commands(tmp_path)[name]
    timed(lambda: subprocess.run(command, capture_output=True, check=False), name, rounds=10)
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_first_run_ever(timed, tmp_path):
    """Nothing is cached: every kernel that replay needs is compiled, each time for a new folder."""
    folders = (tmp_path / str(number) for number in range(4))
    ten = ten_packets(tmp_path / "ten.pcap")

    def run():
        environment = os.environ | {"NUMBA_CACHE_DIR": os.fspath(next(folders))}
        subprocess.run([*SGSIM, "replay", SCENARIO, ten], env=environment, capture_output=True, check=True)

    timed(run, "first run ever", rounds=2)
