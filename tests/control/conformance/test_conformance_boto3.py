"""Every row of the table, through boto3 and the endpoint: what XML and query parameters make of it is the same."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sgsim.control import Quotas
from tests.control.conformance.table import HOME, Row, read_rows, run_row
from tests.control.served import Served, new_account


@pytest.mark.parametrize("row", [row for row in read_rows() if row.tested], ids=str)
def test_row(row: Row, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the row expects is what boto3 shows."""
    variables: dict[str, Any] = {"account": new_account(), "other": new_account(), "region": HOME}
    monkeypatch.setattr(served.cloud, "quotas", Quotas().adjusted(**row.quotas))
    if wrong := run_row(row, served, variables):
        pytest.fail(f"{row.name} ({row.source}): {wrong}", pytrace=False)


def test_internet_gateway(served: Served) -> None:
    """VPC user guide: the group 2009-07-15-default has to go before an internet gateway is attached to its VPC."""
    ec2 = served.client(new_account())
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="2009-07-15-default", Description="Old", VpcId=vpc)["GroupId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_security_group(GroupId=group)
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
