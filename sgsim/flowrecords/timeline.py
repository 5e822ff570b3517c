"""Where records wait for their turn: logs are not in the order of time, and a record's last packet comes after the
first ones of many others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.logflows import MOST_SLOTS, make_events
from sgsim.layout import LOG_RECORD

MOST = 1 << 19  # records that wait at most, 54 MB
_FIRST = 1 << 15


class Timeline:
    """Records in slots, and their events, which are handed on in the order of time: whatever the disorder, as far as
    the records that wait reach. Those of one second are in the order of their roles, then as they were added.

    ``records`` are the slots, LOG_RECORDs.
    """

    def __init__(self, most: int = MOST) -> None:
        assert most <= MOST_SLOTS
        self._most = most
        self.records: NDArray[np.void] = np.zeros(min(_FIRST, most), dtype=LOG_RECORD)
        self._used = 0
        self._waiting: NDArray[np.bool_] = np.zeros(len(self.records), dtype=np.bool_)
        self._sorted: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._added: list[NDArray[np.int64]] = []

    def is_full(self, more: int) -> bool:
        """Whether so many more records have no room."""
        return self._used + more > self._most

    def add(self, records: NDArray[np.void]) -> None:
        """There must be room."""
        first, end = self._used, self._used + len(records)
        self._grow(end)
        self.records[first:end] = records
        self._waiting[first:end] = True
        self._used = end
        events = np.zeros(2 * len(records), dtype=np.int64)
        self._added.append(events[: make_events(self.records, first, end, events)])

    def events(self, most: int, room_for: int | None) -> Iterator[NDArray[np.int64]]:
        """The earliest events, so many at a time, until half of the room is free, and room for so many records; or
        all when None. Between two of them, say what is ``taken``."""
        events = np.concatenate([self._sorted, *self._added])
        events.sort()
        self._added = []
        begin = 0
        while begin < len(events):
            yield events[begin : begin + most]
            begin += most
            if room_for is not None:
                waiting = int(np.count_nonzero(self._waiting[: self._used]))
                if waiting <= self._most // 2 and waiting + room_for <= self._most:
                    break
        self._sorted = events[begin:]
        self._close_ranks()

    def taken(self, slots: NDArray[np.int64]) -> NDArray[np.void]:
        """The records in these slots, which wait no longer."""
        self._waiting[slots] = False
        return self.records[slots]

    def _grow(self, needed: int) -> None:
        if needed > len(self.records):
            size = min(self._most, max(2 * len(self.records), needed))
            records, waiting = np.zeros(size, dtype=LOG_RECORD), np.zeros(size, dtype=np.bool_)
            records[: self._used] = self.records[: self._used]
            waiting[: self._used] = self._waiting[: self._used]
            self.records, self._waiting = records, waiting

    def _close_ranks(self) -> None:
        """Records that wait move to the first slots, in their order, so that ties stay as they are."""
        kept = np.flatnonzero(self._waiting[: self._used])
        moved = np.zeros(self._used, dtype=np.int64)
        moved[kept] = np.arange(len(kept))
        self.records[: len(kept)] = self.records[kept]
        self._waiting[: self._used] = False
        self._waiting[: len(kept)] = True
        self._used = len(kept)
        slot = np.int64(MOST_SLOTS - 1)
        self._sorted = self._sorted & ~slot | moved[self._sorted & slot]
