"""Infrastructure code as snapshot: both sides of a Terraform plan, a template's parameters, what is said of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from story import Ended, Story

Run = Callable[..., Ended]

PLAN = Path(__file__).resolve().parents[2] / "examples/terraform-plan/plan.json"
TEMPLATE = PLAN.parents[1] / "cloudformation/template.yaml"
DIRECT = ("--from", "web", "--to", "db", "--protocol", "tcp", "--port", 5432)


def test_a_question_to_both_sides_of_a_plan(sgsim: Run):
    """Web servers reach the database before the plan, and only by way of the application after it."""
    assert sgsim("query", PLAN, *DIRECT).code == 1
    assert sgsim("query", PLAN, *DIRECT, "--plan-before").code == 0
    assert sgsim("query", PLAN, "--from", 'aws_instance.tier["app"]', *DIRECT[2:]).code == 0


def test_a_replay_against_both_sides_of_a_plan(sgsim: Run, tmp_path: Path):
    """The same capture passes before and is dropped after."""
    capture = Story().connection("10.0.1.10", "10.0.1.30", 40_000, 5432).save(tmp_path / "c.pcap")
    before = json.loads(sgsim("replay", PLAN, capture, "--json", "--plan-before").out)
    after = json.loads(sgsim("replay", PLAN, capture, "--json").out)
    assert (before["dropped"], after["allowed"]) == (0, 0)
    assert [rule["rule"] for rule in after["rules"]] == [
        "aws_vpc_security_group_ingress_rule.app_web",
        "aws_vpc_security_group_egress_rule.app_db",
        "aws_vpc_security_group_ingress_rule.db_app",
        "aws_vpc_security_group_egress_rule.web_app",
    ]


@pytest.mark.parametrize("verb", ["query", "replay"])
def test_only_a_plan_has_a_side_before(sgsim: Run, scenario: Path, capture: Path, verb: str):
    """One line that says so, exit code 2."""
    arguments = DIRECT if verb == "query" else (capture,)
    ended = sgsim(verb, scenario, *arguments, "--plan-before")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.strip() == f"sgsim: error: {scenario}: is a scenario, no Terraform plan (leave out --plan-before)"


def test_rules_that_are_not_known_yet_are_in_the_summary_and_in_the_answer(sgsim: Run, tmp_path: Path):
    """As unresolved; in words, with the address of what is not known."""
    plan = json.loads(PLAN.read_text())
    for change in plan["resource_changes"]:
        if change["address"] == "aws_vpc_security_group_ingress_rule.db_app":
            change["change"]["after_unknown"]["cidr_ipv4"] = True
            del (
                change["change"]["after"]["cidr_ipv4"],
                change["change"]["after_unknown"]["referenced_security_group_id"],
            )
            change["change"]["after"]["referenced_security_group_id"] = None
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan))
    ended = sgsim("query", path, "--from", "10.0.7.7", *DIRECT[2:])
    assert "only a rule might whose peer the snapshot does not say" in ended.out
    rule = "aws_vpc_security_group_ingress_rule.db_app"
    assert f"tcp 5432 from what is not known yet ({rule}.cidr_ipv4)  fails on peer  ({rule})" in ended.out
    assert f"{path}: {rule}.cidr_ipv4: is known only after apply" in ended.err
    capture = Story().connection("10.0.7.7", "10.0.1.30", 40_000, 5432).save(tmp_path / "c.pcap")
    assert json.loads(sgsim("replay", path, capture, "--json").out)["unresolved"] == [rule]
    assert sgsim("replay", path, capture, "--strict").code == 2


def test_an_end_without_a_known_address_cannot_be_asked_about(sgsim: Run, tmp_path: Path):
    """The error says that its addresses are not known."""
    plan = json.loads(PLAN.read_text())
    for change in plan["resource_changes"]:
        if change["address"] == 'aws_instance.tier["app"]':
            del change["change"]["after"]["private_ip"]
            change["change"]["after_unknown"]["private_ip"] = True
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan))
    ended = sgsim("query", path, "--from", "app", *DIRECT[2:])
    assert ended.code == 2
    assert ended.err.endswith("sgsim: error: app has no address that the snapshot says: ask about an address instead\n")


def test_parameters_of_a_template(sgsim: Run, tmp_path: Path):
    """Without a value the answer is that nobody knows; with one, or another stage, it is the template's."""
    ssh = ("--from", "192.0.2.7", "--to", "WebServer", "--protocol", "tcp", "--port", 22)
    assert "what is not known yet (AdminCidr)" in sgsim("query", TEMPLATE, *ssh).out
    assert sgsim("query", TEMPLATE, *ssh, "--parameter", "AdminCidr=192.0.2.0/24").code == 0
    capture = Story().connection("10.0.1.10", "10.0.1.30", 40_000, 5432).save(tmp_path / "c.pcap")
    assert json.loads(sgsim("replay", TEMPLATE, capture, "--json").out)["dropped"] == 0
    other = sgsim("replay", TEMPLATE, capture, "--json", "--parameter", "Stage=test")
    assert json.loads(other.out)["dropped"] > 0


@pytest.mark.parametrize(
    ("values", "part"),
    [
        (["AdminCidr"], "'AdminCidr' is not of the form NAME=VALUE"),
        (["Stage=a", "Stage=b"], "Stage is given twice, as a and as b"),
        (["Stages=a"], "has no parameter Stages (did you mean Stage?)"),
        (["AdminCidr=a=b"], "'a=b' is no CIDR"),
    ],
)
def test_parameters_that_cannot_be(sgsim: Run, values: list[str], part: str):
    """One line, exit code 2."""
    options = [word for value in values for word in ("--parameter", value)]
    ended = sgsim("query", TEMPLATE, "--from", "WebServer", "--to", "Database", "--protocol", "47", *options)
    assert ended.code == 2
    assert part in ended.err


def test_only_a_template_has_parameters(sgsim: Run, scenario: Path):
    """One line that says so."""
    ended = sgsim("query", scenario, *DIRECT, "--parameter", "A=b")
    assert ended.err.strip().endswith("is a scenario, no CloudFormation template (leave out --parameter)")
