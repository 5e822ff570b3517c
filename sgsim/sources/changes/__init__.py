"""Changes of rules, groups and interfaces in time: written by hand, or as CloudTrail recorded them.

``read_changes`` is the door, ``in_order`` puts what it gives in the order of time.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sgsim.sources.changes.files import change_nodes, event_node
from sgsim.sources.changes.order import in_order
from sgsim.sources.changes.records import ApiChange, Changes, ChangeTime, PassedOver
from sgsim.sources.changes.trail import TrailReader, is_event
from sgsim.sources.changes.written import written_change
from sgsim.sources.places import Notes

__all__ = ["ApiChange", "ChangeTime", "Changes", "PassedOver", "in_order", "read_changes"]


def read_changes(paths: Iterable[str | Path], *, strict: bool = False) -> Changes:
    """Read files of changes, in the order given.

    Each is YAML, JSON or NDJSON, gzip or not, with changes as ``{at, call, params}`` (``answer``, ``account`` and
    ``region`` too where they matter), ``params`` in boto3's shape; or with CloudTrail's events as they are: its log
    files, a folder of them, what ``aws cloudtrail lookup-events`` prints, EventBridge's messages. Events that failed,
    that read only, that are other services' or there twice, and EC2's that sgsim has no use for, are counted.

    Raises InputError: what cannot be read, and a time, call or parameter that makes no sense; with ``strict``, an event
    whose parameters are missing too.
    """
    notes = Notes(strict)
    trail = TrailReader(notes)
    found: list[ApiChange] = []
    for path in paths:
        for node in change_nodes(Path(path), notes):
            event = event_node(node)
            change = trail.change(event.value, event.place) if is_event(event.value) else written_change(event)
            if change is not None:
                found.append(change)
    return Changes(tuple(found), trail.passed_over, notes.warnings)
