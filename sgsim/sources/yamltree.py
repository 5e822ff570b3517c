"""YAML -> plain Python values, with line numbers and without YAML 1.1's traps.

Keys are always the text that was written: ``123``, ``on`` and ``01:02`` are names like any other. So are values, but
for null and (in describe output) decimal integers and booleans. A key given twice is an error.

Built from the parser's events: libyaml's own composer recurses in C and ends the process on deep nesting.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from sgsim.errors import InputError
from sgsim.sources.places import Document, Place
from sgsim.sources.recognise import SCENARIO_KEYS, is_template, is_terraform

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times as fast, where it was built in
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "false": False}
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_STANDARD = "tag:yaml.org,2002:"
_DEEPEST = 50  # describe output nests 8 deep, a scenario 5, templates some 20
_MOST_VALUES = 2_000_000  # of a template with its aliases written out: a template has at most a megabyte


class _Plain(str):
    """A scalar without quotes: the only kind that may be a number or a boolean."""

    __slots__ = ()


def yaml_document(file: str, text: str) -> Document:
    """Parse one YAML document: text and null in a scenario, numbers and booleans too in anything else, and the short
    tags of CloudFormation as the objects that they stand for.

    Raises InputError with line and column: no YAML, two documents, a key twice, an alias inside its own anchor.
    """
    builder = _Builder(file)
    try:
        loader = _Loader(text)
        try:
            while loader.check_event():
                builder.take(loader.get_event())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1} column {mark.column + 1}" if mark else ""
        if "nesting depth" in (error.problem or ""):  # PyYAML has a bound of its own since 6.0.4
            line = mark.line + 1 if mark else 1
            raise InputError(file, "", f"line {line}: is nested too deeply") from None
        remedy = 'quote text that begins with a colon or a special character, such as "::1"'
        raise InputError(file, place, f"is no YAML: {error.problem or error.context}", remedy) from error
    except yaml.YAMLError as error:
        raise InputError(file, "", f"is no YAML: {' '.join(str(error).split())}", "save it as UTF-8 text") from error
    data = builder.root
    if isinstance(data, dict) and SCENARIO_KEYS[0] in data:
        if builder.tagged:
            raise builder.tagged.refusal("has a tag", "scenarios have none: take it away")
        return Document(file, data, builder.lines)
    if builder.size > _MOST_VALUES and (is_template(data) or is_terraform(data)):
        raise InputError(file, "", f"is more than {_MOST_VALUES} values with its aliases written out")
    return Document(file, _typed(data, {}), builder.lines)


def _function(tag: str | None) -> str | None:
    """CloudFormation's short tags stand for objects with one key: !Ref x is {Ref: x}, !Sub x is {"Fn::Sub": x}."""
    if not tag or not tag.startswith("!") or tag == "!":
        return None
    return tag[1:] if tag in ("!Ref", "!Condition") else f"Fn::{tag[1:]}"


def _typed(value: Any, done: dict[int, Any]) -> Any:
    """Plain scalars as numbers and booleans; each anchor once, however often it is used."""
    if isinstance(value, _Plain):
        if _DECIMAL.match(value) and len(value) < 20:
            return int(value)
        return _BOOLEANS.get(value.lower(), str(value))
    if isinstance(value, dict | list) and id(value) not in done:
        if isinstance(value, dict):
            done[id(value)] = {str(key): _typed(inner, done) for key, inner in value.items()}
        else:
            done[id(value)] = [_typed(inner, done) for inner in value]
    return done.get(id(value), value)


class _Builder:
    """Takes events, one after another, and makes ``root`` of them. ``lines``: path -> line of everything in it;
    ``size``: the number of values, aliases written out."""

    def __init__(self, file: str) -> None:
        self.root: Any = None
        self.lines: dict[str, int] = {}
        self.tagged: Place | None = None
        self._file = file
        self._documents = 0
        # Containers, each with its place, its anchor, and what stands for it: itself, or the function that its tag is.
        self._open: list[tuple[dict[str, Any] | list[Any], Place, str | None, Any]] = []
        self._sizes: list[int] = [0]  # of what is open, the root's last
        self._key: list[str | None] = []  # of each open mapping: the key that waits for its value
        self._anchors: dict[str, tuple[Any, int]] = {}  # values and their sizes

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise InputError(self._file, f"line {line}", "a second YAML document begins", "keep one in a file")
        elif isinstance(event, yaml.CollectionEndEvent):
            _, _, anchor, value = self._open.pop()
            self._key.pop()
            size = self._sizes.pop() + 1
            self._sizes[-1] += size
            if anchor:
                self._anchors[anchor] = value, size
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event, line)

    def _scalar(self, event: Any, line: int) -> None:
        plain = event.implicit[0]
        if self._wants_key():
            self._key[-1] = event.value
            mapping, place, *_ = self._open[-1]
            if event.value in mapping:
                raise place.at(event.value).on_line(line).refusal("is given twice", "join the two")
            return
        value: Any = None if plain and event.value in _NULLS else _Plain(event.value) if plain else str(event.value)
        if function := _function(event.tag):
            value = {function: str(event.value)}
        place = self._add(value, line)
        self._sizes[-1] += 1
        self._note_tag(event, place)
        if event.anchor:
            self._anchors[event.anchor] = value, 1

    def _alias(self, event: Any, line: int) -> None:
        if self._wants_key():
            raise Place(self._file, "", line).refusal("an alias is no key", "write the name out")
        if event.anchor not in self._anchors:
            problem = f"line {line}: the alias *{event.anchor} is inside its own anchor or has none"
            raise Place(self._file).refusal(problem, "write the value out")
        value, size = self._anchors[event.anchor]
        self._sizes[-1] += size
        self._add(value, line)

    def _begin(self, event: Any, line: int) -> None:
        if self._wants_key():
            raise Place(self._file).refusal(f"line {line}: a key that is no text", "write NAME: VALUE")
        if len(self._open) >= _DEEPEST:
            raise Place(self._file).refusal(f"line {line}: is nested too deeply")
        container: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        function = _function(event.tag)
        value = {function: container} if function else container
        place = self._add(value, line)
        self._note_tag(event, place)
        self._open.append((container, place, event.anchor, value))
        self._key.append(None)
        self._sizes.append(0)

    @property
    def size(self) -> int:
        return self._sizes[0]

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1][0], dict) and self._key[-1] is None

    def _add(self, value: Any, line: int) -> Place:
        """Put a value where it belongs; its place."""
        if not self._open:
            self.root, place = value, Place(self._file)
        else:
            container, parent, *_ = self._open[-1]
            key = self._key[-1]
            if isinstance(container, list):
                place = parent.at(len(container))
                container.append(value)
            else:
                assert key is not None
                place = parent.at(key)
                container[key] = value
                self._key[-1] = None
        self.lines[place.path] = line
        return place.on_line(line)

    def _note_tag(self, event: Any, place: Place) -> None:
        if event.tag and not event.tag.startswith(_STANDARD) and event.tag != "!" and self.tagged is None:
            self.tagged = place
