"""The example that stops a plan in CI: it holds before the plan, and not after it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLAN = ROOT / "examples/terraform-plan/plan.json"


def test_the_plan_is_stopped(check):
    """What holds before the plan passes, what it breaks fails with the rule that came nearest."""
    ended = check(ROOT / "examples/checks/plan.sgtest.yaml")
    assert ended.exit_code == 1
    assert "ok    before: web servers ask the database" in ended.stdout
    assert "FAIL  after: web servers still ask the database" in ended.stdout
    assert "aws_vpc_security_group_ingress_rule.db_app" in ended.stdout
    assert "1 failed" in ended.stdout
