"""``sgsim query``: exit codes, the JSON object, the text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from story import Ended

Run = Callable[..., Ended]

PASSES = ("--from", "web-1", "--to", "db-1", "--protocol", "tcp", "--port", 5432)
FAILS = ("--from", "web-1", "--to", "db-1", "--protocol", "tcp", "--port", 5433)


def test_the_exit_code_is_the_answer(sgsim: Run, scenario: Path):
    """0: it passes; 1: it is dropped; 2: it cannot be answered."""
    assert sgsim("query", scenario, *PASSES).code == 0
    assert sgsim("query", scenario, *FAILS).code == 1
    assert sgsim("query", scenario, "--from", "a", "--to", "db-1", "--protocol", "tcp", "--port", 1).code == 2


def test_json_is_one_object(sgsim: Run, scenario: Path):
    """--json prints the documented object on standard output and nothing else there."""
    ended = sgsim("query", scenario, *FAILS, "--json")
    answer = json.loads(ended.out)
    assert ended.code == 1
    assert (answer["verdict"], answer["reply"]) == ("drop", None)
    assert answer["gates"][1] == {
        "eni": "db-1",
        "direction": "ingress",
        "verdict": "drop",
        "reason": "no_rule",
        "code": "ENI_SG_RULES_MISMATCH",
        "rules": [],
        "tracked": False,
        "nearest": [
            {"rule": "db/ingress/0", "failed_on": ["port"]},
            {"rule": "db/ingress/1", "failed_on": ["protocol", "port", "peer"]},
        ],
        "change": answer["gates"][1]["change"],
    }
    assert answer["gates"][1]["change"]["permission"]["IpProtocol"] == "tcp"


def test_the_text_names_rules_and_what_they_failed_on(sgsim: Run, scenario: Path):
    """The answer for people: verdicts, admitting rules in words, near misses with the failed field, the reply."""
    dropped = sgsim("query", scenario, *FAILS)
    assert "tcp 5432 from web  fails on port  (db/ingress/0)" in dropped.out
    assert "There is no reply" in dropped.out
    passed = sgsim("query", scenario, *PASSES)
    assert passed.out.startswith("ALLOW  web-1 -> db-1")
    assert "Its reply: ALLOW, tracked at db-1" in passed.out
    assert "\x1b" not in passed.out
    assert "sgsim: warning:" in passed.err


@pytest.mark.parametrize(
    ("options", "protocol", "address"),
    [
        (("-6", "--protocol", "icmp"), 58, "2001:db8::20"),
        (("--protocol", "ICMP", "--icmp-type", 13, "--icmp-code", 0), 1, "10.0.2.20"),
        (("-4", "--protocol", 47), 47, "10.0.2.20"),
        (("--protocol", "udp", "--port", 53, "--source-port", 7), 17, "10.0.2.20"),
    ],
)
def test_protocols_families_and_types(sgsim: Run, tmp_path: Path, options: tuple, protocol: int, address: str):
    """Each way to ask reaches the rule that admits exactly that packet."""
    snapshot = tmp_path / "exact.yaml"
    rule = {58: "icmpv6 128/0", 1: "icmp 13/0", 47: "47", 17: "udp 53"}[protocol]
    snapshot.write_text(
        f"security_groups: {{db: {{ingress: [{rule} from any], egress: []}}, web: {{}}}}\n"
        "interfaces:\n"
        '  web-1: {addresses: [10.0.1.10, "2001:db8::10"], groups: [web]}\n'
        '  db-1: {addresses: [10.0.2.20, "2001:db8::20"], groups: [db]}\n'
    )
    ended = sgsim("query", snapshot, "--from", "web-1", "--to", "db-1", *options)
    assert ended.code == 0, ended.out + ended.err
    assert address in ended.out


def test_an_address_in_two_vpcs_is_settled_by_vpc_id(sgsim: Run, tmp_path: Path):
    """--vpc-id says which owner of an address is meant."""
    snapshot = tmp_path / "two.yaml"
    snapshot.write_text(
        "security_groups: {a: {ingress: [all from any], vpc: one}, b: {ingress: [], vpc: two}}\n"
        "vpcs: {one: 10.0.0.0/16, two: 10.0.0.0/16}\n"
        "interfaces:\n"
        "  eni-a: {addresses: [10.0.1.10], groups: [a], vpc: one}\n"
        "  eni-b: {addresses: [10.0.1.10], groups: [b], vpc: two}\n"
    )
    question = ("query", snapshot, "--from", "192.0.2.1", "--to", "10.0.1.10", "--protocol", "tcp", "--port", 1)
    assert "choose with --vpc-id" in sgsim(*question).err
    assert sgsim(*question, "--vpc-id", "one").code == 0
    assert sgsim(*question, "--vpc-id", "two").code == 1


def test_strict_refuses_doubtful_input(sgsim: Run, scenario: Path):
    """A prefix list without entries is an error with --strict."""
    ended = sgsim("query", scenario, *PASSES, "--strict")
    assert (ended.code, ended.out) == (2, "")
