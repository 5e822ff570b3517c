"""One exchange, judged by both sides: the kernel's gates let it through or not, sgsim says what it would have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sgsim.captures.packets import from_packets
from sgsim.engine import ReferenceEngine, Simulator
from sgsim.layout import FIRST_DROP, SKIPS
from sgsim.model import Settings, Topology

from .frames import Step
from .network import Network
from .rules import Group, ruleset, topology

OPEN_LOOP = Settings(open_loop=True)


@dataclass(frozen=True)
class Outcome:
    """One sign for each frame, in turn: + passed, - did not. sgsim's fast and plain engines are asked both."""

    kernel: str
    sgsim: str
    reference: str
    packets: Sequence[Any]

    def agreed(self) -> str:
        """What all of them say; fails with the frames that they do not agree about."""
        if not self.kernel == self.sgsim == self.reference:
            raise AssertionError(self.report())
        return self.kernel

    def sides(self) -> tuple[str, str]:
        """What the kernel says, and what both of sgsim's engines say."""
        if self.sgsim != self.reference:
            raise AssertionError(self.report())
        return self.kernel, self.sgsim

    def report(self) -> str:
        """The three answers, and a line for each frame that they differ about."""
        answers = zip(self.kernel, self.sgsim, self.reference, self.packets, strict=True)
        lines = [
            f"frame {place}: kernel {kernel} sgsim {fast} reference {plain}: {packet.payload.summary()}"
            for place, (kernel, fast, plain, packet) in enumerate(answers)
            if not kernel == fast == plain
        ]
        return "\n".join([f"kernel {self.kernel}", f"sgsim  {self.sgsim}", f"plain  {self.reference}", *lines])


def run(
    network: Network,
    steps: Sequence[Step],
    server: Group,
    client: Group | None = None,
    *,
    sysctls: Mapping[str, int] | None = None,
    settings: Settings = OPEN_LOOP,
    first: str = "",
) -> Outcome:
    """Send the steps through the network's gates, one for each group given, and through sgsim in open loop.

    ``first`` is an nftables rule that goes before all others.
    """
    load(network, server, client, sysctls=sysctls, first=first)
    return outcome(network.exchange(steps), server, client, settings)


@dataclass(frozen=True)
class Act:
    """Steps while the server's interface has these rules. ``untracked``: see ``ruleset``; sgsim knows by itself."""

    server: Group
    steps: Sequence[Step]
    untracked: Sequence[tuple[str, int]] = ()


def play(network: Network, acts: Sequence[Act], first: str = "") -> Outcome:
    """Send the steps of one act after the other through the server's gate and through sgsim in open loop, the rules
    being changed in between. ``first`` goes before all rules.

    An exchange ends when its last frame has come through, so a change is never overtaken.
    """
    network.load([ruleset(acts[0].server, first=first, untracked=acts[0].untracked)])
    parts = [(topology(acts[0].server), network.exchange(acts[0].steps))]
    for act in acts[1:]:
        network.change([ruleset(act.server, first=first, untracked=act.untracked)])
        parts.append((topology(act.server), network.exchange(act.steps)))
    return _outcome(parts, OPEN_LOOP)


def load(
    network: Network,
    server: Group,
    client: Group | None = None,
    *,
    sysctls: Mapping[str, int] | None = None,
    first: str = "",
) -> None:
    """Make the network's gates admit what the groups do, and know of no connection."""
    rulesets = [ruleset(server, first=first)]
    if client is not None:
        rulesets.insert(0, ruleset(client, guards_client=True, first=first))
    network.load(rulesets, sysctls)


def outcome(
    results: Sequence[tuple[Any, bool]], server: Group, client: Group | None = None, settings: Settings = OPEN_LOOP
) -> Outcome:
    """What the gates did with frames, beside what sgsim's engines say about the same frames."""
    return _outcome([(topology(server, client), results)], settings)


def _outcome(parts: Sequence[tuple[Topology, Sequence[tuple[Any, bool]]]], settings: Settings) -> Outcome:
    """The same, with what holds for each part of the frames."""
    results = [result for _, found in parts for result in found]
    sides = ["".join("+" if arrived else "-" for _, arrived in results)]
    for make in (Simulator, ReferenceEngine):
        engine = make(parts[0][0], settings)
        passed = ""
        for place, (world, found) in enumerate(parts):
            if place:
                engine.change(world)
            passed += _judged(engine, [packet for packet, _ in found], world)
        sides.append(passed)
    return Outcome(*sides, [packet for packet, _ in results])


def _judged(engine: Simulator | ReferenceEngine, packets: Sequence[Any], world: Topology) -> str:
    """A frame passes if all its gates allow it; one that no gate sees is none that a test should send."""
    passed: list[bool] = []
    for batch in from_packets(packets):
        verdicts = engine.judge_columns(batch.columns)
        if batch.columns.skip.any():
            codes = [SKIPS[code - 1] for code in batch.columns.skip if code]
            raise AssertionError(f"frames that no gate of {list(world.interfaces)} judges: {codes}")
        of_batch = [True] * len(batch.columns.skip)
        for row, reason in zip(verdicts.packet, verdicts.reason, strict=True):
            of_batch[row] &= bool(reason < FIRST_DROP)
        passed += of_batch
    return "".join("+" if each else "-" for each in passed)
