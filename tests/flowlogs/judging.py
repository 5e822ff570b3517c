"""Run ``flowlogs`` on lines, and look at what it says of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sgsim.flowlogs import RecordOutputs, flowlogs
from sgsim.model import Topology
from sgsim.reports.flowlogs.summary import LogSummary
from sgsim.sources import load_topology

START = 1_700_000_000


def world(tmp_path: Path, text: str) -> Topology:
    """A scenario's topology."""
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    return load_topology(path)


def judged(topology: Topology, path: Path, **options: Any) -> tuple[LogSummary, dict[int, dict[str, Any]]]:
    """The summary, and the records by line."""
    out = path.with_suffix(".ndjson")
    summary = flowlogs(topology, [path], outputs=RecordOutputs([str(out)]), **options)
    records = [json.loads(line) for line in out.read_text().splitlines()]
    found = {record["line"]: record for record in records}
    assert len(found) == len(records) == summary.judged
    return summary, found


def lines(tmp_path: Path, names: str, *rows: str) -> Path:
    """A log of these fields; a number of seconds like +60 is counted from START."""
    path = tmp_path / "flow.log"
    made = [" ".join(str(START + int(word)) if word.startswith("+") else word for word in row.split()) for row in rows]
    path.write_text("\n".join([names, *made]) + "\n")
    return path


def brief(found: dict[int, dict[str, Any]], *keys: str) -> list[Any]:
    """Verdict and reason of each record, in the order of lines; or these keys."""
    wanted: Sequence[str] = keys or ("verdict", "reason")
    return [tuple(found[line][key] for key in wanted) for line in sorted(found)]
