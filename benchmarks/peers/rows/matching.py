"""Matching alone: five-tuples in, the credited rule out, one interface's ingress rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.peers import cases
from benchmarks.peers.measuring import Contender, Plan, gather, measure, must_agree
from benchmarks.peers.native import build
from benchmarks.peers.processes import Server, python
from benchmarks.peers.results import US, Curve, Row
from sgsim.model import Direction
from sgsim.workload import GUARDED, HITS, MISSES, Acl, acl_topology, gate_packets

MARKS = {60: ">= 2.5", 1_000: ">= 2.5", 10_000: ">= 2.0"}  # x rte_acl's best method, on traffic that hits
PLAIN, EXPANDED = "sgsim, plain rules", "rte_acl, a rule for each member"

# What a slow peer looks at in half a second, rules or packets: it gets the first packets only, but not fewer than that.
_NUMPY_RULES, _NUMBA_RULES, _PYTRICIA_PACKETS = 250_000_000, 2_000_000_000, 400_000
_FEWEST = 10_000
_MOST_NUMPY_RULES = 1_000

Command = Callable[[], list[str]]


def rows(plan: Plan) -> Iterator[Row | Curve]:
    path = plan.folder / "matching.case"
    curve = Curve("rules", "Rules of an interface", "rules", "ns a packet, of traffic that hits", {})
    for size in (10, 60, 1_000) if plan.quick else (10, 60, 300, 1_000, 10_000, 100_000):
        for traffic, share in (("hit", HITS), ("miss", MISSES)):
            row = Row("matching", f"{size:,} rules, {traffic}", "packets/s", case(path, Acl(rules=size), plan, share))
            yield _compare(plan, row, path, MARKS.get(size, "") if traffic == "hit" else "")
            if traffic == "hit":
                curve.grow(size, row, (US, "rte_acl", "numba"), lambda rate: 1e9 / rate)
                curve.work |= {name: value for name, value in row.work.items() if name not in ("rules", "admitted")}
    yield _references(plan)
    yield curve


def case(path: Path, acl: Acl, plan: Plan, share: float = HITS, packets: int | None = None) -> dict[str, Any]:
    """Write a case file; what it was made of."""
    packets = packets or (1 << 20 if plan.quick else 1 << 22)
    topology = acl_topology(acl)
    columns = gate_packets(topology, GUARDED, Direction.INGRESS, packets, share, acl.seed)
    cases.write(path, cases.rows_of(topology), cases.tuples_of(columns))
    return {"workload": acl.name, "packets": packets, "rules": acl.rules, "seed": acl.seed, "threads": 1}


def _ours(path: Path) -> Command:
    return lambda: python("benchmarks.peers.ours", "matching", str(path))


def _acl(plan: Plan, path: Path) -> Command:
    return lambda: [str(build("rte_acl", plan.folder, "libdpdk")), str(path)]


def _compare(plan: Plan, row: Row, path: Path, mark: str) -> Row:
    """Everyone who can judge this case."""
    count, packets = int(row.work["rules"]), int(row.work["packets"])
    limits = {"numba": _NUMBA_RULES // count, "pytricia": _PYTRICIA_PACKETS}
    if count <= _MOST_NUMPY_RULES:
        limits["numpy"] = _NUMPY_RULES // count
    commands: dict[str, tuple[Command, int]] = {US: (_ours(path), packets), "rte_acl": (_acl(plan, path), packets)}
    for who, limit in limits.items():
        few = min(packets, max(_FEWEST, limit))
        commands[who] = partial(python, "benchmarks.peers.judges", who, str(path), str(few)), few
    return _judged(plan, row, commands, {"rte_acl": mark})


def _references(plan: Plan) -> Row:
    """1,000 rules of which 200 refer to groups with 100,000 member addresses in all, beside 1,000 plain ones."""
    referring, without = plan.folder / "references.case", plan.folder / "plain.case"
    acl = Acl(rules=1_000, references=200, members=100_000)
    work = case(referring, acl, plan)
    packets = case(without, Acl(rules=1_000), plan)["packets"]
    row = Row("matching", "1,000 rules, 200 of them references", "packets/s", {**work, "members": acl.members})
    commands = {
        US: (_ours(referring), packets),
        PLAIN: (_ours(without), packets),
        EXPANDED: (_acl(plan, referring), packets),
    }
    return _judged(plan, row, commands, {PLAIN: ">= 0.7"}, apart=PLAIN)


def _judged(
    plan: Plan, row: Row, commands: dict[str, tuple[Command, int]], marks: dict[str, str], apart: str = ""
) -> Row:
    """No rate before all credited rules are equal; ``apart`` judges other packets. Commands stand beside the number
    of packets that they judge."""
    with ExitStack() as stack:
        servers: dict[str, Server] = {}

        def serve(stack: ExitStack, who: str, command: Command, packets: int) -> Contender:
            server = servers[who] = stack.enter_context(Server(command(), who))
            return Contender(who, lambda: packets / server.seconds(), {"packets": packets, **server.about})

        makers = {
            who: partial(serve, who=who, command=command, packets=packets)
            for who, (command, packets) in commands.items()
        }
        contenders = gather(row, stack, makers)
        path = plan.folder / "answers.i32"
        answers = {who: server.answers(path) for who, server in servers.items() if who != apart}
        row.agreed = must_agree("credited rules", answers)
        if answers:
            row.work["admitted"] = round(float((max(answers.values(), key=len) >= 0).mean()), 4)
        return measure(row, contenders, plan.rounds, marks)
