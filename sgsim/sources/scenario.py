"""A hand-written YAML scenario -> Topology. Group and interface names are their ids."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_network

from sgsim.model import (
    Direction,
    GroupReference,
    Network,
    Peer,
    PrefixList,
    PrefixListReference,
    Rule,
    SecurityGroup,
    Topology,
)
from sgsim.sources.checks import address, looks_like_address, network
from sgsim.sources.permissions import duplicates, duplicates_text
from sgsim.sources.places import Document, Notes, Place
from sgsim.sources.recognise import SCENARIO_KEYS
from sgsim.sources.references import check_references, refuse_shared_addresses
from sgsim.sources.rulegrammar import parse_rule
from sgsim.sources.scenariointerfaces import scenario_interfaces
from sgsim.sources.scenariotree import Node, near
from sgsim.sources.scenariovpcs import ScenarioVpcs

_GROUP_KEYS = ("ingress", "egress", "vpc")
_RESERVED = ("any", "self")
_ANY: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


def scenario_topology(document: Document, notes: Notes) -> Topology:
    """The topology of a scenario. Raises InputError naming the path and line of what is wrong."""
    root = Node.root(document)
    keys = root.members(SCENARIO_KEYS)
    vpcs = ScenarioVpcs(keys, notes)
    names = _names(keys)
    groups = _Groups(names, vpcs, notes).read(keys["security_groups"])
    interfaces, places = scenario_interfaces(keys.get("interfaces"), groups, vpcs, notes)
    refuse_shared_addresses(interfaces, places)
    tracked = keys["auto_tracked"].items() if "auto_tracked" in keys else []
    topology = Topology(
        groups=groups,
        interfaces=interfaces,
        prefix_lists=_prefix_lists(keys.get("prefix_lists"), notes),
        vpcs=vpcs.vpcs,
        subnets=vpcs.subnets,
        peerings=vpcs.peerings,
        auto_tracked=tuple(network(item.text(), None, item.place, notes) for item in tracked),
    )
    check_references(document.file, topology, notes)
    return replace(topology, warnings=notes.warnings)


def _names(keys: dict[str, Node]) -> dict[str, str]:
    """What a rule's peer may be called: name -> "group" or "prefix list"."""
    found: dict[str, str] = {}
    for key, kind in (("security_groups", "group"), ("prefix_lists", "prefix list")):
        for name, node in (keys[key].named() if key in keys else {}).items():
            if name in _RESERVED or looks_like_address(name) or name != name.strip() or not name:
                problem = f"{name!r} cannot name a {kind}: in a rule it means something else"
                raise node.place.refusal(problem, "rename it")
            if name in found:
                raise node.place.refusal(f"{name!r} is a {found[name]} too: a rule could mean either", "rename one")
            found[name] = kind
    return found


def _prefix_lists(node: Node | None, notes: Notes) -> dict[str, PrefixList]:
    """A list of CIDRs of one family (AWS's lists have one), or null: its entries are not known."""
    found = {}
    for name, listed in (node.named() if node else {}).items():
        if listed.value is None:
            found[name] = PrefixList(name, name, None, None)
            continue
        entries: list[Network] = []
        for item in listed.items():
            entries.append(network(item.text(), entries[0].version if entries else None, item.place, notes))
        found[name] = PrefixList(name, name, entries[0].version if entries else None, tuple(dict.fromkeys(entries)))
    return found


class _Groups:
    """Reads the groups and their rules."""

    def __init__(self, names: dict[str, str], vpcs: ScenarioVpcs, notes: Notes) -> None:
        self._names, self._vpcs, self._notes = names, vpcs, notes
        self._vpc_of: dict[str, str | None] = {}

    def read(self, node: Node) -> dict[str, SecurityGroup]:
        bodies = {name: (group, group.members(_GROUP_KEYS)) for name, group in node.named().items()}
        for name, (group, keys) in bodies.items():
            self._vpc_of[name] = self._vpcs.of(keys.get("vpc"), group)
        found = {}
        for name, (group, keys) in bodies.items():
            found[name] = SecurityGroup(
                name,
                name,
                self._vpc_of[name],
                self._rules(name, Direction.INGRESS, keys.get("ingress")),
                # As AWS makes a group: everything may leave.
                self._rules(name, Direction.EGRESS, keys["egress"]) if "egress" in keys else _egress_to_any(name),
            )
            if twice := duplicates(found[name]):
                self._notes.doubt(group.place.refusal(duplicates_text(twice), "remove the second"))
        return found

    def _rules(self, group: str, direction: Direction, node: Node | None) -> tuple[Rule, ...]:
        rules: list[Rule] = []
        for item in node.items() if node else ():
            parsed = parse_rule(item.text(), direction, item.place)
            for peer in self._peers(parsed.peer, group, item.place):
                name = f"{group}/{direction}/{len(rules)}"
                rules.append(Rule(name, group, direction, parsed.protocol, parsed.from_port, parsed.to_port, peer))
        return tuple(rules)

    def _peers(self, text: str, group: str, place: Place) -> tuple[Peer, ...]:
        if text == "any":
            return _ANY
        if text == "self":
            return (GroupReference(group),)
        kind = self._names.get(text)
        if kind == "group":
            return (self._reference(text, group),)
        if kind == "prefix list":
            return (PrefixListReference(text),)
        if "/" in text:
            return (network(text, None, place, self._notes),)
        if looks_like_address(text):
            return (ip_network(address(text, None, place)),)
        known = (*self._names, *_RESERVED)
        raise place.refusal(f"{text!r} is no CIDR, address, group or prefix list", near(text, known))

    def _reference(self, name: str, group: str) -> GroupReference:
        """A group of another VPC is referred to as AWS lists it: with its VPC and the peering."""
        own, other = self._vpc_of[group], self._vpc_of[name]
        if own == other or own is None or other is None:
            return GroupReference(name)
        return GroupReference(name, other, self._vpcs.peering(own, other))


def _egress_to_any(group: str) -> tuple[Rule, ...]:
    return tuple(
        Rule(f"{group}/egress/{number}", group, Direction.EGRESS, -1, None, None, everywhere)
        for number, everywhere in enumerate(_ANY)
    )
