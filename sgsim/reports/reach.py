"""The answer to a question about groups, tags or CIDRs in plain text: all, some or none, and which parts differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from sgsim.gates import Gate
from sgsim.model import Direction, Network, Packet, Reason, Topology, Verdict
from sgsim.reach import Block, Reach
from sgsim.remedy import remedy
from sgsim.reports.answer import COLOURS, Paint, plain
from sgsim.reports.wording import REASON_WORDS, protocol_text, rule_text

MOST_REASONS = 6
MOST_NAMES = 12  # of a part that are spelt out
_COLOURS = {"all": COLOURS[Verdict.ALLOW], "some": "yellow", "none": COLOURS[Verdict.DROP]}


def reach_text(found: Reach, topology: Topology, paint: Paint = plain) -> str:
    """Some lines without a final newline; ``paint`` colours the verdicts."""
    return "\n".join(_lines(found, topology, paint))


def _lines(found: Reach, topology: Topology, paint: Paint) -> Iterator[str]:
    what = _service(found.blocks[0].answer.packet)
    answer = paint(found.answer.upper(), _COLOURS[found.answer])
    yield f"{answer}  {found.source.who} -> {found.destination.who}, {what}"
    for block in found.blocks:
        yield ""
        yield from _block(block, found, topology, paint)
    if found.unguarded or found.left_out:
        yield ""
    if found.unguarded:
        yield "Note: what is between addresses that are both not in the snapshot is left out: no gate is there."
    for reason in found.left_out[:MOST_REASONS]:
        yield f"Note: left out: {reason}."
    if len(found.left_out) > MOST_REASONS:
        yield f"Note: left out for like reasons: {len(found.left_out) - MOST_REASONS} more."


def _service(packet: Packet) -> str:
    name = protocol_text(packet.protocol)
    if packet.icmp_type is not None:
        return f"{name} type {packet.icmp_type} code {packet.icmp_code}"
    return name if packet.dst_port is None else f"{name} {packet.dst_port}"


def _block(block: Block, found: Reach, topology: Topology, paint: Paint) -> Iterator[str]:
    verdict = block.answer.verdict
    sources, destinations = _names(block.sources), _names(block.destinations)
    yield f"  {paint(verdict.upper(), COLOURS[verdict])}  from {sources}"
    yield f"{'':{len(verdict) + 4}}to {destinations}"
    for gate in block.answer.gates:
        alone = len(block.sources if gate.direction is Direction.EGRESS else block.destinations) == 1
        yield f"    {_gate(gate, topology, alone)}"
    reply = block.answer.reply
    if reply is not None and reply.verdict is Verdict.DROP:
        yield "    its reply is dropped"
    if len(block.sources) == len(block.destinations) == 1 and verdict is Verdict.DROP:
        for gate in block.answer.gates:
            change = remedy(gate, block.answer.packet)
            if change and found.source.kind != "cidr" and found.destination.kind != "cidr":
                yield f"    what would let it pass: {change}"


def _gate(gate: Gate, topology: Topology, alone: bool) -> str:
    """``alone``: the gate is the only one that is spoken of, so that its nearest rule means something."""
    way = "leaving" if gate.direction is Direction.EGRESS else "arriving"
    if gate.reason is Reason.RULE:
        rules = "; ".join(f"{rule.rule_id}: {rule_text(rule, topology)}" for rule in gate.rules)
        return f"{way}: {rules}"
    words = REASON_WORDS[gate.reason]
    if alone and gate.nearest and gate.reason is not Reason.NOT_REACHED:
        miss = gate.nearest[0]
        failing = " and ".join(miss.failed_on)
        words += f" (nearest: {miss.rule.rule_id}, {rule_text(miss.rule, topology)}, fails on {failing})"
    return f"{way}: {words}"


def _names(names: Sequence[str]) -> str:
    """Neighbouring CIDRs as one range: what is left of a large one otherwise takes dozens."""
    texts = []
    run: list[Network] = []
    for name in (*names, None):
        network = _network(name)
        if run and (network is None or int(run[-1].broadcast_address) + 1 != int(network.network_address)):
            first, last = run[0].network_address, run[-1].broadcast_address
            texts.append(str(first) if first == last else str(run[0]) if len(run) == 1 else f"{first}-{last}")
            run = []
        if network is not None:
            run.append(network)
        elif name is not None:
            texts.append(name)
    shown = ", ".join(texts[:MOST_NAMES])
    return shown + (f" and {len(texts) - MOST_NAMES} more" if len(texts) > MOST_NAMES else "")


def _network(name: str | None) -> Network | None:
    try:
        return ip_network(name or "")
    except ValueError:
        return None
