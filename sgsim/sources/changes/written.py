"""A change that someone wrote by hand: time, call and parameters as boto3 takes them, each name checked."""

from __future__ import annotations

from typing import Any

from sgsim.sources.changes.calls import CALLS
from sgsim.sources.changes.records import ApiChange
from sgsim.sources.changes.signatures import Kind, Member
from sgsim.sources.changes.times import change_time
from sgsim.sources.checks import unicode_text
from sgsim.sources.scenariotree import Node, near, shown

_KEYS = ("at", "call", "params", "answer", "account", "region")
_EXAMPLE = 'write {at: "+12.5s", call: DeleteSecurityGroup, params: {GroupId: sg-0123}}'
_WIDEST = 1 << 63


def written_change(node: Node) -> ApiChange:
    """Read one. Raises InputError: a key, call or parameter that is not known, a value of the wrong kind."""
    members = node.members(_KEYS)
    for key in ("at", "call"):
        if key not in members:
            raise node.place.refusal(f"has no {key!r}", _EXAMPLE)
    at = change_time(members["at"].value, members["at"].place)
    call = members["call"].text()
    if call not in CALLS:
        raise members["call"].place.refusal(f"{call[:60]!r} is no call that changes what is judged", near(call, CALLS))
    given = members["params"].named() if "params" in members else {}
    answer = members["answer"].named() if "answer" in members else {}
    return ApiChange(
        at,
        call,
        _structure(CALLS[call].takes, given),
        node.place,
        # Of an answer some members are read, so others of AWS's are no mistake.
        _structure(CALLS[call].answers, answer, whole=False) or None,
        _text(members["account"]) if "account" in members else None,
        _text(members["region"]) if "region" in members else None,
    )


def _structure(members: tuple[Member, ...], given: dict[str, Node], whole: bool = True) -> dict[str, Any]:
    """The values by name; ``whole``: there are no members but these."""
    by_name = {member.name: member for member in members}
    found = {}
    for name, node in given.items():
        if name in by_name:
            found[name] = _value(by_name[name], node, whole)
        elif whole:
            raise node.place.refusal(f"unknown parameter {name[:60]!r}", near(name, by_name))
    return found


def _value(member: Member, node: Node, whole: bool) -> Any:
    if member.kind is Kind.STRUCTURES:
        return [_structure(member.members, item.named(), whole) for item in node.items()]
    if member.kind is Kind.TEXTS:
        return [_text(item) for item in node.items()]
    if member.kind is Kind.STRUCTURE:
        return _structure(member.members, node.named(), whole)
    if member.kind is Kind.TEXT:
        return _text(node)
    value = node.value
    if member.kind is Kind.ANYTHING:
        return value
    if member.kind is Kind.NUMBER:
        if type(value) is not int or not -_WIDEST <= value < _WIDEST:
            raise node.place.refusal(f"{shown(value)} where a whole number belongs")
    elif type(value) is not bool:
        raise node.place.refusal(f"{shown(value)} where true or false belongs")
    return value


def _text(node: Node) -> str:
    """Text; a whole number too: YAML takes an account's id, and a protocol's number, for one."""
    if type(node.value) is int and -_WIDEST <= node.value < _WIDEST:
        return str(node.value)
    return unicode_text(node.text(), node.place)
