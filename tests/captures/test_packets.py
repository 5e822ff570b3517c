"""scapy packets go through the same decoder as files do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, CookedLinux, CookedLinuxV2, Dot1Q, Dot3, Ether, Loopback
from scapy.packet import Raw
from scapy.utils import EDecimal, rdpcap

from sgsim.captures import MergedBatch, PacketCapture, PacketWriter, from_packets, merged, open_capture
from sgsim.model import Skip
from tests.captures.layouts import Row, pcap, read_file, rows_of

PLAIN = IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=1000, dport=53)


def rows(packets) -> list[Row]:
    found: list[Row] = []
    for batch in from_packets(packets):
        found += rows_of(batch.columns, batch.window, batch.first)
    return found


@pytest.mark.parametrize(
    ("packet", "link_type"),
    [
        (Ether() / PLAIN, 1),
        (Ether() / Dot1Q(vlan=5) / PLAIN, 1),
        (PLAIN, 101),
        (IPv6(src="::1", dst="::2") / UDP(sport=1000, dport=53), 101),
        (CookedLinux(proto=0x800) / PLAIN, 113),
        (CookedLinuxV2(proto=0x800) / PLAIN, 276),
        (Loopback(type=2) / PLAIN, 0),
    ],
)
def test_the_bottom_layer_says_the_link_type(packet, link_type):
    """And the rest is decoded as from a file."""
    capture = PacketCapture([packet])
    (batch,) = capture.batches()
    (row,) = rows_of(batch.columns, batch.window, batch.first)
    assert capture.links[row.link].link_type == link_type
    assert (row.skip, row.protocol, row.src_port, row.dst_port, row.frame) == (None, 17, 1000, 53, bytes(packet))


def test_a_subclass_is_what_its_parent_is():
    """As scapy itself sees it."""

    class MyIP(IP):
        name = "mine"

    assert rows([MyIP(src="10.0.0.1", dst="10.0.0.2") / TCP(dport=22, flags="S")])[0].dst_port == 22


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (EDecimal("1700000000.123456789"), 1_700_000_000_123_456_789),
        (Decimal("0.0000000019"), 1),
        (EDecimal("-0.0000000015"), -2),
        (0.25, 250_000_000),
        (12, 12 * 10**9),
        (1e300, 2**62),
    ],
)
def test_times_are_exact(time, expected):
    """Decimals to the nanosecond, rounded down; held at the bounds as in files."""
    packet = PLAIN.copy()
    packet.time = time
    assert rows([packet])[0].time_ns == expected


@pytest.mark.parametrize("thing", [b"\x45\0", "packet", None, 7, Raw(b"abc"), ARP(), TCP(dport=80), ICMP()])
def test_what_is_no_packet_is_a_type_error(thing):
    """Named by its type."""
    with pytest.raises(TypeError, match=type(thing).__name__):
        list(from_packets([PLAIN, thing]))


def test_packets_are_numbered_through_batches():
    """20,000 of them make several; numbers go on."""
    packet = Ether() / PLAIN
    firsts = [(batch.first, len(batch.columns.skip)) for batch in PacketCapture([packet] * 20).batches(8)]
    assert firsts == [(1, 8), (9, 8), (17, 4)]
    assert list(from_packets([])) == []


def test_packets_without_ip_are_skipped():
    """As frames of a file are."""
    found = rows([Ether() / ARP(), Dot3() / Raw(bytes(20)), Ether() / PLAIN])
    assert [row.skip for row in found] == [Skip.NOT_IP, Skip.NOT_IP, None]


def test_a_generator_is_read_as_it_goes():
    """Only as many packets are asked for as a batch holds."""
    asked = []

    def source():
        for number in range(100):
            asked.append(number)
            yield PLAIN

    next(PacketCapture(source()).batches(10))
    assert len(asked) == 10


def test_the_length_on_the_wire_is_kept(tmp_path):
    """Packets that scapy read from a file which cut them give what the file gives."""
    path = tmp_path / "cut.pcap"
    path.write_bytes(pcap([bytes(Ether() / PLAIN / Raw(bytes(100)))]))
    (packet,) = rdpcap(str(path))
    packet.wirelen = 900
    assert rows([packet])[0].length == 900


NAMES = (
    "pcap/the-tcpdump-group+tcpdump/tests/tcp-handshake-nano.pcap",
    "pcap/zeek+zeek/testing/btest/Traces/icmp/icmp6-destunreach-no-context.pcap",
    "pcap/secdev+scapy/test/pcaps/gvrp.pcapng.gz",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_read_by_scapy_gives_the_same_columns(data, name):
    """Times, lengths and every decoded field; links are numbered differently."""
    expected = read_file(data / name).rows
    found = rows(rdpcap(str(data / name)))
    assert [row._replace(link=0) for row in found] == [row._replace(link=0) for row in expected]


def test_packets_merge_and_are_written(tmp_path: Path):
    """With a file, in the order of time."""
    path, target = tmp_path / "file.pcap", tmp_path / "out.pcapng"
    path.write_bytes(pcap([bytes(Ether() / PLAIN)] * 3))
    early = PLAIN.copy()
    early.time = EDecimal("1.5")
    with open_capture(str(path)) as capture, open(target, "wb") as file:
        sources = [capture, PacketCapture([early])]
        writer = PacketWriter(target.name, file, sources)
        batch: MergedBatch
        for batch in merged(sources):
            writer.write(batch, np.ones(len(batch.capture), bool))
        writer.finish()
    assert [row.time_ns for row in read_file(target).rows] == [10**9, 1_500_000_000, 2 * 10**9, 3 * 10**9]
