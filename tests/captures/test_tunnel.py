"""Frames inside VXLAN packets, made by scapy and taken out by scapy: the decapsulation finds the same in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from sgsim.captures import Batch, Capture, Decapsulated, Link, PacketCapture, PacketWriter, merged, open_capture
from sgsim.captures.buffers import allocate, trimmed
from sgsim.kernels.decode import decode
from sgsim.layout import FIRST_FRAGMENT, LATER_FRAGMENT
from sgsim.model import Skip
from tests.captures.layouts import Row, enhanced, interface, pcap, pcap_header, record, rows_of, section
from tests.captures.oracle import Said, said

ETHERNET = 1
CUT = 1 << 17  # an inner frame is decoded as one that was cut off
FIELDS = ("skip", *Row._fields[Row._fields.index("version") : Row._fields.index("frame")])

ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")  # given, or scapy asks the network for them
ends, ends6 = {"src": "10.0.1.10", "dst": "203.0.113.9"}, {"src": "2001:db8::1", "dst": "2001:db8::2"}
quoted = IP(src="203.0.113.9", dst="10.0.1.10") / UDP(sport=5000, dport=53) / b"question"
INNER = {
    "tcp": ETHER / IP(**ends) / TCP(sport=40_000, dport=443, flags="S"),
    "tcp with data": ETHER / IP(**ends) / TCP(sport=443, dport=40_000, flags="PA") / (b"x" * 900),
    "udp": ETHER / IP(**ends) / UDP(sport=40_000, dport=53) / b"question",
    "icmp": ETHER / IP(**ends) / ICMP(id=7) / b"12345678",
    "icmp error": ETHER / IP(**ends) / ICMP(type=3, code=3) / quoted,
    "options": ETHER / IP(**ends, options=[b"\x01"] * 4) / TCP(sport=1, dport=2, flags="A"),
    "other protocol": ETHER / IP(**ends, proto=47) / b"12345678",
    "first fragment": ETHER / IP(**ends, flags="MF", id=9) / UDP(sport=1, dport=2, len=2000) / b"12345678",
    "later fragment": ETHER / IP(**ends, frag=100, proto=17, id=9) / b"12345678",
    "tagged": ETHER / Dot1Q(vlan=5) / IP(**ends) / UDP(sport=1, dport=2) / b"12345678",
    "ipv6": ETHER / IPv6(**ends6) / TCP(sport=40_000, dport=443, flags="SA"),
    "icmpv6": ETHER / IPv6(**ends6) / ICMPv6EchoRequest(id=7),
    "ipv6 fragment": ETHER / IPv6(**ends6) / IPv6ExtHdrFragment(offset=5, id=3, nh=17) / b"12345678",
    "arp": ETHER / ARP(),
    "nested": ETHER
    / IP(**ends)
    / UDP(sport=7, dport=4789)
    / VXLAN(vni=2)
    / ETHER
    / IP(src="1.1.1.1", dst="1.1.1.2")
    / UDP(),
}
mirror = {"src": "10.0.9.1", "dst": "10.0.9.2"}
OUTER = {
    "ipv4": ETHER / IP(**mirror) / UDP(sport=50_000, dport=4789) / VXLAN(vni=77),
    "ipv4, options": ETHER / IP(**mirror, options=[b"\x01"] * 8) / UDP(sport=4789, dport=4789) / VXLAN(vni=77),
    "ipv6": ETHER / IPv6(src="2001:db8:9::1", dst="2001:db8:9::2") / UDP(sport=50_000, dport=4789) / VXLAN(vni=77),
    "tagged": ETHER / Dot1Q(vlan=9) / IP(**mirror) / UDP(sport=50_000, dport=4789, chksum=0) / VXLAN(vni=77),
    "policy": ETHER / IP(**mirror) / UDP(sport=50_000, dport=4789) / VXLAN(vni=77, flags=0x88, gpid=3),
}


def decapsulated(capture: Capture | PacketCapture | _Held, packets: int = 8192) -> list[Row]:
    """What is read; ``frame`` is the outer one."""
    found: list[Row] = []
    for batch in Decapsulated(capture).batches(packets):
        found += rows_of(batch.columns, batch.window, batch.first)
    return found


@pytest.fixture
def rows(tmp_path: Path) -> Any:
    """Decapsulate frames, each with its length on the wire."""

    def read(frames: Sequence[bytes], lengths: Sequence[int] | None = None) -> list[Row]:
        wire = lengths or [len(frame) for frame in frames]
        path = tmp_path / "mirror.pcap"
        path.write_bytes(
            pcap_header() + b"".join(record(frame, length=n) for frame, n in zip(frames, wire, strict=True))
        )
        with open_capture(str(path)) as capture:
            return decapsulated(capture)

    return read


def fields(row: Row) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in FIELDS)


def inside(frame: bytes) -> bytes | None:
    """The bytes behind the VXLAN header in an outermost UDP datagram to port 4789, or None, as scapy finds them."""
    layer = Ether(frame)
    while isinstance(layer, Ether | Dot1Q):
        layer = layer.payload
    datagram = layer.payload if isinstance(layer, IP | IPv6) else None
    if not isinstance(datagram, UDP) or datagram.dport != 4789 or not isinstance(datagram.payload, VXLAN):
        return None
    return datagram.payload.original[8:] if datagram.payload.flags & 8 else None


@pytest.mark.parametrize("outer", [*OUTER])
@pytest.mark.parametrize("name", [*INNER])
def test_the_inner_frame_is_what_scapy_finds(rows: Any, outer: str, name: str):
    """Every field, and the length on the wire, of every kind of frame within every kind of packet."""
    inner = bytes(INNER[name])
    frame = bytes(OUTER[outer] / INNER[name])
    (row,) = rows([frame])
    assert inside(frame) == inner
    assert fields(row) == said(inner, ETHERNET, len(inner) + CUT)
    assert row.length == len(inner)
    assert (row.frame, row.captured) == (frame, len(frame))


@pytest.mark.parametrize("name", ["tcp", "icmp error", "ipv6", "tagged", "arp"])
def test_a_frame_cut_anywhere_is_judged_as_far_as_it_is_there(rows: Any, name: str):
    """By the snap length of the capture, and by mirroring, which shortens the outer packet's own lengths as well."""
    inner = bytes(INNER[name])
    whole = bytes(OUTER["ipv4"] / INNER[name])
    head = len(whole) - len(inner)
    snapped = [whole[:size] for size in range(head, len(whole) + 1)]
    mirrored = [bytes(OUTER["ipv4"] / Raw(inner[:size])) for size in range(len(inner) + 1)]
    for found in (rows(snapped, [len(whole)] * len(snapped)), rows(mirrored)):
        assert [fields(row) for row in found] == [
            said(inner[:size], ETHERNET, len(inner) + CUT) for size in range(len(inner) + 1)
        ]
        assert {row.length for row in found if row.skip is None} <= {len(inner)}


def test_what_is_no_vxlan_is_never_taken_for_it(rows: Any):
    """Without the I flag, or without room for the header, it is malformed; cut off before it, truncated."""
    head = ETHER / IP(**mirror) / UDP(sport=50_000, dport=4789)
    flagless = bytes(head / VXLAN(flags=0, vni=77) / INNER["tcp"])
    short = bytes(head / b"\x08\0\0\0")
    empty = bytes(head / VXLAN(vni=77))
    lying = bytes(ETHER / IP(**mirror) / UDP(sport=50_000, dport=4789, len=15) / VXLAN(vni=77) / INNER["tcp"])
    cut = bytes(OUTER["ipv4"] / INNER["tcp"])
    found = rows([flagless, short, empty, lying, cut[:49]], [len(flagless), len(short), len(empty), len(lying), 104])
    assert [row.skip for row in found] == [
        Skip.MALFORMED,
        Skip.MALFORMED,
        Skip.TRUNCATED,
        Skip.MALFORMED,
        Skip.TRUNCATED,
    ]
    assert {row.version for row in found} == {0}


def test_bytes_behind_the_datagram_are_no_part_of_the_frame(rows: Any):
    """Ethernet's padding of the outer frame, and what the UDP length leaves out; a length of 0 leaves out nothing."""
    outer, inner = ETHER / IP(**mirror), INNER["tcp"]
    padded = bytes(OUTER["ipv4"] / inner) + bytes(40)
    short = bytes(outer / UDP(sport=5, dport=4789, len=16 + len(inner)) / VXLAN(vni=77) / Raw(bytes(inner) + b"y" * 30))
    longer = bytes(outer / UDP(sport=5, dport=4789) / VXLAN(vni=77) / Raw(bytes(inner) + b"y" * 30))
    unstated = bytes(outer / UDP(sport=5, dport=4789, len=0) / VXLAN(vni=77) / inner)
    found = rows([padded, short, longer, unstated])
    assert [row.length for row in found] == [len(inner)] * 2 + [len(inner) + 30] + [len(inner)]
    assert {fields(row) for row in found} == {said(bytes(inner), ETHERNET, len(inner) + CUT)}


def test_other_packets_are_what_they_were(rows: Any, tmp_path: Path):
    """UDP from port 4789, to another port, TCP to 4789, and everything else, in any order beside VXLAN."""
    others = [
        bytes(ETHER / IP(**mirror) / UDP(sport=4789, dport=50_000) / VXLAN() / INNER["tcp"]),
        bytes(ETHER / IP(**mirror) / UDP(sport=4789, dport=4790) / VXLAN() / INNER["tcp"]),
        bytes(ETHER / IP(**mirror) / TCP(sport=4789, dport=4789)),
        *(bytes(inner) for name, inner in INNER.items() if name != "nested"),
    ]
    path = tmp_path / "plain.pcap"
    path.write_bytes(pcap_header() + b"".join(record(frame) for frame in others))
    with open_capture(str(path)) as capture:
        (batch,) = capture.batches()
        plain = [fields(row) for row in rows_of(batch.columns, batch.window, 1)]
    mixed = [frame for other in others for frame in (other, bytes(OUTER["ipv6"] / INNER["icmp error"]))]
    found = rows(mixed)
    assert [fields(row) for row in found[::2]] == plain
    assert {fields(row) for row in found[1::2]} == {said(bytes(INNER["icmp error"]), ETHERNET, CUT)}


@pytest.mark.parametrize("version", [4, 6])
def test_a_fragmented_packet_gives_its_frame_once(rows: Any, version: int):
    """The first fragment shows the frame's headers and the datagram's length; those that follow it show nothing."""
    inner = bytes(INNER["tcp with data"])
    datagram = bytes(UDP(sport=5, dport=4789, len=16 + len(inner)) / VXLAN(vni=77) / Raw(inner))

    def piece(number: int, begin: int, end: int) -> bytes:
        part, more = datagram[begin:end], end < len(datagram)
        if version == 4:
            return bytes(ETHER / IP(**mirror, id=number, flags=int(more), frag=begin // 8, proto=17) / Raw(part))
        header = IPv6ExtHdrFragment(id=number, m=int(more), offset=begin // 8, nh=17)
        return bytes(ETHER / IPv6(**ends6) / header / Raw(part))

    dns = bytes(UDP(sport=5, dport=53, len=400) / Raw(b"z" * 72))
    other = bytes(ETHER / IP(**mirror, id=7, flags=1, proto=17) / Raw(dns))
    frames = [piece(7, 496, 800), piece(7, 0, 496), piece(7, 496, 800), piece(8, 496, 800), piece(7, 800, 2000)]
    found = rows([*frames, other, piece(7, 496, 800)])
    assert [row.skip for row in found] == [None, None, Skip.TRUNCATED, None, Skip.TRUNCATED, None] + (
        [None] if version == 4 else [Skip.TRUNCATED]
    )
    assert fields(found[1]) == said(inner, ETHERNET, len(inner) + CUT)
    assert found[1].length == len(inner)
    shapes = [row.shape for row in found if row.skip is None]
    assert shapes == [LATER_FRAGMENT, 0, LATER_FRAGMENT, FIRST_FRAGMENT] + ([LATER_FRAGMENT] if version == 4 else [])


def test_packets_are_written_as_they_came(tmp_path: Path):
    """The outer frames, with their own lengths on the wire, alone and merged with a capture that has no VXLAN."""
    frames = [bytes(OUTER["ipv4"] / inner) for inner in INNER.values()]
    whole = pcap_header() + b"".join(record(f[:120], length=len(f), seconds=n) for n, f in enumerate(frames))
    (tmp_path / "mirror.pcap").write_bytes(whole)
    (tmp_path / "plain.pcap").write_bytes(pcap([bytes(INNER["tcp"])] * 3))
    for names in (["mirror.pcap"], ["mirror.pcap", "plain.pcap"]):
        with open_capture(str(tmp_path / names[0])) as first, open_capture(str(tmp_path / names[-1])) as second:
            captures = [first, second][: len(names)]
            with open(tmp_path / "out.pcap", "wb") as file:
                writer = PacketWriter("out.pcap", file, captures)
                for batch in merged([Decapsulated(capture) for capture in captures], 5):
                    writer.write(batch, np.isin(batch.capture, [0]))
                writer.finish()
        assert (tmp_path / "out.pcap").read_bytes()[24:] == whole[24:]


def test_scapy_packets_and_several_links(tmp_path: Path):
    """Packets in memory, and a pcapng whose interfaces have different link types."""
    packets = [OUTER["ipv6"][IPv6] / INNER["icmp error"], OUTER["ipv4"] / INNER["icmp error"]]
    expected = said(bytes(INNER["icmp error"]), ETHERNET, CUT)
    assert {fields(row) for row in decapsulated(PacketCapture(packets))} == {expected}
    blocks = [enhanced(bytes(packets[1]), number=0), enhanced(bytes(packets[0]), number=1)]
    path = tmp_path / "two.pcapng"
    path.write_bytes(section() + interface() + interface(link=101) + b"".join(blocks * 3))
    with open_capture(str(path)) as capture:
        assert [fields(row) for row in decapsulated(capture, 4)] == [expected] * 6


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from([*OUTER]),
    st.sampled_from([*INNER]),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4),
    st.integers(0, 300),
)
def test_damaged_packets_are_never_read_beyond_their_end(outer, name, damage, size):
    """Any bytes changed and anything cut off: what follows in the window makes no difference."""
    frame = bytearray(bytes(OUTER[outer] / INNER[name]))
    for place, value in damage:
        frame[place % len(frame)] = value
    cut = bytes(frame[:size])
    zeros, ones = ([fields(row) for row in decapsulated(_Held(cut, behind * 400))] for behind in (b"\0", b"\xff"))
    assert zeros == ones


class _Held:
    """One Ethernet frame in a window that goes on behind it."""

    def __init__(self, frame: bytes, behind: bytes) -> None:
        self.links = [Link(ETHERNET)]
        self._size, self._window = len(frame), np.frombuffer(frame + behind, dtype=np.uint8)

    def batches(self, packets: int = 8192, ahead: int = 1) -> Iterator[Batch]:
        columns = allocate(1)
        columns.captured[0] = columns.length[0] = self._size
        quotes = decode(self._window, np.array([ETHERNET], dtype=np.uint16), columns, 1)
        yield Batch(trimmed(columns, 1, quotes), self._window, 1, 1)


CAPTURES = (
    "pcap/the-tcpdump-group+libpcap/tests/filter/vxlan.pcap",
    "pcap/seladb+PcapPlusPlus/Tests/Packet++Test/PacketExamples/Vxlan1.pcap",
    "pcap/seladb+PcapPlusPlus/Tests/Packet++Test/PacketExamples/Vxlan2.pcap",
    "pcap/OISF+suricata-verify/tests/arp/detect-arp-04-vxlan/vxlan-arp.pcap",
    "pcap/OISF+suricata-verify/tests/vxlan-decoder-01/input.pcap",
    "pcap/OISF+suricata-verify/tests/vxlan-non-zero-reserved-fields/input.pcap",
    "pcap/zeek+zeek/testing/btest/Traces/tunnels/vxlan-triple-v2.pcap",
    "pcap/zeek+zeek/testing/btest/Traces/tunnels/vxlan-encapsulated-igmp-v2.pcap",
    "pcap/zeek+zeek/testing/btest/Traces/tunnels/vxlan-inner-tcp-bad-checksum.pcap",
)


@pytest.mark.parametrize("name", CAPTURES)
def test_real_tunnels_are_what_scapy_finds(data: Path, name: str):
    """Every packet of real captures, inside where it is VXLAN and as it is where not."""
    with open_capture(str(data / name)) as capture:
        found = decapsulated(capture)
    tunnels = 0
    for row in found:
        inner = inside(row.frame)
        expected: Said = said(row.frame, ETHERNET, row.length) if inner is None else said(inner, ETHERNET, 1 << 18)
        assert fields(row) == expected
        tunnels += inner is not None
    assert tunnels
