"""Which packets of the stream are judged: those of a time (``--since``, ``--until``), and so many of them (``-c``)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sgsim.captures import MergedBatch
from sgsim.errors import SelectionError
from sgsim.sources.changes.records import ChangeTime
from sgsim.sources.changes.times import change_time
from sgsim.sources.places import Place

_LATEST = (1 << 63) - 1


class Excerpt:
    """Chooses packets by their own times: from ``since`` on, before ``until``; of those the first ``count``.

    Times are as in files of changes (``sgsim.sources.changes.times``): "+12.5s" counts from the first packet that is
    read. Raises InputError for what is no time, SelectionError where nothing can be between.

    ``first_ns`` is the time of the first packet that was read, ``left_out`` the earliest and latest of those before
    ``since`` or after ``until``; None where there is none.
    """

    def __init__(
        self, since: str | int | None = None, until: str | int | None = None, count: int | None = None
    ) -> None:
        self._since = None if since is None else change_time(since, Place("--since"))
        self._until = None if until is None else change_time(until, Place("--until"))
        self._count = count
        one, other = self._since, self._until
        if one is not None and other is not None and one.relative == other.relative and one.ns >= other.ns:
            raise SelectionError(f"--until {until} is not after --since {since}: no packet can be between")
        self.first_ns: int | None = None
        self.left_out: tuple[int, int] | None = None
        self.kept = 0

    def of(self, batches: Iterator[MergedBatch]) -> Iterator[MergedBatch]:
        """What is judged of the batches, in their order; reading ends with the last packet of the ``count``."""
        for batch in batches:
            if self.first_ns is None and len(batch.number):
                self.first_ns = int(batch.columns.time_ns[0])
            chosen = self._between(batch)
            if self._count is not None and self.kept + len(chosen.number) >= self._count:
                yield chosen.part(0, self._count - self.kept)
                self.kept = self._count
                return
            self.kept += len(chosen.number)
            yield chosen

    def _between(self, batch: MergedBatch) -> MergedBatch:
        """The packets of a batch whose times are right."""
        times = batch.columns.time_ns
        if (self._since is None and self._until is None) or not len(times):
            return batch
        right = np.ones(len(times), dtype=np.bool_)
        if self._since is not None:
            right &= times >= self._epoch(self._since)
        if self._until is not None:
            right &= times < self._epoch(self._until)
        if right.all():
            return batch
        out = times[~right]
        earliest, latest = self.left_out or (_LATEST, -_LATEST)
        self.left_out = min(earliest, int(out.min())), max(latest, int(out.max()))
        places = np.flatnonzero(right)
        if not len(places):
            return batch.part(0, 0)
        if places[-1] - places[0] == len(places) - 1:
            return batch.part(int(places[0]), int(places[-1]) + 1)
        return batch.picked(right)

    def _epoch(self, time: ChangeTime) -> int:
        """Nanoseconds since the epoch, as 64 bits hold them."""
        return max(-_LATEST, min(_LATEST, time.since_epoch(self.first_ns or 0)))
