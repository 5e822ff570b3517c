"""Intrinsic functions of values that are evaluated already: texts, lists and numbers, or Unknown.

Source: CloudFormation user guide, "Intrinsic function reference".
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from sgsim.sources.checks import network
from sgsim.sources.infrastructure.values import Unknown, Value
from sgsim.sources.places import Notes, Place

Truth = bool | Unknown

_LONGEST = 1 << 20  # characters of a text: the most that a template may have
_LONGEST_NAME = 300


def joined(delimiter: str, parts: list[Any], place: Place) -> Any:
    """The texts as one. Where one is not known, the whole is not, and is named by what it is made of."""
    texts = [f"${{{part.name}}}" if isinstance(part, Unknown) else text_of(part, place) for part in parts]
    if sum(map(len, texts)) + len(delimiter) * len(texts) > _LONGEST:
        raise place.refusal(f"makes a text of more than {_LONGEST} characters")
    text = delimiter.join(texts)
    return Unknown(_short(text)) if any(isinstance(part, Unknown) for part in parts) else text


def _join(arguments: Any, place: Place) -> Any:
    delimiter, items = listed(arguments, place, 2)
    if isinstance(items, Unknown) or isinstance(delimiter, Unknown):
        return Unknown(named("Fn::Join", arguments))
    if not isinstance(items, list):
        raise place.refusal("takes a delimiter and a list")
    return joined(text_of(delimiter, place), items, place)


def _select(arguments: Any, place: Place) -> Any:
    index, items = listed(arguments, place, 2)
    if isinstance(items, Unknown) or isinstance(index, Unknown):
        return Unknown(_short(f"{_shown(items)}[{_shown(index)}]"))
    number = Value(index, place).integer()
    if not isinstance(items, list) or not isinstance(number, int):
        raise place.refusal("takes a number and a list")
    if not 0 <= number < len(items):
        raise place.refusal(f"takes number {number} of a list of {len(items)}")
    return items[number]


def _split(arguments: Any, place: Place) -> Any:
    delimiter, text = listed(arguments, place, 2)
    if isinstance(text, Unknown) or isinstance(delimiter, Unknown):
        return Unknown(named("Fn::Split", arguments))
    if not isinstance(delimiter, str) or not delimiter:
        raise place.refusal("takes a delimiter and a text")
    return text_of(text, place).split(delimiter)


def _cidr(arguments: Any, place: Place) -> Any:
    """Blocks of a block: how many, and how many bits their hosts have (8 where that is left out)."""
    block, count, bits = [*listed(arguments, place, 2, 3), 8][:3]
    if any(isinstance(each, Unknown) for each in (block, count, bits)):
        return Unknown(named("Fn::Cidr", arguments))
    outer = network(text_of(block, place), None, place, Notes(strict=False))
    wanted, hosts = Value(count, place).integer(), Value(bits, place).integer()
    if not isinstance(wanted, int) or not isinstance(hosts, int) or not 1 <= wanted <= 256:
        raise place.refusal("takes a block, the number of blocks (1 to 256), and the bits of a block's hosts")
    length = outer.max_prefixlen - hosts
    if not outer.prefixlen <= length <= outer.max_prefixlen or wanted > 1 << (length - outer.prefixlen):
        raise place.refusal(f"{outer} has no {wanted} blocks of {hosts} bits")
    return [str(each) for each in islice(outer.subnets(new_prefix=length), wanted)]


def _base64(text: Any, place: Place) -> Any:
    if isinstance(text, Unknown):
        return Unknown(named("Fn::Base64", text))
    return base64.b64encode(text_of(text, place).encode()).decode()


def _length(items: Any, place: Place) -> Any:
    return len(items) if isinstance(items, list) else Unknown(named("Fn::Length", items))


def _import_value(name: Any, place: Place) -> Any:
    return Unknown(named("Fn::ImportValue", name))


def _zones(region: Any, place: Place) -> Any:
    return Unknown(named("Fn::GetAZs", region))


FUNCTIONS: Mapping[str, Callable[[Any, Place], Any]] = {
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Cidr": _cidr,
    "Fn::Base64": _base64,
    "Fn::Length": _length,
    "Fn::ImportValue": _import_value,
    "Fn::GetAZs": _zones,
}


def find_in_map(arguments: Any, mappings: Value, place: Place) -> Any:
    """A value of Mappings. A key that is not known decides nothing where all say the same."""
    name, first, second, *more = listed(arguments, place, 3, 4)
    if isinstance(name, Unknown):
        return Unknown(named("Fn::FindInMap", arguments))
    found = [
        inner.raw
        for outer, members in mappings.at(text_of(name, place)).members().items()
        if isinstance(first, Unknown) or outer == text_of(first, place)
        for key, inner in members.members().items()
        if isinstance(second, Unknown) or key == text_of(second, place)
    ]
    if found and all(each == found[0] for each in found):
        return found[0]
    if found or isinstance(first, Unknown) or isinstance(second, Unknown):
        return Unknown(named("Fn::FindInMap", arguments))
    if more and isinstance(more[0], dict) and "DefaultValue" in more[0]:
        return more[0]["DefaultValue"]
    raise place.refusal(f"the mapping {name} has no {_shown(first)}.{_shown(second)}")


# --- truths -----------------------------------------------------------------------------------------------------------


def equal(one: Any, other: Any, place: Place) -> Truth:
    """CloudFormation compares texts: true is "true", 80 is "80"."""
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return True if one == other else Unknown(named("Fn::Equals", [one, other]))
    if isinstance(one, list | dict) or isinstance(other, list | dict):
        return bool(one == other)
    return text_of(one, place) == text_of(other, place)


def all_of(truths: list[Truth]) -> Truth:
    if any(each is False for each in truths):
        return False
    return next((each for each in truths if isinstance(each, Unknown)), True)


def any_of(truths: list[Truth]) -> Truth:
    if any(each is True for each in truths):
        return True
    return next((each for each in truths if isinstance(each, Unknown)), False)


def negation(truth: Truth) -> Truth:
    return Unknown(named("Fn::Not", truth)) if isinstance(truth, Unknown) else not truth


# --- arguments and names ----------------------------------------------------------------------------------------------


def listed(raw: Any, place: Place, least: int, most: int | None = None) -> list[Any]:
    """The arguments of a function. Raises InputError where there are too few or too many."""
    if not isinstance(raw, list) or not least <= len(raw) <= (most or least):
        raise place.refusal(f"takes a list of {least}" + (f" to {most}" if most else ""))
    return raw


def text_of(raw: Any, place: Place) -> str:
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str | int | float):
        return str(raw)
    raise place.refusal("a list or an object where text belongs")


def named(function: str, arguments: Any) -> str:
    """The name of a value that is not known: how it is made."""
    return _short(f"{function} {_shown(arguments)}")


def _shown(raw: Any) -> str:
    if isinstance(raw, Unknown):
        return raw.name
    if isinstance(raw, list):
        return f"[{', '.join(map(_shown, raw))}]"
    if isinstance(raw, dict):
        return f"{{{', '.join(f'{key}: {_shown(inner)}' for key, inner in raw.items())}}}"
    return raw if isinstance(raw, str) else json.dumps(raw)


def _short(name: str) -> str:
    """Long names end in a digest: what differs must not be the same."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]}... ({hashlib.sha256(name.encode()).hexdigest()[:12]})"
