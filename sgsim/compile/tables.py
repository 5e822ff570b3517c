"""Rules -> tables of answers, all at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.classes import Classes, Spans, classify
from sgsim.compile.pages import Grid, Pages, paginate
from sgsim.compile.ragged import Ints, distinct, offsets, spread
from sgsim.compile.rows import Rows
from sgsim.compile.sets import LINE, Sets
from sgsim.layout import SERVICES

_FITTING = 1 << 16  # classes of one kind that a table can have: their numbers take 16 bits


class Tables(NamedTuple):
    """``address`` has two lines for each table, IPv4 and IPv6; ``service`` one."""

    of_block: Ints  # (blocks + 1,) first table of each block, and their number
    rules: Ints  # (tables + 1,) first row of each table, and their number
    address: Classes
    service: Classes
    flags: NDArray[np.uint8]  # of each service class, see MatchTable
    pages: Pages


def tabulate(rows: Rows, sets: Sets, blocks: int) -> Tables:
    """The tables of the blocks: one for each, or as many as it takes for 16-bit numbers to suffice."""
    limit = _FITTING - 1
    tables = None
    while tables is None:
        tables = _tabulate(rows, sets, blocks, limit)
        limit //= 2
    return tables


def _tabulate(rows: Rows, sets: Sets, blocks: int, limit: int) -> Tables | None:
    """The same with at most ``limit`` rules a table; None if a table then has too many classes."""
    sizes = np.bincount(rows.block, minlength=blocks)
    rank = np.arange(len(rows.block)) - offsets(sizes)[rows.block]
    of_block = offsets(-(-sizes // limit))
    table = of_block[rows.block] + rank // limit
    count = int(of_block[-1])

    first = offsets(np.bincount(table, minlength=count))

    row, begin, end = rows.service
    service = classify(count, SERVICES, Spans(table[row], begin, end, row))
    known = np.flatnonzero(rows.peer >= 0)
    examples, number = distinct(table[known] << 32 | rows.peer[known])
    peer = np.full(len(rows.peer), -1, dtype=np.int64)
    peer[known] = number
    of_peer = known[examples]
    owner, span = spread(sets.first[rows.peer[of_peer]], sets.first[rows.peer[of_peer] + 1])
    plane = 2 * table[of_peer[owner]] + sets.family[span]
    address = classify(2 * count, LINE, Spans(plane, sets.begin[span], sets.end[span], owner))
    if max(np.diff(service.classes).max(initial=0), np.diff(address.classes).max(initial=0)) > _FITTING:
        return None
    grid = Grid(
        peer=peer,
        rank=rank % limit,
        asked=np.column_stack((table[row], row, service.span - service.classes[table[row]][:, None])),
        covered=np.column_stack((plane, owner, address.span)),
        rows=address.classes,
        columns=np.diff(service.classes),
        rules=np.diff(first),
    )
    return Tables(of_block, first, address, service, _flags(rows, service), paginate(grid))


def _flags(rows: Rows, service: Classes) -> NDArray[np.uint8]:
    bits = rows.everywhere | rows.unresolved << 2
    spans = np.flatnonzero(bits[rows.service[0]])
    owner, column = spread(service.span[spans, 0], service.span[spans, 1])
    flags = np.zeros(service.classes[-1], dtype=np.uint8)
    np.bitwise_or.at(flags, column, bits[rows.service[0][spans[owner]]].astype(np.uint8))
    return flags
