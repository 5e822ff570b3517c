"""Observations as columns in memory: NumPy arrays, and by way of Arrow whatever takes them without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import MergedBatch
from sgsim.engine import Engine
from sgsim.errors import MissingExtraError
from sgsim.kernels.addresses import AddressTable
from sgsim.kernels.rowgroup import Numbered, RowGroup
from sgsim.layout import Verdicts
from sgsim.model import Verdict
from sgsim.reports import arrow
from sgsim.reports.arrow import Rows, Words, absent, address_bytes, arrow_columns, places_of, pyarrow_for, words_of
from sgsim.reports.records import FIELDS, chosen
from sgsim.reports.summary import Summary

_CHUNK = 1 << 18  # rows for which room is made at a time: 22 MB

ADDRESSES = ("src", "dst")


class Coded(NamedTuple):
    """A column of words: ``words[codes[k]]`` is the k-th, the code -1 stands for none. No word is there twice."""

    codes: NDArray[np.int32]
    words: NDArray[np.object_]  # of str


class Observations:
    """Every observation of a replay, or those of one verdict: columns of docs/interface.md, in the order of records.

    ``observations["src"]`` is a NumPy array: of numbers (packet, time_ns and length int64, the others int32; masked
    arrays where there may be none), of truth values (tracked), of ``str`` (None where there is none). ``coded`` gives a
    column of words without making an object for each. polars, DuckDB and pyarrow take the whole as it is, by Arrow's
    PyCapsule interface. An observation takes 69 bytes, an address some more.

    ``summary`` is that of the replay, where it was one.
    """

    def __init__(
        self, group: RowGroup, words: dict[str, Words], addresses: AddressTable, summary: Summary | None = None
    ) -> None:
        self._group, self._words, self._addresses, self.summary = group, words, addresses, summary
        self._texts: NDArray[np.object_] | None = None

    @property
    def column_names(self) -> list[str]:
        return list(FIELDS)

    def __len__(self) -> int:
        return len(self._group.packet)

    def __repr__(self) -> str:
        captures = self.coded("capture").words.tolist() if self.summary is None else self.summary.captures
        return f"<{len(self):,} observations of {', '.join(captures)}>"

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A column by its name. Raises KeyError for another."""
        if name in ADDRESSES or name in self._words:
            codes, words = self.coded(name)
            texts: NDArray[Any] = np.append(words, [None])[codes]
            return texts
        if name not in FIELDS:
            raise KeyError(f"{name!r} is no column: there are {', '.join(FIELDS)}")
        values: NDArray[Any] = getattr(self._group, name)
        null = absent(self._group, name)
        return values if null is None else np.ma.masked_array(values, null)

    def coded(self, name: str) -> Coded:
        """A column of words as numbers of distinct words. Raises KeyError for another column."""
        if name in ADDRESSES:
            return Coded(getattr(self._group, name), self._address_texts())
        codes, words = self._words[name].coded(places_of(self._group, name))
        return Coded(codes, np.array([*words, None], dtype=np.object_)[:-1])

    def _address_texts(self) -> NDArray[np.object_]:
        if self._texts is None:
            offsets, text = address_bytes(self._addresses)
            every, ends = text.tobytes().decode("ascii"), offsets.tolist()
            texts = np.empty(len(ends) - 1, dtype=np.object_)
            texts[:] = [every[begin:end] for begin, end in pairwise(ends)]
            self._texts = texts
        return self._texts

    # --- Arrow --------------------------------------------------------------------------------------------------------

    def to_arrow(self) -> Any:
        """A ``pyarrow.RecordBatch``: words are dictionaries. Raises MissingExtraError without pyarrow."""
        pyarrow = pyarrow_for("Arrow")
        columns = arrow_columns(pyarrow, self._group, self._words, self._addresses, self._addresses)
        kinds = zip(FIELDS, columns, strict=True)
        fields = [pyarrow.field(name, column.type, nullable=name in arrow.NULLABLE) for name, column in kinds]
        return pyarrow.RecordBatch.from_arrays(columns, schema=pyarrow.schema(fields))

    def __arrow_c_array__(self, requested_schema: object = None) -> Any:
        """Arrow's PyCapsule interface, as one record batch. Raises MissingExtraError without pyarrow."""
        return self.to_arrow().__arrow_c_array__(requested_schema)

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        """Arrow's PyCapsule interface, as a stream of one record batch. Raises MissingExtraError without pyarrow."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_polars(self) -> Any:
        """A ``polars.DataFrame``: words are of type Categorical or Enum. Raises MissingExtraError."""
        try:
            import polars
        except ImportError as error:
            raise MissingExtraError("polars", "polars") from error
        return polars.DataFrame(polars.from_arrow(self.to_arrow()))

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame``, which shares the columns of numbers: words are of type category, numbers that there
        may be none of of type Int32. Raises MissingExtraError."""
        try:
            import pandas
        except ImportError as error:
            raise MissingExtraError("pandas", "pandas") from error
        columns: dict[str, Any] = {}
        for name in FIELDS:
            if name in ADDRESSES or name in self._words:
                codes, words = self.coded(name)
                columns[name] = pandas.Categorical.from_codes(codes, categories=words)
            elif (null := absent(self._group, name)) is not None:
                columns[name] = pandas.arrays.IntegerArray(getattr(self._group, name), null.copy())
            else:
                columns[name] = getattr(self._group, name)
        return pandas.DataFrame(columns, copy=False)


class Collector:
    """Takes the observations of batches, all or those of one verdict, until ``finish`` makes columns of them.

    ``captures`` are the captures' names.
    """

    def __init__(self, engine: Engine, captures: Sequence[str], only: Verdict | None = None) -> None:
        self._engine, self._captures, self._only = engine, captures, only
        self._full: list[RowGroup] = []
        table = arrow.empty_table()
        self._rows = Rows(_CHUNK, Numbered(table, table))

    def write(self, batch: MergedBatch, verdicts: Verdicts) -> int:
        """Take a batch's observations; returns how many."""
        places, begin = chosen(verdicts, self._only), 0
        while begin < len(places):
            part = places[begin : begin + self._rows.free]
            self._rows.take(batch, verdicts, part)
            begin += len(part)
            if not self._rows.free:
                self._full.append(self._rows.group)
                self._rows = Rows(_CHUNK, self._rows.numbers)
        return len(places)

    def finish(self, summary: Summary | None = None) -> Observations:
        """All that was taken, when the replay is over; nothing can be taken any more."""
        parts, self._full = [*self._full, self._rows.group], []
        columns = [list(each) for each in zip(*parts, strict=True)]
        del parts
        joined = []
        while columns:  # each column's parts go when it is made
            joined.append(np.concatenate(columns.pop(0)))
        enis = (each.interface_id for each in self._engine.interfaces)
        rules = ((rule.rule_id, rule.group_id) for rule in self._engine.rules)
        words = words_of(self._captures, enis, rules)
        return Observations(RowGroup._make(joined), words, self._rows.numbers.sources, summary)
