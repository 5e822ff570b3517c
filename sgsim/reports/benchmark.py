"""What a benchmark of a rule set found, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds of runs of the same work; warm-up is not among them."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        return median(self.seconds)

    def as_json(self) -> dict[str, float]:
        return {"median": self.median, "least": min(self.seconds), "most": max(self.seconds)}


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the way, with what it worked on. ``flows`` is None where there is no state."""

    packets: int
    flows: int | None
    seed: int
    threads: int
    spread: Spread
    more: dict[str, Any] = field(default_factory=dict)  # what only this stage has to say

    @property
    def packets_per_second(self) -> float:
        return self.packets / self.spread.median

    @property
    def least(self) -> float:
        return self.packets / max(self.spread.seconds)

    @property
    def most(self) -> float:
        return self.packets / min(self.spread.seconds)

    def as_json(self) -> dict[str, Any]:
        return {
            "packets_per_second": round(self.packets_per_second),
            "least": round(self.least),
            "most": round(self.most),
            "packets": self.packets,
            "flows": self.flows,
            "seed": self.seed,
            "threads": self.threads,
            **self.more,
        }


@dataclass(frozen=True, slots=True)
class Machine:
    """``processors`` are those that this process may use."""

    processor: str
    processors: int
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """``matching`` is None where no gate has rules for IPv4 traffic. ``kernel_seconds`` is what compiling the kernels,
    or loading them, took before anything was measured."""

    rule_set: str
    rules: int
    interfaces: int
    table_bytes: int
    compiling: Spread
    kernel_seconds: float
    matching: Stage | None
    tracking: Stage
    replaying: Stage
    machine: Machine
    warnings: Sequence[str]

    @property
    def repeats(self) -> int:
        return len(self.tracking.spread.seconds)

    def json(self) -> str:
        """One JSON object; docs/benchmarks.md lists its fields."""
        return json.dumps(
            {
                "rule_set": self.rule_set,
                "rules": self.rules,
                "interfaces": self.interfaces,
                "table_bytes": self.table_bytes,
                "compile_seconds": self.compiling.as_json(),
                "kernel_seconds": self.kernel_seconds,
                "repeats": self.repeats,
                "matching": self.matching and self.matching.as_json(),
                "tracking": self.tracking.as_json(),
                "replaying": self.replaying.as_json(),
                **asdict(self.machine),
                "warnings": list(self.warnings),
            },
            indent=2,
        )


def benchmark_text(found: Benchmark) -> str:
    """The same as a table."""
    fastest, slowest = min(found.compiling.seconds), max(found.compiling.seconds)
    lines = [
        f"{found.rule_set}: {_count(found.rules, 'rule')}, {_count(found.interfaces, 'interface')}",
        f"Tables: {_size(found.table_bytes)}, compiled in {_time(found.compiling.median)} "
        f"({_time(fastest)} to {_time(slowest)})",
        "",
        f"{'':<32}{'packets':>12}{'flows':>10}{'packets/s':>12}   least to most of {found.repeats}",
    ]
    for name, stage in (
        ("Matching alone", found.matching),
        ("Judging, connections tracked", found.tracking),
        ("Capture to summary", found.replaying),
    ):
        if stage is not None:
            flows = "-" if stage.flows is None else f"{stage.flows:,}"
            least, median, most = (_rate(rate) for rate in (stage.least, stage.packets_per_second, stage.most))
            lines.append(f"{name:<32}{stage.packets:>12,}{flows:>10}{median:>12}   {least} to {most}")
    lines += ["", *_remarks(found)]
    return "\n".join(lines)


def _remarks(found: Benchmark) -> list[str]:
    lines = []
    if found.matching is not None:
        more = found.matching.more
        lines.append(
            f"Matched at {more['eni']}, {more['direction']}: {_count(more['rules'], 'rule')}, {more['matched']:.0%} of "
            f"the packets; judged: {found.tracking.more['dropped']:.0%} of the observations dropped"
        )
    versions = ", ".join(f"{name} {version}" for name, version in found.machine.versions.items())
    return [
        *lines,
        f"Seed {found.tracking.seed}, {_count(found.tracking.threads, 'thread')}; kernels were ready after "
        f"{_time(found.kernel_seconds)}, before all this",
        f"{found.machine.processor} ({_count(found.machine.processors, 'processor')}); {versions}",
    ]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _rate(per_second: float) -> str:
    return f"{per_second / 1e6:.2f} M" if per_second >= 1e5 else f"{per_second:,.0f}"


def _size(octets: int) -> str:
    return f"{octets / 1e6:,.1f} MB" if octets >= 1e6 else f"{octets / 1e3:,.1f} kB"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.1f} ms"
