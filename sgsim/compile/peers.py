"""What a rule's peer stands for, as spans of addresses: CIDRs, prefix lists, members of groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sgsim.model import GroupReference, Interface, Network, PrefixListReference, Rule, Topology


class Span(NamedTuple):
    """Addresses ``first`` to ``last``, both included, of one IP version."""

    version: int
    first: int
    last: int


class Peer(NamedTuple):
    """``families``: of an unresolved peer, the IP versions it might stand for; empty where resolved."""

    spans: list[Span]
    families: tuple[int, ...] = ()


def network_span(network: Network) -> Span:
    return Span(network.version, int(network.network_address), int(network.broadcast_address))


class PeerBook:
    """Expands references; keeps what every look-up needs: members by group, addresses in use by VPC, peerings."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self._members: dict[str, list[Interface]] = {}
        self._in_use: dict[tuple[str | None, int], list[int]] = {}
        for interface in topology.interfaces.values():
            for group_id in interface.group_ids:
                self._members.setdefault(group_id, []).append(interface)
            for address in interface.addresses:
                self._in_use.setdefault((interface.vpc_id, address.version), []).append(int(address))
        for addresses in self._in_use.values():
            addresses.sort()
        self._joined = {
            frozenset((c.requester_vpc_id, c.accepter_vpc_id))
            for c in topology.peerings.values()
            if c.status == "active"
            and (not c.requester_region or not c.accepter_region or c.requester_region == c.accepter_region)
        }
        self._homes: dict[str, set[str | None]] = {}
        for association in topology.associations:
            if association.state == "associated":
                self._homes.setdefault(association.group_id, set()).add(association.vpc_id)

    def owned(self, interface: Interface) -> list[Span]:
        """The addresses the interface owns: its own, and its prefixes but for what others of its VPC own exactly."""
        spans = [Span(a.version, int(a), int(a)) for a in interface.addresses]
        for prefix in interface.prefixes:
            span = network_span(prefix)
            begin = span.first
            for taken in self._in_use.get((interface.vpc_id, prefix.version), ()):
                if span.first <= taken <= span.last:
                    if begin < taken:
                        spans.append(Span(span.version, begin, taken - 1))
                    begin = taken + 1
            if begin <= span.last:
                spans.append(Span(span.version, begin, span.last))
        return spans

    def expand(self, rule: Rule, vpc_id: str | None) -> Peer:
        """What the rule's peer stands for, seen from an interface in the VPC."""
        peer = rule.peer
        if isinstance(peer, PrefixListReference):
            known = self.topology.prefix_lists.get(peer.prefix_list_id)
            if known is not None and known.entries is not None:
                return Peer([network_span(entry) for entry in known.entries])
            return Peer([], (known.family,) if known is not None and known.family else (4, 6))
        if isinstance(peer, GroupReference):
            return self._group(rule, peer, vpc_id)
        return Peer([network_span(peer)])

    def _group(self, rule: Rule, peer: GroupReference, vpc_id: str | None) -> Peer:
        target = self.topology.groups.get(peer.group_id)
        home = self.topology.groups[rule.group_id].vpc_id
        other = peer.vpc_id if target is None else target.vpc_id
        status = peer.peering_status or self._status(peer, home, other)
        if status not in ("local", "unknown", "active"):
            return Peer([])  # stale: listed, matches nothing
        if status == "unknown" or target is None:
            return Peer([], (4, 6))
        reach = self._homes.get(peer.group_id, set()) | {vpc_id}
        if vpc_id in self._homes.get(peer.group_id, set()):
            reach.add(target.vpc_id)
        if peer.peering_status == "active":
            reach.add(other)
        members = [
            m
            for m in self._members.get(peer.group_id, ())
            if m.vpc_id in reach or frozenset((vpc_id, m.vpc_id)) in self._joined
        ]
        return Peer([span for member in members for span in self.owned(member)])

    def _status(self, peer: GroupReference, home: str | None, other: str | None) -> str:
        """Of a reference that carries no status of its own: "local", "unknown", or its connection's."""
        wanted = peer.vpc_peering_connection_id
        if wanted is None:
            if home is None or other is None or home == other or home in self._homes.get(peer.group_id, ()):
                return "local"
            found = [c.status for c in self.topology.peerings.values() if c.joins(home, other)]
        else:
            found = [c.status for c in self.topology.peerings.values() if c.vpc_peering_connection_id == wanted]
        if not found:
            return "unknown"
        return "active" if "active" in found else found[0]


def everything(networks: Iterable[Network]) -> list[Span]:
    return [network_span(network) for network in networks]
