"""Packets of live flows, any as likely as any other: the flow's entry is found, and its timer begins anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks.peers import cases
from benchmarks.peers.measuring import Contender, Plan, gather, measure, must_agree
from benchmarks.peers.native import build
from benchmarks.peers.processes import Server, python
from benchmarks.peers.results import US, Curve, Row
from sgsim.workload import LIVE

SEED = 1
MARKS = {1_000_000: ">= 1.1", 10_000_000: ">= 1.1"}  # x rte_hash's bulk look-up
STAMPED = "rte_hash, with a time stamp"


def rows(plan: Plan) -> Iterator[Row | Curve]:
    curve = Curve("flows", "Live flows", "live flows", "ns a packet", {})
    for live in (1_000, 10_000, 100_000, 1_000_000, 10_000_000)[: 4 if plan.quick else 5]:
        row = _tracked(plan, live)
        curve.grow(live, row, (US, "rte_hash"), lambda rate: 1e9 / rate)
        curve.work |= {name: value for name, value in row.work.items() if name != "flows"}
        yield row
    yield curve


def _tracked(plan: Plan, live: int) -> Row:
    packets = 1_000_000 if plan.quick else 4_000_000
    work = {"workload": LIVE, "packets": packets, "flows": live, "rules": 1, "seed": SEED, "threads": 1}
    row = Row("tracking", f"{live:,} live flows", "packets/s", work)
    path = plan.folder / "tracking.case"
    flows, met = cases.live_flows(live, packets, SEED)
    cases.write(path, flows, met)
    with ExitStack() as stack:
        peer: list[Server] = []  # none, or one

        def ours(stack: ExitStack) -> Contender:
            server = stack.enter_context(Server(python("benchmarks.peers.ours", "tracking", str(path)), US))
            return Contender(US, lambda: packets / server.seconds(), server.about)

        def rte_hash(stack: ExitStack) -> Contender:
            command = [str(build("rte_hash", plan.folder, "libdpdk")), str(path)]
            peer.append(stack.enter_context(Server(command, "rte_hash")))
            return Contender("rte_hash", lambda: packets / peer[0].seconds(), peer[0].about)

        contenders = gather(row, stack, {US: ours, "rte_hash": rte_hash})
        if peer:
            met["back"] = 0
            found = flows[peer[0].answers(plan.folder / "answers.i32")]
            row.agreed = must_agree("flows found", {"the case file": met, "rte_hash": found})
            contenders.append(Contender(STAMPED, lambda: packets / peer[0].seconds("stamp"), {}))
        return measure(row, contenders, plan.rounds, {"rte_hash": MARKS.get(live, "")})
