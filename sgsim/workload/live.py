"""Workload ``live``: one interface with so many TCP connections open at once, and packets that meet them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

import numpy as np
from numpy.typing import NDArray

from sgsim.layout import PacketColumns
from sgsim.model import TCP, Direction, Interface, Rule, SecurityGroup, Topology
from sgsim.workload.columns import ACK, SYN, ipv4_columns

LIVE = "live-v1"

_SERVER, _PORT = IPv4Address("10.0.0.10"), 443
_CLIENTS = IPv4Network("64.0.0.0/4")  # one for each connection
_STRIDE = 0x9E3779B1  # odd: numbers times it, modulo the addresses, are scattered and distinct
_BATCH = 1 << 13  # packets


def live_topology() -> Topology:
    """A server that a block of addresses may connect to, and that may not open connections itself."""
    rule = Rule("sg-live/ingress/0", "sg-live", Direction.INGRESS, TCP, _PORT, _PORT, _CLIENTS)
    interface = Interface("eni-live", vpc_id="vpc-1", addresses=(_SERVER,), group_ids=("sg-live",))
    return Topology(
        groups={"sg-live": SecurityGroup("sg-live", "live", "vpc-1", (rule,), ())}, interfaces={"eni-live": interface}
    )


def opening(flows: int) -> Iterator[PacketColumns]:
    """The SYN of each connection, in batches."""
    for begin in range(0, flows, _BATCH):
        numbers = np.arange(begin, min(begin + _BATCH, flows))
        client, port = _client(numbers)
        server = np.full(len(numbers), int(_SERVER))
        yield ipv4_columns(TCP, client, server, port, np.full(len(numbers), _PORT), tcp_flags=SYN, first=begin)


def meeting(flows: int, packets: int, seed: int = 1) -> Iterator[PacketColumns]:
    """Packets of connections drawn at random, from either side, in batches; later than all of ``opening``."""
    rng = np.random.default_rng(seed)
    for begin in range(0, packets, _BATCH):
        count = min(_BATCH, packets - begin)
        client, port = _client(rng.integers(0, flows, size=count))
        asks = rng.random(count) < 0.5
        server, service = np.full(count, int(_SERVER)), np.full(count, _PORT)
        ends = (np.where(asks, client, server), np.where(asks, server, client))
        ports = (np.where(asks, port, service), np.where(asks, service, port))
        yield ipv4_columns(TCP, *ends, *ports, tcp_flags=ACK, first=flows + begin)


def _client(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Address and port of the connections of these numbers."""
    address = int(_CLIENTS.network_address) + numbers * _STRIDE % _CLIENTS.num_addresses
    return address, 32_768 + numbers % 28_000
