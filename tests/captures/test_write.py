"""Packets written and read again: bytes, lengths, times and links are kept, as far as the format can hold them."""

from __future__ import annotations

import io
import subprocess
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from scapy.utils import RawPcapReader

from sgsim.captures import MergedBatch, PacketWriter, merged, open_capture
from sgsim.errors import OutputError
from tests.captures.layouts import (
    FRAME,
    NANOSECONDS,
    Reading,
    enhanced,
    interface,
    pcap,
    pcap_header,
    pcapng,
    read_file,
    record,
    section,
    simple,
)
from tests.captures.shared import FOLDERS, captures

BILLION = 10**9


def rewritten(sources: list[Path], target: Path, choose=None) -> None:
    """All packets of the sources, merged; or those that ``choose(batch)`` picks."""
    opened = [open_capture(str(source)) for source in sources]
    with open(target, "wb") as file:
        writer = PacketWriter(target.name, file, opened)
        for batch in merged(opened):
            chosen = np.ones(len(batch.capture), bool) if choose is None else choose(batch)
            assert writer.write(batch, chosen) == np.count_nonzero(chosen)
        writer.finish()
    for capture in opened:
        capture.close()


def held_back(batches: Iterator[MergedBatch], ahead: int) -> Iterator[MergedBatch]:
    """Each batch once ``ahead`` of them have been read, itself among them."""
    waiting = deque(islice(batches, ahead))
    while waiting:
        yield waiting.popleft()
        waiting.extend(islice(batches, 1))


@pytest.fixture
def again(tmp_path):
    """Write these captures' packets into a file of that name, and read it."""

    def written(name: str, *sources: bytes, choose=None) -> Reading:
        paths = [tmp_path / f"source{place}" for place in range(len(sources))]
        for path, data in zip(paths, sources, strict=True):
            path.write_bytes(data)
        rewritten(paths, tmp_path / name, choose)
        found = read_file(tmp_path / name, strict=True)
        assert found.error is None
        return found

    return written


def about(reading: Reading) -> list[tuple[bytes, int, int, int]]:
    """What must be kept of each packet, its link by its type."""
    return [(row.frame, row.length, row.time_ns, reading.link_types[row.link]) for row in reading.rows]


SOURCES = {
    "microseconds": pcap_header() + record(FRAME, seconds=2**32 - 1, fraction=999_999, length=1500) + record(b""),
    "nanoseconds": pcap_header(magic=NANOSECONDS) + record(FRAME[:43], seconds=7, fraction=123_456_789),
    "big-endian": pcap([FRAME, FRAME[:1], FRAME[:2], FRAME[:3]], ">"),
    "raw": pcap([FRAME[14:]], link=101),
    "pcapng": pcapng([FRAME, b"", FRAME[:45]], ">"),
    "milliseconds": section() + interface(resolution=3) + enhanced(FRAME, ticks=1_700_000_000_123),
    "binary": section() + interface(resolution=0x94) + enhanced(FRAME, ticks=(1_700_000_000 << 20) + 12_345),
    "picoseconds": section() + interface(resolution=12) + enhanced(FRAME, ticks=1_234_567_890_123_456),
    "simple": section() + interface(snaplen=42) + simple(FRAME),
}


@pytest.mark.parametrize("name", ["out.pcap", "out.pcapng"])
@pytest.mark.parametrize("source", [*SOURCES])
def test_packets_are_kept(again, read, name, source):
    """Frames, original lengths and times, from each resolution."""
    assert about(again(name, SOURCES[source])) == about(read(SOURCES[source]))


@pytest.mark.parametrize("name", ["out.pcap", "out.pcapng"])
def test_only_chosen_packets_are_written(again, read, name):
    """In their order."""
    data = pcap([FRAME[:size] for size in range(46)])
    found = again(name, data, choose=lambda batch: batch.number % 3 == 0)
    assert about(found) == about(read(data))[2::3]
    assert again(name, data, choose=lambda batch: batch.number < 0).rows == []


def test_links_keep_type_snapshot_length_and_resolution(again, tmp_path):
    """In pcapng: one interface for each link that packets came from, in the order they came."""
    links = interface(link=1, snaplen=96, resolution=3) + interface(link=105) + interface(link=101, resolution=9)
    packets = enhanced(FRAME[14:], number=2, ticks=5) + enhanced(FRAME, ticks=1)
    found = again("out.pcapng", section() + links + packets, pcap([FRAME]))
    with open_capture(str(tmp_path / "out.pcapng")) as capture:
        assert sum(len(batch.columns.skip) for batch in capture.batches()) == 3
        assert {(link.link_type, link.snaplen, link.resolution) for link in capture.links} == {
            (101, 0, 9),
            (1, 96, 3),
            (1, 65535, 6),
        }
    assert [row.time_ns for row in found.rows] == [5, 1_000_000, BILLION]


def test_merged_captures_are_written_in_the_merged_order(again):
    """Each with its own window and links."""
    one = pcap([FRAME[:20] + bytes([n]) for n in range(20)])
    two = section() + interface(resolution=9)
    two += b"".join(enhanced(FRAME[:30] + bytes([n]), ticks=n * BILLION + 1) for n in range(20))
    for name in ("out.pcap", "out.pcapng"):
        found = again(name, one, two)
        assert [row.time_ns for row in found.rows] == sorted(row.time_ns for row in found.rows)
        assert sum(row.captured == 21 for row in found.rows) == 20
        assert {row.time_ns % BILLION for row in found.rows} == {0, 1}


def test_a_second_link_type_needs_pcapng(again):
    """The error names both types and what to do; nothing else is wrong with the packets."""
    sources = (pcap([FRAME]), pcap([FRAME[14:]], link=101))
    with pytest.raises(OutputError, match=r"LINKTYPE_ETHERNET.*LINKTYPE_RAW.*\.pcapng"):
        again("out.pcap", *sources)
    assert len(again("out.pcapng", *sources).rows) == 2


def test_finer_times_that_come_late_need_pcapng(again):
    """A pcap's header is written with the first packet, and says how fine its times are."""
    late = section() + interface() + enhanced(FRAME) + interface(resolution=9) + enhanced(FRAME, number=1, ticks=7)
    with pytest.raises(OutputError, match=r"\.pcapng"):
        again("out.pcap", late)
    assert [row.time_ns for row in again("out.pcapng", late).rows] == [0, 7]


@pytest.mark.parametrize("name", ["out", "out.pcap.gz", "out.txt", "pcap"])
def test_other_endings_are_refused(name):
    """Before anything is written."""
    file = io.BytesIO()
    with pytest.raises(OutputError, match=name):
        PacketWriter(name, file, [])
    assert file.getvalue() == b""


def test_a_full_disk_is_named(tmp_path):
    """With the file's name, not with a traceback."""
    source = tmp_path / "source"
    source.write_bytes(pcap([FRAME]))
    with (
        open_capture(str(source)) as capture,
        open("/dev/full", "wb", buffering=0) as file,
        pytest.raises(OutputError, match=r"full\.pcap: .*No space left"),
    ):
        writer = PacketWriter("full.pcap", file, [capture])
        for batch in merged([capture]):
            writer.write(batch, np.ones(len(batch.capture), bool))


@pytest.mark.parametrize("name", ["out.pcap", "out.pcapng"])
def test_times_that_a_format_cannot_hold_stop_at_its_bounds(again, name):
    """Both begin in 1970; pcap ends in 2106."""
    data = section() + interface(offset=-100) + enhanced(FRAME, ticks=0)
    data += interface(offset=2**32) + enhanced(FRAME, number=1)
    first, last = (row.time_ns for row in again(name, data).rows)
    assert first == 0
    assert last == (2**32 - 1 if name == "out.pcap" else 2**32) * BILLION


@pytest.mark.parametrize("name", ["out.pcap", "out.pcapng"])
@pytest.mark.parametrize("late", [6, 9])
def test_what_is_written_depends_neither_on_batches_nor_on_reading_ahead(tmp_path, name, late):
    """Interfaces that are described within the file: a .pcap is begun for what was described before its first packet,
    in a .pcapng each stands right before its first packet."""
    source = tmp_path / "source"
    early = section() + interface() + interface(resolution=6) + enhanced(FRAME, number=1) + enhanced(FRAME)
    source.write_bytes(early + interface(resolution=late) + enhanced(FRAME, number=2) + enhanced(FRAME, number=1))
    results = set()
    for size in (1, 2, 3, 100):
        for ahead in (1, 4):
            file = io.BytesIO()
            with open_capture(str(source)) as capture:
                writer, error = PacketWriter(name, file, [capture]), ""
                try:
                    for batch in held_back(merged([capture], size, ahead), ahead):
                        writer.write(batch, np.ones(len(batch.capture), bool))
                except OutputError as problem:
                    error = str(problem)
            results.add((file.getvalue(), error))
    assert len(results) == 1
    assert ("finer than microseconds" in results.pop()[1]) is (name == "out.pcap" and late == 9)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_shared_capture_survives(data, tmp_path, folder):
    """Written as pcapng and read again, by sgsim and by scapy, it has the same packets."""
    target = tmp_path / "out.pcapng"
    for capture in captures(data, folder):
        source = read_file(capture.path)
        if source.error is not None or len(source.rows) > 2000:
            continue
        rewritten([capture.path], target)
        assert about(read_file(target, strict=True)) == about(source), capture.name
        if source.rows:
            with RawPcapReader(str(target)) as reader:
                assert [frame for frame, _ in reader] == [row.frame for row in source.rows], capture.name


@pytest.mark.parametrize("name", ["out.pcap", "out.pcapng"])
def test_wireshark_reads_what_is_written(again, tmp_path, name):
    """Where capinfos is installed."""
    again(name, pcap([FRAME] * 7))
    try:
        done = subprocess.run(["capinfos", "-c", str(tmp_path / name)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("capinfos (of Wireshark) is not installed")
    assert (done.returncode, "7" in done.stdout) == (0, True), done.stderr
