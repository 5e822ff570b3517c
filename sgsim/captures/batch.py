"""What a capture is handed on as: its links, and batches of packets in columns beside the bytes they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.layout import PacketColumns

# Packets handed on at a time, at most: what a call of a kernel costs (some 10 us) is then below a nanosecond of each.
BATCH = 1 << 15


@dataclass(frozen=True, slots=True)
class Link:
    """One network that a capture's packets came through: a pcap file has one, a pcapng file one for each interface.

    ``snaplen`` is the most bytes kept of a packet (0: no limit); ``resolution`` the decimal digits of a second that
    the file's times can hold, 9 at most (a binary resolution is rounded up); ``section`` and ``interface`` number the
    pcapng section and the interface within it, both from 0.
    """

    link_type: int
    snaplen: int = 0
    resolution: int = 6
    section: int = 0
    interface: int = 0


class Batch(NamedTuple):
    """n packets of one capture, in the file's order.

    ``columns`` hold arrays of length n, ``window`` the bytes that ``columns.offset`` points into, and ``first`` is
    the number of the first packet in its capture, from 1 (as Wireshark counts frames; skipped packets count too).
    ``known`` is how many links the file had described before these packets: by now it may be more.
    ``lengths`` (uint32, length n) is given where some of ``columns.length`` are of frames inside: the frames' own.
    The arrays belong to the reader: they hold until the next batch is asked for, or as many as ``ahead`` says. Copy
    what is to be kept.
    """

    columns: PacketColumns
    window: NDArray[np.uint8]
    first: int
    known: int
    lengths: NDArray[np.uint32] | None = None


class MergedBatch(NamedTuple):
    """n packets of one or several captures, in the order of the merged stream; they hold until the next batch.

    ``capture`` (int32, length n) is the place of each packet's capture in the list that was merged, ``number`` (int64)
    its number in that capture, from 1. Its frame is
    ``windows[capture[i]][columns.offset[i] : columns.offset[i] + columns.captured[i]]``,
    its link ``captures[capture[i]].links[columns.link[i]]``. ``known``, one for each capture, and ``lengths`` are as in
    Batch.
    """

    columns: PacketColumns
    windows: tuple[NDArray[np.uint8], ...]
    capture: NDArray[np.int32]
    number: NDArray[np.int64]
    known: tuple[int, ...]
    lengths: NDArray[np.uint32] | None = None

    def part(self, begin: int, end: int) -> MergedBatch:
        """The packets from one place to another, not copied; the batch itself where these are all."""
        return self if end - begin == len(self.number) else self.picked(slice(begin, end))

    def picked(self, rows: slice | NDArray[np.bool_]) -> MergedBatch:
        """The packets at these places; a mask copies them."""
        columns = self.columns
        return self._replace(
            columns=columns._replace(heads=columns.heads[rows], bodies=columns.bodies[rows]),
            capture=self.capture[rows],
            number=self.number[rows],
            lengths=None if self.lengths is None else self.lengths[rows],
        )
