"""Replays that write every observation, by the form of the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks.peers.measuring import Contender, Plan, gather, measure
from benchmarks.peers.processes import ran
from benchmarks.peers.results import US, Row
from benchmarks.peers.slopes import Slope, replay
from benchmarks.peers.vpc import stream
from sgsim.workload import Workload

MARKS = {"parquet": ">= 3e6", "ndjson": ">= 4e5", "csv": ">= 4e5"}  # observations a second
TIMES = 10


def rows(plan: Plan) -> Iterator[Row]:
    made = stream(plan.folder, Workload(packets=20_000 if plan.quick else 100_000, flows=10_000), TIMES)
    short, long = (
        json.loads(ran([*replay(made, "--json"), str(path)]).output)["observations"]
        for path in (made.capture, made.long)
    )
    for form, mark in MARKS.items():
        work = {**made.work, f"observations {TIMES}-fold": long}
        row = Row("outputs", f"-o verdicts.{form}, on the slope", "observations/s", work, mark=mark)
        file = plan.folder / f"verdicts.{form}"
        command = replay(made, "-o", str(file))

        def make(_: ExitStack, command: list[str] = command) -> Contender:
            ran([*command, str(made.capture)])  # refused where sgsim does not know the form
            return Slope(US, command, made, long - short).contender()

        yield measure(row, gather(row, ExitStack(), {US: make}), plan.rounds)
        file.unlink(missing_ok=True)
    made.remove()
