"""Every real capture of a supported link type, against random topologies fitted to its hosts."""

from __future__ import annotations

import os
import random
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sgsim.captures import open_capture
from sgsim.engine.packets import address_of
from sgsim.errors import CaptureError
from sgsim.layout import PacketColumns
from sgsim.model import Address, Settings
from tests.differential.compare import assert_same, copied
from tests.differential.worlds import topology_of

SHARES = 12  # the captures are dealt out to so many tests, which can run side by side
TOPOLOGIES = 3


def captures(data: Path) -> list[Path]:
    return sorted(path for path in (data / "pcap").rglob("*") if path.is_file())


def batches_of(path: Path) -> list[PacketColumns]:
    """All that can be read of a capture; nothing of one that is refused."""
    found: list[PacketColumns] = []
    try:
        with open_capture(os.fspath(path)) as capture:
            found.extend(copied(batch.columns) for batch in capture.batches())
    except CaptureError:
        pass  # what came before is judged all the same
    return found


def busiest(batches: list[PacketColumns], count: int) -> list[Address]:
    """The hosts that most packets come from or go to."""
    seen: Counter[tuple[int, int, int]] = Counter()
    for columns in batches:
        rows = np.flatnonzero(columns.skip == 0)
        for hi, lo in ((columns.src_hi, columns.src_lo), (columns.dst_hi, columns.dst_lo)):
            seen.update(zip(columns.version[rows].tolist(), hi[rows].tolist(), lo[rows].tolist(), strict=True))
    return [address_of(*key) for key, _ in seen.most_common(count)]


@pytest.mark.parametrize("share", range(SHARES))
def test_no_capture_is_judged_differently(share, data):
    """Not one observation differs in any field, closed loop and open loop."""
    judged = 0
    for place, path in enumerate(captures(data)):
        if place % SHARES != share:
            continue
        batches = batches_of(path)
        hosts = busiest(batches, 24)
        if not hosts:
            continue
        for number in range(TOPOLOGIES):
            rng = random.Random(zlib.crc32(path.name.encode()) + number)
            topology = topology_of(rng, hosts)
            for open_loop in (False, True):
                try:
                    assert_same(topology, Settings(open_loop=open_loop), batches)
                except AssertionError as error:
                    raise AssertionError(f"{path}, topology {number}, open_loop={open_loop}: {error}") from error
        judged += 1
    assert judged > 30
