"""Packets with comments: what tshark shows of them is what the records say, and the packets are what they were."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import zlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from struct import unpack_from
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.utils import rdpcap, wrpcap

from sgsim.captures import traffic
from sgsim.errors import OutputError
from sgsim.model import Topology, Tunnel, Verdict
from sgsim.replay import Outputs, replay
from sgsim.sources import load_topology
from tests.differential.test_captures import batches_of, busiest
from tests.differential.worlds import topology_of
from tests.test_reports_parquet import CAPTURES

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples/three-tier"
SCENARIO, TRAFFIC = EXAMPLE / "scenario.yaml", EXAMPLE / "traffic.pcap"

Record = dict[str, Any]


@pytest.fixture(scope="session")
def tshark() -> str:
    """Absent, it skips a test, unless ``SGSIM_REQUIRE_TSHARK`` is set: then it fails."""
    if found := shutil.which("tshark"):
        return found
    if os.environ.get("SGSIM_REQUIRE_TSHARK"):
        pytest.fail("no tshark: apt-get install tshark")
    pytest.skip("no tshark")


def shown(tshark: str, path: Path) -> list[tuple[int, str, list[str]]]:
    """(time in nanoseconds, frame in hexadecimal, comments) of each packet, as tshark reads the file."""
    fields = ["frame.time_epoch", "frame.comment"]
    command = [tshark, "-r", str(path), "-T", "fields", "-E", "aggregator=|", *(w for f in fields for w in ("-e", f))]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    frames = [frame_of(body).hex() for kind, body in blocks(path.read_bytes()) if kind == 6]
    found = []
    for line, frame in zip(lines, frames, strict=True):
        time, comments = line.split("\t")
        seconds, _, fraction = time.partition(".")
        found.append((int(seconds) * 10**9 + int(fraction.ljust(9, "0")), frame, comments.split("|")))
    return found


def both(folder: Path, topology: Topology | Path, captures: Sequence[Any], **options: Any) -> tuple[Path, list[Record]]:
    """The packets with comments of a replay, and its records."""
    names = [folder / "o.pcapng", folder / "o.ndjson"]
    only = options.pop("only", None)
    replay(topology, captures, outputs=Outputs([str(name) for name in names], only=only), **options)
    return names[0], [json.loads(line) for line in names[1].read_text().splitlines()]


def comment(record: Record) -> str:
    """What the comment of an observation says."""
    text = f"{record['verdict'].upper()} {record['reason']} {record['direction']} {record['eni']}"
    if record["rule"] is None:
        return text
    group = "" if record["rule"].startswith(record["group"]) else f" ({record['group']})"
    return f"{text}, rule {record['rule']}{group}"


def comments_of(records: list[Record]) -> list[list[str]]:
    """By packet."""
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for record in records:
        found[record["capture"], record["packet"]].append(comment(record))
    return list(found.values())


@pytest.mark.parametrize("engine", ["fast", "reference"])
@pytest.mark.parametrize("only", [None, Verdict.ALLOW, Verdict.DROP])
def test_tshark_shows_what_the_records_say(tmp_path: Path, tshark: str, engine: str, only: Verdict | None):
    """A comment for each gate; each packet once, at its time, byte for byte; none without an observation."""
    path, records = both(tmp_path, SCENARIO, [TRAFFIC], engine=engine, only=only)
    found = shown(tshark, path)
    assert [comments for _, _, comments in found] == comments_of(records)
    packets = rdpcap(str(TRAFFIC))
    numbers = list(dict.fromkeys(record["packet"] for record in records))
    times = list(dict.fromkeys((record["packet"], record["time_ns"]) for record in records))
    assert [frame for _, frame, _ in found] == [bytes(packets[number - 1]).hex() for number in numbers]
    assert [time for time, _, _ in found] == [time for _, time in times]
    if only is None:
        assert any(len(comments) == 2 for _, _, comments in found)


@pytest.mark.parametrize("name", CAPTURES)
def test_real_captures(tmp_path: Path, data: Path, tshark: str, name: str):
    """Odd links, IPv6, fragments: tshark reads all that is written."""
    topology = topology_of(random.Random(zlib.crc32(name.encode())), busiest(batches_of(data / name), 24))
    path, records = both(tmp_path, topology, [data / name])
    assert [comments for _, _, comments in shown(tshark, path)] == comments_of(records)


def test_several_captures_in_one_file(tmp_path: Path, tshark: str):
    """Each packet beside its own comments, in the merged order."""
    first, second = tmp_path / "one.pcap", tmp_path / "two.pcap"
    wrpcap(str(first), traffic.tcp("192.0.2.77", "10.0.1.10", 443))
    wrpcap(str(second), traffic.tcp("192.0.2.200", "10.0.1.5", 22, at=0.005))
    path, records = both(tmp_path, SCENARIO, [first, second])
    assert [comments for _, _, comments in shown(tshark, path)] == comments_of(records)
    assert {record["capture"] for record in records} == {str(first), str(second)}


def test_mirrored_packets_keep_their_outer_frame(tmp_path: Path, tshark: str):
    """The comments are about the frames inside, the packets are those of the capture."""
    outer = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src="10.0.9.1", dst="10.0.9.2")
    frames = [outer / UDP(sport=50_000, dport=4789) / VXLAN(vni=7) / bytes(packet) for packet in rdpcap(str(TRAFFIC))]
    wrpcap(str(tmp_path / "mirror.pcap"), frames)
    path, records = both(tmp_path, SCENARIO, [tmp_path / "mirror.pcap"], decapsulate=Tunnel.VXLAN)
    found = shown(tshark, path)
    assert [comments for _, _, comments in found] == comments_of(records)
    assert all(frame in {bytes(each).hex() for each in frames} for _, frame, _ in found)


def test_a_rule_that_comes_midway_has_a_name(tmp_path: Path, tshark: str):
    """Interfaces and rules that a change brings are in the comments from then on."""
    changes = tmp_path / "changes.yaml"
    changes.write_text(CHANGE)
    packets = [traffic.udp("192.0.2.7", "10.0.1.5", 53, at=n, answered=False)[0] for n in range(4)]
    path, records = both(tmp_path, SCENARIO, [packets], changes=[changes])
    comments = [each for _, _, each in shown(tshark, path)]
    assert comments == comments_of(records)
    assert comments[0] == comments[1] == ["DROP no_rule ingress bastion-1"]
    assert comments[2][0].startswith("ALLOW rule ingress bastion-1, rule ")


CHANGE = """
- at: +2s
  call: AuthorizeSecurityGroupIngress
  params:
    GroupId: bastion
    IpPermissions:
      - {IpProtocol: udp, FromPort: 53, ToPort: 53, IpRanges: [{CidrIp: 0.0.0.0/0}]}
"""


# --- the file itself --------------------------------------------------------------------------------------------------


def blocks(data: bytes) -> list[tuple[int, bytes]]:
    """(type, body) of each block, whose two lengths agree."""
    found, at = [], 0
    while at < len(data):
        kind, size = unpack_from("<II", data, at)
        assert size % 4 == 0
        assert unpack_from("<I", data, at + size - 4)[0] == size
        found.append((kind, data[at + 8 : at + size - 4]))
        at += size
    return found


def frame_of(body: bytes) -> bytes:
    """Of an enhanced packet block."""
    (captured,) = unpack_from("<I", body, 12)
    return body[20 : 20 + captured]


def options_of(body: bytes) -> list[tuple[int, bytes]]:
    """Of an enhanced packet block."""
    (captured,) = unpack_from("<I", body, 12)
    at, found = 20 + (captured + 3 & ~3), []
    while at < len(body):
        code, size = unpack_from("<HH", body, at)
        found.append((code, body[at + 4 : at + 4 + size]))
        at += 4 + (size + 3 & ~3)
    return found


def test_options_end_as_the_format_says(tmp_path: Path):
    """Comments (code 1) in UTF-8, then the end of options (code 0) without a value, in every packet block."""
    path, records = both(tmp_path, SCENARIO, [TRAFFIC])
    found = [options_of(body) for kind, body in blocks(path.read_bytes()) if kind == 6]
    assert all(options[-1] == (0, b"") for options in found)
    assert [[value.decode() for code, value in options if code == 1] for options in found] == comments_of(records)


def named(folder: Path, name: str) -> Topology:
    """An interface, a group and a rule of that name."""
    path = folder / "named.json"
    group = {"GroupId": name, "GroupName": name, "IpPermissions": [], "IpPermissionsEgress": []}
    group["IpPermissions"] = [
        {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ]
    addresses = [{"PrivateIpAddress": "10.0.0.9", "Primary": True}]
    interface = {"NetworkInterfaceId": name, "PrivateIpAddresses": addresses, "Groups": [{"GroupId": name}]}
    path.write_text(json.dumps({"SecurityGroups": [group], "NetworkInterfaces": [interface]}))
    return load_topology(path)


@pytest.mark.parametrize("name", ["é", "two\nlines", "一" * 4_000], ids=["accent", "two lines", "long"])
def test_odd_names_stay_within_their_comment(tmp_path: Path, name: str):
    """Whatever the bytes, lengths and padding are right; what is too long for a comment is cut between letters."""
    packets = traffic.udp("192.0.2.7", "10.0.0.9", 53)
    path, records = both(tmp_path, named(tmp_path, name), [packets])
    found = [options_of(body) for kind, body in blocks(path.read_bytes()) if kind == 6]
    assert len(found) == len(records) == 2
    texts = [[value.decode("utf-8") for code, value in options if code == 1] for options in found]
    assert all(len(each) == 1 for each in texts)
    if len(name) < 100:
        assert texts == comments_of(records)
    else:
        assert texts[0][0].startswith("ALLOW rule ingress 一一")


def test_a_replay_without_observations_is_a_file_without_packets(tmp_path: Path):
    """A capture that Wireshark opens."""
    path, records = both(tmp_path, SCENARIO, [[]])
    assert records == []
    assert [kind for kind, _ in blocks(path.read_bytes())] == [0x0A0D0D0A]


def test_comments_need_pcapng(tmp_path: Path):
    """The line names what can be written."""
    with pytest.raises(OutputError, match=r"o\.pcap: unknown ending: name it \.ndjson, \.csv, \.parquet or \.pcapng"):
        replay(SCENARIO, [TRAFFIC], outputs=Outputs([str(tmp_path / "o.pcap")]))


def test_packets_without_comments_are_as_before(tmp_path: Path, tshark: str):
    """--write-allowed and --write-dropped beside it: the packets, and no comment."""
    files = {verdict: tmp_path / f"{verdict}.pcapng" for verdict in Verdict}
    names = [str(files[verdict]) for verdict in (Verdict.ALLOW, Verdict.DROP)]
    replay(SCENARIO, [TRAFFIC], outputs=Outputs([str(tmp_path / "o.pcapng")], None, *names))
    for path in files.values():
        assert [comments for _, _, comments in shown(tshark, path)]
        assert all(not options_of(body) for kind, body in blocks(path.read_bytes()) if kind == 6)
