"""scapy packets -> the same batches, through the same decoder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sgsim.captures.batch import Batch, Link


class PacketCapture:
    """scapy packets as a capture: the same attributes and batches as a Capture's, so it can be merged and judged."""

    name: str
    links: list[Link]
    warnings: list[str]
    size: int | None
    position: int

    def __init__(self, packets: Iterable[Any], name: str = "packets") -> None:
        raise NotImplementedError

    def batches(self, packets: int = 8192) -> Iterator[Batch]:
        raise NotImplementedError


def from_packets(packets: Iterable[Any]) -> Iterator[Batch]:
    """Batches of scapy packets: Ether, IP, IPv6, CookedLinux, CookedLinuxV2 or Loopback at the bottom.

    Times are ``packet.time``, exactly. Raises TypeError for what is no such packet.
    """
    return PacketCapture(packets).batches()
