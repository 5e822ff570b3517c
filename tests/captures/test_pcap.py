"""pcap: every variant of the header and of a record's, and what is refused."""

from __future__ import annotations

from struct import pack

import pytest

from tests.captures.layouts import (
    FRAME,
    MICROSECONDS,
    MODIFIED,
    NANOSECONDS,
    ORDERS,
    pcap,
    pcap_header,
    record,
)

BILLION = 10**9


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("magic", "unit"), [(MICROSECONDS, 1000), (NANOSECONDS, 1)])
def test_times_are_exact_in_both_byte_orders(read, order, magic, unit):
    """A record's time is its seconds and its micro- or nanoseconds, up to the last second that 32 bits hold."""
    times = [(0, 0), (1_700_000_000, 999_999), (2**32 - 1, 1)]
    records = [record(FRAME, order, seconds=seconds, fraction=fraction) for seconds, fraction in times]
    found = read(pcap_header(order, magic) + b"".join(records))
    assert [row.time_ns for row in found.rows] == [
        0,
        1_700_000_000 * BILLION + 999_999 * unit,
        (2**32 - 1) * BILLION + unit,
    ]
    assert [row.number for row in found.rows] == [1, 2, 3]
    assert [row.frame for row in found.rows] == [FRAME] * 3
    assert found.warnings == []
    assert found.error is None


@pytest.mark.parametrize("order", ORDERS)
def test_modified_records_have_eight_more_bytes(read, order):
    """Kuznetzov's variant puts interface, protocol and packet type behind the four usual numbers."""
    extra = pack(order + "IHBx", 2, 8, 0)
    records = [record(b"", order, seconds=s)[:8] + pack(order + "II", len(FRAME), 60) + extra + FRAME for s in (1, 2)]
    found = read(pcap_header(order, MODIFIED) + b"".join(records))
    assert [(row.time_ns, row.captured, row.length, row.frame) for row in found.rows] == [
        (BILLION, 46, 60, FRAME),
        (2 * BILLION, 46, 60, FRAME),
    ]


@pytest.mark.parametrize(
    ("minor", "first", "second"),
    [(4, 46, 60), (3, 46, 60), (3, 60, 46), (2, 60, 46), (0, 60, 46)],
    ids=["2.4", "2.3 as now", "2.3 swapped", "2.2", "2.0"],
)
def test_old_versions_swap_the_two_lengths(read, minor, first, second):
    """Before version 2.3 the original length came first; in 2.3 the larger one is the original (libpcap)."""
    data = pcap_header(minor=minor) + pack("<IIII", 1, 0, first, second) + FRAME
    assert [(row.captured, row.length) for row in read(data).rows] == [(46, 60)]


def test_a_length_on_the_wire_below_the_captured_one_is_kept(read):
    """It is reported as recorded; the frame is what was captured."""
    (row,) = read(pcap_header() + record(FRAME, length=10)).rows
    assert (row.captured, row.length, row.skip, row.src) == (46, 10, None, "10.0.0.1")


@pytest.mark.parametrize("upper", [0x04000000, 0x30000000, 0xF4000000])
def test_the_upper_bits_of_the_link_type_are_no_part_of_it(read, upper):
    """They say whether frames end with a check sequence, and how long it is."""
    assert read(pcap([FRAME], link=1 | upper)).link_types == [1]


def test_records_of_every_length_up_to_the_limit(read):
    """262,144 bytes are read, and no byte is lost between batches or windows."""
    frames = [bytes([size & 255]) * size for size in (*range(200), 65535, 65536, 262_144, 1)]
    for packets in (1, 3, 8192):
        assert [row.frame for row in read(pcap(frames), packets=packets).rows] == frames


def test_a_record_beyond_the_limit_makes_no_sense(read):
    """Everything before it is given, then an error with packet number and offset."""
    found = read(pcap([FRAME]) + pack("<IIII", 1, 0, 262_145, 262_145))
    assert len(found.rows) == 1
    assert "packet 2" in str(found.error)
    assert f"offset {24 + 16 + len(FRAME)}" in str(found.error)
    assert "262145" in str(found.error)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("link", [105, 9, 9999])
def test_an_unsupported_link_type_is_named(read, order, link):
    """The whole file is refused before any packet, with the type's number and its name where it has one."""
    found = read(pcap([FRAME], order, link=link))
    assert found.rows == []
    assert str(link) in str(found.error)
    assert ("LINKTYPE_PPP" in str(found.error)) == (link == 9)
    assert ("LINKTYPE_IEEE802_11" in str(found.error)) == (link == 105)


@pytest.mark.parametrize("version", [(1, 4), (2, 5), (3, 0)])
def test_other_versions_are_refused(read, version):
    """As libpcap does."""
    data = pack("<IHHiIII", MICROSECONDS, *version, 0, 0, 65535, 1)
    assert f"{version[0]}.{version[1]}" in str(read(data).error)


def test_a_file_without_packets_is_read(read):
    """A header alone is a capture."""
    found = read(pcap([]))
    assert (found.rows, found.warnings, found.error) == ([], [], None)


@pytest.mark.parametrize("left", [1, 15, 16, 17, 61])
def test_a_file_that_is_cut_off_gives_what_there_is(read, left):
    """A warning names the offset of the record that is not whole; with ``strict`` it is an error."""
    whole, data = pcap([FRAME, FRAME]), pcap([FRAME, FRAME, FRAME])
    cut = data[: len(whole) + left]
    found = read(cut)
    assert len(found.rows) == 2
    assert found.error is None
    (warning,) = found.warnings
    assert f"offset {len(whole)}" in warning
    strict = read(cut, strict=True)
    assert len(strict.rows) == 2
    assert f"offset {len(whole)}" in str(strict.error)


@pytest.mark.parametrize("size", [4, 23])
def test_a_header_that_is_cut_off_is_no_capture(read, size):
    """There is nothing to read."""
    assert "cut off" in str(read(pcap([FRAME])[:size]).error)
