"""Addresses of resources and modules, and the references of expressions, as Terraform writes them.

Source: Terraform documentation, "Resource addressing" and "JSON output format", expression representation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import NamedTuple

Index = int | str

_PART = re.compile(r'\.?(?P<name>[^.\[\]"]+)|\[(?:(?P<number>[0-9]+)|"(?P<key>(?:[^"\\]|\\.)*)")\]')
_LONGER = frozenset({"data", "ephemeral"})  # their heads have a type and a name behind
_CHOOSERS = ("each.key", "each.value", "count.index")


class Step(NamedTuple):
    """One module call on the way from the root; ``key`` where it has count or for_each."""

    name: str
    key: Index | None = None


class Reference(NamedTuple):
    """What an expression refers to: ``head`` is ``aws_vpc.main``, ``data.aws_vpc.main``, ``module.net`` or ``var.x``.

    ``attribute`` is the path behind it, with names and positions; empty where the expression computes it (splat, an
    index that is no constant). ``chosen_by`` is the index then, if it is each.key, each.value or count.index.
    """

    head: str
    key: Index | None = None
    attribute: tuple[Index, ...] = ()
    chosen_by: str = ""


class _Position(NamedTuple):
    """An index in an address, as opposed to a name."""

    key: Index


def module_steps(address: str) -> tuple[Step, ...]:
    """The steps of ``module.a["x"].module.b``; none of "", the root."""
    steps: list[Step] = []
    named = False  # the word "module" is behind, its name comes
    for part in _parts(address):
        if isinstance(part, _Position):
            if steps:
                steps[-1] = Step(steps[-1].name, part.key)
        elif named:
            steps.append(Step(part))
            named = False
        else:
            named = part == "module"
    return tuple(steps)


def resource_address(module: str, mode: str, kind: str, name: str, index: Index | None) -> str:
    """The address of one instance, as ``terraform show`` gives it."""
    parts = [module] if module else []
    parts += ["data"] if mode == "data" else []
    bracket = "" if index is None else f"[{index if isinstance(index, int) else json.dumps(index)}]"
    return ".".join([*parts, kind, name]) + bracket


def read_references(texts: Iterable[str]) -> list[Reference]:
    """The references of one expression. Terraform lists behind each one its own beginnings, which are left out."""
    found: list[Reference] = []
    last: list[str | _Position] = []
    for text in texts:
        parts = _parts(text)
        if len(parts) < len(last) and parts == last[: len(parts)]:
            last = parts
        elif text in _CHOOSERS and found and not found[-1].attribute and found[-1].key is None:
            found[-1] = found[-1]._replace(chosen_by=text)
            last = parts
        elif parts:
            found.append(_reference(parts))
            last = parts
    return found


def _reference(parts: list[str | _Position]) -> Reference:
    length = 3 if parts[0] in _LONGER else 2
    head = ".".join(str(part) for part in parts[:length] if isinstance(part, str))
    rest = parts[length:]
    index = None
    if rest and isinstance(rest[0], _Position):
        index = rest[0].key
        rest = rest[1:]
    return Reference(head, index, tuple(part.key if isinstance(part, _Position) else part for part in rest))


def _parts(text: str) -> list[str | _Position]:
    found: list[str | _Position] = []
    for match in _PART.finditer(text):
        if match["name"] is not None:
            found.append(match["name"])
        elif match["number"] is not None:
            found.append(_Position(int(match["number"])))
        else:
            found.append(_Position(_unquoted(match["key"])))
    return found


def _unquoted(key: str) -> str:
    try:
        return str(json.loads(f'"{key}"'))
    except ValueError:  # HCL has escapes that JSON lacks
        return key
