"""EC2's answers in XML, by the service model.

A shape's way of writing is worked out once: a describe call of a Region repeats it a hundred thousand times.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

CONTENT_TYPE = "text/xml;charset=UTF-8"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_MORE = {"\r": "&#13;"}  # which XML would read as a line feed
Write = Callable[[list[str], Any], None]


def success(operation: OperationModel, result: dict[str, Any], request_id: str) -> bytes:
    """The answer to a call. An operation that returns nothing says ``<return>true</return>``, as EC2 does."""
    name = f"{operation.name}Response"
    xmlns = operation.service_model.metadata["xmlNamespace"]
    parts = [_HEAD, f'<{name} xmlns="{xmlns}">\n<requestId>{request_id}</requestId>']
    if operation.output_shape is None:
        parts.append("<return>true</return>")
    else:
        _writer(operation.output_shape)(parts, result)
    parts.append(f"</{name}>")
    return "".join(parts).encode()


def failure(code: str, message: str, request_id: str) -> bytes:
    """The answer to a call that is refused, as EC2 words it for every client and version."""
    return (
        f"{_HEAD}<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        f"</Errors><RequestID>{request_id}</RequestID></Response>"
    ).encode()


@cache
def _writer(shape: Shape) -> Write:
    """What appends the inside of a value's element to the parts of an answer."""
    if shape.type_name == "structure":
        return _structure_writer(shape)
    if shape.type_name == "list":
        return _list_writer(shape)
    writers = {"boolean": _write_boolean, "timestamp": _write_timestamp, "blob": _write_blob}
    return writers.get(shape.type_name, _write_text)


def _structure_writer(shape: Shape) -> Write:
    members: dict[str, tuple[str, str, Write]] | None = None

    def write(parts: list[str], value: Any) -> None:
        nonlocal members
        if members is None:  # worked out on first use: shapes may hold themselves
            members = {name: _element(inner, name) for name, inner in shape.members.items()}
        for name, inner in value.items():
            if inner is not None:
                begin, end, write_inner = members[name]
                parts.append(begin)
                write_inner(parts, inner)
                parts.append(end)

    return write


def _element(shape: Shape, member: str) -> tuple[str, str, Write]:
    name = shape.serialization.get("name", member)
    return f"<{name}>", f"</{name}>", _writer(shape)


def _list_writer(shape: Shape) -> Write:
    name = shape.member.serialization.get("name", "item")
    begin, end, write_item = f"<{name}>", f"</{name}>", _writer(shape.member)

    def write(parts: list[str], value: Any) -> None:
        for item in value:
            parts.append(begin)
            write_item(parts, item)
            parts.append(end)

    return write


def _write_text(parts: list[str], value: Any) -> None:
    parts.append(escape(value, _MORE) if isinstance(value, str) else str(value))


def _write_boolean(parts: list[str], value: Any) -> None:
    parts.append("true" if value else "false")


def _write_timestamp(parts: list[str], value: datetime) -> None:
    """EC2 writes UTC with milliseconds: 2016-09-07T20:50:58.000Z."""
    utc = value.astimezone(UTC) if value.tzinfo else value
    parts.append(f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z")


def _write_blob(parts: list[str], value: bytes) -> None:
    parts.append(b64encode(value).decode())
