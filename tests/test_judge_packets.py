"""``Simulator.judge``: a packet, several, or one after the other as they come."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.l2 import ARP, Ether
from scapy.plist import PacketList
from scapy.utils import PcapReader, rdpcap

from sgsim.captures import traffic
from sgsim.engine import Simulator
from sgsim.model import Decision, Reason, Verdict
from sgsim.sources import load_topology

EXAMPLE = Path(__file__).resolve().parents[1] / "examples/three-tier"
CONNECTION = traffic.tcp("10.0.1.10", "10.0.2.20", 8080)


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(load_topology(EXAMPLE / "scenario.yaml"))


def expected() -> list[list[Decision]]:
    """Packet by packet, by a simulator of its own."""
    simulator = Simulator(load_topology(EXAMPLE / "scenario.yaml"))
    return [simulator.judge(packet) for packet in CONNECTION]


def test_a_packet(simulator: Simulator):
    """Its decisions, the sender's gate first."""
    found = simulator.judge(CONNECTION[0])
    assert [(each.interface_id, each.direction, each.reason) for each in found] == [
        ("web-1", "egress", Reason.RULE),
        ("app-1", "ingress", Reason.RULE),
    ]


@pytest.mark.parametrize("kind", [list, tuple, PacketList])
def test_several_at_once(simulator: Simulator, kind: Any):
    """A list of decisions for each; what scapy reads from a file is such a list too."""
    assert simulator.judge(kind(CONNECTION)) == expected()


def test_a_generator(simulator: Simulator):
    """An iterator of the same."""
    found = simulator.judge(packet for packet in CONNECTION)
    assert isinstance(found, Iterator)
    assert list(found) == expected()


def test_a_generator_is_asked_for_a_packet_at_a_time(simulator: Simulator):
    """So what it gives may depend on what became of the packet before: a client that stops when it hears nothing."""
    asked: list[int] = []
    answered = True

    def client() -> Iterator[Any]:
        for number, packet in enumerate(traffic.tcp("192.0.2.200", "10.0.1.5", 22)):
            if not answered:
                return
            asked.append(number)
            yield packet

    for decisions in simulator.judge(client()):
        answered = all(decision.verdict is Verdict.ALLOW for decision in decisions)
    assert asked == [0]


def test_a_generator_is_not_kept(simulator: Simulator):
    """A packet is gone when the next one is judged: memory does not grow with the stream."""
    alive: list[weakref.ref[Any]] = []

    def stream() -> Iterator[Any]:
        for number in range(8):  # the collector takes a second each time, late in a long run
            (packet,) = traffic.udp("192.0.2.7", "10.0.1.10", 53, at=number, answered=False)
            alive.append(weakref.ref(packet))
            yield packet

    most = 0
    for _ in simulator.judge(stream()):
        gc.collect()
        most = max(most, sum(each() is not None for each in alive))
    assert len(alive) == 8
    assert most <= 3


def test_a_reader_of_scapys(simulator: Simulator):
    """Packet by packet from a file."""
    packets = rdpcap(str(EXAMPLE / "traffic.pcap"))
    with PcapReader(str(EXAMPLE / "traffic.pcap")) as reader:
        found = list(simulator.judge(reader))
    assert found == Simulator(load_topology(EXAMPLE / "scenario.yaml")).judge(packets)
    assert len(found) == len(packets)


def test_a_packet_that_nobody_guards(simulator: Simulator):
    """No decision, whichever way it is asked."""
    packet = Ether() / ARP()
    assert simulator.judge(packet) == []
    assert simulator.judge([packet]) == [[]]
    assert list(simulator.judge(iter([packet]))) == [[]]


@pytest.mark.parametrize("wrong", [5, "packet", [5], iter([5]), None])
def test_what_is_no_packet(simulator: Simulator, wrong: Any):
    """The error says what a packet is."""
    with pytest.raises(TypeError, match="is no scapy packet that can be judged"):
        list(simulator.judge(wrong))
