"""The commands whose start-up is measured, and the files that they are given."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from sgsim.workload import STREAMS, draw_flows, topology, write_stream

SCENARIO = "examples/three-tier/scenario.yaml"
SGSIM = [sys.executable, "-m", "sgsim"]
_COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import numpy, numba": [sys.executable, "-c", "import numpy, numba"],
    "sgsim --help": [*SGSIM, "--help"],
    "sgsim query": [*SGSIM, "query", "{groups}", "--from", "i-2", "--to", "i-1", "--protocol", "tcp", "--port", "443"],
    "sgsim replay, ten packets": [*SGSIM, "replay", SCENARIO, "{ten}"],
}


def fifty_groups(path: Path) -> Path:
    """A scenario of 50 groups, each of which lets in the next one, and an interface for each."""
    lines = ["security_groups:"]
    lines += [f"  g-{n}: {{ingress: [tcp 443 from g-{(n + 1) % 50}, tcp 22 from 10.{n}.0.0/16]}}" for n in range(50)]
    lines += ["interfaces:"]
    lines += [f"  i-{n}: {{addresses: [10.99.0.{n + 1}], groups: [g-{n}]}}" for n in range(50)]
    path.write_text("\n".join(lines))
    return path


def ten_packets(path: Path) -> Path:
    workload = replace(STREAMS["vpc-v2"], packets=20, flows=20)
    write_stream(path, draw_flows(workload, topology(workload)), workload.seed)
    octets, begin = path.read_bytes(), 24
    for _ in range(10):
        begin += 16 + int.from_bytes(octets[begin + 8 : begin + 12], "little")
    path.write_bytes(octets[:begin])
    return path


def commands(folder: Path) -> dict[str, list[str]]:
    """By name; files are made in the folder."""
    files = {"groups": fifty_groups(folder / "groups.yaml"), "ten": ten_packets(folder / "ten.pcap")}
    return {name: [word.format(**files) for word in words] for name, words in _COMMANDS.items()}


NAMES = tuple(_COMMANDS)
