"""Flat memory for match tables, and look-ups in it that need no search."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.ragged import Ints, spread
from sgsim.compile.tables import Tables
from sgsim.compile.tries import Trie, trie
from sgsim.layout import SERVICES, TABLE, MatchTable


class Flat:
    """One array made of many: few arrays are quicker to hand over, to compile for, and to keep in registers."""

    def __init__(self, begun: NDArray[Any]) -> None:
        self._dtype = begun.dtype
        self._parts = [begun]
        self._length = len(begun)

    def add(self, part: NDArray[Any]) -> int:
        """The place where it begins."""
        begin = self._length
        self._parts.append(part.astype(self._dtype))
        self._length += len(part)
        return begin

    def joined(self) -> NDArray[Any]:
        return np.concatenate(self._parts)


class Memory:
    """Where tables lie; see MatchTable. Behind those of ``before``, if there are any, whose positions on the IPv6 line
    have become ``positions``."""

    def __init__(self, before: MatchTable | None = None, positions: Ints | None = None) -> None:
        if before is None:
            begun = (np.zeros(0, dtype=kind) for kind in (np.uint32, np.uint16, np.uint8, TABLE))
            words, halves, marks, self.tables = begun
        else:
            words, halves, marks, self.tables = before.words, before.halves, before.marks, before.tables
            if positions is not None:
                words = words.copy()
                _, places = spread(self.tables["v6"], self.tables["v6_end"])
                words[places] = positions[words[places]]
        self.words, self.halves, self.marks = Flat(words), Flat(halves), Flat(marks)


def add_trie(words: Flat, leaves: Flat, found: Trie) -> int:
    """Put a trie into flat memory, its entries places there; returns where its root begins."""
    leaf = leaves.add(found.leaves)
    node = words.add(found.nodes + np.uint32(leaf))
    return words.add(found.root + np.uint32(node))


def add_direct(words: Flat, halves: Flat, tables: Tables, records: NDArray[np.void]) -> None:
    """Look-ups of IPv4 addresses and services without a search; ``records`` of TABLE learn where they are."""
    address, service = tables.address, tables.service
    for table in range(len(records)):
        mine = slice(address.lines[2 * table], address.lines[2 * table + 1])
        rows = address.interval[mine] - address.classes[2 * table]
        records["root"][table] = add_trie(words, halves, trie(address.starts[mine], rows))
        mine = slice(service.lines[table], service.lines[table + 1])
        lengths = np.diff(service.starts[mine], append=SERVICES)
        columns = (service.interval[mine] - service.classes[table]).astype(np.uint16)
        records["direct_columns"][table] = halves.add(np.repeat(columns, lengths))
