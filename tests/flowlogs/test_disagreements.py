"""Where AWS did otherwise: how it is sorted, what is shown of it."""

from __future__ import annotations

import csv
import json

import pyarrow.parquet as pq
import pytest

from sgsim.flowlogs import Only, RecordOutputs, flowlogs
from sgsim.model import RecordVerdict
from sgsim.reports.flowlogs import disagreements
from sgsim.reports.flowlogs.disagreements import Cause
from sgsim.reports.flowlogs.records import FIELDS
from tests.flowlogs.judging import judged, lines, world

WORLD = """
security_groups:
  web:
    ingress: [tcp 443 from any, tcp 22 from ghosts, tcp 25 from corp, tcp 8443 from any]
    egress: [tcp 5432 to 10.0.2.0/24]
  ghosts: {ingress: []}
prefix_lists: {corp: null}
interfaces:
  web-1: {addresses: [10.0.1.10], groups: [web]}
  nat: {addresses: [10.0.1.40], groups: [], type: nat_gateway}
"""
NAMES = "interface-id srcaddr dstaddr srcport dstport protocol start end packets bytes tcp-flags action reject-reason"
IN, OUT = "web-1 192.0.2.7 10.0.1.10", "web-1 10.0.1.10 192.0.2.7"


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        ([f"{IN} 50000 443 6 +0 +9 1 60 2 REJECT BPA"], Cause.PUBLIC_ACCESS_BLOCKED),
        ([f"{IN} 50000 443 6 +0 +9 1 60 2 REJECT -"], Cause.RULE_NEWER),
        (
            [f"{IN} 50000 443 6 +0 +9 1 60 2 REJECT -", f"{IN} 50001 443 6 +0 +9 1 60 2 ACCEPT -"],
            Cause.NETWORK_ACL,
        ),
        (["nat 192.0.2.7 10.0.1.40 50000 443 6 +0 +9 1 60 2 REJECT -"], Cause.NETWORK_ACL),
        (
            [f"{IN} 50000 443 6 +0 +9 1 60 2 ACCEPT -", f"{OUT} 443 50000 6 +0 +9 1 60 18 REJECT -"],
            Cause.REPLY_REFUSED,
        ),
        (
            [f"{IN} 50000 443 6 +0 +9 3 60 3 ACCEPT -", f"{OUT} 443 50000 6 +0 +60 3 60 1 REJECT -"],
            Cause.CONNECTION_GONE,
        ),
        ([f"{IN} 50000 25 6 +0 +9 1 60 2 ACCEPT -"], Cause.UNRESOLVED),
        ([f"{IN} 50000 22 6 +0 +9 1 60 2 ACCEPT -"], Cause.EMPTY_GROUP),
        ([f"{OUT} 443 50000 6 +0 +9 1 60 0 ACCEPT -"], Cause.FLOW_OLDER),
        (["web-1 192.0.2.7 10.0.1.10 0 0 1 +0 +9 1 60 - ACCEPT -"], Cause.ICMP_ERROR),
        ([f"{IN} 50000 80 6 +0 +9 1 60 2 ACCEPT -"], Cause.RULES_DIFFER),
    ],
    ids=lambda value: str(value) if isinstance(value, Cause) else "",
)
def test_a_cause(tmp_path, rows, cause):
    """One record disagrees, and this is why, as far as can be told."""
    summary, found = judged(world(tmp_path, WORLD), lines(tmp_path, NAMES, *rows))
    assert [(each.cause, each.records, each.packets, each.flows) for each in summary.disagreements] == [
        (cause, 1, found[_only(found)]["packets"], 1)
    ]
    assert summary.disagreements[0].allowed is (found[_only(found)]["verdict"] == "allow")


def _only(found) -> int:
    (line,) = [line for line, record in found.items() if record["agrees"] is False]
    return line


def test_what_follows_a_drop_is_told_apart(tmp_path):
    """The beginning has the cause, the rest follows it."""
    rows = [f"{IN} 50000 80 6 +0 +9 4 60 2 ACCEPT -", f"{OUT} 80 50000 6 +0 +9 3 60 18 ACCEPT -"]
    summary, _ = judged(world(tmp_path, WORLD), lines(tmp_path, NAMES, *rows))
    assert [(each.cause, each.records) for each in summary.disagreements] == [
        (Cause.RULES_DIFFER, 1),
        (Cause.FOLLOWS, 1),
    ]


def test_agreement_is_no_disagreement(tmp_path):
    """Neither is a record without an action, or one that is only possible."""
    rows = [
        f"{IN} 50000 443 6 +0 +9 1 60 2 ACCEPT -",
        f"{IN} 50000 23 6 +0 +9 1 60 2 REJECT -",
        f"{IN} 50001 23 6 +0 +9 1 60 2 - -",
        "web-1 192.0.2.7 10.0.1.10 60000 61000 17 +0 +9 1 60 - REJECT -",
        "web-1 fe80::1 2001:db8::1 0 0 58 +0 +9 1 60 - REJECT -",
    ]
    log = lines(tmp_path, NAMES + " flow-direction", *(row + " ingress" for row in rows))
    summary, found = judged(world(tmp_path, WORLD), log)
    assert not summary.disagreements
    assert [found[n]["agrees"] for n in sorted(found)] == [True, True, None, True, None]
    assert summary.actions["-"]["drop"] == 1


def many(tmp_path):
    """40 flows of three kinds that AWS accepted and no rule admits."""
    rows = [f"web-1 192.0.2.{n} 10.0.1.10 50000 {80 + n % 3} 6 +{n} +{n} 2 {100 + n} 2 ACCEPT -" for n in range(1, 41)]
    return lines(tmp_path, NAMES, *rows)


def test_kinds_of_flow_and_examples(tmp_path):
    """Records of one service at one gate are one kind; those of most records are shown, with their first line."""
    topology, log = world(tmp_path, WORLD), many(tmp_path)
    (found,) = flowlogs(topology, [log], examples=2).disagreements
    assert (found.records, found.packets, found.bytes, found.flows) == (40, 80, sum(range(101, 141)), 3)
    assert [(each.records, each.line, each.src, each.dst_port) for each in found.examples] == [
        (14, 2, "192.0.2.1", 81),
        (13, 3, "192.0.2.2", 82),
    ]
    assert flowlogs(topology, [log], examples=0).disagreements[0].examples == ()


def test_more_kinds_than_are_told_apart(tmp_path, monkeypatch):
    """The others are counted by their cause."""
    monkeypatch.setattr(disagreements, "MOST_FLOWS", 1)
    (found,) = flowlogs(world(tmp_path, WORLD), [many(tmp_path)]).disagreements
    assert (found.records, found.packets, found.flows) == (40, 80, 1)


def test_what_is_written_in_each_form(tmp_path):
    """NDJSON, CSV and Parquet say the same, in the fields of the documentation."""
    topology, log = world(tmp_path, WORLD), many(tmp_path)
    names = [str(tmp_path / f"out.{ending}") for ending in ("ndjson", "csv", "parquet")]
    flowlogs(topology, [log, log], outputs=RecordOutputs(names))
    as_json = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text().splitlines()]
    assert len(as_json) == 40  # a log named twice is read once
    assert list(as_json[0]) == FIELDS
    assert pq.read_table(names[2]).to_pylist() == as_json
    with open(names[1], newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{name: _as_csv(value) for name, value in record.items()} for record in as_json]


def _as_csv(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("only", [*Only])
def test_only_some_are_written(tmp_path, only):
    """Of one verdict, or those that disagree."""
    rows = [
        f"{IN} 50000 443 6 +0 +9 1 60 2 ACCEPT -",
        f"{IN} 50000 23 6 +0 +9 1 60 2 ACCEPT -",
        f"{IN} 50001 24 6 +0 +9 1 60 2 REJECT -",
        "web-1 fe80::1 2001:db8::1 0 0 58 +0 +9 1 60 - ACCEPT -",
    ]
    log = lines(tmp_path, NAMES + " flow-direction", *(row + " ingress" for row in rows))
    out = tmp_path / "out.ndjson"
    summary = flowlogs(world(tmp_path, WORLD), [log], outputs=RecordOutputs([str(out)], only))
    found = [json.loads(line)["line"] for line in out.read_text().splitlines()]
    assert sorted(found) == {Only.ALLOW: [2], Only.DROP: [3, 4], Only.POSSIBLE: [5], Only.DISAGREEMENT: [3]}[only]
    assert summary.by_verdict == {RecordVerdict.ALLOW: 1, RecordVerdict.DROP: 2, RecordVerdict.POSSIBLE: 1}
