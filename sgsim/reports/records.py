"""Observation records as NDJSON and CSV: the fields and their order are those of docs/interface.md.

Text is put together from fragments that repeat (a gate with its reason and rule, an address), so that a record costs
one format and some dictionary look-ups: 0.7 M records a second, where ``json.dumps`` alone makes 0.37 M.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import MergedBatch
from sgsim.engine import Engine
from sgsim.engine.packets import address_of
from sgsim.layout import EGRESS, FIRST_DROP, LATER_FRAGMENT, REASONS, TRACKED, Verdicts
from sgsim.model import ICMP, ICMPV6, TCP, UDP, Verdict

FIELDS = ["capture", "packet", "time_ns", "eni", "direction", "verdict", "reason", "rule", "group", "tracked"]
FIELDS += ["protocol", "src", "src_port", "dst", "dst_port", "icmp_type", "icmp_code", "length"]

_MOST_CACHED = 1 << 17  # fragments of each kind: some 20 MB at most

Key = TypeVar("Key")


class Sink(Protocol):
    """What records are written to."""

    def write(self, data: bytes, /) -> int: ...


class _Fragments(dict[Key, str], Generic[Key]):
    """Text by key, made when it is first asked for."""

    def __init__(self, make: Callable[[Key], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Key) -> str:
        text = self[key] = self._make(key)
        return text

    def shrink(self) -> None:
        """Forget everything when there is too much of it; called between batches."""
        if len(self) > _MOST_CACHED:
            self.clear()


def chosen(verdicts: Verdicts, only: Verdict | None) -> NDArray[np.intp] | None:
    """The places of the observations with that verdict; None where all are wanted."""
    if only is None:
        return None
    allowed = verdicts.reason < FIRST_DROP
    return np.flatnonzero(allowed if only is Verdict.ALLOW else ~allowed)


class RecordWriter:
    """Writes the observations of batches to a binary file, as ``form``: "ndjson" or "csv".

    ``captures`` are the captures' names as given; ``only`` keeps the observations of one verdict. Raises what the
    file's ``write`` raises.
    """

    def __init__(
        self, file: Sink, form: str, engine: Engine, captures: Sequence[str], only: Verdict | None = None
    ) -> None:
        self._file, self._only, self._engine = file, only, engine
        self._csv = form == "csv"
        self._null = "" if self._csv else "null"
        self._captures = [self._joined({"capture": name}, first=True) for name in captures]
        self._gates: _Fragments[int] = _Fragments(self._gate)
        self._enis: _Fragments[int] = _Fragments(self._eni)
        self._ways: _Fragments[int] = _Fragments(self._way)
        self._rules: _Fragments[int] = _Fragments(self._rule)
        self._ends: _Fragments[int] = _Fragments(self._end)
        self._addresses: _Fragments[int] = _Fragments(_address)
        names = ("packet", "time_ns", "src", "src_port", "dst", "dst_port", "length")
        opening, closing = {"src": '"', "dst": '"'}, {"src_port": '"', "dst_port": '"'}  # addresses are strings
        self._before = [
            "," if self._csv else f'{closing.get(name, "")},"{name}":{opening.get(name, "")}' for name in names
        ]
        if self._csv:
            file.write((",".join(FIELDS) + "\n").encode())

    def write(self, batch: MergedBatch, verdicts: Verdicts) -> int:
        """Write a batch's observations; returns how many."""
        places = chosen(verdicts, self._only)
        rows = verdicts.packet if places is None else verdicts.packet[places]
        if not len(rows):
            return 0
        gates = map(self._gates.__getitem__, self._gate_keys(batch, verdicts, places).tolist())
        columns = batch.columns
        version = columns.version[rows]
        sources = self._texts(version, columns.src_hi[rows], columns.src_lo[rows])
        destinations = self._texts(version, columns.dst_hi[rows], columns.dst_lo[rows])
        src_ports, dst_ports, icmp = self._services(batch, rows)
        captures = [self._captures[place] for place in batch.capture[rows].tolist()]
        packet, time, src, src_port, dst, dst_port, length = self._before
        end = "\n" if self._csv else "}\n"
        text = "".join(
            [
                f"{cap}{packet}{number}{time}{ns}{gate}{src}{source}{src_port}{sport}{dst}{destination}{dst_port}{dport}"
                f"{kind}{length}{size}{end}"
                for cap, number, ns, gate, source, sport, destination, dport, kind, size in zip(
                    captures,
                    batch.number[rows].tolist(),
                    columns.time_ns[rows].tolist(),
                    gates,
                    sources,
                    src_ports,
                    destinations,
                    dst_ports,
                    icmp,
                    columns.length[rows].tolist(),
                    strict=True,
                )
            ]
        )
        self._file.write(text.encode("utf-8", "surrogateescape"))
        for cache in (self._gates, self._addresses):
            cache.shrink()
        return len(rows)

    # --- gates: eni to protocol -----------------------------------------------------------------------------------

    def _gate_keys(self, batch: MergedBatch, verdicts: Verdicts, places: NDArray[np.intp] | None) -> NDArray[np.int64]:
        """Interface, rule, direction, reason, tracked and protocol of each observation as one number."""
        key = verdicts.interface.astype(np.int64) << 39 | (verdicts.rule.astype(np.int64) + 1) << 14
        key |= (verdicts.direction.astype(np.int64) << 5 | verdicts.reason.astype(np.int64) << 1) << 8
        key |= (verdicts.flags & TRACKED).astype(np.int64) << 8
        key |= batch.columns.protocol[verdicts.packet]
        return key if places is None else key[places]

    def _gate(self, key: int) -> str:
        rule = (key >> 14 & (1 << 25) - 1) - 1
        return self._enis[key >> 39] + self._ways[key >> 9 & 31] + self._rules[rule] + self._ends[key & 511]

    def _eni(self, place: int) -> str:
        return self._joined({"eni": self._engine.interfaces[place].interface_id})

    def _way(self, key: int) -> str:
        reason = REASONS[key & 15]
        direction = "egress" if key >> 4 == EGRESS else "ingress"
        return self._joined({"direction": direction, "verdict": str(reason.verdict), "reason": str(reason)})

    def _rule(self, place: int) -> str:
        rule = self._engine.rules[place] if place >= 0 else None
        return self._joined({"rule": rule.rule_id if rule else None, "group": rule.group_id if rule else None})

    def _end(self, key: int) -> str:
        return self._joined({"tracked": bool(key >> 8), "protocol": key & 255})

    # --- addresses and services -----------------------------------------------------------------------------------

    def _texts(self, version: NDArray[np.uint8], hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> list[str]:
        """The addresses as text; they never need quoting."""
        cache = self._addresses
        if (version == 4).all():
            return [cache[key] for key in lo.tolist()]
        keys = [
            (low if family == 4 else 1 << 128 | high << 64 | low)
            for family, high, low in zip(version.tolist(), hi.tolist(), lo.tolist(), strict=True)
        ]
        return [cache[key] for key in keys]

    def _services(self, batch: MergedBatch, rows: NDArray[np.int32]) -> tuple[list[object], list[object], list[str]]:
        """Source port, destination port, and the text of icmp_type and icmp_code."""
        columns = batch.columns
        protocol, version = columns.protocol[rows], columns.version[rows]
        whole = columns.shape[rows] != LATER_FRAGMENT
        has_ports = ((protocol == TCP) | (protocol == UDP)) & whole
        src_ports: list[object] = columns.src_port[rows].tolist()
        dst_ports: list[object] = columns.dst_port[rows].tolist()
        icmp = [self._icmp(None, None)] * len(rows)
        has_icmp = whole & np.where(version == 4, protocol == ICMP, protocol == ICMPV6)
        for place in np.flatnonzero(has_icmp).tolist():
            service = int(columns.dst_port[rows[place]])
            icmp[place] = self._icmp(service >> 8, service & 255)
        for place in np.flatnonzero(~has_ports).tolist():
            src_ports[place] = dst_ports[place] = self._null
        return src_ports, dst_ports, icmp

    def _icmp(self, kind: int | None, code: int | None) -> str:
        if self._csv:
            return "," + ("," if kind is None else f"{kind},{code}")
        return ',"icmp_type":null,"icmp_code":null' if kind is None else f',"icmp_type":{kind},"icmp_code":{code}'

    # --- text -----------------------------------------------------------------------------------------------------

    def _joined(self, fields: dict[str, object], first: bool = False) -> str:
        """The fields as they stand in a record, with what separates them from those before."""
        if self._csv:
            line = io.StringIO()
            csv.writer(line, lineterminator="").writerow([_csv_value(value) for value in fields.values()])
            return line.getvalue() if first else "," + line.getvalue()
        body = json.dumps(fields, separators=(",", ":"))[1:-1]
        return "{" + body if first else "," + body


def _csv_value(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _address(key: int) -> str:
    """``key``: an IPv4 address, or 1 << 128 beside an IPv6 address."""
    if key < 1 << 32:
        return f"{key >> 24}.{key >> 16 & 255}.{key >> 8 & 255}.{key & 255}"
    return str(address_of(6, key >> 64 & (1 << 64) - 1, key & (1 << 64) - 1))
