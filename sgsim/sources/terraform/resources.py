"""The resource instances of a state or of one side of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sgsim.sources.infrastructure.values import Unknown, Value
from sgsim.sources.places import Place
from sgsim.sources.terraform.addresses import Index, Step

_DEEPEST = 100  # the deepest schemas of providers have some ten levels


@dataclass(frozen=True, slots=True)
class Resource:
    """One instance. ``created``: the plan makes it, from nothing; ``trimmed``: attributes that are not there are not
    known, and not null."""

    address: str
    module: tuple[Step, ...]
    mode: str
    type: str
    name: str
    index: Index | None
    values: Value
    created: bool = False
    trimmed: bool = False

    @property
    def head(self) -> str:
        """How expressions of its own module call it."""
        return f"data.{self.type}.{self.name}" if self.mode == "data" else f"{self.type}.{self.name}"

    @property
    def place(self) -> Place:
        return self.values.place

    def value(self, *keys: Index) -> Value:
        """An attribute, or a part of one; null where there is none."""
        value = self.values
        if self.trimmed and keys[0] not in value.members_raw():
            place = value.place.at(keys[0])
            return Value(Unknown(place.path), place)
        for key in keys:
            if isinstance(key, str) and not isinstance(value.raw, list):
                value = value.at(key)
            else:
                items = value.items()
                number = key if isinstance(key, int) else 0
                value = items[number] if number < len(items) else Value(None, value.place)
        return value


def with_unknowns(after: Any, unknown: Any, place: Place, depth: int = 0) -> Any:
    """``after`` with what ``after_unknown`` marks with true put in as Unknown, named by its place."""
    if depth > _DEEPEST:
        raise place.refusal("is nested too deeply to be a resource")
    if unknown is True:
        return Unknown(place.path)
    if isinstance(unknown, dict) and unknown:
        merged = dict(after) if isinstance(after, dict) else {}
        for key, inner in unknown.items():
            merged[key] = with_unknowns(merged.get(key), inner, place.at(str(key)), depth + 1)
        return merged
    if isinstance(unknown, list) and unknown:
        items = list(after) if isinstance(after, list) else []
        items += [None] * (len(unknown) - len(items))
        for number, inner in enumerate(unknown):
            items[number] = with_unknowns(items[number], inner, place.at(number), depth + 1)
        return items
    return after
