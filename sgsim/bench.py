"""Measures what a rule set costs: compiling it, matching alone, judging with connections, the whole way from a file.

Times are of repeated runs of the same work, after one that is not counted; compiling kernels is timed apart.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import merged, open_capture
from sgsim.engine import Simulator
from sgsim.errors import OutputError, SelectionError
from sgsim.kernels.alone import match_columns
from sgsim.kernels.compiling import is_compiled
from sgsim.layout import EGRESS, FIRST_DROP, INGRESS, MatchTable, PacketColumns
from sgsim.model import Direction, Interface, Topology
from sgsim.replay import COMPILING, KERNELS, replay
from sgsim.reports.benchmark import Benchmark, Machine, Spread, Stage
from sgsim.reports.tally import Tally
from sgsim.selection import select
from sgsim.workload import Header, Traffic, draw_flows, gate_packets, trace_flows, trace_packets, write_stream

THREADS = 1


def benchmark(
    topology: Topology,
    traffic: Traffic,
    *,
    rule_set: str,
    headers: Sequence[Header] | None = None,
    vpc_id: str | None = None,
    repeats: int = 5,
    notice: Callable[[str], None] = lambda _: None,
) -> Benchmark:
    """Measure the rules of a topology (of one VPC) against traffic drawn for them, or against a trace's headers.

    ``rule_set`` is what the results call it; ``headers`` are for a topology of one interface, as ``load_classbench``
    makes it; ``notice`` is told when kernels are compiled. The stream is written to the temporary folder, some 112
    bytes a packet.

    Raises SgsimError: interfaces that cannot be judged, rules that no traffic can be drawn for, no room for the stream.
    """
    selected = select(topology, (), vpc_id)
    simulator = Simulator(topology, selected=selected)
    drawn = replace(topology, interfaces={i.interface_id: i for i in simulator.interfaces})
    question = _question(drawn, traffic, headers)
    if not is_compiled(KERNELS["fast"]):
        notice(COMPILING)
    with tempfile.TemporaryDirectory(prefix="sgsim-bench-") as folder:
        path = Path(folder) / "stream.pcap"
        _write(path, drawn, traffic, headers)
        kernel_seconds = _seconds(lambda: _first_use(simulator, path, question))
        matching = None if question is None else _matching(question, traffic, repeats)
        compiling, tracking, dropped = _tracking(topology, selected, _batches(path), repeats)
        replaying = [replay(topology, [path], vpc_id=vpc_id).seconds for _ in range(repeats + 1)][1:]
    stage = Stage(traffic.packets, traffic.flows, traffic.seed, THREADS, tracking, {"dropped": dropped})
    groups = {group_id for interface in simulator.interfaces for group_id in interface.group_ids}
    return Benchmark(
        rule_set=rule_set,
        rules=sum(len(topology.groups[group_id].rules(d)) for group_id in groups for d in Direction),
        interfaces=len(simulator.interfaces),
        table_bytes=table_bytes(simulator.table),
        compiling=compiling,
        kernel_seconds=kernel_seconds,
        matching=matching,
        tracking=stage,
        replaying=replace(stage, spread=Spread(replaying), more={}),
        machine=machine(),
        warnings=topology.warnings,
    )


def table_bytes(table: MatchTable) -> int:
    return sum(array.nbytes for array in table if isinstance(array, np.ndarray))


def machine() -> Machine:
    """This one, as far as it says what it is."""
    names = ("sgsim", "numpy", "numba")
    return Machine(
        processor=_processor(),
        processors=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        versions={"python": platform.python_version()} | {name: version(name) for name in names},
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _write(path: Path, topology: Topology, traffic: Traffic, headers: Sequence[Header] | None) -> None:
    if headers is None:
        flows = draw_flows(traffic, topology)
    else:
        flows = trace_flows(headers, next(iter(topology.interfaces.values())), traffic)
    try:
        write_stream(path, flows, traffic.seed)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}: fewer --packets, or another TMPDIR") from None


def _first_use(simulator: Simulator, path: Path, question: _Question | None) -> None:
    """Run each kernel once, on little: what this takes is compiling it, or loading what was compiled before."""
    with open_capture(str(path)) as capture:
        columns = next(iter(merged([capture]))).columns
        Tally(simulator).add(columns, simulator.judge_columns(columns))
    if question is not None:
        question.ask(packets=1)


def _batches(path: Path) -> list[PacketColumns]:
    """The stream in memory, so that judging is measured without reading."""
    with open_capture(str(path)) as capture:
        return [PacketColumns._make(column.copy() for column in batch.columns) for batch in merged([capture])]


def _judge(simulator: Simulator, batches: Sequence[PacketColumns]) -> tuple[int, int]:
    """Observations, and how many of them were dropped."""
    made = dropped = 0
    for columns in batches:
        reasons = simulator.judge_columns(columns).reason
        made += len(reasons)
        dropped += int(np.count_nonzero(reasons >= FIRST_DROP))
    return made, dropped


def _tracking(
    topology: Topology, selected: list[str], batches: Sequence[PacketColumns], repeats: int
) -> tuple[Spread, Spread, float]:
    """Seconds of compiling and of judging, each time with empty tables; share of the observations dropped."""
    compiling, judging, share = [], [], 0.0
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        simulator = Simulator(topology, selected=selected)
        compiled = time.perf_counter()
        made, dropped = _judge(simulator, batches)
        judging.append(time.perf_counter() - compiled)
        compiling.append(compiled - begun)
        share = dropped / max(made, 1)
    return Spread(compiling[1:]), Spread(judging[1:]), share


@dataclass(frozen=True, slots=True)
class _Question:
    """A gate, the tables of its interface alone, and packets to match there."""

    interface: Interface
    table: MatchTable
    direction: Direction
    rules: int
    columns: PacketColumns
    out: NDArray[np.int32]

    def ask(self, packets: int | None = None) -> None:
        """Match the packets, or only the first of them; fills ``out``, the one place where that kernel is called."""
        code = EGRESS if self.direction is Direction.EGRESS else INGRESS
        match_columns(self.columns, self.table, 0, code, self.out[:packets])


def _question(topology: Topology, traffic: Traffic, headers: Sequence[Header] | None) -> _Question | None:
    """At the gate that has most rules among those that can be asked."""
    for rules, interface, direction in _gates(topology):
        try:
            if headers is None:
                columns = gate_packets(topology, interface.interface_id, direction, traffic.packets, seed=traffic.seed)
            else:
                columns = trace_packets(headers, interface, traffic.packets)
        except SelectionError:
            continue
        out = np.empty(traffic.packets, dtype=np.int32)
        table = Simulator(topology, selected=[interface.interface_id]).table
        return _Question(interface, table, direction, rules, columns, out)
    return None


def _matching(question: _Question, traffic: Traffic, repeats: int) -> Stage:
    times = [_seconds(lambda: question.ask()) for _ in range(repeats + 1)]
    more = {
        "eni": question.interface.interface_id,
        "direction": question.direction.value,
        "rules": question.rules,
        "matched": float(np.mean(question.out >= 0)),
    }
    return Stage(traffic.packets, None, traffic.seed, THREADS, Spread(times[1:]), more)


def _gates(topology: Topology) -> list[tuple[int, Interface, Direction]]:
    """Rules, interface and direction of a gate of each list of groups, those with most rules first."""
    lists = {interface.group_ids: interface for interface in reversed(list(topology.interfaces.values()))}
    gates = [
        (sum(len(topology.groups[group_id].rules(direction)) for group_id in group_ids), interface, direction)
        for group_ids, interface in reversed(list(lists.items()))
        for direction in Direction
    ]
    return sorted(gates, key=lambda gate: -gate[0])
