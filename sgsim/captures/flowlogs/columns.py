"""Columns of a Parquet log -> records, a whole batch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.captures.flowlogs.batch import RecordBatch
from sgsim.captures.flowlogs.faults import TOLD, Faults
from sgsim.captures.flowlogs.met import Meetings
from sgsim.kernels import loglines
from sgsim.kernels.fieldtext import ABSENT, WRONG, parse_addresses, parse_numbers
from sgsim.kernels.logids import TOO_LONG
from sgsim.layout import (
    ACCEPT,
    EGRESS,
    HAS_BYTES,
    HAS_FLAGS,
    HAS_PACKETS,
    INGRESS,
    NO_ACTION,
    NO_DIRECTION,
    PKT_DST,
    PKT_SRC,
    PUBLIC_ACCESS_BLOCKED,
    REJECT,
)
from sgsim.model import TCP, UDP, LogSkip

_DASH = 255  # the version of "-" in the place of an address
_UNKNOWN = 99  # the code of a word that is none of the choices

_NUMBERS = ("srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "tcp-flags")
_MOST = {"protocol": 255, "srcport": 65535, "dstport": 65535, "tcp-flags": 255}
_MOST |= {"start": int(loglines.LAST_SECOND), "end": int(loglines.LAST_SECOND)}

_ACTIONS = {b"ACCEPT": ACCEPT, b"REJECT": REJECT, b"-": NO_ACTION}
_DIRECTIONS = {b"ingress": INGRESS, b"egress": EGRESS, b"-": NO_DIRECTION}
_STATUSES = {b"OK": 0, b"NODATA": 1, b"SKIPDATA": 2}
_TYPES = {b"EFA": 1}
_BLOCKED = {b"BPA": 1}

Numbers = NDArray[np.int64]


class Addresses(NamedTuple):
    """n addresses; the version is 0 where there is none."""

    version: NDArray[np.uint8]
    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]


class Texts:
    """Distinct texts, ``octets[offsets[k] : offsets[k + 1]]``, and what they stand for, found out once."""

    def __init__(self, octets: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self._octets, self._offsets = octets, offsets

    @cached_property
    def words(self) -> list[bytes]:
        octets = self._octets.tobytes()
        return [octets[begin:end] for begin, end in pairwise(self._offsets.tolist())]

    @cached_property
    def numbers(self) -> Numbers:
        found = np.zeros(len(self._offsets) - 1, dtype=np.int64)
        parse_numbers(self._octets, self._offsets, found)
        return found

    @cached_property
    def addresses(self) -> Addresses:
        """The version is 0 for what is no address, _DASH for "-"."""
        version = np.zeros(len(self._offsets) - 1, dtype=np.uint8)
        halves = np.zeros((2, len(version)), dtype=np.uint64)
        parse_addresses(self._octets, self._offsets, version, halves)
        return Addresses(version, *halves)


class Column(NamedTuple):
    """n values: numbers, or the places of texts. Where ``nulls``, there is none, and what stands there means
    nothing."""

    values: NDArray[np.int64]
    nulls: NDArray[np.bool_] | None
    texts: Texts | None = None

    def part(self, begin: int, end: int) -> Column:
        """The values from ``begin`` to ``end`` (not included)."""
        nulls = None if self.nulls is None else self.nulls[begin:end]
        return Column(self.values[begin:end], nulls, self.texts)


class Rows:
    """So many rows of a batch, of which the first is number ``first``: all values are looked at, then those of good
    rows put into records. ``given`` are the columns by the fields' names."""

    def __init__(self, given: Mapping[str, Column], rows: int, first: int) -> None:
        self._given, self._rows, self._first = given, rows, first
        self._bad: list[tuple[NDArray[np.bool_], int, str]] = []

    def records(self, out: NDArray[np.void], meetings: Meetings, faults: Faults) -> RecordBatch:
        """The records, in the first of ``out``."""
        numbers = {name: self._number(name) for name in _NUMBERS}
        ends = {name: self._address(name) for name in ("srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr")}
        action = self._word("action", _ACTIONS, absent=NO_ACTION)
        direction = self._word("flow-direction", _DIRECTIONS, absent=NO_DIRECTION)
        blocked = self._word("reject-reason", _BLOCKED, absent=0, others=0)
        names = self._names(meetings)
        _take_where_absent(ends["srcaddr"], ends["pkt-srcaddr"])
        _take_where_absent(ends["dstaddr"], ends["pkt-dstaddr"])
        rows = self._good(numbers, ends, meetings, faults)
        made = out[: len(rows)]
        made["line"] = self._first + rows
        made["name"] = names[rows]
        made["interface"] = made["rule"] = -1
        made["skip"] = made["opened"] = 0
        made["action"], made["direction"] = action[rows], direction[rows]
        made["version"] = ends["srcaddr"].version[rows]
        marks = np.where(blocked[rows] == 1, PUBLIC_ACCESS_BLOCKED, 0).astype(np.uint8)
        _put_numbers(made, marks, {name: values[rows] for name, values in numbers.items()})
        packet_ends = meetings.met.packet_ends[: len(rows)]
        for n, (end, mark) in enumerate((("src", PKT_SRC), ("dst", PKT_DST))):
            made[f"{end}_hi"], made[f"{end}_lo"] = (half[rows] for half in ends[f"{end}addr"][1:])
            own = ends[f"pkt-{end}addr"]
            packet_ends[:, 2 * n], packet_ends[:, 2 * n + 1] = own.hi[rows], own.lo[rows]
            marks[own.version[rows] != 0] |= mark
        made["marks"] = marks
        return RecordBatch(made, packet_ends)

    def _good(
        self, numbers: Mapping[str, Numbers], ends: Mapping[str, Addresses], meetings: Meetings, faults: Faults
    ) -> NDArray[np.int64]:
        """The rows that are records; the others are counted."""
        status = self._word("log-status", _STATUSES, absent=0)
        no_data, skip_data = status == 1, status == 2
        not_ip = (self._word("type", _TYPES, absent=0, others=0) == 1) & ~no_data & ~skip_data
        if "log-status" not in self._given:
            no_data = (ends["srcaddr"].version == 0) & (ends["dstaddr"].version == 0) & ~not_ip
            for rows, _, _ in self._bad:
                no_data &= ~rows
        self._check(numbers, ends)
        asked = ~(no_data | skip_data | not_ip)
        malformed = self._tell(asked, faults)
        for skip, lines in (
            (LogSkip.NO_DATA, no_data),
            (LogSkip.SKIP_DATA, skip_data),
            (LogSkip.NOT_IP, not_ip),
            (LogSkip.MALFORMED, malformed),
        ):
            meetings.count(skip, int(np.count_nonzero(lines)))
        return np.flatnonzero(asked & ~malformed)

    # --- values ---------------------------------------------------------------------------------------------------

    def _number(self, name: str) -> Numbers:
        """Numbers, ABSENT where there is none."""
        column = self._given.get(name)
        if column is None:
            return np.full(self._rows, ABSENT, dtype=np.int64)
        values = column.values
        if column.texts is not None:
            values = column.texts.numbers[values]
        if column.nulls is not None:
            values = np.where(column.nulls, ABSENT, values)
        self._doubt((values == WRONG) | (values < ABSENT), loglines.NO_NUMBER, name)
        self._doubt(values > _MOST.get(name, 1 << 62), loglines.OUT_OF_RANGE, name)
        return values

    def _address(self, name: str) -> Addresses:
        column = self._given.get(name)
        if column is None or column.texts is None:
            nothing = np.zeros(self._rows, dtype=np.uint64)
            if column is not None:
                self._doubt(np.ones(self._rows, dtype=np.bool_), loglines.NO_ADDRESS, name)
            return Addresses(nothing.astype(np.uint8), nothing, nothing.copy())
        version, hi, lo = column.texts.addresses
        found = version[column.values]
        absent = found == _DASH
        if column.nulls is not None:
            absent |= column.nulls
        self._doubt((found == 0) & ~absent, loglines.NO_ADDRESS, name)
        version = np.where(absent, 0, found).astype(np.uint8)
        return Addresses(version, hi[column.values], lo[column.values])

    def _word(
        self, name: str, choices: Mapping[bytes, int], *, absent: int, others: int = _UNKNOWN
    ) -> NDArray[np.uint8]:
        """The code of each word."""
        column = self._given.get(name)
        if column is None:
            return np.full(self._rows, absent, dtype=np.uint8)
        if column.texts is None:
            codes = np.full(self._rows, others, dtype=np.uint8)
        else:
            codes = np.array([choices.get(word, others) for word in column.texts.words], dtype=np.uint8)[column.values]
        if column.nulls is not None:
            codes[column.nulls] = absent
        self._doubt(codes == _UNKNOWN, loglines.NO_WORD, name)
        return codes

    def _names(self, meetings: Meetings) -> NDArray[np.int32]:
        column = self._given.get("interface-id")
        if column is None or column.texts is None:
            return np.full(self._rows, -1, dtype=np.int32)
        names = meetings.numbers(column.texts.words)[column.values]
        if column.nulls is not None:
            names[column.nulls] = -1
        self._doubt(names == TOO_LONG, loglines.LONG_ID, "interface-id")
        return names

    # --- what is wrong with them ----------------------------------------------------------------------------------

    def _doubt(self, rows: NDArray[np.bool_], kind: int, name: str) -> None:
        if rows.any():
            self._bad.append((rows, kind, name))

    def _check(self, numbers: Mapping[str, Numbers], ends: Mapping[str, Addresses]) -> None:
        """What rows lack, and contradictions in them."""
        versions = [ends[name].version for name in ("srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr")]
        missing = (numbers["protocol"] < 0) | ((numbers["start"] < 0) & (numbers["end"] < 0))
        missing |= (versions[0] == 0) | (versions[1] == 0)
        with_ports = (numbers["protocol"] == TCP) | (numbers["protocol"] == UDP)
        missing |= with_ports & ((numbers["srcport"] < 0) | (numbers["dstport"] < 0))
        self._doubt(missing, loglines.MISSING, "")
        other = np.logical_or.reduce([(each != 0) & (each != versions[0]) for each in versions[1:]])
        self._doubt(other & ~missing, loglines.TWO_VERSIONS, "")

    def _tell(self, asked: NDArray[np.bool_], faults: Faults) -> NDArray[np.bool_]:
        """Which of the rows asked about are malformed; of the first of them it is told why."""
        malformed = np.zeros(self._rows, dtype=np.bool_)
        first: dict[int, tuple[int, str]] = {}
        for rows, kind, name in self._bad:
            malformed |= rows & asked
            for row in np.flatnonzero(rows & asked)[: TOLD + 1].tolist():
                first.setdefault(row, (kind, name))
        told = sorted(first)[: TOLD + 1]
        for row in told:
            kind, name = first[row]
            faults.tell(self._first + row, kind, [name], 0, self._shown(name, row))
        faults.rest(int(np.count_nonzero(malformed)) - len(told))
        return malformed

    def _shown(self, name: str, row: int) -> str:
        column = self._given.get(name)
        if column is None or (column.nulls is not None and column.nulls[row]):
            return "-"
        if column.texts is None:
            return str(int(column.values[row]))
        return column.texts.words[int(column.values[row])].decode("utf-8", "backslashreplace")


def _take_where_absent(plain: Addresses, packets: Addresses) -> None:
    """Where a record has no srcaddr (dstaddr), the packets' own is it, and nothing else."""
    absent = plain.version == 0
    if absent.any():
        plain.version[absent] = packets.version[absent]
        plain.hi[absent], plain.lo[absent] = packets.hi[absent], packets.lo[absent]
        packets.version[absent] = 0


def _put_numbers(made: NDArray[np.void], marks: NDArray[np.uint8], numbers: Mapping[str, Numbers]) -> None:
    for field, name in (("src_port", "srcport"), ("dst_port", "dstport"), ("tcp_flags", "tcp-flags")):
        made[field] = np.maximum(numbers[name], 0)
    for field in ("protocol", "packets", "bytes"):
        made[field] = np.maximum(numbers[field], 0)
    marks[numbers["tcp-flags"] >= 0] |= HAS_FLAGS
    marks[numbers["packets"] >= 0] |= HAS_PACKETS
    marks[numbers["bytes"] >= 0] |= HAS_BYTES
    start, end = numbers["start"], numbers["end"]
    made["start"] = np.where(start < 0, end, start)
    made["end"] = np.maximum(made["start"], end)
