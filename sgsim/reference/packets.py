"""What the judge reads off a packet: who asks, who answers, and what its flow is filed under."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from sgsim.model import (
    ANY_PROTOCOL,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Address,
    Direction,
    FragmentKind,
    Packet,
    Quoted,
    Rule,
)

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10  # RFC 9293, section 3.1

# Section 7: the ICMP types that ask, and the types that answer them.
REQUESTS = {ICMP: frozenset({8, 13, 15, 17}), ICMPV6: frozenset({128})}
REPLIES = {ICMP: {0: 8, 14: 13, 16: 15, 18: 17}, ICMPV6: {129: 128}}


class FlowKey(NamedTuple):
    """What entries and marks are filed under at an interface (section 7). ``ports`` are the local and the remote one;
    for ICMP the identifier, the type of the request and 1 if the interface asks; else empty."""

    protocol: int
    local: Address
    remote: Address
    ports: tuple[int, ...] = ()


def admits_service(rule: Rule, packet: Packet) -> bool:
    """Whether protocol and ports (or ICMP type and code) of the packet are what the rule admits, whoever its peer is.

    A later fragment has none to look at: it is admitted by rules that admit them all (section 9).
    """
    if rule.protocol == ANY_PROTOCOL:
        return True
    if rule.protocol != packet.protocol:
        return False
    if rule.protocol in (TCP, UDP):
        if packet.dst_port is None:
            return (rule.from_port, rule.to_port) == (0, 65535)
        return (rule.from_port or 0) <= packet.dst_port <= (rule.to_port or 0)
    if rule.protocol in (ICMP, ICMPV6):
        if packet.src.version != (4 if rule.protocol == ICMP else 6):
            return False
        if packet.icmp_type is None:
            return rule.from_port == -1
        return rule.from_port in (-1, packet.icmp_type) and rule.to_port in (-1, packet.icmp_code)
    return True


def flow_key(direction: Direction, packet: Packet | Quoted) -> FlowKey | None:
    """What the packet's entry is filed under at an interface, or None where it can have none (section 7)."""
    egress = direction is Direction.EGRESS
    local, remote = (packet.src, packet.dst) if egress else (packet.dst, packet.src)
    protocol = packet.protocol
    if protocol in (TCP, UDP):
        if packet.src_port is None or packet.dst_port is None:
            return None
        ports = (packet.src_port, packet.dst_port) if egress else (packet.dst_port, packet.src_port)
        return FlowKey(protocol, local, remote, ports)
    if protocol in (ICMP, ICMPV6):
        if packet.icmp_type is None or packet.icmp_id is None:
            return None
        if packet.icmp_type in REQUESTS[protocol]:
            return FlowKey(protocol, local, remote, (packet.icmp_id, packet.icmp_type, int(egress)))
        if packet.icmp_type in REPLIES[protocol]:
            asked = REPLIES[protocol][packet.icmp_type]
            return FlowKey(protocol, local, remote, (packet.icmp_id, asked, int(not egress)))
        return None
    if isinstance(packet, Packet) and packet.fragment is FragmentKind.LATER:
        return None
    return FlowKey(protocol, local, remote)


def example(key: FlowKey) -> Packet:
    """A packet of the flow as its interface sends it, with what all of the flow's packets have in common."""
    src_port, dst_port = key.ports if key.protocol in (TCP, UDP) else (None, None)
    return Packet(0, key.local, key.remote, key.protocol, src_port=src_port, dst_port=dst_port)


def makes_entry(packet: Packet) -> bool:
    """Whether an admitted first packet leaves an entry: no reset, no ICMP reply (section 7)."""
    if packet.protocol == TCP:
        return not packet.tcp_flags & RST
    return packet.icmp_type is None or packet.icmp_type in REQUESTS[packet.protocol]


def is_syn(packet: Packet) -> bool:
    """A TCP SYN without ACK."""
    return packet.protocol == TCP and packet.tcp_flags & (SYN | ACK) == SYN


def is_opening(packet: Packet) -> bool:
    """Section 10: whether the packet looks like the first of a flow."""
    if packet.protocol == UDP and packet.src_port is not None and packet.dst_port is not None:
        return packet.dst_port <= packet.src_port
    return is_syn(packet) or packet.icmp_type in REQUESTS.get(packet.protocol, ())


def reverse(packet: Packet) -> Packet:
    """The packet that the other side would have sent first; an ICMP reply becomes its request."""
    icmp_type = packet.icmp_type
    if icmp_type is not None:
        icmp_type = REPLIES[packet.protocol].get(icmp_type, icmp_type)
    return replace(
        packet,
        src=packet.dst,
        dst=packet.src,
        src_port=packet.dst_port,
        dst_port=packet.src_port,
        icmp_type=icmp_type,
    )
