"""Logs made from replayed captures: what flowlogs says of the records is what replay said of their packets."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from sgsim.captures.flowlogs import parse_format
from sgsim.model import RecordVerdict, Topology
from sgsim.replay import replay
from sgsim.reports.flowlogs.disagreements import Cause
from sgsim.reports.flowlogs.summary import LogSummary
from sgsim.sources import load_topology
from sgsim.workload import STREAMS, draw_flows, topology, write_stream
from tests.flowlogs.aggregate import V5, FlowLog, is_icmp, logged
from tests.flowlogs.judging import judged
from tests.flowlogs.plain import V2

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/three-tier"
FORMATS = {
    "v2": V2,
    "v5": list(parse_format(V5)),
    "v5 without direction": [n for n in parse_format(V5) if n != "flow-direction"],
}


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("interval", [2, 10, 60, 600])
@pytest.mark.parametrize("names", FORMATS.values(), ids=FORMATS)
def test_the_example_capture(tmp_path, names, interval, shuffled):
    """Whatever the format, the interval and the order: only the ICMP error about a connection cannot be told."""
    world = load_topology(EXAMPLE / "scenario.yaml")
    log = logged(world, [EXAMPLE / "traffic.pcap"], interval=interval)
    summary, _ = compared(tmp_path, world, log, names, shuffled)
    assert [(each.cause, each.records) for each in summary.disagreements] == [(Cause.ICMP_ERROR, 1)]
    assert summary.by_verdict[RecordVerdict.POSSIBLE] <= 6


@pytest.fixture(scope="module")
def stream(tmp_path_factory) -> tuple[Topology, FlowLog]:
    """A small ``vpc`` workload: references, untracked and refused flows, both IP versions, many interfaces."""
    workload = replace(STREAMS["vpc-v2"], packets=40_000, flows=2_000, interfaces=30, lists=10)
    made = topology(workload)
    path = tmp_path_factory.mktemp("stream") / "stream.pcap"
    write_stream(path, draw_flows(workload, made), workload.seed)
    return made, logged(made, [path])


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("names", FORMATS.values(), ids=FORMATS)
def test_a_stream(tmp_path, stream, names, shuffled):
    """No verdict disagrees; only possible is ICMP, and what has two ports that clients use."""
    made, log = stream
    summary, found = compared(tmp_path, made, log, names, shuffled)
    assert summary.judged == len(log.lines) > 4_000
    assert not summary.disagreements
    unsure = [record for record in found.values() if record["verdict"] == "possible"]
    assert all(
        is_icmp(record["protocol"]) or min(record["src_port"], record["dst_port"]) >= 32_768 for record in unsure
    )
    assert summary.actions["REJECT"]["drop"] > 50


def compared(
    tmp_path: Path, world: Topology, log: FlowLog, names: list[str], shuffled: bool
) -> tuple[LogSummary, dict[int, dict[str, object]]]:
    """Judge the log; then each record's verdict and reason against those of its packets, one by one."""
    order = list(range(len(log.lines)))
    if shuffled:
        random.Random(7).shuffle(order)
    summary, found = judged(world, log.write(tmp_path / "flow.log", names, order))
    keys = list(log.lines.items())
    for line, record in found.items():
        key, packets = keys[order[line - 2]]
        assert (record["eni"], record["direction"]) == (key[0], "egress" if key[1] else "ingress")
        accepted = key[-2]
        expected = {"allow", "possible"} if accepted else {"drop", "possible"}
        if record["verdict"] not in expected:
            assert is_icmp(int(record["protocol"]))
            continue
        assert record["agrees"] in (True, None)
        if record["verdict"] != "possible" and not is_icmp(int(record["protocol"])):  # of which nothing says who asked
            assert record["reason"] in packets.reasons, (record, packets)
    return summary, found


def test_the_story_of_a_rule(tmp_path, stream):
    """A rule's packets and bytes are those that replay credits to it, where it is known who asked."""
    path = tmp_path / "again.pcap"
    workload = replace(STREAMS["vpc-v2"], packets=40_000, flows=2_000, interfaces=30, lists=10)
    made, log = stream
    write_stream(path, draw_flows(workload, made), workload.seed)
    summary, _ = compared(tmp_path, made, log, FORMATS["v5"], shuffled=True)
    expected = {count.rule.rule_id: count for count in replay(made, [path]).rules}
    known = [count for count in summary.rules if not count.possible and not count.perhaps]
    for count in known:
        theirs = expected[count.rule.rule_id]
        assert (count.packets, count.bytes) == (theirs.packets, theirs.bytes), count
    assert sum(count.records > 0 for count in known) > 100
    assert all(expected[rule.rule_id].packets == 0 for rule in summary.unused)
