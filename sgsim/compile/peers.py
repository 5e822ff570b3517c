"""What a rule's peer stands for: CIDRs, prefix lists, members of groups, as spans of addresses."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from sgsim.model import GroupReference, Interface, Network, PrefixListReference, Rule, Topology, UnknownPeer


class Span(NamedTuple):
    """Addresses ``begin`` to ``end`` (not included) of one IP version."""

    version: int
    begin: int
    end: int


def network_span(network: Network) -> Span:
    begin = int(network.network_address)
    return Span(network.version, begin, begin + (1 << network.max_prefixlen - network.prefixlen))


def owned(interface: Interface, in_use: dict[tuple[str | None, int], list[int]]) -> list[Span]:
    """The addresses the interface owns: its own, and its prefixes but for what others of its VPC own exactly.

    ``in_use``: the exact addresses of each VPC and IP version, ascending.
    """
    spans = [Span(a.version, int(a), int(a) + 1) for a in interface.addresses]
    for prefix in interface.prefixes:
        version, begin, end = network_span(prefix)
        exact = in_use.get((interface.vpc_id, version), [])
        for taken in exact[bisect_left(exact, begin) : bisect_left(exact, end)]:
            if begin < taken:
                spans.append(Span(version, begin, taken))
            begin = taken + 1
        if begin < end:
            spans.append(Span(version, begin, end))
    return spans


def addresses_in_use(topology: Topology) -> dict[tuple[str | None, int], list[int]]:
    """The exact addresses of each VPC and IP version, ascending."""
    found: dict[tuple[str | None, int], list[int]] = {}
    for interface in topology.interfaces.values():
        for address in interface.addresses:
            found.setdefault((interface.vpc_id, address.version), []).append(int(address))
    for addresses in found.values():
        addresses.sort()
    return found


class Peer(NamedTuple):
    """What a reference stands for: the networks of a prefix list, or the members of a group, as places among the
    topology's interfaces. ``families``: of an unresolved one, the IP versions it might stand for."""

    networks: tuple[Network, ...] = ()
    members: tuple[int, ...] = ()
    families: tuple[int, ...] = ()


class PeerBook:
    """Expands references; keeps what every look-up needs: members by group, peerings, associations."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self._vpcs = [interface.vpc_id for interface in topology.interfaces.values()]
        self._members: dict[str, list[int]] = {}
        for place, interface in enumerate(topology.interfaces.values()):
            for group_id in interface.group_ids:
                self._members.setdefault(group_id, []).append(place)
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

    def expand(self, rule: Rule, vpc_id: str | None) -> Peer:
        """What the reference of a rule stands for, seen from an interface in the VPC."""
        peer = rule.peer
        if isinstance(peer, PrefixListReference):
            known = self.topology.prefix_lists.get(peer.prefix_list_id)
            if known is not None and known.entries is not None:
                return Peer(networks=known.entries)
            return Peer(families=(known.family,) if known is not None and known.family else (4, 6))
        if isinstance(peer, GroupReference):
            return self._group(rule, peer, vpc_id)
        if isinstance(peer, UnknownPeer):
            return Peer(families=(peer.family,) if peer.family else (4, 6))
        return Peer(networks=(peer,))

    def _group(self, rule: Rule, peer: GroupReference, vpc_id: str | None) -> Peer:
        target = self.topology.groups.get(peer.group_id)
        home = self.topology.groups[rule.group_id].vpc_id
        other = peer.vpc_id if target is None else target.vpc_id
        status = peer.peering_status or self._status(peer, home, other)
        if status not in ("local", "unknown", "active"):
            return Peer()  # stale: listed, matches nothing
        if status == "unknown" or target is None:
            return Peer(families=(4, 6))
        reach = self._homes.get(peer.group_id, set()) | {vpc_id}
        if vpc_id in self._homes.get(peer.group_id, set()):
            reach.add(target.vpc_id)
        if peer.peering_status == "active":
            reach.add(other)
        reach |= {there for pair in self._joined if vpc_id in pair for there in pair}
        members = self._members.get(peer.group_id, ())
        return Peer(members=tuple(place for place in members if self._vpcs[place] in reach))

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
