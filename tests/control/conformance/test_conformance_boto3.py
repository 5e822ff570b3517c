"""Every row of the table, through boto3 and the endpoint: what XML and query parameters make of it is the same."""

from __future__ import annotations

from typing import Any

import pytest

from sgsim.control import Quotas
from tests.control.conformance.table import HOME, Row, read_rows, run_row
from tests.control.served import Served, new_account


@pytest.mark.parametrize("row", [row for row in read_rows() if row.tested], ids=str)
def test_row(row: Row, served: Served) -> None:
    """What the row expects is what boto3 shows."""
    variables: dict[str, Any] = {"account": new_account(), "other": new_account(), "region": HOME}
    served.cloud.quotas = Quotas().adjusted(**row.quotas)
    if wrong := run_row(row, served, variables):
        pytest.fail(f"{row.name} ({row.source}): {wrong}", pytrace=False)
