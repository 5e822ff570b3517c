"""The Linux kernel's firewall on the same flows: its whole way through a namespace, and the same with ct state."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.peers import cases
from benchmarks.peers.measuring import Contender, DisagreementError, Plan, gather, measure
from benchmarks.peers.native import build
from benchmarks.peers.netfilter import Firewall, no_rules, ruleset
from benchmarks.peers.processes import ran
from benchmarks.peers.results import US, Row
from benchmarks.peers.rows.matching import case
from benchmarks.peers.slopes import Slope, replay
from benchmarks.peers.snapshots import write_snapshot
from benchmarks.peers.vpc import Stream
from sgsim.workload import Acl, write_stream

PACKETS_OF_A_FLOW = 10
STATEFUL = "nftables, ct state"
BATCH = 64  # packets that the kernel gets at a time

_OF_THE_HOST = (127, 192)  # networks that the router does not forward, or has addresses in
_LINK_LOCAL = 169 << 8 | 254  # sgsim never filters it


def rows(plan: Plan) -> Iterator[Row]:
    for size in (60,) if plan.quick else (60, 300):
        yield _forwarded(plan, Acl(rules=size), 20_000 if plan.quick else 50_000)


def _forwarded(plan: Plan, acl: Acl, flows: int) -> Row:
    path = plan.folder / "kernel.case"
    work = case(path, acl, plan, packets=flows)
    rules, tuples = cases.read_match(path)
    tuples = tuples[~np.isin(tuples["src"] >> 24, _OF_THE_HOST) & (tuples["src"] >> 16 != _LINK_LOCAL)]
    made = _stream(plan, acl, rules, tuples, work)
    row = Row("kernel", f"{acl.rules} rules, flows of {PACKETS_OF_A_FLOW} packets", "packets/s", made.work)
    allowed = json.loads(ran([*replay(made, "--json"), str(made.capture)]).output)["allowed"]

    def passed(text: str, batch: int) -> tuple[float, int]:
        """Seconds, and how many packets were let through."""
        with Firewall(text) as there:
            seconds = there.inject(build("inject", plan.folder), made.capture, batch)
            counted = there.counters()
        if counted["seen"] != made.packets:
            raise DisagreementError(f"{counted['seen']:,} of {made.packets:,} packets got to nftables")
        return seconds, counted["seen"] - counted["dropped"]

    def firewall(_: ExitStack, who: str, text: str) -> Contender:
        # One at a time, so that a flow's entry is there before its next packet comes.
        if who == STATEFUL and (theirs := passed(text, 1)[1]) != allowed:
            raise DisagreementError(f"{who} lets {theirs:,} packets pass, {US} {allowed:,}")
        return Contender(who, lambda: made.packets / passed(text, BATCH)[0], {"packets": made.packets})

    makers: dict[str, Callable[[ExitStack], Contender]] = {US: lambda _: Slope(US, replay(made), made).contender()}
    for who, text in (
        ("the kernel, no rules", no_rules()),
        ("nftables, stateless", ruleset(rules, stateful=False)),
        (STATEFUL, ruleset(rules, stateful=True)),
    ):
        makers[who] = partial(firewall, who=who, text=text)
    contenders = gather(row, ExitStack(), makers)
    if any(contender.who == STATEFUL for contender in contenders):
        row.agreed = f"packets allowed equal to those that nftables with ct state lets pass: {allowed:,}"
    measure(row, contenders, plan.rounds)
    made.remove()
    return row


def _stream(plan: Plan, acl: Acl, rules: cases.Rows, tuples: cases.Tuples, work: dict[str, object]) -> Stream:
    flows = cases.flows_of(tuples, PACKETS_OF_A_FLOW)
    snapshot = write_snapshot(cases.topology_of(rules), plan.folder / "kernel.json")
    capture, long = Path(plan.folder, "kernel.pcap"), Path(plan.folder, "kernel-long.pcap")
    packets = write_stream(capture, flows, acl.seed)
    write_stream(long, flows, acl.seed, 10)
    return Stream(snapshot, capture, long, packets, 10, {**work, "packets": packets, "flows": len(tuples)})
