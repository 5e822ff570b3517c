"""Whatever a file holds: records, or one clear line; never anything else."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sgsim.captures.flowlogs import Logs, Meetings, log_files
from sgsim.errors import CaptureError, LogError, SgsimError
from sgsim.flowlogs import RecordOutputs, flowlogs
from sgsim.model import LogSkip
from tests.flowlogs.judging import lines, world
from tests.flowlogs.plain import V2
from tests.flowlogs.reading import Read
from tests.flowlogs.test_formats import LINES, parquet, saved, text

WORLD = """
security_groups: {web: {ingress: [tcp 443 from any], egress: []}}
interfaces: {web-1: {addresses: [10.0.1.10], groups: [web]}}
"""
BOTH = [HealthCheck.function_scoped_fixture]


def refused_or_read(path: Path) -> None:
    try:
        problem = ""
        Read(path)
    except SgsimError as error:
        problem = str(error)
    assert not problem or problem.startswith(str(path))
    assert "\n" not in problem


@settings(max_examples=200, deadline=None, suppress_health_check=BOTH)
@given(st.binary(max_size=400))
def test_any_bytes(tmp_path, data):
    refused_or_read(saved(tmp_path / "a.log", data))


@settings(max_examples=200, deadline=None, suppress_health_check=BOTH)
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=12), st.sampled_from(["plain", "gzip", "json", "parquet"]))
def test_any_damage(tmp_path, place, damage, kind):
    """Some bytes of a good log are others, wherever they are."""
    data = text()
    if kind == "gzip":
        data = gzip.compress(data)
    elif kind == "json":
        data = json.dumps({"events": [{"message": line} for line in LINES]}).encode()
    elif kind == "parquet":
        data = parquet(tmp_path / "good.parquet", LINES).read_bytes()
    at = place % len(data)
    refused_or_read(saved(tmp_path / "a.log", data[:at] + damage + data[at + len(damage) :]))


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"x" * 200_000, "is no flow log"),
        (text() + b"9" * 200_000, r"line 7: is longer than 65,536 bytes \(is this a flow log, one record a line\?\)"),
        (text() + b"9 " * 200_000, "line 7: is longer than 65,536 bytes"),
        (b"\0" * 1000, "is no flow log"),
        (b"{" * 1000, "the JSON is cut off"),
    ],
)
def test_long_lines(tmp_path, data, part):
    """No line is gathered without end."""
    with pytest.raises(LogError, match=part):
        Read(saved(tmp_path / "a.log", data), strict=True)


def test_a_bomb_takes_no_memory(tmp_path):
    """128 MB of blank lines, compressed to 260 kB, are passed over."""
    bomb = gzip.compress(b" \n" * (1 << 22))
    found = Read(saved(tmp_path / "a.log", gzip.compress(text()) + bomb * 16))
    assert len(found.records) == 3


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (LINES[0] + " more", "has more fields than its format (14)"),
        (LINES[0][:-3], "has fewer fields than its format (14)"),
        (LINES[0].replace(" 22 ", " 22x "), "dstport is no number: '22x' (a decimal number, or -)"),
        (LINES[0].replace(" 22 ", " 65536 "), "dstport is too large: '65536' (0 to 65535)"),
        (LINES[0].replace(" 22 ", " - "), "says neither address, protocol, ports nor time, or not all of them"),
        (LINES[0].replace("1418530010", "1418530010000"), "start is too large: '1418530010000' (Unix seconds, not"),
        (LINES[0].replace("172.31.16.21", "172.31.16"), "dstaddr is no IP address: '172.31.16' (an address, or -)"),
        (LINES[0].replace("172.31.16.21", "2001:db8::1"), "has addresses of different IP versions"),
        (LINES[0].replace("ACCEPT", "Accept"), "action is 'Accept' (ACCEPT, REJECT or -)"),
        (LINES[0].replace("OK", "MAYBE"), "log-status is 'MAYBE' (OK, NODATA or SKIPDATA)"),
        (LINES[0].replace("eni-1235b8ca", "e" * 99), f"interface-id is longer than 64 bytes: '{'e' * 40}...'"),
        (LINES[0].replace(" 22 ", " \x1b[31m "), "dstport is no number: '\\x1b[31m'"),
    ],
)
def test_a_malformed_line_is_told(tmp_path, line, part):
    """With file, line and remedy; the others are read; --strict refuses."""
    log = saved(tmp_path / "a.log", text(lines=[LINES[0], line, LINES[1]]))
    found = Read(log)
    assert len(found.records) == 2
    assert found.skipped["malformed"] == 1
    (warning,) = found.warnings
    assert warning.startswith(f"{log}: line 3: {part}")
    assert warning.endswith("; skipped")
    with pytest.raises(LogError) as refusal:
        Read(log, strict=True)
    assert str(refusal.value).startswith(f"{log}: line 3: {part.removesuffix(')')}")
    assert "leave --strict out to skip it" in str(refusal.value)


def test_many_malformed_lines(tmp_path):
    """The first three are told, the others counted."""
    log = saved(tmp_path / "a.log", text(lines=[LINES[0], *["2 1 eni-1 x"] * 50_000]))
    found = Read(log)
    assert found.skipped["malformed"] == 50_000
    assert len(found.warnings) == 4
    assert found.warnings[-1] == f"{log}: 49,997 more malformed lines were skipped"


def test_more_interface_ids_than_are_told_apart(tmp_path, monkeypatch):
    """The others share a name, and are not judged."""
    rows = [f"eni-{n} 10.0.0.1 10.0.0.2 1 443 6 +0 +1" for n in range(70_000)]
    log = lines(tmp_path, "interface-id srcaddr dstaddr srcport dstport protocol start end", *rows)
    summary = flowlogs(world(tmp_path, WORLD), [log])
    assert summary.skipped[LogSkip.NO_INTERFACE] == 70_000
    assert (summary.strangers[0].eni, summary.strangers[0].records) == ("others", 70_000 - 65_535)


def test_times_at_the_bounds(tmp_path):
    """From 1970 to 2242, ends before starts, spans of centuries."""
    rows = [
        "web-1 192.0.2.7 10.0.1.10 50000 443 6 0 8589934592",
        "web-1 192.0.2.7 10.0.1.10 50001 443 6 8589934592 0",
        "web-1 192.0.2.7 10.0.1.10 50002 443 17 0 8589934592",
        "web-1 192.0.2.7 10.0.1.10 50003 443 6 1 1",
    ]
    log = lines(tmp_path, "interface-id srcaddr dstaddr srcport dstport protocol start end", *rows)
    out = tmp_path / "out.ndjson"
    for engine in ("fast", "reference"):
        summary = flowlogs(world(tmp_path, WORLD), [log], engine=engine, outputs=RecordOutputs([str(out)]))
        assert summary.span == (0, 8_589_934_592)
        found = {record["line"]: record for record in map(json.loads, out.read_text().splitlines())}
        assert [found[n]["verdict"] for n in range(2, 6)] == ["allow", "allow", "drop", "allow"]
        assert found[3]["end"] == 8_589_934_592
        assert any("the clock jumps from" in text for text in summary.warnings)


def test_a_file_that_vanishes(tmp_path):
    """Between looking at it and reading it."""
    logs = [saved(tmp_path / f"{n}.log", text()) for n in range(2)]
    opened = Logs(log_files([str(log) for log in logs]), Meetings())
    logs[0].unlink()
    with pytest.raises(CaptureError, match=r"0\.log: cannot be opened: No such file"):
        list(opened.batches())
    opened.close()


def test_names_of_fields_are_no_records(tmp_path):
    """A header of a log in a log of others."""
    header = " ".join(V2)
    found = Read(saved(tmp_path / "a.log", text() + f"{header} tcp-flags\n".encode()))
    assert found.skipped["malformed"] == 1
