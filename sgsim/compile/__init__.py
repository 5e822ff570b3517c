"""Topology -> MatchTable: references expanded, addresses and services sorted into classes, answers tabulated.

Rules only allow, so their order decides nothing but the credit. A table answers for (address class, service class) with
the first rule in credit order that admits the pair; a rule keeps its identity, a number, all the way into the
answer. An interface asks the tables of its groups one after the other. All tables are made at once, by
sorting and counting in flat arrays, for a VPC may have thousands.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.classes import Classes
from sgsim.compile.flat import Flat, add_direct, add_trie
from sgsim.compile.owners import OwnerLine, deciding_blocks, gates_of
from sgsim.compile.peers import addresses_in_use, owned
from sgsim.compile.ragged import Ints, offsets
from sgsim.compile.rows import Block, Rows, rows_and_sets
from sgsim.compile.tables import Tables, tabulate
from sgsim.errors import SelectionError
from sgsim.layout import INTERFACE_BITS, SIDE, TABLE, MatchTable
from sgsim.model import Direction, Interface, Settings, Topology

__all__ = ["compile_topology"]

_MERGED = 1 << 16  # rules of all lists together up to which the groups of a list share a table: one look-up, not five
_DIRECT = 8  # tables at most, that they are looked up without a search: it takes a megabyte of each, which only pays
# where all of that stays in the caches

GroupList = tuple[tuple[str, ...], str | None]  # the groups of an interface as listed, and its VPC


def compile_topology(
    topology: Topology, interfaces: list[Interface], settings: Settings, numbers: Ints | None = None
) -> MatchTable:
    """Match tables for the selected interfaces; those with the same list of groups share theirs.

    ``numbers``: by which number answers name each of ``Topology.rules()``; its place there if None.
    Raises SelectionError for more rules or interfaces than can be told apart.
    """
    if len(interfaces) > INTERFACE_BITS:
        raise SelectionError(f"{len(interfaces)} interfaces: {INTERFACE_BITS} is the most for one run; select fewer")
    with _without_collection():
        return _compile(topology, interfaces, settings, numbers)


@contextmanager
def _without_collection() -> Iterator[None]:
    """No garbage is made meanwhile, and to look for it among 300,000 rules takes half a second each time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _compile(topology: Topology, interfaces: list[Interface], settings: Settings, numbers: Ints | None) -> MatchTable:
    lists: dict[GroupList, int] = {}
    groups = [lists.setdefault((i.group_ids, i.vpc_id), len(lists)) if i.group_ids else -1 for i in interfaces]
    vpcs = {vpc_id: n for n, vpc_id in enumerate(dict.fromkeys(vpc_id for _, vpc_id in lists))}
    gates = gates_of(topology, interfaces, groups)
    special = deciding_blocks(topology, settings)
    in_use = addresses_in_use(topology)
    owned_by = [owned(interface, in_use) for interface in topology.interfaces.values()]
    asked, blocks = _blocks(topology, lists)
    rows, sets, lines = rows_and_sets(
        topology, blocks, numbers, owned_by, [span for found in special.values() for span in found]
    )
    owners = OwnerLine(topology, interfaces, owned_by, special, lines)
    tables = tabulate(rows, sets, len(blocks))
    words, halves, marks = Flat(np.uint32), Flat(np.uint16), Flat(np.uint8)
    intervals = add_trie(words, words, owners.trie())
    automatic = marks.add(owners.auto_owners(list(vpcs))) if owners.any_automatic else -1
    sides = _sides(rows, tables, asked, words)
    sides["automatic"] = [
        automatic + owners.count * vpcs[vpc_id] if automatic >= 0 else -1 for _, vpc_id in lists for _ in Direction
    ]
    return MatchTable(
        tables=_records(rows, tables, words, halves, marks),
        words=words.joined(),
        halves=halves.joined(),
        marks=marks.joined(),
        intervals=np.int64(intervals),
        v6_starts=lines.v6_halves(),
        v6_first=np.int64(owners.v6_first),
        about=owners.about(),
        gates=gates,
        sides=sides,
    )


def _blocks(topology: Topology, lists: Iterable[GroupList]) -> tuple[list[list[int]], list[Block]]:
    """(blocks that each side asks, the blocks): a list's groups together, or in a large world each group alone."""
    sides = [(*each, direction) for each in lists for direction in Direction]
    rules = sum(len(topology.groups[g].rules(direction)) for group_ids, _, direction in sides for g in group_ids)
    numbers: dict[Block, int] = {}
    asked = []
    for group_ids, vpc_id, direction in sides:
        parts = [group_ids] if rules <= _MERGED else [(group_id,) for group_id in group_ids]
        asked.append([numbers.setdefault((part, vpc_id, direction), len(numbers)) for part in parts])
    return asked, list(numbers)


def _sides(rows: Rows, tables: Tables, asked: list[list[int]], words: Flat) -> NDArray[np.void]:
    """Records of SIDE, but for ``automatic``."""
    of_block = np.zeros(len(tables.of_block) - 1, dtype=np.uint8)
    admits = np.where(rows.everywhere == 0, 0, rows.all_ports << 2 * (rows.everywhere == 2))
    np.bitwise_or.at(of_block, rows.block, admits.astype(np.uint8))
    chains = [[n for block in each for n in range(*tables.of_block[block : block + 2])] for each in asked]
    sides = np.zeros(len(asked), dtype=SIDE)
    ends = offsets(np.array([len(chain) for chain in chains], dtype=np.int64))
    ends += words.add(np.array([n for chain in chains for n in chain], dtype=np.int64))
    sides["begin"], sides["end"] = ends[:-1], ends[1:]
    sides["open"] = [np.bitwise_or.reduce(of_block[each], initial=0) for each in asked]
    return sides


def _records(rows: Rows, tables: Tables, words: Flat, halves: Flat, marks: Flat) -> NDArray[np.void]:
    """Records of TABLE."""
    address, service, pages = tables.address, tables.service, tables.pages
    records = np.zeros(len(tables.rules) - 1, dtype=TABLE)
    records["root"] = -1
    if len(records) <= _DIRECT:
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
