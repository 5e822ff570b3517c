"""sgsim as a contender, and the only place here that knows its kernels: python -m benchmarks.peers.ours WHAT FILE"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.cases import TUPLE, Tuples, read_flows, read_match, topology_of, turned
from benchmarks.peers.serving import or_unavailable, peak_memory, say, serve, timed
from sgsim.engine import Simulator
from sgsim.kernels.alone import match_columns
from sgsim.layout import INGRESS, OPENED, SLOT_WORDS, TRACKED, PacketColumns
from sgsim.model import TCP
from sgsim.sources import load_topology
from sgsim.workload import GUARDED, live_topology
from sgsim.workload.columns import ACK, SYN, ipv4_columns

BATCH = 8_192  # packets, as captures give them


def columns_of(tuples: Tuples, flags: int, first: int = 0) -> PacketColumns:
    """Five-tuples as a batch of IPv4 packets, the first of which is number ``first`` in time."""
    sent = turned(tuples)
    names = ("protocol", "src", "dst", "src_port", "dst_port")
    return ipv4_columns(*(sent[name] for name in names), tcp_flags=flags, first=first)


def matching(path: Path) -> None:
    """Columns in, the credited rule out."""
    case = read_match(path)
    topology = topology_of(case.rows)
    before = peak_memory()
    made: list[Simulator] = []

    def build() -> None:
        made[:] = [Simulator(topology, selected=[GUARDED])]

    seconds = timed(build)
    memory = peak_memory() - before
    columns = columns_of(case.tuples, SYN)
    credited = np.empty(len(case.tuples), dtype=np.int32)

    def judge() -> NDArray[np.int32]:
        match_columns(columns, made[0].table, 0, INGRESS, credited)
        return credited

    judge()
    about = {"build_seconds": seconds, "memory": memory, "table": _size(made[0].table)}
    serve(about, {"run": judge, "build": build}, judge)


def _size(table: NamedTuple) -> int:
    """Bytes of a table's arrays."""
    return sum(part.nbytes for part in table if isinstance(part, np.ndarray))


def tracking(path: Path) -> None:
    """Packets of live flows, batch by batch: whose gates they meet, the flow's entry, its timer."""
    flows, packets = read_flows(path)
    _opened(Simulator(live_topology()), flows[: 1 << 18])  # loads the kernels, the one that grows the table among them
    simulator = Simulator(live_topology())
    opening = _opened(simulator, flows)
    batches = [
        columns_of(packets[begin : begin + BATCH], ACK, len(flows) + begin) for begin in range(0, len(packets), BATCH)
    ]

    def judge() -> int:
        return sum(int(np.count_nonzero(simulator.judge_columns(batch).flags & TRACKED)) for batch in batches)

    assert judge() == len(packets), "a packet of a live flow did not meet its entry"
    table = simulator._state.table
    about = {
        "build_seconds": sum(opening),
        "longest_batch_seconds": max(opening),
        "memory": table.slots.nbytes,
        "memory_of_ipv6_addresses": table.wide.nbytes,  # touched by none of these flows
        "load": len(flows) * SLOT_WORDS / len(table.slots),
    }
    serve(about, {"run": judge})


def _opened(simulator: Simulator, flows: Tuples) -> list[float]:
    """Open every flow; seconds of each batch."""
    seconds = []
    for begin in range(0, len(flows), BATCH):
        columns = columns_of(flows[begin : begin + BATCH], SYN, begin)
        begun = time.perf_counter()
        verdicts = simulator.judge_columns(columns)
        seconds.append(time.perf_counter() - begun)
        assert (verdicts.flags & OPENED).all(), "a flow of the case file met the entry of another"
    return seconds


def region(path: Path) -> None:
    """The time from a loaded snapshot to the first verdict, in a process of its own."""
    begun = time.perf_counter()
    topology = load_topology(str(path))
    about: dict[str, float] = {"load_seconds": time.perf_counter() - begun, "loaded_memory": peak_memory()}
    tuples = np.zeros(1, dtype=TUPLE)
    tuples["src"] = 20 << 24
    tuples["dst"] = next(int(a) for each in topology.interfaces.values() for a in each.addresses if a.version == 4)
    tuples["protocol"], tuples["src_port"], tuples["dst_port"] = TCP, 40_000, 443
    columns = columns_of(tuples, SYN)
    begun = time.perf_counter()
    simulator = Simulator(topology)
    about["build_seconds"] = time.perf_counter() - begun
    verdicts = simulator.judge_columns(columns)
    about["first_verdict_seconds"] = time.perf_counter() - begun
    assert len(verdicts.packet) == 1
    about["memory"], about["table"] = peak_memory(), _size(simulator.table)
    say(about)


if __name__ == "__main__":
    what, where = sys.argv[1:]
    or_unavailable(lambda: {"matching": matching, "tracking": tracking, "region": region}[what](Path(where)))
