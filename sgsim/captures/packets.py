"""scapy packets -> the same batches, through the same decoder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from math import floor
from typing import Any

import numpy as np

from sgsim.captures.batch import BATCH, Batch, Link
from sgsim.captures.buffers import allocate, trimmed
from sgsim.kernels.decode import decode

# The bottom layer's class -> link type (tcpdump.org/linktypes). By name: scapy need not be imported to look.
_LINK_TYPES = {
    "Ether": 1,
    "Dot3": 1,
    "IP": 101,
    "IPv6": 101,
    "CookedLinux": 113,
    "CookedLinuxV2": 276,
    "Loopback": 0,
}
_PER_SECOND = 1_000_000_000
_BOUND = 2**62  # ns, as in files


class PacketCapture:
    """scapy packets as a capture: the same attributes and batches as a Capture's, so it can be merged and judged."""

    def __init__(self, packets: Iterable[Any], name: str = "packets") -> None:
        self._packets = packets
        self.name = name
        self.links: list[Link] = [Link(kind, resolution=9) for kind in sorted(set(_LINK_TYPES.values()))]
        self._links = {link.link_type: place for place, link in enumerate(self.links)}
        self.warnings: list[str] = []
        self.size: int | None = None
        self.position = 0

    def batches(self, packets: int = BATCH, ahead: int = 1) -> Iterator[Batch]:
        """As ``Capture.batches``. Raises TypeError for what is no scapy packet of a known bottom layer."""
        link_types = np.array([link.link_type for link in self.links], dtype=np.uint16)
        stream, first = iter(self._packets), 1
        while chunk := list(islice(stream, packets)):
            columns = allocate(len(chunk))
            columns.link[:] = [self._links[_link_type(packet)] for packet in chunk]
            columns.time_ns[:] = [_nanoseconds(packet.time) for packet in chunk]
            frames = [bytes(packet) for packet in chunk]
            captured = np.array([len(frame) for frame in frames], dtype=np.int64)
            columns.captured[:] = captured
            columns.length[:] = [packet.wirelen or len(frame) for packet, frame in zip(chunk, frames, strict=True)]
            columns.offset[:] = np.cumsum(captured) - captured
            window = np.frombuffer(b"".join(frames) or b"\0", dtype=np.uint8)
            self.position += len(window)
            quotes = decode(window, link_types, columns, len(chunk))
            yield Batch(trimmed(columns, len(chunk), quotes), window, first, len(self.links))
            first += len(chunk)


def from_packets(packets: Iterable[Any]) -> Iterator[Batch]:
    """Batches of scapy packets: Ether, IP, IPv6, CookedLinux, CookedLinuxV2 or Loopback at the bottom.

    Times are ``packet.time``, exactly. Raises TypeError for what is no such packet.
    """
    return PacketCapture(packets).batches()


def _link_type(packet: Any) -> int:
    for kind in type(packet).__mro__:
        if kind.__name__ in _LINK_TYPES and hasattr(packet, "wirelen"):
            return _LINK_TYPES[kind.__name__]
    known = ", ".join(_LINK_TYPES)
    raise TypeError(f"{type(packet).__name__} is no scapy packet that can be judged: its bottom layer must be {known}")


def _nanoseconds(time: Any) -> int:
    """scapy's time is a float of seconds, or an exact decimal in packets that were read from a file."""
    held = max(-_BOUND, min(_BOUND, time * _PER_SECOND))
    return round(held) if isinstance(held, float) else floor(held)
