"""sgsim as a contender, and the only place here that knows its kernels: python -m benchmarks.peers.ours WHAT FILE"""

from __future__ import annotations

import sys
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.cases import TUPLE, Tuples, read_flows, read_match, topology_of
from benchmarks.peers.serving import or_unavailable, peak_memory, say, serve, timed
from sgsim.captures.buffers import allocate, trimmed
from sgsim.engine import Simulator
from sgsim.kernels.alone import match_columns
from sgsim.layout import INGRESS, OPENED, TRACKED, PacketColumns
from sgsim.model import EVERYWHERE, TCP, Direction, Interface, Rule, SecurityGroup, Topology
from sgsim.sources import load_topology
from sgsim.workload import GUARDED

BATCH = 8_192  # packets, as captures give them
SYN, ACK = 0x02, 0x10
_EPOCH_NS = 1_700_000_000_000_000_000


def columns_of(tuples: Tuples, flags: int) -> PacketColumns:
    """Five-tuples as a batch of whole IPv4 packets, all at one time."""
    count = len(tuples)
    columns = trimmed(allocate(count), count, quotes=0)
    columns.time_ns[:] = _EPOCH_NS
    columns.captured[:] = columns.length[:] = 64
    columns.version[:] = 4
    columns.protocol[:] = tuples["protocol"]
    columns.tcp_flags[tuples["protocol"] == TCP] = flags
    columns.src_lo[:], columns.dst_lo[:] = tuples["src"], tuples["dst"]
    columns.src_port[:], columns.dst_port[:] = tuples["src_port"], tuples["dst_port"]
    columns.quoted[:] = -1
    return columns


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
    """Bytes of the arrays of a compiled rule set."""
    return sum(part.nbytes for part in table if isinstance(part, np.ndarray))


def tracking(path: Path) -> None:
    """Packets of live flows, batch by batch: whose gates they meet, the flow's entry, its timer."""
    flows, which = read_flows(path)
    everywhere = Rule("sg/ingress/0", "sg", Direction.INGRESS, TCP, 443, 443, EVERYWHERE[4])
    guarded = Interface(GUARDED, addresses=(IPv4Address(int(flows["dst"][0])),), group_ids=("sg",))
    topology = Topology(groups={"sg": SecurityGroup("sg", "", None, (everywhere,), ())}, interfaces={GUARDED: guarded})
    _opened(Simulator(topology), flows[: 1 << 18])  # loads the kernels, growing the table among them
    simulator = Simulator(topology)
    opening = _opened(simulator, flows)
    packets = columns_of(flows[which], ACK)
    batches = [
        PacketColumns(*(column[begin : begin + BATCH] for column in packets)) for begin in range(0, len(which), BATCH)
    ]

    def judge() -> int:
        return sum(int(np.count_nonzero(simulator.judge_columns(batch).flags & TRACKED)) for batch in batches)

    assert judge() == len(which), "a packet of a live flow did not meet its entry"
    slots = simulator._state.slots
    about = {
        "build_seconds": sum(opening),
        "longest_batch_seconds": max(opening),
        "memory": slots.nbytes,
        "slot_bytes": slots.itemsize,
        "load": len(flows) / len(slots),
    }
    serve(about, {"run": judge})


def _opened(simulator: Simulator, flows: Tuples) -> list[float]:
    """Open every flow; seconds of each batch."""
    seconds = []
    for begin in range(0, len(flows), BATCH):
        columns = columns_of(flows[begin : begin + BATCH], SYN)
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
