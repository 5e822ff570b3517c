"""What a change did: verdicts beside what the rules before it alone would have said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import numpy as np

from sgsim.kernels.differences import FLOW_LIMIT, WORDS, Seen, differences, spread
from sgsim.layout import MatchTable, PacketColumns, Verdicts

__all__ = ["FLOW_LIMIT", "Comparison", "Effect", "TableComparison"]

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
    """Compares with a topology that held before.

    Compared is what the rules alone decide: observations with the reasons ``rule``, ``no_rule``, ``unresolved``,
    ``unfiltered`` and ``exempt``, later fragments excepted, at interfaces that had the address then too. So packets of
    connections that go on, and those that are not reached, are not.
    """

    def add(self, columns: PacketColumns, verdicts: Verdicts) -> None:
        """Compare a batch that was judged later."""

    def effect(self) -> Effect:
        """What was found so far."""


class TableComparison:
    """With a topology's match tables. ``concerned``: of each of its interfaces, whether anything may differ there."""

    def __init__(self, table: MatchTable, concerned: Iterable[bool]) -> None:
        self._table = table
        self._concerned = np.fromiter(concerned, dtype=np.bool_)
        self._counts = np.zeros(len(Effect._fields), dtype=np.int64)
        self._seen = _empty(_FIRST_SLOTS)

    def add(self, columns: PacketColumns, verdicts: Verdicts) -> None:
        self._make_room(len(verdicts.packet))
        rows = verdicts.rows.view(np.int64)
        differences(columns, self._table, self._concerned, rows, self._seen, self._counts)

    def _make_room(self, flows: int) -> None:
        wanted = 2 * min(int(self._seen.used[0]) + flows, FLOW_LIMIT)
        if wanted * WORDS > len(self._seen.slots):
            old, self._seen = self._seen, _empty(1 << (wanted - 1).bit_length())
            spread(old.slots, self._seen)

    def effect(self) -> Effect:
        return Effect._make(self._counts.tolist())


def _empty(slots: int) -> Seen:
    return Seen(np.zeros(WORDS * slots, dtype=np.uint64), np.zeros(1, dtype=np.int64))
