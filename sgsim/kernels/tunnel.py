"""VXLAN packets -> the columns of the frames inside them (RFC 7348; VPC Traffic Mirroring)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgsim import layout
from sgsim.kernels.compiling import inner, kernel, rare, u16
from sgsim.kernels.decode import FIRST, UDP, decode_frame, frame
from sgsim.kernels.links import ETHERNET, GOOD, MALFORMED, TRUNCATED, behind_link
from sgsim.layout import PacketColumns

U8, U32, U64 = np.uint8, np.uint32, np.uint64

VXLAN_PORT = 4789
HEADERS = U64(16)  # bytes of the UDP and of the VXLAN header
VALID = U64(0x08)  # the I flag: there is a network identifier, as there must be

# Added to an inner frame's length while it is decoded: what is not there was cut off, by whomever. Mirroring cuts
# frames and leaves no trace of it, so that nothing tells a frame that was cut from one that was too short.
BEYOND = U64(1 << 17)


@inner
def refuse(columns, i, status):
    """Packet ``i`` makes no observation."""
    columns.heads[i]["skip"], columns.heads[i]["flow"], columns.bodies[i]["version"] = U8(status), U64(0), U8(0)


@inner
def _stated_length(data, start, captured_end):
    """Bytes of the Ethernet frame at ``start`` if it ends where its IP header says; 0 where that is not said."""
    status, at, version = behind_link(data, start, ETHERNET, captured_end, captured_end + BEYOND)
    if status != GOOD or at + U64(6) > captured_end:
        return U64(0)
    own = u16(data, at + U64(2)) if version == U64(4) else u16(data, at + U64(4))
    if own == U64(0):
        return U64(0)
    return at - start + own + (U64(0) if version == U64(4) else U64(40))


@rare
def _unwrap(data, link_type, columns, i, made):
    """Fill the columns of packet ``i`` from the frame behind its UDP and VXLAN headers; returns the quotes made."""
    head = columns.heads[i]
    start, captured, length = head["offset"], head["captured"], head["length"]
    _, _, _, udp, end, _, shape, _ = frame(data, U64(start), U64(captured), U64(length), link_type)
    stated = u16(data, udp + U64(4))  # 0: up to the packet's end, as its IP length may say
    datagram_end = end if stated == U64(0) else udp + stated
    if shape != FIRST:
        datagram_end = min(datagram_end, end)
    there = min(min(U64(start) + U64(captured), end), datagram_end)
    inside = udp + HEADERS
    if inside > datagram_end:
        refuse(columns, i, MALFORMED)
        return made
    if inside > there:
        refuse(columns, i, TRUNCATED)
        return made
    if U64(data[udp + U64(8)]) & VALID == U64(0):
        refuse(columns, i, MALFORMED)
        return made
    head["offset"], head["captured"] = U32(inside), U32(there - inside)
    head["length"] = U32(there - inside + BEYOND)
    made = decode_frame(data, ETHERNET, columns, i, made)
    head["offset"], head["captured"] = start, captured
    whole = _stated_length(data, inside, there) if head["skip"] == 0 else U64(0)
    head["length"] = U32(max(datagram_end - inside, whole))
    return made


@kernel
def unwrap(data: NDArray[np.uint8], link_types: NDArray[np.uint16], columns: PacketColumns, made: int) -> int:
    """Replace VXLAN packets by the frames inside them, once; ``offset`` and ``captured`` stay those of the outer frame.

    ``link_types`` as for ``decode``; ``made`` quotes are there, and room for one more of each packet. Returns how
    many there are then.
    """
    quotes = U64(made)
    for n in range(len(columns.heads)):
        i = U64(n)
        head, body = columns.heads[i], columns.bodies[i]
        is_udp = head["skip"] == 0 and body["protocol"] == UDP and body["shape"] != layout.LATER_FRAGMENT
        if is_udp and body["dst_port"] == VXLAN_PORT:
            quotes = _unwrap(data, U64(link_types[head["link"]]), columns, i, quotes)
    return np.int64(quotes)
