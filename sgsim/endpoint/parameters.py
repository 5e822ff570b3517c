"""EC2's Query protocol: the parameters of a request, typed by the service model.

``IpPermissions.1.IpRanges.2.CidrIp=10.0.0.0/8`` and its like become what boto3 takes: dicts, lists, integers, booleans.
The whole request is laid out as a tree of its names first, so that a thousand ranges cost a thousand steps.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sgsim.control import ApiError

if TYPE_CHECKING:
    from botocore.model import ListShape, Shape, StructureShape

MOST_FIELDS = 20_000  # of a request: 1,000 rules of 6 members each are 6,000
_DEEPEST = 20  # dots of a name; RunInstances has 6
Tree = dict[str, Any]  # by the part of a name up to the next dot: what comes behind it, or a value

# What may stand beside the parameters of an operation (Common query parameters, EC2 API reference).
_COMMON = frozenset({
    "Action", "Version", "AWSAccessKeyId", "SecurityToken", "Signature", "SignatureMethod", "SignatureVersion",
    "Timestamp", "Expires", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
    "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders",
})  # fmt: skip
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_RANGES = {"integer": 2**31, "long": 2**63}


def form(query: str, body: bytes) -> dict[str, str]:
    """The parameters of a request by name, from its query string and its body; blank values are kept.

    Raises ApiError where they cannot be read: not UTF-8, characters that no answer could carry, a name twice.
    """
    found: dict[str, str] = {}
    try:
        text = "&".join(filter(None, [query, body.decode("ascii").strip()]))
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except UnicodeDecodeError as error:
        raise _malformed("it is not URL-encoded UTF-8") from error
    except ValueError as error:
        raise _malformed(f"it has more than {MOST_FIELDS} parameters") from error
    for name, value in pairs:
        if name in found:
            raise _malformed(f"the parameter {name} is given twice")
        if _NOT_XML.search(value) or _NOT_XML.search(name):
            raise ApiError("InvalidParameterValue", f"Value for parameter {_plain(name)} has invalid characters.")
        found[name] = value
    return found


def typed(shape: StructureShape | None, given: dict[str, str]) -> dict[str, Any]:
    """What an operation is given, by the shape of its input: in boto3's shape.

    Raises ApiError: UnknownParameter, MissingParameter, InvalidParameterValue.
    """
    tree: Tree = {}
    for name, value in given.items():
        if name not in _COMMON:
            _plant(tree, name, value)
    if shape is None:
        _refuse_rest(tree)
        return {}
    return _structure(shape, tree, "")


def _plant(tree: Tree, name: str, value: str) -> None:
    if name.count(".") > _DEEPEST:
        raise _unknown(name)
    *path, last = name.split(".")
    node = tree
    for part in path:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise _unknown(name)
    if last in node:
        raise _unknown(name)
    node[last] = value


def _structure(shape: StructureShape, tree: Tree, place: str) -> dict[str, Any]:
    found = {}
    for member, name, inner, is_required in _members(shape):
        if name in tree:
            found[member] = _value(inner, tree.pop(name), f"{place}{name}")
        elif is_required:
            raise ApiError("MissingParameter", f"The request must contain the parameter {place}{name}")
    _refuse_rest(tree)
    return found


@cache
def _members(shape: StructureShape) -> tuple[tuple[str, str, Shape, bool], ...]:
    """Of each member: its name, its name in a request, its shape, whether it must be there."""
    required = shape.required_members
    return tuple((name, _wire_name(inner, name), inner, name in required) for name, inner in shape.members.items())


def _list(shape: ListShape, tree: Tree, place: str) -> list[Any]:
    numbers = {}
    for part in tree:
        if not re.fullmatch("[1-9][0-9]{0,8}", part):
            raise _unknown(f"{place}.{part}")
        numbers[int(part)] = part
    return [_value(shape.member, tree[numbers[n]], f"{place}.{n}") for n in sorted(numbers)]


def _value(shape: Shape, given: Any, place: str) -> Any:
    kind = shape.type_name
    if kind == "list":
        if given == "":
            return []  # how the Query protocol writes a list that is there and empty
        return _list(shape, _branch(given, place), place)
    if kind == "structure":
        return _structure(shape, _branch(given, place), f"{place}.")
    if isinstance(given, dict):
        raise _unknown(f"{place}.{next(iter(given))}")
    return _scalar(kind, given, place)


def _branch(given: Any, place: str) -> Tree:
    if not isinstance(given, dict):
        raise _unknown(place)
    return given


def _scalar(kind: str, given: str, place: str) -> Any:
    if kind == "string":
        return given
    if kind == "boolean":
        if given.lower() not in ("true", "false"):
            raise _invalid(given, place, "It must be true or false.")
        return given.lower() == "true"
    if kind in _RANGES:
        if not _INTEGER.fullmatch(given) or not -_RANGES[kind] <= int(given) < _RANGES[kind]:
            raise _invalid(given, place, "It must be an integer.")
        return int(given)
    return _rare_scalar(kind, given, place)


def _rare_scalar(kind: str, given: str, place: str) -> Any:
    from botocore.utils import parse_timestamp

    try:
        if kind == "timestamp":
            return parse_timestamp(given)
        if kind == "blob":
            return base64.b64decode(given, validate=True)
        return float(given)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise _invalid(given, place, f"It must be a {kind}.") from error


def _wire_name(shape: Shape, member: str) -> str:
    """A member's name in a request: its query name, else its location name with a capital."""
    name = shape.serialization.get("queryName")
    if name is None:
        name = shape.serialization.get("name", member)
        name = name[:1].upper() + name[1:]
    return str(name)


def _refuse_rest(tree: Tree) -> None:
    """What no member took is not the operation's."""
    node: Any = tree
    name = ""
    while isinstance(node, dict) and node:
        name, node = next(iter(node.items()))
    if name:
        raise _unknown(name)


def _unknown(name: str) -> ApiError:
    """EC2 names the last part: ``UnknownParameter: The parameter NetworkCardIndex is not recognized``."""
    return ApiError("UnknownParameter", f"The parameter {_plain(name.rpartition('.')[2])} is not recognized")


def _invalid(value: str, name: str, why: str) -> ApiError:
    return ApiError("InvalidParameterValue", f"Value ({_plain(value)}) for parameter {name} is invalid. {why}")


def _malformed(reason: str) -> ApiError:
    return ApiError("InvalidHttpRequest", f"The HTTP request is invalid. Reason: {reason}")


def _plain(text: str) -> str:
    """Fit for a message: short, and of characters that XML has."""
    text = _NOT_XML.sub("\ufffd", text)
    return text if len(text) <= 100 else f"{text[:100]}..."
