"""A trace of packet headers as traffic for one interface: its sources ask the interface for its destination ports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sgsim.errors import SelectionError
from sgsim.layout import PacketColumns
from sgsim.model import ICMP, TCP, UDP, Interface
from sgsim.workload.columns import ipv4_columns
from sgsim.workload.flows import CLIENT_PORTS, Flows, Traffic, pareto_lengths

Header = tuple[int, int, int, int, int]  # IPv4 source and destination, source and destination port, protocol


def trace_packets(headers: Sequence[Header], interface: Interface, packets: int) -> PacketColumns:
    """The headers in their order, over and over, as ingress at the interface. ICMP is an echo request."""
    source, _, src_port, dst_port, protocol = np.resize(np.array(headers, dtype=np.int64), (packets, 5)).T
    ports = (protocol == TCP) | (protocol == UDP)
    return ipv4_columns(
        protocol,
        source,
        np.full(packets, _address(interface)),
        np.where(ports, src_port, 0),
        np.where(ports, dst_port, np.where(protocol == ICMP, 8 << 8, 0)),
    )


def trace_flows(headers: Sequence[Header], interface: Interface, traffic: Traffic) -> Flows:
    """A flow for each header of TCP, UDP or ICMP, over and over, from a client port of its own; Pareto lengths.

    Raises SelectionError if the trace has no such header.
    """
    table = np.array([header for header in headers if header[4] in (TCP, UDP, ICMP)], dtype=np.int64)
    if not len(table):
        raise SelectionError("the trace has no header of TCP, UDP or ICMP: leave out --trace")
    rng = np.random.default_rng(traffic.seed)
    source, _, _, dst_port, protocol = np.resize(table, (traffic.flows, 5)).T
    zeros: NDArray[np.uint64] = np.zeros(traffic.flows, dtype=np.uint64)
    return Flows(
        protocol=protocol.astype(np.uint8),
        v6=np.zeros(traffic.flows, dtype=np.bool_),
        src_hi=zeros,
        src_lo=source.astype(np.uint64),
        dst_hi=zeros,
        dst_lo=np.full(traffic.flows, _address(interface), dtype=np.uint64),
        src_port=rng.integers(*CLIENT_PORTS, size=traffic.flows).astype(np.uint16),
        dst_port=np.where(protocol == ICMP, 0, dst_port).astype(np.uint16),
        packets=rng.permutation(pareto_lengths(rng, traffic.flows, traffic.packets, least=6)),
    )


def _address(interface: Interface) -> int:
    address = interface.primary(4)
    assert address is not None, "the interface of a ClassBench rule set has one"
    return int(address)
