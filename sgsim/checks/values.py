"""Single values of a check file: text, and times that count from the beginning of a case."""

from __future__ import annotations

import re

from sgsim.errors import InputError
from sgsim.sources.changes.times import change_time
from sgsim.sources.scenariotree import Node, shown

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z")
_FORMS = "write 351s, 1h30m or 500ms: from the beginning of the case"


def plain_text(node: Node) -> str:
    """Text; a number or a boolean as it is written, which YAML takes for one where it is a name or a protocol."""
    if isinstance(node.value, bool):
        return str(node.value).lower()
    return str(node.value) if isinstance(node.value, int) else node.text()


def case_time(node: Node) -> int:
    """Nanoseconds from the beginning of the case: ``351s``, ``+1h30m``, ``12.5s``; a number is seconds.

    Raises InputError for anything else: a time of day, one before the beginning, one beyond 64 bits.
    """
    value = node.value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise node.place.refusal(f"{shown(value)} is no time", _FORMS)
    text = str(value).strip().removeprefix("+")
    if text.startswith("-"):
        raise node.place.refusal(f"{text[:60]!r} is before the beginning of the case", _FORMS)
    unit = "s" if _NUMBER.match(text) else ""
    try:
        return change_time(f"+{text}{unit}", node.place).ns
    except InputError as error:
        raise node.place.refusal(error.problem.replace("'+", "'", 1), _FORMS) from None
