"""Packets made in columns, without a capture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgsim.captures.buffers import allocate, trimmed
from sgsim.kernels.decode import name_flows
from sgsim.layout import PacketColumns
from sgsim.model import TCP

EPOCH_NS = 1_700_000_000_000_000_000
SYN, ACK = 0x02, 0x10


def ipv4_columns(
    protocol: NDArray[np.integer] | int,
    source: NDArray[np.integer],
    destination: NDArray[np.integer],
    src_port: NDArray[np.integer],
    dst_port: NDArray[np.integer],
    *,
    tcp_flags: int = SYN,
    first: int = 0,
) -> PacketColumns:
    """IPv4 packets of 96 bytes, one each microsecond, of which the first is number ``first``."""
    columns = trimmed(allocate(len(source)), len(source), quotes=0)
    columns.time_ns[:] = EPOCH_NS + 1_000 * np.arange(first, first + len(source))
    columns.captured[:] = columns.length[:] = 96
    columns.version[:] = 4
    columns.protocol[:] = protocol
    columns.tcp_flags[:] = np.where(columns.protocol == TCP, tcp_flags, 0)
    columns.src_lo[:], columns.dst_lo[:] = source, destination
    columns.src_port[:], columns.dst_port[:] = src_port, dst_port
    columns.quoted[:] = -1
    name_flows(columns)
    return columns
