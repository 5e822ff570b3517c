"""``sgsim bench``: what it prints, what it refuses, and the page about it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from story import Ended

Run = Callable[..., Ended]

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/bench.md").read_text()
QUICK = ("--packets", 2_000, "--flows", 100, "--repeats", 2)
RULES = ROOT / "examples/classbench/four.rules"
TRACE = ROOT / "examples/classbench/five.trace"


def result(ended: Ended) -> dict:
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_a_snapshot_is_measured_with_its_own_rules(sgsim: Run, scenario: Path):
    """Every part says what it worked on; the same seed draws the same traffic."""
    found = result(sgsim("bench", scenario, *QUICK, "--json"))
    again = result(sgsim("bench", scenario, *QUICK, "--json"))
    assert found["rule_set"] == str(scenario)
    assert found["rules"] > 0
    assert found["table_bytes"] > 0
    assert found["repeats"] == 2
    for part in ("matching", "tracking", "replaying"):
        assert found[part]["least"] <= found[part]["packets_per_second"] <= found[part]["most"]
        assert (found[part]["packets"], found[part]["seed"], found[part]["threads"]) == (2_000, 1, 1)
    assert (found["tracking"]["flows"], found["matching"]["flows"]) == (100, None)
    assert set(found["versions"]) == {"python", "sgsim", "numpy", "numba"}
    for part, field in (("matching", "matched"), ("tracking", "dropped")):
        assert found[part][field] == again[part][field]
        assert 0 < found[part][field] < 1


def test_made_rules(sgsim: Run):
    found = result(sgsim("bench", "--rules", 70, *QUICK, "--json"))
    assert (found["rule_set"], found["rules"], found["matching"]["rules"]) == ("acl-v1", 70, 70)
    assert found["matching"]["matched"] == pytest.approx(0.9, abs=0.03)


def test_classbench_rules_and_what_could_not_be_said(sgsim: Run):
    """The notice goes to standard error and into the JSON."""
    ended = sgsim("bench", "--classbench", RULES, *QUICK, "--json")
    found = result(ended)
    assert found["rules"] == 3
    assert "destination prefixes of 3, source ports of 1" in found["warnings"][0]
    assert ended.err == f"sgsim: warning: {found['warnings'][0]}\n"


def test_a_trace_s_headers_are_what_is_matched(sgsim: Run):
    """Four of the five are for a rule."""
    found = result(sgsim("bench", "--classbench", RULES, "--trace", TRACE, *QUICK, "--json"))
    assert found["matching"]["matched"] == pytest.approx(0.8)


def test_a_gate_without_ipv4_rules_is_not_matched(sgsim: Run, tmp_path: Path):
    """An IPv6-only snapshot has no such part, and the table goes without its row."""
    path = tmp_path / "six.yaml"
    path.write_text(
        'security_groups: {a: {ingress: ["tcp 443 from ::/0"], egress: []}}\n'
        'interfaces: {web-1: {addresses: ["2001:db8::1"], groups: [a]}}\n'
    )
    assert result(sgsim("bench", path, *QUICK, "--json"))["matching"] is None
    assert "Matching" not in sgsim("bench", path, *QUICK).out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "give one rule set: SNAPSHOT, --rules N, or --classbench FILE"),
        (["{s}", "--rules", "5"], "give one rule set"),
        (["{s}", "--trace", "x"], "add --classbench FILE"),
        (["--rules", "5", "--vpc-id", "main"], "--vpc-id chooses interfaces of a SNAPSHOT"),
        (["--rules", "0"], "0 is not in the range"),
        (["--rules", "5", "--packets", "30", "--flows", "40"], "30 packets of 40 flows: at least 20 flows"),
        (["--rules", "5", "--packets", "30", "--flows", "10"], "30 packets of 10 flows: at least 20 flows"),
        (["--classbench", "{s}"], ": no ClassBench rule"),
        (["--classbench", "{r}", "--trace", "{r}"], "line 1: no header of a ClassBench trace"),
        (["{s}", "--vpc-id", "mian"], "no such VPC in the snapshot"),
        (["{e}"], "no traffic can be drawn for this topology"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_one_line(
    sgsim: Run, scenario: Path, tmp_path: Path, arguments: list[str], part: str
):
    empty = tmp_path / "empty.yaml"
    empty.write_text(
        "security_groups: {a: {ingress: [], egress: []}}\ninterfaces: {b: {addresses: [10.0.0.1], groups: [a]}}\n"
    )
    ended = sgsim("bench", *(text.format(s=scenario, r=RULES, e=empty) for text in arguments))
    assert (ended.code, ended.out) == (2, "")
    (line,) = [line for line in ended.err.splitlines() if not line.startswith("sgsim: warning: ")]
    assert line.startswith("sgsim: error: ")
    assert part in line


def test_a_trace_without_ports_is_refused(sgsim: Run, tmp_path: Path):
    trace = tmp_path / "gre.trace"
    trace.write_text("1 2 0 0 47\n")
    assert "no header of TCP, UDP or ICMP" in sgsim("bench", "--classbench", RULES, "--trace", trace, *QUICK).err


def test_no_room_for_the_stream_is_one_line(sgsim: Run, monkeypatch: pytest.MonkeyPatch):
    """A full disk is no traceback."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sgsim.bench.write_stream", full)
    ended = sgsim("bench", "--rules", 5, *QUICK)
    assert ended.code == 2
    assert "cannot be written: No space left on device: fewer --packets, or another TMPDIR" in ended.err


def shape(text: str) -> list[str]:
    """Lines without numbers and units, and without the last one, which is about the machine."""
    masked = re.sub(r"[\d,.]+( [kM]?B\b| M\b| m?s\b)?", "#", text)
    return [" ".join(line.split()) for line in masked.splitlines()][:-1]


EXAMPLES = re.findall(r"^```console\n\$ (.*?)\n(.*?)```$", PAGE, re.M | re.S)


@pytest.mark.parametrize(("command", "printed"), EXAMPLES, ids=lambda text: text[:40])
def test_the_page_s_examples_run(sgsim: Run, monkeypatch: pytest.MonkeyPatch, command: str, printed: str):
    """They print what the page says, but for the figures."""
    monkeypatch.chdir(ROOT)
    ended = sgsim(*shlex.split(command)[1:])
    assert ended.code == 0, ended.err
    if printed:
        assert shape(ended.out) == shape(printed)


def test_the_page_names_every_field(sgsim: Run):
    found = result(sgsim("bench", "--rules", 5, *QUICK, "--json"))
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.M) == list(found)
    for name in {name for part in ("matching", "tracking", "replaying") for name in found[part]}:
        assert f"`{name}`" in PAGE
