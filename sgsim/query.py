"""Would this packet pass? One packet and its reply through both gates, judged by the plain-Python judge.

Standard library only: a shell prompt waits for the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypedDict, Unpack

from sgsim.errors import SelectionError
from sgsim.gates import Gate, gate_of
from sgsim.model import (
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Address,
    Decision,
    Interface,
    Packet,
    Settings,
    Skip,
    Topology,
    Verdict,
)
from sgsim.reference import ReferenceJudge, RuleBook
from sgsim.remedy import remedy
from sgsim.selection import address_owners, check_groups, check_vpc, nearest_names

SYN, SYN_ACK = 0x02, 0x12
ECHO_REQUEST = {ICMP: 8, ICMPV6: 128}
ANSWERS = {ICMP: {8: 0, 13: 14, 15: 16, 17: 18}, ICMPV6: {128: 129}}  # semantics, section 7
PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6}
ICMP_ID = 1


class Details(TypedDict, total=False):
    """What a question may say of its packet beside protocol and port: see ``first_packet``."""

    source_port: int
    icmp_type: int | None
    icmp_code: int | None
    family: int | None


@dataclass(frozen=True, slots=True)
class End:
    """One end of a question: an interface, an address, or an address that an interface owns."""

    who: str
    interface: Interface | None = None
    address: Address | None = None

    def of_family(self, version: int) -> Address | None:
        if self.address is not None:
            return self.address if self.address.version == version else None
        return self.interface.primary(version) if self.interface else None


@dataclass(frozen=True, slots=True)
class Answer:
    """The gates that the packet meets, the sender's first; none where it stays on its host (``local``)."""

    packet: Packet
    sender: End
    receiver: End
    gates: tuple[Gate, ...]
    reply: Answer | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> Verdict:
        dropped = any(gate.verdict is Verdict.DROP for gate in self.gates)
        return Verdict.DROP if dropped else Verdict.ALLOW

    @property
    def local(self) -> bool:
        return not self.gates

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": str(self.verdict),
            "gates": [gate.as_json() | {"change": _change(gate, self.packet)} for gate in self.gates],
            "reply": self.reply.as_json() if self.reply else None,
        }


def _change(gate: Gate, packet: Packet) -> dict[str, Any] | None:
    found = remedy(gate, packet)
    return found.as_json() if found else None


def query(
    topology: Topology | str | Path,
    source: str,
    destination: str,
    protocol: str | int,
    port: int | None = None,
    *,
    vpc_id: str | None = None,
    settings: Settings | None = None,
    **details: Unpack[Details],
) -> Answer:
    """Judge the first packet of a flow from ``source`` to ``destination``, and the reply to it.

    Both are an interface id, a Name tag, an instance id (its primary interface) or an address; ``protocol`` is tcp,
    udp, icmp, icmpv6 or a number. ``vpc_id`` chooses where a name or an address is known in several VPCs. ``details``
    are those of ``first_packet``: ``source_port``, ``icmp_type``, ``icmp_code``, ``family``.

    Raises SelectionError: ends that are unknown or ambiguous, no common family, ports or ICMP types that do not
    belong to the protocol, an interface whose groups the snapshot does not describe; and InputError where
    ``topology`` is a path that cannot be loaded.
    """
    if not isinstance(topology, Topology):
        from sgsim.sources import load_topology

        topology = load_topology(topology)
    sender, receiver, packet = question(topology, source, destination, protocol, port, vpc_id=vpc_id, **details)
    return answered(topology, sender, receiver, packet, settings)


def question(
    topology: Topology,
    source: str,
    destination: str,
    protocol: str | int,
    port: int | None = None,
    *,
    vpc_id: str | None = None,
    **details: Unpack[Details],
) -> tuple[End, End, Packet]:
    """Who sends, who receives, and the first packet of the flow. Arguments and errors are those of ``query``."""
    sender, receiver = (find_end(topology, who, vpc_id) for who in (source, destination))
    if sender.interface is None and receiver.interface is None:
        raise SelectionError(
            f"neither {source} nor {destination} is known to the snapshot: nothing is guarded there"
            f"{_public_hint(topology, sender, receiver)}; name an interface, or one of its private addresses"
        )
    return sender, receiver, first_packet(sender, receiver, protocol, port, **details)


def first_packet(
    sender: End,
    receiver: End,
    protocol: str | int,
    port: int | None = None,
    *,
    family: int | None = None,
    source_port: int = 49152,
    icmp_type: int | None = None,
    icmp_code: int | None = None,
) -> Packet:
    """The first packet of a flow between the two.

    ``family`` is 4 or 6, or None for one that both ends have, IPv4 first; without an ICMP type it is an echo request.
    Other arguments and errors are those of ``query``.
    """
    number = _protocol(protocol)
    src, dst = _addresses(sender, receiver, family, protocol)
    if protocol == "icmp" and src.version == 6:
        number = ICMPV6
    return _with_service(Packet(0, src, dst, number), port, source_port, icmp_type, icmp_code)


# --- the ends ---------------------------------------------------------------------------------------------------------


def find_end(topology: Topology, who: str, vpc_id: str | None = None) -> End:
    """The interface or address that ``who`` names. Raises SelectionError where it is unknown or ambiguous."""
    if vpc_id is not None:
        check_vpc(topology, vpc_id)
    if who in topology.interfaces:
        return End(who, topology.interfaces[who])
    of_instance = [i for i in topology.interfaces.values() if i.instance_id == who]
    if of_instance:
        return End(who, next((i for i in of_instance if i.device_index == 0), of_instance[0]))
    try:
        address = ip_address(who)
    except ValueError:
        named = [i for i in topology.interfaces.values() if i.name == who]
        if not named:
            raise SelectionError(_unknown(topology, who)) from None
        return End(who, _only(who, "the Name tag of", named, vpc_id))
    owners = address_owners(topology.interfaces.values(), address)
    return End(who, _only(who, "owned by", owners, vpc_id) if owners else None, address)


def _unknown(topology: Topology, who: str) -> str:
    interfaces = topology.interfaces.values()
    known = {name for i in interfaces for name in (i.interface_id, i.name, i.instance_id) if name}
    return f"{who}: no interface, Name tag or instance of the snapshot, and no address{nearest_names(who, known)}"


def _only(who: str, what: str, interfaces: list[Interface], vpc_id: str | None) -> Interface:
    chosen = [i for i in interfaces if i.vpc_id == vpc_id] if vpc_id is not None else []
    if len(interfaces) == 1 or len(chosen) == 1:
        return chosen[0] if chosen else interfaces[0]
    ids = ", ".join(f"{i.interface_id} ({i.vpc_id})" if i.vpc_id else i.interface_id for i in chosen or interfaces)
    several_vpcs = len({i.vpc_id for i in chosen or interfaces}) > 1
    remedy = "choose with --vpc-id, or name the interface" if several_vpcs else "name the interface by its id"
    raise SelectionError(f"{who} is {what} several interfaces: {ids}; {remedy}")


def _public_hint(topology: Topology, *ends: End) -> str:
    for end in ends:
        for interface in topology.interfaces.values():
            if end.address in interface.public_addresses:
                private = interface.primary(4) or interface.interface_id
                return f" ({end.who} is the public address of {interface.interface_id}: its private one is {private})"
    return ""


def _addresses(sender: End, receiver: End, family: int | None, protocol: str | int) -> tuple[Address, Address]:
    if protocol == "icmpv6" and family is None:
        family = 6
    if protocol == "icmpv6" and family == 4:
        raise SelectionError("icmpv6 is a protocol of IPv6: leave out -4, or ask for icmp")
    versions = (4, 6) if family is None else (family,)
    for version in versions:
        src, dst = sender.of_family(version), receiver.of_family(version)
        if src is not None and dst is not None:
            return src, dst
    for end in (sender, receiver):
        if end.address is None and end.interface is not None and not end.interface.addresses:
            raise SelectionError(f"{end.who} has no address that the snapshot says: ask about an address instead")
        if not any(end.of_family(version) for version in versions):
            which = " or ".join(f"IPv{version}" for version in versions)
            raise SelectionError(f"{end.who} has no {which} address: ask for the other family, or another end")
    raise SelectionError(f"{sender.who} and {receiver.who} have no address family in common")


# --- the packet -------------------------------------------------------------------------------------------------------


def _protocol(protocol: str | int) -> int:
    text = str(protocol)
    if text in PROTOCOLS:
        return PROTOCOLS[text]
    if text.isascii() and text.isdigit() and int(text) <= 255:
        return int(text)
    raise SelectionError(f"unknown protocol {text!r}: tcp, udp, icmp, icmpv6 or a number from 0 to 255")


def _with_service(
    packet: Packet, port: int | None, source_port: int, icmp_type: int | None, icmp_code: int | None
) -> Packet:
    protocol = packet.protocol
    has_icmp = protocol == (ICMP if packet.src.version == 4 else ICMPV6)
    if not has_icmp and (icmp_type is not None or icmp_code is not None):
        raise SelectionError(f"ICMP types and codes belong to icmp and icmpv6, not to protocol {protocol}")
    if protocol in (TCP, UDP):
        if port is None:
            raise SelectionError("tcp and udp need a destination port: add --port")
        _in_range("port", port, 65535)
        _in_range("source port", source_port, 65535)
        flags = SYN if protocol == TCP else 0
        return replace(packet, src_port=source_port, dst_port=port, tcp_flags=flags)
    if port is not None:
        raise SelectionError(f"only tcp and udp have ports: leave out --port {port}")
    if not has_icmp:
        return packet
    kind = ECHO_REQUEST[protocol] if icmp_type is None else _in_range("ICMP type", icmp_type, 255)
    code = _in_range("ICMP code", icmp_code or 0, 255)
    return replace(packet, icmp_type=kind, icmp_code=code, icmp_id=ICMP_ID)


def _in_range(what: str, value: int, most: int) -> int:
    if not 0 <= value <= most:
        raise SelectionError(f"{what} {value} is not from 0 to {most}")
    return value


def reply_to(packet: Packet) -> Packet | None:
    """What an allowed packet is answered with, or None: ICMP that asks nothing, and multicast, get no answer."""
    if packet.dst.is_multicast:
        return None
    back = replace(packet, time_ns=1_000_000, src=packet.dst, dst=packet.src)
    if packet.protocol in (TCP, UDP):
        flags = SYN_ACK if packet.protocol == TCP else 0
        return replace(back, src_port=packet.dst_port, dst_port=packet.src_port, tcp_flags=flags)
    if packet.protocol in (ICMP, ICMPV6):
        if packet.icmp_type not in ANSWERS[packet.protocol]:
            return None
        return replace(back, icmp_type=ANSWERS[packet.protocol][packet.icmp_type], icmp_code=0)
    return back


# --- the answer -------------------------------------------------------------------------------------------------------


def answered(
    topology: Topology,
    sender: End,
    receiver: End,
    packet: Packet,
    settings: Settings | None = None,
    rulebook: RuleBook | None = None,
) -> Answer:
    """What becomes of a flow's first packet, and of the reply to it. ``rulebook`` is the topology's, for who asks many
    questions. Raises SelectionError."""
    guarded = [end.interface for end in (sender, receiver) if end.interface is not None]
    check_groups(topology, guarded)
    if sender.interface is receiver.interface:
        return Answer(packet, sender, receiver, ())
    if packet.src == packet.dst:
        raise SelectionError(f"{sender.who} and {receiver.who} have the same address, {packet.src}: nothing to judge")
    judge = ReferenceJudge(topology, settings or Settings(), [i.interface_id for i in guarded], rulebook)
    notes = tuple(note for end in (sender, receiver) for note in _notes(topology, end))
    gates = _gates(judge, packet)
    passed = all(gate.verdict is Verdict.ALLOW for gate in gates)
    back = reply_to(packet) if passed else None
    reply = Answer(back, receiver, sender, _gates(judge, back)) if back else None
    return Answer(packet, sender, receiver, gates, reply, notes)


def explained(
    judge: ReferenceJudge, packet: Packet, sender: End, receiver: End, decisions: Iterable[Decision]
) -> Answer:
    """The answer about a packet that the judge has decided about."""
    return Answer(packet, sender, receiver, _explained(judge, packet, decisions))


def _notes(topology: Topology, end: End) -> Iterable[str]:
    if end.interface is None:
        hint = _public_hint(topology, end)
        yield f"{end.who} is not in the snapshot: no gate there" + hint


def _gates(judge: ReferenceJudge, packet: Packet) -> tuple[Gate, ...]:
    decisions = judge.judge(packet)
    return () if isinstance(decisions, Skip) else _explained(judge, packet, decisions)


def _explained(judge: ReferenceJudge, packet: Packet, decisions: Iterable[Decision]) -> tuple[Gate, ...]:
    return tuple(gate_of(judge, packet, decision) for decision in decisions)
