"""Counts of a replay, kept batch by batch: the summary's numbers before they get their names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.engine import Engine
from sgsim.engine.packets import address_of
from sgsim.kernels.tally import CREDIT, DROPPED_FLOW, FLOW_LIMIT, WAITING, Counts, DroppedFlows, reindex, tally
from sgsim.layout import BODY, EGRESS, MIDSTREAM, OPENED, REASONS, REPLACED, SKIPS, PacketColumns, Verdicts
from sgsim.model import Address, Direction, Interface, Reason

_FIRST_ROWS = 1 << 12
LOOKED_AT = 100_000  # unjudged packets, from the first: enough to tell which addresses to map, in 50 ms


class DroppedFlow(NamedTuple):
    """Packets that were dropped for one reason at one gate, from one address to another (TCP, UDP: and port)."""

    interface: Interface
    direction: Direction
    protocol: int
    src: Address
    dst: Address
    dst_port: int | None
    reason: Reason
    packets: int


class Tally:
    """Add every batch with its verdicts; then read the counts.

    ``skips`` and ``reasons`` are by name; ``gates`` has the shape (interfaces, 2, reasons) by place in
    ``engine.interfaces``, direction code and place in REASONS, ``rules`` a CREDIT record for each of ``engine.rules``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.packets = 0
        self._counts = Counts(
            skips=np.zeros(1 + len(SKIPS), dtype=np.int64),
            flags=np.zeros(16, dtype=np.int64),
            gates=np.zeros((len(engine.interfaces), 2, len(REASONS)), dtype=np.int64),
            rules=np.zeros(len(engine.rules), dtype=CREDIT),
            strangers=np.zeros(LOOKED_AT, dtype=BODY),
        )
        self._flows = _empty_flows(_FIRST_ROWS, np.zeros(2, dtype=np.int64))

    def add(self, columns: PacketColumns, verdicts: Verdicts) -> None:
        """Count a batch of judged packets (``columns.skip`` as the engine left it)."""
        self._know_all()
        self._make_room(len(verdicts.packet))
        tally(columns, verdicts.rows.view(np.int64), self._counts, self._flows)
        self.packets += len(columns.heads)

    def _know_all(self) -> None:
        """A change of the topology may have brought interfaces and rules."""
        gates, rules = self._counts.gates, self._counts.rules
        interfaces, numbers = len(self._engine.interfaces), len(self._engine.rules)
        if interfaces > len(gates) or numbers > len(rules):
            self._counts = self._counts._replace(
                gates=np.concatenate([gates, np.zeros((interfaces - len(gates), *gates.shape[1:]), dtype=np.int64)]),
                rules=np.concatenate([rules, np.zeros(numbers - len(rules), dtype=CREDIT)]),
            )

    def _make_room(self, observations: int) -> None:
        old, used = self._flows.rows, int(self._flows.numbers[0])
        wanted = min(used + observations, FLOW_LIMIT)
        if wanted > len(old):
            self._flows = _empty_flows(2 * wanted, self._flows.numbers)
            self._flows.rows[:used] = old[:used]
            reindex(self._flows.slots, old, used)

    @property
    def strangers(self) -> NDArray[np.void]:
        """Records of BODY of packets that no selected interface sent or received, LOOKED_AT at most."""
        return self._counts.strangers[: self._counts.skips[0]]

    @property
    def gates(self) -> NDArray[np.int64]:
        return self._counts.gates

    @property
    def rules(self) -> NDArray[np.void]:
        return self._counts.rules

    @property
    def skips(self) -> dict[str, int]:
        return {str(skip): int(self._counts.skips[code]) for code, skip in enumerate(SKIPS, start=1)}

    @property
    def reasons(self) -> dict[str, int]:
        totals = self._counts.gates.sum(axis=(0, 1))
        return {str(reason): int(totals[code]) for code, reason in enumerate(REASONS)}

    def flagged(self, flag: int) -> int:
        """Observations with that bit of Verdicts.flags."""
        return int(sum(count for flags, count in enumerate(self._counts.flags.tolist()) if flags & flag))

    @property
    def opened(self) -> int:
        """Entries made; ``replaced`` ones among them took the place of a live one."""
        return self.flagged(OPENED)

    @property
    def replaced(self) -> int:
        return self.flagged(REPLACED)

    @property
    def midstream_flows(self) -> int:
        return self.flagged(MIDSTREAM)

    @property
    def dropped_flows_other(self) -> int:
        """Dropped packets of flows beyond the first million distinct ones."""
        return int(self._flows.numbers[1])

    def dropped_flows(self, most: int, but_for: Reason | None = None) -> list[DroppedFlow]:
        """The flows with most dropped packets, ties by first packet; ``but_for`` leaves out those of one reason."""
        rows = self._flows.rows[: self._flows.numbers[0]]
        if but_for is not None:
            rows = rows[rows["key"] >> np.uint64(27) & np.uint64(15) != REASONS.index(but_for)]
        order = np.argsort(-rows["packets"], kind="stable")[:most]
        return [self._flow(*rows[place].tolist()) for place in order]

    def _flow(self, src_hi: int, src_lo: int, dst_hi: int, dst_lo: int, key: int, packets: int) -> DroppedFlow:
        version = 6 if key >> 25 & 1 else 4
        return DroppedFlow(
            interface=self._engine.interfaces[key >> 31],
            direction=Direction.EGRESS if (key >> 26 & 1) == EGRESS else Direction.INGRESS,
            protocol=key >> 16 & 255,
            src=address_of(version, src_hi, src_lo),
            dst=address_of(version, dst_hi, dst_lo),
            dst_port=key & 65535 if key >> 24 & 1 else None,
            reason=REASONS[key >> 27 & 15],
            packets=packets,
        )


def _empty_flows(rows: int, numbers: NDArray[np.int64]) -> DroppedFlows:
    rows = min(rows, FLOW_LIMIT)
    slots = np.zeros(1 << (2 * rows - 1).bit_length(), dtype=np.int32)
    return DroppedFlows(
        slots,
        np.zeros(rows, dtype=DROPPED_FLOW),
        numbers,
        places=np.zeros(WAITING + 1, dtype=np.int32),
        keys=np.zeros(WAITING, dtype=np.uint64),
        starts=np.zeros(WAITING, dtype=np.uint64),
    )
