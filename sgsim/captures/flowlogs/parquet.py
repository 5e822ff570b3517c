"""Flow logs as Parquet, as AWS delivers them to S3: a column for each field, underscores in its name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sgsim.captures.flowlogs.batch import RecordBatch
from sgsim.captures.flowlogs.columns import Column, Rows, Texts
from sgsim.captures.flowlogs.faults import Faults
from sgsim.captures.flowlogs.fields import READ, check_fields, field_name
from sgsim.captures.flowlogs.met import BATCH, Meetings
from sgsim.errors import LogError, MissingExtraError, NoLogError
from sgsim.layout import LOG_RECORD

MAGIC = b"PAR1"
_ROWS = 1 << 17  # decoded at a time: pyarrow hands on a copy of all words of a row group with each part of it


class ParquetLog:
    """A Parquet log. See ``batch.Log`` for the members.

    Raises NoLogError, LogError for a log that cannot be judged, MissingExtraError where pyarrow is not installed.
    """

    def __init__(self, name: str, meetings: Meetings, strict: bool, size: int) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            raise MissingExtraError(f"{name}: reading Parquet", "parquet") from error
        self.name, self.size, self.position = name, size, 0
        self.warnings: list[str] = []
        self._meetings, self._strict, self._arrow = meetings, strict, pyarrow
        self._faults = Faults(name, self.warnings, strict, unit="row")
        try:
            schema = pyarrow.parquet.read_schema(name)
            self._columns = self._chosen(schema)
            words = [column for column in self._columns if pyarrow.types.is_string(schema.field(column).type)]
            self._file = pyarrow.parquet.ParquetFile(name, read_dictionary=words, pre_buffer=False)
        except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
            raise self._damaged(error) from error

    def close(self) -> None:
        self._file.close()

    def first_start(self) -> int | None:
        """The earliest start that the file's statistics give, or None."""
        metadata = self._file.metadata
        names = [metadata.schema.column(n).path for n in range(metadata.num_columns)]
        column = next((n for n, path in enumerate(names) if field_name(path) == "start"), None)
        if column is None:
            return None
        found = []
        for group in range(metadata.num_row_groups):
            statistics = metadata.row_group(group).column(column).statistics
            if statistics is None or not statistics.has_min_max or not isinstance(statistics.min, int):
                return None
            found.append(int(statistics.min))
        return min(found, default=None)

    def batches(self) -> Iterator[RecordBatch]:
        records = np.zeros(BATCH, dtype=LOG_RECORD)
        rows, done = max(1, self._file.metadata.num_rows), 0
        try:
            for batch in self._file.iter_batches(batch_size=_ROWS, columns=self._columns, use_threads=False):
                given = {field_name(n): self._column(c) for n, c in zip(batch.schema.names, batch, strict=True)}
                for begin in range(0, batch.num_rows, BATCH):
                    end = min(begin + BATCH, batch.num_rows)
                    part = {name: column.part(begin, end) for name, column in given.items()}
                    found = Rows(part, end - begin, done + begin + 1).records(records, self._meetings, self._faults)
                    if len(found.records):
                        yield found
                done += batch.num_rows
                self.position = (self.size or 0) * done // rows
        except (self._arrow.ArrowException, OSError, UnicodeDecodeError) as error:
            raise self._damaged(error) from error
        self._faults.end()

    def _chosen(self, schema: Any) -> list[str]:
        """The columns that are read."""
        names = [field_name(name) for name in schema.names]
        if not set(names) & set(READ):
            raise NoLogError(
                self.name, "is Parquet, but no flow log: none of its columns is a field of one", "leave it out"
            )
        check_fields(self.name, [name for name in names if name in READ or name.startswith("tgw-")])
        chosen = [column for column, name in zip(schema.names, names, strict=True) if name in READ]
        types = self._arrow.types
        for column in chosen:
            kind = schema.field(column).type
            if not (types.is_integer(kind) or types.is_string(kind) or types.is_large_string(kind)):
                remedy = "AWS writes integers and strings: convert it back"
                raise LogError(self.name, f"its column {column} is of the type {kind}", remedy)
        return chosen

    def _column(self, array: Any) -> Column:
        """An Arrow array as numpy arrays."""
        arrow = self._arrow
        nulls = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
        if arrow.types.is_integer(array.type):
            filled = array.fill_null(-1) if array.null_count else array
            return Column(filled.cast(arrow.int64()).to_numpy(zero_copy_only=False), nulls)
        if not arrow.types.is_dictionary(array.type):
            array = array.dictionary_encode()
        indices, words = array.indices, array.dictionary
        if indices.null_count:
            indices = indices.fill_null(0)
        if not len(words):
            words = arrow.array(["-"])
        return Column(indices.to_numpy(zero_copy_only=False), nulls, self._texts(words))

    def _texts(self, words: Any) -> Texts:
        """An Arrow array of strings."""
        _, offsets, data = words.buffers()
        kind = np.int64 if self._arrow.types.is_large_string(words.type) else np.int32
        ends = np.frombuffer(offsets, dtype=kind)[words.offset : words.offset + len(words) + 1].astype(np.int64)
        empty = data is None or not data.size
        return Texts(np.zeros(1, dtype=np.uint8) if empty else np.frombuffer(data, dtype=np.uint8), ends)

    def _damaged(self, error: Exception) -> LogError:
        reason = " ".join(str(error).split())
        return LogError(self.name, f"cannot be read as Parquet: {reason}", "get the file again")
