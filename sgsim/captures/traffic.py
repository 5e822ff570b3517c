"""Ready flows as scapy packets, IPv4 and IPv6, with times: what one would otherwise put together by hand to try rules.

    from sgsim.captures import traffic

    for decisions in simulator.judge(traffic.tcp("192.0.2.77", "10.0.1.10", 443)):
        ...

Every function gives packets in the order of their times, the same ones for the same arguments, byte for byte: addresses
of links, sequence numbers and identifications are fixed. ``at`` is the time of the first packet in seconds since the
epoch, ``delay`` how many seconds each packet comes after the one before; ``merged`` puts several flows in one order.
Whole packets have an Ethernet header, so that ``scapy.utils.wrpcap`` writes them for Wireshark.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from heapq import merge
from typing import Any, Literal

from scapy.layers import inet, inet6, l2
from scapy.packet import Raw
from scapy.utils import EDecimal

# As Any: scapy's annotations do not know the fields of its layers.
Ether: Any = l2.Ether
IP: Any = inet.IP
IPv6: Any = inet6.IPv6
IPv6ExtHdrFragment: Any = inet6.IPv6ExtHdrFragment
TCP: Any = inet.TCP
UDP: Any = inet.UDP
ICMP: Any = inet.ICMP
ICMPv6EchoRequest: Any = inet6.ICMPv6EchoRequest
ICMPv6EchoReply: Any = inet6.ICMPv6EchoReply
ICMPv6PacketTooBig: Any = inet6.ICMPv6PacketTooBig

Packet = Any
Seconds = float | Decimal  # a Decimal is exact

SOURCE_PORT = 49_152  # the first of those that clients take (RFC 6335)
_CLIENT, _SERVER, _ROUTER = (f"02:00:00:00:00:{n:02x}" for n in (1, 2, 3))
_CLIENT_SEQUENCE, _SERVER_SEQUENCE = 1_000, 5_000
_QUOTED = {4: 28, 6: 1_232}  # bytes of the packet that an error quotes: RFC 792; RFC 4443 (of 1,280 with its headers)


class _Flow:
    """Packets of two ends, one after the other."""

    def __init__(self, client: str, server: str, at: Seconds, delay: Seconds) -> None:
        if (":" in client) != (":" in server):
            raise ValueError(f"{client} and {server} are not of one IP version")
        self.packets: list[Packet] = []
        self._ends, self._at, self._delay = (client, server), _exact(at), _exact(delay)
        self._sequences = [_CLIENT_SEQUENCE, _SERVER_SEQUENCE]

    def add(self, layers: Packet, from_server: bool, *, whole: bool = True) -> Packet:
        """The next packet; ``whole``: routers may not fragment it."""
        source, destination = self._ends[from_server], self._ends[not from_server]
        links = (_SERVER, _CLIENT) if from_server else (_CLIENT, _SERVER)
        ends = {"src": source, "dst": destination}
        header = IPv6(**ends) if ":" in source else IP(**ends, id=1, flags="DF" if whole else 0)
        packet = Ether(src=links[0], dst=links[1]) / header / layers
        return self.put(packet)

    def put(self, packet: Packet) -> Packet:
        packet.time = _time(self._at + self._delay * len(self.packets))
        self.packets.append(packet)
        return packet

    def segment(self, ports: tuple[int, int], from_server: bool, flags: str, size: int = 0) -> Packet:
        """The next TCP segment, which acknowledges all that the other end has sent."""
        mine, theirs = self._sequences[from_server], self._sequences[not from_server]
        source, destination = (ports[1], ports[0]) if from_server else ports
        header = TCP(sport=source, dport=destination, flags=flags, seq=mine, ack=theirs if "A" in flags else 0)
        self._sequences[from_server] += size + ("S" in flags) + ("F" in flags)
        return self.add(header / Raw(b"x" * size) if size else header, from_server)

    def lost(self, size: int, from_server: bool) -> None:
        """So many bytes did not arrive: they are sent again."""
        self._sequences[from_server] -= size


def tcp(
    client: str,
    server: str,
    port: int,
    *,
    source_port: int = SOURCE_PORT,
    at: Seconds = 0,
    delay: Seconds = 0.01,
    exchanges: int = 1,
    request_size: int = 100,
    reply_size: int = 500,
    close: Literal["fin", "reset"] | None = "fin",
    answered: bool = True,
) -> list[Packet]:
    """A connection: the handshake, so many requests and replies with data of these bytes, and its end: FINs of both, a
    reset by the client, or (None) none. Not ``answered``: the SYN alone, sent three times.

    Raises ValueError for addresses of two IP versions.
    """
    flow, ports = _Flow(client, server, at, delay), (source_port, port)
    if not answered:
        for _ in range(3):
            flow.segment(ports, False, "S")
            flow.lost(1, False)
        return flow.packets
    _handshake(flow, ports)
    for _ in range(exchanges):
        flow.segment(ports, False, "PA", request_size)
        flow.segment(ports, True, "PA", reply_size)
    _close(flow, ports, close)
    return flow.packets


def udp(
    client: str,
    server: str,
    port: int,
    *,
    source_port: int = SOURCE_PORT,
    at: Seconds = 0,
    delay: Seconds = 0.01,
    exchanges: int = 1,
    request_size: int = 40,
    reply_size: int = 120,
    answered: bool = True,
) -> list[Packet]:
    """So many requests, each with its reply if ``answered``. Raises ValueError for addresses of two IP versions."""
    flow = _Flow(client, server, at, delay)
    for _ in range(exchanges):
        flow.add(UDP(sport=source_port, dport=port) / Raw(b"q" * request_size), False, whole=False)
        if answered:
            flow.add(UDP(sport=port, dport=source_port) / Raw(b"r" * reply_size), True, whole=False)
    return flow.packets


def ping(
    client: str,
    server: str,
    *,
    identifier: int = 1,
    at: Seconds = 0,
    delay: Seconds = 0.01,
    count: int = 1,
    size: int = 56,
    answered: bool = True,
) -> list[Packet]:
    """So many echo requests with data of ``size`` bytes, each with its reply if ``answered``. Raises ValueError for
    addresses of two IP versions."""
    flow, data = _Flow(client, server, at, delay), Raw(b"p" * size)
    wide = ":" in client
    for number in range(1, count + 1):
        named = {"id": identifier, "seq": number}
        flow.add((ICMPv6EchoRequest(**named) if wide else ICMP(type=8, **named)) / data, False, whole=False)
        if answered:
            flow.add((ICMPv6EchoReply(**named) if wide else ICMP(type=0, **named)) / data, True, whole=False)
    return flow.packets


def path_mtu_discovery(
    client: str,
    server: str,
    port: int,
    router: str,
    *,
    mtu: int = 1_400,
    source_port: int = SOURCE_PORT,
    at: Seconds = 0,
    delay: Seconds = 0.01,
) -> list[Packet]:
    """A connection on whose way a link takes no more than ``mtu`` bytes: the server's reply is too big for it, the
    router says so to the server (``too_big``), which sends it again in two parts.

    Raises ValueError for addresses of two IP versions, and for an ``mtu`` that the reply of 1,500 bytes fits, or two
    parts do not.
    """
    headers = 60 if ":" in client else 40
    size = 1_500 - headers
    if not 750 + headers <= mtu < 1_500:
        raise ValueError(f"mtu {mtu}: give one of {750 + headers} to 1499 bytes")
    flow, ports = _Flow(client, server, at, delay), (source_port, port)
    _handshake(flow, ports)
    flow.segment(ports, False, "PA", 100)
    reply = flow.segment(ports, True, "PA", size)
    flow.put(too_big(reply, router, mtu))
    flow.lost(size, True)
    flow.segment(ports, True, "A", mtu - headers)
    flow.segment(ports, True, "PA", size - (mtu - headers))
    _close(flow, ports, "fin")
    return flow.packets


def too_big(packet: Packet, router: str, mtu: int, *, delay: Seconds = 0.01) -> Packet:
    """What a router says to the source of a packet that is too big for the next link: ICMP "fragmentation needed" (RFC
    1191) or ICMPv6 "packet too big", which quotes it."""
    link, wide = Ether(src=_ROUTER, dst=packet[Ether].src), IPv6 in packet
    inner = packet[IPv6 if wide else IP]
    quoted = Raw(bytes(inner)[: _QUOTED[6 if wide else 4]])
    if wide:
        error = link / IPv6(src=router, dst=inner.src) / ICMPv6PacketTooBig(mtu=mtu) / quoted
    else:
        error = link / IP(src=router, dst=inner.src, id=1) / ICMP(type=3, code=4, nexthopmtu=mtu) / quoted
    error.time = packet.time + _time(_exact(delay))
    return error


def fragments(packet: Packet, mtu: int = 1_500, *, identification: int = 1, delay: Seconds = 0) -> list[Packet]:
    """The packet in pieces of ``mtu`` bytes at most without their Ethernet header, the first one at its time.

    Raises ValueError where that leaves no room for data.
    """
    wide = IPv6 in packet
    whole = bytes(packet[IPv6 if wide else IP])
    header = 40 if wide else (whole[0] & 15) * 4
    protocol, data = whole[6 if wide else 9], whole[header:]
    room = (mtu - (48 if wide else 20)) // 8 * 8
    if room <= 0:
        raise ValueError(f"mtu {mtu}: no fragment fits it")
    inner = packet[IPv6 if wide else IP]
    pieces = []
    for number, begin in enumerate(range(0, len(data), room)):
        more = begin + room < len(data)
        place: dict[str, Any] = {"src": inner.src, "dst": inner.dst}
        if wide:
            extension = IPv6ExtHdrFragment(nh=protocol, offset=begin // 8, m=int(more), id=identification)
            piece = IPv6(**place) / extension
        else:
            flags = "MF" if more else 0
            piece = IP(**place, proto=protocol, id=identification, flags=flags, frag=begin // 8)
        piece = Ether(src=packet[Ether].src, dst=packet[Ether].dst) / piece / Raw(data[begin : begin + room])
        piece.time = packet.time + _time(_exact(delay) * number)
        pieces.append(piece)
    return pieces


def merged(*flows: Iterable[Packet]) -> list[Packet]:
    """The packets of all flows by time, ties in the order given."""
    return list(merge(*flows, key=lambda packet: packet.time))


def _handshake(flow: _Flow, ports: tuple[int, int]) -> None:
    flow.segment(ports, False, "S")
    flow.segment(ports, True, "SA")
    flow.segment(ports, False, "A")


def _close(flow: _Flow, ports: tuple[int, int], close: str | None) -> None:
    if close == "fin":
        flow.segment(ports, False, "FA")
        flow.segment(ports, True, "FA")
        flow.segment(ports, False, "A")
    elif close == "reset":
        flow.segment(ports, False, "RA")


def _exact(seconds: Seconds) -> Decimal:
    """What was written: 0.01 is a hundredth."""
    return seconds if isinstance(seconds, Decimal) else Decimal(repr(seconds))


def _time(seconds: Decimal) -> EDecimal:
    """Time as scapy reads it from files."""
    return EDecimal(seconds)
