"""Every row of the table, on the control plane itself."""

from __future__ import annotations

from typing import Any

import pytest

from sgsim.control import ApiError, Caller, Cloud, Quotas
from tests.control.conformance.table import HOME, RefusedError, Row, read_rows, run_row

ACCOUNT, OTHER = "123456789012", "210987654321"


class Direct:
    """Calls that the cloud answers itself."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def call(self, operation: str, params: dict[str, Any], account: str, region: str) -> dict[str, Any]:
        """See Answers."""
        try:
            return self.cloud.call(operation, params, caller=Caller(account, region))
        except ApiError as error:
            raise RefusedError(error.code, error.message) from error


@pytest.mark.parametrize(
    ("quotas", "granted"),
    [
        ({"rules_per_security_group": 200}, True),
        ({"rules_per_security_group": 201}, False),
        ({"rules_per_security_group": 100, "security_groups_per_interface": 10}, True),
        ({"rules_per_security_group": 101, "security_groups_per_interface": 10}, False),
        ({"security_groups_per_interface": 16}, True),
        ({"rules_per_security_group": 50, "security_groups_per_interface": 17}, False),
        ({"rules_per_security_group": 1, "security_groups_per_interface": 1}, True),
    ],
)
def test_product_of_quotas(quotas: dict[str, int], granted: bool) -> None:
    """VPC user guide, Amazon VPC quotas: rules for a group times groups for an interface is at most 1,000, and an
    interface has at most 16 groups."""
    if granted:
        Quotas().adjusted(**quotas)
    else:
        with pytest.raises(ApiError):
            Quotas().adjusted(**quotas)


@pytest.mark.parametrize("row", [row for row in read_rows() if row.tested], ids=str)
def test_row(row: Row) -> None:
    """What the row expects is what the cloud answers."""
    cloud = Cloud.empty(account=ACCOUNT, region=HOME, quotas=Quotas().adjusted(**row.quotas))
    variables: dict[str, Any] = {"account": ACCOUNT, "other": OTHER, "region": HOME}
    if wrong := run_row(row, Direct(cloud), variables):
        pytest.fail(f"{row.name} ({row.source}): {wrong}", pytrace=False)
