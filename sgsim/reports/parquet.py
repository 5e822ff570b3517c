"""Observation records as Parquet: the columns of docs/interface.md, in row groups written as they fill.

Names and addresses are dictionary-encoded by hand, so that no text is made or hashed for an observation: 130 of the
220 ns that a record costs are the Parquet encoders' own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import MergedBatch
from sgsim.engine import Engine
from sgsim.errors import MissingExtraError
from sgsim.kernels.addresses import LONGEST_TEXT, MAPPED_DOTTED, AddressTable, reindex, write_texts
from sgsim.kernels.rowgroup import Numbered, RowGroup, Stream, collect
from sgsim.layout import EGRESS, INGRESS, REASONS, Verdicts
from sgsim.model import Direction, Verdict
from sgsim.reports.records import FIELDS, Sink, chosen

ROWS = 1 << 18  # of a row group: some 40 MB while it is made
_FIRST_ADDRESSES = 1 << 13
_NULLABLE = ("rule", "group", "src_port", "dst_port", "icmp_type", "icmp_code")
_WORDS = ("capture", "eni", "direction", "verdict", "reason", "rule", "group", "src", "dst")
_ASCENDING = ("packet", "time_ns")  # neighbours differ by little: 0.2 and 1.4 bytes a value instead of 8
_WIDE = (*_ASCENDING, "length")


def check_parquet(name: str) -> None:
    """Raises MissingExtraError, naming the file, where pyarrow is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(f"{name}: writing Parquet", "parquet") from error


class ParquetRecords:
    """Writes the observations of batches as a Parquet file; a context manager, whose end writes the file's footer.

    ``captures`` are the captures' names as given; ``only`` keeps the observations of one verdict. Raises what the
    file's ``write`` raises, and MissingExtraError. After an exception nothing more is written.
    """

    def __init__(self, file: Sink, engine: Engine, captures: Sequence[str], only: Verdict | None = None) -> None:
        import pyarrow
        import pyarrow.parquet

        self._arrow, self._only, self._file, self._engine = pyarrow, only, Output(file), engine
        self._captures = Words(captures)
        self._directions = Words({INGRESS: Direction.INGRESS, EGRESS: Direction.EGRESS}[code] for code in (0, 1))
        self._verdicts = Words(reason.verdict for reason in REASONS)
        self._reasons = Words(REASONS)
        self._learn()
        self._group = _room_for_rows()
        self._rows = 0
        self._numbers = Numbered(empty_table(_FIRST_ADDRESSES), empty_table(_FIRST_ADDRESSES))
        self._schema = _schema(pyarrow)
        self._writer = pyarrow.parquet.ParquetWriter(
            self._file,
            self._schema,
            compression="snappy",
            use_dictionary=[name for name in FIELDS if name not in (*_ASCENDING, "tracked")],
            column_encoding=dict.fromkeys(_ASCENDING, "DELTA_BINARY_PACKED"),
            # Statistics of a dictionary's words cost more than writing them: 29 of 41 ns for an address.
            write_statistics=[name for name in FIELDS if name not in _WORDS],
            dictionary_pagesize_limit=ROWS * (LONGEST_TEXT + 4),
        )

    def _learn(self) -> None:
        """Take the names of all interfaces and rules."""
        self._known = len(self._engine.interfaces), len(self._engine.rules)
        rules = self._engine.rules[: self._known[1]]
        self._enis = Words(i.interface_id for i in self._engine.interfaces[: self._known[0]])
        self._rules = Words(rule.rule_id for rule in rules)
        self._groups = Words(rule.group_id for rule in rules)

    def write(self, batch: MergedBatch, verdicts: Verdicts) -> int:
        """Take a batch's observations; returns how many. They reach the file when the row group is full."""
        places = chosen(verdicts, self._only)
        for begin in range(0, len(places), ROWS):
            self._take(batch, verdicts, places[begin : begin + ROWS])
        return len(places)

    def _take(self, batch: MergedBatch, verdicts: Verdicts, places: NDArray[np.int64]) -> None:
        if self._rows + len(places) > ROWS:
            self._write_group()
        self._numbers = Numbered(*(_with_room(table, len(places)) for table in self._numbers))
        rest = RowGroup._make(column[self._rows :] for column in self._group)
        collect(batch.columns, Stream(batch.capture, batch.number), verdicts.rows, places, rest, self._numbers)
        self._rows += len(places)

    def _write_group(self) -> None:
        if self._known != (len(self._engine.interfaces), len(self._engine.rules)):
            self._learn()  # a change of the topology brought some
        group = RowGroup._make(column[: self._rows] for column in self._group)
        columns = {
            "capture": self._words(self._captures, group.capture),
            "eni": self._words(self._enis, group.interface),
            "direction": self._words(self._directions, group.direction),
            "verdict": self._words(self._verdicts, group.reason),
            "reason": self._words(self._reasons, group.reason),
            "rule": self._words(self._rules, group.rule),
            "group": self._words(self._groups, group.rule),
            "src": self._addresses(self._numbers.sources, group.src),
            "dst": self._addresses(self._numbers.destinations, group.dst),
        }
        for name in FIELDS:
            if name not in columns:
                null = group.no_icmp if name.startswith("icmp") else group.no_ports if name.endswith("port") else None
                columns[name] = self._arrow.array(getattr(group, name), mask=null)
        table = self._arrow.Table.from_arrays([columns[name] for name in FIELDS], schema=self._schema)
        self._writer.write_table(table, row_group_size=ROWS)
        self._rows = 0
        for addresses in self._numbers:
            addresses.slots[:] = 0
            addresses.count[0] = 0

    def _words(self, words: Words, places: NDArray[Any]) -> Any:
        codes, used = words.coded(places)
        indices = self._arrow.array(codes, mask=codes < 0 if codes.min() < 0 else None)
        return self._arrow.DictionaryArray.from_arrays(indices, self._arrow.array(used, self._arrow.string()))

    def _addresses(self, table: AddressTable, numbers: NDArray[np.int32]) -> Any:
        return self._arrow.DictionaryArray.from_arrays(self._arrow.array(numbers), address_texts(self._arrow, table))

    def __enter__(self) -> ParquetRecords:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._file.closed = True  # the writer's finalizer would complete the file
            return
        if self._rows:
            self._write_group()
        self._writer.close()


class Output:
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


class Words:
    """Words by place, as dictionaries of those that occur; the place -1 stands for none."""

    def __init__(self, words: Iterable[str]) -> None:
        numbers: dict[str, int] = {}  # a Parquet dictionary must not hold a word twice
        every = (str(word).encode("utf-8", "backslashreplace").decode() for word in words)  # file names may be no UTF-8
        codes = [numbers.setdefault(word, len(numbers)) for word in every]
        self._words = list(numbers)
        self._codes = np.array([*codes, -1], dtype=np.int32)

    def coded(self, places: NDArray[Any]) -> tuple[NDArray[np.int32], list[str]]:
        """(codes, words): ``words[codes[k]]`` is the word at ``places[k]``, the code -1 for none."""
        met = np.zeros(len(self._codes), dtype=np.bool_)
        met[places] = True
        occurs = np.zeros(len(self._words) + 1, dtype=np.bool_)
        occurs[self._codes[met]] = True
        occurs[-1] = False
        renumbered = np.cumsum(occurs, dtype=np.int32) - np.int32(1)
        renumbered[-1] = -1
        return renumbered[self._codes][places], [self._words[code] for code in np.flatnonzero(occurs).tolist()]


def address_texts(arrow: Any, table: AddressTable) -> Any:
    """The addresses of a table as an array of strings."""
    count = int(table.count[0])
    offsets = np.zeros(count + 1, dtype=np.int32)
    text = np.zeros(count * LONGEST_TEXT, dtype=np.uint8)
    size = write_texts(table, MAPPED_DOTTED, offsets, text)
    buffers = [None, arrow.py_buffer(offsets), arrow.py_buffer(text[:size])]
    return arrow.Array.from_buffers(arrow.string(), count, buffers)


def _schema(arrow: Any) -> Any:
    """Integers are signed, 32 bits but for packet, time and length: what every reader of Parquet knows."""
    fields = []
    for name in FIELDS:
        kind = arrow.int64() if name in _WIDE else arrow.bool_() if name == "tracked" else arrow.int32()
        if name in _WORDS:
            kind = arrow.dictionary(arrow.int32(), arrow.string())
        fields.append(arrow.field(name, kind, nullable=name in _NULLABLE))
    return arrow.schema(fields)


def _room_for_rows() -> RowGroup:
    kinds: dict[str, Any] = {"packet": np.int64, "time_ns": np.int64, "length": np.int64}
    kinds |= dict.fromkeys(("tracked", "no_ports", "no_icmp"), np.bool_)
    kinds |= dict.fromkeys(("direction", "reason"), np.uint8)
    return RowGroup._make(np.zeros(ROWS, dtype=kinds.get(name, np.int32)) for name in RowGroup._fields)


def empty_table(addresses: int) -> AddressTable:
    return AddressTable(
        slots=np.zeros(2 * addresses, dtype=np.int32),
        version=np.zeros(addresses, dtype=np.uint8),
        hi=np.zeros(addresses, dtype=np.uint64),
        lo=np.zeros(addresses, dtype=np.uint64),
        count=np.zeros(1, dtype=np.int64),
    )


def _with_room(table: AddressTable, more: int) -> AddressTable:
    """The table, or one with its addresses that has room for so many more."""
    count = int(table.count[0])
    if count + more <= len(table.hi):
        return table
    larger = empty_table(1 << (2 * (count + more) - 1).bit_length())
    for name in ("version", "hi", "lo"):
        getattr(larger, name)[:count] = getattr(table, name)[:count]
    larger.count[0] = count
    reindex(larger)
    return larger
