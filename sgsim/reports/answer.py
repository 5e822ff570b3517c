"""The answer to ``sgsim query`` as a colleague would give it, in plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sgsim.gates import MISMATCH, NO_RULES, Gate
from sgsim.model import ICMP, ICMPV6, Direction, Packet, Reason, Topology, Verdict
from sgsim.query import Answer, End
from sgsim.remedy import remedy
from sgsim.reports.wording import REASON_WORDS, interface_text, protocol_text, rule_text, socket_text

Paint = Callable[[str, str], str]  # text, colour name -> text
COLOURS = {Verdict.ALLOW: "green", Verdict.DROP: "red"}


def plain(text: str, colour: str) -> str:
    """The Paint of a terminal that shows no colours."""
    return text


def answer_text(answer: Answer, topology: Topology, paint: Paint = plain, *, reply: bool = True) -> str:
    """Some lines without a final newline; ``paint`` colours the verdicts; ``reply``: what becomes of the reply too."""
    return "\n".join(_lines(answer, topology, paint, reply))


def _lines(answer: Answer, topology: Topology, paint: Paint, reply: bool) -> Iterator[str]:
    who = f"{_end_text(answer.sender)} -> {_end_text(answer.receiver)}"
    yield f"{_verdict(answer.verdict, paint)}  {who}, {_packet_text(answer.packet)}"
    if answer.local:
        yield "  Both ends are one interface: the packet never leaves its host, and no security group sees it."
        return
    for gate in answer.gates:
        yield ""
        yield from _gate_lines(gate, topology, paint)
    if reply:
        yield ""
        yield from _reply_lines(answer, topology, paint)
    for note in answer.notes:
        yield f"Note: {note}."


def _verdict(verdict: Verdict, paint: Paint) -> str:
    return paint(verdict.upper(), COLOURS[verdict])


def _end_text(end: End) -> str:
    if end.interface is None:
        return end.who
    return interface_text(end.interface)


def _packet_text(packet: Packet) -> str:
    path = f"{socket_text(packet.src, packet.src_port)} -> {socket_text(packet.dst, packet.dst_port)}"
    name = protocol_text(packet.protocol)
    if packet.protocol in (ICMP, ICMPV6) and packet.icmp_type is not None:
        name += f" type {packet.icmp_type} code {packet.icmp_code}"
    return f"{name}, {path}"


def _gate_lines(gate: Gate, topology: Topology, paint: Paint) -> Iterator[str]:
    way = "Egress from" if gate.direction is Direction.EGRESS else "Ingress to"
    yield f"  {way} {interface_text(gate.interface)}: {_verdict(gate.verdict, paint)}, {_why(gate)}"
    if gate.reason is Reason.NOT_REACHED:
        yield "    If it got here:" + (" these rules would admit it" if gate.rules else f" {_fault(gate)}")
    for rule in gate.rules:
        yield f"    {rule.rule_id}: {rule_text(rule, topology)}"
    if gate.nearest:
        yield "    Nearest:"
    for miss in gate.nearest:
        yield f"      {rule_text(miss.rule, topology)}  fails on {' and '.join(miss.failed_on)}  ({miss.rule.rule_id})"


def _why(gate: Gate) -> str:
    if gate.reason is Reason.RULE:
        several = f"{len(gate.rules)} rules admit it" if len(gate.rules) > 1 else "one rule admits it"
        return f"{several}; " + ("the connection is tracked" if gate.tracked else "the flow is not tracked")
    if gate.reason is Reason.NO_RULE:
        return _fault(gate)
    return REASON_WORDS[gate.reason]


def _in_a_word(gate: Gate) -> str:
    if gate.reason is Reason.RULE and gate.rules:
        return f"admitted by {gate.rules[0].rule_id}"
    return "tracked" if gate.reason is Reason.TRACKED else REASON_WORDS[gate.reason]


def _fault(gate: Gate) -> str:
    if gate.code == NO_RULES:
        return f"its groups have no {gate.direction} rules at all"
    return "no rule admits it" if gate.code == MISMATCH else REASON_WORDS[Reason.UNRESOLVED]


def _reply_lines(answer: Answer, topology: Topology, paint: Paint) -> Iterator[str]:
    if answer.verdict is Verdict.DROP:
        yield "There is no reply: the packet does not arrive."
        changes = [found for gate in answer.gates if (found := remedy(gate, answer.packet))]
        if changes:
            yield "What would let it pass:"
        for change in changes:
            yield f"  {change}" + (f": {change.command}" if change.command else "")
    elif answer.reply is None:
        yield "There is no reply to this kind of packet."
    elif answer.reply.verdict is Verdict.ALLOW:
        ways = [f"{_in_a_word(gate)} at {interface_text(gate.interface)}" for gate in answer.reply.gates]
        yield f"Its reply: {_verdict(Verdict.ALLOW, paint)}, {' and '.join(ways)}."
    else:
        yield f"Its reply: {_verdict(Verdict.DROP, paint)}, {_packet_text(answer.reply.packet)}"
        for gate in answer.reply.gates:
            yield from _gate_lines(gate, topology, paint)
