"""What a call takes and answers, in a notation as short as AWS's own pages are long.

``Name`` is text, ``Name#`` a whole number, ``Name?`` true or false, ``Name*`` anything (handed on as it is),
``Name(...)`` a structure of members, ``Name[...]`` a list of structures, ``Name[]`` a list of text and
``Name[.key]`` one whose items CloudTrail writes as ``{"key": text}``. ``Name=other,another`` are further names that
CloudTrail has for the member, beyond those of ``wire_names``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache


class Kind(Enum):
    TEXT = "text"
    NUMBER = "a whole number"
    BOOLEAN = "true or false"
    ANYTHING = "anything"
    STRUCTURE = "a structure"
    TEXTS = "a list of text"
    STRUCTURES = "a list of structures"


LISTS = (Kind.TEXTS, Kind.STRUCTURES)


@dataclass(frozen=True, slots=True)
class Member:
    """``name`` is boto3's, ``wire`` CloudTrail's, in lower case; ``members`` those of a structure, ``key`` that of the
    items of a list of text ("" where it is not known)."""

    name: str
    kind: Kind
    wire: tuple[str, ...]
    members: tuple[Member, ...] = ()
    key: str = ""


_TOKEN = re.compile(r"[A-Za-z0-9_]+|[=#?*,().\[\]]")
_MARKS = {"#": Kind.NUMBER, "?": Kind.BOOLEAN, "*": Kind.ANYTHING}


@cache
def signature(notation: str) -> tuple[Member, ...]:
    """The members that a notation describes."""
    tokens = _TOKEN.findall(notation)
    members, end = _members(tokens, 0)
    assert end == len(tokens), f"{notation!r}: {tokens[end:]} is left over"
    return members


def wire_names(name: str, is_list: bool) -> tuple[str, ...]:
    """What CloudTrail calls a member: its name in any case; for a list also its singular (as EC2's newer calls name
    what is repeated) and both with ``Set`` behind them (as the older ones do)."""
    names = [name]
    if is_list:
        singulars = [name.removesuffix("s"), name.removesuffix("es"), re.sub(r"ies\Z", "y", name)]
        names += [f"{each}Set" for each in (name, *singulars)]
        names += [singulars[0], singulars[2]]
    return tuple(dict.fromkeys(each.lower() for each in names))


def _members(tokens: list[str], at: int) -> tuple[tuple[Member, ...], int]:
    found = []
    while at < len(tokens) and tokens[at].isidentifier():
        member, at = _member(tokens, at)
        found.append(member)
    return tuple(found), at


def _member(tokens: list[str], at: int) -> tuple[Member, int]:
    name, at, others = tokens[at], at + 1, []
    if tokens[at : at + 1] == ["="]:
        while tokens[at : at + 1] in (["="], [","]):
            others.append(tokens[at + 1].lower())
            at += 2
    kind, key = Kind.TEXT, ""
    members: tuple[Member, ...] = ()
    mark = tokens[at] if at < len(tokens) else ""
    if mark in _MARKS:
        kind, at = _MARKS[mark], at + 1
    elif mark == "(":
        kind = Kind.STRUCTURE
        members, at = _members(tokens, at + 1)
        at = _closed(tokens, at, ")")
    elif mark == "[":
        if tokens[at + 1] == ".":
            key, at = tokens[at + 2].lower(), at + 2
        members, at = ((), at + 1) if key else _members(tokens, at + 1)
        kind = Kind.STRUCTURES if members else Kind.TEXTS
        at = _closed(tokens, at, "]")
    return Member(name, kind, (*wire_names(name, kind in LISTS), *others), members, key), at


def _closed(tokens: list[str], at: int, bracket: str) -> int:
    assert tokens[at : at + 1] == [bracket], f"{bracket} is missing before {tokens[at:]}"
    return at + 1
