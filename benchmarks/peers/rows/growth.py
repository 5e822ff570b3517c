"""How the cost of a packet, the memory and the first verdict grow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers.measuring import Plan, UnavailableError
from benchmarks.peers.native import build
from benchmarks.peers.processes import Server, python, ran
from benchmarks.peers.results import US, Curve, Point, Skipped, spread
from benchmarks.peers.rows import tracking
from benchmarks.peers.rows.matching import case
from benchmarks.peers.slopes import replay, tcpdump
from benchmarks.peers.vpc import stream
from sgsim.workload import LIVE, Acl, Workload

MEGABYTE = 1_000_000


def rows(plan: Plan) -> Iterator[Curve]:
    yield _flows(plan)
    yield _rules(plan)
    yield from _length(plan)
    yield _interfaces(plan)


def _flows(plan: Plan) -> Curve:
    """Packets of live flows in random order, as in part tracking."""
    curve = Curve("flows", "Live flows", "live flows", "ns a packet", {"workload": LIVE, "seed": tracking.SEED})
    sizes = (1_000, 10_000, 100_000, 1_000_000) if plan.quick else tuple(10**n for n in range(3, 8))
    for live in sizes:
        row = tracking.tracked(plan, live)
        for result in row.results:
            if result.who != tracking.STAMPED:
                _add(curve, result.who, live, [1e9 / rate for rate in result.value.runs])
        curve.skipped = row.skipped
        curve.work["packets"] = row.work["packets"]
    return curve


def _rules(plan: Plan) -> Curve:
    """Matching alone on traffic that hits, as in part matching."""
    curve = Curve("rules", "Rules of an interface", "rules", "ns a packet", {"workload": "acl-v1", "seed": 1})
    sizes = (10, 100, 1_000) if plan.quick else (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
    path = plan.folder / "growth.case"
    for size in sizes:
        work = case(path, Acl(rules=size), plan)
        curve.work["packets"] = work["packets"]
        for who in (US, "rte_acl"):
            try:
                with Server(_matching(plan, who, path), who) as server:
                    nanoseconds = [1e9 * server.seconds() / work["packets"] for _ in range(plan.rounds)]
            except UnavailableError as reason:
                curve.skipped.append(Skipped(f"{who}, {size:,} rules", str(reason)))
            else:
                _add(curve, who, size, nanoseconds)
    return curve


def _matching(plan: Plan, who: str, path: Path) -> list[str]:
    if who == US:
        return python("benchmarks.peers.ours", "matching", str(path))
    return [str(build("rte_acl", plan.folder, "libdpdk")), str(path)]


def _length(plan: Plan) -> Iterator[Curve]:
    """One stream over and over: whole processes, and the memory that they held at most."""
    work: dict[str, Any] = {}
    cost = Curve("length", "Length of the capture", "bytes of capture", "ns a packet, start-up included", work)
    memory = Curve("memory", "Memory along the capture", "bytes of capture", "MB held at most", work)
    base = Workload(packets=88_000, flows=20_000)  # 10 MB
    for times in (1, 10, 100) if plan.quick else (1, 10, 100, 1_000):
        made = stream(plan.folder, base, times)
        work |= {**made.work, "repeated": times}
        capture = made.long if times > 1 else made.capture
        for who in (US, "tcpdump"):
            try:
                command = replay(made) if who == US else tcpdump()
                ended = [ran([*command, str(capture)]) for _ in range(3 if times == 1_000 else plan.rounds)]
            except UnavailableError as reason:
                cost.skipped.append(Skipped(who, str(reason)))
                continue
            size = capture.stat().st_size
            _add(cost, who, size, [1e9 * each.seconds / (times * made.packets) for each in ended])
            _add(memory, who, size, [each.memory / MEGABYTE for each in ended])
        made.remove()
    yield cost
    yield memory


def _interfaces(plan: Plan) -> Curve:
    """From a loaded snapshot to the first verdict, as in part region."""
    work = {"workload": "vpc-v2", "rules": 60, "groups": "one for two interfaces", "seed": 1}
    curve = Curve("interfaces", "Interfaces of a VPC", "interfaces", "s to the first verdict", work)
    for interfaces in (2, 20, 200) if plan.quick else (2, 20, 200, 1_000, 5_000):
        shape = Workload(packets=1_000, flows=1_000, interfaces=interfaces, lists=interfaces // 2, list_lengths=(1,))
        made = stream(plan.folder, shape)
        try:
            ended = [ran(python("benchmarks.peers.ours", "region", str(made.snapshot))) for _ in range(plan.rounds)]
        except UnavailableError as reason:
            curve.skipped.append(Skipped(f"{US}, {interfaces:,} interfaces", str(reason)))
            continue
        told = [json.loads(each.output.splitlines()[-1]) for each in ended]
        _add(curve, US, interfaces, [each["first_verdict_seconds"] for each in told])
    return curve


def _add(curve: Curve, who: str, x: float, values: list[float]) -> None:
    curve.series.setdefault(who, []).append(Point(x, spread(values)))
