"""CloudTrail's form of a request or an answer -> boto3's.

CloudTrail writes what went over the wire, in one of two ways. Older calls have names that begin in lower case and lists
as ``{"items": [...]}`` (or ``item``; an empty one is ``{}``). Newer ones stand under ``…Request`` and ``…Response``,
with the names of the query string: what is repeated goes by its singular, is not in a list where there is one of it,
and is numbered by ``tag``; text that is repeated is its ``content``, nothing is ``""``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sgsim.sources.changes.signatures import Kind, Member
from sgsim.sources.checks import unicode_text
from sgsim.sources.places import Place

_WHOLE = re.compile(r"-?[0-9]{1,18}\Z")
_BOOLEANS = {"true": True, "false": False}
_NOTHING: tuple[object, ...] = (None, "", {}, [])


def unwrapped(data: Any, name: str) -> Any:
    """What stands under ``name`` (``…Request``, ``…Response``), or the data themselves where there is no such key."""
    return data[name] if isinstance(data, dict) and name in data else data


def from_wire(members: tuple[Member, ...], data: Any, place: Place) -> dict[str, Any]:
    """The members that are given, by boto3's names. Unknown names, those of unknown shape, nulls, and lists and
    structures with nothing in them are left out. Raises InputError where text, numbers, lists and objects stand in each
    other's place."""
    if data in _NOTHING:
        return {}
    if not isinstance(data, dict):
        raise _refused(place, data, "an object")
    names = {
        name.lower(): (name, value)
        for name, value in data.items()
        if name != "tag" or isinstance(value, dict | list)  # the number, not DeleteTags' list
    }
    found = {}
    for member in members:
        name, value = next((names[each] for each in member.wire if each in names), ("", None))
        if value is None or member.kind is Kind.ANYTHING:
            continue
        converted = _value(member, value, place.at(name))
        if member.kind in (Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN) or converted not in _NOTHING:
            found[member.name] = converted
    return found


def _value(member: Member, value: Any, place: Place) -> Any:
    if member.kind is Kind.STRUCTURES:
        found = (from_wire(member.members, each, where) for where, each in _listed(value, place))
        return [each for each in found if each]
    if member.kind is Kind.TEXTS:
        texts = (_item_text(member, each, where) for where, each in _listed(value, place))
        return [each for each in texts if each is not None]
    if member.kind is Kind.STRUCTURE:
        if len(member.members) == 1 and not isinstance(value, dict) and value not in _NOTHING:
            return {member.members[0].name: _value(member.members[0], value, place)}
        return from_wire(member.members, value, place)
    if member.kind is Kind.NUMBER:
        return _number(value, place)
    if member.kind is Kind.BOOLEAN:
        return _boolean(value, place)
    return _text(value, place)


def _listed(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    """The members of a list, however CloudTrail wraps it."""
    if isinstance(value, dict):
        for name in ("items", "item"):
            if name in value:
                value, place = value[name], place.at(name)
                break
        else:
            if len(value) == 1:
                (name, inner), *_ = value.items()
                if isinstance(inner, list):  # assignedPrivateIpAddressesSet: {assignedPrivateIpAddressSetType: [...]}
                    value, place = inner, place.at(name)
    if isinstance(value, list):
        yield from ((place.at(number), each) for number, each in enumerate(value))
    elif value not in _NOTHING:
        yield place, value


def _item_text(member: Member, value: Any, place: Place) -> str | None:
    """An item of a list of text: itself, or what an object says under the member's key; None: it says nothing."""
    if not isinstance(value, dict):
        return _text(value, place)
    names = {name.lower(): inner for name, inner in value.items()}
    for name in (member.key, "content"):
        if name in names and names[name] not in _NOTHING:
            return _text(names[name], place.at(name))
    if member.key:
        return None
    return next((_text(inner, place) for inner in value.values() if isinstance(inner, str)), None)


def _text(value: Any, place: Place) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise _refused(place, value, "text")
    return unicode_text(value, place)


def _number(value: Any, place: Place) -> int:
    if isinstance(value, str) and _WHOLE.match(value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not _WHOLE.match(str(value)):
        raise _refused(place, value, "a whole number")
    return value


def _boolean(value: Any, place: Place) -> bool:
    if isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    if not isinstance(value, bool):
        raise _refused(place, value, "true or false")
    return value


def _refused(place: Place, value: Any, wanted: str) -> Exception:
    shown = "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else repr(value)[:60]
    return place.refusal(f"{shown} where {wanted} belongs: this is not CloudTrail's form", "save the event unmodified")
