"""Packets of batches back into a pcap or pcapng file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from sgsim.captures.batch import Link, MergedBatch


class HasLinks(Protocol):
    """What packets are written from: a Capture, a PacketCapture."""

    links: list[Link]


class PacketWriter:
    """Writes chosen packets with their bytes, original length and time, at the resolution of their source.

    ``name`` decides the format: ``.pcap`` (one link type) or ``.pcapng``; ``file`` is an opened binary file that the
    caller closes. Raises OutputError: another ending, a second link type in a ``.pcap``, a file that refuses bytes.
    """

    def __init__(self, name: str, file: BinaryIO, captures: Sequence[HasLinks]) -> None:
        raise NotImplementedError

    def write(self, batch: MergedBatch, chosen: NDArray[np.bool_]) -> int:
        """Write the packets of ``batch`` where ``chosen`` (length n) is true; returns how many."""
        raise NotImplementedError

    def finish(self) -> None:
        """Write the file header if no packet was written; call it once, before the file is closed."""
        raise NotImplementedError
