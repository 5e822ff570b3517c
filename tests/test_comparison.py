"""What a change did, observation by observation: verdicts beside what the rules before would have said."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6

from sgsim.captures import from_packets
from sgsim.engine import Effect, Engine, ReferenceEngine, Simulator
from sgsim.engine.comparison import FLOW_LIMIT, TableComparison
from sgsim.layout import PacketColumns, Verdicts
from sgsim.model import Direction, Interface, Rule, SecurityGroup, Topology

HOME, AWAY = "10.0.0.1", "192.0.2.9"
ANY = IPv4Network("0.0.0.0/0")


def world(ports: tuple[int, ...] = (), *, groups: tuple[str, ...] = ("sg-1",), address: str = HOME) -> Topology:
    """One interface, with a group that lets packets to these ports in and everything out."""
    rules = tuple(Rule(f"r{port}", "sg-1", Direction.INGRESS, 6, port, port, ANY) for port in ports)
    out = (Rule("out", "sg-1", Direction.EGRESS, -1, None, None, ANY),)
    interface = Interface("eni-1", addresses=(ip_address(address),), group_ids=groups)
    return Topology({"sg-1": SecurityGroup("sg-1", "", None, rules, out)}, {"eni-1": interface})


def syn(port: int, source: int = 1000) -> IP:
    return IP(src=AWAY, dst=HOME) / TCP(sport=source, dport=port, flags="S")


@pytest.fixture(params=[Simulator, ReferenceEngine])
def compared(request):
    """The effect of a change on packets."""

    def run(before: Topology, after: Topology, packets: list) -> Effect:
        engine: Engine = request.param(before)
        comparison = engine.compare({"eni-1"})
        engine.change(after)
        for batch in from_packets(packets):
            comparison.add(batch.columns, engine.judge_columns(batch.columns))
        return comparison.effect()

    return run


def test_each_packet_and_each_flow(compared) -> None:
    """A flow is counted once, its packets each time that the rules decide about them."""
    packets = [syn(80), syn(80), syn(80, 2000), syn(81), syn(82), syn(82)]
    assert compared(world((81, 82)), world((80, 81)), packets) == Effect(2, 3, 1, 2)


def test_a_flow_may_be_admitted_one_way_and_dropped_the_other(compared) -> None:
    """It is one of each then."""
    answer = IP(src=HOME, dst=AWAY) / TCP(sport=80, dport=1000, flags="SA")
    after = world((80,))
    group = after.groups["sg-1"]
    silent = Topology({"sg-1": SecurityGroup("sg-1", "", None, group.ingress, ())}, after.interfaces)
    assert compared(world(), silent, [answer, syn(80)]) == Effect(1, 1, 1, 1)


def test_packets_of_no_flow(compared) -> None:
    """An ICMP error belongs to none: it is in the number of packets alone."""
    error = IP(src=AWAY, dst=HOME) / ICMP(type=3, code=1)
    everything = Rule("all", "sg-1", Direction.INGRESS, -1, None, None, ANY)
    opened = Topology({"sg-1": SecurityGroup("sg-1", "", None, (everything,), ())}, world().interfaces)
    assert compared(world(), opened, [error, error]) == Effect(0, 2, 0, 0)


def test_later_fragments_are_not_compared(compared) -> None:
    """What becomes of them is their first one's affair."""
    packets = [IP(src=AWAY, dst=HOME, frag=10, id=7, proto=6) / (b"x" * 32), syn(80)]
    assert compared(world((80,)), world(), packets) == Effect(0, 0, 1, 1)


def test_an_interface_that_had_another_address_is_not_compared(compared) -> None:
    """Nobody asked the rules then."""
    assert compared(world((), address="10.0.0.2"), world((80,)), [syn(80)]) == Effect()
    assert compared(Topology({"sg-1": world().groups["sg-1"]}, {}), world((80,)), [syn(80)]) == Effect()


def test_no_groups_admit_everything(compared) -> None:
    """An interface without groups filtered nothing."""
    assert compared(world(groups=()), world(), [syn(80)]) == Effect(0, 0, 1, 1)
    assert compared(world(), world(groups=()), [syn(80)]) == Effect(1, 1, 0, 0)


def test_ipv6(compared) -> None:
    """Addresses of both families."""
    before, after = world(address="2001:db8::1"), world(groups=(), address="2001:db8::1")
    packets = [IPv6(src=f"2001:db8:1::{n}", dst="2001:db8::1") / ICMPv6EchoRequest(id=1) for n in (1, 2, 2)]
    assert compared(before, after, packets) == Effect(2, 3, 0, 0)


def test_so_many_flows_are_told_apart() -> None:
    """The packets of all are counted."""
    engine = Simulator(world())
    comparison = engine.compare({"eni-1"})
    assert isinstance(comparison, TableComparison)
    engine.change(world((80,)))
    (batch,) = from_packets([syn(80)])
    verdicts = engine.judge_columns(batch.columns)
    size, rounds = 1 << 17, 10
    for number in range(rounds):
        columns, many = _many(batch.columns, verdicts, number * size, size)
        comparison.add(columns, many)
    assert comparison.effect() == Effect(FLOW_LIMIT, rounds * size, 0, 0)
    comparison.add(columns, many)  # the flows of before are known
    assert comparison.effect() == Effect(FLOW_LIMIT, (rounds + 1) * size, 0, 0)


def _many(columns: PacketColumns, verdicts: Verdicts, first: int, count: int) -> tuple[PacketColumns, Verdicts]:
    """So many packets like the first one, each of a flow of its own."""
    heads, bodies = np.repeat(columns.heads[:1], count), np.repeat(columns.bodies[:1], count)
    heads["ends"] += np.arange(first, first + count, dtype=np.uint64)
    rows = np.repeat(verdicts.rows[:1], count)
    rows["packet"] = np.arange(count)
    return PacketColumns(heads, bodies, columns.quotes), Verdicts._make(
        [*(rows[n] for n in Verdicts._fields[:-1]), rows]
    )
