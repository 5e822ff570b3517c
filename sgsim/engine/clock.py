"""The replay's clock: the running maximum of the times of all packets, and what is odd about them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgsim.layout import LONG_JUMP_NS


class Clock:
    """``reordered`` counts packets older than the clock; ``jumped`` is the first jump of more than 30 days."""

    def __init__(self) -> None:
        self.now: int | None = None
        self.reordered = 0
        self.jumped: tuple[int, int] | None = None

    def run(self, time_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Pass over the times of a batch, shape (n,), int64 nanoseconds; returns the clock at each packet."""
        if not len(time_ns):
            return time_ns
        clock = np.maximum.accumulate(time_ns)
        if self.now is not None:
            np.maximum(clock, self.now, out=clock)
        self.reordered += int(np.count_nonzero(clock > time_ns))
        if self.jumped is None:
            before = np.concatenate(([clock[0] if self.now is None else self.now], clock[:-1]))
            jumps = np.flatnonzero(clock > before + LONG_JUMP_NS)  # a difference may not fit into 64 bits
            if len(jumps):
                self.jumped = (int(before[jumps[0]]), int(clock[jumps[0]]))
        self.now = int(clock[-1])
        return clock
