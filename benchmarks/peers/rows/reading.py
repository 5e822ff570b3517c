"""Reading a capture: to five-tuples in columns, to bytes, to scapy's layers; and tcpdump with a filter of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path

import numpy as np

from benchmarks.peers import cases
from benchmarks.peers.measuring import Contender, DisagreementError, Plan, gather, measure
from benchmarks.peers.processes import Server, python, ran
from benchmarks.peers.results import US, Row
from benchmarks.peers.rows.matching import case
from benchmarks.peers.rows.streams import packets
from benchmarks.peers.slopes import tcpdump
from benchmarks.peers.vpc import stream
from sgsim.model import TCP
from sgsim.workload import Acl, Workload, write_stream

# Who reads how many packets of the stream: what takes a second or so.
SCAPY = {"scapy, RawPcapReader": ("raw", 500_000), "scapy, dissection": ("dissected", 5_000)}


def rows(plan: Plan) -> Iterator[Row]:
    made = stream(plan.folder, Workload(packets=packets(plan)))
    row = Row("reading", "reading a capture", "packets/s", made.work)

    def server(stack: ExitStack, who: str, name: str, count: int) -> Contender:
        command = python("benchmarks.peers.readers", name, str(made.capture), str(count))
        reader = stack.enter_context(Server(command, who))
        return Contender(who, lambda: count / reader.seconds(), reader.about)

    def count_only(_: ExitStack) -> Contender:
        command = [*tcpdump(), str(made.capture)]
        return Contender("tcpdump", lambda: made.packets / ran(command).seconds, {"packets": made.packets})

    makers: dict[str, Callable[[ExitStack], Contender]] = {
        US: partial(server, who=US, name="sgsim", count=made.packets),
        "tcpdump": count_only,
    }
    for who, (name, count) in SCAPY.items():
        makers[who] = partial(server, who=who, name=name, count=min(count, made.packets))
    with ExitStack() as stack:
        yield measure(row, gather(row, stack, makers), plan.rounds)
    made.remove()
    yield from _filters(plan)


def _filters(plan: Plan) -> Iterator[Row]:
    """tcpdump with the rules as a BPF filter, on frames of the packets that matching is measured on."""
    count = 200_000 if plan.quick else 1_000_000
    path, capture = plan.folder / "filter.case", plan.folder / "filter.pcap"
    for size in (10, 60) if plan.quick else (10, 60, 300):
        acl = Acl(rules=size)
        row = Row(
            "reading", f"tcpdump with a filter of {size} rules", "packets/s", case(path, acl, plan, packets=count)
        )
        rules, tuples = cases.read_match(path)
        write_stream(capture, cases.flows_of(tuples, packets=1), acl.seed)
        command = [*_filtering(rules), str(capture)]

        def filtering(_: ExitStack, command: list[str] = command) -> Contender:
            return Contender("tcpdump", lambda: count / ran(command).seconds, {"packets": count})

        def matching(stack: ExitStack) -> Contender:
            server = stack.enter_context(Server(python("benchmarks.peers.ours", "matching", str(path)), US))
            return Contender(US, lambda: count / server.seconds(), server.about)

        with ExitStack() as stack:
            contenders = gather(row, stack, {US: matching, "tcpdump": filtering})
            if len(contenders) == 2:
                row.agreed = _same_count(plan, path, command)
            yield measure(row, contenders, plan.rounds)
    capture.unlink()


def _same_count(plan: Plan, path: Path, command: list[str]) -> str:
    with Server(python("benchmarks.peers.ours", "matching", str(path)), US) as server:
        ours = int((server.answers(plan.folder / "answers.i32") >= 0).sum())
    lines = ran(command).output.splitlines()
    theirs = next(int(words[0]) for words in map(str.split, lines) if words[1:] in (["packets"], ["packet"]))
    if ours != theirs:
        raise DisagreementError(f"{ours:,} packets are admitted by {US}, {theirs:,} pass tcpdump's filter")
    return f"packets admitted equal to tcpdump's count: {ours:,}"


def _filtering(rules: cases.Rows) -> list[str]:
    """tcpdump counting what the rules admit; raises UnavailableError where there is none."""
    return [tcpdump()[0], " or ".join(_primitive(rule) for rule in rules), *tcpdump()[1:]]


def _primitive(rule: np.void) -> str:
    network = IPv4Network((int(rule["address"]), int(rule["length"])))
    protocol = "tcp" if rule["protocol"] == TCP else "udp"
    return f"(src net {network} and {protocol} dst portrange {rule['first']}-{rule['last']})"
