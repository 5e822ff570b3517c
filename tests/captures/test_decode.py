"""Frames made by hand: each rule of decoding that few real captures touch. The oracle is asked as well."""

from __future__ import annotations

from struct import pack

import pytest

from sgsim.layout import FIRST_FRAGMENT, LATER_FRAGMENT, WHOLE
from sgsim.model import Skip
from tests.captures.layouts import IPV4, UDP, Row, pcap, pcap_header, record
from tests.captures.oracle import said

ETHERNET, RAW = 1, 101
V4, V6 = b"\x08\x00", b"\x86\xdd"
TCP = pack(">HHIIBBHHH", 40000, 443, 1, 2, 0x50, 0x12, 1000, 0, 0)
ENDS6 = bytes([0x20, 1]) + bytes(13) + b"\1" + bytes([0x20, 1]) + bytes(13) + b"\2"


def ethernet(ethertype: bytes, payload: bytes) -> bytes:
    return bytes(12) + ethertype + payload


def ipv4(protocol: int, payload: bytes, *, total: int | None = None, flags: int = 0, options: bytes = b"") -> bytes:
    total = 20 + len(options) + len(payload) if total is None else total
    head = pack(">BBHHHBBH", 0x45 + len(options) // 4, 0, total, 0x1234, flags, 64, protocol, 0)
    return head + IPV4[12:20] + options + payload


def ipv6(next_header: int, payload: bytes, *, length: int | None = None) -> bytes:
    return pack(">IHBB", 6 << 28, len(payload) if length is None else length, next_header, 64) + ENDS6 + payload


def fragment_header(next_header: int, offset: int, more: int) -> bytes:
    return pack(">BBHI", next_header, 0, offset << 3 | more, 0xABCD1234)


@pytest.fixture
def row(read):
    """Decode one frame, hold it against the oracle, and return it."""

    def decoded(frame: bytes, link: int = ETHERNET, length: int | None = None) -> Row:
        (found,) = read(pcap_header(link=link) + record(frame, length=length)).rows
        fields = (found.skip, *found[Row._fields.index("version") : Row._fields.index("frame")])
        assert fields == said(frame, link, found.length)
        return found

    return decoded


LINKS = {
    "ethernet": (1, ethernet(V4, IPV4 + UDP)),
    "two tags": (1, ethernet(b"\x88\xa8", b"\0\1\x81\0\0\2" + V4 + IPV4 + UDP)),
    "old tag": (1, ethernet(b"\x91\x00", b"\0\1" + V4 + IPV4 + UDP)),
    "twelve tags": (1, ethernet(b"\x81\x00", b"\0\1\x81\0" * 11 + b"\0\1" + V4 + IPV4 + UDP)),
    "MPLS": (1, ethernet(b"\x88\x47", b"\0\0\x10\x40" + b"\0\0\x21\x40" + IPV4 + UDP)),
    "MPLS multicast": (1, ethernet(b"\x88\x48", b"\0\0\x21\x40" + IPV4 + UDP)),
    "PPPoE": (1, ethernet(b"\x88\x64", b"\x11\0\0\1\0\x22\0\x21" + IPV4 + UDP)),
    "PPPoE compressed": (1, ethernet(b"\x88\x64", b"\x11\0\0\1\0\x21\x21" + IPV4 + UDP)),
    "tag and PPPoE": (1, ethernet(b"\x81\x00", b"\0\1\x88\x64\x11\0\0\1\0\x22\0\x21" + IPV4 + UDP)),
    "loopback, host order": (0, b"\2\0\0\0" + IPV4 + UDP),
    "loopback, network order": (0, b"\0\0\0\2" + IPV4 + UDP),
    "OpenBSD loopback": (108, b"\0\0\0\2" + IPV4 + UDP),
    "raw": (101, IPV4 + UDP),
    "raw, BSD": (12, IPV4 + UDP),
    "raw, OpenBSD": (14, IPV4 + UDP),
    "IPv4": (228, IPV4 + UDP),
    "cooked": (113, bytes(14) + V4 + IPV4 + UDP),
    "cooked, tagged": (113, bytes(14) + b"\x81\0\0\1" + V4 + IPV4 + UDP),
    "cooked 2": (276, V4 + bytes(18) + IPV4 + UDP),
}


@pytest.mark.parametrize("name", [*LINKS])
def test_link_headers_are_looked_through(row, name):
    """Every link type that is supported, and all that may stand between it and IP."""
    link, frame = LINKS[name]
    found = row(frame, link)
    assert (found.skip, found.src, found.dst, found.protocol) == (None, "10.0.0.1", "10.0.0.2", 17)
    assert (found.src_port, found.dst_port) == (1000, 53)


@pytest.mark.parametrize("name", [*LINKS])
def test_a_frame_cut_anywhere_is_truncated(row, name):
    """If the capture cut it: too short on the wire, its link header holds no IP and its IP header is malformed."""
    link, frame = LINKS[name]
    network = len(frame) - 32
    for size in range(len(frame) - 4):  # but for the four bytes of data
        assert row(frame[:size], link, len(frame)).skip is Skip.TRUNCATED
        # Behind MPLS labels the first half-byte of the packet says what it is, so it must be there too.
        no_ip = size < network or (name.startswith("MPLS") and size == network)
        assert row(frame[:size], link, size).skip is (Skip.NOT_IP if no_ip else Skip.MALFORMED)
    assert row(frame[:-4], link, len(frame)).skip is None


FAMILIES = [(2, 4), (10, 6), (24, 6), (28, 6), (30, 6)]


@pytest.mark.parametrize(("family", "version"), FAMILIES)
@pytest.mark.parametrize(("link", "order"), [(0, "little"), (0, "big"), (108, "big")])
def test_bsd_families(row, family, version, link, order):
    """2 is IPv4 everywhere; IPv6 has another number on each system."""
    packet = IPV4 + UDP if version == 4 else ipv6(17, UDP)
    assert row(family.to_bytes(4, order) + packet, link).version == version


NOT_IP = {
    "ARP": (1, ethernet(b"\x08\x06", bytes(46))),
    "802.3 length": (1, ethernet(b"\x00\x26", b"\xaa\xaa\3\0\0\0" + V4 + IPV4 + UDP)),
    "PPPoE discovery": (1, ethernet(b"\x88\x63", bytes(46))),
    "PPPoE, LCP": (1, ethernet(b"\x88\x64", b"\x11\0\0\1\0\4\xc0\x21\1\1\0\4")),
    "MPLS, pseudowire": (1, ethernet(b"\x88\x47", b"\0\0\x11\x40" + bytes(46))),
    "AppleTalk loopback": (0, b"\x10\0\0\0" + bytes(40)),
    "LOOP in host order": (108, b"\2\0\0\0" + IPV4 + UDP),
    "netlink": (113, b"\0\0\x03\x38" + bytes(10) + V4 + IPV4 + UDP),
    "cooked radiotap": (113, b"\0\0\x03\x23" + bytes(10) + V4 + IPV4 + UDP),
    "cooked 2 frame relay": (276, V4 + bytes(6) + b"\x03\x02" + bytes(10) + IPV4 + UDP),
}


@pytest.mark.parametrize("name", [*NOT_IP])
def test_what_is_not_ip(row, name):
    """It is counted, and makes no observation."""
    link, frame = NOT_IP[name]
    assert row(frame, link).skip is Skip.NOT_IP


MALFORMED = {
    "version 6 in an IPv4 ethertype": (1, ethernet(V4, ipv6(17, UDP))),
    "version 4 in an IPv6 ethertype": (1, ethernet(V6, IPV4 + UDP + bytes(20))),
    "version 5 in raw IP": (101, b"\x55" + bytes(40)),
    "version 0 in raw IP": (101, b"\x05" + IPV4[1:] + UDP + bytes(20)),
    "IPv6 in a link of IPv4": (228, ipv6(17, UDP)),
    "IPv4 in a link of IPv6": (229, IPV4 + UDP + bytes(20)),
    "header length 4": (101, b"\x44" + IPV4[1:] + UDP),
    "total length below the header": (101, ipv4(17, UDP, total=19)),
    "total length leaves no room for UDP": (101, ipv4(17, UDP, total=27)),
    "total length leaves no room for TCP's flags": (101, ipv4(6, TCP, total=33)),
    "total length leaves no room for ICMP": (101, ipv4(1, bytes(8), total=27)),
    "options beyond the total length": (101, ipv4(17, UDP, options=bytes(8), total=24)),
    "payload length leaves no room for UDP": (101, ipv6(17, UDP, length=7)),
    "extension beyond the payload": (101, ipv6(0, b"\x11\5" + bytes(14))),
    "two fragment headers": (101, ipv6(44, fragment_header(44, 0, 1) + fragment_header(17, 0, 1) + UDP)),
    "fragment header of four bytes": (101, ipv6(44, fragment_header(17, 0, 1)[:4])),
    "packet longer than the frame": (101, ipv4(6, TCP[:10], total=60)),
}


@pytest.mark.parametrize("name", [*MALFORMED])
def test_what_is_malformed(row, name):
    """A header that contradicts itself, or lengths that leave no room for what must be read."""
    link, packet = MALFORMED[name]
    assert row(packet, link).skip is Skip.MALFORMED


@pytest.mark.parametrize(("total", "protocol"), [(28, 17), (34, 6), (28, 1)])
def test_room_for_what_must_be_read_is_enough(row, total, protocol):
    """8 bytes of UDP and ICMP, 14 of TCP; what follows the IP length is padding."""
    payload = {17: UDP, 6: TCP, 1: b"\x08\0\0\0\x12\x34\0\1"}[protocol]
    assert row(ethernet(V4, ipv4(protocol, payload[: total - 20], total=total) + bytes(20))).skip is None


@pytest.mark.parametrize("link", [RAW, ETHERNET])
def test_a_length_of_zero_means_up_to_the_end_of_the_frame(row, link):
    """Segmentation offload leaves it so."""
    for packet, kind in [(ipv4(6, TCP, total=0), V4), (ipv6(6, TCP, length=0), V6)]:
        found = row(packet if link == RAW else ethernet(kind, packet), link)
        assert (found.skip, found.src_port, found.dst_port, found.tcp_flags) == (None, 40000, 443, 0x12)
        assert row(packet[:-7] if link == RAW else ethernet(kind, packet[:-7]), link).skip is Skip.MALFORMED


def test_ports_lie_behind_options(row):
    """Of the IPv4 header, and behind IPv6 extension headers."""
    assert row(ipv4(17, UDP, options=b"\x94\4\0\0"), RAW).dst_port == 53
    chain = b"\x2b\0" + bytes(6) + b"\x3c\1" + bytes(14) + b"\x11\0" + bytes(6)  # hop-by-hop, routing, destination
    found = row(ipv6(0, chain + UDP), RAW)
    assert (found.protocol, found.src_port, found.dst_port) == (17, 1000, 53)


@pytest.mark.parametrize("protocol", [50, 51, 59, 135, 2, 132, 253])
def test_of_other_protocols_nothing_is_read(row, protocol):
    """AH, ESP, no next header and mobility are the protocol; not a byte behind the IP headers is needed."""
    for packet in (ipv4(protocol, b""), ipv6(protocol, b""), ipv6(60, bytes([protocol, 0]) + bytes(6))):
        found = row(packet, RAW)
        assert (found.skip, found.protocol, found.src_port, found.dst_port) == (None, protocol, 0, 0)


def test_icmp_belongs_to_its_own_family(row):
    """Protocol 1 in IPv6 and 58 in IPv4 have no type, and nothing of them is read."""
    for packet, protocol in [(ipv6(1, b"\x08"), 1), (ipv4(58, b"\x80"), 58)]:
        found = row(packet, RAW)
        assert (found.skip, found.protocol, found.src_port, found.dst_port) == (None, protocol, 0, 0)


@pytest.mark.parametrize("kind", range(256))
def test_icmp_identifier_type_and_code(row, kind):
    """The identifier of those that have one; type * 256 + code of all."""
    body = bytes([kind, 7]) + b"\0\0\x12\x34\0\1"
    v4, v6 = row(ipv4(1, body), RAW), row(ipv6(58, body), RAW)
    assert (v4.src_port, v4.dst_port) == (0x1234 if kind in (0, 8, 13, 14, 15, 16, 17, 18) else 0, kind * 256 + 7)
    assert (v6.src_port, v6.dst_port) == (0x1234 if kind in (128, 129) else 0, kind * 256 + 7)


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("offset", [0, 1, 0x1FFF])
def test_fragments(row, offset, more):
    """The first has ports, a later one none and needs no byte behind its IP headers; an atomic one is whole."""
    shape = LATER_FRAGMENT if offset else FIRST_FRAGMENT if more else WHOLE
    v4 = row(ipv4(17, b"" if offset else UDP, flags=more << 13 | offset), RAW)
    v6 = row(ipv6(44, fragment_header(17, offset, more) + (b"" if offset else UDP)), RAW)
    assert (v4.shape, v4.fragment_id) == (shape, 0x1234 if shape else 0)
    assert (v6.shape, v6.fragment_id) == (shape, 0xABCD1234 if shape else 0)
    assert v4.dst_port == v6.dst_port == (0 if offset else 53)
    assert v4.protocol == v6.protocol == 17


def test_a_later_fragments_protocol_is_its_fragment_headers(row):
    """Even if that is another extension header."""
    found = row(ipv6(44, fragment_header(60, 5, 0) + bytes(8)), RAW)
    assert (found.skip, found.protocol, found.shape) == (None, 60, LATER_FRAGMENT)


@pytest.mark.parametrize("flags", [0, 0x4000, 0x8000])
def test_other_flags_make_no_fragment(row, flags):
    """ "Don't fragment", and the bit that must be zero."""
    assert row(ethernet(V4, ipv4(6, TCP, flags=flags))).shape == WHOLE


QUOTED4 = ipv4(6, TCP[:8], total=1500)
QUOTED6 = ipv6(17, UDP[:8], length=1400)


@pytest.mark.parametrize("kind", [3, 4, 11, 12])
def test_icmp_errors_quote_a_packet(row, kind):
    """Its addresses, protocol and ports; its own length is not looked at, because routers rewrite it."""
    found = row(ipv4(1, bytes([kind, 0]) + bytes(6) + QUOTED4), RAW)
    assert found.quoted == ("10.0.0.1", "10.0.0.2", 6, 40000, 443)


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_icmpv6_errors_quote_a_packet(row, kind):
    """Extension headers of the quoted packet are walked."""
    head = bytes([kind, 0]) + bytes(6)
    ends = ("2001::1", "2001::2")
    assert row(ipv6(58, head + QUOTED6), RAW).quoted == (*ends, 17, 1000, 53)
    assert row(ipv6(58, head + ipv6(0, b"\x11\0" + bytes(6) + UDP)), RAW).quoted == (*ends, 17, 1000, 53)
    echo = b"\x80\0\0\0\x12\x34\0\1"
    assert row(ipv6(58, head + ipv6(58, echo)), RAW).quoted == (*ends, 58, 0x1234, 0x8000)


NO_QUOTE = {
    "redirect": bytes([5, 0]) + bytes(6) + QUOTED4,
    "other version": bytes([3, 0]) + bytes(6) + QUOTED6,
    "header length 4": bytes([3, 0]) + bytes(6) + b"\x44" + QUOTED4[1:],
    "later fragment": bytes([3, 0]) + bytes(6) + ipv4(6, TCP, flags=5),
    "7 bytes of TCP": bytes([3, 0]) + bytes(6) + QUOTED4[:27],
    "7 bytes of what has no ports": bytes([3, 0]) + bytes(6) + ipv4(50, bytes(7)),
    "nothing": bytes([3, 0]) + bytes(6),
}


@pytest.mark.parametrize("name", [*NO_QUOTE])
def test_what_is_no_quoted_packet(row, name):
    """The error itself is decoded all the same."""
    found = row(ipv4(1, NO_QUOTE[name]), RAW)
    assert (found.skip, found.quoted) == (None, None)


def test_a_quoted_packet_ends_where_the_error_ends(row):
    """Padding behind the IP length is no part of it, nor what the capture cut off."""
    error = ipv4(1, b"\3\1" + bytes(6) + QUOTED4)
    short = error[:2] + pack(">H", len(error) - 1) + error[4:]
    assert row(short, RAW).quoted is None
    assert row(error[:-1], RAW, len(error)).quoted is None
    assert row(error, RAW).quoted is not None


def test_quotes_are_numbered_through_a_batch(read):
    """Each error's row points at its own quote."""
    errors = [ipv4(1, b"\3\1" + bytes(6) + ipv4(17, pack(">HHHH", port, 53, 8, 0))) for port in (1, 2, 3)]
    plain = ipv4(17, UDP)
    found = read(pcap([errors[0], plain, errors[1], plain, plain, errors[2]], link=RAW))
    assert [row.quoted and row.quoted[3] for row in found.rows] == [1, None, 2, None, None, 3]
    found = read(pcap(errors, link=RAW), packets=1)
    assert [row.quoted and row.quoted[3] for row in found.rows] == [1, 2, 3]
