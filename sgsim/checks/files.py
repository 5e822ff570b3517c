"""Check files -> cases: YAML, every name checked, snapshots and changes beside the file that names them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from sgsim.checks.packets import steps_of
from sgsim.checks.records import Case
from sgsim.checks.values import case_time, plain_text
from sgsim.errors import InputError
from sgsim.model import Settings
from sgsim.sources import read_snapshot
from sgsim.sources.changes import ApiChange, ChangeTime
from sgsim.sources.changes.written import written_change
from sgsim.sources.parse import read_document
from sgsim.sources.places import Snapshot
from sgsim.sources.scenariotree import Node, near

ENDINGS = (".sgtest.yaml", ".sgtest.yml")
_FILE_KEYS = ("snapshot", "plan", "parameters", "changes", "settings", "cases")
_CASE_KEYS = ("name", "snapshot", "plan", "changes", "settings", "packets", "expect")
_PLAN = ("before", "after")
_WANTED = f"name files, folders or patterns of *{ENDINGS[0]}"

Warn = Callable[[str], None]


class CheckFile:
    """One file; its snapshots are read once, however many cases use them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        document = read_document(path)
        self._root = Node.root(document)
        self._members = self._root.members(_FILE_KEYS)
        if "cases" not in self._members or self._members["cases"].value in (None, []):
            remedy = "write cases: [{name: ..., from: ..., to: ..., expect: allow}]"
            raise self._root.place.refusal("has no cases", remedy)
        self._read: dict[tuple[str, bool], Snapshot] = {}

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
        name = " ".join(plain_text(given["name"]).split()) if "name" in given else str(node.place)
        if not name:
            raise given["name"].place.refusal("is empty", "a name tells a case from others")
        shared, own = (_changes(members.get("changes")) for members in (self._members, given))
        settings = _settings(given.get("settings"), _settings(self._members.get("settings"), Settings()))
        path, before = self._place_of(given, node)
        snapshot = self._read_once(path, before, strict, warning)
        steps = steps_of(snapshot.topology, node, given, packet)
        last_ns = steps[-1].packet.time_ns
        late = next((change for change in own if change.at.ns > last_ns), None)
        if late is not None:
            raise late.place.refusal("takes effect behind the last packet", "let a packet come after it")
        case = Case(name, node.place, snapshot, settings, steps, (*shared, *own))
        if not case.changes:
            _refuse_unknown(case)
        return case

    def _place_of(self, given: dict[str, Node], node: Node) -> tuple[str, bool]:
        """The path, and whether it is the side of a plan before it is applied."""
        members = self._members | given
        if "snapshot" not in members:
            raise node.place.refusal("has no snapshot", "write snapshot: FILE, in the case or for the whole file")
        plan = plain_text(members["plan"]) if "plan" in members else "after"
        if plan not in _PLAN:
            raise members["plan"].place.refusal(f"{plan[:60]!r} is no side of a plan", near(plan, _PLAN))
        path = os.path.normpath(self.path.parent / plain_text(members["snapshot"]))
        if "\0" in path or not os.path.exists(path):
            remedy = "a snapshot is looked for beside the file that names it"
            raise members["snapshot"].place.refusal(f"there is no {path}", remedy)
        return path, plan == "before"

    def _read_once(self, path: str, before: bool, strict: bool, warning: Warn) -> Snapshot:
        if (path, before) not in self._read:
            members = self._members.get("parameters")
            parameters = {name: plain_text(node) for name, node in members.named().items()} if members else None
            try:
                snapshot = read_snapshot(path, strict=strict, plan_before=before, parameters=parameters)
            except InputError as error:
                raise InputError(error.file, error.place, error.problem, _in_a_file(error.remedy)) from None
            for text in snapshot.topology.warnings:
                warning(text)
            self._read[path, before] = snapshot
        return self._read[path, before]


def _in_a_file(remedy: str) -> str:
    """What the command line has an option for is a member here."""
    return remedy.replace("--plan-before", "plan: before").replace("--parameter", "parameters")


def _changes(node: Node | None) -> list[ApiChange]:
    """Their times count from the beginning of the case, as those of packets do."""
    found = []
    for item in node.items() if node else []:
        at = item.named().get("at")
        at_ns = case_time(at) if at else 0
        found.append(replace(written_change(item), at=ChangeTime(at_ns)))
    return found


def _refuse_unknown(case: Case) -> None:
    """What is expected of rules and interfaces that there are not, and never will be, is a slip of the pen."""
    rules = {rule.rule_id for rule in case.topology.rules()}
    for step in case.steps:
        rule, eni = (step.expected.rule, step.expected.interface) if step.expected else (None, None)
        if rule is not None and rule not in rules:
            raise step.place.refusal(f"the snapshot has no rule {rule[:60]!r}", near(rule, rules))
        if eni is not None and eni not in case.topology.interfaces:
            named = [i.interface_id for i in case.topology.interfaces.values() if i.name == eni]
            hint = f"write its id: {', '.join(named)}" if named else near(eni, case.topology.interfaces)
            raise step.place.refusal(f"the snapshot has no interface {eni[:60]!r}", hint)


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
            raise InputError(pattern or "''", "", "names no file of checks", _WANTED)
        for path in paths:
            if (real := os.path.realpath(path)) not in seen:
                seen.add(real)
                yield CheckFile(Path(path))


def _paths(pattern: str) -> list[str]:
    """Neither folders nor patterns follow links to folders: they may lead round in circles."""
    if os.path.isdir(pattern):
        found = [path for path in Path(pattern).rglob("*") if path.name.endswith(ENDINGS)]
    elif os.path.exists(pattern):
        return [pattern]
    else:
        anchor = Path(pattern).anchor
        try:
            found = list(Path(anchor).glob(str(Path(pattern).relative_to(anchor))))
        except (ValueError, IndexError, re.error):  # "**" beside other characters, no pattern at all
            found = []
    return sorted(str(path) for path in found if path.is_file())
