"""A change: one call to the EC2 API, with its time, and what is known of who made it and what AWS answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sgsim.sources.places import Place


@dataclass(frozen=True, slots=True, repr=False)
class Fraction:
    """A number of JSON's that is not whole, as it was written: a float would not hold a time to the nanosecond."""

    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class ChangeTime:
    """Nanoseconds since the epoch, or (``relative``) since the first packet of the replay. Exact, in 64 bits."""

    ns: int
    relative: bool = False

    def since_epoch(self, first_packet_ns: int) -> int:
        """Nanoseconds since the epoch, in a replay whose first packet has that time."""
        return first_packet_ns + self.ns if self.relative else self.ns


@dataclass(frozen=True, slots=True)
class ApiChange:
    """``params`` and ``answer`` have boto3's shape. ``answer`` holds the ids that AWS gave to what the call made, as
    far as they are known. ``recorded``: an event of CloudTrail's, so AWS did it; else someone wrote it by hand."""

    at: ChangeTime
    call: str
    params: dict[str, Any]
    place: Place
    answer: dict[str, Any] | None = None
    account: str | None = None
    region: str | None = None
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class PassedOver:
    """How many events of CloudTrail's change nothing that is judged, and why; ``unmodelled`` counts EC2's by name."""

    failed: int = 0
    read_only: int = 0
    repeated: int = 0
    other_services: int = 0
    unmodelled: Mapping[str, int] = field(default_factory=dict)

    def text(self, elsewhere: int = 0) -> str:
        """One line, or "" where there were none; ``elsewhere``: how many were about what the snapshot does not hold."""
        parts = [
            f"{number:,} {words}"
            for number, words in (
                (self.failed, "failed"),
                (self.read_only, "only read"),
                (self.repeated, "there twice"),
                (self.other_services, "of other services"),
                (elsewhere, "about what the snapshot does not hold"),
            )
            if number
        ]
        if self.unmodelled:
            most = sorted(self.unmodelled.items(), key=lambda item: (-item[1], item[0]))
            names = ", ".join(f"{name} {number:,}" for name, number in most[:5]) + ", ..." * (len(most) > 5)
            parts.append(f"{sum(self.unmodelled.values()):,} that change nothing of what is judged ({names})")
        return f"events of CloudTrail's passed over: {', '.join(parts)}" if parts else ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What files of changes say, in the order of the files and of each file; ``warnings``: what was doubtful."""

    changes: tuple[ApiChange, ...] = ()
    passed_over: PassedOver = PassedOver()
    warnings: tuple[str, ...] = ()
