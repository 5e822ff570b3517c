"""VPCs of up to 5,000 interfaces, a Region's quota: how long until the first verdict, and how much memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from benchmarks.peers.measuring import Contender, Plan, gather, measure
from benchmarks.peers.processes import python, ran
from benchmarks.peers.results import US, Curve, Row
from benchmarks.peers.vpc import stream
from sgsim.workload import Workload

REGION = 5_000
FIRST_VERDICT = "<= 2.0"  # seconds from the loaded snapshot


def rows(plan: Plan) -> Iterator[Row | Curve]:
    curve = Curve(
        "interfaces", "Interfaces of a VPC", "interfaces", "s from the loaded snapshot to the first verdict", {}
    )
    sizes = (2, 20, 200) if plan.quick else (2, 20, 200, 1_000, REGION)
    for interfaces in sizes:
        shape = Workload(packets=1_000, flows=1_000, interfaces=interfaces, lists=interfaces // 2, list_lengths=(1,))
        made = stream(plan.folder, shape)
        mark = FIRST_VERDICT if interfaces == REGION else ""
        row = Row("region", f"{interfaces:,} interfaces, {shape.lists:,} groups", "s", made.work, mark=mark)
        command = python("benchmarks.peers.ours", "region", str(made.snapshot))
        told: dict[str, Any] = {}

        def first_verdict(command: list[str] = command, told: dict[str, Any] = told) -> float:
            told |= json.loads(ran(command).output.splitlines()[-1])
            return float(told["first_verdict_seconds"])

        def ours(_: ExitStack, measured: Callable[[], float] = first_verdict, told: dict[str, Any] = told) -> Contender:
            measured()  # compiled before it is measured
            return Contender(US, measured, told)

        contenders = gather(row, ExitStack(), {US: ours})
        yield measure(row, contenders, 3 if interfaces > 200 else plan.rounds)
        curve.grow(interfaces, row, (US,), lambda seconds: seconds)
        curve.work |= {name: row.work[name] for name in ("workload", "rules", "seed", "threads")}
        made.remove()
    yield curve
