"""A served cloud: in threads of this process, and as a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sgsim.control import Cloud
from sgsim.endpoint import Server, serve
from tests.endpoint.clients import ACCOUNT, REGION, Plain, client

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """boto3 and the AWS CLI as if nothing was configured."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def cloud() -> Cloud:
    return Cloud.empty(ACCOUNT, REGION, seed="test")


@pytest.fixture
def server(cloud: Cloud) -> Iterator[Server]:
    """Serves ``cloud`` from this process."""
    server = serve(cloud)
    yield server
    server.close()


@pytest.fixture
def ec2(server: Server) -> Iterator[Any]:
    found = client(server.url)
    yield found
    found.close()


@pytest.fixture
def plain(server: Server) -> Iterator[Plain]:
    found = Plain(server.url)
    yield found
    found.close()


class Process:
    """``sgsim serve`` as a process, ready."""

    def __init__(self, *arguments: object) -> None:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sgsim", "serve", "--port", "0", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline()
        found = re.search(r"EC2 at (http://\S+)", self.ready)
        assert found, self.process.communicate()
        self.url = found[1]

    def end(self, signal: int) -> tuple[int, str, str]:
        """Send a signal; the exit code, and what is printed after the ready line."""
        self.process.send_signal(signal)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture
def serving() -> Iterator[Callable[..., Process]]:
    """Starts ``sgsim serve`` with arguments; what still runs at the end is ended."""
    started: list[Process] = []

    def start(*arguments: object) -> Process:
        started.append(Process(*arguments))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            print(*each.process.communicate(), file=sys.stderr)  # shown where the test failed
