"""Every shared capture, packet by packet and field by field, against scapy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.utils import RawPcapReader

from sgsim.model import Skip
from tests.captures.layouts import Reading, Row, read_file
from tests.captures.oracle import said
from tests.captures.shared import FOLDERS, captures

WHOLE = 600  # packets: longer captures are compared up to here, then every 37th packet
BILLION = 10**9

# scapy does not swap the lengths of files before version 2.3, as libpcap does.
SWAPPED = "fuzz-2021-10-13.pcap"


def sample(rows: list[Row]) -> list[Row]:
    return rows[:WHOLE] + rows[WHOLE::37]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_field_is_what_scapy_reads(data, folder):
    """Addresses, protocol, ports, flags, ICMP, fragments, quoted packets, and why a packet is skipped."""
    for capture in captures(data, folder):
        reading = read_file(capture.path)
        for row in sample(reading.rows):
            if row.skip is Skip.UNSUPPORTED_LINK:
                continue
            expected = said(row.frame, reading.link_types[row.link], row.length)
            found = (row.skip, *row[Row._fields.index("version") : Row._fields.index("frame")])
            assert found == expected, f"{capture.name}: packet {row.number}"


@pytest.mark.filterwarnings("ignore:.*")
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_frame_length_and_time_is_what_scapy_reads(data, folder):
    """scapy's own readers of pcap and pcapng give the same packets, to the nanosecond."""
    for capture in captures(data, folder):
        reading = read_file(capture.path)
        if not reading.rows or capture.path.name == SWAPPED:
            continue
        rows = sample(reading.rows)
        for row, (frame, length, time) in zip(rows, _scapy_packets(capture.path, reading), strict=True):
            where = f"{capture.name}: packet {row.number}"
            if time is None:  # a simple packet block: scapy knows no time, and takes no snapshot length for none of it
                assert row.frame.startswith(frame), where
                previous = rows[row.number - 2].time_ns if row.number > 1 else 0
                assert (length, previous) == (row.length, row.time_ns), where
            else:
                assert (frame, length, time) == (row.frame, row.length, row.time_ns), where


def _scapy_packets(path: Path, reading: Reading) -> Iterator[tuple[bytes, int, int | None]]:
    """(frame, length on the wire, time in ns) of the same sample."""
    with RawPcapReader(str(path)) as reader:
        for number in range(len(reading.rows)):
            frame, about = next(reader)
            if number >= WHOLE and (number - WHOLE) % 37:
                continue
            if hasattr(about, "tsresol"):
                ticks = None if about.tshigh is None else (about.tshigh << 32) + about.tslow
                time = None if ticks is None else ticks * BILLION // about.tsresol
            else:
                time = about.sec * BILLION + about.usec * (1 if reader.nano else 1000)
            yield frame, about.wirelen, time
