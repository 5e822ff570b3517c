"""Threads and batch sizes: nothing of a replay but its speed depends on them, and the plain judge agrees."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import sgsim.replay
from sgsim.captures import Batch, Capture, Decapsulated, MergedBatch, merged, open_capture
from sgsim.captures.batch import BATCH
from sgsim.errors import CaptureError, SgsimError
from sgsim.model import Topology, Tunnel
from sgsim.replay import Outputs, replay
from sgsim.reports import flows
from tests.differential.compare import copied
from tests.differential.test_captures import busiest, captures
from tests.differential.worlds import settings_of, topology_of

SHARES = 4  # the captures are dealt out to so many tests, which can run side by side
JOBS = (1, 2, 5)
SIZES = (1, 7, BATCH)
PACKETS = 60  # of each capture at most, but for WHOLE: a batch of one packet costs some 200 us
WHOLE = 21  # one of so many captures is judged to its end, in batches of 7 and of the default size
FLOWS = 16  # rows that are kept of each capture's, so that some are written early
ALL = 15  # one of so many is judged in all nine ways, and by the plain judge; the others in three, beside (1, BATCH)


class Cut:
    """The first packets of a capture, in batches of a given size."""

    def __init__(self, capture: Capture | Decapsulated, size: int, most: int) -> None:
        self._capture, self._size, self._most = capture, size, most

    def batches(self, packets: int = BATCH, ahead: int = 1) -> Iterator[Batch]:
        left = self._most
        for batch in self._capture.batches(min(packets, self._size, left), ahead):
            columns = batch.columns
            if left < len(columns.heads):
                columns = columns._replace(heads=columns.heads[:left], bodies=columns.bodies[:left])
            left -= len(columns.heads)
            yield batch._replace(columns=columns)
            if not left:
                return


def cut(size: int, most: int) -> Any:
    """``merged`` for the first packets of each stream only."""

    def cut_and_merged(streams: Any, ahead: int) -> Iterator[MergedBatch]:
        return merged([Cut(stream, size, most) for stream in streams], ahead=ahead)

    return patch.object(sgsim.replay, "merged", cut_and_merged)


def results(
    topology: Topology, paths: list[Path], folder: Path, *, size: int, most: int, parquet: bool = False, **options: Any
) -> dict[str, object]:
    """All that a replay leaves: its summary but for the seconds, its files, its error."""
    folder.mkdir()
    names = [str(folder / f"o.{form}") for form in ("ndjson", "csv", "pcapng", *(("parquet",) if parquet else ()))]
    packets = [str(folder / f"{verdict}.pcapng") for verdict in ("allowed", "dropped")]
    outputs = Outputs(names, None, *packets, flows=str(folder / f"flows.{'parquet' if parquet else 'csv'}"))
    found: dict[str, object] = {}
    try:
        with cut(size, most), patch.object(flows, "MOST", FLOWS):
            summary = replay(topology, paths, outputs=outputs, **options).as_json()
        del summary["seconds"], summary["packets_per_second"]
        found["summary"] = summary
    except SgsimError as error:
        found["error"] = str(error)
    for file in folder.iterdir():
        found[file.name] = file.read_bytes()
        file.unlink()
    folder.rmdir()
    return found


def hosts_of(path: Path) -> list[Any]:
    """The busiest hosts of a capture's beginning."""
    batches = []
    try:
        with open_capture(str(path)) as capture:
            batches.extend(copied(batch.columns) for batch in Cut(capture, BATCH, 2000).batches())
    except CaptureError:
        pass
    return busiest(batches, 24)


@pytest.mark.parametrize("share", range(SHARES))
def test_threads_and_batch_sizes_change_nothing(share, data, tmp_path):
    """Observations, summary, written packets and errors of every capture, under random settings."""
    judged = 0
    for place, path in enumerate(captures(data)):
        hosts = hosts_of(path) if place % SHARES == share else []
        if not hosts:
            continue
        rng = random.Random(zlib.crc32(path.name.encode()))
        topology, settings = topology_of(rng, hosts), settings_of(rng)
        options: dict[str, Any] = {"settings": settings, "most": 1 << 40 if place % WHOLE == 0 else PACKETS}
        if place % 3 == 0:
            options["decapsulate"] = Tunnel.VXLAN
        if place % 5 == 0 and find_spec("pyarrow"):
            options["parquet"] = True
        ask = partial(results, topology, [path], tmp_path / "results", **options)
        expected = ask(jobs=1, size=BATCH)
        ways: Sequence[tuple[int, int]] = ((2, 1), (5, 7), (2 + 3 * (place % 2), BATCH))
        if place % ALL == 0:
            ways = tuple(product(JOBS, SIZES))
            assert same(ask(jobs=1, size=BATCH, engine="reference"), expected), f"{path}: the plain judge differs"
        for jobs, size in ways:
            if size > 1 or place % WHOLE:
                assert same(ask(jobs=jobs, size=size), expected), f"{path}: --jobs {jobs}, batches of {size}"
        judged += 1
    assert judged > 100


def test_captures_are_merged_alike(data, tmp_path):
    """Two captures, the second taken at one interface: their packets come in one order, with the same verdicts."""
    paths = [path for path in captures(data) if path.stat().st_size < 20_000]
    random.Random(7).shuffle(paths)
    judged = 0
    for one, other in zip(paths[:60:2], paths[1:60:2], strict=True):
        hosts = [*dict.fromkeys(hosts_of(one) + hosts_of(other))]
        rng = random.Random(zlib.crc32(one.name.encode()))
        topology, settings = topology_of(rng, hosts), settings_of(rng)
        at = {str(other): next(iter(topology.interfaces))}
        ask = partial(results, topology, [one, other], tmp_path / "results", settings=settings, most=1 << 40, at=at)
        expected = ask(jobs=1, size=BATCH)
        for jobs, size in ((2, 7), (5, 100), (2, BATCH)):
            assert same(ask(jobs=jobs, size=size), expected), f"{one} and {other}: --jobs {jobs}, batches of {size}"
        judged += "summary" in expected
    assert judged > 20


def same(found: dict[str, object], expected: dict[str, object]) -> bool:
    """Whether two replays left the same; names what differs in what pytest prints."""
    different = [name for name in {*found, *expected} if found.get(name) != expected.get(name)]
    for name in different:
        print(f"{name}:\n  {found.get(name)!r:.2000}\n  {expected.get(name)!r:.2000}")
    return not different
