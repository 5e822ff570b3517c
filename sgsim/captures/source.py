"""The bytes of a capture, from wherever they come, as one window that moves along them.

Everything is read, nothing mapped: into a window that stays in the L2 cache, reading 2 M packets from the page cache
and decoding them takes 40 ms, from a mapping 39; and a mapped file that someone cuts short kills the process.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
import zlib
from collections import deque
from contextlib import suppress
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sgsim.errors import CaptureError, MissingExtraError

WINDOW = 1 << 21  # bytes; the window grows where one record needs more
PIECE = 1 << 16  # compressed bytes taken at a time

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGICS = (b"\x28\xb5\x2f\xfd", *(bytes([byte]) + b"\x2a\x4d\x18" for byte in range(0x50, 0x60)))


class Bytes(Protocol):
    """Somewhere bytes come from. ``read_into`` gives as many as are there, at least one; 0 is the end."""

    @property
    def position(self) -> int:
        """Bytes of the file that have been taken."""

    def read_into(self, room: memoryview) -> int: ...

    def notice(self) -> str | None:
        """After the end: what was wrong with it, or None."""


class Descriptor:
    """A file, pipe or FIFO. What is there is taken at once: a live capture's packets must not wait for more."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name, self.descriptor, self.position = name, descriptor, 0
        mode = os.fstat(descriptor).st_mode
        self.size = os.fstat(descriptor).st_size if stat.S_ISREG(mode) else None
        self._poll: select.poll | None = None
        if self.size is None:
            self._poll = select.poll()
            self._poll.register(descriptor, select.POLLIN)
        if stat.S_ISFIFO(mode) and hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):  # above the user's limit: the pipe stays as it is
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, WINDOW)  # fewer, fuller batches; 64 KiB otherwise

    def read_into(self, room: memoryview) -> int:
        taken = 0
        while taken < len(room):
            if taken and self._poll is not None and not self._poll.poll(0):
                break
            try:
                count = os.readv(self.descriptor, [room[taken:]])
            except OSError as error:
                raise CaptureError(self.name, f"cannot be read: {error.strerror}", offset=self.position) from error
            if count == 0:
                break
            taken += count
            self.position += count
        return taken

    def notice(self) -> str | None:
        return None


class Prefixed:
    """Bytes that were read ahead to see what they are, then the rest."""

    def __init__(self, prefix: bytes, rest: Descriptor) -> None:
        self._prefix, self._rest = prefix, rest

    @property
    def position(self) -> int:
        return self._rest.position - len(self._prefix)

    def read_into(self, room: memoryview) -> int:
        if not self._prefix:
            return self._rest.read_into(room)
        count = min(len(self._prefix), len(room))
        room[:count] = self._prefix[:count]
        self._prefix = self._prefix[count:]
        return count

    def notice(self) -> str | None:
        return None


class Members:
    """Compressed data: members (gzip) or frames (zstd) one after the other, each with a decompressor of its own."""

    kind: str
    magics: tuple[bytes, ...]
    error: type[Exception]

    def __init__(self, name: str, source: Prefixed) -> None:
        self.name, self._source = name, source
        self._member: Any = None
        self._pending = b""  # compressed bytes that were read and not yet used
        self._notice: str | None = None
        self._piece = memoryview(bytearray(PIECE))

    @property
    def position(self) -> int:
        return self._source.position - len(self._pending)

    def notice(self) -> str | None:
        return self._notice

    def begin(self) -> Any:
        """An object that decompresses one member; it has ``eof`` and ``unused_data``."""
        raise NotImplementedError

    def expand(self, room: int) -> bytes:
        """Some of ``_pending`` decompressed: ``room`` bytes at most; what is left of it stays."""
        raise NotImplementedError

    def read_into(self, room: memoryview) -> int:
        while not self._notice:
            if self._member is not None:
                try:
                    data = self.expand(len(room))
                except self.error as error:
                    reason = str(error).rpartition(": ")[2]
                    problem = f"the {self.kind} data is damaged ({reason}); get the file again"
                    raise CaptureError(self.name, problem, offset=self.position) from error
                if data:
                    room[: len(data)] = data
                    return len(data)
            if self._member is None and self._pending:
                self._next_member()
            elif not self._pending and not self._more():
                if self._member is not None:
                    self._notice = f"the {self.kind} data is cut off at offset {self.position}"
                return 0
        return 0

    def _more(self) -> bool:
        """Read compressed bytes, those that are there; False at the end."""
        count = self._source.read_into(self._piece)
        self._pending += bytes(self._piece[:count])
        return count > 0

    def _next_member(self) -> None:
        """Begin the next member, if one begins here; zeros between members are padding."""
        self._pending = self._pending.lstrip(b"\0")
        longest = max(len(magic) for magic in self.magics)
        while 0 < len(self._pending) < longest and self._more():
            pass
        if self._pending.startswith(self.magics):
            self._member = self.begin()
        elif self._pending:
            self._notice = f"what follows the {self.kind} data at offset {self.position} is none and was not read"


class Gzip(Members):
    """RFC 1952."""

    kind, magics, error = "gzip", (GZIP_MAGIC,), zlib.error

    def begin(self) -> Any:
        return zlib.decompressobj(wbits=31)

    def expand(self, room: int) -> bytes:
        member = self._member
        data: bytes = member.decompress(self._pending, room)
        self._pending = member.unused_data if member.eof else member.unconsumed_tail
        if member.eof:
            self._member = None
        return data


class Zstd(Members):
    """RFC 8878. Its decompressor takes no bound for what comes out, so little is put in: a 128 KiB block of one
    repeated byte takes four bytes, 2 KiB thus make 64 MiB at the worst and some 8 KiB as a rule."""

    kind, magics = "zstd", ZSTD_MAGICS
    BITE = 2048

    def __init__(self, name: str, source: Prefixed) -> None:
        try:
            import zstandard
        except ImportError as error:
            raise MissingExtraError(f"{name}: reading zstd", "zstd") from error
        super().__init__(name, source)
        self.error = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor()
        self._out = memoryview(b"")  # decompressed bytes that did not fit

    def begin(self) -> Any:
        return self._decompressor.decompressobj()

    def expand(self, room: int) -> bytes:
        if not self._out and self._pending:
            bite, self._pending = self._pending[: self.BITE], self._pending[self.BITE :]
            self._out = memoryview(self._member.decompress(bite))
            if self._member.eof:
                self._pending = self._member.unused_data + self._pending
        data, self._out = bytes(self._out[:room]), self._out[room:]
        if self._member.eof and not self._out:
            self._member = None
        return data


class Window:
    """``data[begin:end]`` holds bytes that are read and not yet used; ``data[0]`` is byte ``base`` of the stream.

    What was handed on stays where it is until the window has moved ``ahead`` times after ``handed_on``.
    """

    def __init__(self, name: str, source: Bytes, size: int = WINDOW) -> None:
        self.name, self.source = name, source
        self.data: NDArray[np.uint8] = np.empty(size, np.uint8)
        self.begin = self.end = self.base = 0
        self._others: deque[NDArray[np.uint8]] = deque()  # buffers to move to, the one left longest ago first
        self._handed_on = False

    def keep(self, ahead: int) -> None:
        """What is handed on from now on is left alone while the window moves ``ahead`` times."""
        while len(self._others) < ahead - 1:
            self._others.append(np.empty(0, np.uint8))

    def handed_on(self) -> None:
        """Somebody looks into the window as it is."""
        self._handed_on = True

    @property
    def offset(self) -> int:
        """Where ``begin`` is in the (decompressed) stream."""
        return self.base + self.begin

    def fill(self, needed: int) -> bool:
        """Read on until ``needed`` bytes are there from ``begin``; False where the stream ends. Moves the data if they
        are not there yet."""
        rest = self.end - self.begin
        if rest >= needed:  # it may be more than the next buffer holds, if this one had to grow
            return True
        data = self.data
        if self._handed_on and self._others:
            self._others.append(data)
            data = self._others.popleft()
        self._handed_on = False
        if needed > len(data):
            data = np.empty(needed + WINDOW if needed > WINDOW else WINDOW, np.uint8)
        data[:rest] = self.data[self.begin : self.end].copy()
        self.data, self.base, self.begin, self.end = data, self.base + self.begin, 0, rest
        room = memoryview(data)  # type: ignore[arg-type]
        while self.end < needed:
            count = self.source.read_into(room[self.end :])
            if count == 0:
                return False
            self.end += count
        return True

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes, which must be there, as used."""
        taken = self.data[self.begin : self.begin + count].tobytes()
        self.begin += count
        return taken

    def peek(self, count: int) -> bytes:
        """The next bytes, at most ``count``, as they are in the window."""
        return self.data[self.begin : min(self.begin + count, self.end)].tobytes()


def open_descriptor(path: str) -> Descriptor:
    """Open a path for reading, "-" as standard input."""
    try:
        if path == "-":
            return Descriptor("standard input", os.dup(0))
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CaptureError(path, f"cannot be opened: {reason}; check the name and its permissions") from error
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CaptureError(path, "is a directory; name the captures in it")
    return Descriptor(path, descriptor)


def unwrapped(descriptor: Descriptor) -> Bytes:
    """The capture's own bytes: through gzip or zstd where the first bytes say so."""
    start = bytearray()
    while len(start) < 4:
        piece = bytearray(4 - len(start))
        count = descriptor.read_into(memoryview(piece))
        if count == 0:
            break
        start += piece[:count]
    if not start:
        raise CaptureError(descriptor.name, "is empty (0 bytes); capture again, or leave it out")
    source = Prefixed(bytes(start), descriptor)
    if start.startswith(GZIP_MAGIC):
        return Gzip(descriptor.name, source)
    if bytes(start) in ZSTD_MAGICS:
        return Zstd(descriptor.name, source)
    return source
