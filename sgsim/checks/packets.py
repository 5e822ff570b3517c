"""The packets of a case: one, a list with times, or whole flows, from what a person writes down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sgsim.checks.expecting import expected_of
from sgsim.checks.records import Expected, Step
from sgsim.checks.values import case_time, plain_text
from sgsim.errors import SelectionError
from sgsim.model import ICMP, ICMPV6, TCP, UDP, Packet, Topology
from sgsim.query import End, question, reply_to
from sgsim.sources.scenariotree import Node, near

# What says who sends what to whom; the rest says when, how often, and what is expected.
_ASKED_KEYS = (
    "from", "to", "protocol", "port", "source_port", "icmp_type", "icmp_code", "family", "vpc",
)  # fmt: skip
_PACKET_KEYS = (*_ASKED_KEYS, "at", "flags", "reply", "flow", "lasts", "expect")
_CASE_KEYS = ("name", "snapshot", "plan", "changes", "settings", "packets")
# What sgsim.query calls the members port, vpc and family.
_OPTION = re.compile(r"(?<!\S)(--port|--vpc-id|-4)(?![^\s,;:)])")
_MEMBERS = {"--port": "port:", "--vpc-id": "vpc:", "-4": "family: 4"}
_FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}
_FLAG_TEXT = re.compile(r"[FSRPAU]*\Z")
_APART = 1_000_000  # ns between packets that have no time of their own
_LASTS = 1_000_000_000  # ns of a flow that says no other
_SYN, _SYN_ACK, _ACK, _PSH_ACK, _FIN_ACK = 2, 18, 16, 24, 17
#: A TCP connection from its handshake to its end: whether the initiator sends, and the flags.
_CONNECTION = (
    (True, _SYN), (False, _SYN_ACK), (True, _ACK), (True, _PSH_ACK), (False, _PSH_ACK), (True, _FIN_ACK),
    (False, _FIN_ACK), (True, _ACK),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sent:
    """A packet with its ends."""

    packet: Packet
    sender: End
    receiver: End

    def back(self) -> _Sent | None:
        """The answer to it: of TCP a SYN+ACK to the SYN that opens a connection, an ACK to all else."""
        packet = reply_to(self.packet)
        if packet is not None and packet.protocol == TCP and self.packet.tcp_flags != _SYN:
            packet = replace(packet, tcp_flags=_ACK)
        return None if packet is None else _Sent(packet, self.receiver, self.sender)


def steps_of(topology: Topology, case: Node, given: Mapping[str, Node], packet: Mapping[str, Node]) -> tuple[Step, ...]:
    """The steps of a case in the order of time: those of its ``packets``, or the one packet that its own members are.

    Raises InputError: members that are not known, missing or in each other's way, ends that are not known.
    """
    if "packets" in given:
        if packet:
            _refuse_unknown(packet)
            key, node = next(iter(packet.items()))
            raise node.place.refusal(f"{key!r} belongs to a packet", "a case has packets, or is one packet itself")
        nodes = given["packets"].items()
    else:
        nodes = [case]
    default = expected_of(given["expect"]) if "expect" in given else None
    steps: list[Step] = []
    last: _Sent | None = None
    clock = -_APART
    for node in nodes:
        members = packet if node is case else node.members(_PACKET_KEYS)
        if node is case:
            _refuse_unknown(members)
        at = case_time(members["at"]) if "at" in members else clock + _APART
        expected = expected_of(members["expect"]) if "expect" in members else default
        try:
            last = _sent(topology, node, members, last)
        except SelectionError as error:  # an end that is not known, a port where none belongs
            raise node.place.refusal(_OPTION.sub(lambda option: _MEMBERS[option[0]], str(error))) from None
        for time_ns, sent in _at(at, members, last):
            steps.append(Step(node.place, replace(sent.packet, time_ns=time_ns), sent.sender, sent.receiver, expected))
            # Of a flow that passes all packets pass; where its first one is dropped, so are the others.
            expected = expected and Expected(expected.verdict)
        clock = steps[-1].packet.time_ns
    if not any(step.expected for step in steps):
        raise case.place.refusal("expects nothing", "write expect: allow, or expect: drop")
    return tuple(sorted(steps, key=lambda step: step.packet.time_ns))


def _refuse_unknown(members: Mapping[str, Node]) -> None:
    for key, node in members.items():
        if key not in _PACKET_KEYS:
            raise node.place.refusal(f"unknown key {key!r}", near(key, (*_PACKET_KEYS, *_CASE_KEYS)))


def _sent(topology: Topology, node: Node, members: Mapping[str, Node], last: _Sent | None) -> _Sent:
    """The packet that the members describe: a new one, the answer to the one before, or that one again."""
    reply, flow = _flag(members, "reply"), _flag(members, "flow")
    asked = [key for key in _ASKED_KEYS if key in members]
    if reply:
        if asked or flow:
            problem = f"a reply has no {(asked or ['flow'])[0]!r}"
            raise node.place.refusal(problem, "it is what the packet before it is answered with")
        found = last.back() if last else None
        if found is None:
            problem = "nobody answers the packet before it" if last else "there is nothing that it replies to"
            raise node.place.refusal(problem, "write the request first")
    elif "from" in members or "to" in members or last is None:
        found = _asked(topology, node, members)
    elif asked:
        remedy = "write from and to; a packet without them is the one before it again"
        raise members[asked[0]].place.refusal(f"{asked[0]!r} without ends", remedy)
    else:
        found = last
    if "lasts" in members and not flow:
        raise members["lasts"].place.refusal("one packet does not last", "write flow: true for a whole flow")
    if "flags" in members:
        if flow:
            raise members["flags"].place.refusal("a whole flow has flags of its own", "write its packets one by one")
        found = replace(found, packet=replace(found.packet, tcp_flags=_flags(members["flags"], found.packet)))
    return found


def _asked(topology: Topology, node: Node, members: Mapping[str, Node]) -> _Sent:
    for key in ("from", "to", "protocol"):
        if key not in members:
            raise node.place.refusal(f"has no {key!r}", "a packet is from somebody to somebody, of a protocol")
    names = ("source_port", "icmp_type", "icmp_code", "family")
    details: Any = {name: members[name].integer() for name in names if name in members}
    if details.get("family") not in (None, 4, 6):
        raise members["family"].place.refusal(f"{details['family']} is no IP version", "write 4 or 6")
    sender, receiver, packet = question(
        topology,
        plain_text(members["from"]),
        plain_text(members["to"]),
        plain_text(members["protocol"]).lower(),
        members["port"].integer() if "port" in members else None,
        vpc_id=plain_text(members["vpc"]) if "vpc" in members else None,
        **details,
    )
    return _Sent(packet, sender, receiver)


def _at(at: int, members: Mapping[str, Node], first: _Sent) -> Iterator[tuple[int, _Sent]]:
    """The packets with their times: the one, or those of its whole flow, evenly over the time that it lasts."""
    if not _flag(members, "flow"):
        yield at, first
        return
    lasts = case_time(members["lasts"]) if "lasts" in members else _LASTS
    packets = list(_flow(first))
    for number, sent in enumerate(packets):
        yield at + lasts * number // max(len(packets) - 1, 1), sent


def _flow(first: _Sent) -> Iterator[_Sent]:
    back = first.back()
    if first.packet.protocol == TCP and back is not None:
        for forward, flags in _CONNECTION:
            sent = first if forward else back
            yield replace(sent, packet=replace(sent.packet, tcp_flags=flags))
        return
    for _ in range(2 if first.packet.protocol in (UDP, ICMP, ICMPV6) else 1):
        yield first
        if back is not None:
            yield back


def _flag(members: Mapping[str, Node], key: str) -> bool:
    if key not in members:
        return False
    if type(members[key].value) is not bool:
        raise members[key].place.refusal("true or false belongs here")
    return bool(members[key].value)


def _flags(node: Node, packet: Packet) -> int:
    text = node.text()
    if packet.protocol != TCP or not _FLAG_TEXT.match(text):
        raise node.place.refusal(f"{text[:60]!r} are no TCP flags", "letters of FSRPAU, for tcp alone: S, SA, A, FA, R")
    return sum(_FLAGS[letter] for letter in dict.fromkeys(text))
