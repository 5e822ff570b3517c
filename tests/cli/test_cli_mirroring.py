"""``--decapsulate vxlan``: mirrored traffic is judged as the traffic itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.utils import rdpcap, wrpcap
from story import Ended

Run = Callable[..., Ended]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/three-tier"
OUTER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src="10.0.9.1", dst="10.0.9.2")


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """The example's frames, each inside a VXLAN packet of the same time."""
    packets = []
    for number, frame in enumerate(rdpcap(str(EXAMPLE / "traffic.pcap"))):
        packet = OUTER / UDP(sport=50_000 + number % 1000, dport=4789) / VXLAN(vni=7) / bytes(frame)
        packet.time = frame.time
        packets.append(packet)
    wrpcap(str(tmp_path / "mirror.pcap"), packets)
    return tmp_path / "mirror.pcap"


def judged(sgsim: Run, capture: Path, folder: Path, *options: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The summary without what differs, and the records without their capture."""
    output = folder / "o.ndjson"
    ended = sgsim("replay", EXAMPLE / "scenario.yaml", capture, "--json", "-o", output, *options)
    assert ended.code == 0, ended.err
    summary = json.loads(ended.out)
    for name in ("captures", "seconds", "packets_per_second"):
        del summary[name]
    records = [json.loads(line) for line in output.read_text().splitlines()]
    for record in records:
        del record["capture"]
    return summary, records


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_mirrored_traffic_is_judged_as_the_traffic(sgsim: Run, mirror: Path, tmp_path: Path, engine: str):
    """The same summary and the same records, lengths included."""
    plain = judged(sgsim, EXAMPLE / "traffic.pcap", tmp_path, "--engine", engine)
    assert plain[1]
    assert judged(sgsim, mirror, tmp_path, "--decapsulate", "vxlan", "--engine", engine) == plain


def test_without_the_option_the_outer_packet_is_judged(sgsim: Run, mirror: Path, tmp_path: Path):
    """As AWS does; nobody in the example owns its addresses."""
    summary, records = judged(sgsim, mirror, tmp_path)
    assert summary["skipped"]["no_interface"] == summary["packets"]
    assert records == []


def test_written_packets_are_the_mirrored_ones(sgsim: Run, mirror: Path, tmp_path: Path):
    """Those that carry what was allowed and dropped, whole."""
    outputs = [tmp_path / "allowed.pcap", tmp_path / "dropped.pcap"]
    options = ("--decapsulate", "vxlan", "--write-allowed", str(outputs[0]), "--write-dropped", str(outputs[1]))
    _, records = judged(sgsim, mirror, tmp_path, *options)
    dropped = {record["packet"] for record in records if record["verdict"] == "drop"}
    allowed = {record["packet"] for record in records} - dropped
    packets = [bytes(packet) for packet in rdpcap(str(mirror))]
    for output, numbers in zip(outputs, (allowed, dropped), strict=True):
        assert [bytes(packet) for packet in rdpcap(str(output))] == [packets[n - 1] for n in sorted(numbers)]
