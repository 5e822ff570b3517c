"""Security group rules of a test: as sgsim's records, and said again in nftables' words by other means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from sgsim.model import Direction, GroupReference, Interface, Network, Rule, SecurityGroup, Topology

CLIENT_V4, SERVER_V4 = "203.0.113.7", "10.0.1.10"
CLIENT_V6, SERVER_V6 = "2001:db8:c::7", "2001:db8:5::10"
SERVER, SERVER_GROUP, CLIENT, CLIENT_GROUP = "eni-server", "sg-server", "eni-client", "sg-client"
PROTOCOLS = {"all": -1, "icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "icmpv6": 58}


@dataclass(frozen=True)
class Admit:
    """One rule: ``ports`` are first and last port, or ICMP type and code (-1: any); None means all of them."""

    protocol: str | int
    peer: str
    ports: tuple[int, int] | None = None

    @property
    def number(self) -> int:
        return self.protocol if isinstance(self.protocol, int) else PROTOCOLS[self.protocol]

    def record(self, group_id: str, direction: Direction, place: int) -> Rule:
        """The rule as a snapshot would have it."""
        ports = self.ports
        if ports is None and self.number in (1, 6, 17, 58):
            ports = (0, 65535) if self.number in (6, 17) else (-1, -1)
        first, last = ports or (None, None)
        rule_id = f"{group_id}/{direction}/{place}"
        return Rule(rule_id, group_id, direction, self.number, first, last, self._peer())

    def _peer(self) -> Network | GroupReference:
        return GroupReference(self.peer) if self.peer.startswith("sg-") else ip_network(self.peer)

    def statement(self, side: str, members: Sequence[str] = ()) -> str:
        """The rule in nftables' words. ``side`` is saddr or daddr; ``members`` are the peer group's addresses."""
        if self.peer.startswith("sg-"):
            return "\n".join(Admit(self.protocol, address, self.ports).statement(side) for address in members)
        version = ip_network(self.peer).version
        words = [f"meta nfproto ipv{version}"]
        if not self.peer.endswith("/0"):
            words.append(f"{'ip' if version == 4 else 'ip6'} {side} {self.peer}")
        words.append(self._service(version))
        return " ".join([*words, "accept"])

    def _service(self, version: int) -> str:
        if self.number == -1:
            return ""
        if self.number in (6, 17):
            first, last = self.ports or (0, 65535)
            return f"meta l4proto {self.number} th dport {first}-{last}"
        if self.number not in (1, 58):
            return f"meta l4proto {self.number}"
        if (self.number == 1) != (version == 4):
            return "meta mark 1 meta mark 2"  # ICMP of one IP version with a peer of the other: never
        kind, code = self.ports or (-1, -1)
        name = "icmp" if version == 4 else "icmpv6"
        asked = [f"{name} {field} {value}" for field, value in (("type", kind), ("code", code)) if value != -1]
        return " ".join([f"meta l4proto {self.number}", *asked])


@dataclass(frozen=True)
class Group:
    """What one guarded interface admits. Its only group has just these rules."""

    ingress: Sequence[Admit] = ()
    egress: Sequence[Admit] = ()


def topology(server: Group, client: Group | None = None) -> Topology:
    """The server's interface with its group, and the client's where it is guarded too."""
    guarded = [(SERVER, SERVER_GROUP, server, (SERVER_V4, SERVER_V6))]
    if client is not None:
        guarded.append((CLIENT, CLIENT_GROUP, client, (CLIENT_V4, CLIENT_V6)))
    groups, interfaces = {}, {}
    for interface_id, group_id, group, addresses in guarded:
        ingress, egress = (
            tuple(admit.record(group_id, direction, place) for place, admit in enumerate(admits))
            for direction, admits in ((Direction.INGRESS, group.ingress), (Direction.EGRESS, group.egress))
        )
        groups[group_id] = SecurityGroup(group_id, group_id, "vpc-1", ingress, egress)
        owned = tuple(ip_network(address).network_address for address in addresses)
        interfaces[interface_id] = Interface(
            interface_id, vpc_id="vpc-1", interface_type="interface", addresses=owned, group_ids=(group_id,)
        )
    return Topology(groups=groups, interfaces=interfaces)


def ruleset(
    group: Group, *, guards_client: bool = False, first: str = "", untracked: Sequence[tuple[str, int]] = ()
) -> str:
    """The nftables ruleset of the gate in front of the server (or of the client); ``first`` goes before its rules.

    ``untracked``: protocol and port of the server's services whose connections are not to be tracked.
    """
    to_guarded, from_guarded = ("inner", "outer") if guards_client else ("outer", "inner")
    members = {SERVER_GROUP: (SERVER_V4, SERVER_V6), CLIENT_GROUP: (CLIENT_V4, CLIENT_V6)}
    ingress = "\n".join(admit.statement("saddr", members.get(admit.peer, ())) for admit in group.ingress)
    egress = "\n".join(admit.statement("daddr", members.get(admit.peer, ())) for admit in group.egress)
    notrack = "\n".join(
        f'iifname "{device}" {protocol} {side} {port} notrack'
        for protocol, port in untracked
        for device, side in ((to_guarded, "dport"), (from_guarded, "sport"))
    )
    return f"""
flush ruleset
table inet gate {{
  chain untracked {{
    type filter hook prerouting priority raw; policy accept;
    {notrack}
  }}
  chain ingress {{
    {ingress}
    drop
  }}
  chain egress {{
    {egress}
    drop
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    meta l4proto 253 accept
    {first}
    ct state established,related accept
    iifname "{to_guarded}" goto ingress
    iifname "{from_guarded}" goto egress
  }}
}}
"""
