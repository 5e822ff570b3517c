"""Judged flow log records as Parquet: the fields of docs/interface.md, in row groups written as they fill."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.addresses import AddressTable
from sgsim.kernels.logtext import number_addresses
from sgsim.layout import HAS_BYTES, HAS_FLAGS, HAS_PACKETS, REASONS, RECORD_VERDICTS, TRACKED
from sgsim.model import TCP, UDP, Interface, RecordVerdict, Rule
from sgsim.reports.arrow import Words, address_texts, arrow_schema, dictionary, empty_table, pyarrow_for
from sgsim.reports.flowlogs.records import ACTION_WORDS, DIRECTIONS, FIELDS
from sgsim.reports.parquet import ROWS, ParquetFile
from sgsim.reports.records import Sink

_WORDS = ("log", "eni", "direction", "verdict", "reason", "rule", "group", "src", "dst", "action")
_WIDE = ("line", "start", "end", "packets", "bytes")
_FLAGS = ("tracked", "agrees")
_NULLABLE = ("rule", "group", "src_port", "dst_port", "packets", "bytes", "tcp_flags", "action", "agrees")


class ParquetLogRecords:
    """Writes judged records as a Parquet file; a context manager, whose end writes the file's footer. Raises what the
    file's ``write`` raises. After an exception nothing more is written."""

    def __init__(self, file: Sink, logs: Sequence[str], interfaces: Sequence[Interface], rules: Sequence[Rule]) -> None:
        self._arrow = pyarrow_for("writing Parquet")
        schema = arrow_schema(self._arrow, FIELDS, _WORDS, _WIDE, _FLAGS, _NULLABLE)
        self._file = ParquetFile(file, schema, _WORDS, (*_WIDE, *_FLAGS))
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
        self._file.write([arrays[name] for name in FIELDS])

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
        return {name: dictionary(self._arrow, *words.coded(places[name])) for name, words in self._words.items()}

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
        if kind is None and self._rows:
            self._write_group()
        self._file.close(complete=kind is None)
