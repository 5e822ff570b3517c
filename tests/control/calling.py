"""An account that calls, as short as tests want it."""

from __future__ import annotations

from typing import Any

import pytest

from sgsim.control import ApiError, Caller, Cloud, Quotas
from sgsim.model import Topology

ACCOUNT, OTHER = "123456789012", "210987654321"
HOME, ABROAD = "us-east-1", "eu-west-1"


class Account:
    """Calls of one account in one Region: ``account("CreateVpc", CidrBlock="10.0.0.0/16")``."""

    def __init__(self, cloud: Cloud, account: str = ACCOUNT, region: str = HOME) -> None:
        self.cloud, self.caller = cloud, Caller(account, region)
        self.now_ns = 0

    def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.cloud.call(operation, params, caller=self.caller, now_ns=self.now_ns)

    def refused(self, operation: str, **params: Any) -> ApiError:
        """The error of a call that must not succeed, and must leave everything as it was."""
        before = self.cloud.state()
        with pytest.raises(ApiError) as caught:
            self(operation, **params)
        assert self.cloud.state() == before
        return caught.value

    @property
    def snapshot(self) -> Topology:
        return self.cloud.snapshot()

    def vpc(self, cidr: str = "10.0.0.0/16", **more: Any) -> str:
        return str(self("CreateVpc", CidrBlock=cidr, **more)["Vpc"]["VpcId"])

    def subnet(self, vpc_id: str, cidr: str = "10.0.1.0/24", **more: Any) -> str:
        return str(self("CreateSubnet", VpcId=vpc_id, CidrBlock=cidr, **more)["Subnet"]["SubnetId"])

    def group(self, vpc_id: str, name: str = "web") -> str:
        return str(self("CreateSecurityGroup", GroupName=name, Description="A group", VpcId=vpc_id)["GroupId"])

    def interface(self, subnet_id: str, **more: Any) -> str:
        made = self("CreateNetworkInterface", SubnetId=subnet_id, **more)["NetworkInterface"]
        return str(made["NetworkInterfaceId"])

    def shown_interface(self, interface_id: str) -> dict[str, Any]:
        return dict(self("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface_id])["NetworkInterfaces"][0])


def account(region: str = HOME, **quotas: int) -> Account:
    """One in a new cloud."""
    return Account(Cloud.empty(account=ACCOUNT, region=region, quotas=Quotas().adjusted(**quotas)), region=region)
