"""A scenario's values with their places: what each reader may ask of one, and the error where it is something else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from sgsim.sources.places import Document, Place

_INTEGER = re.compile(r"-?[0-9]{1,18}\Z")


def near(name: str, known: Iterable[str]) -> str:
    """A remedy: the known name that the given one is most like, else all of them (at most ten)."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(names[:10])}" if names else ""


class Node:
    """A value of the scenario: text, list, mapping or null (``value``), and its place."""

    __slots__ = ("_lines", "place", "value")

    def __init__(self, value: Any, place: Place, lines: dict[str, int]) -> None:
        self.value, self._lines = value, lines
        self.place = place.on_line(lines.get(place.path, place.line))

    @classmethod
    def root(cls, document: Document) -> Node:
        return cls(document.data, Place(document.file), document.lines)

    def inner(self, key: str | int, value: Any) -> Node:
        """A member: a key of an object, or a position in a list, from 0."""
        return Node(value, self.place.at(key), self._lines)

    def named(self) -> dict[str, Node]:
        """The members of a mapping whose keys are names; null is none."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.place.refusal(f"{shown(self.value)} where NAME: ... belongs", "write one name on each line")
        return {key: self.inner(key, value) for key, value in self.value.items()}

    def members(self, known: Iterable[str]) -> dict[str, Node]:
        """The members of a mapping with these keys only; null is none."""
        found = self.named()
        for key, node in found.items():
            if key not in known:
                raise node.place.refusal(f"unknown key {key!r}", near(key, known))
        return found

    def items(self) -> list[Node]:
        """The members of a list."""
        if not isinstance(self.value, list):
            raise self.place.refusal(f"{shown(self.value)} where a list belongs", "write [a, b], or [] for nothing")
        return [self.inner(number, value) for number, value in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.place.refusal(f"{shown(self.value)} where text belongs", "write one value")
        return self.value

    def integer(self) -> int:
        if type(self.value) is int:  # a scenario in JSON
            return self.value
        if not isinstance(self.value, str) or not _INTEGER.match(self.value):
            raise self.place.refusal(f"{shown(self.value)} where a whole number belongs")
        return int(self.value)


def shown(value: Any) -> str:
    """A value in an error line, its first 60 characters."""
    if value is None:
        return "nothing"
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else repr(value)[:60]
