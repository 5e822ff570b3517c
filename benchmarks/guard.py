"""A guard against slipping: what each part costs, as a ratio to fixed work in the same process, against stored ratios.

    python -m benchmarks.guard           report; exit code 1 where a part costs twice its stored ratio or more
    python -m benchmarks.guard --renew   measure, and store the ratios in benchmarks/ratios.json

Ratios of processor time hold from machine to machine as far as seconds do not; a factor of two is far beyond what noise
does to the least of several rounds, so a failure is a loss. It takes less than a minute.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numba
import numpy as np

from benchmarks.startup import commands
from sgsim.bench import machine
from sgsim.captures import merged, open_capture
from sgsim.compile import compile_topology
from sgsim.engine import Simulator
from sgsim.kernels.alone import match_columns
from sgsim.layout import INGRESS, PacketColumns
from sgsim.model import Direction, Settings, Topology
from sgsim.reports.tally import Tally
from sgsim.workload import (
    GUARDED,
    RULE_SETS,
    Workload,
    acl_topology,
    draw_flows,
    gate_packets,
    topology,
    write_stream,
)

STORED = Path(__file__).with_name("ratios.json")
WORKLOAD = Workload(packets=500_000, flows=10_000)
ROUNDS, PROCESS_ROUNDS = 9, 7
FACTOR = 2.0  # of the stored ratio, at which a part has slipped

HASHING, IMPORTS = "hashing the capture's bytes", "import numpy, numba"

#: What each part is compared with.
PARTS = {
    "reading": HASHING,
    "matching 1,000 rules": HASHING,
    "judging": HASHING,
    "capture to summary": HASHING,
    "compiling 250 interfaces": HASHING,
    "compiling 1,000 rules": HASHING,
    "sgsim --help": IMPORTS,
    "sgsim query": IMPORTS,
    "sgsim replay, ten packets": IMPORTS,
}


@numba.njit
def _hash(octets: Any) -> int:
    """FNV-1a, byte by byte: work that nothing in sgsim changes, and that no compiler shortens."""
    digest = np.uint64(14_695_981_039_346_656_037)
    for octet in octets:
        digest = (digest ^ np.uint64(octet)) * np.uint64(1_099_511_628_211)
    return digest


def slipped(stored: Mapping[str, float], measured: Mapping[str, float], factor: float = FACTOR) -> list[str]:
    """The parts that cost ``factor`` times their stored ratio or more."""
    return [name for name, ratio in measured.items() if ratio >= factor * stored[name]]


def report(stored: Mapping[str, float], measured: Mapping[str, float]) -> str:
    lines = [f"{'':<28}{'ratio':>10}{'stored':>10}{'change':>10}   to"]
    for name, ratio in measured.items():
        change = f"{ratio / stored[name]:.2f} x" if name in stored else "new"
        lines.append(f"{name:<28}{ratio:>10.4f}{stored.get(name, float('nan')):>10.4f}{change:>10}   {PARTS[name]}")
    return "\n".join(lines)


def measure() -> dict[str, float]:
    """The ratio of each part: its least time of several rounds, to the least time of what it is compared with."""
    with tempfile.TemporaryDirectory(prefix="sgsim-guard-") as name:
        folder = Path(name)
        path = folder / "stream.pcap"
        made = topology(WORKLOAD)
        write_stream(path, draw_flows(WORKLOAD, made), WORKLOAD.seed)
        least = _least(_works(made, path), ROUNDS)
        least |= _least({name: _process(words) for name, words in commands(folder).items()}, PROCESS_ROUNDS)
    return {part: least[part] / least[baseline] for part, baseline in PARTS.items()}


def _least(works: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Least seconds of each; all of them in turn, round by round, so that a slow moment meets all alike."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds + 1):
        for name, work in works.items():
            times[name].append(work())
    return {name: min(found[1:]) for name, found in times.items()}


def _timed(work: Callable[[], object]) -> float:
    """Processor time: what else runs on the machine matters less to it than to wall time."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _process(words: list[str]) -> Callable[[], float]:
    """Processor time of a process of its own."""
    # As installed: where bytecode must not be written, every start compiles all modules anew.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(words, env=environment, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return run


def _works(made: Topology, path: Path) -> dict[str, Callable[[], float]]:
    """Each runs its part once and returns the seconds that count."""
    octets = np.fromfile(path, dtype=np.uint8)
    batches = list(_copied(path))
    acl = acl_topology(RULE_SETS["acl-v1-1000"])
    guarded = [acl.interfaces[GUARDED]]
    table = compile_topology(acl, guarded, Settings()).table
    columns = gate_packets(acl, GUARDED, Direction.INGRESS, WORKLOAD.packets)
    out = np.empty(WORKLOAD.packets, dtype=np.int32)

    def judging() -> float:
        simulator = Simulator(made)
        return _timed(lambda: [simulator.judge_columns(batch) for batch in batches])

    def whole_way() -> float:
        simulator = Simulator(made)
        return _timed(lambda: _replay(simulator, path))

    return {
        HASHING: lambda: _timed(lambda: _hash(octets)),
        "reading": lambda: _timed(lambda: sum(len(batch.columns.skip) for batch in _batches(path))),
        "matching 1,000 rules": lambda: _timed(lambda: match_columns(columns, table, 0, INGRESS, out)),
        "judging": judging,
        "capture to summary": whole_way,
        "compiling 250 interfaces": lambda: _timed(lambda: Simulator(made)),
        "compiling 1,000 rules": lambda: _timed(lambda: compile_topology(acl, guarded, Settings())),
    }


def _batches(path: Path) -> Iterable[Any]:
    with open_capture(os.fspath(path)) as capture:
        yield from merged([capture])


def _copied(path: Path) -> Iterable[PacketColumns]:
    return (PacketColumns._make(column.copy() for column in batch.columns) for batch in _batches(path))


def _replay(simulator: Simulator, path: Path) -> None:
    tally = Tally(simulator)
    for batch in _batches(path):
        tally.add(batch.columns, simulator.judge_columns(batch.columns))


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--renew"]):
        print("usage: python -m benchmarks.guard [--renew]", file=sys.stderr)
        return 2
    stored = json.loads(STORED.read_text())["ratios"] if STORED.exists() else {}
    measured = measure()
    print(report(stored, measured))
    if arguments:
        kept = {name: round(ratio, 4) for name, ratio in measured.items()}
        content = {"workload": asdict(WORKLOAD), "measured_on": asdict(machine()), "ratios": kept}
        STORED.write_text(json.dumps(content, indent=2) + "\n")
        return 0
    lost = slipped(stored, measured)
    for name in lost:
        print(f"slipped: {name} costs {measured[name] / stored[name]:.1f} times what it did", file=sys.stderr)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
