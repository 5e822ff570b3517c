"""What an interface remembers: entries, dead marks, and what became of first fragments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sgsim.model import Address, Decision, Direction, Rule

OPENING, ESTABLISHED, CLOSING, RESET = range(4)  # TCP; a flow only ever moves up


@dataclass(slots=True)
class Entry:
    """One tracked flow at one interface. ``expires_ns`` is its last packet's time plus its idle timeout."""

    initiator_is_local: bool
    rule: Rule
    expires_ns: int = 0
    state: int = OPENING
    replied: bool = False
    stream: bool = False


@dataclass(slots=True)
class DeadMark:
    """Section 10: a flow whose opening packet did not get through."""

    sender_is_local: bool
    expires_ns: int = 0
    state: int = OPENING
    packets: int = 0


class Datagram(NamedTuple):
    """What the fragments of a packet have in common at a gate; ``protocol`` is None for IPv6 (section 9)."""

    interface_id: str
    direction: Direction
    src: Address
    dst: Address
    protocol: int | None
    fragment_id: int

    def ends(self) -> tuple[str, Address, Address]:
        """The interface, its own address and the remote one."""
        out = self.direction is Direction.EGRESS
        return (self.interface_id, self.src, self.dst) if out else (self.interface_id, self.dst, self.src)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a first fragment, for those that follow it."""

    time_ns: int
    decision: Decision
