"""Several logs as one stream, roughly by time: each is opened when its time comes, and those under way are read side
by side. What is left of disorder is put right where records wait for their turn."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sgsim.captures.flowlogs.batch import Log, RecordBatch
from sgsim.captures.flowlogs.files import STANDARD_INPUT, LogFile
from sgsim.captures.flowlogs.met import Meetings
from sgsim.captures.flowlogs.opening import open_log
from sgsim.captures.flowlogs.parquet import ParquetLog
from sgsim.captures.source import WINDOW
from sgsim.errors import LogError, NoLogError

MOST_OPEN = 256  # logs that are read side by side
_FEW = 8  # so many may have a large window each
_SMALL_WINDOW = 1 << 17
_MOST_NAMES = 3


class _Waiting(NamedTuple):
    start: int  # of its earliest records
    place: int
    path: str


class _UnderWay:
    """A log that is being read, and how far it is."""

    def __init__(self, log: Log, place: int, reached: int) -> None:
        self.log, self.place, self.reached = log, place, reached
        self.batches = log.batches()


class Logs:
    """The flow logs of a run. ``names`` are those that are read, in the order in which ``LOG_RECORD.log`` counts them.

    Raises what opening logs raises; files that were found in folders and are no logs are passed over, and told of.
    """

    def __init__(
        self, files: Sequence[LogFile], meetings: Meetings, fields: Sequence[str] | None = None, *, strict: bool = False
    ) -> None:
        self._meetings, self._fields, self._strict = meetings, fields, strict
        self._window = WINDOW if len(files) <= _FEW else _SMALL_WINDOW
        self.names: list[str] = []
        self.warnings: list[str] = []
        self._waiting: list[_Waiting] = []
        self._under_way: list[_UnderWay] = []
        self._sizes: list[int | None] = []
        self._read = 0  # bytes of logs that are done
        self._admit(files)

    @property
    def size(self) -> int | None:
        """Bytes of all logs, None with a stream among them."""
        return None if None in self._sizes else sum(size or 0 for size in self._sizes)

    @property
    def position(self) -> int:
        """How many of them are read."""
        return self._read + sum(each.log.position for each in self._under_way)

    def batches(self) -> Iterator[RecordBatch]:
        """All records; of logs under way, the one that is furthest behind gives the next batch."""
        while self._waiting or self._under_way:
            self._open_those_due()
            behind = min(self._under_way, key=lambda each: (each.reached, each.place))
            batch = next(behind.batches, None)
            if batch is None:
                self._finish(behind)
                continue
            batch.records["log"] = behind.place
            behind.reached = max(behind.reached, int(batch.records["start"].max()))
            yield batch

    def close(self) -> None:
        """Close what is still open."""
        for each in self._under_way:
            each.log.close()
        self._under_way = []

    # --- one after the other --------------------------------------------------------------------------------------

    def _admit(self, files: Sequence[LogFile]) -> None:
        """Look at the beginning of each file: is it a log, and when does it begin?"""
        passed_over, ahead = [], Meetings()
        alone = len(files) == 1
        for file in files:
            try:
                start = 0 if alone or _is_stream(file.path) else self._first_start(file.path, ahead)
            except NoLogError:
                if not file.found:
                    raise
                passed_over.append(file.path)
                continue
            self._waiting.append(_Waiting(start, len(self.names), file.path))
            self.names.append(file.path)
        if not self.names:
            raise LogError(
                files[0].path, "is no flow log, nor is anything else there", "name flow logs, or their folder"
            )
        if passed_over:
            more = len(passed_over) - _MOST_NAMES
            names = ", ".join(passed_over[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
            text = f"passed over, being no flow logs: {names}"
            if self._strict:
                raise LogError(passed_over[0], "is no flow log", "move it elsewhere, or leave --strict out")
            self.warnings.append(text)
        self._waiting.sort(reverse=True)
        self._note_sizes()

    def _first_start(self, path: str, ahead: Meetings) -> int:
        """The earliest start of a log's first records: 0 of a log without any."""
        log = open_log(path, ahead, self._fields, window=_SMALL_WINDOW)
        try:
            start = log.first_start() if isinstance(log, ParquetLog) else None
            if start is not None:
                return start
            batch = next(log.batches(), None)
            return 0 if batch is None else int(batch.records["start"].min())
        finally:
            log.close()

    def _note_sizes(self) -> None:
        for name in self.names:
            self._sizes.append(os.path.getsize(name) if os.path.isfile(name) else None)

    def _open_those_due(self) -> None:
        """Open the logs that begin before what has been read of those under way; one at least is under way then."""
        while self._waiting and len(self._under_way) < MOST_OPEN:
            due = self._waiting[-1]
            if self._under_way and due.start > min(each.reached for each in self._under_way):
                return
            self._waiting.pop()
            log = open_log(due.path, self._meetings, self._fields, strict=self._strict, window=self._window)
            self._under_way.append(_UnderWay(log, due.place, due.start))

    def _finish(self, done: _UnderWay) -> None:
        self._under_way.remove(done)
        self.warnings += done.log.warnings
        self._read += done.log.size or 0
        done.log.close()


def _is_stream(path: str) -> bool:
    """Whether what is read from it is gone: standard input, a pipe."""
    return path == STANDARD_INPUT or (os.path.exists(path) and not os.path.isfile(path))
