"""Where captures come from: files, pipes, FIFOs and standard input, and how soon their packets are there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sgsim.captures import open_capture
from sgsim.errors import CaptureError
from tests.captures.layouts import FRAME, drained, enhanced, interface, pcap, pcapng, read_file, record, section

WAIT = 20  # seconds until a test gives up on what should be there at once


@pytest.fixture
def fifo(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def write_to(path: Path, data: bytes) -> threading.Thread:
    thread = threading.Thread(target=path.write_bytes, args=(data,), daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("made", [pcap, pcapng])
def test_packets_are_handed_on_as_they_arrive(fifo, made):
    """A live capture's packets come before its end, without waiting for a window or a batch to fill."""
    data = made([FRAME])
    opened = threading.Event()

    def source() -> None:
        with open(fifo, "wb", buffering=0) as file:
            file.write(data)
            assert opened.wait(WAIT)
            for place in range(3):
                more = record(FRAME, seconds=place) if made is pcap else enhanced(FRAME)
                file.write(more[:20])  # half a record is no packet yet
                file.write(more[20:])
                assert arrived[place].wait(WAIT)

    arrived = [threading.Event() for _ in range(3)]
    thread = threading.Thread(target=source, daemon=True)
    thread.start()
    with open_capture(str(fifo)) as capture:
        batches = capture.batches()
        assert len(next(batches).columns.skip) == 1
        opened.set()
        for place in range(3):
            assert [next(batches).first, len(FRAME)] == [place + 2, 46]
            arrived[place].set()
        assert list(batches) == []
        assert capture.size is None
        assert capture.position > len(data)
    thread.join(WAIT)


def test_a_stream_may_arrive_byte_by_byte(fifo):
    """Whatever the pieces, the packets are the same."""
    data = pcapng([FRAME, FRAME[:43], FRAME])

    def source() -> None:
        with open(fifo, "wb", buffering=0) as file:
            for place in range(len(data)):
                file.write(data[place : place + 1])

    thread = threading.Thread(target=source, daemon=True)
    thread.start()
    with open_capture(str(fifo)) as capture:
        assert [row.captured for row in drained(capture).rows] == [46, 43, 46]
    thread.join(WAIT)


def test_a_fifo_gives_what_a_file_gives(fifo, tmp_path):
    """More than a pipe or a window holds."""
    data = pcap([bytes([size % 251]) * size for size in range(2000)])
    plain = tmp_path / "plain"
    plain.write_bytes(data)
    thread = write_to(fifo, data)
    assert read_file(fifo) == read_file(plain)
    thread.join(WAIT)


READ_STANDARD_INPUT = """
from sgsim.captures import open_capture
with open_capture("-") as capture:
    for batch in capture.batches():
        print(batch.first, len(batch.columns.skip), flush=True)
print(capture.name, capture.warnings)
"""


@pytest.fixture
def reader():
    """A process that reads a capture from its standard input and prints each batch at once."""
    root = Path(__file__).resolve().parents[2]
    arguments = [sys.executable, "-c", READ_STANDARD_INPUT]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, bufsize=0)
    yield process
    process.kill()
    process.stdin.close()
    process.stdout.close()
    process.wait()


def test_standard_input_is_live(reader):
    """What a pipe holds is printed before the pipe is closed."""
    reader.stdin.write(section() + interface() + enhanced(FRAME))
    assert reader.stdout.readline() == b"1 1\n"
    reader.stdin.write(enhanced(FRAME) * 3)
    assert reader.stdout.readline() == b"2 3\n"
    reader.stdin.close()
    assert reader.stdout.readline() == b"- []\n"


def test_standard_input_may_be_a_file(tmp_path):
    """Redirected, it is read like one."""
    path = tmp_path / "capture"
    path.write_bytes(pcap([FRAME, FRAME]))
    with open(path, "rb") as file:
        done = subprocess.run(
            [sys.executable, "-c", READ_STANDARD_INPUT],
            stdin=file,
            capture_output=True,
            check=True,
            cwd=Path(__file__).resolve().parents[2],
        )
    assert done.stdout == b"1 2\n- []\n"


def refusal(path: str) -> str:
    with pytest.raises(CaptureError) as caught:
        open_capture(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path in message
    return message


def test_files_that_cannot_be_opened(tmp_path):
    """Missing, a directory, a name no file can have: one line each."""
    assert "No such file" in refusal(str(tmp_path / "missing"))
    assert "is a directory" in refusal(str(tmp_path))
    assert "null" in refusal(str(tmp_path) + "\0")


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        (b"", "empty (0 bytes)"),
        (b"\0", "no pcap or pcapng file"),
        (b"No capture at all\n", "no pcap or pcapng file"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"PK\x03\x04", "zip"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"snoop\0\0\0", "snoop"),
    ],
)
def test_files_that_are_no_captures(tmp_path, start, problem):
    """What they are is said where it is known, and what to do."""
    path = tmp_path / "other"
    path.write_bytes(start)
    assert problem in refusal(str(path))


def test_size_and_position_tell_the_progress(tmp_path):
    """Both in bytes of the file; they meet at the end."""
    path = tmp_path / "capture"
    path.write_bytes(pcap([FRAME] * 100_000))
    with open_capture(str(path)) as capture:
        positions = [capture.position for _ in capture.batches()]
        assert positions == sorted(positions)
        assert positions[0] < capture.size == positions[-1] == path.stat().st_size


def test_closing_twice_does_nothing(tmp_path):
    """And leaves no descriptor open."""
    path = tmp_path / "capture"
    path.write_bytes(pcap([FRAME]))
    before = len(os.listdir("/proc/self/fd"))
    capture = open_capture(str(path))
    capture.close()
    capture.close()
    path.write_bytes(b"nonsense")
    refusal(str(path))
    assert len(os.listdir("/proc/self/fd")) == before
