"""Rows of flows: what a dictionary counts, whatever the batches, and the same in every form of file."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sgsim.captures import MergedBatch, traffic
from sgsim.engine import Engine, ReferenceEngine, Simulator
from sgsim.engine.packets import packets_of
from sgsim.layout import EGRESS, REASONS, PacketColumns, Verdicts
from sgsim.model import Direction, FragmentKind, Packet, Reason, Verdict
from sgsim.replay import Outputs, replay
from sgsim.reports import flows
from sgsim.reports.flowfiles import FLOW_FIELDS, FlowText
from sgsim.reports.flows import FlowRecords, Records
from tests.differential.test_streams import pieces
from tests.differential.worlds import columns_of, hosts_of, settings_of, stream_of, topology_of
from tests.test_reports_tally import observations

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/three-tier"

Row = dict[str, Any]


class Kept(NamedTuple):
    """What a sink was given, as records; ``closed``: complete or not."""

    rows: list[Row]
    sizes: list[int]
    closed: list[bool]


class Sink:
    """Takes rows as the writer of NDJSON does, and reads them again."""

    def __init__(self, engine: Engine) -> None:
        self.kept = Kept([], [], [])
        self._text = FlowText(self, "ndjson", engine)  # type: ignore[arg-type]
        self._lines = b""

    def write(self, rows: Any, begins: Records | None = None) -> int:
        if begins is None:  # a line's bytes, from the writer
            self._lines += rows
            return len(rows)
        self._text.write(rows, begins)
        self.kept.rows.extend(json.loads(line) for line in self._lines.splitlines())
        self.kept.sizes.append(len(rows))
        self._lines = b""
        return len(rows)

    def close(self, complete: bool) -> None:
        self.kept.closed.append(complete)


def merged_batch(columns: PacketColumns) -> MergedBatch:
    count = len(columns.heads)
    return MergedBatch(columns, (), np.zeros(count, dtype=np.int32), np.arange(1, count + 1), ())


def gathered(engine: Engine, batches: Sequence[PacketColumns]) -> tuple[Kept, list[Row]]:
    """The rows of a stream; and what the dictionary below counts."""
    sink, counted = Sink(engine), Naive(engine)
    with FlowRecords(sink) as records:
        for columns in batches:
            verdicts = engine.judge_columns(columns)
            records.write(merged_batch(columns), verdicts)
            counted.add(columns, verdicts)
    return sink.kept, list(counted.rows.values())


class Naive:
    """One observation after the other, in a dictionary."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.rows: dict[tuple[object, ...], Row] = {}

    def add(self, columns: PacketColumns, verdicts: Verdicts) -> None:
        packets = list(packets_of(columns))
        rows = zip(*(column.tolist() for column in verdicts[:5]), strict=True)
        for row, place, direction, code, rule in rows:
            packet = packets[row]
            assert packet is not None
            self._count(packet, place, direction, code, rule)

    def _count(self, packet: Packet, place: int, direction: int, code: int, rule: int) -> None:
        reason = REASONS[code]
        decided = (Verdict.ALLOW, rule) if reason.verdict is Verdict.ALLOW and rule >= 0 else reason
        key = (place, direction, *_flow(packet), decided)
        credited = None if rule < 0 else self._engine.rules[rule]
        begun = self.rows.setdefault(
            key,
            {
                "eni": self._engine.interfaces[place].interface_id,
                "direction": str(Direction.EGRESS if direction == EGRESS else Direction.INGRESS),
                "verdict": str(reason.verdict),
                "reason": str(reason),
                "rule": credited and credited.rule_id,
                "group": credited and credited.group_id,
                "protocol": packet.protocol,
                "src": str(packet.src),
                "src_port": packet.src_port,
                "dst": str(packet.dst),
                "dst_port": packet.dst_port,
                "icmp_type": packet.icmp_type,
                "icmp_code": packet.icmp_code,
                "packets": 0,
                "bytes": 0,
                "first_time_ns": packet.time_ns,
                "last_time_ns": packet.time_ns,
            },
        )
        begun["packets"] += 1
        begun["bytes"] += packet.length
        begun["first_time_ns"] = min(begun["first_time_ns"], packet.time_ns)
        begun["last_time_ns"] = max(begun["last_time_ns"], packet.time_ns)


_ASKING = {1: {8: 8, 0: 8, 13: 13, 14: 13, 15: 15, 16: 15, 17: 17, 18: 17}, 58: {128: 128, 129: 128}}


def _flow(packet: Packet) -> tuple[object, ...]:
    """What tells a packet's flow from others that go the same way."""
    ends = packet.src, packet.dst, packet.protocol
    if packet.fragment is FragmentKind.LATER:
        return *ends, "later"
    if packet.icmp_type is not None:
        asked = _ASKING[packet.protocol].get(packet.icmp_type)
        if asked is None:
            return *ends, packet.icmp_type, packet.icmp_code
        return *ends, asked, asked == packet.icmp_type, packet.icmp_id
    return *ends, packet.src_port, packet.dst_port


def world(seed: int, engine: type[Simulator] | type[ReferenceEngine] = Simulator) -> tuple[Kept, list[Row]]:
    rng = random.Random(seed)
    hosts = hosts_of(rng)
    topology, how = topology_of(rng, hosts), settings_of(rng)
    packets = stream_of(rng, hosts, rng.choice((30, 300, 900)))
    batches = [columns_of(packets[begin:end]) for begin, end in pieces(rng, len(packets))]
    return gathered(engine(topology, how), batches)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_rows_are_what_a_dictionary_counts(seed: int):
    """Any stream, in any batches: the same rows in the order of their first observations."""
    found, expected = world(seed)
    assert found.rows == expected
    assert found.closed == [True]


@pytest.mark.parametrize("seed", range(3))
def test_the_plain_judge_gives_the_same_rows(seed: int):
    """Rows are a matter of verdicts, not of who gave them."""
    assert world(seed, ReferenceEngine)[0].rows == world(seed)[0].rows


def test_small_tables_grow(monkeypatch: pytest.MonkeyPatch):
    """From two slots on, nothing is lost."""
    monkeypatch.setattr(flows, "_FIRST_SLOTS", 2)
    for seed in range(5):
        found, expected = world(seed)
        assert found.rows == expected


# --- beyond the rows that are kept ------------------------------------------------------------------------------------


def test_the_half_that_was_silent_for_longest_is_written_early(monkeypatch: pytest.MonkeyPatch):
    """Four rows are kept: with a fifth flow, the two that were met last longest ago are written; one of them goes on,
    and begins another row."""
    monkeypatch.setattr(flows, "MOST", 4)
    ports = (1, 2, 3, 4, 1, 3, 5, 2, 5)  # the fifth one comes when 2 and 4 were silent for longest
    packets = [traffic.udp("198.51.100.7", "10.0.1.10", port, at=n, answered=False)[0] for n, port in enumerate(ports)]
    engine = Simulator(example())
    sink = Sink(engine)
    with FlowRecords(sink) as records:
        for columns, verdicts in judged(engine, packets):
            records.write(merged_batch(columns), verdicts)
    assert [(row["dst_port"], row["packets"]) for row in sink.kept.rows] == [
        (2, 1),
        (4, 1),
        (1, 2),
        (3, 2),
        (5, 2),
        (2, 1),
    ]
    assert sink.kept.sizes == [2, 4]


@pytest.mark.parametrize("most", [1, 2, 7, 50])
def test_what_is_written_early_does_not_depend_on_batches(monkeypatch: pytest.MonkeyPatch, most: int):
    """The same rows whether the packets come one by one or all at once; and their sums are those of an unbounded
    table."""
    early = 0
    for seed in range(4):
        rng = random.Random(seed)
        hosts = hosts_of(rng)
        topology, packets = topology_of(rng, hosts), stream_of(rng, hosts, 400)
        ways = [
            [columns_of(packets[n : n + size]) for n in range(0, len(packets), size)] for size in (1, 13, len(packets))
        ]
        monkeypatch.setattr(flows, "MOST", most)
        found = [gathered(Simulator(topology), batches)[0].rows for batches in ways]
        assert found[0] == found[1] == found[2]
        monkeypatch.setattr(flows, "MOST", 1 << 20)
        whole, _ = gathered(Simulator(topology), ways[2])
        assert sums(found[0]) == sums(whole.rows)
        early += len(found[0]) - len(whole.rows)
    assert early > 0


def sums(rows: list[Row]) -> tuple[Counter[tuple[object, ...]], Counter[tuple[object, ...]]]:
    """Packets and bytes of equal flows and decisions; the reason is that of a row's first packet."""
    packets: Counter[tuple[object, ...]] = Counter()
    size: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        reason = row["reason"] if row["rule"] is None else None
        key = (*(row[name] for name in FLOW_FIELDS[:3]), reason, *(row[name] for name in FLOW_FIELDS[4:11]))
        packets[key] += row["packets"]
        size[key] += row["bytes"]
    return packets, size


# --- what a row is ----------------------------------------------------------------------------------------------------


def example() -> Any:
    from sgsim.sources import load_topology

    return load_topology(EXAMPLE / "scenario.yaml")


def judged(engine: Engine, packets: Sequence[Any]) -> Iterator[tuple[PacketColumns, Verdicts]]:
    from sgsim.captures import from_packets

    for batch in from_packets(packets):
        yield batch.columns, engine.judge_columns(batch.columns)


def rows_of(tmp_path: Path, packets: Sequence[Any], **options: Any) -> list[Row]:
    name = tmp_path / "flows.ndjson"
    replay(options.pop("topology", EXAMPLE / "scenario.yaml"), [packets], outputs=Outputs(flows=str(name)), **options)
    return [json.loads(line) for line in name.read_text().splitlines()]


def test_a_connection_is_one_row_at_each_gate_and_way(tmp_path: Path):
    """The packet that a rule admits and those that are tracked under it stand in one row, whose reason is the first
    one's."""
    rows = rows_of(tmp_path, traffic.tcp("10.0.1.10", "10.0.2.20", 8080))
    told = [(row["eni"], row["direction"], row["reason"], row["rule"], row["packets"], row["bytes"]) for row in rows]
    assert told == [
        ("web-1", "egress", "rule", "web/egress/0", 5, 370),
        ("app-1", "ingress", "rule", "app/ingress/0", 5, 370),
        ("app-1", "egress", "tracked", "app/ingress/0", 3, 662),
        ("web-1", "ingress", "tracked", "web/egress/0", 3, 662),
    ]
    assert [(row["first_time_ns"], row["last_time_ns"]) for row in rows[:2]] == [(0, 70_000_000)] * 2
    assert (rows[2]["src"], rows[2]["src_port"], rows[2]["dst_port"]) == ("10.0.2.20", 8080, 49152)


def test_drops_of_different_reasons_are_rows_of_their_own(tmp_path: Path):
    """A SYN that no rule admits, and what was recorded of a connection that it never made."""
    rows = rows_of(tmp_path, traffic.tcp("192.0.2.200", "10.0.1.5", 22))
    told = [(row["direction"], row["verdict"], row["reason"], row["packets"]) for row in rows]
    assert told == [
        ("ingress", "drop", "no_rule", 1),
        ("egress", "drop", "not_reached", 3),
        ("ingress", "drop", "not_reached", 4),
    ]


def test_a_rule_that_is_revoked_midway_begins_another_row(tmp_path: Path):
    """Datagrams of one flow before and after the change: what was allowed, what was dropped, each with its times."""
    changes = tmp_path / "changes.yaml"
    changes.write_text(CHANGE)
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO)
    packets = [traffic.udp("192.0.2.7", "10.0.0.9", 53, at=n, answered=False)[0] for n in range(6)]
    rows = rows_of(tmp_path, packets, topology=scenario, changes=[changes])
    told = [(row["verdict"], row["reason"], row["packets"], row["first_time_ns"], row["last_time_ns"]) for row in rows]
    assert told == [("allow", "rule", 3, 0, 2_000_000_000), ("drop", "no_rule", 3, 3_000_000_000, 5_000_000_000)]


SCENARIO = """
security_groups:
  dns: {ingress: [udp 53 from any], egress: [all to any]}
interfaces:
  dns-1: {addresses: [10.0.0.9], groups: [dns]}
"""
CHANGE = """
- at: +3s
  call: RevokeSecurityGroupIngress
  params:
    GroupId: dns
    IpPermissions:
      - {IpProtocol: udp, FromPort: 53, ToPort: 53, IpRanges: [{CidrIp: 0.0.0.0/0}]}
"""


def test_a_verdict_that_comes_back_goes_on_in_its_row(tmp_path: Path):
    """A connection that idles out and is made anew under the same rule is the same row: people read flows."""
    again = traffic.udp("192.0.2.7", "10.0.0.9", 53) + traffic.udp("192.0.2.7", "10.0.0.9", 53, at=1000)
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO)
    rows = rows_of(tmp_path, again, topology=scenario)
    assert [(row["direction"], row["packets"], row["last_time_ns"]) for row in rows] == [
        ("ingress", 2, 1_000_000_000_000),
        ("egress", 2, 1_000_010_000_000),
    ]


def test_what_passes_without_a_rule_is_told_apart_by_its_reason():
    """A flow that was exempt, and whose interface then has no groups any more: two rows, since no rule joins them."""
    engine = Simulator(example())
    sink = Sink(engine)
    columns = columns_of([datagram("10.0.1.10", "10.0.0.2", time_ns=n) for n in range(4)])
    reasons = [REASONS.index(reason) for reason in (Reason.EXEMPT, Reason.EXEMPT, Reason.UNFILTERED, Reason.EXEMPT)]
    with FlowRecords(sink) as records:
        records.write(merged_batch(columns), observations(4, direction=EGRESS, reason=reasons))
    assert [(row["reason"], row["packets"]) for row in sink.kept.rows] == [("exempt", 3), ("unfiltered", 1)]


def test_ipv6_flows_whose_hashes_agree_are_told_apart():
    """Their addresses are compared too."""
    lower, upper, other = 0x1111, 0x7777_0000_0000_0000, 0x2222
    collides = upper ^ (lower << 32) ^ (other << 32)  # see kernels.slots.ends_of: of IPv6 it is a hash
    pairs = [(lower, upper), (other, collides)]
    packets = [datagram(str(IPv6Address(one)), str(IPv6Address(two))) for one, two in pairs * 2]
    columns = columns_of(packets)
    assert len(set(columns.heads["ends"].tolist())) == 1
    engine = Simulator(example())
    sink = Sink(engine)
    with FlowRecords(sink) as records:
        records.write(merged_batch(columns), observations(4))
    assert [(row["src"], row["packets"]) for row in sink.kept.rows] == [("::1111", 2), ("::2222", 2)]


def datagram(src: str, dst: str, time_ns: int = 0) -> Packet:
    return Packet(time_ns, ip_address(src), ip_address(dst), 17, src_port=1000, dst_port=53, length=60)


def test_pings_with_other_identifiers_are_other_flows(tmp_path: Path):
    """As connection tracking has it; each row looks as its first packet did."""
    office = "198.51.100.7"
    packets = [
        *traffic.ping(office, "10.0.1.11", identifier=1, count=2),
        *traffic.ping(office, "10.0.1.11", identifier=2, at=1),
    ]
    rows = rows_of(tmp_path, packets)
    assert [(row["direction"], row["icmp_type"], row["packets"]) for row in rows] == [
        ("ingress", 8, 2),
        ("egress", 0, 2),
        ("ingress", 8, 1),
        ("egress", 0, 1),
    ]


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_every_form_says_the_same(tmp_path: Path, engine: str):
    """NDJSON, CSV and Parquet of one replay; the columns are those of docs/interface.md."""
    found = {}
    for form in ("ndjson", "csv", "parquet"):
        name = tmp_path / f"flows.{form}"
        replay(EXAMPLE / "scenario.yaml", [EXAMPLE / "traffic.pcap"], engine=engine, outputs=Outputs(flows=str(name)))
        found[form] = name
    rows = [json.loads(line) for line in found["ndjson"].read_text().splitlines()]
    assert rows
    assert all(list(row) == FLOW_FIELDS for row in rows)
    assert pyarrow.parquet.read_table(found["parquet"]).to_pylist() == rows
    with found["csv"].open(newline="") as file:
        assert list(csv.reader(file)) == [FLOW_FIELDS, *([_text(value) for value in row.values()] for row in rows)]


def _text(value: object) -> str:
    return "" if value is None else str(value)


def test_parquet_columns_are_of_plain_types(tmp_path: Path):
    """Names and addresses are dictionaries, counts and times have 64 bits."""
    name = tmp_path / "flows.parquet"
    replay(EXAMPLE / "scenario.yaml", [EXAMPLE / "traffic.pcap"], outputs=Outputs(flows=str(name)))
    schema = pyarrow.parquet.read_schema(name)
    assert schema.names == FLOW_FIELDS
    wide = [field.name for field in schema if field.type == pyarrow.int64()]
    assert wide == ["packets", "bytes", "first_time_ns", "last_time_ns"]
    assert {f.name for f in schema if f.nullable} == {"rule", "group", "src_port", "dst_port", "icmp_type", "icmp_code"}


def test_the_sums_are_those_of_the_summary(tmp_path: Path):
    """Packets over all rows are the observations."""
    name = tmp_path / "flows.ndjson"
    summary = replay(EXAMPLE / "scenario.yaml", [EXAMPLE / "traffic.pcap"], outputs=Outputs(flows=str(name)))
    rows = [json.loads(line) for line in name.read_text().splitlines()]
    assert sum(row["packets"] for row in rows) == summary.observations
    assert sum(row["packets"] for row in rows if row["verdict"] == "drop") == summary.dropped


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
def test_a_replay_without_observations_leaves_no_row(tmp_path: Path, form: str):
    """The file is there, with its columns."""
    name = tmp_path / f"flows.{form}"
    replay(EXAMPLE / "scenario.yaml", [[]], outputs=Outputs(flows=str(name)))
    readers: dict[str, Callable[[], int]] = {
        "ndjson": lambda: name.stat().st_size,
        "csv": lambda: len(name.read_text().splitlines()) - 1,
        "parquet": lambda: int(pyarrow.parquet.read_table(name).num_rows),
    }
    assert readers[form]() == 0


def test_after_a_failure_the_sink_is_told(tmp_path: Path):
    """Nothing is written then: the file is not complete."""
    engine = Simulator(example())
    sink = Sink(engine)
    with pytest.raises(RuntimeError), FlowRecords(sink):
        raise RuntimeError
    assert (sink.kept.rows, sink.kept.closed) == ([], [False])
