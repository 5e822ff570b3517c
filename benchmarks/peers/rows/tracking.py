"""Packets of live flows, any as likely as any other: the flow's entry is found, and its timer begins anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from benchmarks.peers import cases
from benchmarks.peers.measuring import Contender, Plan, gather, measure, must_agree
from benchmarks.peers.native import build
from benchmarks.peers.processes import Server, python
from benchmarks.peers.results import US, Row
from sgsim.workload import LIVE

SEED = 1
MARKS = {1_000_000: ">= 1.1", 10_000_000: ">= 1.1"}  # x rte_hash's bulk look-up
STAMPED = "rte_hash, with a time stamp"


def rows(plan: Plan) -> Iterator[Row]:
    for live in (100_000, 1_000_000) if plan.quick else (100_000, 1_000_000, 10_000_000):
        yield tracked(plan, live)


def tracked(plan: Plan, live: int) -> Row:
    packets = 1_000_000 if plan.quick else 4_000_000
    work = {"workload": LIVE, "packets": packets, "flows": live, "rules": 1, "seed": SEED, "threads": 1}
    row = Row("tracking", f"{live:,} live flows", "packets/s", work)
    path = plan.folder / "tracking.case"
    flows, met = cases.live_flows(live, packets, SEED)
    cases.write(path, flows, met)
    with ExitStack() as stack:
        servers: dict[str, Server] = {}

        def serve(stack: ExitStack, who: str, like: str, order: str) -> Contender:
            """A way to ask a server that is there, or the server itself."""
            if like not in servers:
                command = (
                    python("benchmarks.peers.ours", "tracking", str(path))
                    if like == US
                    else [str(build("rte_hash", plan.folder, "libdpdk")), str(path)]
                )
                servers[like] = stack.enter_context(Server(command, like))
            server = servers[like]
            return Contender(who, lambda: packets / server.seconds(order), server.about if who == like else {})

        ways = {US: (US, "run"), "rte_hash": ("rte_hash", "run"), STAMPED: ("rte_hash", "stamp")}
        makers = {who: partial(serve, who=who, like=like, order=order) for who, (like, order) in ways.items()}
        contenders = gather(row, stack, makers)
        if "rte_hash" in servers:
            found = servers["rte_hash"].answers(plan.folder / "answers.i32")
            met["back"] = 0
            row.agreed = must_agree("flows found", {"the case file": met, "rte_hash": flows[found]})
        return measure(row, contenders, plan.rounds, {"rte_hash": MARKS.get(live, "")})
