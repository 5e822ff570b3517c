"""Files of changes -> one node for each change or event: YAML, JSON, NDJSON, gzip of them, folders of CloudTrail's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sgsim.errors import InputError
from sgsim.sources.changes.records import Fraction
from sgsim.sources.parse import file_text, read_yaml
from sgsim.sources.places import Document, Notes, Place
from sgsim.sources.scenariotree import Node

_ENDINGS = (".json", ".jsonl", ".ndjson", ".yaml", ".yml")
_KEYS = {"at", "call", "params", "eventName", "eventSource", "CloudTrailEvent", "detail"}
_WANTED = "give a list of {at: ..., call: ..., params: ...}, or logs of CloudTrail's"
# A YAML file of some kilobytes can mean billions of values: aliases of lists of aliases. CloudTrail's own files, which
# have none, hold some thousand.
_MOST_VALUES = 4_000_000


def change_nodes(path: Path, notes: Notes) -> Iterator[Node]:
    """Each change or event of a file, or of a folder's files by their names; what else a folder holds is named once.

    Raises InputError: what cannot be read or parsed, and a file or folder without any list of changes or events.
    """
    if not path.is_dir():
        nodes = _nodes_of(_read(path))
        if nodes is None:
            raise InputError(str(path), "", "holds neither changes nor CloudTrail's events", _WANTED)
        yield from nodes
        return
    passed_over, found = [], False
    for each in _files(path):
        nodes = _nodes_of(_read(each))
        found = found or nodes is not None
        if nodes is None:
            passed_over.append(str(each.relative_to(path)))
        else:
            yield from nodes
    if not found:
        raise InputError(str(path), "", "holds no file of changes or of CloudTrail's events", _WANTED)
    if passed_over:
        more = f" and {len(passed_over) - 10} more" if len(passed_over) > 10 else ""
        names = ", ".join(passed_over[:10]) + more
        notes.note(InputError(str(path), "", f"passed over, holding neither changes nor CloudTrail's events: {names}"))


def event_node(node: Node) -> Node:
    """The event itself, where it is handed on in something else: what `aws cloudtrail lookup-events` prints holds it
    as text, EventBridge's messages hold it under ``detail``."""
    inside = node.value
    if isinstance(inside, dict) and "CloudTrailEvent" in inside:
        event = node.inner("CloudTrailEvent", inside["CloudTrailEvent"])
        return Node(_json(event.text(), event.place), event.place, {})
    if isinstance(inside, dict) and isinstance(inside.get("detail"), dict) and "call" not in inside:
        return node.inner("detail", inside["detail"])
    return node


def _nodes_of(roots: list[Node]) -> list[Node] | None:
    """The changes and events in the values of a file (several of NDJSON), or None: that is not what it holds."""
    found = []
    for root in roots:
        value = root.value
        listed: Any = value.get("Records") if isinstance(value, dict) else value
        if isinstance(listed, list):
            found += (root if listed is value else root.inner("Records", listed)).items()
        elif isinstance(value, dict) and isinstance(value.get("Events"), list):
            found += reversed(root.inner("Events", value["Events"]).items())  # the newest stands first
        elif isinstance(value, dict):
            found.append(root)
        else:
            return None
    return found if not found or any(_KEYS.intersection(n.value) for n in found if isinstance(n.value, dict)) else None


def _files(root: Path) -> Iterator[Path]:
    """All files with a known ending, sorted by folder and name; hidden ones left out."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().removesuffix(".gz").endswith(_ENDINGS) and not name.startswith("."):
                yield Path(folder, name)


def _read(path: Path) -> list[Node]:
    file = str(path)
    text = file_text(path)
    begin = text.lstrip()[:1]
    if not begin:
        raise InputError(file, "", "is empty", _WANTED)
    if begin not in "{[":
        return [_yaml(file, text)]
    try:
        return [Node(_json(text, Place(file)), Place(file), {})]
    except InputError:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        if len(lines) > 1 and _is_json(lines[0][1]):
            return [_line_node(line, Place(file, "", number)) for number, line in lines]
        if path.name.lower().removesuffix(".gz").endswith((".yaml", ".yml")):
            return [_yaml(file, text)]
        raise


def _line_node(text: str, place: Place) -> Node:
    return Node(_json(text, place), place, {})


def _yaml(file: str, text: str) -> Node:
    document = read_yaml(file, text)
    if _values(document.data, {}) > _MOST_VALUES:
        raise InputError(file, "", "means more than 4 million values, with its aliases", "write fewer of them")
    return Node.root(Document(file, document.data, document.lines))


def _values(value: Any, known: dict[int, int]) -> int:
    """How many values there are, those of an alias once for each place it stands in."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        members = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_values(each, known) for each in members)
    return known[id(value)]


def _is_json(text: str) -> bool:
    try:
        _json(text, Place(""))
    except InputError:
        return False
    return True


def _json(text: str, place: Place) -> Any:
    """One value. Raises InputError, with line and column in a file of its own; a key given twice is an error."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_float=Fraction, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        where = place if place.path or place.line else Place(place.file, f"line {error.lineno} column {error.colno}")
        raise where.refusal(f"is no JSON: {error.msg}", "save the file again") from error
    except RecursionError:
        raise place.refusal("is nested too deeply") from None
    except ValueError as error:  # what _object and _no_number say, or a number of thousands of digits
        raise place.refusal(f"is not as it should be: {str(error)[:200]}", "save the file again") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:60]!r} is given twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON's")
