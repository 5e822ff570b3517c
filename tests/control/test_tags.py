"""Tags: on everything there is, within AWS's limits, and the Name tag in the model's records."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sgsim.control import Cloud
from tests.control.calling import ACCOUNT, HOME, OTHER, Account, account


def tag(call: Account, resource_id: str, **tags: str) -> None:
    call("CreateTags", Resources=[resource_id], Tags=[{"Key": key, "Value": value} for key, value in tags.items()])


def tags_of(call: Account, resource_id: str) -> dict[str, str]:
    found = call("DescribeTags", Filters=[{"Name": "resource-id", "Values": [resource_id]}])["Tags"]
    return {each["Key"]: each["Value"] for each in found}


class World(NamedTuple):
    """One resource of each kind, by its name in DescribeTags, and where describe shows its tags."""

    call: Account
    ids: dict[str, str]

    def shown(self, kind: str) -> list[dict[str, str]]:
        operation, parameter, path, member = _SHOWN[kind]
        found: Any = self.call(operation, **{parameter: [self.ids[kind]]})
        for step in path:
            found = found[step]
        return list(found[member])


_SHOWN: dict[str, tuple[str, str, tuple[Any, ...], str]] = {
    "vpc": ("DescribeVpcs", "VpcIds", ("Vpcs", 0), "Tags"),
    "subnet": ("DescribeSubnets", "SubnetIds", ("Subnets", 0), "Tags"),
    "security-group": ("DescribeSecurityGroups", "GroupIds", ("SecurityGroups", 0), "Tags"),
    "security-group-rule": (
        "DescribeSecurityGroupRules",
        "SecurityGroupRuleIds",
        ("SecurityGroupRules", 0),
        "Tags",
    ),
    "network-interface": (
        "DescribeNetworkInterfaces",
        "NetworkInterfaceIds",
        ("NetworkInterfaces", 0),
        "TagSet",
    ),
    "prefix-list": ("DescribeManagedPrefixLists", "PrefixListIds", ("PrefixLists", 0), "Tags"),
    "vpc-peering-connection": (
        "DescribeVpcPeeringConnections",
        "VpcPeeringConnectionIds",
        ("VpcPeeringConnections", 0),
        "Tags",
    ),
}


@pytest.fixture
def world() -> World:
    call = account()
    vpc = call.vpc()
    subnet, group = call.subnet(vpc), call.group(vpc)
    rules = call("DescribeSecurityGroupRules", Filters=[{"Name": "group-id", "Values": [group]}])
    listed = call("CreateManagedPrefixList", PrefixListName="corp", AddressFamily="IPv4", MaxEntries=1)
    peering = call("CreateVpcPeeringConnection", VpcId=vpc, PeerVpcId=call.vpc("10.1.0.0/16"))
    return World(
        call,
        {
            "vpc": vpc,
            "subnet": subnet,
            "security-group": group,
            "security-group-rule": rules["SecurityGroupRules"][0]["SecurityGroupRuleId"],
            "network-interface": call.interface(subnet, Groups=[group]),
            "prefix-list": listed["PrefixList"]["PrefixListId"],
            "vpc-peering-connection": peering["VpcPeeringConnection"]["VpcPeeringConnectionId"],
        },
    )


@pytest.mark.parametrize("kind", _SHOWN)
def test_everything_has_tags(world: World, kind: str) -> None:
    resource_id = world.ids[kind]
    tag(world.call, resource_id, team="a", stage="test")
    tag(world.call, resource_id, team="b")
    assert world.shown(kind) == [{"Key": "team", "Value": "b"}, {"Key": "stage", "Value": "test"}]
    found = world.call("DescribeTags", Filters=[{"Name": "resource-type", "Values": [kind]}])["Tags"]
    assert found[0] == {"Key": "team", "ResourceId": resource_id, "ResourceType": kind, "Value": "b"}
    world.call("DeleteTags", Resources=[resource_id], Tags=[{"Key": "team"}])
    assert tags_of(world.call, resource_id) == {"stage": "test"}
    world.call("DeleteTags", Resources=[resource_id])
    assert world.shown(kind) == []


@pytest.mark.parametrize("kind", _SHOWN)
def test_tags_of_others(world: World, kind: str) -> None:
    """They are not seen, and what is not seen cannot be tagged."""
    other = Account(world.call.cloud, OTHER)
    assert other("DescribeTags")["Tags"] == []
    given: dict[str, Any] = {"Resources": [world.ids[kind]], "Tags": [{"Key": "a", "Value": "b"}]}
    assert other.refused("CreateTags", **given).code.endswith(".NotFound")


@pytest.mark.parametrize(
    ("resource_id", "code"),
    [
        ("sg-0123456789abcdef0", "InvalidGroup.NotFound"),
        ("sgr-0123456789abcdef0", "InvalidSecurityGroupRuleId.NotFound"),
        ("eni-0123456789abcdef0", "InvalidNetworkInterfaceID.NotFound"),
        ("i-0123456789abcdef0", "InvalidInstanceID.NotFound"),
        ("vpc-0123456789abcdef0", "InvalidVpcID.NotFound"),
        ("subnet-0123456789abcdef0", "InvalidSubnetID.NotFound"),
        ("pl-0123456789abcdef0", "InvalidPrefixListID.NotFound"),
        ("pcx-0123456789abcdef0", "InvalidVpcPeeringConnectionID.NotFound"),
        ("sg-xyz", "InvalidGroupId.Malformed"),
        ("nothing", "InvalidID"),
    ],
)
def test_all_or_nothing(world: World, resource_id: str, code: str) -> None:
    """One resource that is not there keeps the tags from all."""
    resources = [world.ids["vpc"], resource_id]
    for operation in ("CreateTags", "DeleteTags"):
        error = world.call.refused(operation, Resources=resources, Tags=[{"Key": "a", "Value": "b"}])
        assert error.code == code


@pytest.mark.parametrize(
    "tags",
    [
        [{"Key": "", "Value": "x"}],
        [{"Key": "k" * 129, "Value": "x"}],
        [{"Key": "k", "Value": "v" * 257}],
        [{"Key": "aws:mine", "Value": "x"}],
        [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}],
    ],
)
def test_tags_that_there_cannot_be(world: World, tags: list[dict[str, str]]) -> None:
    error = world.call.refused("CreateTags", Resources=[world.ids["vpc"]], Tags=tags)
    assert error.code == "InvalidParameterValue"


def test_missing_members(world: World) -> None:
    for given in ({"Resources": [world.ids["vpc"]]}, {"Tags": [{"Key": "a"}]}, {"Resources": ["x"], "Tags": [{}]}):
        assert world.call.refused("CreateTags", **given).code == "MissingParameter"


def test_a_thousand_resources(world: World) -> None:
    """And no more in a call; the same one twice is one."""
    given: dict[str, Any] = {"Tags": [{"Key": "a", "Value": "b"}]}
    many = [f"sg-{n:017x}" for n in range(1001)]
    assert world.call.refused("CreateTags", Resources=many, **given).code == "InvalidParameterValue"
    world.call("CreateTags", Resources=[world.ids["vpc"]] * 1001, **given)


def test_tags_of_aws_stay(world: World) -> None:
    gone = [{"Key": "aws:cloudformation:stack-name"}]
    assert world.call.refused("DeleteTags", Resources=[world.ids["vpc"]], Tags=gone).code == "InvalidParameterValue"


def test_fifty_tags(world: World) -> None:
    """AWS's own, that a snapshot may show, do not count and do not go."""
    group = world.ids["security-group"]
    papers = world.call.cloud.store.papers
    papers[group] = type(papers[group])(ACCOUNT, HOME, {"aws:cloudformation:stack-name": "web"}, papers[group].fields)
    tag(world.call, group, **{f"key-{n}": "" for n in range(50)})
    error = world.call.refused("CreateTags", Resources=[group], Tags=[{"Key": "more", "Value": ""}])
    assert error.code == "TagLimitExceeded"
    world.call("DeleteTags", Resources=[group])
    assert tags_of(world.call, group) == {"aws:cloudformation:stack-name": "web"}


def test_deleted_by_value(world: World) -> None:
    vpc = world.ids["vpc"]
    tag(world.call, vpc, one="1", two="", three="3")
    gone = [{"Key": "one", "Value": "2"}, {"Key": "two", "Value": ""}, {"Key": "three", "Value": ""}]
    world.call("DeleteTags", Resources=[vpc], Tags=gone)
    assert tags_of(world.call, vpc) == {"one": "1", "three": "3"}


def test_name_tags(world: World) -> None:
    """They are the names of the model's records, while they last."""
    vpc, interface = world.ids["vpc"], world.ids["network-interface"]
    tag(world.call, vpc, Name="main")
    tag(world.call, interface, Name="front")
    assert world.call.snapshot.vpcs[vpc].name == "main"
    assert world.call.snapshot.interfaces[interface].name == "front"
    world.call("DeleteTags", Resources=[vpc, interface], Tags=[{"Key": "Name"}])
    assert world.call.snapshot.vpcs[vpc].name == world.call.snapshot.interfaces[interface].name == ""


def test_tags_of_a_rule_go_with_it(world: World) -> None:
    rule, group = world.ids["security-group-rule"], world.ids["security-group"]
    tag(world.call, rule, a="b")
    world.call("RevokeSecurityGroupEgress", GroupId=group, SecurityGroupRuleIds=[rule])
    assert rule not in world.call.cloud.store.papers
    assert world.call("DescribeTags")["Tags"] == []


def test_each_side_of_a_peering_has_its_own(tmp_path: Path) -> None:
    call = account()
    other = Account(call.cloud, OTHER)
    made = call("CreateVpcPeeringConnection", VpcId=call.vpc(), PeerVpcId=other.vpc("10.1.0.0/16"), PeerOwnerId=OTHER)
    name = made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    tag(call, name, Side="requester")
    tag(other, name, Side="accepter")
    file = tmp_path / "state.json"
    file.write_bytes(call.cloud.state()[1])
    loaded = Cloud.load(file, ACCOUNT, HOME)
    for cloud in (call.cloud, loaded):
        for who, side in ((ACCOUNT, "requester"), (OTHER, "accepter")):
            mine = Account(cloud, who)
            assert tags_of(mine, name) == {"Side": side}
            found = mine("DescribeVpcPeeringConnections", Filters=[{"Name": "tag:Side", "Values": [side]}])
            assert [each["Tags"] for each in found["VpcPeeringConnections"]] == [[{"Key": "Side", "Value": side}]]


def test_lists_of_aws_have_no_tags(world: World) -> None:
    found = world.call("DescribePrefixLists")["PrefixLists"][0]["PrefixListId"]
    error = world.call.refused("CreateTags", Resources=[found], Tags=[{"Key": "a", "Value": "b"}])
    assert error.code == "OperationNotPermitted"


def test_filters_and_pages(world: World) -> None:
    tag(world.call, world.ids["vpc"], **{f"key-{n}": f"value-{n % 2}" for n in range(7)})
    found = world.call("DescribeTags", Filters=[{"Name": "value", "Values": ["*-1"]}])["Tags"]
    assert [each["Key"] for each in found] == ["key-1", "key-3", "key-5"]
    found = world.call("DescribeTags", Filters=[{"Name": "tag:key-2", "Values": ["value-0"]}])["Tags"]
    assert [each["Key"] for each in found] == ["key-2"]
    first = world.call("DescribeTags", MaxResults=5)
    rest = world.call("DescribeTags", MaxResults=5, NextToken=first["NextToken"])
    assert [each["Key"] for each in first["Tags"] + rest["Tags"]] == [f"key-{n}" for n in range(7)]


def test_resources_of_a_scenario(tmp_path: Path) -> None:
    """Their ids are the names that people gave them."""
    file = tmp_path / "scenario.yaml"
    file.write_text("security_groups: {web: {ingress: [tcp 443 from any]}}\n")
    loaded = Account(Cloud.load(file, ACCOUNT, HOME))
    tag(loaded, "web", team="a")
    assert tags_of(loaded, "web") == {"team": "a"}
