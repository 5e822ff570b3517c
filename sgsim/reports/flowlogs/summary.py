"""Judged flow logs in numbers, and the JSON object of docs/interface.md."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.logtally import LOG_CREDIT, LogCounts, tally_records
from sgsim.layout import ACCEPT, EGRESS, INGRESS, NO_ACTION, REASONS, RECORD_VERDICTS, REJECT
from sgsim.model import Direction, Interface, LogSkip, RecordVerdict, Rule, Settings, Topology
from sgsim.reports.flowlogs.disagreements import Disagreement, Disagreements, Example

MOST_STRANGERS = 20
ACTIONS = {"ACCEPT": ACCEPT, "REJECT": REJECT, "-": NO_ACTION}
_DIRECTIONS = ((INGRESS, Direction.INGRESS), (EGRESS, Direction.EGRESS))
_NO_TIME = (1 << 63) - 1


class LogTally:
    """Add every batch of judged records; then read ``counts`` and ``disagreements``."""

    def __init__(
        self, topology: Topology, settings: Settings, interfaces: Sequence[Interface], rules: Sequence[Rule]
    ) -> None:
        self.interfaces, self.rules = interfaces, rules
        verdicts = len(RECORD_VERDICTS)
        self.counts = LogCounts(
            gates=np.zeros((len(interfaces), 2, verdicts), dtype=np.int64),
            against=np.zeros((len(interfaces), 2), dtype=np.int64),
            actions=np.zeros((3, verdicts), dtype=np.int64),
            reasons=np.zeros(len(REASONS), dtype=np.int64),
            rules=np.zeros(len(rules), dtype=LOG_CREDIT),
            span=np.array([_NO_TIME, 0], dtype=np.int64),
            midstream=np.zeros(1, dtype=np.int64),
            elsewhere=np.zeros(1, dtype=np.int64),
        )
        self.disagreements = Disagreements(topology, settings, interfaces, rules)

    def add(self, records: NDArray[np.void]) -> NDArray[np.bool_]:
        """Count judged LOG_RECORDs; which of them disagree with AWS."""
        against = np.zeros(len(records), dtype=np.int64)
        found = against[: tally_records(records, self.counts, against)]
        if len(found):
            self.disagreements.add(records[found])
        disagreeing = np.zeros(len(records), dtype=np.bool_)
        disagreeing[found] = True
        return disagreeing


@dataclass(frozen=True, slots=True)
class LogGate:
    """Records at one interface in one direction; ``disagreements`` are those whose verdict is not AWS's action."""

    interface: Interface
    direction: Direction
    allowed: int
    dropped: int
    possible: int
    disagreements: int


@dataclass(frozen=True, slots=True)
class LogRule:
    """What was credited to a rule; times in Unix seconds, None if unused.

    ``possible`` of the records are only possible; ``perhaps`` are those, of whomever, that the rule would admit on its
    own if their side asked, which neither flags nor ports tell.
    """

    rule: Rule
    records: int
    possible: int
    perhaps: int
    flows: int
    packets: int
    bytes: int
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class LogStranger:
    """An interface id of the log that is not guarded; ``known``: the snapshot has it, but it is not selected."""

    eni: str
    records: int
    known: bool


@dataclass(frozen=True, slots=True)
class LogSummary:
    """See docs/interface.md for the fields; not part of the JSON object is ``topology``."""

    logs: tuple[str, ...]
    records: int
    by_verdict: Mapping[RecordVerdict, int]
    by_reason: Mapping[str, int]
    actions: Mapping[str, Mapping[str, int]]
    skipped: Mapping[LogSkip, int]
    span: tuple[int, int] | None
    reordered: int
    midstream_flows: int
    other_addresses: int
    disagreements: tuple[Disagreement, ...]
    by_interface: tuple[LogGate, ...]
    rules: tuple[LogRule, ...]
    strangers: tuple[LogStranger, ...]
    stale: tuple[str, ...]
    unresolved: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: float
    topology: Topology = field(default_factory=Topology, repr=False)

    @property
    def judged(self) -> int:
        return sum(self.by_verdict.values())

    @property
    def disagreeing(self) -> int:
        return sum(each.records for each in self.disagreements)

    @property
    def records_per_second(self) -> float:
        return self.records / self.seconds if self.seconds > 0 else 0.0

    @property
    def unused(self) -> list[Rule]:
        """Rules that no record was credited to, nor can have been."""
        return [count.rule for count in self.rules if not count.records and not count.perhaps]

    def as_json(self) -> dict[str, Any]:
        """The object of docs/interface.md, its keys in that order."""
        return {
            "logs": list(self.logs),
            "records": self.records,
            "judged": self.judged,
            "allowed": self.by_verdict[RecordVerdict.ALLOW],
            "dropped": self.by_verdict[RecordVerdict.DROP],
            "possible": self.by_verdict[RecordVerdict.POSSIBLE],
            "by_reason": dict(self.by_reason),
            "by_action": {action: dict(verdicts) for action, verdicts in self.actions.items()},
            "skipped": {str(skip): count for skip, count in self.skipped.items()},
            "first_time": self.span and self.span[0],
            "last_time": self.span and self.span[1],
            "reordered": self.reordered,
            "midstream_flows": self.midstream_flows,
            "other_addresses": self.other_addresses,
            "disagreements": [_disagreement_json(each) for each in self.disagreements],
            "by_interface": [_gate_json(gate) for gate in self.by_interface],
            "rules": [_rule_json(count) for count in self.rules],
            "unused_rules": [rule.rule_id for rule in self.unused],
            "other_interfaces": [
                {"eni": each.eni, "records": each.records, "in_snapshot": each.known} for each in self.strangers
            ],
            "stale": list(self.stale),
            "unresolved": list(self.unresolved),
            "warnings": list(self.warnings),
            "seconds": round(self.seconds, 6),
            "records_per_second": round(self.records_per_second),
        }

    def json(self) -> str:
        return json.dumps(self.as_json(), indent=2)


def gate_counts(tally: LogTally) -> tuple[LogGate, ...]:
    """Of all guarded interfaces, in both directions."""
    found = []
    for place, interface in enumerate(tally.interfaces):
        for code, direction in _DIRECTIONS:
            counts = dict(zip(RECORD_VERDICTS, tally.counts.gates[place, code].tolist(), strict=True))
            found.append(
                LogGate(
                    interface,
                    direction,
                    counts[RecordVerdict.ALLOW],
                    counts[RecordVerdict.DROP],
                    counts[RecordVerdict.POSSIBLE],
                    int(tally.counts.against[place, code]),
                )
            )
    return tuple(found)


def rule_counts(tally: LogTally, perhaps: NDArray[np.int64]) -> tuple[LogRule, ...]:
    """Of the rules of the guarded interfaces' groups, in snapshot order; ``perhaps`` as in RecordJudge."""
    groups = {group_id for interface in tally.interfaces for group_id in interface.group_ids}
    found = []
    for rule, credit, maybe in zip(tally.rules, tally.counts.rules, perhaps.tolist(), strict=True):
        if rule.group_id in groups:
            records, possible, _, flows, packets, size, first, last = credit.tolist()
            times = (first, last) if records else (None, None)
            found.append(LogRule(rule, records, possible, maybe, flows, packets, size, *times))
    return tuple(found)


def action_counts(tally: LogTally) -> dict[str, dict[str, int]]:
    """Records by AWS's action and verdict."""
    verdicts = [str(verdict) for verdict in RECORD_VERDICTS]
    return {
        name: dict(zip(verdicts, tally.counts.actions[code].tolist(), strict=True)) for name, code in ACTIONS.items()
    }


# --- JSON -------------------------------------------------------------------------------------------------------------


def _disagreement_json(found: Disagreement) -> dict[str, Any]:
    return {
        "verdict": "allow" if found.allowed else "drop",
        "action": "REJECT" if found.allowed else "ACCEPT",
        "cause": str(found.cause),
        "records": found.records,
        "packets": found.packets,
        "bytes": found.bytes,
        "flows": found.flows,
        "examples": [_example_json(example) for example in found.examples],
    }


def _example_json(example: Example) -> dict[str, Any]:
    return {
        "log": example.log,
        "line": example.line,
        "start": example.start,
        "eni": example.interface.interface_id,
        "direction": str(example.direction),
        "protocol": example.protocol,
        "src": example.src,
        "src_port": example.src_port,
        "dst": example.dst,
        "dst_port": example.dst_port,
        "reason": str(example.reason),
        "rule": example.rule and example.rule.rule_id,
        "records": example.records,
    }


def _gate_json(gate: LogGate) -> dict[str, Any]:
    return {
        "eni": gate.interface.interface_id,
        "direction": str(gate.direction),
        "allowed": gate.allowed,
        "dropped": gate.dropped,
        "possible": gate.possible,
        "disagreements": gate.disagreements,
    }


def _rule_json(count: LogRule) -> dict[str, Any]:
    return {
        "rule": count.rule.rule_id,
        "group": count.rule.group_id,
        "direction": str(count.rule.direction),
        "records": count.records,
        "possible": count.possible,
        "perhaps": count.perhaps,
        "flows": count.flows,
        "packets": count.packets,
        "bytes": count.bytes,
        "first_time": count.first,
        "last_time": count.last,
    }
