"""Workload acl-v1: rule sets of any length, traffic that matches or does not, all packets distinct."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sgsim.compile import compile_topology
from sgsim.engine.packets import packets_of
from sgsim.errors import SelectionError
from sgsim.kernels.alone import match_columns
from sgsim.layout import EGRESS, INGRESS
from sgsim.model import TCP, UDP, Direction, GroupReference, Settings
from sgsim.reference.rules import RuleBook
from sgsim.workload import (
    GUARDED,
    HITS,
    MISSES,
    Acl,
    Traffic,
    Workload,
    acl_topology,
    draw_flows,
    gate_packets,
    topology,
)
from sgsim.workload.columns import ipv4_columns

REFERRING = Acl(rules=100, references=20, members=1_000)


def matched(made, columns, interface_id=GUARDED, direction=Direction.INGRESS):
    interface = made.interfaces[interface_id]
    out = np.empty(len(columns.skip), dtype=np.int32)
    table = compile_topology(made, [interface], Settings()).table
    match_columns(columns, table, 0, EGRESS if direction is Direction.EGRESS else INGRESS, out)
    return out


@pytest.mark.parametrize("rules", [1, 10, 300])
def test_as_many_rules_as_asked_for_and_no_two_alike(rules):
    made = acl_topology(Acl(rules=rules)).rules()
    assert len({(rule.protocol, rule.from_port, rule.to_port, rule.peer) for rule in made}) == len(made) == rules


def test_references_to_groups_with_members():
    """A fifth of the rules; the members are scattered, and together as many as asked for."""
    made = acl_topology(REFERRING)
    assert sum(isinstance(rule.peer, GroupReference) for rule in made.rules()) == 20
    assert sum(len(i.addresses) for i in made.interfaces.values() if i.interface_id != GUARDED) == 1_000
    groups = {i.group_ids for i in made.interfaces.values()}
    assert len(groups) == 21


@pytest.mark.parametrize("acl", [Acl(rules=10), Acl(rules=1_000), REFERRING], ids=["10", "1,000", "references"])
def test_hits_match_nine_times_in_ten_and_misses_hardly_ever(acl):
    made = acl_topology(acl)
    hits = matched(made, gate_packets(made, GUARDED, Direction.INGRESS, 20_000, HITS)) >= 0
    misses = matched(made, gate_packets(made, GUARDED, Direction.INGRESS, 20_000, MISSES)) >= 0
    assert hits.mean() == pytest.approx(0.9, abs=0.01)
    assert misses.mean() < 0.01


def test_every_rule_is_drawn_for():
    made = acl_topology(replace(REFERRING, rules=50, references=10))
    found = matched(made, gate_packets(made, GUARDED, Direction.INGRESS, 20_000))
    assert len(set(found[found >= 0].tolist())) == 50


def test_packets_are_distinct():
    columns = gate_packets(acl_topology(Acl(rules=10)), GUARDED, Direction.INGRESS, 200_000)
    keys = columns.protocol, columns.src_lo, columns.dst_lo, columns.src_port, columns.dst_port
    assert len(np.unique(np.stack([key.astype(np.uint64) for key in keys]), axis=1).T) == 200_000


def test_the_same_seed_draws_the_same_packets():
    made = acl_topology(REFERRING)
    first, again, other = (gate_packets(made, GUARDED, Direction.INGRESS, 500, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not np.array_equal(first.src_lo, other.src_lo)


def test_flows_are_what_the_rules_ask_for():
    """A rule set without ICMP, IPv6 and open rules: other flows take their place, and a tenth is refused."""
    made = acl_topology(Acl(rules=300))
    flows = draw_flows(Traffic(packets=50_000, flows=1_000), made)
    assert set(flows.protocol.tolist()) == {TCP, UDP}
    assert not flows.v6.any()
    columns = ipv4_columns(flows.protocol, flows.src_lo, flows.dst_lo, flows.src_port, flows.dst_port)
    assert np.mean(matched(made, columns) < 0) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(
    ("made", "gate"),
    [
        (acl_topology(Acl(rules=60)), GUARDED),
        (acl_topology(REFERRING), GUARDED),
        (topology(Workload(interfaces=20, lists=5)), "eni-0003"),
    ],
    ids=["plain", "references", "vpc"],
)
def test_the_credited_rule_is_the_reference_s(made, gate, direction):
    """Packet by packet, in both directions, whether it matches or not."""
    if gate == GUARDED and direction is Direction.EGRESS:
        with pytest.raises(SelectionError, match="no egress traffic can be drawn"):
            gate_packets(made, gate, direction, 10)
        return
    columns = gate_packets(made, gate, direction, 300, hits=0.7)
    book, interface = RuleBook(made, Settings()), made.interfaces[gate]
    places = {rule.rule_id: place for place, rule in enumerate(made.rules())}
    expected = [
        next((places[rule.rule_id] for rule in book.matching_rules(interface, direction, packet)), -1)
        for packet in packets_of(columns)
    ]
    assert matched(made, columns, gate, direction).tolist() == expected
    assert -1 in expected
    assert len(set(expected)) > 20
