"""--jobs: the same results, and live streams, interrupts and readers that leave, from processes of their own."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from story import Ended, Story

Start = Callable[..., subprocess.Popen[bytes]]
Run = Callable[..., Ended]

HANGING = 100.0  # seconds until a test gives up waiting for what it started


def records_of(data: bytes) -> tuple[bytes, list[bytes]]:
    """A pcap file's header, and its records."""
    begin, records = 24, []
    while begin < len(data):
        (length,) = struct.unpack_from("<I", data, begin + 8)
        records.append(data[begin : begin + 16 + length])
        begin += 16 + length
    return data[:24], records


@pytest.fixture
def live(tmp_path: Path) -> tuple[bytes, list[bytes]]:
    """Packets of one connection between two interfaces: all are allowed, each makes two observations."""
    story = Story().connection("10.0.1.10", "10.0.2.20", 40_001, 5432, data=6)
    return records_of(story.save(tmp_path / "live.pcap").read_bytes())


@pytest.mark.parametrize("jobs", [2, 3])
def test_records_go_out_while_the_writer_is_silent(kept_alive: Start, scenario: Path, live, jobs: int):
    """`tcpdump -w - | sgsim replay S - -o - --jobs N` is live, also where a packet comes in two pieces."""
    header, packets = live
    running = kept_alive("replay", scenario, "-", "-o", "-", "--jobs", jobs)
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(header)
    for number, packet in enumerate(packets, start=1):
        for piece in (packet[:9], packet[9:20], packet[20:]) if number % 2 else (packet,):
            running.stdin.write(piece)
            running.stdin.flush()
            time.sleep(0.02)
        found = [json.loads(running.stdout.readline())["packet"] for _ in ("egress", "ingress")]
        assert found == [number, number]
    running.stdin.close()
    assert running.stdout.read() == b""
    assert running.wait() == 0


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_an_interrupt_ends_it_while_nothing_comes(kept_alive: Start, scenario: Path, live, tmp_path: Path, jobs: int):
    """Ctrl-C with a pipe that stays open and silent: exit code 130, no traceback, what was written is in FILE.part."""
    header, packets = live
    part = tmp_path / "o.ndjson.part"
    running = kept_alive("replay", scenario, "-", "-o", tmp_path / "o.ndjson", "--jobs", jobs)
    assert running.stdin is not None
    assert running.stderr is not None
    running.stdin.write(header + packets[0])
    running.stdin.flush()
    deadline = time.monotonic() + HANGING
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    assert running.wait() == 130
    assert b"Traceback" not in running.stderr.read()
    assert part.read_bytes().count(b"\n") == 2
    running.stdin.close()


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_a_reader_that_leaves_ends_it_while_nothing_comes(kept_alive: Start, scenario: Path, live, jobs: int):
    """`tcpdump | sgsim | head -1`: exit code 141, though the pipe it reads from is open and silent."""
    header, packets = live
    reader, writer = os.pipe()
    running = kept_alive("replay", scenario, "-", "-o", "-", "--jobs", jobs, stdout=writer)
    os.close(writer)
    assert running.stdin is not None
    assert running.stderr is not None
    running.stdin.write(header + packets[0])
    running.stdin.flush()
    assert os.read(reader, 1)
    os.close(reader)
    running.stdin.write(packets[1])
    running.stdin.flush()
    assert running.wait() == 141
    assert b"Traceback" not in running.stderr.read()
    running.stdin.close()
