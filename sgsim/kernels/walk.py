"""Bytes of a capture -> columns: the record headers of pcap, the packet blocks of pcapng, and the frames in them.

A walk stops where its columns are full, where the window ends in mid-record, or at what only Python can handle; it
says which, and where it stands.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel, rare, u32, u32_little
from sgsim.kernels.decode import decode_frame
from sgsim.layout import PacketColumns

U8, U16, U32, U64 = np.uint8, np.uint16, np.uint32, np.uint64
I64 = np.int64

MAX_CAPTURED = U64(262_144)  # libpcap's MAXIMUM_SNAPLEN: a longer record makes no sense
MAX_BLOCK = U64(16 * 1024 * 1024)  # libpcap's limit for a pcapng block

# Why a walk stopped.
FULL = 0  # no more room in the columns
SHORT = 1  # the window ends within a record that needs `needed` bytes from its beginning
LONG_RECORD = 2  # a captured length beyond MAX_CAPTURED
SECTION = 3  # a section header block begins here
INTERFACE = 4  # an interface description block, whole, begins here
BAD_LENGTH = 5  # a block length below its least or above MAX_BLOCK
BAD_TRAILER = 6  # a block's two lengths differ
BAD_INTERFACE = 7  # a packet of an interface that the section has not described
BAD_CAPTURED = 8  # a captured length that runs beyond its block

SECTION_HEADER, INTERFACE_DESCRIPTION = U64(0x0A0D0D0A), U64(1)
OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = U64(2), U64(3), U64(6)

LAST_SECOND = I64(4_611_686_018)  # times are held within +-2**62 ns of the epoch (the years 1823 to 2116)
LAST_NS = I64(2**62)
PER_SECOND = I64(1_000_000_000)

LENGTHS_PLAIN, LENGTHS_SWAPPED, LENGTHS_GUESSED = 0, 1, 2  # order of a pcap record's two lengths


class PcapFormat(NamedTuple):
    """How a pcap file's records are laid out."""

    swapped: bool  # big-endian
    header: int  # bytes before a record's frame: 16, modified 24
    lengths: int  # LENGTHS_...: before version 2.3 the original length came first, in 2.3 either did
    fraction: int  # nanoseconds of the time's second field: 1,000 or 1


class Walk(NamedTuple):
    """How a walk ended."""

    packets: int
    at: int  # offset in the window of the first byte that it did not use
    status: int
    needed: int  # SHORT: bytes the record at `at` takes; LONG_RECORD: the length that makes no sense; else 0
    last_time: int  # time of the last packet block, ns: a simple packet block takes it over
    clamped: bool  # some time lay beyond +-2**62 ns
    quotes: int  # rows of columns.quotes that were filled


class Interfaces(NamedTuple):
    """The interfaces of a pcapng section, one array element each, and how to read its blocks."""

    swapped: bool
    first_link: int  # link number of interface 0
    snaplen: NDArray[np.uint64]
    per_second: NDArray[np.uint64]  # ticks in a second, decimal resolutions up to 19 digits; 0: never a whole second
    multiply: NDArray[np.uint64]  # decimal: nanoseconds = ticks * multiply // divide
    divide: NDArray[np.uint64]  # 0: more than a tick can hold, so nanoseconds = 0
    shift: NDArray[np.int64]  # binary: nanoseconds = ticks * 10**9 >> shift; -1: decimal
    offset: NDArray[np.int64]  # seconds to be added


@inner
def _u32(data, at, swapped):
    return u32(data, at) if swapped else u32_little(data, at)


@kernel
def read_pcap(
    data: NDArray[np.uint8], begin: int, end: int, form: PcapFormat, link_type: int, columns: PacketColumns
) -> Walk:
    """Fill the columns, but for ``link``, from the records in ``data[begin:end]``."""
    at, stop, header = U64(begin), U64(end), U64(form.header)
    swapped, fraction, link = form.swapped, U64(form.fraction), U64(link_type)
    room, n, made = U64(len(columns.heads)), U64(0), U64(0)
    status, needed = FULL, U64(0)
    while n < room:
        if at + header > stop:
            status, needed = SHORT, header
            break
        captured = _u32(data, at + U64(8), swapped)
        length = _u32(data, at + U64(12), swapped)
        if form.lengths != LENGTHS_PLAIN and (form.lengths == LENGTHS_SWAPPED or captured > length):
            captured, length = length, captured
        if captured > MAX_CAPTURED:
            status, needed = LONG_RECORD, captured
            break
        if at + header + captured > stop:
            status, needed = SHORT, header + captured
            break
        # Below 2**62 whatever the fields hold: 2**32 seconds and 2**32 thousands of nanoseconds.
        time = _u32(data, at, swapped) * U64(PER_SECOND) + _u32(data, at + U64(4), swapped) * fraction
        head = columns.heads[n]
        head["time_ns"], head["offset"] = I64(time), U32(at + header)
        head["captured"], head["length"] = U32(captured), U32(length)
        made = decode_frame(data, link, columns, n, made)
        at += header + captured
        n += U64(1)
    return Walk(I64(n), I64(at), status, I64(needed), 0, False, I64(made))


@rare
def _binary_ns(ticks, shift):
    """(seconds, nanoseconds) of ticks of 2**-shift s, rounded down; in halves, because 64 bits do not hold it."""
    second = ticks >> U64(shift) if shift < 64 else U64(0)
    rest = ticks - (second << U64(shift)) if shift < 64 else ticks
    low = (rest & U64(0xFFFFFFFF)) * U64(PER_SECOND)
    if shift < 32:
        return second, low >> U64(shift)
    high = (rest >> U64(32)) * U64(PER_SECOND) + (low >> U64(32))
    return second, (high >> U64(shift - 32) if shift < 96 else U64(0))


@rare
def _moved(second, offset):
    """second + offset, held a second outside the range of times: the sum itself may not fit into 64 bits."""
    if offset >= I64(0):
        far = second > U64(LAST_SECOND) or offset > LAST_SECOND
        return LAST_SECOND + I64(1) if far else I64(second) + offset
    back = U64(-(offset + I64(1))) + U64(1)
    if second >= back:
        return I64(min(second - back, U64(LAST_SECOND) + U64(1)))
    return -I64(min(back - second, U64(LAST_SECOND) + U64(2)))


@rare
def _time(ticks, faces, i):
    """(time in ns, was it clamped) of a packet block's 64-bit time."""
    if faces.shift[i] >= 0:
        second, ns = _binary_ns(ticks, faces.shift[i])
    else:
        per_second = faces.per_second[i]
        second = ticks // per_second if per_second != U64(0) else U64(0)
        rest = ticks - second * per_second
        ns = rest * faces.multiply[i] // faces.divide[i] if faces.divide[i] != U64(0) else U64(0)
    seconds = _moved(second, faces.offset[i])
    if seconds > LAST_SECOND or (seconds == LAST_SECOND and ns > U64(427387904)):
        return LAST_NS, True
    if seconds < -LAST_SECOND - I64(1) or (seconds == -LAST_SECOND - I64(1) and ns < U64(572612096)):
        return -LAST_NS, True
    return seconds * PER_SECOND + I64(ns), False


@kernel
def read_pcapng(
    data: NDArray[np.uint8],
    begin: int,
    end: int,
    faces: Interfaces,
    link_types: NDArray[np.uint16],
    columns: PacketColumns,
    last_time: int,
) -> Walk:
    """Fill the columns from the packet blocks in ``data[begin:end]``; pass over other blocks."""
    at, stop, swapped = U64(begin), U64(end), faces.swapped
    interfaces = U64(len(faces.snaplen))
    room, n, made, clamped = U64(len(columns.heads)), U64(0), U64(0), False
    last = I64(last_time)
    while n < room:
        if at + U64(12) > stop:
            return Walk(I64(n), I64(at), SHORT, 12, last, clamped, I64(made))
        kind = _u32(data, at, swapped)
        total = _u32(data, at + U64(4), swapped)
        if kind == SECTION_HEADER:  # its length is in its own byte order
            return Walk(I64(n), I64(at), SECTION, 0, last, clamped, I64(made))
        timed = kind == ENHANCED_PACKET or kind == OBSOLETE_PACKET
        least = U64(32) if timed else U64(16) if kind == SIMPLE_PACKET else U64(12)
        if total < least or total > MAX_BLOCK:
            return Walk(I64(n), I64(at), BAD_LENGTH, I64(total), last, clamped, I64(made))
        stated = total
        total = (stated + U64(3)) & U64(0xFFFFFFFC)  # what is no multiple of four is rounded up, as libpcap does
        if at + total > stop:
            return Walk(I64(n), I64(at), SHORT, I64(total), last, clamped, I64(made))
        if _u32(data, at + total - U64(4), swapped) != stated:
            return Walk(I64(n), I64(at), BAD_TRAILER, I64(stated), last, clamped, I64(made))
        if kind == INTERFACE_DESCRIPTION:
            return Walk(I64(n), I64(at), INTERFACE, I64(total), last, clamped, I64(made))
        if timed or kind == SIMPLE_PACKET:
            face = U64(0)
            if kind == ENHANCED_PACKET:
                face = _u32(data, at + U64(8), swapped)
            elif kind == OBSOLETE_PACKET:
                two = _u32(data, at + U64(8), swapped)  # 16 bits of interface, 16 of drops count
                face = two >> U64(16) if swapped else two & U64(0xFFFF)
            if face >= interfaces:
                return Walk(I64(n), I64(at), BAD_INTERFACE, I64(face), last, clamped, I64(made))
            if timed:
                captured = _u32(data, at + U64(20), swapped)
                length = _u32(data, at + U64(24), swapped)
                if captured > total - U64(32):
                    return Walk(I64(n), I64(at), BAD_CAPTURED, I64(captured), last, clamped, I64(made))
                ticks = _u32(data, at + U64(12), swapped) << U64(32) | _u32(data, at + U64(16), swapped)
                last, beyond = _time(ticks, faces, face)
                clamped = clamped or beyond
                frame = at + U64(28)
            else:
                length = _u32(data, at + U64(8), swapped)
                captured = min(length, total - U64(16))
                if faces.snaplen[face] != U64(0):
                    captured = min(captured, faces.snaplen[face])
                frame = at + U64(12)
            if captured > MAX_CAPTURED:
                return Walk(I64(n), I64(at), LONG_RECORD, I64(captured), last, clamped, I64(made))
            head = columns.heads[n]
            head["time_ns"] = last
            head["offset"] = U32(frame)
            head["captured"] = U32(captured)
            head["length"] = U32(length)
            link = U64(faces.first_link) + face
            head["link"] = U16(link)
            made = decode_frame(data, U64(link_types[link]), columns, n, made)
            n += U64(1)
        at += total
    return Walk(I64(n), I64(at), FULL, 0, last, clamped, I64(made))
