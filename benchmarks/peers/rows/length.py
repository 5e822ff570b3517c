"""One stream over and over: whole processes, and the memory that they held at most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.peers.measuring import Plan, UnavailableError
from benchmarks.peers.processes import ran
from benchmarks.peers.results import US, Curve, Point, Skipped, spread
from benchmarks.peers.slopes import replay, tcpdump
from benchmarks.peers.vpc import stream
from sgsim.workload import Workload

TEN_MEGABYTES = Workload(packets=88_000, flows=20_000)
_LONG = 1_000  # times: runs so long that three of them are enough


def rows(plan: Plan) -> Iterator[Curve]:
    work: dict[str, Any] = {}
    cost = Curve("length", "Length of the capture", "bytes of capture", "ns a packet, start-up included", work)
    memory = Curve("memory", "Memory along the capture", "bytes of capture", "MB held at most", work)
    for times in (1, 10, 100) if plan.quick else (1, 10, 100, _LONG):
        made = stream(plan.folder, TEN_MEGABYTES, times)
        if not work:
            work |= made.work
        capture = made.long if times > 1 else made.capture
        for who in (US, "tcpdump"):
            try:
                command = replay(made) if who == US else tcpdump()
                ended = [ran([*command, str(capture)]) for _ in range(3 if times == _LONG else plan.rounds)]
            except UnavailableError as reason:
                cost.skipped.append(Skipped(f"{who}, {times} times", str(reason)))
                continue
            size = capture.stat().st_size
            nanoseconds = [1e9 * each.seconds / (times * made.packets) for each in ended]
            cost.series.setdefault(who, []).append(Point(size, spread(nanoseconds)))
            held = [each.memory / 1e6 for each in ended if each.memory]  # 0: over before it was looked at
            if held:
                memory.series.setdefault(who, []).append(Point(size, spread(held)))
        made.remove()
    yield cost
    yield memory
