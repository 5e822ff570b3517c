"""Flows: what was decided of each at each gate, in rows that are kept while a replay runs (``--flows``).

A row stands for the packets of a flow, as connection tracking tells flows apart, at one gate, that one rule let pass,
the first of them and those of its connection alike, or that were dropped for one reason.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import MergedBatch
from sgsim.engine.pages import pages
from sgsim.kernels.flowrows import FLOW_BEGIN, FLOW_ROW, WAITING, FlowRows, count_flows, reindex
from sgsim.layout import Verdicts

MOST = 1 << 20  # rows that are kept: 117 MB, of which only what is used takes memory
_FIRST_SLOTS = 1 << 14

Records = NDArray[np.void]


class RowSink(Protocol):
    """What takes rows: records of FLOW_ROW, and of FLOW_BEGIN beside them."""

    def write(self, rows: Records, begins: Records, /) -> None: ...

    def close(self, complete: bool, /) -> None: ...


class FlowRecords:
    """Takes the observations of batches; a context manager, at whose end the rows are written, in the order of their
    first observations.

    MOST rows are kept. Where one more is needed, that half of them is written which has been silent for longest: a flow
    that then goes on begins another row. Raises what the sink raises.
    """

    def __init__(self, sink: RowSink) -> None:
        self._sink = sink
        self._flows = FlowRows(
            slots=np.zeros(_FIRST_SLOTS, dtype=np.int32),
            rows=np.frombuffer(pages(MOST * FLOW_ROW.itemsize), dtype=FLOW_ROW),
            begins=np.zeros(MOST, dtype=FLOW_BEGIN),
            numbers=np.zeros(2, dtype=np.int64),
            names=np.zeros(3 * WAITING, dtype=np.uint64),
            starts=np.zeros(WAITING, dtype=np.uint64),
        )

    def write(self, batch: MergedBatch, verdicts: Verdicts) -> int:
        """Take a batch's observations; returns how many."""
        self._make_room(len(verdicts.packet))
        rows, begin = verdicts.rows.view(np.int64), 0
        while (begin := count_flows(batch.columns, rows, begin, self._flows)) < len(verdicts.packet):
            self._write_silent()
        return len(verdicts.packet)

    def _make_room(self, observations: int) -> None:
        """Have slots for twice the rows that may be needed, or more. Rows take no memory before they are used, but the
        slots of few ones should stand together."""
        wanted = 2 * min(int(self._flows.numbers[0]) + observations, MOST)
        if wanted > len(self._flows.slots):
            slots = np.frombuffer(pages(4 << (wanted - 1).bit_length()), dtype=np.int32)
            self._flows = self._flows._replace(slots=slots)
            reindex(self._flows)

    def _write_silent(self) -> None:
        """Write the half of the rows that was met last longest ago. No two rows were met by the same observation, so
        that nothing depends on where batches end."""
        flows, used = self._flows, int(self._flows.numbers[0])
        seen = flows.rows["seen"][:used]
        silent = seen <= np.partition(seen, (used - 1) // 2)[(used - 1) // 2]
        self._sink.write(flows.rows[:used][silent], flows.begins[:used][silent])
        kept = int(np.count_nonzero(~silent))
        flows.rows[:kept], flows.begins[:kept] = flows.rows[:used][~silent], flows.begins[:used][~silent]
        flows.numbers[0] = kept
        flows.slots[:] = 0
        reindex(flows)

    def __enter__(self) -> FlowRecords:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            used = int(self._flows.numbers[0])
            self._sink.write(self._flows.rows[:used], self._flows.begins[:used])
        self._sink.close(kind is None)
