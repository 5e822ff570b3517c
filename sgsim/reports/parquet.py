"""Rows as Parquet, in row groups written as they fill: observations, and whatever else comes as arrays.

Dictionaries are made by hand (see ``sgsim.reports.arrow``): 130 of the 220 ns that a record costs are the Parquet
encoders' own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Any

from sgsim.captures import MergedBatch
from sgsim.engine import Engine
from sgsim.kernels.addresses import LONGEST_TEXT
from sgsim.kernels.rowgroup import Numbered
from sgsim.layout import Verdicts
from sgsim.model import Verdict
from sgsim.reports import arrow
from sgsim.reports.arrow import FLAGS, WORDS, Rows, arrow_columns, arrow_schema, pyarrow_for, words_of
from sgsim.reports.records import Sink, chosen

ROWS = 1 << 18  # of a row group: some 40 MB while it is made
_ASCENDING = ("packet", "time_ns")  # neighbours differ by little: 0.2 and 1.4 bytes a value instead of 8


class ParquetRecords:
    """Writes the observations of batches as a Parquet file; a context manager, whose end writes the file's footer.

    ``captures`` are the captures' names as given; ``only`` keeps the observations of one verdict. Raises what the
    file's ``write`` raises, and MissingExtraError. After an exception nothing more is written.
    """

    def __init__(self, file: Sink, engine: Engine, captures: Sequence[str], only: Verdict | None = None) -> None:
        self._only, self._engine, self._captures = only, engine, captures
        self._file = ParquetFile(file, arrow_schema(pyarrow_for("writing Parquet")), WORDS, FLAGS, _ASCENDING)
        self._learn()
        self._rows = Rows(ROWS, Numbered(arrow.empty_table(), arrow.empty_table()))

    def _learn(self) -> None:
        """Take the names of all interfaces and rules."""
        self._known = len(self._engine.interfaces), len(self._engine.rules)
        enis = (each.interface_id for each in self._engine.interfaces[: self._known[0]])
        rules = ((rule.rule_id, rule.group_id) for rule in self._engine.rules[: self._known[1]])
        self._words = words_of(self._captures, enis, rules)

    def write(self, batch: MergedBatch, verdicts: Verdicts) -> int:
        """Take a batch's observations; returns how many. They reach the file when the row group is full."""
        places = chosen(verdicts, self._only)
        for begin in range(0, len(places), ROWS):
            part = places[begin : begin + ROWS]
            if len(part) > self._rows.free:
                self._write_group()
            self._rows.take(batch, verdicts, part)
        return len(places)

    def _write_group(self) -> None:
        if self._known != (len(self._engine.interfaces), len(self._engine.rules)):
            self._learn()  # a change of the topology brought some
        sources, destinations = self._rows.numbers
        self._file.write(arrow_columns(self._file.arrow, self._rows.group, self._words, sources, destinations))
        self._rows.used = 0
        for addresses in self._rows.numbers:
            arrow.forget(addresses)

    def __enter__(self) -> ParquetRecords:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._rows.used:
            self._write_group()
        self._file.close(complete=kind is None)


class ParquetFile:
    """A Parquet file. Of its columns, ``words`` are dictionaries already, no dictionary is made of ``plain`` ones, and
    ``ascending`` ones hardly differ from row to row. Raises what the file's ``write`` raises."""

    def __init__(
        self,
        file: Sink,
        schema: Any,
        words: Collection[str],
        plain: Collection[str] = (),
        ascending: Collection[str] = (),
    ) -> None:
        self.arrow, self._schema, self._file = pyarrow_for("writing Parquet"), schema, _Output(file)
        self._writer = self.arrow.parquet.ParquetWriter(
            self._file,
            schema,
            compression="snappy",
            use_dictionary=[name for name in schema.names if name not in (*ascending, *plain)],
            column_encoding=dict.fromkeys(ascending, "DELTA_BINARY_PACKED") or None,
            # Statistics of a dictionary's words cost more than writing them: 29 of 41 ns for an address.
            write_statistics=[name for name in schema.names if name not in words],
            dictionary_pagesize_limit=ROWS * (LONGEST_TEXT + 4),
        )

    def write(self, columns: Sequence[Any]) -> None:
        """Write arrays of one length, ROWS at most, as a row group."""
        self._writer.write_table(self.arrow.Table.from_arrays(columns, schema=self._schema), row_group_size=ROWS)

    def close(self, complete: bool) -> None:
        """Write the footer, or nothing more at all."""
        if not complete:
            self._file.closed = True  # the writer's finalizer would complete the file
            return
        self._writer.close()


class _Output:
    """The file as pyarrow takes it; nothing reaches it when it is closed."""

    def __init__(self, file: Sink) -> None:
        self._file = file
        self.closed = False

    def write(self, data: bytes) -> int:
        return len(data) if self.closed else self._file.write(data)

    def flush(self) -> None:
        """The file is flushed by its owner."""

    def close(self) -> None:
        self.closed = True
