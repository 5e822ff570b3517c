"""The fields of flow log records, and formats: which of them a line has, in which order.

Source: VPC user guide, "Flow log records", available fields; transit gateway logs have records of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from sgsim.errors import LogError, SelectionError
from sgsim.kernels import loglines

_V2 = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)

#: Fields by the version that brought them.
VERSIONS: dict[int, tuple[str, ...]] = {
    2: tuple(_V2.split()),
    3: ("vpc-id", "subnet-id", "instance-id", "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr"),
    4: ("region", "az-id", "sublocation-type", "sublocation-id"),
    5: ("pkt-src-aws-service", "pkt-dst-aws-service", "flow-direction", "traffic-path"),
    7: (
        *("ecs-cluster-arn", "ecs-cluster-name", "ecs-container-instance-arn", "ecs-container-instance-id"),
        *("ecs-container-id", "ecs-second-container-id", "ecs-service-name", "ecs-task-definition-arn"),
        *("ecs-task-arn", "ecs-task-id"),
    ),
    8: ("reject-reason",),
    9: ("resource-id",),
    10: ("encryption-status",),
}
FIELDS = tuple(name for names in VERSIONS.values() for name in names)
DEFAULT = VERSIONS[2]

# What the kernel makes of them; it passes over the others.
_KINDS = {
    "interface-id": loglines.INTERFACE_ID,
    "srcaddr": loglines.SRCADDR,
    "dstaddr": loglines.DSTADDR,
    "srcport": loglines.SRCPORT,
    "dstport": loglines.DSTPORT,
    "protocol": loglines.PROTOCOL,
    "packets": loglines.PACKETS,
    "bytes": loglines.BYTES,
    "start": loglines.START,
    "end": loglines.END,
    "action": loglines.ACTION,
    "log-status": loglines.LOG_STATUS,
    "tcp-flags": loglines.TCP_FLAGS,
    "type": loglines.TYPE,
    "pkt-srcaddr": loglines.PKT_SRCADDR,
    "pkt-dstaddr": loglines.PKT_DSTADDR,
    "flow-direction": loglines.FLOW_DIRECTION,
    "reject-reason": loglines.REJECT_REASON,
}
READ = tuple(_KINDS)

# One of each is needed: without it nothing can be judged.
_NEEDED = (("srcaddr", "pkt-srcaddr"), ("dstaddr", "pkt-dstaddr"), ("srcport",), ("dstport",), ("protocol",))
_TIMES = ("start", "end")

_TRANSIT = re.compile(r"tgw-|resource-type$|packets-lost-")
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_-]+)\}|([A-Za-z0-9_-]+)")
_ADD = "add it to the flow log's format"


def field_name(text: str) -> str:
    """A field as AWS documents it; Parquet columns have underscores."""
    return text.strip().lower().replace("_", "-")


def parse_format(text: str) -> tuple[str, ...]:
    """The fields of a format as AWS takes it (``${version} ${srcaddr} ...``) or as plain names.

    Raises SelectionError: what is no field, a field given twice.
    """
    names = []
    for word in text.split():
        found = _PLACEHOLDER.fullmatch(word)
        name = field_name(found[1] or found[2]) if found else word
        if name not in FIELDS:
            near = get_close_matches(name, FIELDS, n=1)
            hint = f"did you mean {near[0]}?" if near else "write it like ${version} ${srcaddr} ${dstaddr}"
            raise SelectionError(f"--format: {word} is no field of a flow log ({hint})")
        if name in names:
            raise SelectionError(f"--format: {name} is given twice")
        names.append(name)
    if not names:
        raise SelectionError("--format: no field in it (write it like ${version} ${srcaddr} ${dstaddr})")
    missing = missing_field(names)
    if missing:
        raise SelectionError(f"--format: without {missing} records cannot be judged")
    return tuple(names)


def missing_field(names: Sequence[str]) -> str | None:
    """A field that is not among those given and without which no record can be judged."""
    for choice in _NEEDED:
        if not set(choice) & set(names):
            return choice[0]
    return None if set(_TIMES) & set(names) else "start"


def check_fields(file: str, names: Sequence[str]) -> list[str]:
    """The names among a log's own that are no fields, those of versions to come perhaps.

    Raises LogError: the log of a transit gateway, or one without what judging needs.
    """
    if any(_TRANSIT.match(name) for name in names):
        raise LogError(file, "is the flow log of a transit gateway, which has no security groups", "leave it out")
    missing = missing_field(names)
    if missing:
        raise LogError(file, f"has no {missing}: its records cannot be judged", _ADD)
    return [name for name in names if name not in FIELDS]


def header_of(words: Sequence[str]) -> tuple[str, ...] | None:
    """The fields that a file's first line names, or None: it is no header."""
    names = tuple(field_name(word) for word in words)
    known = sum(name in FIELDS or bool(_TRANSIT.match(name)) for name in names)
    return names if known and 2 * known >= len(names) else None


def lines_of(names: Sequence[str], before: int, header: bytes = b"") -> loglines.Lines:
    """How the kernel reads lines of these fields, ``before`` words ahead of them."""
    kinds = [loglines.PASSED] * before + [_KINDS.get(name, loglines.PASSED) for name in names]
    return loglines.Lines(
        np.array(kinds, dtype=np.uint8), np.frombuffer(header, dtype=np.uint8).copy(), "log-status" in names
    )
