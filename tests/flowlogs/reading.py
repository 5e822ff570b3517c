"""What the readers made of a log, in the shape that ``plain`` gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sgsim.captures.flowlogs import Logs, Meetings, log_files
from sgsim.engine.packets import address_of
from sgsim.layout import HAS_BYTES, HAS_FLAGS, HAS_PACKETS, PKT_DST, PKT_SRC, PUBLIC_ACCESS_BLOCKED

ACTIONS = {0: "-", 1: "ACCEPT", 2: "REJECT"}
DIRECTIONS = {0: "ingress", 1: "egress", 2: "-"}


class Read:
    """All of what some logs hold: ``records`` by log and line, lines that are none, warnings."""

    def __init__(self, *paths: Path | str, fields: Sequence[str] | None = None, strict: bool = False) -> None:
        meetings = Meetings()
        logs = Logs(log_files([str(path) for path in paths]), meetings, fields, strict=strict)
        self.records: dict[tuple[int, int], dict[str, Any]] = {}
        self.order: list[tuple[int, int]] = []
        for batch in logs.batches():
            for row, ends in zip(batch.records, batch.packet_ends.tolist(), strict=True):
                key = int(row["log"]), int(row["line"])
                assert key not in self.records
                self.records[key] = _record(row, ends, meetings)
                self.order.append(key)
        logs.close()
        self.names, self.warnings = logs.names, logs.warnings
        self.skipped = {str(skip): count for skip, count in meetings.skipped().items()}


def _record(row: Any, ends: list[int], meetings: Meetings) -> dict[str, Any]:
    version, marks = int(row["version"]), int(row["marks"])
    name = int(row["name"])
    return {
        "id": None if name < 0 else meetings.id_text(name),
        "src": address_of(version, int(row["src_hi"]), int(row["src_lo"])),
        "dst": address_of(version, int(row["dst_hi"]), int(row["dst_lo"])),
        "pkt_src": address_of(version, ends[0], ends[1]) if marks & PKT_SRC else None,
        "pkt_dst": address_of(version, ends[2], ends[3]) if marks & PKT_DST else None,
        "src_port": int(row["src_port"]),
        "dst_port": int(row["dst_port"]),
        "protocol": int(row["protocol"]),
        "packets": int(row["packets"]) if marks & HAS_PACKETS else None,
        "bytes": int(row["bytes"]) if marks & HAS_BYTES else None,
        "start": int(row["start"]),
        "end": int(row["end"]),
        "action": ACTIONS[int(row["action"])],
        "tcp_flags": int(row["tcp_flags"]) if marks & HAS_FLAGS else None,
        "direction": DIRECTIONS[int(row["direction"])],
        "blocked": bool(marks & PUBLIC_ACCESS_BLOCKED),
    }
