"""Where in the input something stands, and what was found doubtful on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sgsim.errors import InputError
from sgsim.model import Topology


class Place(NamedTuple):
    """A file and the path to a value in it, such as ``SecurityGroups[3].IpPermissions[0].FromPort``.

    ``line`` is counted from 1, 0 where it is not known.
    """

    file: str
    path: str = ""
    line: int = 0

    def at(self, key: str | int) -> Place:
        """The place of a member: a key of an object, or a position in a list, from 0."""
        if isinstance(key, int):
            return Place(self.file, f"{self.path}[{key}]", self.line)
        return Place(self.file, f"{self.path}.{key}" if self.path else key, self.line)

    def on_line(self, line: int) -> Place:
        return Place(self.file, self.path, line)

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        return f"{self.path}, {line}" if self.path and line else self.path or line

    def refusal(self, problem: str, remedy: str = "") -> InputError:
        """The error to raise (or to doubt) about the value at this place; one line, even where a name has two."""
        return InputError(self.file, *(" ".join(text.splitlines()) for text in (str(self), problem, remedy)))


class Document(NamedTuple):
    """A parsed file. ``lines`` maps paths to line numbers, where the parser told them (YAML)."""

    file: str
    data: Any
    lines: dict[str, int]


class Snapshot(NamedTuple):
    """A topology, with the describe output that it was made from (none of other kinds) and what messages call it."""

    topology: Topology
    documents: Sequence[Document] = ()
    name: str = "snapshot"


class Notes:
    """Collects warnings. A *doubt* is a warning that strict loading raises as an error; a *note* never is."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self._warnings: dict[str, None] = {}  # in order, each once

    def doubt(self, doubt: InputError) -> None:
        if self.strict:
            raise doubt
        self._warnings[str(doubt)] = None

    def note(self, remark: InputError) -> None:
        self._warnings[str(remark)] = None

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(self._warnings)
