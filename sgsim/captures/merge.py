"""Several captures as one stream in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sgsim.captures.batch import BATCH, Batch, MergedBatch
from sgsim.layout import PacketColumns


class Batches(Protocol):
    """What can be merged: a Capture, a PacketCapture, either of them Decapsulated."""

    def batches(self, packets: int = BATCH, ahead: int = 1) -> Iterator[Batch]: ...


def merged(captures: Sequence[Batches], packets: int = BATCH, ahead: int = 1) -> Iterator[MergedBatch]:
    """The packets of all captures by time, ``packets`` or fewer of each at a time; ties in the order given.

    Each capture's own order is kept: a packet is sorted by the running maximum of its capture's times, which is what
    taking the earliest of the captures' next packets amounts to. One capture alone is passed on as it is. A batch holds
    until ``ahead`` more have been asked for. Raises what reading the captures raises.
    """
    if len(captures) == 1:
        return _alone(captures[0].batches(packets, ahead))
    return _several([_Head(capture.batches(packets, ahead + 1), place) for place, capture in enumerate(captures)])


def _alone(batches: Iterator[Batch]) -> Iterator[MergedBatch]:
    capture = np.zeros(0, dtype=np.int32)
    numbers = np.zeros(0, dtype=np.int64)
    for batch in batches:
        count = len(batch.columns.heads)
        if len(capture) < count:
            capture, numbers = np.zeros(count, dtype=np.int32), np.arange(count, dtype=np.int64)
        number = numbers[:count] + batch.first
        yield MergedBatch(batch.columns, (batch.window,), capture[:count], number, (batch.known,), batch.lengths)


class _Head:
    """One capture's current batch and how far it has been handed on."""

    def __init__(self, batches: Iterator[Batch], place: int) -> None:
        self._batches, self.place = batches, place
        self._latest = -(1 << 63)
        self.keys: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.batch: Batch | None = None
        self.known = 0
        self.window: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)
        self.advance()

    def advance(self) -> None:
        """Ask for the next batch; ``batch`` is None behind the last."""
        self.batch, self.begin = next(self._batches, None), 0
        if self.batch is not None:
            self.window, self.known = self.batch.window, self.batch.known
            self.keys = np.maximum.accumulate(self.batch.columns.time_ns)
            np.maximum(self.keys, self._latest, out=self.keys)
            self._latest = int(self.keys[-1])

    def before(self, key: int, place: int) -> int:
        """The end of the rows that come no later than the last row, at ``key``, of the capture at ``place``."""
        return int(np.searchsorted(self.keys, key, side="right" if self.place <= place else "left"))


def _several(heads: list[_Head]) -> Iterator[MergedBatch]:
    while live := [head for head in heads if head.batch is not None]:
        # The batch that ends first bounds what can be handed on: behind it, its capture's next packet is not known.
        last = min(live, key=lambda head: (int(head.keys[-1]), head.place))
        pieces = [(head, head.begin, head.before(int(last.keys[-1]), last.place)) for head in live]
        keys = np.concatenate([head.keys[begin:end] for head, begin, end in pieces])
        order = np.argsort(keys, kind="stable")  # the pieces stand in the order given, so ties keep it
        capture = np.concatenate([np.full(end - begin, head.place, np.int32) for head, begin, end in pieces])
        known = tuple(head.known for head in heads)
        numbers = [np.arange(begin, end, dtype=np.int64) + _batch(head).first for head, begin, end in pieces]
        columns = _gathered([(_batch(head).columns, begin, end) for head, begin, end in pieces], order)
        windows = tuple(head.window for head in heads)
        number = np.concatenate(numbers)[order]
        yield MergedBatch(columns, windows, capture[order], number, known, _lengths(pieces, order))
        for head, _, end in pieces:
            head.begin = end
        last.advance()


def _batch(head: _Head) -> Batch:
    assert head.batch is not None
    return head.batch


def _lengths(pieces: Sequence[tuple[_Head, int, int]], order: NDArray[np.int64]) -> NDArray[np.uint32] | None:
    """The frames' own lengths, where those of some piece are not its columns'."""
    batches = [(_batch(head), begin, end) for head, begin, end in pieces]
    if all(batch.lengths is None for batch, _, _ in batches):
        return None
    own = (batch.columns.length if batch.lengths is None else batch.lengths for batch, _, _ in batches)
    return np.concatenate([part[begin:end] for part, (_, begin, end) in zip(own, batches, strict=True)])[order]


def _gathered(pieces: Sequence[tuple[PacketColumns, int, int]], order: NDArray[np.int64]) -> PacketColumns:
    """The rows of all pieces in the order given; quotes move together, so their numbers are shifted."""
    heads = np.concatenate([columns.heads[begin:end] for columns, begin, end in pieces])[order]
    bodies = np.concatenate([columns.bodies[begin:end] for columns, begin, end in pieces])
    at, shift = 0, 0
    for columns, begin, end in pieces:
        quoted = bodies["quoted"][at : at + end - begin]
        quoted[quoted >= 0] += shift
        at, shift = at + end - begin, shift + len(columns.quotes)
    return PacketColumns(heads, bodies[order], np.concatenate([columns.quotes for columns, _, _ in pieces]))
