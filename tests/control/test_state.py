"""What a cloud writes of itself, and what is made of that again; each kind of resource has its own test elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sgsim.control import Caller, Cloud
from tests.control.calling import ACCOUNT, HOME, OTHER, Account, account


def written(call: Account) -> dict[str, Any]:
    return dict(json.loads(call.cloud.state()[1]))


def loaded(call: Account, folder: Path, seed: str = "") -> Account:
    file = folder / "state.json"
    file.write_bytes(call.cloud.state()[1])
    return Account(Cloud.load(file, ACCOUNT, HOME, seed=seed))


def test_no_id_is_used_again(tmp_path: Path) -> None:
    """Not after it was loaded either, and not that of something that is gone."""
    call = account()
    groups = [call.group(call.vpc(), "web")]
    call("DeleteSecurityGroup", GroupId=groups[0])
    again = loaded(call, tmp_path)
    groups += [again.group(again.vpc(), f"group-{n}") for n in range(3)]
    vpcs = [each["VpcId"] for each in again("DescribeVpcs")["Vpcs"]]
    rules = [each["SecurityGroupRuleId"] for each in again("DescribeSecurityGroupRules")["SecurityGroupRules"]]
    for names, number in ((groups, 4), (vpcs, 5), (rules, 13)):
        assert len(set(names)) == len(names) == number


def test_ids_of_a_snapshot_are_taken(tmp_path: Path) -> None:
    """Also where it does not tell how many were made."""
    call = account()
    names = {call.group(call.vpc()), *(each["GroupId"] for each in call("DescribeSecurityGroups")["SecurityGroups"])}
    state = written(call)
    del state["Sgsim"]
    (tmp_path / "groups.json").write_text(json.dumps(state))
    again = Account(Cloud.load(tmp_path, ACCOUNT, HOME))
    again.vpc()
    assert len(again("DescribeSecurityGroups")["SecurityGroups"]) == len(names) + 1


def test_refused_calls_name_nothing() -> None:
    """The ids that are given do not depend on calls that failed, or were dry."""
    made = []
    for failing in (False, True):
        call = account()
        vpc = call.vpc()
        if failing:
            call.refused("CreateSecurityGroup", GroupName="web", Description="A group", VpcId=vpc, DryRun=True)
        made.append(call.group(vpc))
    assert made[0] == made[1]


def test_blocks_of_a_peering_are_those_of_now() -> None:
    call = account()
    vpc, peer = call.vpc(), call.vpc("10.1.0.0/16")
    call("CreateVpcPeeringConnection", VpcId=vpc, PeerVpcId=peer)
    before = written(call)["VpcPeeringConnections"][0]["RequesterVpcInfo"]
    call("AssociateVpcCidrBlock", VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)
    after = written(call)["VpcPeeringConnections"][0]["RequesterVpcInfo"]
    assert after.keys() - before.keys() == {"Ipv6CidrBlockSet"}


def test_free_addresses_are_counted_again(tmp_path: Path) -> None:
    call = account()
    subnet = call.subnet(call.vpc())
    written(call)
    call.interface(subnet)
    assert loaded(call, tmp_path)("DescribeSubnets") == call("DescribeSubnets")
    assert "AvailableIpAddressCount" not in written(call)["Subnets"][0]


@pytest.mark.parametrize("who", [ACCOUNT, OTHER])
def test_vpcs_of_peerings_only(who: str, tmp_path: Path) -> None:
    """A deleted VPC, or somebody else's, that a connection names is not a VPC of the account that loads it."""
    call = account()
    peer = Account(call.cloud, who)
    vpc, gone = call.vpc(), peer.vpc("10.1.0.0/16")
    call("CreateVpcPeeringConnection", VpcId=vpc, PeerVpcId=gone, PeerOwnerId=who)
    peer("DeleteVpc", VpcId=gone)
    again = loaded(call, tmp_path)
    assert again("DescribeVpcs") == call("DescribeVpcs")
    assert again("DescribeVpcPeeringConnections") == call("DescribeVpcPeeringConnections")


def test_a_loaded_state_goes_on_giving_default_vpcs(tmp_path: Path) -> None:
    """Accounts and Regions that have called have theirs; others get one when they come."""
    first, later = Caller("123456789012", "us-east-1"), Caller("210987654321", "ap-southeast-2")
    cloud = Cloud.empty(*first)
    file = tmp_path / "state.json"
    file.write_bytes(cloud.state()[1])
    loaded = Cloud.load(file, *first)
    assert len(loaded.call("DescribeVpcs", {}, caller=first)["Vpcs"]) == 1
    assert len(loaded.call("DescribeVpcs", {}, caller=later)["Vpcs"]) == 1
    zones = [each["AvailabilityZoneId"] for each in loaded.call("DescribeSubnets", {}, caller=later)["Subnets"]]
    assert zones == ["apse2-az1", "apse2-az2", "apse2-az3"]
