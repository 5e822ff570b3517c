"""Several captures as one stream, against the plainest merge there is: take the earliest of the next packets."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sgsim.captures import Capture, MergedBatch, merged, open_capture
from tests.captures.layouts import FRAME, enhanced, interface, pcap, pcap_header, record, rows_of, section


def naive(captures: list[list[int]]) -> list[tuple[int, int]]:
    """(capture, packet number) of each packet: always the capture whose next packet has the least time, ties in the
    order given."""
    order, places = [], [0] * len(captures)
    while True:
        left = [which for which, times in enumerate(captures) if places[which] < len(times)]
        heads = [(captures[which][places[which]], which) for which in left]
        if not heads:
            return order
        _, which = min(heads)
        places[which] += 1
        order.append((which, places[which]))


def frame_of(which: int, number: int) -> bytes:
    """A frame that tells where it came from: its source address."""
    return FRAME[:26] + bytes([which]) + number.to_bytes(3, "big") + FRAME[30:]


def written(path: Path, which: int, times: list[int]) -> str:
    records = [record(frame_of(which, n + 1), seconds=t // 10**6, fraction=t % 10**6) for n, t in enumerate(times)]
    path.write_bytes(pcap_header() + b"".join(records))
    return str(path)


def taken(batches: Iterator[MergedBatch]) -> list[tuple[int, int, bytes]]:
    """(capture, number, frame) of each packet, with every column looked at."""
    found = []
    for batch in batches:
        for i, (which, number) in enumerate(zip(batch.capture.tolist(), batch.number.tolist(), strict=True)):
            begin, size = int(batch.columns.offset[i]), int(batch.columns.captured[i])
            frame = batch.windows[which][begin : begin + size].tobytes()
            assert int(batch.columns.src_lo[i]) == int.from_bytes(frame[26:30], "big")
            found.append((which, number, frame))
    return found


def check(tmp_path: Path, captures: list[list[int]], packets: int) -> None:
    names = [written(tmp_path / f"{which}.pcap", which, times) for which, times in enumerate(captures)]
    opened = [open_capture(name) for name in names]
    found = taken(merged(opened, packets))
    for capture in opened:
        capture.close()
    assert [(which, number) for which, number, _ in found] == naive(captures)
    assert all(frame == frame_of(which, number) for which, number, frame in found)


@pytest.mark.parametrize("seed", range(60))
def test_random_captures_merge_as_packet_by_packet(tmp_path, seed):
    """In order, out of order, with ties, of any length, in batches of any size."""
    rng = random.Random(seed)
    captures = []
    for _ in range(rng.randint(1, 5)):
        times = [rng.randint(0, rng.choice((5, 100, 10**7))) for _ in range(rng.choice((0, 1, 3, 40, 200)))]
        captures.append(sorted(times) if rng.random() < 0.6 else times)
    check(tmp_path, captures, rng.choice((1, 2, 7, 8192)))


@pytest.mark.parametrize("packets", [1, 8192])
def test_a_files_own_order_is_kept(tmp_path, packets):
    """A packet that is late in its file waits for its predecessor, and then goes first."""
    check(tmp_path, [[5, 1, 2, 9], [3, 4, 5, 6]], packets)


def test_ties_come_in_the_order_given(tmp_path):
    """Whatever the batches."""
    for packets in (1, 2, 3, 8192):
        check(tmp_path, [[7] * 5, [7] * 5, [6, 7, 7, 8]], packets)


def test_one_capture_is_passed_on_as_it_is(tmp_path):
    """Its columns are not copied."""
    path = written(tmp_path / "one.pcap", 1, [3, 1, 2])
    with open_capture(path) as capture:
        batches = capture.batches()
        (batch,) = merged([_Fixed(batches)])
        assert batch.capture.tolist() == [0, 0, 0]
        assert batch.number.tolist() == [1, 2, 3]
        assert batch.columns.time_ns.tolist() == [3000, 1000, 2000]
        assert batch.columns.time_ns.base is not None


class _Fixed:
    def __init__(self, batches):
        self._batches = batches

    def batches(self, packets=8192, ahead=1):
        return self._batches


def test_nothing_merges_to_nothing(tmp_path):
    """No packets, no batches."""
    for captures in ([[]], [[], []], [[], [1]]):
        check(tmp_path, captures, 8192)
    assert list(merged([])) == []


def test_quotes_go_with_their_packets(tmp_path):
    """The rows of quoted packets are numbered anew when batches are put together."""
    names = []
    for which in range(3):
        frames = []
        for number in range(50):
            inner = bytes([0x45, 0, 0, 28]) + bytes(5) + bytes([17]) + bytes(2) + bytes([10, which, 0, number] * 2)
            error = b"\3\1" + bytes(6) + inner + bytes(8)
            outer = bytearray(bytes([0x45, 0, 0, 20 + len(error)]) + bytes(4) + b"\x40\1" + bytes(2) + FRAME[26:34])
            frames.append(bytes(12) + b"\x08\0" + bytes(outer) + error if number % 3 else FRAME)
        path = tmp_path / f"{which}.pcap"
        path.write_bytes(pcap(frames))
        names.append(str(path))
    captures: list[Capture] = [open_capture(name) for name in names]
    seen = 0
    for batch in merged(captures, 7):
        for i in range(len(batch.capture)):
            which, number = int(batch.capture[i]), int(batch.number[i]) - 1
            quoted = rows_of_one(batch, i)
            assert quoted == (f"10.{which}.0.{number}" if number % 3 else None)
            seen += 1
    assert seen == 150
    for capture in captures:
        capture.close()


def rows_of_one(batch: MergedBatch, i: int) -> str | None:
    rows = rows_of(batch.columns, batch.windows[int(batch.capture[i])], 1)
    return rows[i].quoted[0] if rows[i].quoted else None


def test_links_are_each_captures_own(tmp_path):
    """A merged packet's link is a place in its own capture's table."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(section() + interface(link=101) + interface() + enhanced(FRAME, number=1, ticks=2))
    two.write_bytes(section() + interface() + enhanced(FRAME, ticks=1))
    with open_capture(str(one)) as first, open_capture(str(two)) as second:
        batches = merged([first, second])
        pairs = [pair for batch in batches for pair in zip(batch.capture, batch.columns.link, strict=True)]
        assert pairs == [(1, 0), (0, 1)]


def test_live_captures_give_what_is_safe(tmp_path):
    """A packet is handed on as soon as no capture can come up with an earlier one."""
    fifo, path = tmp_path / "fifo", tmp_path / "file"
    os.mkfifo(fifo)
    path.write_bytes(pcap([FRAME] * 5))  # at 1, 2, 3, 4 and 5 s
    go_on = threading.Event()

    def source() -> None:
        with open(fifo, "wb", buffering=0) as file:
            file.write(pcap_header() + record(FRAME, seconds=3))
            assert go_on.wait(20)
            file.write(record(FRAME, seconds=9))

    thread = threading.Thread(target=source, daemon=True)
    thread.start()
    with open_capture(str(fifo)) as live, open_capture(str(path)) as file:
        batches = merged([live, file])
        first = next(batches)
        assert list(zip(first.capture.tolist(), first.number.tolist(), strict=True)) == [(1, 1), (1, 2), (0, 1)]
        go_on.set()
        rest = [pair for batch in batches for pair in zip(batch.capture.tolist(), batch.number.tolist(), strict=True)]
        assert rest == [(1, 3), (1, 4), (1, 5), (0, 2)]
    thread.join(20)
