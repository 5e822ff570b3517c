"""The engine held against the plain judge: every field of every observation, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat, zip_longest

import numpy as np
from numpy.typing import NDArray

from sgsim.engine import ReferenceEngine, Simulator
from sgsim.engine.packets import packets_of
from sgsim.layout import REASONS, PacketColumns, Verdicts
from sgsim.model import Settings, Topology


def copied(columns: PacketColumns) -> PacketColumns:
    """Columns that outlive the next batch."""
    return PacketColumns._make(column.copy() for column in columns)


def assert_same(
    topology: Topology,
    settings: Settings,
    batches: Iterable[PacketColumns],
    selected: Sequence[str] | None = None,
    places: Iterable[NDArray[np.int32]] | None = None,
    changes: Mapping[int, Sequence[Topology]] | None = None,
) -> set[str]:
    """Judge the batches with both; returns the reasons met. Fails with the first packet on which they differ.

    ``places``: of each batch, where its packets were captured, as ``judge_columns`` takes it. ``changes``: by number of
    the batch, what holds from it on, one topology after the other.
    """
    fast, slow = Simulator(topology, settings, selected), ReferenceEngine(topology, settings, selected)
    reasons: set[str] = set()
    for number, (columns, at) in enumerate(zip(batches, repeat(None) if places is None else places, strict=False)):
        for later in (changes or {}).get(number, ()):
            for engine in (fast, slow):
                engine.change(later)
            assert fast.live_entries() == slow.live_entries(), f"entries kept by the change before batch {number}"
            assert (fast.interfaces, fast.rules) == (slow.interfaces, slow.rules)
        mine, theirs = copied(columns), copied(columns)
        got, expected = fast.judge_columns(mine, at), slow.judge_columns(theirs, at)
        same = all(np.array_equal(one, other) for one, other in zip(got, expected, strict=True))
        if not same or not np.array_equal(mine.skip, theirs.skip):
            raise AssertionError(difference(columns, mine, theirs, got, expected))
        reasons.update(REASONS[code] for code in np.unique(expected.reason))
    assert fast.live_entries() == slow.live_entries()
    assert (fast.reordered, fast.jumped) == (slow.reordered, slow.jumped)
    return reasons


def difference(
    columns: PacketColumns, mine: PacketColumns, theirs: PacketColumns, got: Verdicts, expected: Verdicts
) -> str:
    """The first packet whose observations differ, and both opinions of it."""
    packets = list(packets_of(columns))
    for row in np.flatnonzero(mine.skip != theirs.skip):
        return (
            f"packet {row} {packets[row]}: skipped by the engine {mine.skip[row]}, by the reference {theirs.skip[row]}"
        )
    rows = zip_longest(*(zip(*(column.tolist() for column in each[:-1]), strict=True) for each in (got, expected)))
    for one, other in rows:
        if one != other:
            row = (one or other)[0]
            return f"packet {row} {packets[row]}:\n  engine    {one}\n  reference {other}\n  as {Verdicts._fields}"
    return "the same observations, in arrays that differ"
