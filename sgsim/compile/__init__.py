"""Topology -> MatchTable: references expanded, addresses and services sorted into classes, answers tabulated.

Rules only allow, so their order decides nothing but the credit. A table answers for (address class, service class) with
the first rule in credit order that admits the pair; a rule keeps its identity (its place in ``Topology.rules()``) all
the way into the answer. An interface asks the tables of its groups one after the other. All tables are made at once, by
sorting and counting in flat arrays, for a VPC may have thousands.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.direct import direct
from sgsim.compile.owners import OwnerLine, deciding_blocks, gates_of
from sgsim.compile.peers import addresses_in_use, owned
from sgsim.compile.ragged import Ints, offsets
from sgsim.compile.rows import Block, Rows, rows_and_sets
from sgsim.compile.tables import Tables, tabulate
from sgsim.layout import SIDE, MatchTable
from sgsim.model import Direction, Interface, Settings, Topology

__all__ = ["compile_topology"]

_MERGED = 1 << 16  # rules of all lists together up to which the groups of a list share a table: one look-up, not five
_DIRECT = 8  # tables that are looked up without a search, the largest ones: each takes a megabyte for it

GroupList = tuple[tuple[str, ...], str | None]  # the groups of an interface as listed, and its VPC


def compile_topology(topology: Topology, interfaces: list[Interface], settings: Settings) -> MatchTable:
    """Match tables for the selected interfaces; those with the same list of groups share theirs.

    Raises OverflowError for more rules than answers can tell apart.
    """
    with _without_collection():
        return _compile(topology, interfaces, settings)


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


def _compile(topology: Topology, interfaces: list[Interface], settings: Settings) -> MatchTable:
    lists: dict[GroupList, int] = {}
    groups = [lists.setdefault((i.group_ids, i.vpc_id), len(lists)) if i.group_ids else -1 for i in interfaces]
    vpc_ids = list(dict.fromkeys(vpc_id for _, vpc_id in lists))
    gates = gates_of(topology, interfaces, groups)
    special = deciding_blocks(topology, gates, settings)
    in_use = addresses_in_use(topology)
    owned_by = [owned(interface, in_use) for interface in topology.interfaces.values()]
    asked, blocks = _blocks(topology, lists)
    rows, sets, lines = rows_and_sets(topology, blocks, owned_by, [span for found in special.values() for span in found])
    owners = OwnerLine(topology, owned_by, special, lines)
    tables = tabulate(rows, sets, len(blocks))
    records = tables.records()
    largest = np.argsort(-np.diff(tables.rules), kind="stable")[:_DIRECT]
    records["direct"][largest] = np.arange(len(largest))
    automatic = owners.auto_owners(vpc_ids)
    sides, chain = _sides(rows, tables, asked)
    sides["automatic"] = [
        owners.count * vpc_ids.index(vpc_id) if len(automatic) else -1 for _, vpc_id in lists for _ in Direction
    ]
    found = owners.trie()
    v6_hi, v6_lo = lines.v6_halves()
    at_once = direct(tables, largest.tolist())
    return MatchTable(
        root=found.root,
        nodes=found.nodes,
        leaves=found.leaves.astype(np.uint32),
        v6_hi=v6_hi,
        v6_lo=v6_lo,
        v6_first=np.int64(owners.v6_first),
        about=owners.about(interfaces),
        auto_owner=automatic,
        gates=gates,
        sides=sides,
        chain=chain,
        tables=records,
        starts=tables.address.starts.astype(np.uint32),
        rows=_within(tables.address.interval, tables.address.classes),
        service_starts=tables.service.starts.astype(np.uint32),
        columns=_within(tables.service.interval, tables.service.classes),
        flags=tables.flags,
        pages=tables.pages.table,
        cells=tables.pages.cells,
        rules=np.insert(rows.place, tables.rules[1:], -1).astype(np.int32),
        direct_roots=at_once.roots,
        direct_nodes=at_once.nodes,
        direct_leaves=at_once.leaves,
        direct_columns=at_once.services,
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


def _sides(rows: Rows, tables: Tables, asked: list[list[int]]) -> tuple[NDArray[np.void], NDArray[np.int32]]:
    """(records of SIDE but for ``automatic``, the tables of each side in turn)."""
    of_block = np.zeros(len(tables.of_block) - 1, dtype=np.uint8)
    admits = np.where(rows.everywhere == 0, 0, rows.all_ports << 2 * (rows.everywhere == 2))
    np.bitwise_or.at(of_block, rows.block, admits.astype(np.uint8))
    chains = [[n for block in each for n in range(*tables.of_block[block : block + 2])] for each in asked]
    sides = np.zeros(len(asked), dtype=SIDE)
    ends = offsets(np.array([len(chain) for chain in chains], dtype=np.int64))
    sides["begin"], sides["end"] = ends[:-1], ends[1:]
    sides["open"] = [np.bitwise_or.reduce(of_block[each], initial=0) for each in asked]
    return sides, np.array([n for chain in chains for n in chain], dtype=np.int32)


def _within(classes: Ints, first: Ints) -> NDArray[np.uint16]:
    """Classes numbered within their lines; ``first`` is the first class of each line."""
    return (classes - first[np.searchsorted(first, classes, side="right") - 1]).astype(np.uint16)
