"""What a row may write in place of a value: the YAML tags, and how an answer is compared with what a row expects.

An expected mapping names the keys that count, whatever else the answer has. An expected list is the whole list, in any
order: the EC2 API promises none. ``!some`` asks for a part of a list, ``!re`` for text of a form, ``<absent>`` for a
key that is not there, ``<none>`` for a list that is empty or not there, ``<any>`` for a key with whatever value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Network
from typing import Any

import yaml

VARIABLE = re.compile(r"\$([a-z_0-9]+)")


@dataclass(frozen=True, slots=True)
class Text:
    """Text that matches a regular expression from end to end; variables in it stand for themselves."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Some:
    """A list with at least these items."""

    items: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Absent:
    """A key that the answer must not have."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """A list that is empty or not there at all: AWS's own answers have both."""


@dataclass(frozen=True, slots=True)
class Whatever:
    """A key that the answer must have, whatever its value."""

    def __str__(self) -> str:
        return "<any>"


@dataclass(frozen=True, slots=True)
class Repeated:
    """One piece of text, a number of times over: what is 255 characters long is not read but counted."""

    piece: str
    times: int


@dataclass(frozen=True, slots=True)
class First64:
    """The first /64 block of a longer IPv6 block: what a subnet takes of its VPC's."""

    block: str


class RowLoader(yaml.SafeLoader):
    """Reads rows: plain YAML, with the tags of this module, and a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping, unless it names a key twice: the second would hide the first."""
        keys = [key.value for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"keys given twice: {sorted(twice)}", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def _constructed(loader: RowLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


def _ranges(loader: RowLoader, node: yaml.Node) -> list[dict[str, str]]:
    """``!ipv4 N``: N IPv4 ranges that differ, as IpRanges takes them; ``!ipv4 N from M`` begins at the M-th."""
    count, first = _count(_constructed(loader, node))
    return [{"CidrIp": f"10.{place // 256}.{place % 256}.0/24"} for place in range(first, first + count)]


def _ranges6(loader: RowLoader, node: yaml.Node) -> list[dict[str, str]]:
    """``!ipv6 N``: the same of IPv6."""
    count, first = _count(_constructed(loader, node))
    return [{"CidrIpv6": f"2001:db8:{place:x}::/48"} for place in range(first, first + count)]


def _entries(loader: RowLoader, node: yaml.Node) -> list[dict[str, str]]:
    """``!entries N``: N entries of an IPv4 prefix list."""
    count, first = _count(_constructed(loader, node))
    return [{"Cidr": f"10.{place // 256}.{place % 256}.0/24"} for place in range(first, first + count)]


def _tags(loader: RowLoader, node: yaml.Node) -> list[dict[str, str]]:
    """``!tags N``: N tags whose keys differ."""
    count, first = _count(_constructed(loader, node))
    return [{"Key": f"key{place}", "Value": "value"} for place in range(first, first + count)]


def _count(written: str) -> tuple[int, int]:
    count, _, first = written.partition(" from ")
    return int(count), int(first or 0)


TAGS: dict[str, Any] = {
    "!re": lambda loader, node: Text(_constructed(loader, node)),
    "!some": lambda loader, node: Some(_constructed(loader, node)),
    "!times": lambda loader, node: Repeated(str((parts := _constructed(loader, node))[0]), int(parts[1])),
    "!first64": lambda loader, node: First64(_constructed(loader, node)),
    "!ipv4": _ranges,
    "!ipv6": _ranges6,
    "!entries": _entries,
    "!tags": _tags,
}
for tag, construct in TAGS.items():
    RowLoader.add_constructor(tag, construct)
for word, mark in {"<absent>": Absent(), "<none>": Nothing(), "<any>": Whatever()}.items():
    RowLoader.add_implicit_resolver(word, re.compile(re.escape(word) + r"\Z"), ["<"])
    RowLoader.add_constructor(word, lambda loader, node, mark=mark: mark)


def filled(written: Any, variables: Mapping[str, Any]) -> Any:
    """What a row wrote, with its variables replaced: ``$name`` alone by the value, within text by the value's text.

    Raises KeyError for a variable that nothing has kept.
    """
    match written:
        case str():
            whole = VARIABLE.fullmatch(written)
            return variables[whole[1]] if whole else VARIABLE.sub(lambda found: str(variables[found[1]]), written)
        case Repeated(piece, times):
            return piece * times
        case First64(block):
            return str(next(IPv6Network(filled(block, variables)).subnets(new_prefix=64)))
        case Text(pattern):
            return Text(VARIABLE.sub(lambda found: re.escape(str(variables[found[1]])), pattern))
        case Some(items):
            return Some([filled(item, variables) for item in items])
        case Mapping():
            return {key: filled(value, variables) for key, value in written.items()}
        case list():
            return [filled(item, variables) for item in written]
    return written


def difference(expected: Any, found: Any, where: str = "answer") -> str | None:
    """Why an answer is not what a row expects, in one line; None if it is."""
    match expected:
        case Whatever():
            return None
        case Text(pattern):
            fits = isinstance(found, str) and re.fullmatch(pattern, found, re.DOTALL)
            return None if fits else f"{where}: {found!r} is not of the form {pattern!r}"
        case Some(items):
            return _list_difference(list(items), found, where, whole=False)
        case list():
            return _list_difference(expected, found, where, whole=True)
        case Mapping():
            return _mapping_difference(expected, found, where)
    same = type(expected) is type(found) and expected == found
    return None if same else f"{where}: {found!r} instead of {expected!r}"


def _mapping_difference(expected: Mapping[str, Any], found: Any, where: str) -> str | None:
    if not isinstance(found, Mapping):
        return f"{where}: {found!r} is no mapping"
    for key, value in expected.items():
        place = f"{where}.{key}"
        match value:
            case Absent():
                if key in found:
                    return f"{place}: {found[key]!r}, which should not be there"
            case Nothing():
                if found.get(key, []) != []:
                    return f"{place}: {found[key]!r}, which should be empty"
            case _:
                if key not in found:
                    return f"{place}: not there, among {', '.join(found) or 'nothing'}"
                if wrong := difference(value, found[key], place):
                    return wrong
    return None


def _list_difference(expected: list[Any], found: Any, where: str, *, whole: bool) -> str | None:
    """Every expected item needs an item of its own; ``whole``: and none may be left over."""
    if not isinstance(found, list):
        return f"{where}: {found!r} is no list"
    if whole and len(found) != len(expected):
        return f"{where}: {len(found)} items instead of {len(expected)}: {found!r}"
    taken: dict[int, int] = {}  # place in found -> place in expected
    for wanted in range(len(expected)):
        if not _take(wanted, expected, found, taken, set()):
            one = difference(expected[wanted], found[0], f"{where}[0]") if len(found) == 1 else None
            return one or f"{where}: nothing like {expected[wanted]!r} among {found!r}"
    return None


def _take(wanted: int, expected: list[Any], found: list[Any], taken: dict[int, int], tried: set[int]) -> bool:
    """Find an item for one that is expected, moving those who have one already if they can take another."""
    for place, item in enumerate(found):
        if place in tried or difference(expected[wanted], item) is not None:
            continue
        tried.add(place)
        if place not in taken or _take(taken[place], expected, found, taken, tried):
            taken[place] = wanted
            return True
    return False
