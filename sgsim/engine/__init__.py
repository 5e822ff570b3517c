"""Batches in, verdicts out: the compiled Simulator, and the plain-Python judge behind the same interface."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sgsim.engine.catalogue import Selected
from sgsim.engine.comparison import BY_RULES, Comparison, Effect
from sgsim.engine.concerned import concerned
from sgsim.engine.reference import ReferenceEngine
from sgsim.engine.simulator import Simulator
from sgsim.layout import PacketColumns, Verdicts
from sgsim.model import Interface, Rule, Topology


class Engine(Protocol):
    """What judges a merged stream, batch by batch, with one set of connection tables."""

    @property
    def interfaces(self) -> Sequence[Interface]:
        """Those that are guarded, in snapshot order; ``Verdicts.interface`` points into it. A change of the topology
        adds to it, and replaces the records of those that it knows; what is gone keeps its place."""

    @property
    def rules(self) -> Sequence[Rule]:
        """Those of every group, in snapshot order; ``Verdicts.rule`` points into it. Changes as ``interfaces`` does: a
        rule is known by its group's id and its own."""

    @property
    def reordered(self) -> int:
        """Packets older than the clock, so far."""

    @property
    def jumped(self) -> tuple[int, int] | None:
        """The clock before and after its first jump of more than 30 days, in nanoseconds."""

    def judge_columns(self, columns: PacketColumns, at: NDArray[np.int32] | None = None) -> Verdicts:
        """Judge a batch. ``at``, shape (n,): the place in ``interfaces`` a packet was captured at, or -1.

        Writes the codes of LOCAL and NO_INTERFACE into ``columns.skip``. The result may be used again by a later
        call: it holds until ``ahead`` more batches have been judged.
        """

    def compare(self, names: Collection[str]) -> Comparison:
        """A comparison with the topology that holds now, at the interfaces with these ids, for later verdicts."""

    def change(self, topology: Topology) -> None:
        """From the next packet on this topology holds (section 11); connections, marks, clock and counts stay.

        Interfaces that come with it are guarded if they are selected. Raises SelectionError, as the constructor does,
        before anything has changed.
        """

    def live_entries(self) -> int:
        """Connections that are not idle at the clock."""


__all__ = [
    "BY_RULES",
    "Comparison",
    "Effect",
    "Engine",
    "ReferenceEngine",
    "Selected",
    "Simulator",
    "concerned",
]
