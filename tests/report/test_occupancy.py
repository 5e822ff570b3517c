"""How many connections there are as time goes on: what an engine says that is asked after each packet."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scapy.layers.inet import IP, UDP

from sgsim.captures import from_packets
from sgsim.engine import Simulator
from sgsim.replay import ENGINES, replay
from sgsim.reports.series.buckets import width_for
from sgsim.reports.series.occupancy import Occupancy
from sgsim.sources import load_topology

SCENARIO = """
security_groups: {web: {ingress: [udp 1000-2000 from 10.0.0.0/8], egress: []}}
interfaces: {web-1: {addresses: [10.0.1.10], groups: [web]}}
"""
START = 1_700_000_000


def packets_of(seed, number=400, seconds=600):
    """Single packets whose connections become idle after 30 s; some are out of order."""
    rng = random.Random(seed)
    found = []
    for place in range(number):
        packet = IP(src=f"10.9.0.{rng.randrange(1, 200)}", dst="10.0.1.10") / UDP(sport=3_000, dport=1_500)
        packet.time = START + place * seconds / number - rng.choice((0, 0, 0, 2))
        found.append(packet)
    return found


@pytest.fixture
def topology(tmp_path):
    (tmp_path / "s.yaml").write_text(SCENARIO)
    return load_topology(tmp_path / "s.yaml")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(3))
def test_as_if_asked_after_each_packet(topology, seed, engine):
    """At the last packet of each interval; connections come and go."""
    packets = packets_of(seed)
    occupancy = Occupancy()
    replay(topology, [packets], engine=engine, occupancy=occupancy)
    clock, asked = -1, []
    simulator = Simulator(topology)
    for packet in packets:
        simulator.judge(packet)
        (batch,) = from_packets([packet])
        clock = max(clock, int(batch.columns.time_ns[0]))
        asked.append((clock, simulator.live_entries()))
    width = width_for(asked[0][0], clock)
    first = asked[0][0] // width
    wanted, latest = np.zeros(clock // width - first + 1, dtype=np.int64), {}
    for time_ns, live in asked:
        latest[time_ns // width - first] = live
    for place in range(len(wanted)):
        wanted[place] = latest.get(place, wanted[place - 1] if place else 0)
    assert occupancy.by_interval(first * width, width, len(wanted)) == wanted.tolist()
    assert min(latest.values()) < max(latest.values()) > latest[max(latest)] - 1
    assert np.diff(wanted).min() < 0 < np.diff(wanted).max()
