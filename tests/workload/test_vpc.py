"""Workload vpc-v2 is what its description says, the same every time, and judged alike by engine and reference."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from sgsim.captures import merged, open_capture
from sgsim.engine import Simulator
from sgsim.errors import SelectionError
from sgsim.layout import FIRST_DROP, OPENED
from sgsim.model import EVERYWHERE, ICMP, ICMPV6, TCP, UDP, Direction, GroupReference, Settings, Topology
from sgsim.workload import Workload, draw_flows, topology, write_stream
from tests.differential.compare import assert_same

SMALL = Workload(packets=100_000, flows=2_000)


def written(path, workload, times=1):
    made = topology(workload)
    write_stream(path, draw_flows(workload, made), workload.seed, times)
    return made


def batches(path):
    with open_capture(os.fspath(path)) as capture:
        for batch in merged([capture]):
            yield batch.columns


def rows_of(*columns):
    return zip(*(column.tolist() for column in columns), strict=True)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("vpc") / "small.pcap"
    return written(path, SMALL), path


def test_the_rules(small):
    """250 interfaces over 25 distinct lists of one to five groups, 60 rules an interface and direction, a fifth of
    them references."""
    made, _ = small
    lists = Counter(interface.group_ids for interface in made.interfaces.values())
    assert sorted(lists.values()) == [10] * 25
    assert Counter(map(len, lists)) == {1: 5, 2: 5, 3: 5, 4: 5, 5: 5}
    for group_ids in lists:
        for direction in Direction:
            rules = [rule for group_id in group_ids for rule in made.groups[group_id].rules(direction)]
            assert len(rules) == 60
            assert sum(isinstance(rule.peer, GroupReference) for rule in rules) == 12


def test_what_one_group_asks_of_another_is_let_in(small):
    """Each egress reference has its ingress reference, so that a flow can pass two gates."""
    made, _ = small

    def references(direction):
        for rule in made.rules():
            if rule.direction is direction and isinstance(rule.peer, GroupReference):
                ends = (rule.group_id, rule.peer.group_id)
                yield (ends if direction is Direction.EGRESS else ends[::-1], rule.protocol, rule.from_port)

    assert Counter(references(Direction.EGRESS)) == Counter(references(Direction.INGRESS))


def test_the_packets(small):
    """Exactly as many as asked for, 64 to 128 bytes, 75 % TCP, 20 % UDP, 5 % echo, 10 % IPv6, none unreadable."""
    _, path = small
    protocols, lengths, v6 = Counter(), Counter(), 0
    for columns in batches(path):
        assert not columns.skip.any()
        protocols.update(columns.protocol.tolist())
        lengths.update(columns.length.tolist())
        v6 += int((columns.version == 6).sum())
    assert protocols[TCP] == 75_000
    assert protocols[UDP] == 20_000
    assert protocols[ICMP] + protocols[ICMPV6] == 5_000
    assert protocols[ICMPV6]
    assert v6 == pytest.approx(10_000, rel=0.1)
    assert set(lengths) == set(range(64, 129))
    assert sum(length * count for length, count in lengths.items()) == pytest.approx(96 * 100_000, rel=0.01)


def test_the_verdicts(small):
    """A tenth of the packets dropped at some gate, a fifth of the flows untracked, a sixth between two interfaces."""
    made, path = small
    simulator, dropped, twice, opened = Simulator(made), 0, 0, 0
    for columns in batches(path):
        verdicts = simulator.judge_columns(columns)
        dropped += len(np.unique(verdicts.packet[verdicts.reason >= FIRST_DROP]))
        twice += len(verdicts.packet) - len(np.unique(verdicts.packet))
        opened += int(((verdicts.flags & OPENED) > 0).sum())
    assert dropped == pytest.approx(10_000, rel=0.15)
    assert twice == pytest.approx((1 / 6 + 0.025) * 100_000, rel=0.15)
    assert opened == pytest.approx((1 - 0.2 - 0.1 + 1 / 6) * 2_000, rel=0.05)  # two of each that passes two gates


def test_tcp_flows_open_and_close(small):
    """Each begins with a SYN and ends with the ACK of two FINs, or with a RST."""
    _, path = small
    courses = {}
    for columns in batches(path):
        ends = (columns.src_hi, columns.src_lo, columns.src_port, columns.dst_hi, columns.dst_lo, columns.dst_port)
        for protocol, flags, *both in rows_of(columns.protocol, columns.tcp_flags, *ends):
            if protocol == TCP:
                courses.setdefault(frozenset((tuple(both[:3]), tuple(both[3:]))), []).append(flags)
    assert len(courses) == 1_500
    assert all(course[:3] == [2, 18, 16] for course in courses.values())
    endings = Counter("reset" if c[-1] == 20 else "closed" if c[-3:] == [17, 17, 16] else c for c in courses.values())
    assert endings == {"reset": 375, "closed": 1_125}


def test_flows_are_interleaved_and_their_lengths_pareto(small):
    made, _ = small
    lengths = np.sort(draw_flows(SMALL, made).packets)[::-1]
    assert lengths.sum() == 100_000
    assert lengths[:200].sum() > 0.4 * 100_000
    assert lengths[-1] >= 2


def test_the_same_seed_makes_the_same_stream_and_another_one_another(small, tmp_path):
    _, path = small
    written(tmp_path / "again.pcap", SMALL)
    written(tmp_path / "other.pcap", replace(SMALL, seed=2))
    made = [sha256(p.read_bytes()).digest() for p in (path, tmp_path / "again.pcap", tmp_path / "other.pcap")]
    assert made[0] == made[1] != made[2]


def test_a_stream_can_be_repeated_later_in_time(tmp_path):
    """Three times the packets: the same bytes but for the times, which go on."""
    workload = replace(SMALL, packets=3_000, flows=100)
    written(tmp_path / "once.pcap", workload)
    written(tmp_path / "thrice.pcap", workload, times=3)
    once, times = (
        np.concatenate([columns.time_ns.copy() for columns in batches(tmp_path / f"{name}.pcap")])
        for name in ("once", "thrice")
    )
    assert len(times) == 9_000
    assert (np.diff(times) > 0).all()
    assert np.array_equal(times[:3_000], once)
    assert len(np.unique(np.diff(times.reshape(3, 3_000), axis=0))) == 1
    records = (tmp_path / "once.pcap").read_bytes()[24:], (tmp_path / "thrice.pcap").read_bytes()[24:]
    size = len(records[0])
    last = np.frombuffer(records[1][2 * size :], np.uint8) != np.frombuffer(records[0], np.uint8)
    assert 0 < last.sum() <= 8 * 3_000


def test_the_checksums_are_right(tmp_path):
    """scapy, asked to make them anew, makes the same ones."""
    from scapy.layers.inet6 import IPv6
    from scapy.utils import rdpcap

    written(tmp_path / "few.pcap", replace(SMALL, packets=400, flows=80, ipv6=0.4))
    met = set()
    for packet in rdpcap(os.fspath(tmp_path / "few.pcap")):
        fresh = packet.copy()
        for layer in fresh.iterpayloads():
            for field in {"chksum", "cksum"} & set(layer.fields):
                layer.delfieldval(field)
                met.add((type(layer).__name__, packet.haslayer(IPv6)))
        assert bytes(fresh) == bytes(packet), packet.summary()
    assert met == {
        *{("IP", 0), ("TCP", 0), ("UDP", 0), ("ICMP", 0), ("TCP", 1), ("UDP", 1)},
        *{("ICMPv6EchoRequest", 1), ("ICMPv6EchoReply", 1)},
    }


@pytest.mark.parametrize(
    "workload",
    [
        Workload(packets=6_000, flows=300, interfaces=20, lists=10, rules=20),
        Workload(packets=4_000, flows=200, interfaces=10, lists=10, list_lengths=(1,), rules=7, ipv6=0.5, seed=3),
        Workload(packets=300, flows=200, interfaces=2, lists=1, rules=1, ipv6=0.0),
    ],
    ids=["small", "one group each", "one rule"],
)
def test_engine_and_reference_agree(workload, tmp_path):
    made = written(tmp_path / "stream.pcap", workload)
    assert assert_same(made, Settings(), batches(tmp_path / "stream.pcap"))


def test_what_cannot_be_drawn_is_refused():
    """One line that says why: nothing is admitted, or there are more flows than packets."""
    with pytest.raises(SelectionError, match="no rule of an interface admits"):
        draw_flows(SMALL, Topology())
    with pytest.raises(SelectionError, match="a packet for each"):
        draw_flows(replace(SMALL, flows=200_000), topology(SMALL))


def test_the_open_tier_is_open_to_everywhere(small):
    made, _ = small
    web = made.groups["sg-0000a"]
    assert [(rule.protocol, rule.from_port, rule.peer) for rule in web.ingress[:2]] == [
        (TCP, 443, EVERYWHERE[4]),
        (TCP, 443, EVERYWHERE[6]),
    ]
