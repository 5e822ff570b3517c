"""A small world, and packets that tell what happens in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.utils import wrpcap

SCENARIO = """
security_groups:
  web:
    ingress: [tcp 443 from 0.0.0.0/0, tcp 22 from 203.0.113.0/24, icmp 8 from any, all from self]
    egress: [all to any]
  db:
    ingress: [tcp 5432 from web, udp 53 from corp]
prefix_lists: {corp: null}
vpcs: {main: 10.0.0.0/16}
interfaces:
  web-1: {addresses: [10.0.1.10], groups: [web], public_addresses: [54.1.2.3]}
  db-1: {addresses: [10.0.2.20, "2001:db8::20"], groups: [db], udp_timeout: 60}
  nat: {addresses: [10.0.9.9], groups: [], type: nat_gateway}
"""


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


class Story:
    """Packets one after the other, 10 ms apart."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self.packets: list[Any] = []
        self._time = start

    def add(self, *packets: Any, after: float = 0.01) -> Story:
        for packet in packets:
            self._time += after
            frame = (
                packet
                if isinstance(packet, Ether)
                else Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet
            )
            frame.time = self._time
            self.packets.append(frame)
        return self

    def connection(self, client: str, server: str, port: int, server_port: int, data: int = 2) -> Story:
        there, back = IP(src=client, dst=server), IP(src=server, dst=client)
        self.add(there / TCP(sport=port, dport=server_port, flags="S"))
        self.add(back / TCP(sport=server_port, dport=port, flags="SA"))
        return self.add(*(there / TCP(sport=port, dport=server_port, flags="A") / (b"x" * 50 * n) for n in range(data)))

    def save(self, path: Path) -> Path:
        wrpcap(str(path), self.packets)
        return path


def everything() -> Story:
    """Something for every field of the records and of the summary."""
    story = Story().connection("198.51.100.9", "10.0.1.10", 40_000, 443)
    story.connection("10.0.1.10", "10.0.2.20", 40_001, 5432, data=10)
    story.connection("10.0.1.10", "10.0.2.20", 40_002, 22, data=4)
    story.connection("198.51.100.9", "10.0.1.10", 40_003, 22)
    story.add(*(IP(src="54.1.2.3", dst="192.0.2.77") / UDP(sport=5000 + n, dport=53) / b"12345678" for n in range(6)))
    story.add(Ether() / ARP(), IP(src="10.0.1.10", dst="10.0.1.10") / UDP(sport=1, dport=2))
    story.add(IP(src="10.0.2.20", dst="198.51.100.1") / TCP(sport=80, dport=999, flags="A"))
    story.add(IP(src="198.51.100.9", dst="10.0.1.10") / ICMP(), IP(src="10.0.1.10", dst="198.51.100.9") / ICMP(type=0))
    story.add(IPv6(src="2001:db8::1", dst="2001:db8::20") / ICMPv6EchoRequest())
    story.add(IP(src="10.0.9.9", dst="10.0.1.10") / UDP(sport=53, dport=53) / b"12345678")
    story.add(IP(src="10.0.2.7", dst="10.0.2.20") / UDP(sport=5353, dport=53) / b"12345678")
    story.add(IP(src="10.0.1.10", dst="10.0.2.20", proto=47) / b"12345678")
    story.add(IP(src="10.0.2.7", dst="10.0.1.10", proto=17, frag=4, id=7) / b"12345678")
    return story.add(IP(src="10.0.1.10", dst="169.254.169.254") / TCP(sport=4, dport=80, flags="S"))
