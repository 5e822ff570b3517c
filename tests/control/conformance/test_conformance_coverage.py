"""The table covers what it is there for, and its rows say where they come from."""

from __future__ import annotations

import re
from functools import cache

import pytest
import yaml
from botocore.session import Session

from sgsim.control import Cloud
from tests.control.conformance.table import HERE, Row, Step, read_rows

ROWS = read_rows()
FEWEST = 200
COVERED: dict[str, list[str]] = yaml.safe_load((HERE / "covered.yaml").read_text(encoding="utf-8"))
SOURCE = re.compile(
    r"(EC2 API reference|EC2 API error codes|AWS CLI reference|VPC user guide|VPC peering guide|EC2 user guide)(, .+)?"
    r"|https://github\.com/[\w.-]+/[\w.-]+/issues/\d+|[\w.-]+/[\w.-]+, .+"
)


@cache
def members(operation: str) -> frozenset[str]:
    """The parameters that EC2's own service model gives an operation."""
    return frozenset(Session().get_service_model("ec2").operation_model(operation).input_shape.members)


def steps() -> list[Step]:
    """Every call of every row."""
    return [step for row in ROWS for step in row.steps()]


def test_enough_rows() -> None:
    """The table is what it was written to be, and most of it is confirmed by a source."""
    assert len(ROWS) >= FEWEST
    assert sum(row.unconfirmed for row in ROWS) < len(ROWS) / 3


@pytest.mark.parametrize("operation", COVERED["operations"])
def test_operation(operation: str) -> None:
    """Each operation is what some row is about or looks at, succeeds somewhere, and is tried with DryRun."""
    found = [step for step in steps() if step.operation == operation]
    assert any(step.error is None for step in found)
    if "DryRun" in members(operation):
        assert any(step.params.get("DryRun") is True for step in found)


def test_operations() -> None:
    """The cloud answers each operation of the table."""
    assert set(COVERED["operations"]) <= Cloud.OPERATIONS
    assert {step.operation for step in steps()} <= set(COVERED["operations"])


@pytest.mark.parametrize("code", COVERED["codes"])
def test_error_code(code: str) -> None:
    """Each code is expected by a row."""
    assert any(step.error is not None and step.error["code"] == code for step in steps())


def test_filters() -> None:
    """Each filter of DescribeSecurityGroups is used by a row."""
    found = [step for step in steps() if step.operation == "DescribeSecurityGroups"]
    used = {each["Name"] for step in found for each in step.params.get("Filters", ())}
    assert used >= set(COVERED["filters"])
    assert any(name.startswith("tag:") for name in used)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_wording(row: Row) -> None:
    """A row gives a public source, and its name is one sentence without a full stop."""
    assert SOURCE.fullmatch(row.source), row.source
    assert re.fullmatch(r"\S.*[^.\s]", row.name), row.name


def test_parameters() -> None:
    """What rows send are parameters of EC2's own service model: a row does not pass for a slip of the pen."""
    for step in steps():
        assert set(step.params) <= members(step.operation), step
