"""Rows of flows as NDJSON, CSV and Parquet: the fields and their order are those of docs/interface.md."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgsim.engine import Engine
from sgsim.kernels.flowrows import FLOW_BEGIN, INTERFACE_SHIFT, RULE_SHIFT
from sgsim.kernels.flowtext import NUMBERS, STEPS, number_ends, write_flow_lines
from sgsim.layout import LATER_FRAGMENT, RULE_BITS
from sgsim.model import ICMP, ICMPV6, TCP, UDP
from sgsim.reports import arrow
from sgsim.reports.arrow import address_texts, arrow_schema, dictionary, pyarrow_for, words_of
from sgsim.reports.flows import Records
from sgsim.reports.parquet import ROWS, ParquetFile
from sgsim.reports.records import (
    JSON_ENDS,
    Sink,
    csv_texts,
    empty_steps,
    json_texts,
    longest,
    rule_fields,
    way_fields,
    wording,
)

FLOW_FIELDS = ["eni", "direction", "verdict", "reason", "rule", "group"]
FLOW_FIELDS += ["protocol", "src", "src_port", "dst", "dst_port", "icmp_type", "icmp_code"]
FLOW_FIELDS += ["packets", "bytes", "first_time_ns", "last_time_ns"]

_LINES = 2048  # put together at a time
_WORDS = ("eni", "direction", "verdict", "reason", "rule", "group", "src", "dst")
_WIDE = ("packets", "bytes", "first_time_ns", "last_time_ns")


class FlowText:
    """Writes rows to a binary file, as ``form``: "ndjson" or "csv". Raises what the file's ``write`` raises."""

    def __init__(self, file: Sink, form: str, engine: Engine) -> None:
        self._file, self._kind, self._engine = file, form, engine
        self._known = -1, -1
        if form == "csv":
            file.write((",".join(FLOW_FIELDS) + "\n").encode())

    def _learn(self) -> None:
        """Make the text of all interfaces and rules."""
        self._known = len(self._engine.interfaces), len(self._engine.rules)
        joined = csv_texts if self._kind == "csv" else json_texts
        opening = "{" if self._kind == "ndjson" else ""
        enis = ({"eni": each.interface_id} for each in self._engine.interfaces[: self._known[0]])
        parts = [
            [],
            [opening + text for text in joined(enis)],
            ["," + text for text in joined(way_fields())],
            ["," + text for text in joined(rule_fields(self._engine.rules[: self._known[1]]))],
            _csv_joints() if self._kind == "csv" else _json_joints(),
        ]
        self._form = wording(parts), empty_steps(STEPS)
        self._out = np.zeros(_LINES * (longest(parts) + NUMBERS), dtype=np.uint8)

    def write(self, rows: Records, begins: Records) -> None:
        if self._known != (len(self._engine.interfaces), len(self._engine.rules)):
            self._learn()
        for first in range(0, len(rows), _LINES):
            part = slice(first, first + _LINES)
            size = write_flow_lines(rows[part], begins[part], self._form, self._out)
            self._file.write(self._out[:size].tobytes())

    def close(self, complete: bool) -> None:
        """Lines have no end of their own."""


def _json_joints() -> list[str]:
    """By the places of kernels.flowtext."""
    numbers = [f',"{name}":' for name in FLOW_FIELDS[11:]]
    return ["null", ',"protocol":', *JSON_ENDS, *numbers, "}\n"]


def _csv_joints() -> list[str]:
    return ["", *[","] * 11, "\n"]


class FlowParquet:
    """Writes rows as a Parquet file. Raises what the file's ``write`` raises, and MissingExtraError."""

    def __init__(self, file: Sink, engine: Engine) -> None:
        self._engine = engine
        schema = arrow_schema(pyarrow_for("writing Parquet"), FLOW_FIELDS, _WORDS, _WIDE)
        self._file = ParquetFile(file, schema, _WORDS)

    def write(self, rows: Records, begins: Records) -> None:
        for first in range(0, len(rows), ROWS):
            part = slice(first, first + ROWS)
            self._file.write(self._columns(rows[part], begins[part]))

    def _columns(self, rows: Records, begins: Records) -> list[Any]:
        pyarrow = self._file.arrow
        enis = (each.interface_id for each in self._engine.interfaces)
        words = words_of((), enis, ((rule.rule_id, rule.group_id) for rule in self._engine.rules))
        places = _places(rows, begins)
        found = {name: dictionary(pyarrow, *words[name].coded(each)) for name, each in places.items()}
        found |= _addresses(pyarrow, begins)
        for name, (values, mask) in _numbers(rows, begins).items():
            found[name] = pyarrow.array(values.astype(np.int64 if name in _WIDE else np.int32), mask=mask)
        return [found[name] for name in FLOW_FIELDS]

    def close(self, complete: bool) -> None:
        self._file.close(complete)


def _places(rows: Records, begins: Records) -> dict[str, NDArray[Any]]:
    """Of the columns of words: which of them."""
    gates = rows["gate"]
    rules = (gates >> np.uint64(RULE_SHIFT) & np.uint64(2 * RULE_BITS + 1)).astype(np.int64) - 1
    return {
        "eni": (gates >> np.uint64(INTERFACE_SHIFT)).astype(np.int64),
        "direction": (gates & np.uint64(1)).astype(np.int64),
        "verdict": begins["reason"],
        "reason": begins["reason"],
        "rule": rules,
        "group": rules,
    }


def _numbers(rows: Records, begins: Records) -> dict[str, tuple[NDArray[Any], NDArray[np.bool_] | None]]:
    """The columns of numbers, and where there are none."""
    protocol, service = begins["protocol"], begins["dst_port"]
    later = begins["shape"] == LATER_FRAGMENT
    no_ports = later | ((protocol != TCP) & (protocol != UDP))
    no_icmp = later | (protocol != np.where(begins["version"] == 4, ICMP, ICMPV6))
    return {
        "protocol": (protocol, None),
        "src_port": (begins["src_port"], no_ports),
        "dst_port": (service, no_ports),
        "icmp_type": (service >> 8, no_icmp),
        "icmp_code": (service & 255, no_icmp),
        "packets": (rows["packets"], None),
        "bytes": (rows["bytes"], None),
        "first_time_ns": (rows["first_ns"], None),
        "last_time_ns": (rows["last_ns"], None),
    }


def _addresses(pyarrow: Any, begins: NDArray[np.void]) -> dict[str, Any]:
    table = arrow.with_room(arrow.empty_table(), 2 * len(begins))
    numbers = np.zeros((2, len(begins)), dtype=np.int32)
    number_ends(np.ascontiguousarray(begins, dtype=FLOW_BEGIN), table, *numbers)
    texts = address_texts(pyarrow, table)
    found = zip(("src", "dst"), numbers, strict=True)
    return {name: pyarrow.DictionaryArray.from_arrays(pyarrow.array(each), texts) for name, each in found}
