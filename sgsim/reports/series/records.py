"""What a page shows of judged flow logs beside their summary: takes the judged records of each batch."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.engine.packets import address_of
from sgsim.flowrecords import RecordJudge
from sgsim.layout import EGRESS, REASONS, RECORD_VERDICTS
from sgsim.model import TCP, UDP, Address, Direction, Interface, Reason, RecordVerdict
from sgsim.reports.series.buckets import Buckets
from sgsim.reports.series.parties import Pairs, Parties

VERDICTS = ("allowed", "dropped", "possible")
MOST_FLOWS = 1 << 18  # dropped ones told apart, from the first
_SECOND = 1_000_000_000
_DROP = RECORD_VERDICTS.index(RecordVerdict.DROP)
_PARTS = ("interface", "direction", "protocol", "src_hi", "src_lo", "dst_hi", "dst_lo", "version", "dst_port", "reason")


class DroppedRecords(NamedTuple):
    """Records that were dropped for one reason at one gate, from one address to another (TCP, UDP: and port)."""

    interface: Interface
    direction: Direction
    protocol: int
    src: Address
    dst: Address
    dst_port: int | None
    reason: Reason
    records: int


class RecordSeries:
    """``gates`` counts records over time, by when they start, a cell for each interface's place and verdict (in the
    order of RECORD_VERDICTS); ``pairs`` records by sender and receiver."""

    def __init__(self, judge: RecordJudge) -> None:
        self.interfaces: list[Interface] = list(judge.interfaces)
        self.gates = Buckets(_SECOND)
        self.parties = Parties(self.interfaces)
        self.pairs = Pairs(len(VERDICTS))
        self._dropped: Counter[tuple[int, ...]] = Counter()
        self.dropped_other = 0

    def write(self, records: NDArray[np.void]) -> None:
        """Count judged LOG_RECORDs."""
        if not len(records):
            return
        verdicts, places = records["verdict"].astype(np.int64), records["interface"].astype(np.int64)
        known = len(self.interfaces) * len(VERDICTS)
        self.gates.add(records["start"] * _SECOND, places * len(VERDICTS) + verdicts, known)
        sent = records["direction"] == EGRESS
        senders, receivers = (
            self.parties.codes(records["version"], records[f"{end}_hi"], records[f"{end}_lo"]) for end in ("src", "dst")
        )
        self.pairs.add(np.where(sent, places, senders), np.where(sent, receivers, places), verdicts)
        self._count_dropped(records[verdicts == _DROP])

    def _count_dropped(self, records: NDArray[np.void]) -> None:
        ported = np.isin(records["protocol"], (TCP, UDP))
        columns = [records[name] for name in _PARTS]
        columns[_PARTS.index("dst_port")] = np.where(ported, records["dst_port"], 0)
        for key in zip(*(column.tolist() for column in columns), strict=True):
            if key in self._dropped or len(self._dropped) < MOST_FLOWS:
                self._dropped[key] += 1
            else:
                self.dropped_other += 1

    def dropped_flows(self, most: int) -> list[DroppedRecords]:
        """Those with most records, ties by the first."""
        return [self._flow(key, records) for key, records in self._dropped.most_common(most)]

    def _flow(self, key: tuple[int, ...], records: int) -> DroppedRecords:
        place, direction, protocol, src_hi, src_lo, dst_hi, dst_lo, version, port, reason = key
        return DroppedRecords(
            self.interfaces[place],
            Direction.EGRESS if direction == EGRESS else Direction.INGRESS,
            protocol,
            address_of(version, src_hi, src_lo),
            address_of(version, dst_hi, dst_lo),
            port if protocol in (TCP, UDP) else None,
            REASONS[reason],
            records,
        )
