"""Whatever is wrong: exit code 2 and one line on standard error that says what, where, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from story import Ended

Run = Callable[..., Ended]


def refused(ended: Ended) -> str:
    """The one line on standard error of a run that refused its input."""
    assert (ended.code, ended.out) == (2, "")
    lines = [line for line in ended.err.splitlines() if not line.startswith("sgsim: warning: ")]
    assert len(lines) == 1
    assert lines[0].startswith("sgsim: error: ")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "name a command: replay"),
        (["qery"], "No such command 'qery'"),
        (["replay"], "Missing argument 'SNAPSHOT'; see sgsim replay --help"),
        (["replay", "{s}"], "Missing argument 'CAPTURE...'"),
        (["replay", "{s}", "{c}", "--wat"], "--wat"),
        (["replay", "{s}", "{c}", "--only", "maybe", "-o", "-"], "'maybe' is not one of"),
        (["replay", "{s}", "{c}", "--only", "drop"], "add -o FILE"),
        (["replay", "{s}", "{c}", "-o", "-", "--json"], "both go to standard output"),
        (["replay", "{s}", "{c}", "--print", "--json"], "--print and --json both go to standard output"),
        (["replay", "{s}", "{c}", "-o", "-", "--print", "drop"], "-o - and --print both go to standard output"),
        (["replay", "{s}", "{c}", "--flows", "-", "--print"], "--flows - and --print both go to standard output"),
        (["replay", "{s}", "{c}", "--print=maybe"], "'maybe' is not one of"),
        (["replay", "{s}", "{c}", "-c", "0"], "0 is not in the range"),
        (["replay", "{s}", "{c}", "-c", "some"], "'some' is not a valid integer"),
        (["replay", "{s}", "{c}", "--since"], "Option '--since' requires an argument"),
        (["replay", "{s}", "{c}", "-j", "0"], "0 is not in the range"),
        (["replay", "{s}", "{c}", "--midstream", "guess"], "'guess' is not"),
        (["replay", "{s}", "{c}", "--tcp-established-timeout", "59"], "59 is not in the range"),
        (["replay", "{s}", "{c}", "--auto-tracked", "10.0.0.1/8"], "has host bits set: write it like"),
        (["replay", "{s}", "{c}", "--conntrack-max", "0"], "0 is not in the range"),
        (["replay", "{s}", "{c}", "--map", "54.1.2.3"], "'54.1.2.3' is not of the form ADDRESS=ENI"),
        (["replay", "{s}", "{c}", "--map", "5.5.5.5=web-1", "--map", "5.5.5.5=db-1"], "twice, for web-1 and for db-1"),
        (["replay", "{s}", "{c}", "--engine", "slow"], "'slow' is not one of"),
        (["query", "{s}", "--from", "web-1", "--protocol", "tcp"], "Missing option '--to'"),
        (["query", "{s}", "--from", "web-1", "--to", "db-1", "--protocol", "tcp", "--port", "65536"], "65536 is"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line(sgsim: Run, scenario: Path, capture: Path, arguments: list[str], part: str):
    """Usage errors name the option, the value and the help to ask for."""
    ended = sgsim(*(text.format(s=scenario, c=capture) for text in arguments))
    line = refused(ended)
    assert part in line
    assert "--help" in line


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--eni", "web-2"], "--eni web-2: no interface web-2 in the snapshot (there is web-1"),
        (["--vpc-id", "mian"], "--vpc-id mian: no such VPC in the snapshot (there is main)"),
        (["--eni", "wep", "--vpc-id", "main"], "--eni wep"),
        (["--at", "other.pcap=web-1"], "other.pcap is not one of the captures as given"),
        (["--at", "{c}=web-9"], "no interface web-9 in the snapshot"),
        (["--at", "{c}=web-1", "--eni", "db-1"], "web-1 is not among the selected interfaces: add --eni web-1"),
        (["--map", "54.1.2.3=web-9"], "no interface web-9 in the snapshot"),
        (["--map", "hello=web-1"], "'hello' is not an IP address"),
        (["--map", "2001:db8::1=web-1"], "web-1 has no IPv6 address"),
        (["-o", "out.txt"], "out.txt: unknown ending: name it .ndjson, .csv, .parquet or .pcapng"),
        (["--flows", "out.pcapng"], "out.pcapng: unknown ending: name it .ndjson, .csv or .parquet"),
        (["--flows", "{t}/none/out.csv"], "none does not exist: create it first"),
        (["--flows", "{t}/o.csv", "-o", "{t}/o.csv"], "given as an output twice"),
        (["--flows", "{t}/linked.csv"], "it is the input"),
        (["--since", "yesterday"], "--since: 'yesterday' is no time (write"),
        (["--until", "2026-02-30T12:00:00Z"], "--until: '2026-02-30T12:00:00Z': there is no such day"),
        (["--since", "+3s", "--until", "+2s"], "--until +2s is not after --since +3s: no packet can be between"),
        (["-o", "{t}/none/out.csv"], "none does not exist: create it first"),
        (["-o", "{t}"], "is a folder: name a file in it"),
        (["-o", "{t}/o.csv", "-o", "{t}/./o.csv"], "given as an output twice"),
        (["-o", "-", "-o", "-"], "standard output (-): given as an output twice"),
        (["--write-dropped", "{c}"], "it is the input"),
        (["-o", "{t}/linked.csv"], "it is the input"),
        (["--write-allowed", "{t}/packets.txt"], "packets.txt"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_or_written_is_found_first(
    sgsim: Run, scenario: Path, capture: Path, tmp_path: Path, arguments: list[str], part: str
):
    """Unknown names, and outputs that cannot be, are one line; nothing was written under a final name."""
    (tmp_path / "linked.csv").symlink_to(capture)
    before = capture.read_bytes()
    ended = sgsim("replay", scenario, capture, *(text.format(c=capture, t=tmp_path) for text in arguments))
    assert part in refused(ended)
    assert capture.read_bytes() == before
    assert not list(tmp_path.glob("*.ndjson"))


@pytest.mark.parametrize(
    ("snapshot", "trace", "part"),
    [
        ("{s}", "missing.pcap", "missing.pcap"),
        ("missing.yaml", "{c}", "missing.yaml"),
        ("{s}", "{s}", "no pcap or pcapng"),
        ("{s}", "{t}", "{t}"),
        ("{c}", "{c}", "{c}"),
    ],
)
def test_unreadable_input_names_the_file(
    sgsim: Run, scenario: Path, capture: Path, tmp_path: Path, snapshot: str, trace: str, part: str
):
    """A missing or unsuitable snapshot or capture is one line that names it."""
    snapshot, trace, part = (text.format(s=scenario, c=capture, t=tmp_path) for text in (snapshot, trace, part))
    assert part in refused(sgsim("replay", snapshot, trace))


def test_standard_input_can_be_read_once(sgsim: Run, scenario: Path):
    """Two captures cannot both be standard input."""
    assert "standard input (-) is given twice" in refused(sgsim("replay", scenario, "-", "-"))


TWO_OWNERS = """
security_groups: {web: {ingress: [all from any], vpc: a}, bew: {ingress: [all from any], vpc: b}}
vpcs: {a: 10.0.0.0/16, b: 10.0.0.0/16}
interfaces:
  web-1: {addresses: [10.0.1.10], groups: [web], vpc: a}
  web-2: {addresses: [10.0.1.10], groups: [bew], vpc: b}
"""
TWO_PREFIXES = """
security_groups: {web: {ingress: [all from any], vpc: a}, bew: {ingress: [all from any], vpc: b}}
vpcs: {a: 10.0.0.0/16, b: 10.0.0.0/16}
interfaces:
  web-1: {addresses: [10.0.1.10], prefixes: [10.0.2.0/28], groups: [web], vpc: a}
  web-2: {addresses: [10.0.1.11], prefixes: [10.0.2.0/28], groups: [bew], vpc: b}
"""


@pytest.mark.parametrize(("text", "what"), [(TWO_OWNERS, "10.0.1.10"), (TWO_PREFIXES, "10.0.2.0/28")])
def test_an_address_with_two_owners_needs_a_choice(sgsim: Run, tmp_path: Path, capture: Path, text: str, what: str):
    """Interfaces of two VPCs that own one address: refused, naming both and the options; a choice settles it."""
    snapshot = tmp_path / "two.yaml"
    snapshot.write_text(text)
    line = refused(sgsim("replay", snapshot, capture))
    assert f"{what} is owned by web-1 (a) and by web-2 (b): choose with --vpc-id or --eni" in line
    assert sgsim("replay", snapshot, capture, "--vpc-id", "a").code == 0
    assert sgsim("replay", snapshot, capture, "--eni", "web-2").code == 0


def test_a_selection_without_interfaces_is_refused(sgsim: Run, tmp_path: Path, capture: Path):
    """An interface that is not in the chosen VPC leaves nothing to judge."""
    snapshot = tmp_path / "two.yaml"
    snapshot.write_text(TWO_OWNERS)
    line = refused(sgsim("replay", snapshot, capture, "--vpc-id", "a", "--eni", "web-2"))
    assert "nothing to judge" in line
