"""Columns for Arrow: names and addresses as dictionaries, made by hand so that no text is made or hashed for a row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import MergedBatch
from sgsim.errors import MissingExtraError
from sgsim.kernels.addresses import LONGEST_TEXT, MAPPED_DOTTED, AddressTable, reindex, write_texts
from sgsim.kernels.rowgroup import Numbered, RowGroup, Stream, collect
from sgsim.layout import EGRESS, INGRESS, REASONS, Verdicts
from sgsim.model import Direction
from sgsim.reports.records import FIELDS

FIRST_ADDRESSES = 1 << 13
MOST_TEXT = (1 << 31) - 1  # bytes that a string array with offsets of 32 bits can hold

# Of the records' columns; all other ones are numbers of 32 bits, but for `tracked`.
NULLABLE = ("rule", "group", "src_port", "dst_port", "icmp_type", "icmp_code")
WORDS = ("capture", "eni", "direction", "verdict", "reason", "rule", "group", "src", "dst")
WIDE = ("packet", "time_ns", "length")
FLAGS = ("tracked",)

#: Which column of a row group each column of words is of.
_PLACES = {"eni": "interface", "verdict": "reason", "group": "rule"}


def pyarrow_for(what: str) -> Any:
    """The library, with what writes Parquet. Raises MissingExtraError, naming what it is wanted for."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(what, "parquet") from error
    return pyarrow


class Words:
    """Words by place, as dictionaries of those that occur; the place -1 stands for none."""

    def __init__(self, words: Iterable[str]) -> None:
        numbers: dict[str, int] = {}  # a dictionary must not hold a word twice
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


def words_of(captures: Iterable[str], enis: Iterable[str], rules: Iterable[tuple[str, str]]) -> dict[str, Words]:
    """The words of the records' columns, but for addresses; a rule is its id and its group's."""
    pairs = list(rules)
    return {
        "capture": Words(captures),
        "eni": Words(enis),
        "direction": Words({INGRESS: Direction.INGRESS, EGRESS: Direction.EGRESS}[code] for code in (0, 1)),
        "verdict": Words(reason.verdict for reason in REASONS),
        "reason": Words(REASONS),
        "rule": Words(rule for rule, _ in pairs),
        "group": Words(group for _, group in pairs),
    }


class Rows:
    """Observations on their way into columns: room for so many, and the addresses that they have."""

    def __init__(self, room: int, numbers: Numbered) -> None:
        self._group, self.used, self.numbers = _room_for_rows(room), 0, numbers

    @property
    def free(self) -> int:
        return len(self._group.packet) - self.used

    def take(self, batch: MergedBatch, verdicts: Verdicts, places: NDArray[np.int64]) -> None:
        """Take the observations at these places; there must be room for them."""
        sources = with_room(self.numbers.sources, 2 * len(places))
        shared = self.numbers.destinations is self.numbers.sources
        self.numbers = Numbered(sources, sources if shared else with_room(self.numbers.destinations, len(places)))
        rest = RowGroup._make(column[self.used :] for column in self._group)
        collect(batch.columns, Stream(batch.capture, batch.number), verdicts.rows, places, rest, self.numbers)
        self.used += len(places)

    @property
    def group(self) -> RowGroup:
        """What was taken."""
        return RowGroup._make(column[: self.used] for column in self._group)


def arrow_columns(
    arrow: Any, group: RowGroup, words: Mapping[str, Words], src: AddressTable, dst: AddressTable
) -> list[Any]:
    """The records' columns as arrays of pyarrow."""
    found = {name: dictionary(arrow, *each.coded(places_of(group, name))) for name, each in words.items()}
    found["src"] = arrow.DictionaryArray.from_arrays(arrow.array(group.src), address_texts(arrow, src))
    found["dst"] = arrow.DictionaryArray.from_arrays(arrow.array(group.dst), address_texts(arrow, dst))
    for name in FIELDS:
        if name not in found:
            found[name] = arrow.array(getattr(group, name), mask=absent(group, name))
    return [found[name] for name in FIELDS]


def places_of(group: RowGroup, name: str) -> NDArray[Any]:
    """The places of a column's words."""
    places: NDArray[Any] = getattr(group, _PLACES.get(name, name))
    return places


def absent(group: RowGroup, name: str) -> NDArray[np.bool_] | None:
    """Where a column of numbers has none, if there is such a place."""
    if name.startswith("icmp"):
        return group.no_icmp
    return group.no_ports if name.endswith("port") else None


def dictionary(arrow: Any, codes: NDArray[np.int32], words: Sequence[str]) -> Any:
    """A dictionary array; the code -1 is null."""
    indices = arrow.array(codes, mask=codes < 0 if len(codes) and codes.min() < 0 else None)
    return arrow.DictionaryArray.from_arrays(indices, arrow.array(words, arrow.string()))


def address_bytes(table: AddressTable) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """The addresses of a table as text, one after the other, and where each begins; the last element is where the last
    one ends. In 32 bits where that is sure to be enough."""
    count = int(table.count[0])
    offsets = np.zeros(count + 1, dtype=np.int32 if count * LONGEST_TEXT <= MOST_TEXT else np.int64)
    text = np.zeros(count * LONGEST_TEXT, dtype=np.uint8)
    return offsets, text[: write_texts(table, MAPPED_DOTTED, offsets, text)]


def address_texts(arrow: Any, table: AddressTable) -> Any:
    """The addresses of a table as an array of strings, or of large ones."""
    offsets, text = address_bytes(table)
    kind = arrow.string() if offsets.dtype == np.int32 else arrow.large_string()
    return arrow.Array.from_buffers(kind, len(offsets) - 1, [None, arrow.py_buffer(offsets), arrow.py_buffer(text)])


def arrow_schema(
    arrow: Any,
    names: Iterable[str] = FIELDS,
    words: Collection[str] = WORDS,
    wide: Collection[str] = WIDE,
    flags: Collection[str] = FLAGS,
    nullable: Collection[str] = NULLABLE,
) -> Any:
    """Integers are signed, 32 bits but for the wide ones: what every reader of Parquet knows."""
    fields = []
    for name in names:
        kind = arrow.int64() if name in wide else arrow.bool_() if name in flags else arrow.int32()
        if name in words:
            kind = arrow.dictionary(arrow.int32(), arrow.string())
        fields.append(arrow.field(name, kind, nullable=name in nullable))
    return arrow.schema(fields)


def _room_for_rows(rows: int) -> RowGroup:
    kinds: dict[str, Any] = dict.fromkeys(WIDE, np.int64)
    kinds |= dict.fromkeys(("tracked", "no_ports", "no_icmp"), np.bool_)
    kinds |= dict.fromkeys(("direction", "reason"), np.uint8)
    return RowGroup._make(np.zeros(rows, dtype=kinds.get(name, np.int32)) for name in RowGroup._fields)


def empty_table(addresses: int | None = None) -> AddressTable:
    """With room for so many, or for as many as most want."""
    addresses = FIRST_ADDRESSES if addresses is None else addresses
    return AddressTable(
        slots=np.zeros(2 * addresses, dtype=np.int32),
        version=np.zeros(addresses, dtype=np.uint8),
        hi=np.zeros(addresses, dtype=np.uint64),
        lo=np.zeros(addresses, dtype=np.uint64),
        count=np.zeros(1, dtype=np.int64),
    )


def with_room(table: AddressTable, more: int) -> AddressTable:
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


def forget(table: AddressTable) -> None:
    """Empty the table."""
    table.slots[:] = 0
    table.count[0] = 0
