"""Observations -> lines of text: words that are ready made, and the numbers and addresses between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.addresses import DIGITS, put_address
from sgsim.kernels.compiling import inner, kernel
from sgsim.kernels.rowgroup import Stream
from sgsim.layout import LATER_FRAGMENT, REASONS, TRACKED, PacketColumns, Verdicts

U8, U64 = np.uint8, np.uint64

# Places of Wording.joints: what stands before a number or an address, after the last one, and where there is none.
PACKET, TIME, UNTRACKED, SRC, SRC_PORT, DST, DST_PORT, ICMP_TYPE, ICMP_CODE, LENGTH, END, NONE = (
    0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12,
)  # fmt: skip
NUMBERS = 9 * 20  # bytes that the numbers of a record take at most


class Words(NamedTuple):
    """Texts, one after the other."""

    text: NDArray[np.uint8]
    offsets: NDArray[np.int64]  # where each begins; the last element is where the last one ends


class Wording(NamedTuple):
    """The words of a form of records, in the order of a record."""

    captures: Words  # by place: the record's beginning
    enis: Words  # by place of the interface
    ways: Words  # by direction * len(REASONS) + reason: direction, verdict, reason
    rules: Words  # by place + 1: rule and group; the first is for none
    joints: Words
    dotted: bool  # see kernels.addresses


@inner
def _put(out, at, words, place):
    begin, end = words.offsets[place], words.offsets[place + 1]
    for byte in range(begin, end):
        out[at + byte - begin] = words.text[byte]
    return at + end - begin


@inner
def _put_number(out, at, value):
    """An unsigned number in decimal; where it ends."""
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
def _put_signed(out, at, value):
    if value < 0:
        out[at] = U8(ord("-"))
        return _put_number(out, at + 1, U64(0) - U64(value))
    return _put_number(out, at, U64(value))


@inner
def _put_or_none(out, at, joints, is_there, value):
    return _put_number(out, at, U64(value)) if is_there else _put(out, at, joints, NONE)


@kernel
def write_lines(
    columns: PacketColumns,
    stream: Stream,
    verdicts: Verdicts,
    places: NDArray[np.int64],
    wording: Wording,
    out: NDArray[np.uint8],
) -> int:
    """Put the records of the observations at ``places`` of ``verdicts`` into ``out``; returns their bytes.

    A record takes the longest of each of the words, the joints, NUMBERS and two addresses at most.
    """
    joints = wording.joints
    at = 0
    for k in range(len(places)):
        m = U64(places[k])
        i = U64(verdicts.packet[m])
        at = _put(out, at, wording.captures, np.int64(stream.capture[i]))
        at = _put(out, at, joints, PACKET)
        at = _put_signed(out, at, np.int64(stream.number[i]))
        at = _put(out, at, joints, TIME)
        at = _put_signed(out, at, columns.time_ns[i])
        at = _put(out, at, wording.enis, np.int64(verdicts.interface[m]))
        at = _put(out, at, wording.ways, np.int64(verdicts.direction[m]) * len(REASONS) + np.int64(verdicts.reason[m]))
        at = _put(out, at, wording.rules, np.int64(verdicts.rule[m]) + 1)
        at = _put(out, at, joints, UNTRACKED + (1 if verdicts.flags[m] & TRACKED else 0))
        version, protocol = columns.version[i], columns.protocol[i]
        at = _put_number(out, at, U64(protocol))
        whole = columns.shape[i] != LATER_FRAGMENT
        has_ports = whole and (protocol == 6 or protocol == 17)
        has_icmp = whole and protocol == (1 if version == 4 else 58)
        at = _put(out, at, joints, SRC)
        at = put_address(out, at, version, columns.src_hi[i], columns.src_lo[i], wording.dotted)
        at = _put(out, at, joints, SRC_PORT)
        at = _put_or_none(out, at, joints, has_ports, columns.src_port[i])
        at = _put(out, at, joints, DST)
        at = put_address(out, at, version, columns.dst_hi[i], columns.dst_lo[i], wording.dotted)
        at = _put(out, at, joints, DST_PORT)
        at = _put_or_none(out, at, joints, has_ports, columns.dst_port[i])
        at = _put(out, at, joints, ICMP_TYPE)
        at = _put_or_none(out, at, joints, has_icmp, columns.dst_port[i] >> 8)
        at = _put(out, at, joints, ICMP_CODE)
        at = _put_or_none(out, at, joints, has_icmp, columns.dst_port[i] & 255)
        at = _put(out, at, joints, LENGTH)
        at = _put_number(out, at, U64(columns.length[i]))
        at = _put(out, at, joints, END)
    return at
