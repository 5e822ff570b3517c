"""Compiling rules into tables, with what the tables take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.peers.measuring import Contender, Plan, gather, measure
from benchmarks.peers.native import build
from benchmarks.peers.processes import Server, python
from benchmarks.peers.results import US, Row
from benchmarks.peers.rows.matching import case
from sgsim.workload import Acl

MARKS = {1_000: "<= 1", 10_000: "<= 1"}  # x rte_acl's build
_SLOW = 5.0  # seconds: what takes longer is measured once more, and no more than that


def rows(plan: Plan) -> Iterator[Row]:
    for size in (60, 1_000) if plan.quick else (60, 1_000, 10_000, 100_000):
        path = plan.folder / "compiling.case"
        row = Row("compiling", f"{size:,} rules", "s", case(path, Acl(rules=size), plan, packets=1_024))
        with ExitStack() as stack:
            contenders = gather(
                row,
                stack,
                {
                    US: lambda stack, path=path: _builder(
                        stack, US, python("benchmarks.peers.ours", "matching", str(path))
                    ),
                    "rte_acl": lambda stack, path=path: _builder(stack, "rte_acl", _acl(plan, path)),
                },
            )
            slow = any(contender.about["build_seconds"] > _SLOW for contender in contenders)
            yield measure(row, contenders, 1 if slow else plan.rounds, {"rte_acl": MARKS.get(size, "")})


def _acl(plan: Plan, path: Path) -> list[str]:
    return [str(build("rte_acl", plan.folder, "libdpdk")), str(path)]


def _builder(stack: ExitStack, who: str, command: list[str]) -> Contender:
    server = stack.enter_context(Server(command, who))
    return Contender(who, lambda: server.seconds("build"), server.about)
