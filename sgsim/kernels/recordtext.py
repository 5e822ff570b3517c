"""Observations -> lines of text: words that are ready made, and the numbers and addresses between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.addresses import DIGITS, put_address
from sgsim.kernels.compiling import inner, kernel
from sgsim.kernels.rowgroup import Stream
from sgsim.layout import LATER_FRAGMENT, REASONS, TRACKED, PacketColumns

U64 = np.uint64
MINUS = np.uint8(ord("-"))

# Joints: the words where there is no number, before a number or an address, and after the last one.
NONE, PACKET, TIME, UNTRACKED, SRC, SRC_PORT, DST, DST_PORT, ICMP_TYPE, ICMP_CODE, LENGTH, END = (
    0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12,
)  # fmt: skip
NUMBERS = 9 * 20  # bytes that the numbers of a record take at most
STEPS = 15  # an observation's words, each with what follows it

NOTHING, NUMBER, NEGATIVE, ADDRESS, ABSENT = 0, 1, 2, 3, 4  # what follows a word


class Wording(NamedTuple):
    """The words of a form of records, one after the other: what stands in a record as it is."""

    text: NDArray[np.uint8]
    offsets: NDArray[np.int64]  # where each word begins; the last element is where the last one ends
    # Which of the words is the first
    captures: np.int64  # by place: the record's beginning
    enis: np.int64  # by place of the interface
    ways: np.int64  # by direction * len(REASONS) + reason: direction, verdict, reason
    rules: np.int64  # by place + 1: rule and group; the first is for none
    joints: np.int64
    dotted: bool  # see kernels.addresses


class Steps(NamedTuple):
    """A record, taken apart; arrays of one length. To step through it keeps the kernel small: with each step in its
    own words it took 19 s to compile."""

    word: NDArray[np.int64]
    kind: NDArray[np.int64]  # NOTHING, ...
    value: NDArray[np.uint64]  # a number without its sign, an address's lower half
    upper: NDArray[np.uint64]


@inner
def step(steps, n, word, kind, value):
    steps.word[n], steps.kind[n], steps.value[n] = word, kind, value


@inner
def _take_apart(columns, stream, verdicts, m, wording, steps):
    """The steps of the record of observation ``m``."""
    verdict = verdicts[m]
    i = U64(verdict["packet"])
    head, body = columns.heads[i], columns.bodies[i]
    joints = wording.joints
    step(steps, 0, wording.captures + stream.capture[i], NOTHING, U64(0))
    step(steps, 1, joints + PACKET, NUMBER, U64(stream.number[i]))
    time = head["time_ns"]
    step(steps, 2, joints + TIME, NEGATIVE if time < 0 else NUMBER, U64(0) - U64(time) if time < 0 else U64(time))
    step(steps, 3, wording.enis + verdict["interface"], NOTHING, U64(0))
    way = np.int64(verdict["direction"]) * len(REASONS) + np.int64(verdict["reason"])
    step(steps, 4, wording.ways + way, NOTHING, U64(0))
    step(steps, 5, wording.rules + verdict["rule"] + 1, NOTHING, U64(0))
    version, protocol, service = body["version"], body["protocol"], U64(body["dst_port"])
    step(steps, 6, joints + UNTRACKED + (1 if verdict["flags"] & TRACKED else 0), NUMBER, U64(protocol))
    whole = body["shape"] != LATER_FRAGMENT
    port = NUMBER if whole and (protocol == 6 or protocol == 17) else ABSENT
    icmp = NUMBER if whole and protocol == (1 if version == 4 else 58) else ABSENT
    step(steps, 7, joints + SRC, ADDRESS, body["src_lo"])
    steps.upper[7] = body["src_hi"]
    step(steps, 8, joints + SRC_PORT, port, U64(body["src_port"]))
    step(steps, 9, joints + DST, ADDRESS, body["dst_lo"])
    steps.upper[9] = body["dst_hi"]
    step(steps, 10, joints + DST_PORT, port, service)
    step(steps, 11, joints + ICMP_TYPE, icmp, service >> U64(8))
    step(steps, 12, joints + ICMP_CODE, icmp, service & U64(255))
    step(steps, 13, joints + LENGTH, NUMBER, U64(head["length"]))
    step(steps, 14, joints + END, NOTHING, U64(0))
    return version


@inner
def put_word(out, at, wording, word):
    begin, end = wording.offsets[word], wording.offsets[word + 1]
    for byte in range(begin, end):
        out[at + byte - begin] = wording.text[byte]
    return at + end - begin


@inner
def put_number(out, at, value):
    """In decimal; where it ends."""
    end, rest = at + 1, value
    while rest >= U64(10):
        rest //= U64(10)
        end += 1
    place = end
    while place > at:
        place -= 1
        out[place] = DIGITS[value % U64(10)]
        value //= U64(10)
    return end


@inner
def put_steps(out, at, wording, steps, version):
    """A record that was taken apart, whose addresses are of that IP version; where it ends."""
    for n in range(len(steps.word)):
        at = put_word(out, at, wording, steps.word[n])
        kind = steps.kind[n]
        if kind == ADDRESS:
            at = put_address(out, at, version, steps.upper[n], steps.value[n], wording.dotted)
        elif kind == ABSENT:
            at = put_word(out, at, wording, wording.joints + NONE)
        elif kind != NOTHING:
            if kind == NEGATIVE:
                out[at] = MINUS
                at += 1
            at = put_number(out, at, steps.value[n])
    return at


@kernel
def write_lines(
    columns: PacketColumns,
    stream: Stream,
    verdicts: NDArray[np.void],
    places: NDArray[np.int64],
    form: tuple[Wording, Steps],
    out: NDArray[np.uint8],
) -> int:
    """Put the records of the observations at ``places`` of ``verdicts`` (records of VERDICT) into ``out``; returns
    their bytes.

    A record takes its words, NUMBERS and two addresses at most. The STEPS steps of ``form`` need not be filled.
    """
    wording, steps = form
    at = 0
    for k in range(len(places)):
        version = _take_apart(columns, stream, verdicts, U64(places[k]), wording, steps)
        at = put_steps(out, at, wording, steps, version)
    return at
