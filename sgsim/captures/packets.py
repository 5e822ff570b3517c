"""scapy packets -> the same batches, through the same decoder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from sgsim.captures.batch import Batch, Link
from sgsim.captures.buffers import allocate, trimmed
from sgsim.kernels.decode import decode

# The bottom layer's class name -> link type (tcpdump.org/linktypes). By name: scapy need not be imported to look.
_LINK_TYPES = {
    "Ether": 1,
    "Dot3": 1,
    "IP": 101,
    "IPv6": 101,
    "Raw": 101,
    "CookedLinux": 113,
    "CookedLinuxV2": 276,
    "Loopback": 0,
}
_PER_SECOND = 1_000_000_000


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

    def batches(self, packets: int = 8192) -> Iterator[Batch]:
        """As ``Capture.batches``. Raises TypeError for what is no scapy packet of a known bottom layer."""
        link_types = np.array([link.link_type for link in self.links], dtype=np.uint16)
        stream, first = iter(self._packets), 1
        while chunk := list(islice(stream, packets)):
            columns = allocate(len(chunk))
            frames = [bytes(packet) for packet in chunk if _link_type(packet) is not None]
            offset = 0
            for row, (packet, frame) in enumerate(zip(chunk, frames, strict=True)):
                columns.time_ns[row] = _nanoseconds(packet)
                columns.offset[row], columns.captured[row] = offset, len(frame)
                columns.length[row] = getattr(packet, "wirelen", None) or len(frame)
                columns.link[row] = self._links[_link_type(packet)]
                offset += len(frame)
            window = np.frombuffer(b"".join(frames) or b"\0", dtype=np.uint8)
            quotes = decode(window, link_types, columns, len(chunk))
            yield Batch(trimmed(columns, len(chunk), quotes), window, first)
            first += len(chunk)
            self.position += offset


def from_packets(packets: Iterable[Any]) -> Iterator[Batch]:
    """Batches of scapy packets: Ether, IP, IPv6, CookedLinux, CookedLinuxV2 or Loopback at the bottom.

    Times are ``packet.time``, exactly. Raises TypeError for what is no such packet.
    """
    return PacketCapture(packets).batches()


def _link_type(packet: Any) -> int:
    name = type(packet).__name__
    if name not in _LINK_TYPES or not hasattr(packet, "time"):
        known = ", ".join(_LINK_TYPES)
        raise TypeError(f"{name} is no scapy packet that can be judged: its bottom layer must be one of {known}")
    return _LINK_TYPES[name]


def _nanoseconds(packet: Any) -> int:
    """scapy's time is a float of seconds, or an exact decimal in packets that were read from a file."""
    return int(packet.time * _PER_SECOND) if not isinstance(packet.time, float) else round(packet.time * _PER_SECOND)
