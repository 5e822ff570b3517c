"""The packets of a test: made with scapy from the words of a flow, and marked so that they are known again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6PacketTooBig,
    ICMPv6ParamProblem,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrFragment,
)
from scapy.packet import Raw

from .rules import CLIENT_V4, CLIENT_V6, SERVER_V4, SERVER_V6

IN, OUT = True, False  # from the client's side, towards the server; and back
REDIRECT = 5
ICMPV6_ERRORS = {1: ICMPv6DestUnreach, 2: ICMPv6PacketTooBig, 3: ICMPv6TimeExceeded, 4: ICMPv6ParamProblem}


@dataclass(frozen=True)
class Frame:
    """One packet (from its IP header on) and the end that sends it."""

    from_client: bool
    packet: Any


@dataclass(frozen=True)
class Pause:
    """Nothing is sent for some seconds: the timers of both sides run."""

    seconds: float


Step = Frame | Pause


@dataclass(frozen=True)
class Flow:
    """Two ends and their ports; each method makes one packet, ``IN`` to the server or ``OUT`` to the client."""

    client: str = CLIENT_V4
    server: str = SERVER_V4
    client_port: int = 40000
    server_port: int = 443

    def ip(self, from_client: bool, **fields: Any) -> Any:
        """The IP header."""
        src, dst = (self.client, self.server) if from_client else (self.server, self.client)
        return IPv6(src=src, dst=dst, **fields) if ":" in self.client else IP(src=src, dst=dst, **fields)

    def ports(self, from_client: bool) -> dict[str, Any]:
        """The two ports, in scapy's names."""
        here, there = (self.client_port, self.server_port) if from_client else (self.server_port, self.client_port)
        return {"sport": here, "dport": there}

    def tcp(self, from_client: bool, flags: str, **fields: Any) -> Frame:
        """A TCP segment. Sequence numbers count for nothing here, so they are always the same."""
        segment = TCP(**self.ports(from_client), flags=flags, seq=1000, ack=1000 if "A" in flags else 0, **fields)
        return Frame(from_client, self.ip(from_client) / segment)

    def udp(self, from_client: bool, size: int = 8) -> Frame:
        """A datagram of ``size`` bytes."""
        return Frame(from_client, self.ip(from_client) / UDP(**self.ports(from_client)) / Raw(b"x" * size))

    def icmp(self, from_client: bool, kind: int, code: int = 0, identifier: int = 7) -> Frame:
        """ICMP over IPv4, of any type."""
        return Frame(from_client, self.ip(from_client) / ICMP(type=kind, code=code, id=identifier) / Raw(b"y" * 24))

    def ping(self, from_client: bool, *, reply: bool = False, identifier: int = 7) -> Frame:
        """An echo request or reply, of the flow's IP version."""
        if ":" not in self.client:
            return self.icmp(from_client, 0 if reply else 8, identifier=identifier)
        kind = ICMPv6EchoReply if reply else ICMPv6EchoRequest
        return Frame(from_client, self.ip(from_client) / kind(id=identifier, data=b"y" * 24))

    def other(self, from_client: bool, protocol: int) -> Frame:
        """A packet of another protocol; its content is such that GRE takes it for its plain version 0."""
        field = {"nh" if ":" in self.client else "proto": protocol}
        return Frame(from_client, self.ip(from_client, **field) / Raw(bytes(32)))

    def error(self, from_client: bool, kind: int, code: int, about: Frame, **router: str) -> Frame:
        """An ICMP error of ``kind`` that quotes a frame, to the quoted packet's sender.

        ``src`` or ``dst`` replace the error's own addresses: another router reports, or another host is told.
        """
        quoted = about.packet
        if ":" not in self.client:
            header = ICMP(type=kind, code=code)
            if (kind, code) == (3, 4):
                header.nexthopmtu = 1400
            elif kind == REDIRECT:
                header.gw = "203.0.113.254"
            ends = {"src": quoted.dst, "dst": quoted.src, **router}
            return Frame(from_client, IP(**ends) / header / Raw(bytes(quoted)[:28]))
        ends = {"src": quoted.dst, "dst": quoted.src, **router}
        return Frame(from_client, IPv6(**ends) / ICMPV6_ERRORS[kind](code=code) / Raw(bytes(quoted)[:128]))

    def fragments(self, from_client: bool, identification: int) -> list[Frame]:
        """A UDP datagram of 60 bytes in three fragments; ``identification`` is above 60,000, where no mark is."""
        datagram = UDP(**self.ports(from_client)) / Raw(b"z" * 52)
        # The checksum is the whole datagram's: as built within a whole packet.
        whole = bytes(self.ip(from_client) / datagram)
        content = whole[40 if ":" in self.client else 20 :]
        return [self._fragment(from_client, identification, content, start) for start in (0, 24, 48)]

    def _fragment(self, from_client: bool, identification: int, content: bytes, start: int) -> Frame:
        more, piece = start + 24 < len(content), Raw(content[start : start + 24])
        if ":" not in self.client:
            header = self.ip(from_client, proto=17, id=identification, flags="MF" if more else 0, frag=start // 8)
            return Frame(from_client, header / piece)
        fragment = IPv6ExtHdrFragment(nh=17, offset=start // 8, m=int(more), id=identification)
        return Frame(from_client, self.ip(from_client, fl=identification) / fragment / piece)


V6 = Flow(CLIENT_V6, SERVER_V6)


def mark(packet: Any, serial: int) -> Any:
    """A copy whose IPv4 identification or IPv6 flow label is ``serial``; fragments keep theirs."""
    packet = packet.copy()
    if isinstance(packet, IPv6):
        if IPv6ExtHdrFragment not in packet:
            packet.fl = serial
    elif not packet.frag and not packet.flags.MF:
        packet.id = serial
    return packet


def mark_of(frame: bytes) -> bytes:
    """What tells an Ethernet frame from the others of an exchange, and survives routers: identification (or flow
    label) and fragment offset."""
    ip = frame[14:]
    if ip[0] >> 4 == 4:
        offset = int.from_bytes(ip[6:8]) & 0x1FFF
        return ip[4:6] + offset.to_bytes(2)
    offset = int.from_bytes(ip[42:44]) >> 3 if ip[6] == 44 else 0
    return b"6" + ip[1:4] + offset.to_bytes(2)
