"""Tables of which some are kept from an earlier topology say what tables say that are made all at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest

from sgsim import compile
from sgsim.compile import Compilation, compile_topology, records, tables
from sgsim.engine.catalogue import Catalogue
from sgsim.kernels.alone import match_columns
from sgsim.layout import PacketColumns
from sgsim.model import Direction, GroupReference, Interface, Packet, Rule, SecurityGroup, Settings, Topology
from sgsim.workload import Workload
from sgsim.workload import topology as made_topology
from tests.differential.changing import changed
from tests.differential.worlds import columns_of, hosts_of, stream_of, topology_of

HOW = Settings()


class Growing:
    """Compiled as one topology follows another, and each time all at once too."""

    def __init__(self, topology: Topology) -> None:
        self.catalogue = Catalogue(topology)
        self.now = self._compiled(None)

    def change(self, topology: Topology, packets: PacketColumns) -> Compilation:
        """What came of it; fails where the two differ about a packet at a gate."""
        self.catalogue = self.catalogue.after(topology)
        self.now, anew = self._compiled(self.now), self._compiled(None)
        assert self.now.table.sides["open"].tolist() == anew.table.sides["open"].tolist()
        out, expected = (np.zeros(len(packets.heads), dtype=np.int32) for _ in range(2))
        for place, interface in enumerate(self.catalogue.present()):
            if interface.group_ids:
                for code in (0, 1):
                    match_columns(packets, self.now.table, place, code, out)
                    match_columns(packets, anew.table, place, code, expected)
                    assert np.array_equal(out, expected), (interface, code, np.flatnonzero(out != expected))
        return self.now

    def _compiled(self, before: Compilation | None) -> Compilation:
        catalogue = self.catalogue
        return compile_topology(catalogue.topology, catalogue.present(), HOW, catalogue.numbers, before)


@pytest.fixture
def _searched() -> Iterator[None]:
    """However few tables there are, they are searched: only such are kept."""
    with patch.object(records, "_DIRECT", 0):
        yield


@pytest.mark.usefixtures("_searched")
@pytest.mark.parametrize("fitting", [8, 1 << 16])
@pytest.mark.parametrize("merged", [0, 1 << 16])
def test_what_is_kept_answers_as_what_is_made_anew(merged, fitting):
    """Random worlds, changed ten times each; the memory grows without end, so that nothing is ever made anew."""
    kept = 0
    with (
        patch.object(compile, "_MERGED", merged),
        patch.object(compile, "_GROWN", 1e9),
        patch.object(tables, "_FITTING", fitting),
    ):
        for seed in range(30):
            rng = random.Random(f"growing {seed}")
            hosts = hosts_of(rng)
            topology = topology_of(rng, hosts)
            packets = columns_of(stream_of(rng, hosts, 400))
            growing = Growing(topology)
            for _ in range(10):
                topology = changed(rng, topology, hosts)
                before = growing.now.built
                built = growing.change(topology, packets).built
                kept += sum(before.get(block) == where for block, where in built.items())
    assert kept > 100


@pytest.mark.usefixtures("_searched")
@pytest.mark.parametrize("moved", ["sg-a", "sg-b"])
def test_a_group_in_another_vpc(moved):
    """Without a peering a reference across VPCs stands for nobody, whichever of its two groups went."""
    rule = Rule("r", "sg-a", Direction.INGRESS, -1, None, None, GroupReference("sg-b"))
    groups = {
        name: SecurityGroup(name, name, "vpc-1", (rule,) if name == "sg-a" else (), ()) for name in ("sg-a", "sg-b")
    }
    hosts = ip_address("10.0.0.1"), ip_address("10.0.0.2")
    interfaces = {
        name: Interface(name, vpc_id="vpc-1", addresses=(host,), group_ids=(name,))
        for name, host in zip(groups, hosts, strict=True)
    }
    world = Topology(groups=groups, interfaces=interfaces)
    packets, out = columns_of([Packet(0, hosts[1], hosts[0], 50)]), np.zeros(1, dtype=np.int32)
    growing = Growing(world)
    for vpc_id, expected in (("vpc-1", 0), ("vpc-2", -1)):
        other = {**groups, moved: replace(groups[moved], vpc_id=vpc_id)}
        match_columns(packets, growing.change(replace(world, groups=other), packets).table, 0, 0, out)
        assert out.tolist() == [expected]


def shorter(world: Topology, group_id: str) -> Topology:
    """The group's last ingress rule is revoked."""
    group = world.groups[group_id]
    return replace(world, groups={**world.groups, group_id: replace(group, ingress=group.ingress[:-1])})


def test_one_rule_makes_one_table():
    """All others are where they were, and are not asked for anew."""
    world = made_topology(Workload(interfaces=40, lists=20, list_lengths=(1,), rules=20))
    growing, packets = Growing(world), columns_of([])
    before = growing.now
    group_id = next(iter(world.groups))
    after = growing.change(shorter(world, group_id), packets)
    assert (len(before.table.tables), len(after.table.tables)) == (40, 41)
    assert {block for block, built in after.built.items() if built != before.built[block]} == {
        ((group_id,), "vpc-1", Direction.INGRESS)
    }
    assert after.lines is before.lines


def test_what_was_replaced_does_not_pile_up():
    """All is made anew before the arrays take three times what they would."""
    world = made_topology(Workload(interfaces=40, lists=20, list_lengths=(1,), rules=20))
    growing, packets, sizes = Growing(world), columns_of([]), []
    for group_id in [*world.groups] * 6:
        world = shorter(world, group_id)
        table = growing.change(world, packets).table
        sizes.append(table.words.nbytes + table.halves.nbytes + table.marks.nbytes)
        assert sizes[-1] < 3 * growing.now.at_once
    assert sum(later < size for size, later in pairwise(sizes)) > 1
