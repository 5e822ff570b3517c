"""The answers of tables in pages.

A table answers for (address class, service class) with the first rule in credit order that admits the pair. Its rows
are cut into pages of PAGE service classes, and equal pages are kept once: a row differs from the others only where the
few rules that are peculiar to its addresses have a say. 10,000 rules take 3 MB so, and 20 MB in whole rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.classes import names
from sgsim.compile.ragged import Ints, distinct, offsets, spread
from sgsim.layout import NOBODY, PAGE

_AT_ONCE = 1 << 18  # sheets that are merged at a time, for memory's sake: 16 MB


class Grid(NamedTuple):
    """Where rules, address classes and service classes of all tables meet.

    A *peer* here is a set of addresses as one table has it, numbered table after table. A plane is a table's half for
    one IP version: 2 * table, and 2 * table + 1.
    """

    peer: Ints  # of each row, or -1: its set is empty
    rank: Ints  # of each row, in the credit order of its table
    asked: Ints  # (k, 3): row, and half-open range of service classes, numbered within the table; in the order of rows
    covered: Ints  # (m, 4): plane, peer, and half-open range of address classes, numbered over all planes
    classes: Ints  # (planes + 1,) first address class of each plane
    width: Ints  # (tables,) pages of a row


class Pages(NamedTuple):
    first: Ints  # (planes,) where in ``table`` the first row of each plane begins
    table: Ints  # rows of pages, by number
    cells: NDArray[np.uint16]  # (pages, PAGE)


class _Sheets(NamedTuple):
    """What the rules of one peer alone answer, as pages; only those where they have a say."""

    first: Ints  # (peers + 1,) the first sheet of each
    column: Ints  # which page of a row each one is for
    cells: NDArray[np.uint16]


def paginate(grid: Grid) -> Pages:
    sheets = _draw(grid)
    planes = len(grid.classes) - 1
    width = np.repeat(grid.width, 2)
    plane, peer, begin, end = grid.covered.T
    whole = (begin == grid.classes[plane]) & (end == grid.classes[plane + 1])
    base = offsets(width)  # a page for all that the plane's classes have in common
    owner, sheet = spread(sheets.first[peer[whole]], sheets.first[peer[whole] + 1])
    common = np.full((base[-1], PAGE), NOBODY, dtype=np.uint16)
    _merge(common, base[plane[whole][owner]] + sheets.column[sheet], sheet, sheets.cells)

    of_plane = np.repeat(np.arange(planes), np.diff(grid.classes))  # of each class
    rows = offsets(width[of_plane])
    _, table = spread(base[of_plane], base[of_plane + 1])
    span, of_class = spread(begin[~whole], end[~whole])
    pair, sheet = spread(sheets.first[peer[~whole][span]], sheets.first[peer[~whole][span] + 1])
    slot = rows[of_class[pair]] + sheets.column[sheet]
    order = np.argsort(slot)
    slot, sheet = slot[order], sheet[order]
    begins = np.flatnonzero(np.diff(slot, prepend=-1))
    slots = slot[begins]
    examples, number = _alike(table[slots], begins, sheet)
    table_base = table[slots[examples]]
    table[slots] = len(common) + number
    own = common[table_base]
    ends = np.append(begins, len(sheet))
    owner, place = spread(begins[examples], ends[examples + 1])
    _merge(own, owner, sheet[place], sheets.cells)
    return Pages(rows[grid.classes[:-1]], table, np.concatenate((common, own)))


def _alike(base: Ints, begins: Ints, sheet: Ints) -> tuple[Ints, Ints]:
    """Number the pages made of the same sheets over the same page: (one of each, number of each)."""
    for seed in range(1 << 16):
        mixed = names(int(sheet.max(initial=-1)) + 1, seed)[:, sheet]
        mixed = np.bitwise_xor.reduceat(mixed, begins, axis=1) if len(begins) else mixed
        mixed ^= names(int(base.max(initial=-1)) + 1, ~seed & 0xFFFFFF)[:, base]
        examples, number = distinct(mixed[0])
        if np.array_equal(mixed[1], mixed[1, examples[number]]):
            break
    return examples, number


def _draw(grid: Grid) -> _Sheets:
    row, begin, end = grid.asked[grid.peer[grid.asked[:, 0]] >= 0].T
    part, column = spread(begin // PAGE, -(-end // PAGE))
    key = grid.peer[row[part]] << 16 | column
    examples, sheet = distinct(key)
    keys = key[examples]
    cells = np.full((len(keys), PAGE), NOBODY, dtype=np.uint16)
    low, high = np.maximum(begin[part], column * PAGE), np.minimum(end[part], (column + 1) * PAGE)
    piece, cell = spread(low + (sheet - column) * PAGE, high + (sheet - column) * PAGE)
    # From the last rule to the first: of several values for one cell the last one stays.
    cells.ravel()[cell[::-1]] = grid.rank[row[part]][piece[::-1]]
    peers = int(grid.covered[:, 1].max(initial=-1)) + 1
    return _Sheets(np.searchsorted(keys, np.arange(peers + 1) << 16), keys & 0xFFFF, cells)


def _merge(pages: NDArray[np.uint16], page: Ints, sheet: Ints, cells: NDArray[np.uint16]) -> None:
    """Put into each page, where it is less, what its sheets say; several may be for one page."""
    order = np.argsort(page, kind="stable")
    page, sheet = page[order], sheet[order]
    begins = np.flatnonzero(np.diff(page, prepend=-1))
    ends = np.append(begins[1:], len(page))
    at = 0
    while at < len(begins):
        stop = max(at + 1, int(np.searchsorted(ends, begins[at] + _AT_ONCE, side="right")))
        here = slice(begins[at], ends[stop - 1])
        merged = np.minimum.reduceat(cells[sheet[here]], begins[at:stop] - begins[at], axis=0)
        targets = page[begins[at:stop]]
        pages[targets] = np.minimum(pages[targets], merged)
        at = stop
