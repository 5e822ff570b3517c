"""Against sgsim's own endpoint: what is pulled from it is the topology that it judges by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sgsim.sources import load_topology
from tests.control.conformance.table import HOME
from tests.control.served import Served, new_account, start
from tests.pull.conftest import Ended


@pytest.fixture
def served() -> Iterator[Served]:
    """A cloud of its own, and the endpoint before it."""
    pytest.importorskip("sgsim.endpoint")
    found = start()
    yield found
    found.server.close()


def test_a_cloud_comes_back(
    sgsim: Callable[..., Ended], served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Two VPCs, groups with references, interfaces: all of the account's, then one VPC's."""
    account = new_account()
    ec2 = served.client(account)
    vpcs = [ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"] for number in (1, 2)]
    interfaces = []
    for number, vpc_id in enumerate(vpcs, 1):
        web, app = (
            ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)["GroupId"]
            for name in ("web", "app")
        )
        permission = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": web}]}
        ec2.authorize_security_group_ingress(GroupId=app, IpPermissions=[permission])
        subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"10.{number}.1.0/24")["Subnet"]["SubnetId"]
        made = ec2.create_network_interface(SubnetId=subnet_id, Groups=[web, app])
        interfaces.append(made["NetworkInterface"]["NetworkInterfaceId"])

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    words = ["pull", "-o", tmp_path / "s.json", "--region", HOME, "--endpoint-url", served.server.url]
    assert sgsim(*words).code == 0
    pulled, there = load_topology(tmp_path / "s.json"), served.cloud.snapshot()
    assert pulled.interfaces.keys() == set(interfaces)
    for kind in ("groups", "interfaces", "vpcs", "subnets"):
        mine = getattr(pulled, kind)
        assert mine == {name: record for name, record in getattr(there, kind).items() if name in mine}

    assert sgsim(*words, "--vpc-id", vpcs[0]).code == 0
    part = load_topology(tmp_path / "s.json")
    assert part.interfaces.keys() == {interfaces[0]}
    assert part.vpcs.keys() == {vpcs[0]}
