"""A case of a check file, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from sgsim.model import Packet, Settings, Topology
from sgsim.query import Answer, End
from sgsim.sources.changes import ApiChange
from sgsim.sources.places import Place, Snapshot


@dataclass(frozen=True, slots=True)
class Expected:
    """What a packet is expected to meet. ``verdict`` is "allow" (at all its gates) or "drop" (at one of them).

    ``reason`` and ``interface`` are those of the gate that drops it; of an allowed packet, they and ``rule`` are those
    of any one gate.
    """

    verdict: str
    reason: str | None = None
    rule: str | None = None
    interface: str | None = None

    def __str__(self) -> str:
        more = [
            f"{name} {value}"
            for name, value in (("reason", self.reason), ("rule", self.rule), ("at", self.interface))
            if value is not None
        ]
        return ", ".join([self.verdict, *more])


@dataclass(frozen=True, slots=True)
class Step:
    """One packet at its time; ``expected`` is None where nothing is said of it."""

    place: Place
    packet: Packet
    sender: End
    receiver: End
    expected: Expected | None


@dataclass(frozen=True, slots=True)
class Case:
    """Times, also those of changes, are nanoseconds from the beginning of the case."""

    name: str
    place: Place
    snapshot: Snapshot
    settings: Settings
    steps: tuple[Step, ...]
    changes: tuple[ApiChange, ...] = ()

    @property
    def topology(self) -> Topology:
        """What holds at its beginning."""
        return self.snapshot.topology


@dataclass(frozen=True, slots=True)
class Failure:
    """A packet that met something else; ``answer`` explains its gates, ``topology`` held at the time."""

    step: Step
    found: str
    answer: Answer
    topology: Topology


@dataclass(frozen=True, slots=True)
class Outcome:
    """``failures`` is empty where all packets met what was expected; ``seconds`` is how long judging took."""

    case: Case
    failures: tuple[Failure, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        return not self.failures
