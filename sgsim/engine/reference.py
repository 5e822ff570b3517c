"""The plain-Python judge behind the interface of the compiled engine: the same columns in, the same verdicts out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from sgsim.engine.catalogue import Catalogue, Selected, chooser
from sgsim.engine.clock import Clock
from sgsim.engine.comparison import FLOW_LIMIT, Effect
from sgsim.engine.packets import packets_of
from sgsim.layout import (
    EGRESS,
    INGRESS,
    MIDSTREAM,
    OPENED,
    REASONS,
    REPLACED,
    SKIPS,
    TRACKED,
    VERDICT,
    PacketColumns,
    Verdicts,
    verdicts_of,
)
from sgsim.model import Decision, Direction, FragmentKind, Interface, Rule, Settings, Skip, Topology, Verdict
from sgsim.reference import ReferenceJudge

_REASON_CODES = {reason: code for code, reason in enumerate(REASONS)}
_SKIP_CODES = {skip: code for code, skip in enumerate(SKIPS, start=1)}


class ReferenceEngine:
    """Slow: some ten thousand packets a second. See ``Engine`` for the members."""

    def __init__(
        self,
        topology: Topology,
        settings: Settings | None = None,
        selected: Selected = None,
        ahead: int = 1,
    ) -> None:
        self._selected = chooser(selected)
        self._catalogue = Catalogue(topology, self._selected)
        self._judge = ReferenceJudge(topology, settings, self._selected)
        self._clock = Clock()
        self.interfaces: list[Interface] = []
        self.rules: list[Rule] = []
        self._number()

    def _number(self) -> None:
        self.interfaces[:], self.rules[:] = self._catalogue.interfaces, self._catalogue.rules
        self._interface_places = {i.interface_id: place for place, i in enumerate(self.interfaces)}
        names = [(rule.group_id, rule.rule_id) for rule in self.rules]
        self._rule_numbers = dict(zip(reversed(names), reversed(range(len(names))), strict=True))

    @property
    def reordered(self) -> int:
        return self._clock.reordered

    @property
    def jumped(self) -> tuple[int, int] | None:
        return self._clock.jumped

    def judge_columns(self, columns: PacketColumns, at: NDArray[np.int32] | None = None) -> Verdicts:
        self._clock.run(columns.time_ns)
        found: list[tuple[int, int, int, int, int, int]] = []
        for row, packet in enumerate(packets_of(columns)):
            if packet is None:
                self._judge.advance(int(columns.time_ns[row]))
                continue
            place = -1 if at is None else int(at[row])
            result = self._judge.judge(packet, at=None if place < 0 else self.interfaces[place].interface_id)
            if isinstance(result, Skip):
                columns.skip[row] = _SKIP_CODES[result]
            else:
                found.extend((row, *self._codes(decision)) for decision in result)
        rows = np.zeros(len(found), dtype=VERDICT)
        for name, values in zip(Verdicts._fields, zip(*found, strict=True), strict=False):
            rows[name] = values
        return verdicts_of(rows)

    def compare(self, names: Collection[str]) -> ReferenceComparison:
        before = ReferenceJudge(self._judge.topology, self._judge.settings, self._selected)
        return ReferenceComparison(before, self.interfaces)

    def change(self, topology: Topology) -> None:
        self._catalogue = self._catalogue.after(topology)
        self._judge.change(topology)
        self._number()

    def live_entries(self) -> int:
        return self._judge.live_entries()

    def _codes(self, decision: Decision) -> tuple[int, int, int, int, int]:
        flags = (
            TRACKED * decision.tracked
            | OPENED * decision.opened
            | REPLACED * decision.replaced
            | MIDSTREAM * decision.midstream
        )
        return (
            self._interface_places[decision.interface_id],
            EGRESS if decision.direction is Direction.EGRESS else INGRESS,
            _REASON_CODES[decision.reason],
            -1 if decision.rule is None else self._rule_numbers[decision.rule.group_id, decision.rule.rule_id],
            flags,
        )


class ReferenceComparison:
    """See ``Comparison``. ``interfaces`` are those that verdicts point into."""

    def __init__(self, earlier: ReferenceJudge, interfaces: Sequence[Interface]) -> None:
        self._earlier, self._interfaces = earlier, interfaces
        self._packets = {True: 0, False: 0}  # by whether they pass now
        self._flows = {True: 0, False: 0}
        self._seen: set[tuple[str, bool, int, int]] = set()

    def add(self, columns: PacketColumns, verdicts: Verdicts) -> None:
        packets = list(packets_of(columns))
        observations = zip(
            *(c.tolist() for c in (verdicts.packet, verdicts.interface, verdicts.direction)), strict=True
        )
        for (row, place, code), reason in zip(observations, verdicts.reason.tolist(), strict=True):
            packet = packets[row]
            if packet is None or packet.fragment is FragmentKind.LATER:
                continue
            name, passes = self._interfaces[place].interface_id, REASONS[reason].verdict is Verdict.ALLOW
            direction = Direction.EGRESS if code == EGRESS else Direction.INGRESS
            if self._earlier.rules_said(packet, name, direction) is not (not passes):
                continue
            self._packets[passes] += 1
            flow = (name, passes, int(columns.heads["flow"][row]), int(columns.heads["ends"][row]))
            if flow[2] and flow not in self._seen and len(self._seen) < FLOW_LIMIT:
                self._seen.add(flow)
                self._flows[passes] += 1

    def another(self) -> ReferenceComparison:
        return ReferenceComparison(self._earlier, self._interfaces)

    def effect(self) -> Effect:
        return Effect(self._flows[True], self._packets[True], self._flows[False], self._packets[False])
