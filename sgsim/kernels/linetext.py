"""Observations -> lines for people, in the way of tcpdump; see kernels.recordtext."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel
from sgsim.kernels.recordtext import ABSENT, ADDRESS, NOTHING, NUMBER, Steps, put_steps, step
from sgsim.layout import LATER_FRAGMENT, REASONS, PacketColumns

U8, U64, I64 = np.uint8, np.uint64, np.int64
DIGIT, DASH, SPACE, COLON, DOT = (U8(ord(c)) for c in "0- :.")

# Joints, behind the one for none. HEADS: four, by 2 * direction + (1 if IPv6).
HEADS, SRC_PORT, DST, DST_PORT, CODE, LENGTH, NO_WORD = 1, 5, 6, 7, 8, 9, 10
# Kinds of packets: what stands behind the addresses. By TCP flags, protocol, protocol of a later fragment, ICMP type.
TCP_KINDS, KINDS, FRAGMENT_KINDS, ICMP_KINDS, ICMPV6_KINDS = (256 * n for n in range(5))

TIME_SIZE = 26
NUMBERS = 4 * 20  # bytes that the numbers of a line take at most
STEPS = 10

_MICROSECOND, _SECOND, _DAY = I64(1_000), I64(1_000_000_000), I64(86_400)


class LineWording(NamedTuple):
    """The words of lines, as in kernels.recordtext.Wording."""

    text: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    enis: np.int64  # by place of the interface
    ways: np.int64  # by direction * len(REASONS) + reason: verdict and reason
    rules: np.int64  # by place + 1: rule, group, and the line's end
    kinds: np.int64
    joints: np.int64
    dotted: bool


@inner
def _digits(out, at, value, count):
    for n in range(count):
        out[at + count - 1 - n] = DIGIT + U8(value % I64(10))
        value //= I64(10)
    return at + count


@inner
def _date(days):
    """(year, month, day) of a day counted from 1970-01-01, in the Gregorian calendar. Years begin in March here: the
    day that some have more is then their last."""
    shifted = days + I64(719_468)  # from 0000-03-01
    era = shifted // I64(146_097)  # 400 years
    day = shifted - era * I64(146_097)
    year = (day - day // I64(1_460) + day // I64(36_524) - day // I64(146_096)) // I64(365)
    day -= I64(365) * year + year // I64(4) - year // I64(100)
    month = (I64(5) * day + I64(2)) // I64(153)
    day -= (I64(153) * month + I64(2)) // I64(5)
    month += I64(3) if month < I64(10) else I64(-9)
    return era * I64(400) + year + (1 if month <= I64(2) else 0), month, day + I64(1)


@inner
def _put_time(out, at, time):
    """UTC, to the microsecond: 2026-05-04 12:00:00.000000."""
    seconds = time // _SECOND
    days = seconds // _DAY
    year, month, day = _date(days)
    of_day = seconds - days * _DAY
    at = _digits(out, at, year, 4)
    out[at] = DASH
    at = _digits(out, at + 1, month, 2)
    out[at] = DASH
    at = _digits(out, at + 1, day, 2)
    out[at] = SPACE
    at = _digits(out, at + 1, of_day // I64(3_600), 2)
    out[at] = COLON
    at = _digits(out, at + 1, of_day // I64(60) % I64(60), 2)
    out[at] = COLON
    at = _digits(out, at + 1, of_day % I64(60), 2)
    out[at] = DOT
    return _digits(out, at + 1, (time - seconds * _SECOND) // _MICROSECOND, 6)


@inner
def _kind(body):
    """(which of the kinds, 1 if a code tells more of it)."""
    protocol = I64(body["protocol"])
    if body["shape"] == LATER_FRAGMENT:
        return FRAGMENT_KINDS + protocol, 0
    if protocol == 6:
        return TCP_KINDS + I64(body["tcp_flags"]), 0
    if protocol == (1 if body["version"] == 4 else 58):
        kind = I64(body["dst_port"] >> 8)
        echo = (kind == 0 or kind == 8) if protocol == 1 else (kind == 128 or kind == 129)
        return (ICMP_KINDS if protocol == 1 else ICMPV6_KINDS) + kind, 0 if echo else 1
    return KINDS + protocol, 0


@inner
def _take_apart(columns, verdict, wording, steps):
    """The steps of an observation's line, behind its time."""
    i = U64(verdict["packet"])
    head, body = columns.heads[i], columns.bodies[i]
    joints, direction = wording.joints, I64(verdict["direction"])
    step(steps, 0, wording.ways + direction * len(REASONS) + I64(verdict["reason"]), NOTHING, U64(0))
    step(steps, 1, wording.enis + verdict["interface"], NOTHING, U64(0))
    version, protocol = body["version"], body["protocol"]
    ported = body["shape"] != LATER_FRAGMENT and (protocol == 6 or protocol == 17)
    step(steps, 2, joints + HEADS + 2 * direction + (1 if version == 6 else 0), ADDRESS, body["src_lo"])
    steps.upper[2] = body["src_hi"]
    step(steps, 3, joints + (SRC_PORT if ported else NO_WORD), NUMBER if ported else ABSENT, U64(body["src_port"]))
    step(steps, 4, joints + DST, ADDRESS, body["dst_lo"])
    steps.upper[4] = body["dst_hi"]
    step(steps, 5, joints + (DST_PORT if ported else NO_WORD), NUMBER if ported else ABSENT, U64(body["dst_port"]))
    kind, coded = _kind(body)
    step(steps, 6, wording.kinds + kind, NOTHING, U64(0))
    step(steps, 7, joints + (CODE if coded else NO_WORD), NUMBER if coded else ABSENT, U64(body["dst_port"]) & U64(255))
    step(steps, 8, joints + LENGTH, NUMBER, U64(head["length"]))
    step(steps, 9, wording.rules + verdict["rule"] + 1, NOTHING, U64(0))
    return head["time_ns"], version


@kernel
def write_print_lines(
    columns: PacketColumns,
    verdicts: NDArray[np.void],
    places: NDArray[np.int64],
    form: tuple[LineWording, Steps],
    out: NDArray[np.uint8],
) -> int:
    """Put the lines of the observations at ``places`` of ``verdicts`` (records of VERDICT) into ``out``; returns their
    bytes.

    A line takes TIME_SIZE, its words, NUMBERS and two addresses at most. The STEPS steps of ``form`` need not be
    filled.
    """
    wording, steps = form
    at = 0
    for k in range(len(places)):
        time, version = _take_apart(columns, verdicts[U64(places[k])], wording, steps)
        at = _put_time(out, at, time)
        at = put_steps(out, at, wording, steps, version)
    return at
