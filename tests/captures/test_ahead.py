"""Batches that are kept while more are read: nothing of them is overwritten before its time, whatever comes how."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from sgsim.captures import MergedBatch, merged, open_capture
from sgsim.captures.source import Descriptor
from tests.captures.layouts import FRAME, enhanced, interface, pcap_header, record, section

WINDOW = 2048  # bytes, in place of two megabytes


def frames_of(rng: random.Random, count: int) -> list[bytes]:
    """Frames of all sizes, some beyond the window; no two are alike."""
    sizes = [rng.choice((0, 4, 60, 400, 1400, WINDOW - 60, WINDOW, 3 * WINDOW)) for _ in range(count)]
    return [FRAME + rng.randbytes(size) + number.to_bytes(4, "big") for number, size in enumerate(sizes)]


def pcap_of(frames: Iterable[bytes]) -> bytes:
    return pcap_header() + b"".join(record(frame, seconds=n) for n, frame in enumerate(frames))


def pcapng_of(frames: Iterable[bytes]) -> bytes:
    """A new section every 20 packets: the window moves for its header too."""
    data = b""
    for n, frame in enumerate(frames):
        data += (section() + interface() if n % 20 == 0 else b"") + enhanced(frame, ticks=n * 1_000_000)
    return data


def in_pieces(rng: random.Random, most: int) -> Any:
    """Sources that give a few bytes at a time, as pipes do."""
    whole = Descriptor.read_into

    def read_into(self: Descriptor, room: memoryview) -> int:
        return whole(self, room[: rng.randrange(1, most)])

    return patch.object(Descriptor, "read_into", read_into)


def seen(batch: MergedBatch) -> list[tuple[int, int, bytes]]:
    """(capture, time in seconds, frame) of each packet, as the batch holds it now."""
    columns = batch.columns
    return [
        (capture, time // 1_000_000_000, batch.windows[capture][offset : offset + captured].tobytes())
        for capture, time, offset, captured in zip(
            batch.capture.tolist(),
            columns.time_ns.tolist(),
            columns.offset.tolist(),
            columns.captured.tolist(),
            strict=True,
        )
    ]


@pytest.mark.parametrize("piece", [30, 700, 1 << 20])
@pytest.mark.parametrize("ahead", [1, 2, 4])
@pytest.mark.parametrize("made", [(pcap_of,), (pcapng_of,), (pcap_of, pcapng_of, pcap_of)])
def test_a_batch_holds_until_as_many_more_are_asked_for(tmp_path: Path, made, ahead: int, piece: int):
    """The newest ``ahead`` batches are what they were, and no packet is lost or comes twice."""
    rng = random.Random(piece * ahead + len(made))
    expected, paths = [], []
    for place, make in enumerate(made):
        frames = frames_of(rng, 90)
        paths.append(tmp_path / str(place))
        paths[-1].write_bytes(make(frames))
        expected += [(time, place, frame) for time, frame in enumerate(frames)]
    held: deque[tuple[MergedBatch, list[tuple[int, int, bytes]]]] = deque(maxlen=ahead)
    found = []
    with ExitStack() as stack:
        stack.enter_context(patch("sgsim.captures.source.WINDOW", WINDOW))
        stack.enter_context(in_pieces(rng, piece))
        captures = [stack.enter_context(open_capture(str(path))) for path in paths]
        for batch, _ in zip(merged(captures, 16, ahead), count()):
            held.append((batch, seen(batch)))
            found += [(time, capture, frame) for capture, time, frame in held[-1][1]]
            for kept, as_it_came in held:
                assert seen(kept) == as_it_came
    assert found == sorted(expected, key=lambda each: each[:2])
