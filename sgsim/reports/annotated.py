"""Packets with what was decided of them in a comment that Wireshark shows (``-o FILE.pcapng``)."""

from __future__ import annotations

import numpy as np

from sgsim.captures import MergedBatch, PacketWriter
from sgsim.engine import Engine
from sgsim.kernels.comments import OPTION_HEADER, CommentWording, lay_comments
from sgsim.kernels.records import Options
from sgsim.layout import EGRESS, INGRESS, REASONS, Verdicts
from sgsim.model import Direction, Verdict
from sgsim.reports.printed import rule_words
from sgsim.reports.records import chosen, laid

_MOST_BYTES = 10_000  # of a word: a comment holds 65,535 at most
_DIRECTIONS = {INGRESS: Direction.INGRESS, EGRESS: Direction.EGRESS}


class AnnotatedPackets:
    """Writes the packets that make observations, or observations of one verdict, each once, with a comment for each:

    ``DROP no_rule ingress eni-1``, ``ALLOW tracked egress eni-1, rule sgr-1 (sg-1)``.

    ``writer`` writes pcapng. Raises what it raises.
    """

    def __init__(self, writer: PacketWriter, engine: Engine, only: Verdict | None = None) -> None:
        self._writer, self._engine, self._only = writer, engine, only
        self._known = -1, -1

    def _learn(self) -> None:
        """Make the text of all interfaces and rules."""
        self._known = len(self._engine.interfaces), len(self._engine.rules)
        parts = [
            [f"{r.verdict.upper()} {r} {_DIRECTIONS[code]} " for code in sorted(_DIRECTIONS) for r in REASONS],
            [_utf8(each.interface_id) for each in self._engine.interfaces[: self._known[0]]],
            [_utf8(text) for text in rule_words(self._engine.rules[: self._known[1]])],
        ]
        text, offsets, (ways, enis, rules) = laid(parts)
        self._wording = CommentWording(text, offsets, ways, enis, rules)
        longest = sum(max((len(word.encode()) for word in part), default=0) for part in parts)
        self._comment = OPTION_HEADER + longest + 3

    def write(self, batch: MergedBatch, verdicts: Verdicts) -> int:
        """Write a batch's packets; returns how many."""
        if self._known != (len(self._engine.interfaces), len(self._engine.rules)):
            self._learn()  # at first, and where a change of the topology brought some
        places = chosen(verdicts, self._only)
        begins = np.zeros(len(batch.number) + 1, dtype=np.int64)
        out = np.empty(len(places) * (self._comment + OPTION_HEADER), dtype=np.uint8)
        lay_comments(verdicts.rows, places, self._wording, begins, out)
        return self._writer.write(batch, np.diff(begins) > 0, Options(out, begins))


def _utf8(text: str) -> str:
    """Text that a comment can hold: pcapng's is UTF-8."""
    return text.encode("utf-8", "backslashreplace")[:_MOST_BYTES].decode("utf-8", "ignore")
