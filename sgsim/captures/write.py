"""Packets of batches back into a pcap or pcapng file."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from sgsim.captures.batch import Link, MergedBatch
from sgsim.errors import OutputError
from sgsim.kernels.walk import RecordFormat, write_records

_SNAPLEN = 262_144


class HasLinks(Protocol):
    """What packets are written from: a Capture, a PacketCapture."""

    links: list[Link]


class PacketWriter:
    """Writes chosen packets with their bytes, original length and time, at the resolution of their source.

    ``name`` decides the format: ``.pcap`` (one link type) or ``.pcapng``; ``file`` is an opened binary file that the
    caller closes. Raises OutputError: another ending, a second link type in a ``.pcap``, a file that refuses bytes.
    """

    def __init__(self, name: str, file: BinaryIO, captures: Sequence[HasLinks]) -> None:
        if not name.endswith((".pcap", ".pcapng")):
            raise OutputError(f"{name}: packets are written as .pcap or .pcapng; end the name with one of them")
        self._name, self._file, self._captures = name, file, captures
        self._pcapng = name.endswith(".pcapng")
        self._interfaces: dict[tuple[int, int], int] = {}  # (capture, link) -> interface in the file
        self._link_type: int | None = None
        self._digits = 6
        self._begun = False

    def write(self, batch: MergedBatch, chosen: NDArray[np.bool_]) -> int:
        """Write the packets of ``batch`` where ``chosen`` (length n) is true; returns how many."""
        rows = np.flatnonzero(chosen)
        source = batch.capture[rows].astype(np.int64) << 16 | batch.columns.link[rows]
        # Runs of packets from one link: one for a plain file, many where captures are merged.
        for run in np.split(rows, np.flatnonzero(np.diff(source)) + 1):
            if len(run):
                self._run(batch, run, int(batch.capture[run[0]]), int(batch.columns.link[run[0]]))
        return len(rows)

    def finish(self) -> None:
        """Write the file header if no packet was written; call it once, before the file is closed."""
        if not self._begun:
            links = [link for capture in self._captures for link in capture.links]
            self._begin(links[0] if links else Link(1))

    def _run(self, batch: MergedBatch, rows: NDArray[np.int64], capture: int, place: int) -> None:
        link = self._captures[capture].links[place]
        if not self._begun:
            self._begin(link)
        if self._pcapng:
            digits = link.resolution
            interface = self._interface(capture, place, link)
        else:
            digits, interface = self._digits, 0
            if link.link_type != self._link_type:
                raise OutputError(
                    f"{self._name}: packets of link types {self._link_type} and {link.link_type} do not fit into "
                    "one .pcap; write a .pcapng"
                )
        form = RecordFormat(self._pcapng, interface, 10 ** (9 - digits), 10**digits)
        room = int(batch.columns.captured[rows].sum(dtype=np.int64)) + 35 * len(rows)
        out = np.empty(room, dtype=np.uint8)
        used = write_records(batch.windows[capture], batch.columns, rows, form, out)
        self._file.write(out[:used].tobytes())

    def _begin(self, link: Link) -> None:
        self._begun = True
        self._link_type = link.link_type
        if self._pcapng:
            self._file.write(pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28))
            return
        if any(link.resolution > 6 for capture in self._captures for link in capture.links):
            self._digits = 9
        magic = 0xA1B23C4D if self._digits == 9 else 0xA1B2C3D4
        self._file.write(pack("<IHHiIII", magic, 2, 4, 0, 0, _SNAPLEN, link.link_type))

    def _interface(self, capture: int, place: int, link: Link) -> int:
        """The file's interface for a source link, described where it is first met."""
        number = self._interfaces.get((capture, place))
        if number is None:
            number = self._interfaces[capture, place] = len(self._interfaces)
            options = pack("<HHB3xHH", 9, 1, link.resolution, 0, 0)
            self._file.write(pack("<IIHHI", 1, 32, link.link_type, 0, link.snaplen) + options + pack("<I", 32))
        return number
