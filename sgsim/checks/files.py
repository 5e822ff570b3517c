"""Check files -> cases: YAML, every name checked, snapshots and changes beside the file that names them."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from sgsim.checks.packets import steps_of
from sgsim.checks.records import Case
from sgsim.errors import InputError, SgsimError
from sgsim.model import Settings, Topology
from sgsim.sources import load_topology
from sgsim.sources.changes import ApiChange
from sgsim.sources.changes.written import written_change
from sgsim.sources.parse import read_document
from sgsim.sources.scenariotree import Node, near

ENDING = ".sgtest.yaml"
_FILE_KEYS = ("snapshot", "plan", "parameters", "changes", "settings", "cases")
_CASE_KEYS = ("name", "snapshot", "plan", "changes", "settings", "packets", "expect")
_PLAN = ("before", "after")
_WANTED = f"name files, folders or patterns of *{ENDING}"

Warn = Callable[[str], None]


class CheckFile:
    """One file; its snapshots are read once, however many cases use them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        document = read_document(path)
        self._root = Node.root(document)
        self._members = self._root.members(_FILE_KEYS)
        if "cases" not in self._members:
            remedy = "write cases: [{name: ..., from: ..., to: ..., expect: allow}]"
            raise self._root.place.refusal("has no cases", remedy)
        self._read: dict[tuple[str, bool], Topology] = {}

    def cases(self, strict: bool, warning: Warn) -> Iterator[Case]:
        """Raises InputError: a case that makes no sense, a snapshot that cannot be read."""
        names: dict[str, Node] = {}
        for node in self._members["cases"].items():
            case = self._case(node, strict, warning)
            if case.name in names:
                raise node.place.refusal(f"the name {case.name!r} is given twice", "names tell cases apart")
            names[case.name] = node
            yield case

    def _case(self, node: Node, strict: bool, warning: Warn) -> Case:
        given = node.named()
        packet = {key: value for key, value in given.items() if key not in _CASE_KEYS}
        name = given["name"].text() if "name" in given else str(node.place)
        source, before = self._snapshot(given, node)
        topology = self._topology(source, before, strict, warning)
        changes = [*self._changes(self._members.get("changes")), *self._changes(given.get("changes"))]
        settings = _settings(given.get("settings"), _settings(self._members.get("settings"), Settings()))
        try:
            steps = steps_of(topology, node, given, packet)
        except InputError:
            raise
        except SgsimError as error:  # an end that is not known, a port where none belongs
            raise node.place.refusal(str(error)) from None
        return Case(name, node.place, source, topology, settings, steps, tuple(changes))

    def _snapshot(self, given: dict[str, Node], node: Node) -> tuple[str, bool]:
        members = self._members | given
        if "snapshot" not in members:
            raise node.place.refusal("has no snapshot", "write snapshot: FILE, in the case or for the whole file")
        plan = members["plan"].text() if "plan" in members else "after"
        if plan not in _PLAN:
            raise members["plan"].place.refusal(f"{plan!r} is no side of a plan", near(plan, _PLAN))
        return str(self.path.parent / members["snapshot"].text()), plan == "before"

    def _topology(self, source: str, before: bool, strict: bool, warning: Warn) -> Topology:
        if (source, before) not in self._read:
            members = self._members.get("parameters")
            parameters = {name: str(node.value) for name, node in members.named().items()} if members else None
            topology = load_topology(source, strict=strict, plan_before=before, parameters=parameters)
            for text in topology.warnings:
                warning(text)
            self._read[source, before] = topology
        return self._read[source, before]

    def _changes(self, node: Node | None) -> list[ApiChange]:
        return [written_change(item) for item in node.items()] if node else []


def _settings(node: Node | None, default: Settings) -> Settings:
    """Timeouts in seconds, and whether each packet is judged on its own."""
    known = {"open_loop", "tcp_established_timeout"}
    found = default
    for key, member in (node.members(known) if node else {}).items():
        if key == "open_loop":
            if type(member.value) is not bool:
                raise member.place.refusal("true or false belongs here")
            found = replace(found, open_loop=member.value)
        else:
            seconds = member.integer()
            if not 60 <= seconds <= 432_000:
                raise member.place.refusal(f"{seconds} s is out of range", "AWS takes 60 to 432000 seconds")
            found = replace(found, timeouts=replace(found.timeouts, tcp_established=seconds))
    return found


def check_files(patterns: Iterable[str]) -> Iterator[CheckFile]:
    """The files that patterns name, each once. Raises InputError where a pattern names none."""
    seen: set[str] = set()
    for pattern in patterns:
        paths = _paths(pattern)
        if not paths:
            raise InputError(pattern, "", "names no file of checks", _WANTED)
        for path in paths:
            if path not in seen:
                seen.add(path)
                yield CheckFile(Path(path))


def _paths(pattern: str) -> list[str]:
    if os.path.isdir(pattern):
        return sorted(str(path) for path in Path(pattern).rglob(f"*{ENDING}"))
    if os.path.exists(pattern):
        return [pattern]
    return sorted(path for path in glob.glob(pattern, recursive=True) if not os.path.isdir(path))
