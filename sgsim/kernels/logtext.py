"""Judged flow log records -> lines of text; and their addresses, numbered for a dictionary."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.addresses import AddressTable, numbered, put_address
from sgsim.kernels.compiling import inner, kernel
from sgsim.kernels.recordtext import put_number, put_word
from sgsim.layout import HAS_BYTES, HAS_FLAGS, HAS_PACKETS, REASONS, RECORD_VERDICTS, TRACKED
from sgsim.model import RecordVerdict

U64 = np.uint64

# Joints: the words before a number or an address, and where there is none.
LINE, START, END, UNTRACKED, SRC, SRC_PORT, DST, DST_PORT, PACKETS, BYTES, TCP_FLAGS, NONE = (
    0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12,
)  # fmt: skip
NUMBERS = 10 * 20  # bytes that the numbers of a record take at most
STEPS = 16  # a record's words, each with what follows it

NOTHING, NUMBER, ADDRESS, ABSENT = 0, 1, 2, 3  # what follows a word

_POSSIBLE = RECORD_VERDICTS.index(RecordVerdict.POSSIBLE)


class LogWording(NamedTuple):
    """The words of a form of records, one after the other: what stands in a record as it is."""

    text: NDArray[np.uint8]
    offsets: NDArray[np.int64]  # where each word begins; the last element is where the last one ends
    # Which of the words is the first
    logs: np.int64  # by place: the record's beginning
    enis: np.int64  # by place of the interface
    ways: np.int64  # by (direction * reasons + reason) * verdicts + verdict
    rules: np.int64  # by place + 1: rule and group; the first is for none
    ends: np.int64  # by 3 * action, + 1 if it disagrees, + 2 if the verdict is "possible": action, the record's end
    joints: np.int64
    dotted: bool  # see kernels.addresses


class LogSteps(NamedTuple):
    """A record, taken apart, as in kernels.recordtext; arrays of length STEPS."""

    word: NDArray[np.int64]
    kind: NDArray[np.int64]  # NOTHING, ...
    value: NDArray[np.uint64]  # a number, an address's lower half
    upper: NDArray[np.uint64]


@inner
def _step(steps, n, word, kind, value):
    steps.word[n], steps.kind[n], steps.value[n] = word, kind, value


@inner
def _take_apart(record, disagrees, wording, steps):
    """The steps of a record."""
    joints, marks, protocol = wording.joints, record["marks"], record["protocol"]
    _step(steps, 0, np.int64(wording.logs) + record["log"], NOTHING, U64(0))
    _step(steps, 1, joints + LINE, NUMBER, U64(record["line"]))
    _step(steps, 2, joints + START, NUMBER, U64(record["start"]))
    _step(steps, 3, joints + END, NUMBER, U64(record["end"]))
    _step(steps, 4, wording.enis + record["interface"], NOTHING, U64(0))
    way = (np.int64(record["direction"]) * len(REASONS) + np.int64(record["reason"])) * len(RECORD_VERDICTS)
    _step(steps, 5, wording.ways + way + np.int64(record["verdict"]), NOTHING, U64(0))
    _step(steps, 6, wording.rules + record["rule"] + 1, NOTHING, U64(0))
    _step(steps, 7, joints + UNTRACKED + (1 if record["flags"] & TRACKED else 0), NUMBER, U64(protocol))
    port = NUMBER if protocol == 6 or protocol == 17 else ABSENT
    _step(steps, 8, joints + SRC, ADDRESS, record["src_lo"])
    steps.upper[8] = record["src_hi"]
    _step(steps, 9, joints + SRC_PORT, port, U64(record["src_port"]))
    _step(steps, 10, joints + DST, ADDRESS, record["dst_lo"])
    steps.upper[10] = record["dst_hi"]
    _step(steps, 11, joints + DST_PORT, port, U64(record["dst_port"]))
    _step(steps, 12, joints + PACKETS, NUMBER if marks & HAS_PACKETS else ABSENT, U64(record["packets"]))
    _step(steps, 13, joints + BYTES, NUMBER if marks & HAS_BYTES else ABSENT, U64(record["bytes"]))
    _step(steps, 14, joints + TCP_FLAGS, NUMBER if marks & HAS_FLAGS else ABSENT, U64(record["tcp_flags"]))
    agrees = 2 if record["verdict"] == _POSSIBLE else np.int64(disagrees)
    _step(steps, 15, wording.ends + 3 * np.int64(record["action"]) + agrees, NOTHING, U64(0))


@kernel
def write_log_lines(
    records: NDArray[np.void],
    disagrees: NDArray[np.bool_],
    places: NDArray[np.int64],
    form: tuple[LogWording, LogSteps],
    out: NDArray[np.uint8],
) -> int:
    """Put the judged LOG_RECORDs at ``places`` into ``out`` as text; returns its bytes.

    A record takes its words, NUMBERS and two addresses at most. The LogSteps of ``form`` need not be filled.
    """
    wording, steps = form
    at = 0
    for k in range(len(places)):
        record = records[places[k]]
        _take_apart(record, disagrees[places[k]], wording, steps)
        for n in range(STEPS):
            at = put_word(out, at, wording, steps.word[n])
            kind = steps.kind[n]
            if kind == ADDRESS:
                at = put_address(out, at, record["version"], steps.upper[n], steps.value[n], wording.dotted)
            elif kind == ABSENT:
                at = put_word(out, at, wording, wording.joints + NONE)
            elif kind == NUMBER:
                at = put_number(out, at, steps.value[n])
    return at


@kernel
def number_addresses(
    records: NDArray[np.void],
    sources: AddressTable,
    destinations: AddressTable,
    src: NDArray[np.int32],
    dst: NDArray[np.int32],
) -> None:
    """The numbers of the records' addresses in their tables, which must have room for as many new ones."""
    for n in range(len(records)):
        record = records[n]
        src[n] = numbered(sources, record["version"], record["src_hi"], record["src_lo"])
        dst[n] = numbered(destinations, record["version"], record["dst_hi"], record["dst_lo"])
