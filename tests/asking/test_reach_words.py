"""``sgsim query`` about groups, tags and CIDRs: text, JSON, exit codes, error lines."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from sgsim.cli import cli

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = "examples/three-tier/scenario.yaml"
DB = ("--protocol", "tcp", "--port", "5432")


def ask(source: str, destination: str, *more: str, snapshot: str | Path = ROOT / SCENARIO):
    words = ["query", str(snapshot), "--from", source, "--to", destination, *(more or DB)]
    return CliRunner().invoke(cli, words, catch_exceptions=False)


@pytest.mark.parametrize(
    ("source", "destination", "answer", "code"),
    [
        ("app", "db", "ALL", 0),
        ("tag:Name=app", "tag:Name=db", "ALL", 0),
        ("10.0.2.16/28", "db-1", "SOME", 1),
        ("web", "db", "NONE", 1),
        ("10.0.2.20/32", "db", "ALL", 0),
    ],
)
def test_all_some_or_none(source, destination, answer, code):
    """The first word answers, and the exit code is 0 where all of it passes."""
    plan = ROOT / "examples/terraform-plan/plan.json"
    ended = ask(source, destination, snapshot=plan if "tag" in source else ROOT / SCENARIO)
    assert (ended.exit_code, ended.stdout.split()[0]) == (code, answer), ended.stderr


def test_neighbours_are_written_as_ranges_and_one_interface_is_told_what_helps():
    """The text joins CIDRs; a single pair that is dropped gets the rule that would let it pass."""
    ended = ask("10.0.2.0/24", "db-1")
    assert "10.0.2.31-10.0.2.255" in ended.stdout
    assert "Note: left out: an interface to itself" in ended.stdout
    assert "what would let it pass: ingress tcp 5432 from 10.0.1.5/32 in db" in ask("bastion", "db").stdout


def test_the_json_is_documented():
    """docs/interface.md names the members in their order; the CIDRs of a side's parts do not overlap."""
    page = (ROOT / "docs/interface.md").read_text()
    section = page.split("\nWhere a side is a group, a tag or a CIDR")[1].split("\n## ")[0]
    found = json.loads(ask("10.0.2.0/24", "db-1", *DB, "--json").stdout)
    assert re.findall(r"^\| `(\w+)` \|", section, re.M) == list(found)
    assert (found["answer"], found["verdict"], found["unguarded"]) == ("some", "drop", False)
    for part in found["parts"]:
        assert list(part) == ["from", "to", "verdict", "gates", "reply"]
    assert json.loads(ask("10.0.2.0/24", "10.0.2.30/31", *DB, "--json").stdout)["unguarded"] is True


@pytest.mark.parametrize(
    ("source", "destination", "message"),
    [
        ("10.0.1.10/24", "db", "10.0.1.10/24 has host bits set: write 10.0.1.0/24, or the address alone"),
        ("ap", "db", "ap: no interface, Name tag, instance or security group of the snapshot, and no address or CIDR"),
        ("ap", "db", "(there is app"),
        ("10.0.0.0/33", "db", "10.0.0.0/33: no interface"),
        ("tag:name=x", "db", "write tag:Name=x"),
        ("tag:Name=", "db", "write tag:Name=..."),
        ("tag:Name=x", "db", "no interface has the Name x"),
        ("app", "app", "app to app: there is nothing but an interface to itself"),
        ("198.51.100.0/24", "192.0.2.0/24", "neither 198.51.100.0/24 nor 192.0.2.0/24 is known to the snapshot"),
        ("0.0.0.0/0", "::/0", "0.0.0.0/0 and ::/0 have no address family in common"),
        ("2001:db8::/64", "db", "have no address family in common"),
    ],
)
def test_what_cannot_be_answered_is_one_line(source, destination, message):
    """Exit code 2, the remedy or the nearest name, no traceback."""
    ended = ask(source, destination)
    assert ended.exit_code == 2
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_vpc_that_is_not_known_is_said_so_for_groups_too():
    """Otherwise nobody would seem to have the group."""
    ended = ask("app", "db", *DB, "--vpc-id", "shpo")
    assert "--vpc-id shpo: no such VPC in the snapshot (there is shop)" in ended.stderr


def test_an_address_in_two_vpcs_is_asked_about_in_one(tmp_path):
    """A CIDR with it needs --vpc-id, as the address itself does."""
    (tmp_path / "s.yaml").write_text(
        "security_groups: {a: {vpc: v1, egress: [all to any]}, b: {vpc: v2, egress: []}}\n"
        "vpcs: {v1: 10.0.0.0/16, v2: 10.0.0.0/16}\ninterfaces:\n"
        "  one: {addresses: [10.0.0.9], groups: [a], vpc: v1}\n  two: {addresses: [10.0.0.9], groups: [b], vpc: v2}\n"
    )
    ended = ask("10.0.0.8/29", "192.0.2.1", snapshot=tmp_path / "s.yaml")
    assert ended.exit_code == 2
    assert "10.0.0.9 is owned by several interfaces: one (v1), two (v2); choose with --vpc-id" in ended.stderr
    for vpc, answer in (("v1", "ALL"), ("v2", "NONE")):
        ended = ask("10.0.0.8/29", "192.0.2.1", *DB, "--vpc-id", vpc, snapshot=tmp_path / "s.yaml")
        assert ended.stdout.split()[0] == answer


def test_more_parts_than_can_be_judged_are_refused(monkeypatch):
    """At once, and with what to do."""
    monkeypatch.setattr("sgsim.reach.MOST_PAIRS", 3)
    assert "parts to 1 is more than can be judged: ask about less" in ask("0.0.0.0/0", "db").stderr
    monkeypatch.setattr("sgsim.sides.MOST_PARTS", 3)
    assert "0.0.0.0/0 falls into" in ask("0.0.0.0/0", "db").stderr
