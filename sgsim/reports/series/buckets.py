"""Counts in intervals of time that grow as the time to be shown does: never more than 300, whatever its length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST = 300  # intervals: a pixel or more each on a phone
_MS, _S, _DAY = 1_000_000, 1_000_000_000, 86_400 * 1_000_000_000

# Lengths of an interval, nanoseconds; each divides the next, so that counts can be added up to it.
WIDTHS = (
    *(int(10**power) * step for power in range(9) for step in (1, 2)),
    *(_S * seconds for seconds in (1, 2, 10, 30, 60, 120, 600, 1_800, 3_600, 7_200, 21_600, 43_200)),
    *(_DAY * days for days in (1, 7, 28, 280, 2_800)),
)


def width_for(earliest_ns: int, latest_ns: int) -> int:
    """The shortest of WIDTHS by which the two times and all between lie in MOST intervals, which begin at its multiples
    since the epoch."""
    return next(width for width in WIDTHS if latest_ns // width - earliest_ns // width < MOST)


class Buckets:
    """Counts by interval and cell. After any order of adding, the intervals are those that ``width_for`` gives for the
    earliest and the latest time. ``width_ns`` is their length, ``first_ns`` when the first begins."""

    def __init__(self, narrowest_ns: int = WIDTHS[0]) -> None:
        self.width_ns = self._narrowest = narrowest_ns
        self._first = 0
        self._span: tuple[int, int] | None = None
        self._counts = np.zeros((MOST, 0), dtype=np.int64)

    @property
    def first_ns(self) -> int:
        return self._first * self.width_ns

    @property
    def counts(self) -> NDArray[np.int64]:
        """Shape (intervals, cells), from the interval of the earliest time to that of the latest."""
        if self._span is None:
            return self._counts[:0]
        return self._counts[: self._span[1] // self.width_ns - self._first + 1]

    def add(self, times_ns: NDArray[np.int64], cells: NDArray[np.int64], known: int) -> None:
        """Count one in each of the cells, shape (n,), at its time; there are so many cells ``known`` by now."""
        if known > self._counts.shape[1]:
            more = np.zeros((MOST, known - self._counts.shape[1]), dtype=np.int64)
            self._counts = np.concatenate([self._counts, more], axis=1)
        if not len(times_ns):
            return
        self.reach(int(times_ns.min()), int(times_ns.max()))
        places, counts = np.unique((times_ns // self.width_ns - self._first) * known + cells, return_counts=True)
        self._counts.reshape(-1)[places] += counts

    def reach(self, earliest_ns: int, latest_ns: int) -> None:
        """Take these times among those that are shown."""
        before = self._span
        if before is not None:
            earliest_ns, latest_ns = min(before[0], earliest_ns), max(before[1], latest_ns)
        self._span = earliest_ns, latest_ns
        width = max(self._narrowest, width_for(earliest_ns, latest_ns))
        first = earliest_ns // width
        if before is not None and (width, first) != (self.width_ns, self._first):
            rows = before[1] // self.width_ns - self._first + 1
            places = (self._first + np.arange(rows)) * self.width_ns // width - first
            moved = np.zeros_like(self._counts)
            np.add.at(moved, places, self._counts[:rows])
            self._counts = moved
        self.width_ns, self._first = width, first
