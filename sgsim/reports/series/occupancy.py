"""How many connections there are as time goes on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sgsim.engine import Engine
from sgsim.reports.series.buckets import WIDTHS, width_for
from sgsim.timeline import Piece


class Occupancy:
    """Counts the connections that are not idle at the last packet of each interval of time.

    An engine says only what holds after what it has judged: the stream is cut where an interval ends. Intervals are
    those of the page or shorter ones, so what is told does not depend on how the stream comes in batches.
    """

    def __init__(self) -> None:
        self._first: int | None = None  # the clock of the first packet, as the hand that reads knows it ...
        self._begun: int | None = None  # ... and as the one that judges does
        self._read = self._judged = -(1 << 63)  # the clock of either
        self._samples: dict[int, tuple[int, int]] = {}  # by interval of ``_width``: the clock, connections
        self._width = WIDTHS[0]

    def cut(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """The pieces of the stream, cut where an interval ends."""
        for piece in pieces:
            times = piece.batch.columns.time_ns
            if not len(times):
                yield piece
                continue
            clocks = np.maximum(np.maximum.accumulate(times), self._read)
            self._read = int(clocks[-1])
            self._first = int(clocks[0]) if self._first is None else self._first
            intervals = clocks // width_for(self._first, self._read)
            ends = [*(np.flatnonzero(np.diff(intervals)) + 1).tolist(), len(times)]
            begin = 0
            for end in ends:
                yield piece._replace(batch=piece.batch.part(begin, end))
                begin = end

    def sample(self, piece: Piece, engine: Engine) -> None:
        """A piece of the stream has just been judged."""
        times = piece.batch.columns.time_ns
        if len(times):
            self._begun = int(times[0]) if self._begun is None else self._begun
            self._judged = max(self._judged, int(times.max()))
            width = width_for(self._begun, self._judged)
            if width != self._width:  # the later sample of an interval stays
                kept = sorted(self._samples.values())
                self._samples, self._width = {clock // width: (clock, live) for clock, live in kept}, width
            self._samples[self._judged // width] = self._judged, engine.live_entries()

    def by_interval(self, first_ns: int, width_ns: int, intervals: int) -> list[int]:
        """Connections at the end of each interval; one without a packet has those of the one before."""
        found = dict.fromkeys(range(intervals), -1)
        for clock, live in sorted(self._samples.values()):
            found[(clock - first_ns) // width_ns] = live
        shown, latest = [], 0
        for place in range(intervals):
            latest = found[place] if found[place] >= 0 else latest
            shown.append(latest)
        return shown
