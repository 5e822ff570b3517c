"""Streams and snapshots of workload vpc, in files: what whole processes are measured on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers.snapshots import write_snapshot
from sgsim.workload import Workload, draw_flows, topology, write_stream


class Stream(NamedTuple):
    """``long`` is the capture ``times`` times over; ``work`` says what both were made of."""

    snapshot: Path
    capture: Path
    long: Path
    packets: int
    times: int
    work: dict[str, Any]

    def remove(self) -> None:
        for path in (self.snapshot, self.capture, self.long):
            path.unlink(missing_ok=True)


def stream(folder: Path, workload: Workload, times: int = 1) -> Stream:
    made = topology(workload)
    flows = draw_flows(workload, made)
    snapshot = write_snapshot(made, folder / "snapshot.json")
    capture, long = folder / "stream.pcap", folder / "longer.pcap"
    packets = write_stream(capture, flows, workload.seed)
    if times > 1:
        write_stream(long, flows, workload.seed, times)
    work = {
        "workload": workload.name,
        "packets": packets,
        "flows": workload.flows,
        "rules": workload.rules,
        "interfaces": workload.interfaces,
        "seed": workload.seed,
        "threads": 1,
        "bytes": capture.stat().st_size,
    }
    if times > 1:
        work[f"packets {times}-fold"] = times * packets
    return Stream(snapshot, capture, long, packets, times, work)
