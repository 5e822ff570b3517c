"""The summary of a replay: numbers with their names, and the JSON object of docs/interface.md."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sgsim.engine import Engine
from sgsim.layout import EGRESS, FIRST_DROP, INGRESS
from sgsim.model import (
    Address,
    Direction,
    GroupReference,
    Interface,
    PrefixListReference,
    Reason,
    Rule,
    Settings,
    Topology,
    UnknownPeer,
)
from sgsim.reference import RuleBook
from sgsim.reports.tally import DroppedFlow, Tally
from sgsim.sources.places import Place
from sgsim.timeline import Outcome

MOST_DROPPED_FLOWS = 20

_DIRECTIONS = ((INGRESS, Direction.INGRESS), (EGRESS, Direction.EGRESS))


@dataclass(frozen=True, slots=True)
class GateCount:
    interface: Interface
    direction: Direction
    allowed: int
    dropped: int


@dataclass(frozen=True, slots=True)
class RuleCount:
    """What was credited to a rule; ``bytes`` on the wire, times in nanoseconds since the epoch, None if unused."""

    rule: Rule
    flows: int
    packets: int
    bytes: int
    first_time_ns: int | None
    last_time_ns: int | None


@dataclass(frozen=True, slots=True)
class Stranger:
    """An address of packets that no selected interface sent or received, and why it is not known, if that is known:
    the interface of which it is a public address, or which was not selected."""

    address: Address
    packets: int
    public_of: Interface | None = None
    unselected: Interface | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A replay in numbers; see docs/interface.md for the fields. Not part of the JSON object are ``causes`` (dropped
    flows but for those that are ``not_reached``), ``strangers`` (the most frequent addresses of unjudged packets),
    ``topology`` and ``settings``."""

    captures: tuple[str, ...]
    packets: int
    observations: int
    allowed: int
    dropped: int
    by_reason: dict[str, int]
    skipped: dict[str, int]
    reordered: int
    midstream_flows: int
    by_interface: tuple[GateCount, ...]
    rules: tuple[RuleCount, ...]
    dropped_flows: tuple[DroppedFlow, ...]
    dropped_flows_other: int
    opened: int
    replaced: int
    live: int
    changes: tuple[Outcome, ...]
    stale: tuple[str, ...]
    unresolved: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: float
    causes: tuple[DroppedFlow, ...] = ()
    strangers: tuple[Stranger, ...] = ()
    topology: Topology = field(default_factory=Topology, repr=False)
    settings: Settings = field(default_factory=Settings, repr=False)

    @property
    def packets_per_second(self) -> float:
        return self.packets / self.seconds if self.seconds > 0 else 0.0

    def as_json(self) -> dict[str, Any]:
        """The object of docs/interface.md, its keys in that order."""
        return {
            "captures": list(self.captures),
            "packets": self.packets,
            "observations": self.observations,
            "allowed": self.allowed,
            "dropped": self.dropped,
            "by_reason": self.by_reason,
            "skipped": self.skipped,
            "reordered": self.reordered,
            "midstream_flows": self.midstream_flows,
            "by_interface": [_gate_json(gate) for gate in self.by_interface],
            "rules": [_rule_json(count) for count in self.rules],
            "dropped_flows": [_flow_json(flow) for flow in self.dropped_flows],
            "dropped_flows_other": self.dropped_flows_other,
            "connections": {"opened": self.opened, "replaced": self.replaced, "live": self.live},
            "changes": [self._change_json(outcome) for outcome in self.changes],
            "stale": list(self.stale),
            "unresolved": list(self.unresolved),
            "warnings": list(self.warnings),
            "seconds": round(self.seconds, 6),
            "packets_per_second": round(self.packets_per_second),
        }

    def _change_json(self, outcome: Outcome) -> dict[str, Any]:
        first, effect = outcome.took_effect, outcome.effect
        return {
            "at_ns": outcome.at_ns,
            "call": outcome.change.call,
            "place": place_text(outcome.change.place),
            "took_effect": None
            if first is None
            else {"capture": self.captures[first.capture], "packet": first.packet, "time_ns": first.time_ns},
            "applied": outcome.applied,
            "error": None if outcome.refusal is None else dict(zip(("code", "message"), outcome.refusal, strict=True)),
            "effect": None
            if effect is None
            else {
                "admitted": {"flows": effect.admitted_flows, "packets": effect.admitted_packets},
                "dropped": {"flows": effect.dropped_flows, "packets": effect.dropped_packets},
            },
        }

    def json(self) -> str:
        return json.dumps(self.as_json(), indent=2)


def summarise(
    topology: Topology,
    settings: Settings,
    engine: Engine,
    tally: Tally,
    *,
    captures: Sequence[str],
    warnings: Sequence[str],
    seconds: float,
    groups: Collection[str],
    changes: Sequence[Outcome] = (),
    strangers: Sequence[Stranger] = (),
) -> Summary:
    """Name the numbers of a tally, after the last batch. ``topology`` is the one that held last, ``groups`` those that
    selected interfaces have or had."""
    allowed = int(tally.gates[:, :, :FIRST_DROP].sum())
    dropped = int(tally.gates[:, :, FIRST_DROP:].sum())
    stale, unresolved = doubtful_rules(topology, settings, engine.interfaces)
    return Summary(
        captures=tuple(captures),
        packets=tally.packets,
        observations=allowed + dropped,
        allowed=allowed,
        dropped=dropped,
        by_reason=tally.reasons,
        skipped=tally.skips,
        reordered=engine.reordered,
        midstream_flows=tally.midstream_flows,
        by_interface=tuple(_gate_counts(engine, tally)),
        rules=tuple(
            _rule_count(rule, *credit.tolist())
            for rule, credit in zip(engine.rules, tally.rules, strict=True)
            if rule.group_id in groups
        ),
        dropped_flows=tuple(tally.dropped_flows(MOST_DROPPED_FLOWS)),
        dropped_flows_other=tally.dropped_flows_other,
        opened=tally.opened,
        replaced=tally.replaced,
        live=engine.live_entries(),
        changes=tuple(changes),
        stale=stale,
        unresolved=unresolved,
        warnings=tuple(warnings),
        seconds=seconds,
        causes=tuple(tally.dropped_flows(MOST_DROPPED_FLOWS, but_for=Reason.NOT_REACHED)),
        strangers=tuple(strangers),
        topology=topology,
        settings=settings,
    )


def doubtful_rules(
    topology: Topology, settings: Settings, interfaces: Sequence[Interface]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids of the selected interfaces' rules that are stale, and of those that are unresolved.

    Which of them a rule is does not depend on the interface: the first one of its group answers for all.
    """
    book = RuleBook(topology, settings)
    first_of: dict[str, Interface] = {}
    for each in interfaces:
        interface = topology.interfaces.get(each.interface_id)  # some may be gone
        for group_id in interface.group_ids if interface else ():
            first_of.setdefault(group_id, topology.interfaces[each.interface_id])
    stale, unresolved = [], []
    for rule in topology.rules():
        if rule.group_id in first_of and isinstance(rule.peer, GroupReference | PrefixListReference | UnknownPeer):
            peers = book.peers(first_of[rule.group_id], rule)
            if peers.stale:
                stale.append(rule.rule_id)
            elif not peers.resolved:
                unresolved.append(rule.rule_id)
    return tuple(stale), tuple(unresolved)


def place_text(place: Place) -> str:
    """The file, and the place in it."""
    return f"{place.file}: {place}" if str(place) else place.file


def _gate_counts(engine: Engine, tally: Tally) -> list[GateCount]:
    counts = []
    for place, interface in enumerate(engine.interfaces):
        for code, direction in _DIRECTIONS:
            reasons = tally.gates[place, code]
            counts.append(
                GateCount(interface, direction, int(reasons[:FIRST_DROP].sum()), int(reasons[FIRST_DROP:].sum()))
            )
    return counts


def _rule_count(rule: Rule, flows: int, packets: int, size: int, first: int, last: int) -> RuleCount:
    return RuleCount(rule, flows, packets, size, first if packets else None, last if packets else None)


def _gate_json(gate: GateCount) -> dict[str, Any]:
    return {
        "eni": gate.interface.interface_id,
        "direction": str(gate.direction),
        "allowed": gate.allowed,
        "dropped": gate.dropped,
    }


def _rule_json(count: RuleCount) -> dict[str, Any]:
    return {
        "rule": count.rule.rule_id,
        "group": count.rule.group_id,
        "direction": str(count.rule.direction),
        "flows": count.flows,
        "packets": count.packets,
        "bytes": count.bytes,
        "first_time_ns": count.first_time_ns,
        "last_time_ns": count.last_time_ns,
    }


def _flow_json(flow: DroppedFlow) -> dict[str, Any]:
    return {
        "eni": flow.interface.interface_id,
        "direction": str(flow.direction),
        "protocol": flow.protocol,
        "src": str(flow.src),
        "dst": str(flow.dst),
        "dst_port": flow.dst_port,
        "reason": str(flow.reason),
        "packets": flow.packets,
    }
