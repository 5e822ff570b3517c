"""The packets of a case: one, a list with times, or whole flows, from what a person writes down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sgsim.checks.records import Expected, Step
from sgsim.model import ICMP, ICMPV6, TCP, UDP, Packet, Reason, Topology, Verdict
from sgsim.query import End, question, reply_to
from sgsim.sources.changes.times import change_time
from sgsim.sources.scenariotree import Node, near

_PACKET_KEYS = (
    "at", "from", "to", "protocol", "port", "source_port", "icmp_type", "icmp_code",
    "family", "vpc", "flags", "reply", "flow", "lasts", "expect",
)  # fmt: skip
_EXPECT_KEYS = ("verdict", "reason", "rule", "interface")
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
        packet = reply_to(self.packet)
        return None if packet is None else _Sent(packet, self.receiver, self.sender)


def steps_of(topology: Topology, case: Node, given: Mapping[str, Node], packet: Mapping[str, Node]) -> tuple[Step, ...]:
    """The steps of a case in the order of time: those of its ``packets``, or the one packet that its own members are.

    Raises InputError: members that are not known or missing; SelectionError: ends that are.
    """
    if "packets" in given:
        if packet:
            key, node = next(iter(packet.items()))
            raise node.place.refusal(f"unknown key {key!r}", "a case has packets, or is one packet itself")
        nodes = given["packets"].items()
    else:
        nodes = [case]
    default = _expected(given["expect"]) if "expect" in given else None
    steps: list[Step] = []
    last: _Sent | None = None
    clock = -_APART
    for node in nodes:
        members = packet if node is case else node.members(_PACKET_KEYS)
        if node is case:
            _refuse_unknown(members)
        at = _nanoseconds(members["at"]) if "at" in members else clock + _APART
        expected = _expected(members["expect"]) if "expect" in members else default
        last = _sent(topology, node, members, last)
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
            raise node.place.refusal(f"unknown key {key!r}", near(key, (*_PACKET_KEYS, "name", "packets", "changes")))


def _sent(topology: Topology, node: Node, members: Mapping[str, Node], last: _Sent | None) -> _Sent:
    """The packet that the members describe; what they leave out is as in the packet before it."""
    if _flag(members, "reply"):
        found = last.back() if last else None
        if found is None:
            raise node.place.refusal("there is nothing that it replies to", "write the request first")
    elif "from" in members or "to" in members or last is None:
        found = _asked(topology, node, members)
    else:
        found = last
    if "flags" in members:
        found = replace(found, packet=replace(found.packet, tcp_flags=_flags(members["flags"], found.packet)))
    return found


def _asked(topology: Topology, node: Node, members: Mapping[str, Node]) -> _Sent:
    for key in ("from", "to", "protocol"):
        if key not in members:
            raise node.place.refusal(f"has no {key!r}", "a packet is from somebody to somebody, of a protocol")
    names = ("port", "icmp_type", "icmp_code", "family")
    numbers = {name: members[name].integer() if name in members else None for name in names}
    sender, receiver, packet = question(
        topology,
        members["from"].text(),
        members["to"].text(),
        str(members["protocol"].value).lower(),
        source_port=members["source_port"].integer() if "source_port" in members else 49152,
        vpc_id=members["vpc"].text() if "vpc" in members else None,
        **numbers,
    )
    return _Sent(packet, sender, receiver)


def _at(at: int, members: Mapping[str, Node], first: _Sent) -> Iterator[tuple[int, _Sent]]:
    """The packets with their times: the one, or those of its whole flow, evenly over the time that it lasts."""
    if not _flag(members, "flow"):
        yield at, first
        return
    lasts = _nanoseconds(members["lasts"]) if "lasts" in members else _LASTS
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


def _nanoseconds(node: Node) -> int:
    """``0s``, ``351s``, ``1h30m``: from the beginning of the case."""
    text = str(node.value).strip()
    return change_time(text if text.startswith("+") else f"+{text}", node.place).ns


def _expected(node: Node) -> Expected:
    verdicts = [str(verdict) for verdict in Verdict]
    if isinstance(node.value, str):
        return Expected(_word(node, verdicts))
    members = node.members(_EXPECT_KEYS)
    if "verdict" not in members and "reason" not in members:
        raise node.place.refusal("has no verdict", "write allow, drop, or {verdict: drop, reason: no_rule}")
    reason = _word(members["reason"], [str(each) for each in Reason]) if "reason" in members else None
    of_reason = str(Reason(reason).verdict) if reason else None
    verdict = _word(members["verdict"], verdicts) if "verdict" in members else str(of_reason)
    if of_reason not in (None, verdict):
        raise node.place.refusal(f"the reason {reason} is one for {of_reason}, not for {verdict}")
    texts = {key: members[key].text() for key in ("rule", "interface") if key in members}
    return Expected(verdict, reason, **texts)


def _word(node: Node, known: list[str]) -> str:
    text = node.text()
    if text not in known:
        raise node.place.refusal(f"{text[:60]!r} is none of {', '.join(known)}", near(text, known))
    return text
