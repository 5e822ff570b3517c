"""The answers of tables in pages.

A table answers for (address class, service class) with the first rule in credit order that admits the pair. Its rows
are cut into pages, and equal pages are kept once: a row differs from the others only where the few rules that are
peculiar to its addresses have a say. The longer a row the larger its pages, for the numbers of pages that it consists
of take room too: about as much as the pages if those are as long as there are pages in a row.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.classes import names
from sgsim.compile.ragged import Ints, distinct, offsets, spread

_NONE = (1 << 16) - 1  # in a sheet: none of the peer's rules is for this
_SMALLEST = 4  # bits of the number of cells of a page
_AT_ONCE = 1 << 23  # cells that are merged at a time, for memory's sake: 16 MB


class Grid(NamedTuple):
    """Where rules, address classes and service classes of all tables meet.

    A *peer* here is a set of addresses as one table has it, numbered table after table. A plane is a table's half for
    one IP version: 2 * table, and 2 * table + 1.
    """

    peer: Ints  # of each row, or -1: its set is empty
    rank: Ints  # of each row, in the credit order of its table
    asked: Ints  # (k, 4): table, row, half-open range of service classes, numbered within the table; in the rows' order
    covered: Ints  # (m, 4): plane, peer, half-open range of address classes, numbered over all planes
    rows: Ints  # (planes + 1,) first address class of each plane, and their number
    columns: Ints  # (tables,) number of service classes
    rules: Ints  # (tables,) number of rules: what a cell holds where none admits


class Pages(NamedTuple):
    bits: Ints  # (tables,) of the number of cells of a page
    first: Ints  # (planes,) where in ``table`` the first row of each plane begins
    table: NDArray[np.int32]  # rows of places in ``cells`` where pages begin
    cells: NDArray[np.uint16]


class _Sheets(NamedTuple):
    """What the rules of one peer alone answer, as pages; only those where they have a say."""

    first: Ints  # (peers + 1,) the first sheet of each
    column: Ints  # which page of a row each one is for
    cells: NDArray[np.uint16]


def paginate(grid: Grid) -> Pages:
    bits = np.maximum(_SMALLEST, np.ceil(np.log2(np.maximum(grid.columns, 1)) / 2).astype(np.int64))
    first = np.zeros(len(grid.rows) - 1, dtype=np.int64)
    tables = [np.zeros(0, dtype=np.int32)]
    cells = [np.zeros(0, dtype=np.uint16)]
    for size in np.unique(bits):
        mine = bits == size
        asked, covered = grid.asked[mine[grid.asked[:, 0]]], grid.covered[mine[grid.covered[:, 0] >> 1]]
        columns = np.where(mine, grid.columns, 0)
        begins, table, pages = _paginate(grid._replace(asked=asked, covered=covered, columns=columns), 1 << size)
        first[np.repeat(mine, 2)] = begins[np.repeat(mine, 2)] + sum(map(len, tables))
        tables.append((sum(map(len, cells)) + (table << size)).astype(np.int32))
        cells.append(pages.ravel())
    return Pages(bits, first, np.concatenate(tables), np.concatenate(cells))


def _paginate(grid: Grid, size: int) -> tuple[Ints, Ints, NDArray[np.uint16]]:
    """(where each plane's rows begin, rows of numbers of pages, the pages); a plane without columns gets none."""
    sheets = _draw(grid, size)
    width = np.repeat(-(-grid.columns // size), 2)
    plane, peer, begin, end = grid.covered.T
    whole = (begin == grid.rows[plane]) & (end == grid.rows[plane + 1])
    base = offsets(width)  # a page for all that the plane's rows have in common
    owner, sheet = spread(sheets.first[peer[whole]], sheets.first[peer[whole] + 1])
    nobody = np.repeat(np.repeat(grid.rules, 2), width).astype(np.uint16)
    common = np.repeat(nobody, size).reshape(-1, size)
    _merge(common, base[plane[whole][owner]] + sheets.column[sheet], sheet, sheets.cells)

    of_plane = np.repeat(np.arange(len(width)), np.diff(grid.rows))  # of each row
    rows = offsets(width[of_plane])
    _, table = spread(base[of_plane], base[of_plane + 1])
    span, row = spread(begin[~whole], end[~whole])
    pair, sheet = spread(sheets.first[peer[~whole][span]], sheets.first[peer[~whole][span] + 1])
    slot = rows[row[pair]] + sheets.column[sheet]
    order = np.argsort(slot)
    slot, sheet = slot[order], sheet[order]
    begins = np.flatnonzero(np.diff(slot, prepend=-1))
    slots = slot[begins]
    examples, number = _alike(table[slots], begins, sheet)
    own = common[table[slots[examples]]]
    table[slots] = len(common) + number
    ends = np.append(begins, len(sheet))
    owner, place = spread(begins[examples], ends[examples + 1])
    _merge(own, owner, sheet[place], sheets.cells)
    return rows[grid.rows[:-1]], table, np.concatenate((common, own))


def _alike(base: Ints, begins: Ints, sheet: Ints) -> tuple[Ints, Ints]:
    """Number the pages made of the same sheets over the same page: (one of each, number of each)."""
    seed = 0
    while True:
        mixed = names(int(base.max(initial=-1)) + 1, ~seed & 0xFFFFFF)[:, base]
        if len(begins):
            mixed ^= np.bitwise_xor.reduceat(names(int(sheet.max()) + 1, seed)[:, sheet], begins, axis=1)
        examples, number = distinct(mixed[0])
        if np.array_equal(mixed[1], mixed[1, examples[number]]):
            return examples, number
        seed += 1


def _draw(grid: Grid, size: int) -> _Sheets:
    _, row, begin, end = grid.asked[grid.peer[grid.asked[:, 1]] >= 0].T
    part, column = spread(begin // size, -(-end // size))
    examples, sheet = distinct(grid.peer[row[part]] << 16 | column)
    keys = (grid.peer[row[part]] << 16 | column)[examples]
    cells = np.full((len(keys), size), _NONE, dtype=np.uint16)
    low, high = np.maximum(begin[part], column * size), np.minimum(end[part], (column + 1) * size)
    piece, cell = spread(low + (sheet - column) * size, high + (sheet - column) * size)
    # From the last rule to the first: of several values for one cell the last one stays.
    cells.ravel()[cell[::-1]] = grid.rank[row[part]][piece[::-1]]
    peers = int(grid.covered[:, 1].max(initial=-1)) + 1
    return _Sheets(np.searchsorted(keys, np.arange(peers + 1) << 16), keys & 0xFFFF, cells)


def _merge(pages: NDArray[np.uint16], page: Ints, sheet: Ints, cells: NDArray[np.uint16]) -> None:
    """Put into each page, where it is less, what its sheets say: first one sheet of each, then the next."""
    order = np.argsort(page, kind="stable")
    begins = np.flatnonzero(np.diff(page[order], prepend=-1))
    turn = np.arange(len(page)) - np.repeat(begins, np.diff(begins, append=len(page)))
    order = order[np.argsort(turn, kind="stable")]
    page, sheet = page[order], sheet[order]
    step = _AT_ONCE // pages.shape[1]
    turns = offsets(np.bincount(turn)).tolist()
    for begin, end in pairwise(turns):
        for at in range(begin, end, step):
            target, found = page[at : min(at + step, end)], sheet[at : min(at + step, end)]
            pages[target] = np.minimum(pages[target], cells[found])
