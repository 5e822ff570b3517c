"""What one gate does with a packet, and why: the rules that admit it, or those that came nearest.

Standard library only: a shell prompt waits for the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sgsim.model import (
    ANY_PROTOCOL,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Decision,
    Direction,
    Interface,
    Packet,
    Reason,
    Rule,
    Verdict,
)
from sgsim.reference import ReferenceJudge

MISMATCH, NO_RULES, UNKNOWN_GROUPS = "ENI_SG_RULES_MISMATCH", "SG_HAS_NO_RULES", "UNKNOWN_PEERED_SGS"
MOST_NEAREST = 3


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule that did not admit the packet, and the fields (of protocol, port, peer) that it failed on."""

    rule: Rule
    failed_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """What one interface does with the packet.

    ``rules`` are all that admit it, in credit order (for a tracked packet: its entry's rule); a gate that the packet
    does not reach still says what its rules are like. ``code`` is Reachability Analyzer's explanation code for what
    is wrong with the rules, None where they admit the packet or were not needed.
    """

    interface: Interface
    direction: Direction
    reason: Reason
    rules: tuple[Rule, ...] = ()
    tracked: bool = False
    code: str | None = None
    nearest: tuple[NearMiss, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return self.reason.verdict

    def as_json(self) -> dict[str, Any]:
        return {
            "eni": self.interface.interface_id,
            "direction": str(self.direction),
            "verdict": str(self.verdict),
            "reason": str(self.reason),
            "code": self.code,
            "rules": [rule.rule_id for rule in self.rules],
            "tracked": self.tracked,
            "nearest": [{"rule": miss.rule.rule_id, "failed_on": list(miss.failed_on)} for miss in self.nearest],
        }


def gate_of(judge: ReferenceJudge, packet: Packet, decision: Decision) -> Gate:
    """What the judge's decision about a packet means, with the rules that are behind it."""
    interface, direction = judge.topology.interfaces[decision.interface_id], decision.direction
    gate = Gate(interface, direction, decision.reason, tracked=decision.tracked)
    if decision.reason is Reason.TRACKED and decision.rule:
        return replace(gate, rules=(decision.rule,))
    book = judge.rulebook
    if decision.reason in (Reason.EXEMPT, Reason.UNFILTERED) or not interface.group_ids:
        return gate
    matching = tuple(book.matching_rules(interface, direction, packet))
    if matching:
        return replace(gate, rules=matching)
    if not book.rules(interface, direction):
        return replace(gate, code=NO_RULES)
    unresolved = book.unresolved_rules(interface, direction, packet)
    return replace(
        gate,
        code=UNKNOWN_GROUPS if unresolved else MISMATCH,
        nearest=_nearest(judge, interface, direction, packet),
    )


def _nearest(judge: ReferenceJudge, interface: Interface, direction: Direction, packet: Packet) -> tuple[NearMiss, ...]:
    remote = packet.src if direction is Direction.INGRESS else packet.dst
    misses = []
    for rule in judge.rulebook.rules(interface, direction):
        fits = {
            "protocol": _protocol_fits(rule, packet),
            "port": _port_fits(rule, packet),
            "peer": judge.rulebook.matches_peer(interface, rule, remote),
        }
        misses.append(NearMiss(rule, tuple(name for name, fit in fits.items() if not fit)))
    return tuple(sorted(misses, key=lambda miss: len(miss.failed_on))[:MOST_NEAREST])


def _protocol_fits(rule: Rule, packet: Packet) -> bool:
    foreign = packet.protocol in (ICMP, ICMPV6) and packet.icmp_type is None  # ICMP inside the other IP version
    return rule.protocol == ANY_PROTOCOL or (rule.protocol == packet.protocol and not foreign)


def _port_fits(rule: Rule, packet: Packet) -> bool:
    """Whether the rule's ports (ICMP: type and code) are the packet's, its protocol aside: tcp 53 is near to udp 53."""
    if rule.from_port is None or rule.to_port is None:
        return True
    if rule.protocol in (TCP, UDP):
        if packet.dst_port is None:
            return (rule.from_port, rule.to_port) == (0, 65535)
        return rule.from_port <= packet.dst_port <= rule.to_port
    if rule.protocol != packet.protocol or packet.icmp_type is None:
        return rule.from_port == -1
    return rule.from_port in (-1, packet.icmp_type) and rule.to_port in (-1, packet.icmp_code)
