"""A flow log, opened: recognised by its content, whatever it is wrapped in."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from sgsim.captures.flowlogs.batch import Log, RecordBatch
from sgsim.captures.flowlogs.messages import Messages
from sgsim.captures.flowlogs.met import Meetings
from sgsim.captures.flowlogs.parquet import MAGIC, ParquetLog
from sgsim.captures.flowlogs.text import TextLog
from sgsim.captures.source import WINDOW, Descriptor, Prefixed, Window, open_descriptor, unwrapped
from sgsim.errors import LogError, NoLogError


class _Described:
    """A text log with the file that it reads."""

    def __init__(self, log: TextLog, descriptor: Descriptor) -> None:
        self._log, self._descriptor = log, descriptor
        self.name, self.size, self.warnings = log.name, log.size, log.warnings

    @property
    def position(self) -> int:
        return self._log.position

    def batches(self) -> Iterator[RecordBatch]:
        return self._log.batches()

    def close(self) -> None:
        os.close(self._descriptor.descriptor)


def open_log(
    path: str, meetings: Meetings, fields: Sequence[str] | None = None, *, strict: bool = False, window: int = WINDOW
) -> Log:
    """Open a flow log: text, gzip or zstd of it, CloudWatch Logs events as JSON, or Parquet; "-" is standard input.

    ``fields`` are those of lines without a header; ``window`` bytes of text are read at a time. Raises NoLogError (it
    is something else), LogError, MissingExtraError, CaptureError (it cannot be opened or decompressed).
    """
    descriptor = open_descriptor(path)
    try:
        if descriptor.size == 0:
            raise NoLogError(path, "is empty (0 bytes)", "leave it out")
        read = Window(descriptor.name, unwrapped(descriptor), window)
        read.fill(4)
        if read.peek(4) != MAGIC:
            if read.peek(4).lstrip()[:1] in (b"{", b"["):
                read = Window(descriptor.name, Messages(read), window)
            return _Described(TextLog(read, meetings, fields, strict, descriptor.size), descriptor)
        _check_parquet(descriptor, read)
    except BaseException:
        os.close(descriptor.descriptor)
        raise
    os.close(descriptor.descriptor)
    return ParquetLog(path, meetings, strict, descriptor.size or 0)


def _check_parquet(descriptor: Descriptor, read: Window) -> None:
    if not isinstance(read.source, Prefixed):
        raise LogError(descriptor.name, "is compressed Parquet", "decompress it: Parquet is compressed within")
    if descriptor.size is None or descriptor.name == "standard input":
        raise LogError(descriptor.name, "Parquet cannot be read from a stream", "name the file")
