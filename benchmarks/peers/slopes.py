"""Rates of whole processes where start-up cancels, so that nobody reports its own speed."""

from __future__ import annotations

import shutil
import statistics

from benchmarks.peers.measuring import Contender, UnavailableError
from benchmarks.peers.processes import Ended, python, ran
from benchmarks.peers.results import Result, spread
from benchmarks.peers.vpc import Stream

_TRIES = 5


class Slope:
    """Of a command, to which a capture's name is added: ``more`` of something in the longer capture took so much more
    time (packets, if it is None)."""

    def __init__(self, who: str, command: list[str], made: Stream, more: int | None = None) -> None:
        self.who, self._command, self._made = who, command, made
        self._more = (made.times - 1) * made.packets if more is None else more
        self._ended: list[tuple[Ended, Ended]] = []

    def run(self) -> float:
        """Once more where something else took so much of the machine that the longer capture was read faster."""
        for _ in range(_TRIES):
            short, long = (ran([*self._command, str(path)]) for path in (self._made.capture, self._made.long))
            if long.seconds > short.seconds:
                self._ended.append((short, long))
                return self._more / (long.seconds - short.seconds)
        raise UnavailableError(f"no slope in {_TRIES} tries: the machine is too busy, or the captures are too short")

    def contender(self) -> Contender:
        return Contender(self.who, self.run, {})

    def whole(self) -> Result:
        """Wall times of the shorter capture's processes, and the memory that both took; once it has been run."""
        short, long = (statistics.median(ended[n].memory for ended in self._ended) for n in (0, 1))
        about = {"memory": short, f"memory {self._made.times}-fold": long}
        return Result(self.who, spread([short.seconds for short, _ in self._ended]), about)


def tcpdump() -> list[str]:
    """A command that counts; raises UnavailableError where there is none."""
    if shutil.which("tcpdump") is None:
        raise UnavailableError("tcpdump is not installed")
    return ["tcpdump", "--count", "-r"]


def replay(made: Stream, *options: str) -> list[str]:
    return python("sgsim", "replay", *options, str(made.snapshot))
