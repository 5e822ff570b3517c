"""A server that is killed at any moment: its state file is whole, and has every call that was answered."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sgsim.sources import load_topology
from tests.endpoint.clients import Plain

ROOT = Path(__file__).resolve().parents[2]
KILLS = 100
LIVES = 10  # kills that one state file goes through
WRITERS = 4


class Starter:
    """Starts servers, each a fork of one process that has imported everything."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.endpoint.forks"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start(self, state: Path) -> tuple[int, str]:
        """The process id and address of a server that is ready."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"--port 0 --state {state}\n")
        self._process.stdin.flush()
        told = ""
        for line in self._process.stdout:
            told += line
            assert "ended" not in line, told
            found = re.search(r"pid (\d+)", told), re.search(r"EC2 at (\S+)", told)
            if found[0] and found[1]:
                return int(found[0][1]), found[1][1]
        raise AssertionError(told)

    @staticmethod
    def kill(process: int) -> None:
        """Return when it is gone, and its lock with it."""
        os.kill(process, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            while True:
                os.kill(process, 0)
                time.sleep(0.001)

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def starter() -> Iterator[Starter]:
    found = Starter()
    yield found
    found.close()


class Writer(threading.Thread):
    """Makes rules until the server is gone. Knows which answers it got, and which call it got none to."""

    def __init__(self, url: str, group: str, names: Iterator[int]) -> None:
        super().__init__()
        self.url, self.group, self.names = url, group, names
        self.answered: set[str] = set()
        self.unanswered: set[str] = set()

    def run(self) -> None:
        with Plain(self.url) as plain:
            for number in self.names:
                cidr = f"10.{number >> 8}.{number & 255}.0/24"
                self.unanswered.add(cidr)
                try:
                    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": cidr}
                    answer = plain.call("AuthorizeSecurityGroupIngress", GroupId=self.group, **rule)
                except (OSError, http.client.HTTPException):
                    return
                assert answer.status == 200, answer
                self.unanswered.remove(cidr)
                self.answered.add(cidr)


def rules(state: Path) -> set[str]:
    """The CIDR blocks of all ingress rules of a state file that is a whole snapshot."""
    topology = load_topology(state, strict=True)
    return {str(rule.peer) for group in topology.groups.values() for rule in group.ingress if rule.from_port == 443}


def test_killed_a_hundred_times(starter, tmp_path):
    """Each time in the middle of writes, at another moment: all answered calls are there, and nothing that was not
    asked for."""
    draw = random.Random(1)
    in_the_middle = 0
    for life in range(KILLS // LIVES):
        state = tmp_path / f"state-{life}.json"
        answered: set[str] = set()
        asked: set[str] = set()
        for kill in range(LIVES):
            process, url = starter.start(state)
            with Plain(url) as plain:
                made = [
                    plain.call("CreateSecurityGroup", GroupName=f"{kill}-{n}", GroupDescription="one of many")
                    for n in range(WRITERS)
                ]
            begin = kill * WRITERS * 50
            writers = [
                Writer(url, answer.all("groupId")[0], iter(range(begin + n * 50, begin + n * 50 + 50)))
                for n, answer in enumerate(made)
            ]
            for each in writers:
                each.start()
            time.sleep(draw.uniform(0, 0.06))
            starter.kill(process)
            for each in writers:
                each.join()
            answered |= {cidr for each in writers for cidr in each.answered}
            asked |= {cidr for each in writers for cidr in each.answered | each.unanswered}
            in_the_middle += any(each.unanswered for each in writers)
            assert answered <= rules(state) <= asked
        assert answered
    assert in_the_middle > KILLS / 2


def test_a_kill_during_the_write_leaves_the_state_before(starter, tmp_path):
    """What is half written lies beside it, and is written over at the next start."""
    state = tmp_path / "state.json"
    process, _ = starter.start(state)
    starter.kill(process)
    before = load_topology(state).vpcs
    (tmp_path / "state.json.part").write_bytes(b'{"SecurityGroups": [')
    process, _ = starter.start(state)
    os.kill(process, signal.SIGTERM)
    assert load_topology(state).vpcs == before
