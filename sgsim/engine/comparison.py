"""What a change did: verdicts beside what the rules before it alone would have said."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from sgsim.kernels.differences import FLOW_LIMIT, WORDS, Seen, differences, spread
from sgsim.layout import REASONS, MatchTable, PacketColumns, Verdicts
from sgsim.model import Reason

__all__ = ["BY_RULES", "FLOW_LIMIT", "Comparison", "Effect", "TableComparison"]

_FIRST_SLOTS = 1 << 10


class Effect(NamedTuple):
    """Observations that the rules decide otherwise than earlier ones: passed, or dropped, and how many flows they are
    of. Packets that belong to no flow, such as ICMP errors, are in no flow's number; FLOW_LIMIT flows are told apart.
    """

    admitted_flows: int = 0
    admitted_packets: int = 0
    dropped_flows: int = 0
    dropped_packets: int = 0


class Comparison(Protocol):
    """Compares verdicts with what the rules of a topology that held before would have said, at interfaces that had the
    address then too; later fragments excepted."""

    def add(self, columns: PacketColumns, verdicts: Verdicts) -> None:
        """Compare observations of a batch that were decided by rules: see ``BY_RULES``."""

    def effect(self) -> Effect:
        """What was found so far."""

    def another(self) -> Comparison:
        """One with the same rules that has found nothing yet."""


#: By a reason's code, whether rules alone decided, or are not asked: state, marks and fragments have no part in it.
BY_RULES = np.array(
    [r in (Reason.RULE, Reason.EXEMPT, Reason.UNFILTERED, Reason.NO_RULE, Reason.UNRESOLVED) for r in REASONS]
)


class TableComparison:
    """With a topology's match tables."""

    def __init__(self, table: MatchTable) -> None:
        self._table = table
        self._counts = np.zeros(len(Effect._fields), dtype=np.int64)
        self._seen = _empty(_FIRST_SLOTS)

    def another(self) -> TableComparison:
        return TableComparison(self._table)

    def add(self, columns: PacketColumns, verdicts: Verdicts) -> None:
        self._make_room(len(verdicts.packet))
        differences(columns, self._table, verdicts.rows.view(np.int64), self._seen, self._counts)

    def _make_room(self, flows: int) -> None:
        wanted = 2 * min(int(self._seen.used[0]) + flows, FLOW_LIMIT)
        if wanted * WORDS > len(self._seen.slots):
            old, self._seen = self._seen, _empty(1 << (wanted - 1).bit_length())
            spread(old.slots, self._seen)

    def effect(self) -> Effect:
        return Effect._make(self._counts.tolist())


def _empty(slots: int) -> Seen:
    return Seen(np.zeros(WORDS * slots, dtype=np.uint64), np.zeros(1, dtype=np.int64))
