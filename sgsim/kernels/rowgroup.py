"""Observations -> the columns of a Parquet row group, one after the other until it is full."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.addresses import AddressTable, numbered
from sgsim.kernels.compiling import kernel
from sgsim.layout import LATER_FRAGMENT, TRACKED, PacketColumns


class RowGroup(NamedTuple):
    """Arrays of one length, an element for each observation; names and meaning are those of docs/interface.md.

    Interfaces, directions, reasons and rules are places, as in VERDICT; addresses are numbers in their tables.
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
    verdicts: NDArray[np.void],
    places: NDArray[np.int64],
    group: RowGroup,
    numbers: Numbered,
) -> None:
    """Put the observations at ``places`` of ``verdicts``, records of VERDICT, into the first rows of ``group``.

    The group must be that long, and the tables of addresses have room for as many new ones.
    """
    for k in range(len(places)):
        verdict = verdicts[np.uint64(places[k])]
        i = np.uint64(verdict["packet"])
        head, body = columns.heads[i], columns.bodies[i]
        group.capture[k] = stream.capture[i]
        group.packet[k] = stream.number[i]
        group.time_ns[k] = head["time_ns"]
        group.interface[k] = verdict["interface"]
        group.direction[k] = verdict["direction"]
        group.reason[k] = verdict["reason"]
        group.rule[k] = verdict["rule"]
        group.tracked[k] = verdict["flags"] & TRACKED != 0
        version, protocol, service = body["version"], body["protocol"], body["dst_port"]
        group.protocol[k] = protocol
        group.src[k] = numbered(numbers.sources, version, body["src_hi"], body["src_lo"])
        group.dst[k] = numbered(numbers.destinations, version, body["dst_hi"], body["dst_lo"])
        whole = body["shape"] != LATER_FRAGMENT
        group.src_port[k] = body["src_port"]
        group.dst_port[k] = service
        group.no_ports[k] = not (whole and (protocol == 6 or protocol == 17))
        group.icmp_type[k] = service >> 8
        group.icmp_code[k] = service & 255
        group.no_icmp[k] = not (whole and protocol == (1 if version == 4 else 58))
        group.length[k] = head["length"]
