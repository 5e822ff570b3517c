"""Observations -> the columns of a Parquet row group, one after the other until it is full."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.addresses import AddressTable, numbered
from sgsim.kernels.compiling import kernel
from sgsim.layout import LATER_FRAGMENT, TRACKED, PacketColumns, Verdicts


class RowGroup(NamedTuple):
    """Arrays of one length, an element for each observation; names and meaning are those of docs/interface.md.

    Interfaces, directions, reasons and rules are places, as in Verdicts; addresses are numbers in their tables.
    """

    capture: NDArray[np.int32]  # place among the captures
    packet: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    interface: NDArray[np.int32]
    direction: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    rule: NDArray[np.int32]  # or -1
    tracked: NDArray[np.bool_]
    protocol: NDArray[np.int32]
    src: NDArray[np.int32]
    src_port: NDArray[np.int32]
    dst: NDArray[np.int32]
    dst_port: NDArray[np.int32]
    icmp_type: NDArray[np.int32]
    icmp_code: NDArray[np.int32]
    length: NDArray[np.int64]
    no_ports: NDArray[np.bool_]  # src_port and dst_port are null
    no_icmp: NDArray[np.bool_]  # icmp_type and icmp_code are null


class Numbered(NamedTuple):
    """The addresses of a row group."""

    sources: AddressTable
    destinations: AddressTable


class Stream(NamedTuple):
    """Where each packet of a batch comes from, as in MergedBatch."""

    capture: NDArray[np.int32]
    number: NDArray[np.int64]


@kernel
def collect(
    columns: PacketColumns,
    stream: Stream,
    verdicts: Verdicts,
    places: NDArray[np.int64],
    group: RowGroup,
    numbers: Numbered,
) -> None:
    """Put the observations at ``places`` of ``verdicts`` into the first rows of ``group``.

    The group must be that long, and the tables of addresses have room for as many new ones.
    """
    for k in range(len(places)):
        m = np.uint64(places[k])
        i = np.uint64(verdicts.packet[m])
        group.capture[k] = stream.capture[i]
        group.packet[k] = stream.number[i]
        group.time_ns[k] = columns.time_ns[i]
        group.interface[k] = verdicts.interface[m]
        group.direction[k] = verdicts.direction[m]
        group.reason[k] = verdicts.reason[m]
        group.rule[k] = verdicts.rule[m]
        group.tracked[k] = verdicts.flags[m] & TRACKED != 0
        version, protocol = columns.version[i], columns.protocol[i]
        group.protocol[k] = protocol
        group.src[k] = numbered(numbers.sources, version, columns.src_hi[i], columns.src_lo[i])
        group.dst[k] = numbered(numbers.destinations, version, columns.dst_hi[i], columns.dst_lo[i])
        whole = columns.shape[i] != LATER_FRAGMENT
        group.src_port[k] = columns.src_port[i]
        group.dst_port[k] = columns.dst_port[i]
        group.no_ports[k] = not (whole and (protocol == 6 or protocol == 17))
        group.icmp_type[k] = columns.dst_port[i] >> 8
        group.icmp_code[k] = columns.dst_port[i] & 255
        group.no_icmp[k] = not (whole and protocol == (1 if version == 4 else 58))
        group.length[k] = columns.length[i]
