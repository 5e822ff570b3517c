"""A capture, opened: recognised by its content, read in batches, whatever it is wrapped in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType

from sgsim.captures import pcap, pcapng
from sgsim.captures.batch import BATCH, Batch, Link
from sgsim.captures.source import Descriptor, Window, open_descriptor, unwrapped
from sgsim.errors import CaptureError

# Files that are often taken for captures: what they begin with, what they are, what to do.
OTHERS = (
    (b"BZh", "is compressed with bzip2; decompress it first"),
    (b"\xfd7zX", "is compressed with xz; decompress it first"),
    (b"\x04\x22\x4d\x18", "is compressed with lz4; decompress it first"),
    (b"PK\x03\x04", "is a zip archive; unpack it first"),
    (b"snoo", "is a snoop capture; convert it with editcap -F pcap"),
    (b"\x1f\x8b", "is compressed with gzip twice; decompress it once"),
)


class Capture:
    """A pcap or pcapng file or stream; use it as a context manager. Made by ``open_capture``.

    ``name`` is the name as given, ``links`` the link table that ``columns.link`` points into (it grows while a pcapng
    is read), ``warnings`` what reading found doubtful (complete after the last batch), ``size`` the bytes of the file
    (None for a stream) and ``position`` how many of them are read: of compressed bytes where it is compressed.
    """

    def __init__(self, path: str, descriptor: Descriptor, strict: bool) -> None:
        self.name, self._descriptor = path, descriptor
        self.links: list[Link] = []
        self.warnings: list[str] = []
        self.size: int | None = descriptor.size
        self._open = True
        self._window = Window(descriptor.name, unwrapped(descriptor))
        self._reader = self._recognised(strict)

    def _recognised(self, strict: bool) -> pcap.PcapReader | pcapng.PcapngReader:
        window = self._window
        window.fill(4)
        magic = window.peek(4)
        if magic in pcap.MAGICS:
            return pcap.PcapReader(window, self.links, self.warnings, strict)
        if magic == pcapng.MAGIC:
            return pcapng.PcapngReader(window, self.links, self.warnings, strict)
        if not magic:
            notice = window.source.notice()
            raise CaptureError(window.name, notice or "is empty once decompressed; capture again, or leave it out")
        for start, problem in OTHERS:
            if magic.startswith(start):
                raise CaptureError(window.name, problem)
        problem = (
            f"is no pcap or pcapng file (it begins with {magic.hex()}); save it as one, with tcpdump -w or editcap"
        )
        raise CaptureError(window.name, problem)

    @property
    def position(self) -> int:
        """Bytes of the file that have been read, as ``size`` counts them."""
        return self._window.source.position

    def batches(self, packets: int = BATCH, ahead: int = 1) -> Iterator[Batch]:
        """The packets, once, at most ``packets`` of them at a time; a stream's are handed on as they arrive. A batch
        holds until ``ahead`` more have been asked for.

        Raises CaptureError where the capture cannot be read on, after everything before that place.
        """
        return self._reader.batches(packets, ahead)

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        if self._open:
            self._open = False
            os.close(self._descriptor.descriptor)

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_capture(path: str, *, strict: bool = False) -> Capture:
    """Open a capture: pcap or pcapng, as it is or in gzip or zstd, known by its content; "-" is standard input.

    Files, pipes and FIFOs are read alike. ``strict`` makes a capture that is cut off an error.
    Raises CaptureError (missing, empty, not a capture, a link type that is not supported) and MissingExtraError.
    """
    descriptor = open_descriptor(path)
    try:
        return Capture(path, descriptor, strict)
    except BaseException:
        os.close(descriptor.descriptor)
        raise
