"""Fixtures for running the command line, in this process and in others."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from story import SCENARIO, Ended, everything

from sgsim.cli import cli

HANGING = 100.0  # seconds until a process that hangs is killed: it may have to compile first
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return everything().save(tmp_path / "all.pcap")


@pytest.fixture
def sgsim(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the command in this process."""

    def run(*arguments: object) -> Ended:
        with pytest.raises(SystemExit) as end:
            cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(end.value.code, captured.out, captured.err)

    return run


def command(*arguments: object) -> list[str]:
    """The command for a process of its own."""
    return [sys.executable, "-m", "sgsim", *map(str, arguments)]


@pytest.fixture
def process() -> Callable[..., subprocess.Popen[bytes]]:
    """Start the command as a process of its own, with pipes."""

    def start(*arguments: object, **more: Any) -> subprocess.Popen[bytes]:
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return subprocess.Popen(command(*arguments), env={**os.environ, "PYTHONPATH": path}, **options)

    return start


@pytest.fixture
def kept_alive(process: Callable[..., subprocess.Popen[bytes]]) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start processes that are killed when they hang, with pipes that stay open."""
    started: list[tuple[subprocess.Popen[bytes], threading.Timer]] = []

    def start(*arguments: object, **more: object) -> subprocess.Popen[bytes]:
        running = process(*arguments, **more)
        started.append((running, threading.Timer(HANGING, running.kill)))
        started[-1][1].start()
        return running

    yield start
    for running, timer in started:
        timer.cancel()
        for pipe in (running.stdin, running.stdout, running.stderr):
            if pipe is not None:
                pipe.close()
