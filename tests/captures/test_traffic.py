"""Ready traffic: what scapy, tshark's rules of TCP and the judge see in it, and that it is the same each time."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6, IPv6ExtHdrFragment
from scapy.utils import rdpcap, wrpcap

from sgsim.captures import from_packets, traffic
from sgsim.engine import Simulator
from sgsim.layout import FIRST_FRAGMENT, LATER_FRAGMENT, WHOLE
from sgsim.model import Reason
from sgsim.sources import load_topology

CLIENTS = {4: "192.0.2.7", 6: "2001:db8:ffff::7"}
SERVERS = {4: "10.0.1.10", 6: "2001:db8:1::10"}
ROUTERS = {4: "10.0.1.1", 6: "2001:db8:1::1"}
VERSIONS = (4, 6)

SCENARIO = """
security_groups:
  server: {ingress: [tcp 443 from any, udp 53 from any, icmp 8 from any, icmpv6 128 from ::/0], egress: []}
interfaces:
  server: {addresses: [10.0.1.10, "2001:db8:1::10"], groups: [server]}
"""


@pytest.fixture
def simulator(tmp_path: Path) -> Simulator:
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO)
    return Simulator(load_topology(path))


def ends(version: int) -> tuple[str, str]:
    return CLIENTS[version], SERVERS[version]


def everything(version: int) -> list[Any]:
    """A flow of each kind."""
    big = traffic.udp(*ends(version), 53, request_size=4_000, at=50)[0]
    return traffic.merged(
        traffic.tcp(*ends(version), 443),
        traffic.tcp(*ends(version), 443, at=10, source_port=50_000, close="reset"),
        traffic.udp(*ends(version), 53, at=20),
        traffic.ping(*ends(version), at=30, count=2),
        traffic.path_mtu_discovery(*ends(version), 443, ROUTERS[version], at=40),
        traffic.fragments(big),
    )


def flags(packets: list[Any]) -> list[str]:
    return [str(packet[TCP].flags) for packet in packets if TCP in packet]


def reasons(simulator: Simulator, packets: list[Any]) -> list[Reason]:
    return [decision.reason for decisions in simulator.judge(packets) for decision in decisions]


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_the_same_each_time(version: int):
    """Byte for byte, with its times."""
    one, other = everything(version), everything(version)
    assert [bytes(packet) for packet in one] == [bytes(packet) for packet in other]
    assert [packet.time for packet in one] == [packet.time for packet in other]


def folded(data: bytes) -> int:
    """The Internet checksum's sum (RFC 1071): 65,535 over data that holds its own checksum."""
    total = sum(int.from_bytes(data[n : n + 2].ljust(2, b"\0"), "big") for n in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@pytest.mark.parametrize("version", VERSIONS)
def test_checksums_and_lengths_are_right(version: int):
    """Of IPv4 headers, and with the pseudo header of TCP, UDP and ICMPv6; fragments hold those of their datagram."""
    checked = 0
    for packet in everything(version):
        data = bytes(packet)[14:]
        if version == 4:
            assert folded(data[:20]) == 0xFFFF
            assert int.from_bytes(data[2:4], "big") == len(data)
            protocol, payload, ends_of = data[9], data[20:], data[12:20]
        else:
            assert int.from_bytes(data[4:6], "big") == len(data) - 40
            protocol, payload, ends_of = data[6], data[40:], data[8:40]
        if IPv6ExtHdrFragment in packet or (version == 4 and (packet[IP].frag or packet[IP].flags.MF)):
            continue
        pseudo = b"" if protocol == 1 else ends_of + bytes([0, protocol]) + len(payload).to_bytes(2, "big")
        assert folded(pseudo + payload) == 0xFFFF, packet.summary()
        checked += 1
    assert checked > 20


@pytest.mark.parametrize("version", VERSIONS)
def test_a_connection(simulator: Simulator, version: int):
    """Handshake, data both ways, FINs of both; what one end says the other acknowledges; one rule, then the entry."""
    packets = traffic.tcp(*ends(version), 443, exchanges=2, request_size=7, reply_size=11)
    assert flags(packets) == ["S", "SA", "A", "PA", "PA", "PA", "PA", "FA", "FA", "A"]
    assert [len(packet[TCP].payload) for packet in packets] == [0, 0, 0, 7, 11, 7, 11, 0, 0, 0]
    for one, other in pairwise(packets[2:]):
        if one[TCP].sport != other[TCP].sport:
            sent = len(one[TCP].payload) + ("F" in one[TCP].flags)
            assert other[TCP].ack == one[TCP].seq + sent
            assert other[TCP].seq == one[TCP].ack
    assert reasons(simulator, packets) == [Reason.RULE, *[Reason.TRACKED] * 9]


@pytest.mark.parametrize("version", VERSIONS)
def test_other_ends_of_a_connection(version: int):
    """A reset by the client; none; and nobody answers."""
    assert flags(traffic.tcp(*ends(version), 443, exchanges=0, close="reset")) == ["S", "SA", "A", "RA"]
    assert flags(traffic.tcp(*ends(version), 443, exchanges=0, close=None)) == ["S", "SA", "A"]
    alone = traffic.tcp(*ends(version), 443, answered=False)
    assert flags(alone) == ["S", "S", "S"]
    assert len({bytes(packet) for packet in alone}) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_request_and_its_reply(simulator: Simulator, version: int):
    """UDP, so many times; or requests alone."""
    packets = traffic.udp(*ends(version), 53, exchanges=2, source_port=4_000)
    assert [(packet[UDP].sport, packet[UDP].dport) for packet in packets] == [(4_000, 53), (53, 4_000)] * 2
    assert reasons(simulator, packets) == [Reason.RULE, *[Reason.TRACKED] * 3]
    assert len(traffic.udp(*ends(version), 53, exchanges=2, answered=False)) == 2


@pytest.mark.parametrize("version", VERSIONS)
def test_a_ping(simulator: Simulator, version: int):
    """Echo requests and their replies, one identifier."""
    packets = traffic.ping(*ends(version), count=2, identifier=7)
    assert reasons(simulator, packets) == [Reason.RULE, *[Reason.TRACKED] * 3]
    (batch,) = from_packets(packets)
    assert batch.columns.src_port.tolist() == [7] * 4
    assert (batch.columns.dst_port >> 8).tolist() == ([8, 0] if version == 4 else [128, 129]) * 2
    assert len(traffic.ping(*ends(version), count=2, answered=False)) == 2


@pytest.mark.parametrize("version", VERSIONS)
def test_an_error_about_a_packet_that_is_too_big(simulator: Simulator, version: int):
    """The router quotes it to its sender, which is told of a connection that it has; the data goes again in parts."""
    packets = traffic.path_mtu_discovery(*ends(version), 443, ROUTERS[version], mtu=1_300)
    sizes = [len(packet) - 14 for packet in packets]
    assert sizes[4] == 1_500
    assert sizes[6] == 1_300
    assert sizes[6] + sizes[7] - 1_500 == (40 if version == 4 else 60)
    assert reasons(simulator, packets)[5] == Reason.RELATED
    (batch,) = from_packets(packets)
    assert (batch.columns.quoted >= 0).tolist() == [place == 5 for place in range(len(packets))]
    error = packets[5]
    assert (error[ICMP].nexthopmtu if version == 4 else error[ICMPv6PacketTooBig].mtu) == 1_300
    assert len(error) - 14 <= 1_280
    data = b"".join(bytes(packet[TCP].payload) for packet in packets[6:8])
    assert data == bytes(packets[4][TCP].payload)
    assert packets[6][TCP].seq == packets[4][TCP].seq


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mtu", [1_500, 1_280, 576, 57])
def test_fragments(simulator: Simulator, version: int, mtu: int):
    """None is longer than the link takes, together they are the datagram, and the later ones follow the first."""
    whole = traffic.udp(*ends(version), 53, request_size=3_001)[0]
    pieces = traffic.fragments(whole, mtu, identification=9)
    header = 48 if version == 6 else 20
    assert all(len(piece) - 14 <= mtu for piece in pieces)
    data = b"".join(bytes(piece)[14 + header :] for piece in pieces)
    assert data == bytes(whole)[14 + (40 if version == 6 else 20) :]
    (batch,) = from_packets(pieces)
    assert batch.columns.shape.tolist() == [FIRST_FRAGMENT, *[LATER_FRAGMENT] * (len(pieces) - 1)]
    assert set(batch.columns.fragment_id.tolist()) == {9}
    assert reasons(simulator, pieces) == [Reason.RULE] * len(pieces)
    offsets = [piece[IPv6ExtHdrFragment].offset if version == 6 else piece[IP].frag for piece in pieces]
    assert [8 * offset for offset in offsets] == [n * ((mtu - header) // 8 * 8) for n in range(len(pieces))]


def test_a_packet_that_fits_is_one_piece():
    """IPv4: no fragment at all then."""
    (piece,) = traffic.fragments(traffic.udp(*ends(4), 53)[0])
    (batch,) = from_packets([piece])
    assert batch.columns.shape.tolist() == [WHOLE]


def test_times_are_what_was_written():
    """Exact, also where a float would not be; one packet after the other."""
    packets = traffic.udp(*ends(4), 53, exchanges=2, at=Decimal("1700000000.123456789"), delay=Decimal("0.000000001"))
    (batch,) = from_packets(packets)
    assert batch.columns.time_ns.tolist() == [1_700_000_000_123_456_789 + n for n in range(4)]
    (batch,) = from_packets(traffic.tcp(*ends(4), 443, at=1_700_000_000.1, delay=0.1))
    assert batch.columns.time_ns.tolist() == [1_700_000_000_100_000_000 + n * 100_000_000 for n in range(8)]
    pieces = traffic.fragments(packets[3], 36, delay=Decimal("0.5"))
    (batch,) = from_packets(pieces)
    assert batch.columns.time_ns[1] - batch.columns.time_ns[0] == 500_000_000
    assert batch.columns.time_ns[0] == 1_700_000_000_123_456_792


def test_merged_flows_are_in_the_order_of_time():
    """Ties in the order given; nothing is lost."""
    flows = [traffic.tcp(*ends(4), 443, source_port=port, delay=0.01 * port) for port in (3, 1, 2)]
    found = traffic.merged(*flows)
    assert sorted(map(id, found)) == sorted(id(packet) for flow in flows for packet in flow)
    assert all(one.time <= other.time for one, other in pairwise(found))
    assert [packet[TCP].sport for packet in found[:3]] == [3, 1, 2]


def test_it_can_be_written_for_wireshark(tmp_path: Path):
    """As Ethernet; what is read again is the same."""
    packets = traffic.merged(*(everything(version) for version in VERSIONS))
    wrpcap(str(tmp_path / "all.pcap"), packets)
    assert [bytes(packet) for packet in rdpcap(str(tmp_path / "all.pcap"))] == [bytes(packet) for packet in packets]


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: traffic.tcp("10.0.0.1", "2001:db8::1", 443), "10.0.0.1 and 2001:db8::1 are not of one IP version"),
        (lambda: traffic.ping("2001:db8::1", "10.0.0.1"), "2001:db8::1 and 10.0.0.1 are not of one IP version"),
        (lambda: traffic.path_mtu_discovery(*ends(4), 443, "10.0.0.1", mtu=1_500), "mtu 1500: give one of 790 to 1499"),
        (lambda: traffic.path_mtu_discovery(*ends(6), 443, "::1", mtu=800), "mtu 800: give one of 810 to 1499 bytes"),
        (lambda: traffic.fragments(traffic.udp(*ends(4), 53)[0], 27), "mtu 27: no fragment fits it"),
        (lambda: traffic.fragments(traffic.udp(*ends(6), 53)[0], 55), "mtu 55: no fragment fits it"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, line: str):
    """One line that says why."""
    with pytest.raises(ValueError, match=line):
        make()


def test_ipv6_has_no_other_layers():
    """The versions are what the addresses are."""
    assert all(IPv6 in packet and IP not in packet for packet in traffic.tcp(*ends(6), 443))
