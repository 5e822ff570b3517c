"""Records of random observations in every form, against records put together in plain Python."""

from __future__ import annotations

import csv
import io
import json
from ipaddress import IPv4Address, IPv6Address
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgsim.captures import MergedBatch
from sgsim.layout import EGRESS, LATER_FRAGMENT, REASONS, TRACKED
from sgsim.model import Interface, Rule
from sgsim.reports import records
from sgsim.reports.parquet import ParquetRecords
from sgsim.reports.records import FIELDS, RecordWriter
from tests.test_reports_tally import columns_of, observations

NAMES = ['a "quoted", name', "plain.pcap", "line\nbreak", "é.pcap"]
ENGINE: Any = SimpleNamespace(
    interfaces=[Interface("eni-a"), Interface('eni,"b"')],
    rules=[Rule(f"sgr-{n}" * n, f'g"{n}', "ingress", 6, 1, 1, None) for n in range(1, 4)],
)

U64 = st.integers(0, 2**64 - 1)
ADDRESS = st.one_of(
    st.tuples(st.just(4), st.just(0), st.integers(0, 2**32 - 1)),
    st.tuples(st.just(6), st.sampled_from([0, 1, 2**64 - 1]) | U64, U64 | st.integers(0xFFFF << 32, 0x10000 << 32)),
)
PACKET = st.fixed_dictionaries(
    {
        "time_ns": st.sampled_from([0, -1, 10**9, -(2**62), 2**62]) | st.integers(-(2**63), 2**63 - 1),
        "ends": st.tuples(ADDRESS, ADDRESS).filter(lambda pair: pair[0][0] == pair[1][0]),
        "protocol": st.sampled_from([0, 1, 6, 17, 47, 58, 255]),
        "shape": st.sampled_from([0, 1, LATER_FRAGMENT]),
        "src_port": st.sampled_from([0, 9, 10, 65535]),
        "dst_port": st.integers(0, 65535),
        "length": st.sampled_from([0, 60, 2**32 - 1]),
        "capture": st.integers(0, len(NAMES) - 1),
        "number": st.integers(1, 2**62),
        "interface": st.integers(0, 1),
        "direction": st.integers(0, 1),
        "reason": st.integers(0, len(REASONS) - 1),
        "rule": st.integers(-1, 2),
        "flags": st.integers(0, 15),
    }
)


def record_of(drawn: dict[str, Any]) -> dict[str, Any]:
    """What docs/interface.md says of the observation."""
    (version, *src), (_, *dst) = drawn["ends"]
    make = (lambda hi, lo: IPv4Address(lo)) if version == 4 else (lambda hi, lo: IPv6Address(hi << 64 | lo))
    whole, protocol = drawn["shape"] != LATER_FRAGMENT, drawn["protocol"]
    ports = whole and protocol in (6, 17)
    icmp = whole and (version, protocol) in ((4, 1), (6, 58))
    rule, reason = ENGINE.rules[drawn["rule"]] if drawn["rule"] >= 0 else None, REASONS[drawn["reason"]]
    values = (
        NAMES[drawn["capture"]],
        drawn["number"],
        drawn["time_ns"],
        ENGINE.interfaces[drawn["interface"]].interface_id,
        "egress" if drawn["direction"] == EGRESS else "ingress",
        str(reason.verdict),
        str(reason),
        rule and rule.rule_id,
        rule and rule.group_id,
        bool(drawn["flags"] & TRACKED),
        protocol,
        str(make(*src)),
        drawn["src_port"] if ports else None,
        str(make(*dst)),
        drawn["dst_port"] if ports else None,
        drawn["dst_port"] >> 8 if icmp else None,
        drawn["dst_port"] & 255 if icmp else None,
        drawn["length"],
    )
    return dict(zip(FIELDS, values, strict=True))


def written(form: str, drawn: list[dict[str, Any]]) -> bytes:
    """One batch, a packet and an observation for each."""
    count = len(drawn)
    columns = {name: [each[name] for each in drawn] for name in PACKET_COLUMNS}
    for end, side in ((0, "src"), (1, "dst")):
        columns[f"{side}_hi"] = np.array([each["ends"][end][1] for each in drawn], dtype=np.uint64)
        columns[f"{side}_lo"] = np.array([each["ends"][end][2] for each in drawn], dtype=np.uint64)
    columns["version"] = [each["ends"][0][0] for each in drawn]
    batch = MergedBatch(
        columns_of(count, **columns),
        (),
        np.array([each["capture"] for each in drawn], dtype=np.int32),
        np.array([each["number"] for each in drawn], dtype=np.int64),
        (),
    )
    verdicts = observations(count, **{name: [each[name] for each in drawn] for name in VERDICT_COLUMNS})
    file = io.BytesIO()
    if form == "parquet":
        with ParquetRecords(file, ENGINE, NAMES) as writer:
            assert writer.write(batch, verdicts) == count
    else:
        assert RecordWriter(file, form, ENGINE, NAMES).write(batch, verdicts) == count
    return file.getvalue()


PACKET_COLUMNS = ("time_ns", "protocol", "shape", "src_port", "dst_port", "length")
VERDICT_COLUMNS = ("interface", "direction", "reason", "rule", "flags")
some = settings(deadline=None, max_examples=60)


@some
@given(st.lists(PACKET, max_size=30))
def test_ndjson_is_what_the_json_library_writes(drawn: list[dict[str, Any]]):
    """Byte by byte, whatever the names, numbers and addresses."""
    expected = [json.dumps(record_of(each), separators=(",", ":")) + "\n" for each in drawn]
    assert written("ndjson", drawn).decode().splitlines(keepends=True) == expected


@some
@given(st.lists(PACKET, max_size=30))
def test_csv_is_what_the_csv_library_writes(drawn: list[dict[str, Any]]):
    """Byte by byte; true and false in small letters."""
    expected = io.StringIO()
    writer = csv.writer(expected, lineterminator="\n")
    writer.writerow(FIELDS)
    for each in drawn:
        writer.writerow([str(v).lower() if isinstance(v, bool) else v for v in record_of(each).values()])
    assert written("csv", drawn).decode() == expected.getvalue()


@some
@given(st.lists(PACKET, max_size=30))
def test_parquet_reads_back_as_it_was(drawn: list[dict[str, Any]]):
    """Every value of every field."""
    table = pyarrow.parquet.read_table(io.BytesIO(written("parquet", drawn)))
    assert table.to_pylist() == [record_of(each) for each in drawn]


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_lines_are_put_together_a_few_at_a_time(form: str, monkeypatch: pytest.MonkeyPatch):
    """The longest records that can be fill the buffer and no more, however many a batch has."""
    longest = {
        "time_ns": -(2**63),
        "ends": ((6, 2**64 - 1, 2**64 - 1),) * 2,
        "protocol": 17,
        "shape": 0,
        "src_port": 65535,
        "dst_port": 65535,
        "length": 2**32 - 1,
        "capture": 0,
        "number": 2**63 - 1,
        "interface": 1,
        "direction": 0,
        "reason": len(REASONS) - 1,
        "rule": 2,
        "flags": 1,
    }
    at_once = written(form, [longest] * 100)
    monkeypatch.setattr(records, "_LINES", 3)
    assert written(form, [longest] * 100) == at_once
