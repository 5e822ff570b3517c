"""Observations as lines for people, in the way of tcpdump (``--print``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from sgsim.captures import MergedBatch
from sgsim.engine import Engine
from sgsim.kernels.addresses import LONGEST_TEXT, MAPPED_DOTTED
from sgsim.kernels.linetext import NUMBERS, STEPS, TIME_SIZE, LineWording, write_print_lines
from sgsim.layout import REASONS, Verdicts
from sgsim.model import ICMP, ICMPV6, PROTOCOL_NAMES, TCP, UDP, Reason, Rule, Verdict
from sgsim.reports.records import Sink, chosen, empty_steps, laid
from sgsim.reports.wording import protocol_text

_LINES = 2048  # put together at a time
_FLAGS = "FSRP.UEW"  # from the lowest bit, as tcpdump writes them
_REASON_WIDTH = len(Reason.NOT_REACHED)  # later fragments stand out

# Messages by their types (IANA, "ICMP Type Numbers", "ICMPv6 type Numbers").
_ICMP_WORDS = {
    0: "echo reply", 3: "unreachable", 4: "source quench", 5: "redirect", 8: "echo request", 9: "router advertisement",
    10: "router solicitation", 11: "time exceeded", 12: "parameter problem", 13: "timestamp request",
    14: "timestamp reply",
}  # fmt: skip
_ICMPV6_WORDS = {
    1: "unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem", 128: "echo request",
    129: "echo reply", 133: "router solicitation", 134: "router advertisement", 135: "neighbor solicitation",
    136: "neighbor advertisement", 137: "redirect",
}  # fmt: skip


class PrintedLines:
    """Writes a line for each observation, of both verdicts or of one. Raises what the file's ``write`` raises.

    ``2026-05-04 12:00:00.000000 DROP  no_rule     eni-1 ingress IP 192.0.2.1.4321 > 10.0.0.1.22: Flags [S], length 54``
    """

    def __init__(self, file: Sink, engine: Engine, only: Verdict | None = None) -> None:
        self._file, self._engine, self._only = file, engine, only
        self._known = -1, -1

    def _learn(self) -> None:
        """Make the text of all interfaces and rules."""
        self._known = len(self._engine.interfaces), len(self._engine.rules)
        ways = [f" {reason.verdict.upper():<5} {reason:<{_REASON_WIDTH}} " for _ in range(2) for reason in REASONS]
        enis = [_line(each.interface_id) for each in self._engine.interfaces[: self._known[0]]]
        rules = list(_rules(self._engine.rules[: self._known[1]]))
        joints = ["", " ingress IP ", " ingress IP6 ", " egress IP ", " egress IP6 ", ".", " > ", ".", " code "]
        joints += [", length ", ""]
        parts = [enis, ways, rules, list(_kinds()), joints]
        text, offsets, (eni, way, rule, kind, joint) = laid(parts)
        self._form = LineWording(text, offsets, eni, way, rule, kind, joint, MAPPED_DOTTED), empty_steps(STEPS)
        words = sum(max((len(each.encode()) for each in part), default=0) for part in parts[:-1])
        longest = TIME_SIZE + words + sum(map(len, joints)) + NUMBERS + 2 * LONGEST_TEXT
        self._out = np.zeros(_LINES * longest, dtype=np.uint8)

    def write(self, batch: MergedBatch, verdicts: Verdicts) -> int:
        """Write a batch's observations; returns how many."""
        if self._known != (len(self._engine.interfaces), len(self._engine.rules)):
            self._learn()
        places = chosen(verdicts, self._only)
        for begin in range(0, len(places), _LINES):
            part = places[begin : begin + _LINES]
            size = write_print_lines(batch.columns, verdicts.rows, part, self._form, self._out)
            self._file.write(self._out[:size].tobytes())
        return len(places)


def rule_words(rules: Iterable[Rule]) -> Iterator[str]:
    """By place + 1, what is said of a rule behind everything else; the first is for none."""
    yield ""
    for rule in rules:
        group = "" if rule.rule_id.startswith(rule.group_id) else f" ({rule.group_id})"
        yield f", rule {rule.rule_id}{group}"


def _rules(rules: Sequence[Rule]) -> Iterator[str]:
    return (_line(text) + "\n" for text in rule_words(rules))


def _kinds() -> Iterator[str]:
    """By the places of kernels.linetext."""
    for bits in range(256):
        yield f": Flags [{''.join(flag for n, flag in enumerate(_FLAGS) if bits >> n & 1) or 'none'}]"
    yield from (f": {_protocol(number)}" for number in range(256))
    yield from (f": {_protocol(number)} fragment" for number in range(256))
    yield from (f": ICMP {_ICMP_WORDS.get(number, f'type {number}')}" for number in range(256))
    yield from (f": ICMP6 {_ICMPV6_WORDS.get(number, f'type {number}')}" for number in range(256))


def _protocol(number: int) -> str:
    return PROTOCOL_NAMES[number].upper() if number in (TCP, UDP, ICMP, ICMPV6) else protocol_text(number)


def _line(name: str) -> str:
    """A name that neither breaks a line nor moves a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)
