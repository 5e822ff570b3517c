"""Rules, interfaces and packets in the words of a sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sgsim.model import (
    ANY_PROTOCOL,
    ICMP,
    ICMPV6,
    PROTOCOL_NAMES,
    TCP,
    UDP,
    Address,
    Direction,
    GroupReference,
    Interface,
    PrefixListReference,
    Reason,
    Rule,
    Topology,
    UnknownPeer,
)

# Other protocols that people know by name (IANA, "Assigned Internet Protocol Numbers").
MORE_NAMES = {2: "igmp", 4: "ipip", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah", 89: "ospf", 103: "pim", 132: "sctp"}

REASON_WORDS = {
    Reason.RULE: "a rule admits it",
    Reason.TRACKED: "part of a tracked connection",
    Reason.RELATED: "an ICMP error about a tracked connection",
    Reason.EXEMPT: "never filtered by security groups",
    Reason.UNFILTERED: "the interface has no security groups",
    Reason.ASSUMED: "taken for a connection older than the capture",
    Reason.FRAGMENT: "later fragment that the rules admit",
    Reason.NO_RULE: "no rule admits it",
    Reason.UNRESOLVED: "only a rule might whose peer the snapshot does not say",
    Reason.NOT_REACHED: "it never gets here",
    Reason.NO_STATE: "not a SYN, and no tracked connection",
    Reason.TABLE_FULL: "the connection table is full",
    Reason.LATER_FRAGMENT: "later fragment without its first one",
}


def protocol_text(number: int) -> str:
    """``tcp``, ``gre``, ``protocol 99``; ``all`` for -1."""
    return PROTOCOL_NAMES.get(number) or MORE_NAMES.get(number) or f"protocol {number}"


def interface_text(interface: Interface) -> str:
    """The Name tag and the id, or the id alone."""
    if interface.name and interface.name != interface.interface_id:
        return f"{interface.name} ({interface.interface_id})"
    return interface.interface_id


def socket_text(address: Address | str, port: int | None) -> str:
    """``10.0.0.1:443``, ``[2001:db8::1]:443``, or the address alone."""
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"


def time_text(time_ns: int, milliseconds: bool = False) -> str:
    """UTC, to the second or finer; the nanoseconds themselves where they are no year that a calendar knows."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    try:
        text = f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"
    except OverflowError:
        return f"{time_ns} ns"
    return text + (f".{rest // 1_000_000:03}" if milliseconds else "") + " UTC"


def rule_text(rule: Rule, topology: Topology) -> str:
    """What the rule admits, as in ``tcp 5432 from sg-0123 (web)``."""
    preposition = "from" if rule.direction is Direction.INGRESS else "to"
    return f"{service_text(rule)} {preposition} {_peer_text(rule, topology)}"


def service_text(rule: Rule) -> str:
    """Protocol and ports, as in ``tcp 80-443``, ``icmp 8/0``, ``all``."""
    name, first, last = protocol_text(rule.protocol), rule.from_port, rule.to_port
    if rule.protocol == ANY_PROTOCOL or first is None:
        return name
    if rule.protocol in (TCP, UDP):
        return f"{name} {first}" if first == last else f"{name} {first}-{last}"
    if rule.protocol in (ICMP, ICMPV6) and first != -1:
        return f"{name} {first}" if last == -1 else f"{name} {first}/{last}"
    return name


def _peer_text(rule: Rule, topology: Topology) -> str:
    peer = rule.peer
    if isinstance(peer, PrefixListReference):
        found = topology.prefix_lists.get(peer.prefix_list_id)
        return _named(peer.prefix_list_id, found.name if found else "")
    if isinstance(peer, GroupReference):
        if peer.group_id == rule.group_id:
            return "itself"
        group = topology.groups.get(peer.group_id)
        return _named(peer.group_id, group.name if group else "")
    if isinstance(peer, UnknownPeer):
        return f"what is not known yet ({peer.address})"
    return str(peer)


def _named(identifier: str, name: str) -> str:
    return f"{identifier} ({name})" if name and name != identifier else identifier
