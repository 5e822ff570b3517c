"""Packets -> records of a pcap or pcapng file, little-endian, each laid down where it belongs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel
from sgsim.layout import PacketColumns

U8, U32, U64 = np.uint8, np.uint32, np.uint64
I64 = np.int64

PCAP_HEADER = 16  # bytes around a frame
PCAPNG_HEADER = 32  # and the frame is padded to a multiple of four

ENHANCED_PACKET = U64(6)
LAST_SECOND = I64(2**32 - 1)  # what pcap can hold


class Options(NamedTuple):
    """What pcapng blocks say of the packets of a batch, made ready: options, the end of options among them."""

    data: NDArray[np.uint8]
    begins: NDArray[np.int64]  # (n + 1,) where in `data` each packet's begin, multiples of four; (0,): there are none


class Records(NamedTuple):
    """How the packets of one capture are written; the arrays have one element for each of its links."""

    pcapng: bool
    interface: NDArray[np.uint32]  # pcapng: the interface in the file that is written
    tick: NDArray[np.int64]  # nanoseconds
    options: Options  # pcapng


@inner
def _put(out, at, value):
    out[at] = U8(value & U64(255))
    out[at + U64(1)] = U8(value >> U64(8) & U64(255))
    out[at + U64(2)] = U8(value >> U64(16) & U64(255))
    out[at + U64(3)] = U8(value >> U64(24) & U64(255))


@inner
def _copy(out, at, data, start, count):
    for byte in range(count):
        out[at + U64(byte)] = data[start + U64(byte)]


@inner
def _pcap(out, at, time, tick, captured, length):
    """A record header; times that pcap cannot hold stop at its bounds (1970 and 2106)."""
    second = max(I64(0), min(LAST_SECOND, time // I64(1_000_000_000)))
    _put(out, at, U64(second))
    _put(out, at + U64(4), U64(time % I64(1_000_000_000) // tick))
    _put(out, at + U64(8), captured)
    _put(out, at + U64(12), length)


@inner
def _pcapng(out, at, interface, time, tick, captured, length, options):
    """What an enhanced packet block has around its frame and so many bytes of options. Times before 1970 become
    1970."""
    padded = (captured + U64(3)) & ~U64(3)
    size = U64(32) + padded + options
    ticks = U64(max(I64(0), time) // tick)
    _put(out, at, ENHANCED_PACKET)
    _put(out, at + U64(4), size)
    _put(out, at + U64(8), interface)
    _put(out, at + U64(12), ticks >> U64(32))
    _put(out, at + U64(16), ticks & U64(0xFFFFFFFF))
    _put(out, at + U64(20), captured)
    _put(out, at + U64(24), length)
    for byte in range(captured, padded):
        out[at + U64(28) + U64(byte)] = U8(0)
    _put(out, at + size - U64(4), size)
    return at + U64(28) + padded


@inner
def _options_of(row, options):
    """(where they begin, how many bytes) of a packet's options."""
    if len(options.begins) == 0:
        return U64(0), U64(0)
    begin = U64(options.begins[row])
    return begin, U64(options.begins[row + 1]) - begin


@kernel
def write_records(
    data: NDArray[np.uint8],
    columns: PacketColumns,
    rows: NDArray[np.int64],
    places: NDArray[np.int64],
    records: Records,
    out: NDArray[np.uint8],
) -> None:
    """Lay packet ``rows[k]``, whose frame is in ``data``, into ``out`` from ``places[k]``, for each k."""
    for k in range(len(rows)):
        row, at = rows[k], U64(places[k])
        head = columns.heads[row]
        link, captured, length = head["link"], U64(head["captured"]), U64(head["length"])
        tick = records.tick[link]
        if records.pcapng:
            begin, size = _options_of(row, records.options)
            interface = U64(records.interface[link])
            behind = _pcapng(out, at, interface, head["time_ns"], tick, captured, length, size)
            _copy(out, at + U64(28), data, U64(head["offset"]), captured)
            _copy(out, behind, records.options.data, begin, size)
        else:
            _pcap(out, at, head["time_ns"], tick, captured, length)
            _copy(out, at + U64(16), data, U64(head["offset"]), captured)
