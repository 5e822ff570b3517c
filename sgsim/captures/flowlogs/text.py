"""Flow logs as text: a line for each record, from S3 with a header, from CloudWatch Logs without."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from sgsim.captures.flowlogs.batch import RecordBatch
from sgsim.captures.flowlogs.faults import Faults
from sgsim.captures.flowlogs.fields import DEFAULT, check_fields, header_of, lines_of
from sgsim.captures.flowlogs.met import BATCH, Meetings
from sgsim.captures.source import Window
from sgsim.errors import LogError, NoLogError
from sgsim.kernels.fieldtext import LINE_END
from sgsim.kernels.loglines import read_lines
from sgsim.layout import LOG_RECORD

LONGEST_LINE = 1 << 16  # bytes; ten times what all fields take at their longest

# What stands before a record in exports of CloudWatch Logs, and in what `aws logs tail` prints: a time, and perhaps the
# stream's name.
_STAMP = re.compile(rb"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d[0-9.:+Z-]*)?\Z")
_MOST_BEFORE = 3
_SHOWN = 40  # characters of a line


class TextLog:
    """A text log, behind whatever it is compressed with or wrapped in. See ``batch.Log`` for the members.

    ``fields`` are those that its lines have if it has no header line: the default format's when None.
    Raises NoLogError, and LogError for a log that cannot be judged.
    """

    def __init__(
        self, window: Window, meetings: Meetings, fields: Sequence[str] | None, strict: bool, size: int | None
    ) -> None:
        self.name, self.size = window.name, size
        self.warnings: list[str] = []
        self._window, self._meetings, self._strict = window, meetings, strict
        self._line = 1  # number of the line at the window's beginning
        self._faults = Faults(self.name, self.warnings, strict)
        self._fields, self._lines = self._recognised(fields)

    @property
    def position(self) -> int:
        return self._window.source.position

    def close(self) -> None:
        """Its file belongs to whoever opened it."""

    def batches(self) -> Iterator[RecordBatch]:
        window, met = self._window, self._meetings.met
        records = np.zeros(BATCH, dtype=LOG_RECORD)
        ended = False
        while True:
            walk = read_lines(window.data, (window.begin, window.end), self._lines, self._line, records, met)
            self._tell()
            window.begin, self._line = walk.at, self._line + walk.lines
            if walk.records:
                yield RecordBatch(records[: walk.records], met.packet_ends[: walk.records])
            if walk.records == BATCH:
                continue
            if ended:
                break
            rest = window.end - window.begin
            if rest > LONGEST_LINE:
                raise self._too_long()
            if not window.fill(rest + 1):
                self._end()
                ended = True
        self._faults.end()

    # --- what it is -----------------------------------------------------------------------------------------------

    def _recognised(self, fields: Sequence[str] | None) -> tuple[Sequence[str], object]:
        line = self._first_line()
        words = line.split()
        if not words:
            return DEFAULT, lines_of(DEFAULT, 0)
        header = header_of([word.decode("utf-8", "replace") for word in words])
        if header is not None:
            self._take_header(header)
            return header, lines_of(header, 0, line)
        expected = fields or DEFAULT
        before = self._words_before(words, len(expected))
        if len(words) - before != len(expected):
            raise self._other_format(words, before, fields is not None)
        if fields is None and not words[before].isdigit():
            raise self._no_log(line)
        return [*[""] * before, *expected], lines_of(expected, before)

    def _take_header(self, header: Sequence[str]) -> None:
        unknown = check_fields(self.name, header)
        if unknown and self._strict:
            raise LogError(self.name, f"unknown field {unknown[0]} in its header", "leave --strict out to pass it over")
        if unknown:
            self.warnings.append(f"{self.name}: unknown fields are passed over: {', '.join(unknown)}")
        self._window.begin += self._first_line_size()
        self._line += 1

    def _first_line(self) -> bytes:
        """The first line that is not blank, without its end; the window begins with it then."""
        window = self._window
        while True:
            size = self._first_line_size()
            line = window.data[window.begin : window.begin + size].tobytes()
            if line.strip() or not size:
                return line.rstrip(b"\r\n")
            window.begin += size
            self._line += 1

    def _first_line_size(self) -> int:
        """Bytes of the line at the window's beginning, its end included; 0 behind the last one."""
        window = self._window
        while True:
            rest = window.end - window.begin
            head = window.peek(min(rest, LONGEST_LINE + 1))
            found = head.find(b"\n")
            if found >= 0:
                return found + 1
            if rest > LONGEST_LINE:
                raise self._no_log(head)
            if not window.fill(rest + 1):
                return rest

    @staticmethod
    def _words_before(words: Sequence[bytes], fields: int) -> int:
        """How many words stand before the record in each line."""
        if not _STAMP.match(words[0]):
            return 0
        return min(max(1, len(words) - fields), _MOST_BEFORE)

    def _other_format(self, words: Sequence[bytes], before: int, given: bool) -> LogError:
        if not any(word.isdigit() for word in words):
            return self._no_log(b" ".join(words))
        whose, remedy = "the default format", "say what they are: --format '${version} ${srcaddr} ...'"
        if given:
            whose, remedy = "--format", "give the format that this log was made with"
        problem = f"has {len(words) - before} fields and no header, {whose} has another number of them"
        return LogError(self.name, problem, remedy, line=self._line)

    def _no_log(self, line: bytes) -> NoLogError:
        shown = line[:_SHOWN].decode("utf-8", "backslashreplace")
        return NoLogError(self.name, f"is no flow log: it begins with {shown!r}", "text, gzip or Parquet of records")

    # --- its lines ------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        """Tell what was wrong with the lines of the last walk, and forget it."""
        met = self._meetings.met
        count = int(met.faults_met[0])
        for fault in met.faults[:count]:
            line, kind, column, begin, end = fault.tolist()
            value = self._window.data[begin:end].tobytes().decode("utf-8", "backslashreplace")
            self._faults.tell(line, kind, self._fields, column, value)
        self._faults.rest(max(0, count - len(met.faults)))
        met.faults_met[0] = 0

    def _end(self) -> None:
        """The stream ended: its last line may lack its end, or be cut off."""
        window = self._window
        notice = window.source.notice()
        if notice:
            if self._strict:
                raise LogError(self.name, notice, "get the whole file, or leave --strict out")
            self.warnings.append(f"{self.name}: {notice}; everything before it was read")
            window.begin = window.end  # half a line would be another record
        elif window.end > window.begin:
            if window.end == len(window.data):
                window.data = np.append(window.data, LINE_END)
            window.data[window.end] = LINE_END
            window.end += 1

    def _too_long(self) -> LogError:
        return LogError(
            self.name,
            f"is longer than {LONGEST_LINE:,} bytes",
            "is this a flow log, one record a line?",
            line=self._line,
        )
