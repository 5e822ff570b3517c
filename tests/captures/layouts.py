"""Capture files, block by block, in either byte order; and what sgsim reads from them, one packet at a time.

``order`` is a struct prefix: "<" little-endian, ">" big-endian.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from struct import pack
from typing import NamedTuple

import numpy as np

from sgsim.captures import Capture, Decapsulated, open_capture
from sgsim.errors import CaptureError
from sgsim.layout import BODY, HEAD, SKIPS, PacketColumns
from sgsim.model import Skip

ORDERS = ("<", ">")
MICROSECONDS, NANOSECONDS, MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34

# An ordinary frame: Ethernet, IPv4, UDP 10.0.0.1:1000 -> 10.0.0.2:53, 4 bytes of data; 46 bytes.
UDP = bytes.fromhex("03e80035000c0000") + b"abcd"
IPV4 = bytes.fromhex("45000020000100004011000000000000")[:12] + bytes([10, 0, 0, 1, 10, 0, 0, 2])
FRAME = bytes(12) + b"\x08\x00" + IPV4 + UDP


# --- files ---------------------------------------------------------------------------------------------------------


def pcap_header(order: str = "<", magic: int = MICROSECONDS, *, link: int = 1, minor: int = 4) -> bytes:
    return pack(order + "IHHiIII", magic, 2, minor, 0, 0, 65535, link)


def record(frame: bytes, order: str = "<", *, seconds: int = 0, fraction: int = 0, length: int | None = None) -> bytes:
    return pack(order + "IIII", seconds, fraction, len(frame), len(frame) if length is None else length) + frame


def pcap(frames: Sequence[bytes], order: str = "<", magic: int = MICROSECONDS, *, link: int = 1) -> bytes:
    """A pcap file of these frames, a second apart."""
    records = [record(frame, order, seconds=place + 1) for place, frame in enumerate(frames)]
    return pcap_header(order, magic, link=link) + b"".join(records)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    return pack(order + "II", kind, len(body) + 12) + body + pack(order + "I", len(body) + 12)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<", *, version: tuple[int, int] = (1, 0), options: bytes = b"") -> bytes:
    return block(0x0A0D0D0A, pack(order + "IHHq", 0x1A2B3C4D, *version, -1) + options, order)


def interface(
    order: str = "<", *, link: int = 1, snaplen: int = 0, resolution: int | None = None, offset: int | None = None
) -> bytes:
    options = b""
    if resolution is not None:
        options += option(9, bytes([resolution]), order)
    if offset is not None:
        options += option(14, pack(order + "q", offset), order)
    if options:
        options += option(0, b"", order)
    return block(1, pack(order + "HHI", link, 0, snaplen) + options, order)


def enhanced(
    frame: bytes, order: str = "<", *, number: int = 0, ticks: int = 0, length: int | None = None, options: bytes = b""
) -> bytes:
    head = pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), _length(frame, length))
    return block(6, head + frame + bytes(-len(frame) % 4) + options, order)


def obsolete(frame: bytes, order: str = "<", *, number: int = 0, drops: int = 0xFFFF, ticks: int = 0) -> bytes:
    head = pack(order + "HHIIII", number, drops, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(2, head + frame, order)


def simple(frame: bytes, order: str = "<", *, length: int | None = None) -> bytes:
    return block(3, pack(order + "I", _length(frame, length)) + frame, order)


def pcapng(frames: Sequence[bytes], order: str = "<") -> bytes:
    """A pcapng file of these Ethernet frames, a second apart."""
    packets = [enhanced(frame, order, ticks=(place + 1) * 10**6) for place, frame in enumerate(frames)]
    return section(order) + interface(order) + b"".join(packets)


def _length(frame: bytes, length: int | None) -> int:
    return len(frame) if length is None else length


# --- reading -------------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """One packet as sgsim decoded it, in plain Python values; ``skip`` is None where it may be observed."""

    number: int
    time_ns: int
    captured: int
    length: int
    link: int
    skip: Skip | None
    version: int
    protocol: int
    shape: int
    tcp_flags: int
    src: str
    dst: str
    src_port: int
    dst_port: int
    fragment_id: int
    quoted: tuple[str, str, int, int, int] | None  # src, dst, protocol, src_port, dst_port
    frame: bytes


class Reading(NamedTuple):
    """All that a capture gave: its packets, its links' types, its warnings, and how reading it ended."""

    rows: list[Row]
    link_types: list[int]
    warnings: list[str]
    error: CaptureError | None


def rows_of(columns: PacketColumns, window: np.ndarray, first: int) -> list[Row]:
    """The packets of one batch."""
    plain = {name: getattr(columns, name).tolist() for name in (*HEAD.names, *BODY.names) if name != "padding"}
    cells = [dict(zip(plain, values, strict=True)) for values in zip(*plain.values(), strict=True)]
    return [_row(cell, columns, window, first + place) for place, cell in enumerate(cells)]


def _row(cell: dict[str, int], columns: PacketColumns, window: np.ndarray, number: int) -> Row:
    version = cell["version"]
    quoted = None
    if cell["quoted"] >= 0:
        quote = columns.quotes[cell["quoted"]]
        ends = [address(version, int(quote[end + "_hi"]), int(quote[end + "_lo"])) for end in ("src", "dst")]
        quoted = (*ends, *(int(quote[name]) for name in ("protocol", "src_port", "dst_port")))
    frame = window[cell["offset"] : cell["offset"] + cell["captured"]].tobytes()
    names = ("time_ns", "captured", "length", "link")
    transport = ("src_port", "dst_port", "fragment_id")
    return Row(
        number,
        *(cell[name] for name in names),
        SKIPS[cell["skip"] - 1] if cell["skip"] else None,
        *(cell[name] for name in ("version", "protocol", "shape", "tcp_flags")),
        address(version, cell["src_hi"], cell["src_lo"]),
        address(version, cell["dst_hi"], cell["dst_lo"]),
        *(cell[name] for name in transport),
        quoted,
        frame,
    )


def address(version: int, high: int, low: int) -> str:
    if version == 0:
        return ""
    return str(IPv4Address(low)) if version == 4 else str(IPv6Address(high << 64 | low))


def drained(capture: Capture, packets: int = 8192, *, inside: bool = False) -> Reading:
    """Read a capture to its end, or to the error that ends it; ``inside``: the frames inside VXLAN packets."""
    rows: list[Row] = []
    error = None
    try:
        for batch in (Decapsulated(capture) if inside else capture).batches(packets):
            rows += rows_of(batch.columns, batch.window, batch.first)
    except CaptureError as found:
        error = found
    return Reading(rows, [link.link_type for link in capture.links], capture.warnings, error)


def read_file(path: Path, *, strict: bool = False, packets: int = 8192, inside: bool = False) -> Reading:
    """Read a file; a capture that is refused on opening gives no rows and the error."""
    try:
        with open_capture(str(path), strict=strict) as capture:
            return drained(capture, packets, inside=inside)
    except CaptureError as error:
        return Reading([], [], [], error)
