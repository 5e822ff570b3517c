"""What a run of the benchmark leaves: one JSON file, of these records."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

US = "sgsim"


class Spread(msgspec.Struct, frozen=True):
    """A quantity measured several times."""

    median: float
    least: float
    most: float
    runs: tuple[float, ...]


class Result(msgspec.Struct, frozen=True):
    """``about``: what else was seen, by name: build seconds, memory, the method used."""

    who: str
    value: Spread
    about: dict[str, Any] = {}


class Ratio(msgspec.Struct, frozen=True):
    """Of two results, round by round; ``mark`` is what was aimed at, in words such as ">= 2.5"."""

    of: str
    to: str
    value: Spread
    mark: str = ""


class Skipped(msgspec.Struct, frozen=True):
    who: str
    reason: str


class Row(msgspec.Struct):
    """One comparison. ``work``: packets, rules, flows, seed, threads and what else was worked on; ``agreed``: which
    answers were compared before anything was timed; ``mark``: what was aimed at by ``US`` itself, not by a ratio."""

    part: str
    name: str
    unit: str
    work: dict[str, Any]
    results: list[Result] = []
    ratios: list[Ratio] = []
    skipped: list[Skipped] = []
    agreed: str = ""
    mark: str = ""

    def result(self, who: str) -> Result | None:
        return next((result for result in self.results if result.who == who), None)


class Point(msgspec.Struct, frozen=True):
    x: float
    value: Spread


class Curve(msgspec.Struct):
    """How a cost grows; ``series`` by who it is about."""

    name: str
    title: str
    x: str
    y: str
    work: dict[str, Any]
    series: dict[str, list[Point]] = {}
    skipped: list[Skipped] = []

    def grow(self, x: float, row: Row, whos: Sequence[str], turned: Callable[[float], float]) -> None:
        """One more point for each of them, from a row that was measured anyway."""
        for who in whos:
            result = row.result(who)
            if result is not None:
                point = Point(x, spread([turned(run) for run in result.value.runs]))
                self.series.setdefault(who, []).append(point)
        self.skipped += [Skipped(f"{each.who}, {row.name}", each.reason) for each in row.skipped if each.who in whos]


class Report(msgspec.Struct):
    """``seconds`` in all, and of each of the ``parts``."""

    made: str
    quick: bool
    seconds: float
    machine: dict[str, Any]
    versions: dict[str, str]
    rows: list[Row]
    curves: list[Curve]
    parts: dict[str, float] = {}
    format: int = 1

    def write(self, path: Path) -> None:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1))


def read(path: Path) -> Report:
    return msgspec.json.decode(path.read_bytes(), type=Report)


def spread(runs: Sequence[float]) -> Spread:
    return Spread(statistics.median(runs), min(runs), max(runs), tuple(runs))


def meets(value: Spread, mark: str) -> bool:
    """Whether the median does what the mark says, ">= 2.5" or "<= 12"."""
    sense, bound = mark.split()
    return value.median >= float(bound) if sense == ">=" else value.median <= float(bound)


def ratio(of: Result, to: Result, mark: str = "") -> Ratio:
    """Runs of one round stand side by side, so that what disturbed both cancels."""
    pairs = zip(of.value.runs, to.value.runs, strict=True)
    return Ratio(of.who, to.who, spread([one / other for one, other in pairs]), mark)
