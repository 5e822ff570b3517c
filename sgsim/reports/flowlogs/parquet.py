"""Judged flow log records as Parquet: the fields of docs/interface.md, in row groups written as they fill."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.addresses import LONGEST_TEXT, AddressTable
from sgsim.kernels.logtext import number_addresses
from sgsim.layout import HAS_BYTES, HAS_FLAGS, HAS_PACKETS, REASONS, RECORD_VERDICTS, TRACKED
from sgsim.model import TCP, UDP, Interface, RecordVerdict, Rule
from sgsim.reports.flowlogs.records import ACTION_WORDS, DIRECTIONS, FIELDS
from sgsim.reports.parquet import Output, Words, address_texts, empty_table
from sgsim.reports.records import Sink

ROWS = 1 << 18  # of a row group: some 40 MB while it is made
_WORDS = ("log", "eni", "direction", "verdict", "reason", "rule", "group", "src", "dst", "action")
_WIDE = ("line", "start", "end", "packets", "bytes")
_FLAGS = ("tracked", "agrees")
_NULLABLE = ("rule", "group", "src_port", "dst_port", "packets", "bytes", "tcp_flags", "action", "agrees")


class ParquetLogRecords:
    """Writes judged records as a Parquet file; a context manager, whose end writes the file's footer. Raises what the
    file's ``write`` raises. After an exception nothing more is written."""

    def __init__(self, file: Sink, logs: Sequence[str], interfaces: Sequence[Interface], rules: Sequence[Rule]) -> None:
        import pyarrow
        import pyarrow.parquet

        self._arrow, self._file = pyarrow, Output(file)
        self._words = {
            "log": Words(logs),
            "eni": Words(interface.interface_id for interface in interfaces),
            "direction": Words(DIRECTIONS[code] for code in sorted(DIRECTIONS)),
            "verdict": Words(RECORD_VERDICTS),
            "reason": Words(REASONS),
            "rule": Words(rule.rule_id for rule in rules),
            "group": Words(rule.group_id for rule in rules),
            "action": Words(word for word in ACTION_WORDS if word is not None),
        }
        self._parts: list[tuple[NDArray[np.void], NDArray[np.bool_]]] = []
        self._rows = 0
        self._schema = _schema(pyarrow)
        self._writer = pyarrow.parquet.ParquetWriter(
            self._file,
            self._schema,
            compression="snappy",
            use_dictionary=[name for name in FIELDS if name not in (*_WIDE, *_FLAGS)],
            write_statistics=[name for name in FIELDS if name not in _WORDS],
            dictionary_pagesize_limit=ROWS * (LONGEST_TEXT + 4),
        )

    def write(self, records: NDArray[np.void], disagrees: NDArray[np.bool_], places: NDArray[np.int64]) -> None:
        """Take the records at these places; they reach the file when the row group is full."""
        if self._rows + len(places) > ROWS:
            self._write_group()
        self._parts.append((records[places], disagrees[places]))
        self._rows += len(places)

    def _write_group(self) -> None:
        records = np.concatenate([part for part, _ in self._parts])
        disagrees = np.concatenate([part for _, part in self._parts])
        self._parts, self._rows = [], 0
        arrays = {**self._worded(records), **self._addresses(records), **self._plain(records, disagrees)}
        table = self._arrow.Table.from_arrays([arrays[name] for name in FIELDS], schema=self._schema)
        self._writer.write_table(table, row_group_size=ROWS)

    def _worded(self, records: NDArray[np.void]) -> dict[str, Any]:
        places = {
            "log": records["log"],
            "eni": records["interface"],
            "direction": records["direction"],
            "verdict": records["verdict"],
            "reason": records["reason"],
            "rule": records["rule"],
            "group": records["rule"],
            "action": records["action"].astype(np.int32) - 1,
        }
        found = {}
        for name, words in self._words.items():
            codes, used = words.coded(places[name])
            indices = self._arrow.array(codes, mask=codes < 0 if codes.min() < 0 else None)
            found[name] = self._arrow.DictionaryArray.from_arrays(
                indices, self._arrow.array(used, self._arrow.string())
            )
        return found

    def _addresses(self, records: NDArray[np.void]) -> dict[str, Any]:
        tables: list[AddressTable] = [empty_table(1 << (len(records) - 1).bit_length()) for _ in range(2)]
        numbers = [np.zeros(len(records), dtype=np.int32) for _ in range(2)]
        number_addresses(records, *tables, *numbers)
        return {
            name: self._arrow.DictionaryArray.from_arrays(
                self._arrow.array(numbers[n]), address_texts(self._arrow, tables[n])
            )
            for n, name in enumerate(("src", "dst"))
        }

    def _plain(self, records: NDArray[np.void], disagrees: NDArray[np.bool_]) -> dict[str, Any]:
        array, marks = self._arrow.array, records["marks"]
        no_ports = (records["protocol"] != TCP) & (records["protocol"] != UDP)
        nulls = {
            "src_port": no_ports,
            "dst_port": no_ports,
            "packets": marks & HAS_PACKETS == 0,
            "bytes": marks & HAS_BYTES == 0,
            "tcp_flags": marks & HAS_FLAGS == 0,
        }
        found = {
            name: array(np.ascontiguousarray(records[name]).astype(np.int64 if name in _WIDE else np.int32), mask=mask)
            for name, mask in (*nulls.items(), ("line", None), ("start", None), ("end", None), ("protocol", None))
        }
        found["tracked"] = array(records["flags"] & TRACKED != 0)
        unknown = (records["action"] == 0) | (records["verdict"] == RECORD_VERDICTS.index(RecordVerdict.POSSIBLE))
        found["agrees"] = array(~disagrees, mask=unknown)
        return found

    def __enter__(self) -> ParquetLogRecords:
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


def _schema(arrow: Any) -> Any:
    """Integers are signed, 32 bits but for line, times and totals: what every reader of Parquet knows."""
    fields = []
    for name in FIELDS:
        kind = arrow.int64() if name in _WIDE else arrow.bool_() if name in _FLAGS else arrow.int32()
        if name in _WORDS:
            kind = arrow.dictionary(arrow.int32(), arrow.string())
        fields.append(arrow.field(name, kind, nullable=name in _NULLABLE))
    return arrow.schema(fields)
