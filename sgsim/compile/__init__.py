"""Topology -> MatchTable: references expanded, addresses and services sorted into classes, answers tabulated.

Rules only allow, so their order decides nothing but the credit. A table answers for (address class, service class) with
the first rule in credit order that admits the pair; a rule keeps its identity, a number, all the way into the answer.
An interface asks the tables of its groups one after the other. All tables are made at once, by sorting and counting in
flat arrays, for a VPC may have thousands. Where one topology follows another, tables that would be the same are kept.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from sgsim.compile.changes import same_owners, unchanged_rules
from sgsim.compile.flat import Memory, add_trie
from sgsim.compile.owners import OwnerLine, deciding_blocks, gates_of
from sgsim.compile.peers import Span, addresses_in_use, owned
from sgsim.compile.ragged import Ints
from sgsim.compile.records import Built, add_sides, add_tables
from sgsim.compile.rows import Block, rows_and_sets
from sgsim.compile.sets import AddressLines
from sgsim.compile.tables import tabulate
from sgsim.errors import SelectionError
from sgsim.layout import INTERFACE_BITS, MatchTable
from sgsim.model import Direction, Interface, Settings, Topology

__all__ = ["Compilation", "compile_topology", "octets"]

_MERGED = 1 << 16  # rules of all lists together up to which the groups of a list share a table: one look-up, not five
_GROWN = 2  # times what all tables took when they were made at once: then they are again, without those that are old

GroupList = tuple[tuple[str, ...], str | None]  # the groups of an interface as listed, and its VPC


class Compilation(NamedTuple):
    """The ``table`` of a topology, and what it takes to keep parts of it when another one follows."""

    table: MatchTable
    topology: Topology
    owned: dict[str, list[Span]]  # the addresses of each interface
    lines: AddressLines
    owners: OwnerLine
    built: dict[Block, Built]
    at_once: int  # bytes of its arrays when all of its tables were made at once


def compile_topology(
    topology: Topology,
    interfaces: Sequence[Interface],
    settings: Settings,
    numbers: Ints | None = None,
    before: Compilation | None = None,
) -> Compilation:
    """Match tables for the interfaces, by their places; those with the same list of groups share theirs.

    ``numbers``: by which number answers name each of ``Topology.rules()``; its place there if None. ``before``: of what
    holds until now, with the same settings, numbers and selection, those tables are kept whose groups have the very
    same tuples of rules, where these refer to nothing that has changed. One rule of 300,000, of 5,000 interfaces, then
    takes a thirteenth of the second that all of them take.

    Raises SelectionError for more rules or interfaces than can be told apart.
    """
    if len(interfaces) > INTERFACE_BITS:
        raise SelectionError(f"{len(interfaces)} interfaces: {INTERFACE_BITS} is the most for one run; select fewer")
    with _without_collection():
        return _compile(topology, interfaces, settings, numbers, before if before and _may_grow(before) else None)


def _may_grow(before: Compilation) -> bool:
    """Whether keeping its tables pays: not where they are so few that all are looked up without a search."""
    table = before.table
    return bool((table.tables["root"] < 0).all()) and octets(table) < _GROWN * before.at_once


def octets(table: MatchTable) -> int:
    """The size of what rules say, in bytes."""
    return table.words.nbytes + table.halves.nbytes + table.marks.nbytes


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


def _compile(
    topology: Topology,
    interfaces: Sequence[Interface],
    settings: Settings,
    numbers: Ints | None,
    before: Compilation | None,
) -> Compilation:
    lists: dict[GroupList, int] = {}
    groups = [lists.setdefault((i.group_ids, i.vpc_id), len(lists)) if i.group_ids else -1 for i in interfaces]
    still = before if before is not None and same_owners(before.topology, topology) else None
    owned_by = still.owned if still else _owned_by(topology)
    special = deciding_blocks(topology, settings)
    asked = _asked(topology, lists)
    blocks = dict.fromkeys(block for each in asked for block in each)
    built = _kept(before, blocks, topology, owned_by)
    fresh = [block for block in blocks if block not in built]

    lines = AddressLines(()) if before is None else before.lines
    if not still:
        lines = lines.including(span for each in (*owned_by.values(), *special.values()) for span in each)
    rows, sets, lines = rows_and_sets(topology, fresh, numbers, list(owned_by.values()), lines)
    memory = Memory() if before is None else Memory(before.table, lines.positions_of(before.lines))
    built |= zip(fresh, add_tables(rows, tabulate(rows, sets, len(fresh)), memory), strict=True)
    if still and lines is still.lines:
        owners = still.owners
    else:
        owners = OwnerLine(topology, interfaces, list(owned_by.values()), special, lines)
    vpcs = {vpc_id: n for n, vpc_id in enumerate(dict.fromkeys(vpc_id for _, vpc_id in lists))}
    automatic = memory.marks.add(owners.auto_owners(list(vpcs))) if owners.any_automatic else -1
    sides = add_sides([[built[block] for block in each] for each in asked], memory)
    sides["automatic"] = [
        automatic + owners.count * vpcs[vpc_id] if automatic >= 0 else -1 for _, vpc_id in lists for _ in Direction
    ]
    table = MatchTable(
        intervals=np.int64(add_trie(memory.words, memory.words, owners.trie())),
        words=memory.words.joined(),
        halves=memory.halves.joined(),
        marks=memory.marks.joined(),
        v6_starts=lines.v6_halves,
        v6_first=np.int64(owners.v6_first),
        about=owners.about(),
        gates=gates_of(topology, interfaces, groups),
        sides=sides,
        tables=memory.tables,
    )
    at_once = octets(table) if before is None else before.at_once
    return Compilation(table, topology, owned_by, lines, owners, built, at_once)


def _owned_by(topology: Topology) -> dict[str, list[Span]]:
    in_use = addresses_in_use(topology)
    return {name: owned(interface, in_use) for name, interface in topology.interfaces.items()}


def _asked(topology: Topology, lists: Iterable[GroupList]) -> list[list[Block]]:
    """The blocks that each side asks: a list's groups together, or in a large world each group alone."""
    sides = [(*each, direction) for each in lists for direction in Direction]
    rules = sum(len(topology.groups[g].rules(direction)) for group_ids, _, direction in sides for g in group_ids)
    asked: list[list[Block]] = []
    for group_ids, vpc_id, direction in sides:
        parts = [group_ids] if rules <= _MERGED else [(group_id,) for group_id in group_ids]
        asked.append([(part, vpc_id, direction) for part in parts])
    return asked


def _kept(
    before: Compilation | None, blocks: Iterable[Block], topology: Topology, owned_by: dict[str, list[Span]]
) -> dict[Block, Built]:
    """Where those of the blocks are that would come out the same."""
    if before is None:
        return {}
    same = unchanged_rules(before.topology, topology, before.owned, owned_by)
    return {
        block: before.built[block]
        for block in blocks
        if block in before.built and all((group_id, block[2]) in same for group_id in block[0])
    }
