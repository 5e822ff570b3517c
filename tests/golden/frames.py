"""The packets of golden cases as bytes: Ethernet frames in a pcap file, for the way through the decoder."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

from sgsim.model import ICMP, ICMPV6, TCP, UDP, FragmentKind, Packet
from tests.golden.lines import Line

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD  # ethertypes
FRAGMENT_HEADER = 44  # RFC 8200, section 4.5
BODY = bytes(16)  # of what has no header that anybody reads
EIGHTHS = 185  # where later fragments begin, in units of 8 bytes: behind 1,480 bytes
NANOSECONDS, ETHERNET = 0xA1B23C4D, 1  # pcap magic, link type
SECOND = 10**9


def write_capture(path: Path, lines: Sequence[Line]) -> None:
    """A pcap file, times in nanoseconds, with one frame for each line."""
    parts = [struct.pack("<IHHiIII", NANOSECONDS, 2, 4, 0, 0, 65535, ETHERNET)]
    for line in lines:
        frame = frame_of(line)
        parts.append(struct.pack("<IIII", *divmod(line.packet.time_ns, SECOND), len(frame), len(frame)) + frame)
    path.write_bytes(b"".join(parts))


def frame_of(line: Line) -> bytes:
    """An Ethernet frame."""
    if line.skip is not None:
        return bytes(12) + struct.pack(">H", ARP) + bytes(28)
    ethertype = IPV4 if line.packet.src.version == 4 else IPV6
    return bytes(12) + struct.pack(">H", ethertype) + datagram_of(line.packet, line.about)


def datagram_of(packet: Packet, about: Packet | None = None) -> bytes:
    """The IP packet; ``about`` is quoted where it is ICMP. Checksums are 0: nobody looks at them."""
    payload = _payload(packet, about)
    if packet.src.version == 4:
        return _ipv4_header(packet, len(payload)) + payload
    return _ipv6_header(packet, len(payload)) + payload


def _payload(packet: Packet, about: Packet | None) -> bytes:
    if packet.fragment is FragmentKind.LATER:
        return BODY
    if packet.protocol == TCP:
        ports = struct.pack(">HH", packet.src_port, packet.dst_port)
        return ports + struct.pack(">IIBBHHH", 1, 1, 5 << 4, packet.tcp_flags, 65535, 0, 0)
    if packet.protocol == UDP:
        return struct.pack(">HHHH", packet.src_port, packet.dst_port, 8 + len(BODY), 0) + BODY
    if packet.protocol == (ICMP if packet.src.version == 4 else ICMPV6):
        head = struct.pack(">BBHHH", packet.icmp_type, packet.icmp_code, 0, packet.icmp_id, 1)
        return head + (datagram_of(about) if about else BODY)
    return BODY


def _ipv4_header(packet: Packet, length: int) -> bytes:
    """RFC 791, section 3.1."""
    place = {FragmentKind.WHOLE: 0, FragmentKind.FIRST: 0x2000, FragmentKind.LATER: EIGHTHS}[packet.fragment]
    words = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, packet.fragment_id, place, 64, packet.protocol, 0)
    return words + packet.src.packed + packet.dst.packed


def _ipv6_header(packet: Packet, length: int) -> bytes:
    """RFC 8200, section 3, and the fragment header of section 4.5 where it is a fragment."""
    addresses = packet.src.packed + packet.dst.packed
    if packet.fragment is FragmentKind.WHOLE:
        return struct.pack(">IHBB", 6 << 28, length, packet.protocol, 64) + addresses
    place = 1 if packet.fragment is FragmentKind.FIRST else EIGHTHS << 3
    fragment = struct.pack(">BBHI", packet.protocol, 0, place, packet.fragment_id)
    return struct.pack(">IHBB", 6 << 28, length + len(fragment), FRAGMENT_HEADER, 64) + addresses + fragment
