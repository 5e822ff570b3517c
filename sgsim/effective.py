"""What holds at each interface: its rules with their peers expanded, what is untracked, stale or unresolved there, and
what no rule is asked about. Standard library only, as ``sgsim.query``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sgsim.model import (
    ANY_PROTOCOL,
    EVERYWHERE,
    TCP,
    UDP,
    Direction,
    Interface,
    Rule,
    Settings,
    Topology,
)
from sgsim.reference import ReferenceJudge
from sgsim.selection import check_groups, choose

_NAMES = {TCP: "tcp", UDP: "udp"}


@dataclass(frozen=True, slots=True)
class EffectiveRule:
    """A rule at an interface. ``stands_for``: the addresses and CIDRs of a peer that is a group or a prefix list.

    ``untracked``: of which protocols (tcp, udp) flows that it admits are not tracked, both directions being open to
    everywhere; ``stale``, ``unresolved``: it matches nothing, since its peer is gone, or since the snapshot cannot say.
    """

    rule: Rule
    stands_for: tuple[str, ...]
    untracked: tuple[str, ...]
    stale: bool
    unresolved: bool

    def as_json(self) -> dict[str, Any]:
        rule = self.rule
        return {
            "rule": rule.rule_id,
            "group": rule.group_id,
            "direction": str(rule.direction),
            "protocol": rule.protocol,
            "from_port": rule.from_port,
            "to_port": rule.to_port,
            "peer": _peer(rule),
            "stands_for": list(self.stands_for),
            "untracked": list(self.untracked),
            "stale": self.stale,
            "unresolved": self.unresolved,
            "description": rule.description,
        }


@dataclass(frozen=True, slots=True)
class Effective:
    """All that holds at an interface; ``rules`` in credit order, ingress first. One without groups filters nothing."""

    interface: Interface
    rules: tuple[EffectiveRule, ...]
    never_filtered: tuple[str, ...]

    def of(self, direction: Direction) -> list[EffectiveRule]:
        return [each for each in self.rules if each.rule.direction is direction]

    def as_json(self) -> dict[str, Any]:
        interface = self.interface
        return {
            "eni": interface.interface_id,
            "name": interface.name or None,
            "vpc": interface.vpc_id,
            "subnet": interface.subnet_id,
            "addresses": [str(each) for each in (*interface.addresses, *interface.prefixes)],
            "groups": list(interface.group_ids),
            "filtered": bool(interface.group_ids),
            "rules": [each.as_json() for each in self.rules],
            "never_filtered": list(self.never_filtered),
        }


def effective(topology: Topology, enis: Sequence[str] = (), vpc_id: str | None = None) -> list[Effective]:
    """What holds at the chosen interfaces (all without a choice), in the snapshot's order.

    Raises SelectionError: an interface or VPC that is not known, an interface whose groups are not described.
    """
    chosen = choose(topology, enis, vpc_id)
    check_groups(topology, chosen)
    judge = ReferenceJudge(topology, Settings())
    return [_effective(judge, interface) for interface in chosen]


def _effective(judge: ReferenceJudge, interface: Interface) -> Effective:
    rules = []
    for direction in Direction:
        for rule in judge.rulebook.rules(interface, direction):
            peers = judge.rulebook.peers(interface, rule)
            stands_for = [str(each) for each in peers.networks if each != rule.peer]
            stands_for += [str(each) for owner in peers.owners for each in (*owner.addresses, *owner.prefixes)]
            untracked = _untracked(judge, interface, rule)
            rules.append(EffectiveRule(rule, tuple(stands_for), untracked, peers.stale, not peers.resolved))
    return Effective(interface, tuple(rules), never_filtered(judge.topology, interface))


def _untracked(judge: ReferenceJudge, interface: Interface, rule: Rule) -> tuple[str, ...]:
    """Section 6 of the semantics, for flows that nothing tracks whatever the rules are."""
    everywhere = next((each for each in EVERYWHERE.values() if each == rule.peer), None)
    if everywhere is None:
        return ()
    return tuple(
        name
        for protocol, name in _NAMES.items()
        if rule.protocol in (ANY_PROTOCOL, protocol)
        and judge.rulebook.admits_all(interface, rule.direction.opposite, protocol, everywhere)
    )


def never_filtered(topology: Topology, interface: Interface) -> tuple[str, ...]:
    """Section 4 of the semantics, as it is for this interface."""
    found = ["169.254.0.0/16 and fd00:ec2::/32 (metadata, time, DNS, licences)", "DHCP", "neighbour discovery"]
    vpc = topology.vpcs.get(interface.vpc_id or "")
    if vpc is not None and vpc.resolver is not None:
        found.append(f"port 53 of {vpc.resolver} (the VPC's resolver)")
    subnet = topology.subnets.get(interface.subnet_id or "")
    if subnet is not None and subnet.router is not None:
        found.append(f"{subnet.router} (the subnet's router)")
    return tuple(found)


def _peer(rule: Rule) -> str:
    peer = rule.peer
    for name in ("prefix_list_id", "group_id", "address"):
        if hasattr(peer, name):
            return str(getattr(peer, name))
    return str(peer)
