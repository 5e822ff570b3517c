"""Lines as tcpdump prints them: against lines put together in plain Python, and tcpdump's own."""

from __future__ import annotations

import io
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgsim.captures import MergedBatch, traffic
from sgsim.layout import LATER_FRAGMENT
from sgsim.model import Interface, Verdict
from sgsim.replay import Outputs, replay
from sgsim.reports import printed
from sgsim.reports.printed import PrintedLines
from tests.test_reports_records import ENGINE, PACKET, PACKET_COLUMNS, VERDICT_COLUMNS, record_of
from tests.test_reports_tally import columns_of, observations

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/three-tier"

FLAGS = {1: "F", 2: "S", 4: "R", 8: "P", 16: ".", 32: "U", 64: "E", 128: "W"}
NAMES = {1: "ICMP", 6: "TCP", 17: "UDP", 47: "gre", 58: "ICMPV6"}
ICMP = {(4, 0): "echo reply", (4, 3): "unreachable", (4, 8): "echo request", (4, 11): "time exceeded"}
ICMP |= {(6, 1): "unreachable", (6, 2): "packet too big", (6, 128): "echo request", (6, 129): "echo reply"}


def printed_lines(drawn: list[dict[str, Any]], engine: Any = ENGINE, only: Verdict | None = None) -> list[str]:
    """One batch, a packet and an observation for each."""
    columns = {name: [each[name] for each in drawn] for name in (*PACKET_COLUMNS, "tcp_flags")}
    for end, side in ((0, "src"), (1, "dst")):
        columns[f"{side}_hi"] = np.array([each["ends"][end][1] for each in drawn], dtype=np.uint64)
        columns[f"{side}_lo"] = np.array([each["ends"][end][2] for each in drawn], dtype=np.uint64)
    columns["version"] = [each["ends"][0][0] for each in drawn]
    count = len(drawn)
    none = np.zeros(count, dtype=np.int64)
    batch = MergedBatch(columns_of(count, **columns), (), none.astype(np.int32), none, ())
    verdicts = observations(count, **{name: [each[name] for each in drawn] for name in VERDICT_COLUMNS})
    file = io.BytesIO()
    PrintedLines(file, engine, only).write(batch, verdicts)
    return file.getvalue().decode().splitlines()


def line_of(drawn: dict[str, Any]) -> str:
    """What docs/interface.md says of the line."""
    record = record_of(drawn)
    microseconds = record["time_ns"] // 1000
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    text = f"{time:%Y-%m-%d %H:%M:%S.%f} {record['verdict'].upper():<5} {record['reason']:<11} "
    version = drawn["ends"][0][0]
    ports = ["" if record[f"{end}_port"] is None else f".{record[f'{end}_port']}" for end in ("src", "dst")]
    text += f"{record['eni']} {record['direction']} IP{'6' if version == 6 else ''} "
    text += (
        f"{record['src']}{ports[0]} > {record['dst']}{ports[1]}: {kind_of(drawn, record)}, length {record['length']}"
    )
    return text + (f", rule {record['rule']} ({record['group']})" if record["rule"] else "")


def kind_of(drawn: dict[str, Any], record: dict[str, Any]) -> str:
    version, protocol = drawn["ends"][0][0], record["protocol"]
    name = NAMES.get(protocol, f"protocol {protocol}")
    if drawn["shape"] == LATER_FRAGMENT:
        return f"{name} fragment"
    if protocol == 6:
        return f"Flags [{''.join(flag for bit, flag in FLAGS.items() if drawn['tcp_flags'] & bit) or 'none'}]"
    if record["icmp_type"] is None:
        return name
    number = record["icmp_type"]
    words = "ICMP" if version == 4 else "ICMP6"
    words += f" {ICMP.get((version, number), f'type {number}')}"
    return words if "echo" in words else f"{words} code {record['icmp_code']}"


# ICMP types that have words of their own and are not among those above.
OTHERS = {4: (4, 5, 9, 10, 12, 13, 14), 6: (3, 4, *range(133, 138))}
LINE = PACKET.flatmap(lambda drawn: st.integers(0, 255).map(lambda flags: drawn | {"tcp_flags": flags})).filter(
    lambda drawn: drawn["dst_port"] >> 8 not in OTHERS[drawn["ends"][0][0]]
)


@settings(deadline=None, max_examples=150)
@given(st.lists(LINE, max_size=20))
def test_lines_are_what_plain_python_writes(drawn: list[dict[str, Any]]):
    """Whatever the time, names, numbers and addresses."""
    assert printed_lines(drawn) == [line_of(each) for each in drawn]


@pytest.mark.parametrize("year", [1680, 1700, 1800, 1900, 1970, 2000, 2024, 2100, 2200, 2262])
def test_every_day_that_a_calendar_is_odd_about(year: int):
    """The ends of Februaries and of years, leap years and those of centuries that are none."""
    first = (datetime(year, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    days = [first + n for n in (-2, -1, 0, 1, 57, 58, 59, 60, 61)]
    drawn = [plain(time_ns=day * 86_400 * 10**9 + second * 10**9) for day in days for second in (0, 86_399)]
    assert printed_lines(drawn) == [line_of(each) for each in drawn]


def plain(**more: Any) -> dict[str, Any]:
    """A datagram, dropped on its way in."""
    drawn = {"time_ns": 0, "ends": ((4, 0, 1), (4, 0, 2)), "protocol": 17, "shape": 0, "src_port": 1, "dst_port": 2}
    drawn |= {"length": 60, "capture": 0, "number": 1, "interface": 0, "direction": 0, "rule": -1, "flags": 0}
    return drawn | {"reason": 7, "tcp_flags": 0} | more


@pytest.mark.parametrize("only", list(Verdict))
def test_lines_of_one_verdict(only: Verdict):
    """The others are left out."""
    drawn = [plain(reason=code) for code in range(13)]
    expected = [line for line in map(line_of, drawn) if f" {only.upper()} " in line]
    assert printed_lines(drawn, only=only) == expected
    assert 0 < len(expected) < 13


def test_lines_are_put_together_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch):
    """The longest lines that can be fill the buffer and no more, however many a batch has."""
    monkeypatch.setattr(printed, "_LINES", 3)
    longest = plain(time_ns=-(2**63), ends=((6, 2**64 - 1, 2**64 - 1),) * 2, protocol=6, src_port=65535, dst_port=65535)
    longest |= {"tcp_flags": 255, "length": 2**32 - 1, "interface": 1, "reason": 12, "rule": 2}
    assert printed_lines([longest] * 10) == [line_of(longest)] * 10


def test_a_name_cannot_break_a_line():
    """Nor send a terminal anything."""
    engine = SimpleNamespace(interfaces=[Interface("a\nb\x1b[2J")], rules=[])
    (line,) = printed_lines([plain(direction=1)], engine)
    assert "a?b?[2J egress" in line


def test_lines_look_like_tcpdumps(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]):
    """Times, addresses, ports and TCP flags are those that ``tcpdump -n -tttt`` prints, in UTC."""
    command = ["tcpdump", "-nr", str(EXAMPLE / "traffic.pcap"), "-tttt", "tcp"]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}
    )
    theirs = [re.split(r"\], ", line)[0] for line in told.stdout.splitlines()]
    replay(EXAMPLE / "scenario.yaml", [EXAMPLE / "traffic.pcap"], outputs=Outputs(printed=tuple(Verdict)))
    mine = []
    for line in capfdbinary.readouterr().out.decode().splitlines():
        if "Flags" in line:
            short = re.sub(r"(\.\d{6}) \S+ +\S+ +\S+ (?:in|e)gress ", r"\1 ", line)
            mine.append(re.split(r"\], ", short)[0])
    assert list(dict.fromkeys(mine)) == list(dict.fromkeys(theirs))


def test_every_kind_of_traffic_has_words(capfdbinary: pytest.CaptureFixture[bytes]):
    """Errors, fragments and pings, of both versions."""
    packets = [
        *traffic.path_mtu_discovery("192.0.2.77", "10.0.1.10", 443, "10.0.1.1")[5:6],
        *traffic.path_mtu_discovery("2001:db8::7", "2001:db8:1::10", 443, "2001:db8::1")[5:6],
        *traffic.fragments(traffic.udp("192.0.2.77", "10.0.1.10", 9, request_size=2000)[0]),
        *traffic.ping("2001:db8::7", "2001:db8:1::10"),
    ]
    replay(EXAMPLE / "scenario.yaml", [packets], outputs=Outputs(printed=tuple(Verdict)))
    lines = capfdbinary.readouterr().out.decode().splitlines()
    told = [re.sub(r".* > \S+: ", "", line) for line in lines]
    assert told == [
        "ICMP unreachable code 4, length 70",
        "ICMP6 packet too big code 0, length 1294",
        "UDP, length 1514",
        "UDP fragment, length 562",
        "ICMP6 echo request, length 118",
        "ICMP6 echo reply, length 118",
    ]
