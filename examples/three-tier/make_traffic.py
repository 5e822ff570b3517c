"""Makes traffic.pcap: half a minute in the life of the three tiers, seen by all of them. Needs scapy; run it here."""

from __future__ import annotations

from pathlib import Path

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw
from scapy.utils import PcapWriter

START = 1_760_000_000.0

WEB, WEB_2, APP, DB, BASTION = "10.0.1.10", "10.0.1.11", "10.0.2.20", "10.0.2.30", "10.0.1.5"
CUSTOMER, STRANGER, OFFICE, RESOLVER = "192.0.2.77", "192.0.2.200", "198.51.100.7", "10.0.0.2"
WEB_V6, CUSTOMER_V6 = "2001:db8:1::10", "2001:db8:ffff::7"


def ip(src: str, dst: str) -> Packet:
    return Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / (
        IPv6(src=src, dst=dst) if ":" in src else IP(src=src, dst=dst)
    )


def tcp(at: float, client: str, server: str, port: int, source: int, exchanges: int = 3, answered: bool = True):
    """A connection: handshake, so many requests and replies, FINs from both sides; or SYNs that nobody answers."""
    there, back = ip(client, server), ip(server, client)
    request, reply = TCP(sport=source, dport=port), TCP(sport=port, dport=source)

    def packet(base: Packet, segment: Packet, flags: str, size: int = 0) -> Packet:
        segment = segment.copy()
        segment.flags = flags
        return base / segment / Raw(b"x" * size) if size else base / segment

    yield at, packet(there, request, "S")
    if not answered:
        yield at + 1, packet(there, request, "S")
        yield at + 3, packet(there, request, "S")
        return
    yield at + 0.01, packet(back, reply, "SA")
    yield at + 0.02, packet(there, request, "A")
    for turn in range(exchanges):
        yield at + 0.1 + turn, packet(there, request, "PA", 200)
        yield at + 0.15 + turn, packet(back, reply, "PA", 900)
    end = at + 0.2 + exchanges
    yield end, packet(there, request, "FA")
    yield end + 0.01, packet(back, reply, "FA")
    yield end + 0.02, packet(there, request, "A")


def story():
    """Times, in seconds from the start, and packets."""
    yield 0.0, Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(psrc=WEB, pdst="10.0.1.1")
    yield from tcp(0.1, CUSTOMER, WEB, 443, 50_001, exchanges=6)
    yield from tcp(0.3, CUSTOMER_V6, WEB_V6, 443, 50_002, exchanges=4)
    yield from tcp(0.5, WEB, APP, 8080, 41_000, exchanges=6)
    yield from tcp(0.6, APP, DB, 5432, 42_000, exchanges=8)
    yield from tcp(2.0, OFFICE, BASTION, 22, 53_000, exchanges=10)
    yield from tcp(2.5, BASTION, APP, 22, 43_000, exchanges=9)
    # A name is looked up: never filtered. The clock is set: a rule of its own.
    yield 3.0, ip(APP, RESOLVER) / UDP(sport=44_000, dport=53) / Raw(b"q" * 30)
    yield 3.01, ip(RESOLVER, APP) / UDP(sport=53, dport=44_000) / Raw(b"r" * 60)
    yield 4.0, ip(WEB, "192.0.2.123") / UDP(sport=123, dport=123) / Raw(b"t" * 48)
    yield 4.04, ip("192.0.2.123", WEB) / UDP(sport=123, dport=123) / Raw(b"t" * 48)
    # The office pings web; so does a stranger.
    for turn in range(3):
        yield 5.0 + turn, ip(OFFICE, WEB_2) / ICMP(type=8, id=7, seq=turn) / Raw(b"p" * 32)
        yield 5.01 + turn, ip(WEB_2, OFFICE) / ICMP(type=0, id=7, seq=turn) / Raw(b"p" * 32)
        yield 5.5 + turn, ip(STRANGER, WEB_2) / ICMP(type=8, id=9, seq=turn) / Raw(b"p" * 32)
        yield 5.51 + turn, ip(WEB_2, STRANGER) / ICMP(type=0, id=9, seq=turn) / Raw(b"p" * 32)
    # A router on the way says that a packet of the app's connection to db was too big: about a tracked flow.
    quoted = IP(src=DB, dst=APP, proto=6) / TCP(sport=5432, dport=42_000)
    yield 6.0, ip("10.0.2.254", DB) / ICMP(type=3, code=4, nexthopmtu=1400) / Raw(bytes(quoted)[:28])
    # What must not be: SSH from a stranger; web going around app; app reading a web page without a rule; IPv6 ping.
    yield from tcp(8.0, STRANGER, BASTION, 22, 55_000, exchanges=2)
    yield from tcp(9.0, WEB, DB, 5432, 41_500, answered=False)
    yield from tcp(10.0, APP, "192.0.2.80", 80, 44_500, answered=False)
    yield 12.0, ip(CUSTOMER_V6, WEB_V6) / ICMPv6EchoRequest(id=3, seq=1)
    # A datagram in three pieces to a port that nothing asks for.
    whole = IP(src=STRANGER, dst=WEB, id=99) / UDP(sport=5_000, dport=9_999) / Raw(b"f" * 3_000)
    for number, piece in enumerate(fragments(whole)):
        yield 13.0 + number / 1000, Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / piece


def fragments(whole: Packet) -> list[Packet]:
    return whole.fragment(fragsize=1_200)


def main() -> None:
    path = Path(__file__).with_name("traffic.pcap")
    with PcapWriter(str(path), linktype=1) as writer:
        for at, packet in sorted(story(), key=lambda event: event[0]):
            packet.time = START + at
            writer.write(packet)


if __name__ == "__main__":
    main()
