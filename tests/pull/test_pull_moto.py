"""Against an EC2 that others wrote, moto's, in this process: what was made by API calls is what the snapshot says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.paginate import Paginator
from moto import mock_aws

from sgsim.model import Direction, GroupReference, PrefixListReference
from sgsim.sources import load_topology
from tests.pull.conftest import Ended

Run = Callable[..., Ended]


class Account:
    """What is made in one Region of one account, and what it is called there."""

    def __init__(self, region: str, cidr: str) -> None:
        self.ec2 = boto3.Session(profile_name="a").client("ec2", region_name=region)
        self.vpc_id = self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        first = str(ip_network(cidr).network_address)
        self.subnet_id = self.ec2.create_subnet(VpcId=self.vpc_id, CidrBlock=f"{first}/24")["Subnet"]["SubnetId"]
        self.base = ip_address(first)

    def group(self, name: str) -> str:
        made = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc_id)
        return made["GroupId"]

    def admit(self, group_id: str, port: int, **peers: Any) -> None:
        permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peers}
        self.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[permission])

    def interface(self, number: int, *groups: str) -> str:
        made = self.ec2.create_network_interface(
            SubnetId=self.subnet_id, PrivateIpAddress=str(self.base + number), Groups=list(groups)
        )
        return made["NetworkInterface"]["NetworkInterfaceId"]


@pytest.fixture
def mocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pages of at most five records, and an empty AWS."""
    paginate = Paginator.paginate

    def few(pages: Paginator, **arguments: Any) -> Any:
        return paginate(pages, **arguments | {"PaginationConfig": {"PageSize": 5}})

    monkeypatch.setattr(Paginator, "paginate", few)
    with mock_aws():
        yield


@pytest.fixture
def ireland(mocked: None) -> Account:
    return Account("eu-west-1", "10.1.0.0/16")


@pytest.fixture
def pull(sgsim: Run, tmp_path: Path) -> Run:
    return lambda *more: sgsim("pull", "-o", tmp_path / "s.json", "--profile", "a", *more)


def test_what_was_made_is_what_is_loaded(ireland: Account, pull: Run, tmp_path: Path):
    """Groups, rules with ids, interfaces, prefix lists with entries, VPCs, subnets; the one call that moto does not
    know is named."""
    web, app = ireland.group("web"), ireland.group("app")
    made = ireland.ec2.create_managed_prefix_list(
        PrefixListName="corp",
        MaxEntries=20,
        AddressFamily="IPv4",
        Entries=[{"Cidr": f"192.0.2.{16 * n}/28"} for n in range(12)],
    )
    prefix_list_id = made["PrefixList"]["PrefixListId"]
    ireland.admit(web, 443, IpRanges=[{"CidrIp": "0.0.0.0/0"}], Ipv6Ranges=[{"CidrIpv6": "::/0"}])
    ireland.admit(web, 22, PrefixListIds=[{"PrefixListId": prefix_list_id}])
    ireland.admit(app, 8080, UserIdGroupPairs=[{"GroupId": web}])
    interfaces = {ireland.interface(10 + n, web if n % 2 else app): web if n % 2 else app for n in range(13)}

    ended = pull()
    assert ended.code == 0
    assert [line for line in ended.warnings if "DescribeSecurityGroupVpcAssociations: unknown" not in line] == []
    topology = load_topology(tmp_path / "s.json")
    assert {name: each.group_ids for name, each in topology.interfaces.items()} == {
        name: (group,) for name, group in interfaces.items()
    }
    assert {name: str(each.addresses[0]) for name, each in topology.interfaces.items()} == {
        name: str(ireland.base + 10 + n) for n, name in enumerate(interfaces)
    }
    rules = topology.groups[web].ingress
    assert all(rule.rule_id.startswith("sgr-") for rule in topology.rules())
    assert {(rule.from_port, str(getattr(rule.peer, "prefix_list_id", rule.peer))) for rule in rules} == {
        (443, "0.0.0.0/0"),
        (443, "::/0"),
        (22, prefix_list_id),
    }
    (reference,) = topology.groups[app].ingress
    assert isinstance(reference.peer, GroupReference)
    assert reference.peer.group_id == web
    assert topology.groups[web].rules(Direction.EGRESS)
    assert PrefixListReference(prefix_list_id) in {rule.peer for rule in rules}
    assert topology.prefix_lists[prefix_list_id].entries == tuple(ip_network(f"192.0.2.{16 * n}/28") for n in range(12))
    assert str(topology.vpcs[ireland.vpc_id].cidr) == "10.1.0.0/16"
    assert topology.subnets[ireland.subnet_id].vpc_id == ireland.vpc_id


def test_two_regions(ireland: Account, pull: Run, tmp_path: Path):
    """One account, two Regions, one snapshot."""
    virginia = Account("us-east-1", "10.2.0.0/16")
    groups = {ireland.group("web"), virginia.group("web")}
    ended = pull("--region", "eu-west-1", "--region", "us-east-1")
    assert ended.err.endswith(" from account 123456789012 (eu-west-1, us-east-1)\n")
    assert groups <= load_topology(tmp_path / "s.json").groups.keys()


def test_one_vpc(ireland: Account, pull: Run, tmp_path: Path):
    """Its peer's group and interface come, the default VPC does not."""
    peer = Account("eu-west-1", "10.3.0.0/16")
    peering = ireland.ec2.create_vpc_peering_connection(VpcId=ireland.vpc_id, PeerVpcId=peer.vpc_id)
    peering_id = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ireland.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    web, data, idle = ireland.group("web"), peer.group("data"), peer.group("idle")
    ireland.admit(web, 80, UserIdGroupPairs=[{"GroupId": data}])
    web1, data1, idle1 = ireland.interface(10, web), peer.interface(10, data), peer.interface(11, idle)

    assert pull("--vpc-id", ireland.vpc_id).code == 0
    topology = load_topology(tmp_path / "s.json")
    assert topology.interfaces.keys() == {web1, data1}
    assert idle1 not in topology.interfaces
    assert topology.vpcs.keys() == {ireland.vpc_id, peer.vpc_id}
    assert topology.peerings[peering_id].status == "active"


def test_query_answers_from_it(ireland: Account, pull: Run, sgsim: Run, tmp_path: Path):
    """From API calls to an answer."""
    web, app = ireland.group("web"), ireland.group("app")
    ireland.admit(app, 8080, UserIdGroupPairs=[{"GroupId": web}])
    web1, app1 = ireland.interface(10, web), ireland.interface(11, app)
    pull()
    question = ["query", tmp_path / "s.json", "--from", web1, "--to", app1, "--protocol", "tcp", "--port"]
    assert sgsim(*question, 8080).code == 0
    assert sgsim(*question, 8081).code == 1
