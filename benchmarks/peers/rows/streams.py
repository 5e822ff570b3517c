"""From a capture file to the summary, beside tcpdump counting the same file; and the same with two threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks.peers.measuring import Contender, Plan, gather, measure
from benchmarks.peers.processes import ran
from benchmarks.peers.results import US, Row, ratio
from benchmarks.peers.slopes import Slope, replay, tcpdump
from benchmarks.peers.vpc import Stream, stream
from sgsim.workload import Workload

TIMES = 10
MARKS = {60: ">= 2.0", 1_000: ">= 1.7"}  # x tcpdump, on the slope
WHOLE = {60: "<= 3.0"}  # x tcpdump's wall time, of the whole process
ONE = "--jobs 1"


def rows(plan: Plan) -> Iterator[Row]:
    for rules, mark in MARKS.items():
        made = stream(plan.folder, Workload(packets=packets(plan), rules=rules), TIMES)
        yield from _beside_tcpdump(plan, made, mark)
        if rules == min(MARKS):
            yield _jobs(plan, made)
        made.remove()


def packets(plan: Plan) -> int:
    return 500_000 if plan.quick else 5_000_000


def _beside_tcpdump(plan: Plan, made: Stream, mark: str) -> Iterator[Row]:
    rules = made.work["rules"]
    row = Row("stream", f"capture to summary on the slope, {rules:,} rules", "packets/s", made.work)
    slopes: list[Slope] = []

    def slope(who: str, command: list[str]) -> Contender:
        ran([*command, str(made.capture)])  # compiled, and in the page cache, before it is measured
        slopes.append(Slope(who, command, made))
        return slopes[-1].contender()

    makers = {US: lambda _: slope(US, replay(made)), "tcpdump": lambda _: slope("tcpdump", tcpdump())}
    yield measure(row, gather(row, ExitStack(), makers), plan.rounds, {"tcpdump": mark})
    wholes = [each.whole() for each in slopes if row.result(each.who)]
    whole = Row("stream", f"the whole process, {rules:,} rules", "s", made.work, wholes, skipped=row.skipped)
    if len(wholes) == len(makers):
        whole.ratios = [ratio(wholes[0], wholes[1], "" if plan.quick else WHOLE.get(rules, ""))]
    yield whole


def _jobs(plan: Plan, made: Stream) -> Row:
    row = Row("stream", "--jobs 2 beside --jobs 1, on the slope", "packets/s", {**made.work, "threads": 2})

    def jobs(who: str, number: int) -> Contender:
        command = replay(made, "--jobs", str(number))
        ran([*command, str(made.capture)])
        return Slope(who, command, made).contender()

    makers = {US: lambda _: jobs(US, 2), ONE: lambda _: jobs(ONE, 1)}
    contenders = gather(row, ExitStack(), makers)
    return measure(row, contenders, plan.rounds, {ONE: ">= 1.6"}) if len(contenders) == len(makers) else row
