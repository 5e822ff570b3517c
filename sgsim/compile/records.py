"""Tables and sides as records that say where in flat memory everything is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.classes import Classes
from sgsim.compile.flat import Memory, add_direct
from sgsim.compile.ragged import Ints, offsets
from sgsim.compile.rows import Rows
from sgsim.compile.tables import Tables
from sgsim.layout import SIDE, TABLE

_DIRECT = 8  # tables at most, that they are looked up without a search: it takes a megabyte of each, which only pays
# where all of that stays in the caches


class Built(NamedTuple):
    """Where a block's tables are: their numbers, in credit order. ``open``: what SIDE's is of those who ask it."""

    tables: range
    open: int


def add_tables(rows: Rows, tables: Tables, memory: Memory) -> list[Built]:
    """Add the tables of blocks to the memory; where they are, block by block."""
    first = len(memory.tables)
    memory.tables = np.concatenate((memory.tables, _records(rows, tables, memory)))
    opened = np.zeros(len(tables.of_block) - 1, dtype=np.uint8)
    admits = np.where(rows.everywhere == 0, 0, rows.all_ports << 2 * (rows.everywhere == 2))
    np.bitwise_or.at(opened, rows.block, admits.astype(np.uint8))
    ends = (first + tables.of_block).tolist()
    return [Built(range(*each), bits) for *each, bits in zip(ends, ends[1:], opened.tolist(), strict=False)]


def add_sides(asked: Sequence[Sequence[Built]], memory: Memory) -> NDArray[np.void]:
    """Records of SIDE, but for ``automatic``, of those who ask these blocks."""
    chains = [[n for block in each for n in block.tables] for each in asked]
    sides = np.zeros(len(asked), dtype=SIDE)
    ends = offsets(np.array([len(chain) for chain in chains], dtype=np.int64))
    ends += memory.words.add(np.array([n for chain in chains for n in chain], dtype=np.int64))
    sides["begin"], sides["end"] = ends[:-1], ends[1:]
    sides["open"] = [np.bitwise_or.reduce([block.open for block in each], initial=0) for each in asked]
    return sides


def _records(rows: Rows, tables: Tables, memory: Memory) -> NDArray[np.void]:
    """Records of TABLE."""
    words, halves, marks = memory.words, memory.halves, memory.marks
    address, service, pages = tables.address, tables.service, tables.pages
    records = np.zeros(len(tables.rules) - 1, dtype=TABLE)
    records["root"] = -1
    if len(memory.tables) + len(records) <= _DIRECT:
        add_direct(words, halves, tables, records)
    starts, service_starts = words.add(address.starts), words.add(service.starts)
    records["v4"], records["v6"] = starts + address.lines[:-1:2], starts + address.lines[1::2]
    records["v6_end"] = starts + address.lines[2::2]
    records["rows"] = halves.add(_within(address)) - starts
    records["services"], records["services_end"] = (
        service_starts + service.lines[:-1],
        service_starts + service.lines[1:],
    )
    records["columns"] = halves.add(_within(service)) - service_starts
    records["flags"] = marks.add(tables.flags) + service.classes[:-1]
    table = words.add(pages.table + halves.add(pages.cells))
    records["pages_v4"], records["pages_v6"] = table + pages.first[::2], table + pages.first[1::2]
    records["page_bits"] = pages.bits
    records["width"] = np.diff(service.classes) + (1 << pages.bits) - 1 >> pages.bits
    ranked = np.insert(rows.number, tables.rules[1:], -1)
    records["rules"] = words.add(ranked) + tables.rules[:-1] + np.arange(len(records))
    return records


def _within(classes: Classes) -> Ints:
    """The class of each interval, numbered within its line."""
    return classes.interval - np.repeat(classes.classes[:-1], np.diff(classes.lines))
