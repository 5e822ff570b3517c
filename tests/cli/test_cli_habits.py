"""What people who know tcpdump try: -c, a part of the time, lines on standard output; and flows in files."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from story import Ended, Story

Run = Callable[..., Ended]
Start = Callable[..., subprocess.Popen[bytes]]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/three-tier"
SCENARIO, TRAFFIC = EXAMPLE / "scenario.yaml", EXAMPLE / "traffic.pcap"
START = 1_760_000_000  # the time of the example's first packet


def judged(sgsim: Run, *options: object) -> dict[str, Any]:
    """The summary of the example."""
    ended = sgsim("replay", SCENARIO, TRAFFIC, "--json", *options)
    assert ended.code == 0, ended.err
    summary = json.loads(ended.out)
    assert isinstance(summary, dict)
    return summary


def records(sgsim: Run, folder: Path, *options: object) -> list[dict[str, Any]]:
    name = folder / "o.ndjson"
    judged(sgsim, "-o", name, *options)
    return [json.loads(line) for line in name.read_text().splitlines()]


# --- which packets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 3])
def test_c_stops_after_so_many_packets(sgsim: Run, tmp_path: Path, jobs: int):
    """The records are the first ones of all; the summary counts what was read."""
    every = records(sgsim, tmp_path)
    assert records(sgsim, tmp_path, "-c", 5, "-j", jobs) == [each for each in every if each["packet"] <= 5]
    assert judged(sgsim, "--count", 5, "-j", jobs)["packets"] == 5
    assert judged(sgsim, "-c", 1_000_000)["packets"] == judged(sgsim)["packets"]


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("+3s", "+5.5s"),
        (f"{START + 3}", f"{START + 5}.5"),
        ("2025-10-09T08:53:23Z", "2025-10-09 10:53:25.5+02:00"),
    ],
)
def test_a_part_of_the_time(sgsim: Run, tmp_path: Path, since: str, until: str):
    """Packets outside are not judged: not counted, not recorded; written in three ways."""
    expected = {each["packet"] for each in records(sgsim, tmp_path) if 3 <= each["time_ns"] / 1e9 - START < 5.5}
    found = records(sgsim, tmp_path, "--since", since, "--until", until)
    assert {each["packet"] for each in found} == expected
    assert judged(sgsim, "--since", since, "--until", until)["packets"] == len(expected)


def test_a_connection_that_began_before_is_unknown(sgsim: Run, tmp_path: Path):
    """Of what is not judged nothing is known later: its answers look like packets of their own."""
    whole = {(r["packet"], r["eni"]): r["reason"] for r in records(sgsim, tmp_path)}
    part = records(sgsim, tmp_path, "--since", "+1.22s")
    first = next(each for each in part if (each["direction"], each["dst"]) == ("egress", "192.0.2.77"))
    assert whole[first["packet"], "web-1"] == "tracked"
    assert first["reason"] == "no_rule"
    assumed = records(sgsim, tmp_path, "--since", "+1.22s", "--midstream", "assume")
    assert next(each for each in assumed if each["packet"] == first["packet"])["reason"] == "assumed"


def test_nothing_in_that_time_is_said(sgsim: Run):
    """With the time that there is."""
    ended = sgsim("replay", SCENARIO, TRAFFIC, "--since", "+1h")
    assert ended.code == 0
    assert (
        "sgsim: warning: no packet is of the time that --since and --until say: the captures' are from "
        "2025-10-09 08:53:20.000 UTC to 2025-10-09 08:53:33.002 UTC" in ended.err
    )


def test_changes_count_from_the_first_packet_that_is_read(sgsim: Run, tmp_path: Path):
    """Not from the first that is judged; what was due before is done by then."""
    changes = tmp_path / "changes.yaml"
    changes.write_text(REVOKED)
    summary = judged(sgsim, "--changes", changes, "--since", "+3s")
    (change,) = summary["changes"]
    assert change["at_ns"] == (START + 2) * 10**9
    assert change["took_effect"]["time_ns"] == (START + 3) * 10**9
    dropped = [rule for rule in summary["dropped_flows"] if rule["dst"] == "10.0.1.10" and rule["dst_port"] == 443]
    assert sum(each["packets"] for each in dropped) > 0


REVOKED = """
- at: +2s
  call: RevokeSecurityGroupIngress
  params:
    GroupId: web
    IpPermissions:
      - {IpProtocol: tcp, FromPort: 443, ToPort: 443, IpRanges: [{CidrIp: 0.0.0.0/0}]}
"""


def test_c_ends_it_while_the_capture_goes_on(kept_alive: Start, scenario: Path, tmp_path: Path):
    """`tcpdump -w - | sgsim replay S - -c 3`: it does not wait for a packet more."""
    data = Story().connection("10.0.1.10", "10.0.2.20", 40_001, 5432, data=6).save(tmp_path / "live.pcap").read_bytes()
    running = kept_alive("replay", scenario, "-", "-c", 3, "--json")
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(data)
    running.stdin.flush()
    assert json.loads(running.stdout.read())["packets"] == 3
    assert running.wait() == 0


# --- lines ------------------------------------------------------------------------------------------------------------

LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} (ALLOW|DROP ) (\w+) +(\S+) (ingress|egress) IP6? \S+ > \S+: .*, length \d+"
)


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("engine", ["fast", "reference"])
@pytest.mark.parametrize(
    ("option", "verdict"), [(["--print"], None), (["--print", "drop"], "drop"), (["--print=allow"], "allow")]
)
def test_a_line_for_each_observation(
    sgsim: Run, tmp_path: Path, option: list[str], verdict: str | None, engine: str, jobs: int
):
    """On standard output, the summary on standard error; by both engines, whatever the threads."""
    expected = [each for each in records(sgsim, tmp_path) if verdict in (None, each["verdict"])]
    ended = sgsim("replay", SCENARIO, TRAFFIC, *option, "--engine", engine, "-j", jobs)
    assert ended.code == 0
    assert "packets, " in ended.err
    found = [match for line in ended.out.splitlines() if (match := LINE.match(line))]
    assert len(found) == len(ended.out.splitlines()) == len(expected)
    told = [(m[1].strip().lower(), m[2], m[3], m[4]) for m in found]
    assert told == [(each["verdict"], each["reason"], each["eni"], each["direction"]) for each in expected]


def test_print_takes_no_capture_for_a_verdict(sgsim: Run):
    """What follows it may be the snapshot or a capture, as may what follows --."""
    every = sgsim("replay", SCENARIO, TRAFFIC, "--print").out
    assert sgsim("replay", "--print", SCENARIO, TRAFFIC).out == every
    assert sgsim("replay", SCENARIO, "--print", TRAFFIC).out == every
    assert sgsim("replay", "--print", "--", SCENARIO, TRAFFIC).out == every
    refused = sgsim("replay", SCENARIO, "--", TRAFFIC, "--print")
    assert (refused.code, "--print: cannot be opened" in refused.err) == (2, True)


def test_lines_go_out_while_the_writer_is_silent(kept_alive: Start, scenario: Path, tmp_path: Path):
    """`tcpdump -w - | sgsim replay S - --print` is live."""
    data = Story().connection("10.0.1.10", "10.0.2.20", 40_001, 5432, data=1).save(tmp_path / "live.pcap").read_bytes()
    running = kept_alive("replay", scenario, "-", "--print")
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(data)
    running.stdin.flush()
    lines = [running.stdout.readline() for _ in range(6)]
    assert all(b" ALLOW " in line for line in lines)
    running.stdin.close()
    assert running.wait() == 0


# --- files ------------------------------------------------------------------------------------------------------------


def test_flows_and_packets_beside_records(sgsim: Run, tmp_path: Path):
    """All at once, each in its file; none is left in part."""
    files = [tmp_path / name for name in ("flows.csv", "o.pcapng", "o.csv", "dropped.pcapng")]
    judged(sgsim, "--flows", files[0], "-o", files[1], "-o", files[2], "--write-dropped", files[3])
    assert all(file.stat().st_size for file in files)
    assert not list(tmp_path.glob("*.part"))


def test_flows_go_to_standard_output(sgsim: Run):
    """As NDJSON; the summary goes to standard error."""
    ended = sgsim("replay", SCENARIO, TRAFFIC, "--flows", "-")
    assert ended.code == 0
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert sum(row["packets"] for row in rows) == judged(sgsim)["observations"]
    assert "packets, " in ended.err


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """No test leaves half a file."""
    yield
    assert not list(tmp_path.glob("*.part"))
