"""The rules of an interface, with their references expanded, and what they say about a packet."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from sgsim.model import (
    ANY_PROTOCOL,
    EVERYWHERE,
    ICMPV6,
    TCP,
    UDP,
    Address,
    Direction,
    GroupReference,
    Interface,
    Network,
    Packet,
    PrefixListReference,
    Rule,
    Settings,
    Topology,
    UnknownPeer,
)
from sgsim.reference.packets import admits_service, is_syn, reverse

# Section 4. Link-local services of the Nitro card, and the IPv6 block that holds their twins.
NEVER_FILTERED = (IPv4Network("169.254.0.0/16"), IPv6Network("fd00:ec2::/32"))
DHCP_REMOTES = (IPv4Network("0.0.0.0/32"), IPv4Network("255.255.255.255/32"), IPv4Network("169.254.0.0/16"))
DHCPV6_REMOTES = (IPv6Network("fe80::/10"), IPv6Network("ff02::/16"))
NEIGHBOUR_DISCOVERY = range(133, 138)

# Section 6. The other end of these is an AWS service with several valid reply paths.
AUTO_TRACKED_TYPES = frozenset(
    {
        "nat_gateway",
        "network_load_balancer",
        "gateway_load_balancer",
        "gateway_load_balancer_endpoint",
        "vpc_endpoint",
        "lambda",
        "transit_gateway",
        "global_accelerator_managed",
    }
)


@dataclass(frozen=True, slots=True)
class Peers:
    """What a rule's peer stands for at one interface. ``resolved`` is False where the snapshot cannot say."""

    networks: tuple[Network, ...] = ()
    owners: tuple[Interface, ...] = ()
    resolved: bool = True
    stale: bool = False
    families: frozenset[int] = frozenset({4, 6})


class RuleBook:
    """Everything about rules that does not change from packet to packet."""

    def __init__(self, topology: Topology, settings: Settings) -> None:
        self.topology, self.settings = topology, settings
        self._taken = {(i.vpc_id, address) for i in topology.interfaces.values() for address in i.addresses}
        self._peers: dict[tuple[str, Rule], Peers] = {}
        self._covering: dict[tuple[str, Direction, Address], list[Rule]] = {}

    # --- section 3: which rule matches ----------------------------------------------------------------------------

    def matching_rules(self, interface: Interface, direction: Direction, packet: Packet) -> list[Rule]:
        """All rules that admit the packet at this gate, in credit order: the first is the one that is credited."""
        remote = packet.src if direction is Direction.INGRESS else packet.dst
        return [rule for rule in self._rules_covering(interface, direction, remote) if admits_service(rule, packet)]

    def unresolved_rules(self, interface: Interface, direction: Direction, packet: Packet) -> list[Rule]:
        """The rules that might admit the packet if the snapshot said what their peer stands for."""
        found = []
        for rule in self.rules(interface, direction):
            peers = self.peers(interface, rule)
            if not peers.resolved and packet.src.version in peers.families and admits_service(rule, packet):
                found.append(rule)
        return found

    def rules(self, interface: Interface, direction: Direction) -> list[Rule]:
        """All rules of the interface's groups in one direction, in credit order."""
        groups = [self.topology.groups[group_id] for group_id in interface.group_ids]
        return [rule for group in groups for rule in group.rules(direction)]

    def matches_peer(self, interface: Interface, rule: Rule, remote: Address) -> bool:
        """Whether the rule's peer stands for this remote address, seen from this interface."""
        peers = self.peers(interface, rule)
        if any(remote in network for network in peers.networks):
            return True
        return any(self.owns(owner, remote) for owner in peers.owners)

    def _rules_covering(self, interface: Interface, direction: Direction, remote: Address) -> list[Rule]:
        key = (interface.interface_id, direction, remote)
        if key not in self._covering:
            rules = self.rules(interface, direction)
            self._covering[key] = [rule for rule in rules if self.matches_peer(interface, rule, remote)]
        return self._covering[key]

    def owns(self, interface: Interface, address: Address) -> bool:
        if address in interface.addresses:
            return True
        in_prefix = any(address in prefix for prefix in interface.prefixes)
        return in_prefix and (interface.vpc_id, address) not in self._taken

    def peers(self, interface: Interface, rule: Rule) -> Peers:
        """What the rule's peer stands for at this interface."""
        key = (interface.interface_id, rule)
        if key not in self._peers:
            self._peers[key] = self._expand(interface, rule)
        return self._peers[key]

    def _expand(self, interface: Interface, rule: Rule) -> Peers:
        if isinstance(rule.peer, PrefixListReference):
            prefix_list = self.topology.prefix_lists.get(rule.peer.prefix_list_id)
            if prefix_list is None or prefix_list.entries is None:
                family = prefix_list.family if prefix_list else None
                return Peers(resolved=False, families=frozenset({family} if family else {4, 6}))
            return Peers(networks=prefix_list.entries)
        if isinstance(rule.peer, GroupReference):
            return self._expand_group(interface, rule, rule.peer)
        if isinstance(rule.peer, UnknownPeer):
            return Peers(resolved=False, families=frozenset({rule.peer.family} if rule.peer.family else {4, 6}))
        return Peers(networks=(rule.peer,))

    def _expand_group(self, interface: Interface, rule: Rule, peer: GroupReference) -> Peers:
        group = self.topology.groups.get(peer.group_id)
        home = self.topology.groups[rule.group_id].vpc_id
        there = group.vpc_id if group else peer.vpc_id
        status = peer.peering_status
        if status is None and self._is_peer_reference(peer, home, there):
            connections = [
                c
                for c in self.topology.peerings.values()
                if peer.vpc_peering_connection_id in (None, c.vpc_peering_connection_id)
                and (peer.vpc_peering_connection_id or c.joins(home, there))
            ]
            if not connections:
                return Peers(resolved=False)
            status = "active" if any(c.status == "active" for c in connections) else connections[0].status
        if status is not None and status != "active":
            return Peers(stale=True)
        if group is None:
            return Peers(resolved=False)
        members = [m for m in self.topology.interfaces.values() if peer.group_id in m.group_ids]
        vouched = there if peer.peering_status == "active" else None
        return Peers(
            owners=tuple(m for m in members if self._reachable(interface.vpc_id, m.vpc_id, peer.group_id, vouched))
        )

    def _is_peer_reference(self, peer: GroupReference, home: str | None, there: str | None) -> bool:
        if peer.vpc_peering_connection_id is not None:
            return True
        if home is None or there is None or home == there:
            return False
        return not (self._associated(peer.group_id, home))

    def _associated(self, group_id: str, vpc_id: str | None) -> bool:
        return any(
            a.group_id == group_id and a.vpc_id == vpc_id and a.state == "associated"
            for a in self.topology.associations
        )

    def _reachable(self, here: str | None, there: str | None, group_id: str, vouched: str | None) -> bool:
        """Whether a member in VPC ``there`` counts for an interface in VPC ``here``."""
        if here == there or (vouched is not None and there == vouched):
            return True
        if self._associated(group_id, there):
            return True
        if self._associated(group_id, here) and self.topology.groups[group_id].vpc_id == there:
            return True
        return any(
            c.status == "active"
            and c.joins(here, there)
            and (c.requester_region == c.accepter_region or None in (c.requester_region, c.accepter_region))
            for c in self.topology.peerings.values()
        )

    # --- section 4: what is never filtered ------------------------------------------------------------------------

    def exempt(self, interface: Interface, direction: Direction, packet: Packet) -> bool:
        ingress = direction is Direction.INGRESS
        remote, remote_port = (packet.src, packet.src_port) if ingress else (packet.dst, packet.dst_port)
        if any(remote in block for block in NEVER_FILTERED):
            return True
        vpc = self.topology.vpcs.get(interface.vpc_id or "")
        if vpc and vpc.resolver and (remote, remote_port) == (vpc.resolver, 53) and packet.protocol in (TCP, UDP):
            return True
        subnet = self.topology.subnets.get(interface.subnet_id or "")
        if subnet and subnet.router and remote == subnet.router:
            return True
        if packet.protocol == UDP and packet.src_port is not None:
            ports = {packet.src_port, packet.dst_port}
            if ports <= {67, 68} and any(remote in block for block in DHCP_REMOTES):
                return True
            if ports <= {546, 547} and any(remote in block for block in DHCPV6_REMOTES):
                return True
        return packet.protocol == ICMPV6 and packet.icmp_type in NEIGHBOUR_DISCOVERY

    # --- section 6: tracked or untracked --------------------------------------------------------------------------

    def untracked(self, interface: Interface, direction: Direction, packet: Packet) -> bool:
        """Whether a packet without an entry belongs to a flow that needs none."""
        if packet.protocol not in (TCP, UDP) or self._automatically_tracked(interface, direction, packet):
            return False
        if self._open_both_ways(interface, direction, packet):
            return True
        return not is_syn(packet) and self._open_both_ways(interface, direction.opposite, reverse(packet))

    def _open_both_ways(self, interface: Interface, direction: Direction, initial: Packet) -> bool:
        everywhere = EVERYWHERE[initial.src.version]
        if not any(rule.peer == everywhere for rule in self.matching_rules(interface, direction, initial)):
            return False
        return self.admits_all(interface, direction.opposite, initial.protocol, everywhere)

    def admits_all(self, interface: Interface, direction: Direction, protocol: int, everywhere: Network) -> bool:
        """Whether one rule admits all of TCP or UDP to or from everywhere in an IP version."""
        for rule in self.rules(interface, direction):
            all_ports = rule.protocol == protocol and (rule.from_port, rule.to_port) == (0, 65535)
            if rule.peer == everywhere and (rule.protocol == ANY_PROTOCOL or all_ports):
                return True
        return False

    def _automatically_tracked(self, interface: Interface, direction: Direction, packet: Packet) -> bool:
        declared = self.topology.auto_tracked + self.settings.auto_tracked
        if any(address in block for block in declared for address in (packet.src, packet.dst)):
            return True
        remote = packet.src if direction is Direction.INGRESS else packet.dst
        owners = [i for i in self.topology.interfaces.values() if self.owns(i, remote)]
        near = [i for i in owners if i.vpc_id == interface.vpc_id]  # an address may be in use in several VPCs
        return any(i.interface_type in AUTO_TRACKED_TYPES for i in near or owners)
