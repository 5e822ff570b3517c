"""Matching alone: the compiled tables credit the rule that the plain judge finds first, however they are laid out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from itertools import islice

import numpy as np
import pytest

from sgsim import compile
from sgsim.compile import records, tables
from sgsim.engine import Simulator
from sgsim.kernels.alone import match_columns
from sgsim.model import Address, Direction, GroupReference, Interface, Packet, Rule, SecurityGroup, Settings, Topology
from sgsim.reference.rules import RuleBook
from tests.differential.test_streams import world
from tests.differential.worlds import columns_of, hosts_of, service_of, stream_of, topology_of

PLACES = {"_MERGED": compile, "_DIRECT": records, "_FITTING": tables}
LAYOUTS = {
    "a table for each list": {},
    "a table for each group": {"_MERGED": 0},
    "found by searching": {"_DIRECT": 0},
    "tables of few rules": {"_FITTING": 8},
    "tables of few rules, not searched": {"_FITTING": 64, "_DIRECT": 1_000},
    "groups of few rules, searched": {"_MERGED": 0, "_DIRECT": 0, "_FITTING": 4},
}


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """One of the ways in which rules are spread over tables; large worlds have others than small ones."""
    for name, value in LAYOUTS[request.param].items():
        monkeypatch.setattr(PLACES[name], name, value)
    return str(request.param)


def assert_same_credit(topology: Topology, packets: list[Packet]) -> int:
    """At each gate, for each packet; returns how often a rule admits one."""
    simulator = Simulator(topology)
    book = RuleBook(topology, Settings())
    columns = columns_of(packets)
    out = np.zeros(len(packets), dtype=np.int32)
    admitted = 0
    for place, interface in enumerate(simulator.interfaces):
        for code, direction in enumerate(Direction):
            match_columns(columns, simulator.table, place, code, out)
            found = [None if n < 0 else simulator.rules[n] for n in out.tolist()]
            expected = [next(iter(book.matching_rules(interface, direction, packet)), None) for packet in packets]
            assert found == expected
            admitted += sum(rule is not None for rule in found)
    return admitted


def test_no_rule_is_credited_differently(layout):
    """Small random worlds: fragments, both IP versions, references, prefix lists, peerings."""
    admitted = 0
    for seed in range(40):
        rng = random.Random(seed)
        hosts = hosts_of(rng)
        admitted += assert_same_credit(topology_of(rng, hosts), stream_of(rng, hosts, 40))
    assert admitted > 100


def test_streams_are_judged_alike(layout):
    """Tracking asks the same tables, both directions of them."""
    for seed in range(15):
        world(seed)


def long_lists(rng: random.Random, rules: int) -> Topology:
    """An interface with two long groups: nested CIDRs, overlapping ranges of ports, groups of scattered members."""
    groups = {}
    for group_id in ("sg-0", "sg-1"):
        made: dict[Direction, list[Rule]] = {direction: [] for direction in Direction}
        for direction, own in made.items():
            for n in range(rules):
                service = service_of(rng)
                if service[0] in (6, 17) and rng.random() < 0.8:
                    low = rng.randrange(2_000)
                    service = (service[0], low, min(65_535, low + rng.choice((0, 0, 1, 30, 900, 70_000))))
                peer = GroupReference(f"sg-{rng.randrange(2, 6)}") if rng.random() < 0.2 else network_of(rng)
                own.append(Rule(f"{group_id}/{direction}/{n}", group_id, direction, *service, peer))
        groups[group_id] = SecurityGroup(group_id, "", None, *(tuple(own) for own in made.values()))
    groups |= {f"sg-{n}": SecurityGroup(f"sg-{n}", "", None, (), ()) for n in range(2, 6)}
    interfaces = {"eni-0": Interface("eni-0", addresses=(IPv4Address("10.0.0.1"),), group_ids=("sg-1", "sg-0"))}
    for n in range(20):
        own_addresses = (IPv4Address("16.0.0.0") + rng.randrange(1 << 12), IPv6Address("2600::") + rng.randrange(64))
        member_of = tuple(rng.sample([f"sg-{m}" for m in range(2, 6)], 2))
        if not any(set(own_addresses) & set(other.addresses) for other in interfaces.values()):
            interfaces[f"eni-m{n}"] = Interface(f"eni-m{n}", addresses=own_addresses, group_ids=member_of)
    return Topology(groups=groups, interfaces=interfaces)


def network_of(rng: random.Random) -> IPv4Network | IPv6Network:
    if rng.random() < 0.2:
        return IPv6Network((0x26 << 120 | rng.getrandbits(6), rng.choice((0, 8, 122, 126, 128))), strict=False)
    return IPv4Network(
        ((16 << 24) + rng.getrandbits(12), rng.choice((0, 7, 8, 16, 20, 21, 24, 25, 28, 32))), strict=False
    )


def edge_packets(rng: random.Random, topology: Topology) -> Iterator[Packet]:
    """Packets whose remote address and port lie on the edges of what rules ask for, or just outside."""
    rules = [rule for rule in topology.rules() if not isinstance(rule.peer, GroupReference)]
    members = [ip_network(address) for i in topology.interfaces.values() for address in i.addresses]
    while True:
        network = rng.choice(members) if rng.random() < 0.3 else rng.choice(rules).peer
        assert isinstance(network, IPv4Network | IPv6Network)
        step = rng.choice((-1, 0, 0, 1))
        number = int(rng.choice((network.network_address, network.broadcast_address))) + step
        remote: Address = type(network.network_address)(number % (1 << network.max_prefixlen))
        local: Address = IPv4Address("10.0.0.1") if remote.version == 4 else IPv6Address("2600::1:0")
        asked = rng.choice(topology.rules())
        port = ((asked.from_port if rng.random() < 0.5 else asked.to_port) or 0) + rng.choice((-1, 0, 0, 1))
        src, dst = (remote, local) if rng.random() < 0.5 else (local, remote)
        yield Packet(0, src, dst, rng.choice((6, 17)), src_port=1, dst_port=port % 65_536)


@pytest.mark.parametrize("rules", [3, 40, 300])
def test_long_lists_are_credited_alike_on_every_edge(layout, rules):
    """More rules than a page has columns; intervals that begin and end at all levels of the trie."""
    rng = random.Random(rules)
    topology = long_lists(rng, rules)
    packets = list(islice(edge_packets(rng, topology), 1_500))
    assert assert_same_credit(topology, packets) > 100


def test_an_interface_without_groups_credits_nothing():
    """It is not filtered: no rule has a part in that."""
    topology = Topology(interfaces={"eni-0": Interface("eni-0", addresses=(IPv4Address("10.0.0.1"),))})
    out = np.zeros(1, dtype=np.int32)
    packet = Packet(0, IPv4Address("1.1.1.1"), IPv4Address("10.0.0.1"), 6, src_port=1, dst_port=2)
    match_columns(columns_of([packet]), Simulator(topology).table, 0, 0, out)
    assert out.tolist() == [-1]
