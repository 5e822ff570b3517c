"""Judged flow log records as NDJSON and CSV: the fields and their order are those of docs/interface.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.addresses import LONGEST_TEXT, MAPPED_DOTTED
from sgsim.kernels.logtext import NUMBERS, STEPS, LogSteps, LogWording, write_log_lines
from sgsim.layout import EGRESS, INGRESS, REASONS, RECORD_VERDICTS
from sgsim.model import Direction, Interface, Rule
from sgsim.reports.records import Fields, Sink, csv_texts, encoded, json_texts

FIELDS = ["log", "line", "start", "end", "eni", "direction", "verdict", "reason", "rule", "group", "tracked"]
FIELDS += ["protocol", "src", "src_port", "dst", "dst_port", "packets", "bytes", "tcp_flags", "action", "agrees"]

ACTION_WORDS = (None, "ACCEPT", "REJECT")  # by code
DIRECTIONS = {INGRESS: Direction.INGRESS, EGRESS: Direction.EGRESS}

_LINES = 2048  # put together at a time: what they take stays in the second-level cache


class LogRecordWriter:
    """Writes judged records to a binary file, as ``form``: "ndjson" or "csv". Raises what its ``write`` raises."""

    def __init__(
        self, file: Sink, form: str, logs: Sequence[str], interfaces: Sequence[Interface], rules: Sequence[Rule]
    ) -> None:
        self._file = file
        joined = csv_texts if form == "csv" else json_texts
        end = "\n" if form == "csv" else "}\n"
        parts = [
            [("{" if form == "ndjson" else "") + text for text in joined({"log": name} for name in logs)],
            ["," + text for text in joined({"eni": i.interface_id} for i in interfaces)],
            ["," + text for text in joined(_ways())],
            ["," + text for text in joined(_rules(rules))],
            ["," + text + end for text in joined(_ends(form))],
            _csv_joints() if form == "csv" else _json_joints(),
        ]
        self._form = _wording(parts), _empty_steps()
        longest = sum(max((len(encoded(text)) for text in part), default=0) for part in parts[:-1])
        self._out = np.zeros(_LINES * (longest + sum(map(len, parts[-1])) + NUMBERS + 2 * LONGEST_TEXT), dtype=np.uint8)
        if form == "csv":
            file.write((",".join(FIELDS) + "\n").encode())

    def write(self, records: NDArray[np.void], disagrees: NDArray[np.bool_], places: NDArray[np.int64]) -> None:
        """Write the records at these places; ``disagrees`` says of each record whether AWS decided otherwise."""
        for begin in range(0, len(places), _LINES):
            size = write_log_lines(records, disagrees, places[begin : begin + _LINES], self._form, self._out)
            self._file.write(self._out[:size].tobytes())


def _ways() -> Iterator[Fields]:
    for code in sorted(DIRECTIONS):
        for reason in REASONS:
            for verdict in RECORD_VERDICTS:
                yield {"direction": DIRECTIONS[code], "verdict": verdict, "reason": reason}


def _rules(rules: Sequence[Rule]) -> Iterator[Fields]:
    yield {"rule": None, "group": None}
    for rule in rules:
        yield {"rule": rule.rule_id, "group": rule.group_id}


def _ends(form: str) -> Iterator[Fields]:
    words: tuple[object, ...] = ("true", "false", None) if form == "csv" else (True, False, None)
    for action in ACTION_WORDS:
        for agrees in words:
            yield {"action": action, "agrees": None if action is None else agrees}


def _json_joints() -> list[str]:
    """By the places of kernels.logtext; addresses are strings, so quotes stand around them."""
    numbers = [f',"{name}":' for name in ("line", "start", "end")]
    tracked = [f',"tracked":{text},"protocol":' for text in ("false", "true")]
    ends = [',"src":"', '","src_port":', ',"dst":"', '","dst_port":']
    return [*numbers, *tracked, *ends, ',"packets":', ',"bytes":', ',"tcp_flags":', "null"]


def _csv_joints() -> list[str]:
    return [",", ",", ",", ",false,", ",true,", *[","] * 7, ""]


def _wording(parts: Sequence[Sequence[str]]) -> LogWording:
    words = [encoded(text) for part in parts for text in part]
    offsets = np.zeros(len(words) + 1, dtype=np.int64)
    offsets[1:] = np.cumsum([len(word) for word in words])
    logs, enis, ways, rules, ends, joints = np.cumsum([0, *map(len, parts[:-1])])
    text = np.frombuffer(b"".join(words), dtype=np.uint8)
    return LogWording(text, offsets, logs, enis, ways, rules, ends, joints, MAPPED_DOTTED)


def _empty_steps() -> LogSteps:
    word, kind = np.zeros((2, STEPS), dtype=np.int64)
    value, upper = np.zeros((2, STEPS), dtype=np.uint64)
    return LogSteps(word, kind, value, upper)
