"""An account that calls, as short as tests want it."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any, NamedTuple

import pytest

from sgsim.control import ApiError, Caller, Cloud, Quotas
from sgsim.control.store import Instance, Papers
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

    def shown_instance(self, instance: str) -> dict[str, Any]:
        return dict(self("DescribeInstances", InstanceIds=[instance])["Reservations"][0]["Instances"][0])


def account(region: str = HOME, **quotas: int) -> Account:
    """One in a new cloud."""
    return Account(Cloud.empty(account=ACCOUNT, region=region, quotas=Quotas().adjusted(**quotas)), region=region)


class Place(NamedTuple):
    """A VPC with one subnet of both families."""

    call: Account
    vpc: str
    subnet: str
    block6: str

    def addresses(self, interface_id: str) -> list[str]:
        """What the judges get of an interface's addresses."""
        return [str(address) for address in self.call.snapshot.interfaces[interface_id].addresses]

    def available(self, subnet_id: str) -> int:
        return int(self.call("DescribeSubnets", SubnetIds=[subnet_id])["Subnets"][0]["AvailableIpAddressCount"])

    def instance(self, instance_id: str = "i-0123456789abcdef0", state: str = "running") -> str:
        """One without interfaces."""
        self.call.cloud.store.instances[instance_id] = Instance(instance_id, state)
        self.call.cloud.store.papers[instance_id] = Papers(*self.call.caller)
        return instance_id


def dual_stack() -> Place:
    call = account()
    vpc = call("CreateVpc", CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    block6 = str(next(ip_network(vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]).subnets(new_prefix=64)))
    return Place(call, vpc["VpcId"], call.subnet(vpc["VpcId"], Ipv6CidrBlock=block6), block6)


PLAIN: dict[str, Any] = {"ImageId": "ami-0abcdef1234567890", "MinCount": 1, "MaxCount": 1}


class Launch(NamedTuple):
    """A VPC with one subnet and a group, for instances."""

    call: Account
    vpc: str
    subnet: str
    group: str

    def run(self, **more: Any) -> str:
        """One instance in the subnet and the group; its id."""
        made = self.call("RunInstances", **PLAIN, SubnetId=self.subnet, SecurityGroupIds=[self.group], **more)
        return instance_id(made)


def launch() -> Launch:
    call = account()
    vpc = call.vpc()
    return Launch(call, vpc, call.subnet(vpc), call.group(vpc))


def instance_id(reservation: dict[str, Any]) -> str:
    return str(reservation["Instances"][0]["InstanceId"])
