"""A value of infrastructure code with its place: plain JSON, parts of which may not be known yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sgsim.sources.places import Place

_INTEGER = re.compile(r"-?[0-9]{1,18}\Z")
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only apply or deployment will tell. Equal ones are the same value, whatever that is."""

    name: str


class Value:
    """Text, number, boolean, null, list, object or Unknown (``raw``), and its place.

    A member of what is unknown is unknown too, by the same name; a member of null is null.
    """

    __slots__ = ("_key", "_place", "raw")

    def __init__(self, raw: Any, place: Place, key: str | int | None = None) -> None:
        """``place`` is the value's, or with a ``key`` its container's: most places are never asked for."""
        self.raw, self._place, self._key = raw, place, key

    @property
    def place(self) -> Place:
        if self._key is not None:
            self._place, self._key = self._place.at(self._key), None
        return self._place

    def __bool__(self) -> bool:
        """False for null, and for empty text, lists and objects."""
        return self.raw not in (None, "", [], {})

    def at(self, key: str) -> Value:
        """A member of an object, null where it has none of that name."""
        if self.raw is None or isinstance(self.raw, Unknown):
            return Value(self.raw, self.place, key)
        return Value(self.members_raw().get(key), self.place, key)

    def members_raw(self) -> dict[str, Any]:
        """The members of an object; null has none. Raises InputError, of what is unknown too."""
        if self.raw is None:
            return {}
        if not isinstance(self.raw, dict):
            raise self._wrong("an object belongs")
        return self.raw

    def members(self) -> dict[str, Value]:
        return {str(key): Value(raw, self.place, str(key)) for key, raw in self.members_raw().items()}

    def items(self) -> list[Value]:
        """The members of a list; of what is unknown, itself alone; of null, none."""
        if self.raw is None:
            return []
        if isinstance(self.raw, Unknown):
            return [self]
        if not isinstance(self.raw, list):
            raise self._wrong("a list belongs")
        return [Value(raw, self.place, number) for number, raw in enumerate(self.raw)]

    def text(self) -> str | Unknown | None:
        if self.raw is None or isinstance(self.raw, str | Unknown):
            return self.raw
        if isinstance(self.raw, int) and not isinstance(self.raw, bool):
            return str(self.raw)
        raise self._wrong("text belongs")

    def word(self) -> str:
        """Text, "" where there is none or it is not known."""
        text = self.text()
        return text if isinstance(text, str) else ""

    def integer(self) -> int | Unknown | None:
        """A whole number; CloudFormation's may be text. Empty text is none."""
        raw = self.raw
        if raw is None or isinstance(raw, Unknown) or raw == "":
            return raw or None
        if isinstance(raw, float) and raw.is_integer():
            raw = int(raw)
        if isinstance(raw, int) and not isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and _INTEGER.match(raw):
            return int(raw)
        raise self._wrong("a whole number belongs")

    def flag(self) -> bool | Unknown | None:
        raw = self.raw.lower() if isinstance(self.raw, str) else self.raw
        if isinstance(raw, str) and raw in _FLAGS:
            return _FLAGS[raw]
        if raw is None or isinstance(raw, bool | Unknown):
            return raw
        raise self._wrong("true or false belongs")

    def _wrong(self, wanted: str) -> Exception:
        return self.place.refusal(f"{_shown(self.raw)} where {wanted}")


def _shown(raw: Any) -> str:
    if raw is None or isinstance(raw, bool):
        return {None: "null", True: "true", False: "false"}[raw]
    if isinstance(raw, list | dict):
        return "a list" if isinstance(raw, list) else "an object"
    if isinstance(raw, Unknown):
        return f"what is not known yet ({raw.name})"
    text = repr(raw)
    return text if len(text) <= 60 else f"{text[:57]}..."
