"""Packets of batches back into a pcap or pcapng file."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import linktypes
from sgsim.captures.batch import Link, MergedBatch
from sgsim.errors import OutputError
from sgsim.kernels.records import PCAP_HEADER, PCAPNG_HEADER, Options, Records, write_records
from sgsim.layout import PacketColumns

_SNAPLEN = 262_144
_NO_OPTIONS = Options(np.zeros(0, dtype=np.uint8), np.zeros(0, dtype=np.int64))


class HasLinks(Protocol):
    """What packets are written from: a Capture, a PacketCapture."""

    links: list[Link]


class PacketWriter:
    """Writes chosen packets with their bytes, original length and time, at the resolution of their source.

    ``name`` decides the format: ``.pcap`` (one link type; nanoseconds if some link is finer than microseconds) or
    ``.pcapng`` (one interface for each link that packets come from); ``file`` is an opened binary file that the
    caller closes. A time that the format cannot hold (before 1970; pcap: after 2106) stops at its bound. Raises
    OutputError: another ending, a second link type in a ``.pcap``, a ``file`` that refuses bytes.
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

    def write(self, batch: MergedBatch, chosen: NDArray[np.bool_], options: Options = _NO_OPTIONS) -> int:
        """Write the packets of ``batch`` where ``chosen`` (length n) is true, in its order; returns how many.
        ``options`` are what a .pcapng says of them besides."""
        rows = np.flatnonzero(chosen)
        if not len(rows):
            return 0
        columns = batch.columns
        if batch.lengths is not None:
            columns = columns._replace(heads=columns.heads.copy())
            columns.length[:] = batch.lengths
        for piece in np.split(rows, self._firsts(batch, rows)):
            if len(piece):
                self._write(batch, columns, piece, options)
        return len(rows)

    def _firsts(self, batch: MergedBatch, rows: NDArray[np.int64]) -> list[int]:
        """Where in ``rows`` the first packets of links stand that the file does not describe yet: they are described
        right before, so that the file does not depend on where batches end."""
        if not self._pcapng:
            return []
        links = batch.capture[rows].astype(np.int64) << 16 | batch.columns.link[rows]
        met, firsts = np.unique(links, return_index=True)
        new = [divmod(link, 1 << 16) not in self._interfaces for link in met.tolist()]
        return sorted(firsts[new].tolist())

    def _write(self, batch: MergedBatch, columns: PacketColumns, rows: NDArray[np.int64], options: Options) -> None:
        captured = columns.captured[rows].astype(np.int64)
        sizes = (captured + 3 & ~3) + PCAPNG_HEADER if self._pcapng else captured + PCAP_HEADER
        if len(options.begins):
            sizes += np.diff(options.begins)[rows]
        ends = np.cumsum(sizes)
        out = np.empty(int(ends[-1]), dtype=np.uint8)
        sources = batch.capture[rows]
        for capture in np.unique(sources).tolist() if len(batch.windows) > 1 else [0]:
            own = slice(None) if len(batch.windows) == 1 else np.flatnonzero(sources == capture)
            links = np.unique(batch.columns.link[rows[own]]).tolist()
            records = self._records(capture, links, batch.known)._replace(options=options)
            places = (ends - sizes)[own]
            write_records(batch.windows[capture], columns, rows[own], places, records, out)
        self._put(out.data)

    def finish(self) -> None:
        """Write the file header if no packet was written; call it once, before the file is closed."""
        if not self._begun:
            links = [link for capture in self._captures for link in capture.links]
            self._begin(links[0] if links else Link(linktypes.ETHERNET), links)

    def _put(self, data: bytes | memoryview) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise OutputError(f"{self._name}: cannot be written: {error.strerror}") from error

    def _records(self, capture: int, places: list[int], known: Sequence[int]) -> Records:
        """How packets from these links of a capture are written; describes them in the file where they are new."""
        links = self._captures[capture].links
        interface, tick = np.zeros(len(links), np.uint32), np.ones(len(links), np.int64)
        for place in places:
            link = links[place]
            if not self._begun:
                described = zip(self._captures, known, strict=True)
                self._begin(link, [each for capture, count in described for each in capture.links[:count]])
            if self._pcapng:
                interface[place] = self._interface(capture, place, link)
                tick[place] = 10 ** (9 - link.resolution)
            else:
                self._check(link)
                tick[place] = 10 ** (9 - self._digits)
        return Records(self._pcapng, interface, tick, _NO_OPTIONS)

    def _check(self, link: Link) -> None:
        if link.link_type != self._link_type:
            one, other = linktypes.described(self._link_type or 0), linktypes.described(link.link_type)
            problem = f"packets of link types {one} and {other} do not fit into one .pcap"
            raise OutputError(f"{self._name}: {problem}; name it .pcapng")
        if link.resolution > max(6, self._digits):  # described behind the first packet that was written
            problem = "times finer than microseconds do not fit into the .pcap that was begun without them"
            raise OutputError(f"{self._name}: {problem}; name it .pcapng")

    def _begin(self, link: Link, described: Sequence[Link]) -> None:
        """Write the file's header for packets of a link; ``described`` are those that may follow. Not all that are
        described by now: how far reading is ahead is a matter of threads."""
        self._begun = True
        self._link_type = link.link_type
        if self._pcapng:
            self._put(pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28))
            return
        if any(each.resolution > 6 for each in described):
            self._digits = 9
        magic = 0xA1B23C4D if self._digits == 9 else 0xA1B2C3D4
        self._put(pack("<IHHiIII", magic, 2, 4, 0, 0, _SNAPLEN, link.link_type))

    def _interface(self, capture: int, place: int, link: Link) -> int:
        """The file's interface for a source link, described where it is first met."""
        number = self._interfaces.get((capture, place))
        if number is None:
            number = self._interfaces[capture, place] = len(self._interfaces)
            options = pack("<HHB3xHH", 9, 1, link.resolution, 0, 0)  # if_tsresol, end of options
            self._put(pack("<IIHHI", 1, 32, link.link_type, 0, link.snaplen) + options + pack("<I", 32))
        return number
