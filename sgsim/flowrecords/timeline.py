"""Where records wait for their turn: logs are not in the order of time, and a record's last packet comes after the
first ones of many others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.logflows import MOST_BETWEEN, MOST_SLOTS, close_ranks, make_events
from sgsim.layout import LOG_RECORD

MOST = 1 << 19  # records that wait at most, 54 MB
_FIRST = 1 << 15
_EVENTS = 2 + MOST_BETWEEN  # of a record at most


class Timeline:
    """Records in slots, and their events, which are handed on in the order of time: whatever the disorder, as far as
    the records that wait reach. Those of one second are in the order of their roles, then as they were added.

    ``records`` are the slots, LOG_RECORDs.
    """

    def __init__(self, most: int = MOST) -> None:
        assert most <= MOST_SLOTS
        self._most = most
        self.records: NDArray[np.void] = np.zeros(min(_FIRST, most), dtype=LOG_RECORD)
        self._waiting: NDArray[np.bool_] = np.zeros(most, dtype=np.bool_)
        self._used = 0  # slots
        self._events: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._pending = 0  # events
        self._moved: NDArray[np.int32] = np.zeros(most, dtype=np.int32)
        self._taken: NDArray[np.void] = np.zeros(0, dtype=LOG_RECORD)

    def is_full(self, more: int) -> bool:
        """Whether so many more records have no room."""
        return self._used + more > self._most

    def add(self, records: NDArray[np.void], paces: NDArray[np.int64]) -> None:
        """There must be room. ``paces`` as in Guards."""
        first, end = self._used, self._used + len(records)
        self._grow(end, self._pending + _EVENTS * len(records))
        self.records[first:end] = records
        self._waiting[first:end] = True
        self._used = end
        self._pending += make_events(self.records, first, end, paces, self._events[self._pending :])

    def events(self, most: int, room_for: int | None) -> Iterator[NDArray[np.int64]]:
        """The earliest events, so many at a time, until half of the room is free, and room for so many records; or
        all when None. Between two of them, say what is ``taken``."""
        events = self._events[: self._pending]
        events.sort()
        begin = 0
        while begin < len(events):
            yield events[begin : begin + most]
            begin += most
            if room_for is not None:
                waiting = int(np.count_nonzero(self._waiting[: self._used]))
                if waiting <= self._most // 2 and waiting + room_for <= self._most:
                    break
        left = events[begin:]
        self._pending = len(left)
        self._events[: self._pending] = left
        # Records that wait move to the first slots, in their order, so that ties stay as they are.
        self._used = close_ranks(self.records, self._waiting, self._used, self._events[: self._pending], self._moved)

    def taken(self, slots: NDArray[np.int64]) -> NDArray[np.void]:
        """The records in these slots, which wait no longer; they hold until the next call."""
        self._waiting[slots] = False
        if len(slots) > len(self._taken):
            self._taken = np.zeros(len(slots), dtype=LOG_RECORD)
        return np.take(self.records, slots, out=self._taken[: len(slots)], mode="clip")  # else it copies twice

    def _grow(self, slots: int, events: int) -> None:
        if slots > len(self.records):
            records = np.zeros(min(self._most, max(2 * len(self.records), slots)), dtype=LOG_RECORD)
            records[: self._used] = self.records[: self._used]
            self.records = records
        if events > len(self._events):
            numbers = np.zeros(2 * events, dtype=np.int64)  # untouched pages take no memory
            numbers[: self._pending] = self._events[: self._pending]
            self._events = numbers
