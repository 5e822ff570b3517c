"""pcapng: sections, interfaces, the three packet blocks, clocks; and what is refused."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from struct import pack

import pytest

from sgsim.model import Skip
from tests.captures.layouts import (
    FRAME,
    ORDERS,
    block,
    enhanced,
    interface,
    obsolete,
    option,
    pcapng,
    section,
    simple,
)

BILLION = 10**9
BOUND = 2**62


@pytest.mark.parametrize("order", ORDERS)
def test_the_three_packet_blocks(read, order):
    """Enhanced and obsolete blocks have a time; a simple one takes its predecessor's, the first one 0."""
    data = (
        section(order)
        + interface(order)
        + simple(FRAME, order)
        + enhanced(FRAME, order, ticks=5_000_001, length=99, options=option(2, b"\0\0\0\1", order))
        + simple(FRAME[:43], order)
        + obsolete(FRAME, order, ticks=2**33)
        + simple(FRAME, order, length=1500)
    )
    found = read(data)
    assert found.error is None
    assert [row.time_ns for row in found.rows] == [0, 5_000_001_000, 5_000_001_000, 2**33 * 1000, 2**33 * 1000]
    assert [row.length for row in found.rows] == [46, 99, 43, 46, 1500]
    # A simple block does not say how much was captured: what it holds, up to the original length.
    assert [row.captured for row in found.rows] == [46, 46, 43, 46, 48]
    assert [row.frame[:43] for row in found.rows] == [FRAME[:43]] * 5


@pytest.mark.parametrize("order", ORDERS)
def test_a_simple_block_ends_at_the_snapshot_length(read, order):
    """Its captured length is the least of the snapshot length, the original length and what the block holds."""
    found = read(section(order) + interface(order, snaplen=42) + simple(FRAME[:42] + b"XX", order, length=46))
    assert [(row.captured, row.length, row.skip) for row in found.rows] == [(42, 46, None)]


@pytest.mark.parametrize("order", ORDERS)
def test_an_obsolete_block_has_sixteen_bits_of_interface(read, order):
    """The other sixteen count drops, whatever the byte order."""
    data = section(order) + interface(order) + interface(order, link=101) + obsolete(FRAME[14:], order, number=1)
    assert [(row.link, row.src) for row in read(data).rows] == [(1, "10.0.0.1")]


def test_sections_have_their_own_byte_order_and_interfaces(read):
    """Interface 0 of the second section is another link than that of the first."""
    data = (
        section("<")
        + interface("<", resolution=9)
        + enhanced(FRAME, "<", ticks=7)
        + section(">", options=option(1, b"no comment", ">"))
        + interface(">", link=101)
        + enhanced(FRAME[14:], ">", ticks=7)
        + section("<")
        + interface("<", link=228)
        + interface("<", link=1)
        + enhanced(FRAME, "<", number=1, ticks=9)
        + enhanced(FRAME[14:], "<", number=0, ticks=9)
    )
    found = read(data)
    assert [(row.link, row.time_ns, row.src) for row in found.rows] == [
        (0, 7, "10.0.0.1"),
        (1, 7000, "10.0.0.1"),
        (3, 9000, "10.0.0.1"),
        (2, 9000, "10.0.0.1"),
    ]
    assert found.link_types == [1, 101, 228, 1]


def test_an_interface_may_be_described_between_packets(read):
    """Links grow while the file is read."""
    data = section() + interface() + enhanced(FRAME) + interface(link=101) + enhanced(FRAME[14:], number=1)
    assert [(row.link, row.skip) for row in read(data).rows] == [(0, None), (1, None)]


TICKS = (0, 1, 999, 10**6, 1_700_000_000_123_456, 2**32 - 1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1)
RESOLUTIONS = (0, 1, 3, 6, 9, 10, 12, 18, 19, 20, 28, 29, 127)
BINARY = tuple(0x80 | bits for bits in (0, 1, 8, 10, 20, 30, 31, 32, 33, 40, 63, 64, 65, 95, 96, 127))


def exact_ns(resolution: int, ticks: int, offset: int) -> int:
    base = 2 if resolution & 0x80 else 10
    seconds = Fraction(ticks, base ** (resolution & 0x7F)) + offset
    return max(-BOUND, min(BOUND, floor(seconds * BILLION)))


@pytest.mark.parametrize("resolution", RESOLUTIONS + BINARY)
@pytest.mark.parametrize("offset", [None, 1_700_000_000, -1, -1_700_000_001, 2**63 - 1, -(2**63)])
def test_clocks_are_exact(read, resolution, offset):
    """Powers of ten and of two, rounded down to nanoseconds, held at 2**62 of them with one warning."""
    data = section() + interface(resolution=resolution, offset=offset)
    found = read(data + b"".join(enhanced(FRAME, ticks=ticks) for ticks in TICKS))
    expected = [exact_ns(resolution, ticks, offset or 0) for ticks in TICKS]
    assert [row.time_ns for row in found.rows] == expected
    assert len(found.warnings) == any(abs(time) == BOUND for time in expected)


def test_a_time_just_inside_the_bound_is_not_warned_about(read):
    """The bound itself is the first time that is held."""
    data = section() + interface(resolution=9)
    found = read(data + enhanced(FRAME, ticks=BOUND - 1) + enhanced(FRAME, ticks=BOUND))
    assert [row.time_ns for row in found.rows] == [BOUND - 1, BOUND]
    assert found.warnings == []


@pytest.mark.parametrize(
    ("resolution", "digits"), [(None, 6), (3, 3), (9, 9), (12, 9), (0x80, 0), (0x81, 9), (0x8A, 9), (0xBF, 9)]
)
def test_links_say_how_fine_their_times_are(tmp_path, resolution, digits):
    """Decimal digits of a second, nine at most; a binary fraction is written in nine."""
    from sgsim.captures import open_capture

    path = tmp_path / "made"
    path.write_bytes(section() + interface(resolution=resolution, snaplen=77) + enhanced(FRAME))
    with open_capture(str(path)) as capture:
        assert sum(len(batch.columns.skip) for batch in capture.batches()) == 1
        (link,) = capture.links
    assert (link.resolution, link.snaplen, link.section, link.interface) == (digits, 77, 0, 0)


def test_unknown_blocks_are_passed_over(read):
    """Name resolution, statistics, decryption secrets, custom blocks, and those nobody has heard of."""
    others = b"".join(block(kind, bytes(n)) for kind, n in [(4, 8), (5, 12), (10, 8), (0xBAD, 4), (0x8000FFFF, 0)])
    assert len(read(section() + others + interface() + others + enhanced(FRAME) + others).rows) == 1


def test_packets_of_unsupported_interfaces_are_skipped(read):
    """Where several are described, only the packets of unsupported ones are, and they are numbered too."""
    data = section() + interface(link=105) + interface(link=1)
    found = read(data + enhanced(FRAME, number=0) + enhanced(FRAME, number=1))
    assert [(row.number, row.skip) for row in found.rows] == [(1, Skip.UNSUPPORTED_LINK), (2, None)]


def test_a_file_of_unsupported_interfaces_alone_is_refused(read):
    """All that its first packet may come from are named."""
    found = read(section() + interface(link=105) + interface(link=9) + enhanced(FRAME))
    assert found.rows == []
    assert "LINKTYPE_IEEE802_11" in str(found.error)
    assert "LINKTYPE_PPP" in str(found.error)


def test_a_file_without_packets_is_read(read):
    """Even if its only interface could not be decoded."""
    found = read(section() + interface(link=105))
    assert (found.rows, found.error) == ([], None)


@pytest.mark.parametrize("order", ORDERS)
def test_a_length_that_is_no_multiple_of_four_is_rounded_up(read, order):
    """libpcap and Wireshark read such files, whose two lengths agree, as if they were padded."""
    odd = bytearray(enhanced(FRAME[:45], order))
    odd[4:8] = odd[-4:] = pack(order + "I", len(odd) - 3)
    found = read(section(order) + interface(order) + bytes(odd) + enhanced(FRAME, order))
    assert [row.captured for row in found.rows] == [45, 46]


def altered(data: bytes, at: int, value: int, order: str = "<") -> bytes:
    """The 32-bit number at ``at`` replaced."""
    return data[:at] + pack(order + "I", value) + data[at + 4 :]


EPB = enhanced(FRAME)
NONSENSE = {
    "block shorter than a packet block": (altered(EPB, 4, 28), "28"),
    "block of no length": (altered(block(0xBAD, b""), 4, 0), "0 bytes"),
    "block beyond 16 MiB": (altered(EPB, 4, 2**24 + 4), "16777220"),
    "lengths that differ": (altered(EPB, len(EPB) - 4, 84), "80"),
    "interface that nobody described": (altered(EPB, 8, 1), "interface 1"),
    "captured beyond the block": (altered(EPB, 20, 49), "49"),
    "captured beyond the limit": (enhanced(bytes(262_145)), "262145"),
    "interface description too short": (block(1, bytes(4)), "16"),
    "option beyond its block": (block(1, pack("<HHIHH", 1, 0, 0, 9, 5) + bytes(4)), "option 9"),
    "resolution of two bytes": (block(1, pack("<HHI", 1, 0, 0) + option(9, b"\6\6")), "option 9"),
    "offset of four bytes": (block(1, pack("<HHI", 1, 0, 0) + option(14, bytes(4))), "option 14"),
    "byte-order magic of nobody": (altered(section(), 8, 0x12345678), "78563412"),
    "section header too short": (altered(section(), 4, 24), "24"),
    "section header beyond 16 MiB": (altered(section(), 4, 2**24 + 4), "16777220"),
    "section header's lengths differ": (altered(section(), 24, 32), "32"),
    "version of the future": (section(version=(2, 0)), "2.0"),
}


@pytest.mark.parametrize("order", [*NONSENSE])
def test_what_makes_no_sense_is_an_error_with_its_place(read, order):
    """Everything before it is given; the error names packet or offset, and the value."""
    nonsense, value = NONSENSE[order]
    start = section() + interface() + enhanced(FRAME)
    found = read(start + nonsense + enhanced(FRAME))
    assert len(found.rows) == 1
    assert value in str(found.error)
    assert f"offset {len(start)}" in str(found.error) or f"offset {len(start) + 12}" in str(found.error)
    assert "\n" not in str(found.error)


@pytest.mark.parametrize("left", range(1, len(EPB)))
def test_a_file_that_is_cut_off_gives_what_there_is(read, left):
    """A warning names the offset of the block that is not whole; with ``strict`` it is an error."""
    whole = pcapng([FRAME, FRAME])
    found = read(whole + EPB[:left])
    assert len(found.rows) == 2
    assert found.error is None
    (warning,) = found.warnings
    assert f"offset {len(whole)}" in warning
    assert f"offset {len(whole)}" in str(read(whole + EPB[:left], strict=True).error)


@pytest.mark.parametrize("size", [4, 11, 12, 27])
def test_a_first_section_header_that_is_cut_off_is_no_capture(read, size):
    """There is nothing to read."""
    assert "cut off" in str(read(section()[:size]).error)


def test_many_interfaces_with_a_packet_each_take_no_time(read):
    """The tables of interfaces grow by doubling: 20,000 descriptions take a second, not minutes."""
    data = section() + interface() + b"".join(interface() + enhanced(FRAME, number=n + 1) for n in range(20_000))
    assert len(read(data).rows) == 20_000


def test_more_interfaces_than_a_column_can_number_are_refused(read):
    """65,536 links are the most."""
    found = read(section() + interface() * 65_537)
    assert "65536" in str(found.error)
