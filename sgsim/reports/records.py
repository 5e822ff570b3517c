"""Observation records as NDJSON and CSV: the fields and their order are those of docs/interface.md.

Whatever needs quoting (names of captures, interfaces, rules) is made into text once; a kernel puts records together
from it: 3 million NDJSON records a second, 6 million CSV ones, where formatting in Python made 0.7 and 0.8.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import MergedBatch
from sgsim.engine import Engine
from sgsim.kernels.addresses import LONGEST_TEXT, MAPPED_DOTTED
from sgsim.kernels.recordtext import NUMBERS, STEPS, Steps, Wording, write_lines
from sgsim.kernels.rowgroup import Stream
from sgsim.layout import EGRESS, FIRST_DROP, INGRESS, REASONS, Verdicts
from sgsim.model import Direction, Rule, Verdict

FIELDS = ["capture", "packet", "time_ns", "eni", "direction", "verdict", "reason", "rule", "group", "tracked"]
FIELDS += ["protocol", "src", "src_port", "dst", "dst_port", "icmp_type", "icmp_code", "length"]

# Before the ends of a flow in JSON: addresses are strings, so quotes stand around them.
JSON_ENDS = [',"src":"', '","src_port":', ',"dst":"', '","dst_port":']

_LINES = 2048  # put together at a time: what they take stays in the second-level cache

Fields = Mapping[str, object]


class Sink(Protocol):
    """What records are written to."""

    def write(self, data: bytes, /) -> int: ...


def chosen(verdicts: Verdicts, only: Verdict | None) -> NDArray[np.int64]:
    """The places of the observations with that verdict, or of all."""
    if only is None:
        return np.arange(len(verdicts.packet), dtype=np.int64)
    allowed = verdicts.reason < FIRST_DROP
    return np.flatnonzero(allowed if only is Verdict.ALLOW else ~allowed)


class RecordWriter:
    """Writes the observations of batches to a binary file, as ``form``: "ndjson" or "csv".

    ``captures`` are the captures' names as given; ``only`` keeps the observations of one verdict. Raises what the
    file's ``write`` raises.
    """

    def __init__(
        self, file: Sink, form: str, engine: Engine, captures: Sequence[str], only: Verdict | None = None
    ) -> None:
        self._file, self._only, self._kind, self._engine, self._captures = file, only, form, engine, captures
        self._learn()
        if form == "csv":
            file.write((",".join(FIELDS) + "\n").encode())

    def _learn(self) -> None:
        """Make the text of all interfaces and rules."""
        self._known = len(self._engine.interfaces), len(self._engine.rules)
        joined = csv_texts if self._kind == "csv" else json_texts
        parts = [
            [("{" if self._kind == "ndjson" else "") + text for text in joined(_captures(self._captures))],
            ["," + text for text in joined({"eni": i.interface_id} for i in self._engine.interfaces[: self._known[0]])],
            ["," + text for text in joined(way_fields())],
            ["," + text for text in joined(rule_fields(self._engine.rules[: self._known[1]]))],
            _csv_joints() if self._kind == "csv" else _json_joints(),
        ]
        self._form = wording(parts), empty_steps(STEPS)
        self._out = np.zeros(_LINES * (longest(parts) + NUMBERS), dtype=np.uint8)

    def write(self, batch: MergedBatch, verdicts: Verdicts) -> int:
        """Write a batch's observations; returns how many."""
        if self._known != (len(self._engine.interfaces), len(self._engine.rules)):
            self._learn()  # a change of the topology brought some
        places = chosen(verdicts, self._only)
        stream = Stream(batch.capture, batch.number)
        for begin in range(0, len(places), _LINES):
            part = places[begin : begin + _LINES]
            size = write_lines(batch.columns, stream, verdicts.rows, part, self._form, self._out)
            self._file.write(self._out[:size].tobytes())
        return len(places)


def _captures(names: Iterable[str]) -> Iterator[Fields]:
    return ({"capture": name} for name in names)


def way_fields() -> Iterator[Fields]:
    directions = {INGRESS: Direction.INGRESS, EGRESS: Direction.EGRESS}
    for code in sorted(directions):
        for reason in REASONS:
            yield {"direction": directions[code], "verdict": reason.verdict, "reason": reason}


def rule_fields(rules: Iterable[Rule]) -> Iterator[Fields]:
    yield {"rule": None, "group": None}
    for rule in rules:
        yield {"rule": rule.rule_id, "group": rule.group_id}


def json_texts(records: Iterable[Fields]) -> Iterator[str]:
    """The members of a JSON object, without its braces."""
    encode = json.JSONEncoder(separators=(",", ":")).encode
    return (encode(fields)[1:-1] for fields in records)


def csv_texts(records: Iterable[Fields]) -> Iterator[str]:
    """The fields with commas between them; quoted where a comma, a quote or a line's end is in them."""
    lines: list[str] = []
    csv.writer(SimpleNamespace(write=lines.append), lineterminator="\n").writerows(each.values() for each in records)
    return (line[:-1] for line in lines)


def _json_joints() -> list[str]:
    """By the places of kernels.recordtext."""
    numbers = [f',"{name}":' for name in ("packet", "time_ns")]
    tracked = [f',"tracked":{text},"protocol":' for text in ("false", "true")]
    return ["null", *numbers, *tracked, *JSON_ENDS, ',"icmp_type":', ',"icmp_code":', ',"length":', "}\n"]


def _csv_joints() -> list[str]:
    return ["", ",", ",", ",false,", ",true,", *[","] * 7, "\n"]


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # file names may be no UTF-8


def wording(parts: Sequence[Sequence[str]]) -> Wording:
    """The words of captures, interfaces, ways, rules and joints."""
    text, offsets, (captures, enis, ways, rules, joints) = laid(parts)
    return Wording(text, offsets, captures, enis, ways, rules, joints, MAPPED_DOTTED)


def laid(parts: Sequence[Sequence[str]]) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[np.int64]]:
    """All words one after the other, where each begins (and the last one ends), and the numbers of the parts' first."""
    words = [encoded(text) for part in parts for text in part]
    offsets = np.zeros(len(words) + 1, dtype=np.int64)
    offsets[1:] = np.cumsum([len(word) for word in words])
    firsts = np.cumsum([0, *map(len, parts)], dtype=np.int64)[:-1]
    return np.frombuffer(b"".join(words), dtype=np.uint8), offsets, list(firsts)


def longest(parts: Sequence[Sequence[str]]) -> int:
    """Bytes that a line of these words takes at most: one of each part, all joints (the last part), two addresses."""
    words = sum(max((len(encoded(text)) for text in part), default=0) for part in parts[:-1])
    return words + sum(map(len, parts[-1])) + 2 * LONGEST_TEXT


def empty_steps(count: int) -> Steps:
    word, kind = np.zeros((2, count), dtype=np.int64)
    value, upper = np.zeros((2, count), dtype=np.uint64)
    return Steps(word, kind, value, upper)
