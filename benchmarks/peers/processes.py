"""Programs that are measured from outside: whole runs, and servers that answer one order after the other."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.measuring import UnavailableError

ROOT = Path(__file__).resolve().parents[2]
MOST_MEMORY = 8 << 30  # bytes of data that a program may hold
MOST_SECONDS = 120  # of processor time that it may take in all


class Ended(NamedTuple):
    """``memory``: the most that the process held, bytes."""

    seconds: float
    memory: int
    code: int
    output: str
    problems: str


def run(command: Sequence[str], environment: dict[str, str] | None = None) -> Ended:
    """Run a program to its end, from outside: everything counts, its start too."""
    variables = {**os.environ, **(environment or {})}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as problems:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=problems,
            env=variables,
            preexec_fn=_limit,
        )
        memory = _Memory(process.pid)
        _, status = os.waitpid(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (output, problems):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Ended(seconds, memory.most(), process.returncode, *texts)


class _Memory:
    """The most that a process holds, looked up while it runs: what the kernel reports at the end counts the memory of
    this process too, which the other was for a moment."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._most = 0
        self._over = Event()
        self._watch = Thread(target=self._look)
        self._watch.start()

    def most(self) -> int:
        """Bytes; 0 where the process was over before it was looked at."""
        self._over.set()
        self._watch.join()
        return self._most

    def _look(self) -> None:
        while not self._over.wait(0.002):
            try:
                fields = self._status.read_text().split()
                self._most = int(fields[fields.index("VmHWM:") + 1]) << 10
            except (OSError, ValueError):  # it has just ended
                return


def ran(command: Sequence[str], environment: dict[str, str] | None = None) -> Ended:
    """The same; a program that fails is no contender."""
    ended = run(command, environment)
    if ended.code:
        reason = _last(ended.problems, ended.code)
        for word in command:  # where files lie is of no interest
            reason = reason.replace(f"{Path(word).parent}/", "") if Path(word).is_absolute() else reason
        raise UnavailableError(reason)
    return ended


class Server:
    """A program that prepares itself, says so in one line of JSON, and answers orders with one line each.

    Raises UnavailableError where it does not come up.
    """

    def __init__(self, command: Sequence[str], who: str) -> None:
        self.who = who
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_limit,
        )
        self.about = self._answer()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, order: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        return self._answer()

    def seconds(self, order: str = "run") -> float:
        return float(self.ask(order)["seconds"])

    def answers(self, path: Path) -> NDArray[np.int32]:
        self.ask(f"answers {path}")
        return np.fromfile(path, dtype=np.int32)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            if "unavailable" not in answer:
                return answer
            self.__exit__()
            raise UnavailableError(answer["unavailable"])
        _, problem = self._process.communicate()
        raise UnavailableError(f"{self.who}: {_last(problem, self._process.returncode)}")


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _limit() -> None:
    """A rule set that a contender is not made for must not take the machine with it."""
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS + 1))


def _last(problems: str, code: int) -> str:
    """The last thing that a program said before it gave up."""
    if code < 0:
        return f"stopped by {signal.Signals(-code).name}: it may use {MOST_SECONDS} s and {MOST_MEMORY >> 30} GiB"
    return (problems.strip().splitlines() or [f"exit code {code}"])[-1]
