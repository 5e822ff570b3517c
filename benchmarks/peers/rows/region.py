"""A VPC of 5,000 interfaces, a Region's quota: how long until the first verdict, and how much memory."""

from __future__ import annotations

import json
from collections.abc import Iterator

from benchmarks.peers.measuring import Plan, UnavailableError
from benchmarks.peers.processes import python, ran
from benchmarks.peers.results import US, Result, Row, Skipped, spread
from benchmarks.peers.vpc import stream
from sgsim.workload import Workload

FIRST_VERDICT = "<= 2.0"  # seconds from the loaded snapshot


def rows(plan: Plan) -> Iterator[Row]:
    interfaces, groups = (500, 250) if plan.quick else (5_000, 2_500)
    made = stream(
        plan.folder,
        Workload(packets=1_000, flows=1_000, interfaces=interfaces, lists=groups, list_lengths=(1,)),
    )
    name = f"{interfaces:,} interfaces, {groups:,} groups: loaded snapshot to first verdict"
    row = Row("region", name, "s", made.work, mark="" if plan.quick else FIRST_VERDICT)
    runs = []
    try:
        for _ in range(1 if plan.quick else 3):
            ended = ran(python("benchmarks.peers.ours", "region", str(made.snapshot)))
            runs.append(json.loads(ended.output.splitlines()[-1]))
    except UnavailableError as reason:
        row.skipped.append(Skipped(US, str(reason)))
    if runs:
        row.results = [Result(US, spread([run["first_verdict_seconds"] for run in runs]), runs[-1])]
    yield row
