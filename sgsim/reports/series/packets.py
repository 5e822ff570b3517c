"""What a page shows of a replay beside its summary: takes the verdicts of each batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import MergedBatch
from sgsim.engine import Engine
from sgsim.layout import EGRESS, FIRST_DROP, PacketColumns, Verdicts
from sgsim.model import Interface
from sgsim.reports.series.buckets import Buckets
from sgsim.reports.series.parties import Pairs, Parties

ALLOWED, DROPPED = 0, 1
VERDICTS = ("allowed", "dropped")
_NOBODY = np.iinfo(np.int64).min


class PacketSeries:
    """``gates`` counts observations over time, a cell for each interface's place and verdict; ``pairs`` packets by
    sender and receiver: one is dropped if a gate dropped it.

    Times are the clock's: a packet that is older is counted when it was judged.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.gates = Buckets()
        self.parties = Parties(engine.interfaces)
        self.pairs = Pairs(len(VERDICTS))
        self._clock = -(1 << 63)

    @property
    def interfaces(self) -> list[Interface]:
        return list(self.engine.interfaces)

    def write(self, batch: MergedBatch, verdicts: Verdicts) -> None:
        """Count a batch of judged packets."""
        times = batch.columns.time_ns
        if not len(times):
            return
        clocks = np.maximum(np.maximum.accumulate(times), self._clock)
        self._clock = int(clocks[-1])
        self.gates.reach(int(clocks[0]), self._clock)
        dropped = (verdicts.reason >= FIRST_DROP).astype(np.int64)
        cells = verdicts.interface.astype(np.int64) * len(VERDICTS) + dropped
        self.gates.add(clocks[verdicts.packet], cells, len(self.engine.interfaces) * len(VERDICTS))
        self._pair(batch.columns, verdicts, dropped.astype(np.bool_))

    def _pair(self, columns: PacketColumns, verdicts: Verdicts, dropped: NDArray[np.bool_]) -> None:
        senders = np.full(len(columns.heads), _NOBODY, dtype=np.int64)
        receivers = senders.copy()
        sent = verdicts.direction == EGRESS
        senders[verdicts.packet[sent]] = verdicts.interface[sent]
        receivers[verdicts.packet[~sent]] = verdicts.interface[~sent]
        fate = np.zeros(len(columns.heads), dtype=np.int64)
        fate[verdicts.packet[dropped]] = DROPPED
        seen = np.unique(verdicts.packet)
        for ends, name in ((senders, "src"), (receivers, "dst")):
            rows = seen[ends[seen] == _NOBODY]
            bodies = columns.bodies[rows]
            ends[rows] = self.parties.codes(bodies["version"], bodies[f"{name}_hi"], bodies[f"{name}_lo"])
        self.pairs.add(senders[seen], receivers[seen], fate[seen])
