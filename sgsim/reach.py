"""Do all of these reach all of those? Exact answers about groups, tags, CIDRs: all, some or none, and which parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from sgsim.errors import SelectionError
from sgsim.model import Settings, Topology, Verdict
from sgsim.query import Answer, Details, answered, first_packet
from sgsim.reference import RuleBook
from sgsim.sides import MOST_PARTS, Part, Side, find_sides

MOST_PAIRS = MOST_PARTS

_LOCAL = "an interface to itself: such a packet never leaves its host"
Signature = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Pairs that meet the same: each of ``sources`` with each of ``destinations``; ``answer`` is about one of them."""

    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    answer: Answer

    def as_json(self) -> dict[str, Any]:
        return {"from": list(self.sources), "to": list(self.destinations)} | self.answer.as_json()


@dataclass(frozen=True, slots=True)
class Reach:
    """``answer`` is "all", "some" or "none" of the pairs that a gate guards. Of ``unguarded`` ones no interface of the
    snapshot sees the packets; ``left_out`` says why others cannot be judged, such as having no family in common."""

    source: Side
    destination: Side
    blocks: tuple[Block, ...]
    unguarded: int
    left_out: tuple[str, ...] = ()

    @property
    def answer(self) -> str:
        verdicts = {block.answer.verdict for block in self.blocks}
        return "some" if len(verdicts) > 1 else "all" if Verdict.ALLOW in verdicts else "none"

    def as_json(self) -> dict[str, Any]:
        return {
            "answer": self.answer,
            "verdict": str(Verdict.ALLOW if self.answer == "all" else Verdict.DROP),
            "unguarded": self.unguarded > 0,
            "left_out": list(self.left_out),
            "parts": [block.as_json() for block in self.blocks],
        }


def reach(
    topology: Topology,
    source: str,
    destination: str,
    protocol: str | int,
    port: int | None = None,
    *,
    vpc_id: str | None = None,
    settings: Settings | None = None,
    **details: Unpack[Details],
) -> Reach:
    """Judge the first packet from each part of ``source`` to each part of ``destination``; the other arguments are
    those of ``sgsim.query.query``.

    Raises SelectionError as that does; for more than 20,000 pairs; where no interface would see any of the packets.
    """
    one, other = find_sides(topology, source, destination, vpc_id, settings.auto_tracked if settings else ())
    if {each.kind for each in (one, other)} == {"cidr"} and one.version != other.version:
        raise SelectionError(f"{source} and {destination} have no address family in common")
    if len(one.parts) * len(other.parts) > MOST_PAIRS:
        problem = f"{len(one.parts):,} parts to {len(other.parts):,}"
        raise SelectionError(f"{source} to {destination}: {problem} is more than can be judged: ask about less")
    answers: dict[tuple[int, int], Answer] = {}
    rulebook = RuleBook(topology, settings or Settings())
    unguarded, local = 0, False
    left_out: dict[str, None] = {}
    for m, sender in enumerate(one.parts):
        for n, receiver in enumerate(other.parts):
            if sender.end.interface is None and receiver.end.interface is None:
                unguarded += 1
            elif sender.end.interface is receiver.end.interface:
                local = True
            else:
                try:
                    packet = first_packet(sender.end, receiver.end, protocol, port, **details)
                    answers[m, n] = answered(topology, sender.end, receiver.end, packet, settings, rulebook)
                except SelectionError as error:
                    left_out.setdefault(str(error))
    if not answers:
        raise SelectionError(
            next(iter(left_out), None)
            or (f"{source} to {destination}: there is nothing but {_LOCAL}" if local else None)
            or (
                f"neither {source} nor {destination} is known to the snapshot: nothing is guarded there; "
                "name an interface, or one of its private addresses"
            )
        )
    if local:
        left_out.setdefault(_LOCAL)
    return Reach(one, other, tuple(_blocks(one, other, answers)), unguarded, tuple(left_out))


def _signature(answer: Answer) -> Signature:
    """What makes two answers the same: all but whose they are."""
    gates = tuple(
        (gate.direction, gate.reason, tuple(rule.rule_id for rule in gate.rules), gate.tracked) for gate in answer.gates
    )
    reply = tuple((gate.direction, gate.reason) for gate in answer.reply.gates) if answer.reply else None
    return answer.verdict, gates, reply


def _blocks(one: Side, other: Side, answers: Mapping[tuple[int, int], Answer]) -> Iterable[Block]:
    """Pairs of equal answers put together: sources that reach the same destinations are one block."""
    example: dict[Signature, Answer] = {}
    reached: dict[Signature, dict[int, list[int]]] = {}
    for (m, n), answer in answers.items():
        signature = _signature(answer)
        example.setdefault(signature, answer)
        reached.setdefault(signature, {}).setdefault(m, []).append(n)
    blocks = []
    for signature, of_source in reached.items():
        alike: dict[tuple[int, ...], list[int]] = {}
        for m, numbers in of_source.items():
            alike.setdefault(tuple(numbers), []).append(m)
        for reaching, sources in alike.items():
            blocks.append(Block(_names(one, sources), _names(other, reaching), example[signature]))
    return sorted(blocks, key=lambda block: block.answer.verdict is Verdict.DROP)


def _names(side: Side, numbers: Iterable[int]) -> tuple[str, ...]:
    """What to call these parts; neighbours of a CIDR that are alike are one."""
    joined: list[Part] = []
    for part in (side.parts[number] for number in numbers):
        before = joined[-1] if joined else None
        if before and before.last is not None and part.first is not None and int(before.last) + 1 == int(part.first):
            joined[-1] = Part(before.end, before.first, part.last)
        else:
            joined.append(part)
    return tuple(name for part in joined for name in part.names())
