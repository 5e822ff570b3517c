"""The dtypes and tuples of arrays that the fast path is made of; each field with its meaning and unit beside it.

Cast and checked once, where arrays are made; kernels take them as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.model import Reason, Skip

U8, U16, U32, U64 = np.uint8, np.uint16, np.uint32, np.uint64
I32, I64 = np.int32, np.int64

# --- codes --------------------------------------------------------------------------------------------------------

REASONS = tuple(Reason)  # a reason's code is its place here; codes below FIRST_DROP allow
FIRST_DROP = REASONS.index(Reason.NO_RULE)
SKIPS = tuple(Skip)  # a skip's code is its place here plus one; 0 is a packet that may be observed

INGRESS, EGRESS = 0, 1  # column codes of the directions

# Column `shape`: which packet this is for the judge.
WHOLE, FIRST_FRAGMENT, LATER_FRAGMENT = 0, 1, 2


class PacketColumns(NamedTuple):
    """A batch of n packets, one array of length n for each field (quoted_* are shorter, see ``quoted``)."""

    time_ns: NDArray[np.int64]  # since the epoch
    offset: NDArray[np.int64]  # where the frame begins in the window it was read from, bytes
    captured: NDArray[np.uint32]  # bytes of the frame that were captured
    length: NDArray[np.uint32]  # bytes of the frame on the wire
    link: NDArray[np.uint16]  # which entry of the capture's link table the frame came through
    skip: NDArray[np.uint8]  # 0, or why the packet cannot be observed: 1 + its place in SKIPS
    version: NDArray[np.uint8]  # 4 or 6; 0 where skipped
    protocol: NDArray[np.uint8]  # IP protocol number, behind IPv6 extension headers
    shape: NDArray[np.uint8]  # WHOLE, FIRST_FRAGMENT or LATER_FRAGMENT
    tcp_flags: NDArray[np.uint8]  # the TCP flag byte; 0 where not TCP
    src_hi: NDArray[np.uint64]  # upper 64 bits of the source address; 0 for IPv4
    src_lo: NDArray[np.uint64]  # lower 64 bits; the whole address for IPv4
    dst_hi: NDArray[np.uint64]
    dst_lo: NDArray[np.uint64]
    src_port: NDArray[np.uint16]  # TCP, UDP: source port; ICMP: identifier; else 0
    dst_port: NDArray[np.uint16]  # TCP, UDP: destination port; ICMP: type * 256 + code; else 0
    fragment_id: NDArray[np.uint32]  # identification of a fragment; 0 for whole packets
    quoted: NDArray[np.int32]  # row of `quotes` that an ICMP error's quoted packet fills, or -1
    quotes: NDArray[np.void]  # records of QUOTE


QUOTE = np.dtype(
    [
        ("src_hi", U64),
        ("src_lo", U64),
        ("dst_hi", U64),
        ("dst_lo", U64),
        ("src_port", U16),  # as in PacketColumns
        ("dst_port", U16),
        ("protocol", U8),
        ("padding", U8, (3,)),
    ]
)


class Verdicts(NamedTuple):
    """m observations of a batch, in order of packets, egress before ingress."""

    packet: NDArray[np.int32]  # row of the batch
    interface: NDArray[np.int32]  # place in the simulator's list of interfaces
    direction: NDArray[np.uint8]  # INGRESS or EGRESS
    reason: NDArray[np.uint8]  # place in REASONS
    rule: NDArray[np.int32]  # place in the simulator's list of rules, or -1
    flags: NDArray[np.uint8]  # TRACKED | OPENED | REPLACED | MIDSTREAM


TRACKED, OPENED, REPLACED, MIDSTREAM = 1, 2, 4, 8  # bits of Verdicts.flags, as in model.Decision
