"""The control plane of a replay: whose calls are made, with which ids, and about what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sgsim.model import Topology
from sgsim.plane import Plane
from sgsim.sources import read_snapshot
from sgsim.sources.changes import ApiChange, ChangeTime
from sgsim.sources.places import Place, Snapshot

OWNER, OTHER = "111122223333", "444455556666"
REGION = "eu-central-1"
GROUP = {
    "GroupId": "sg-0a",
    "GroupName": "web",
    "VpcId": "vpc-0a",
    "OwnerId": OWNER,
    "SecurityGroupArn": f"arn:aws:ec2:{REGION}:{OWNER}:security-group/sg-0a",
    "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    ],
    "IpPermissionsEgress": [],
}
INTERFACE = {
    "NetworkInterfaceId": "eni-0a",
    "VpcId": "vpc-0a",
    "SubnetId": "subnet-0a",
    "Groups": [{"GroupId": "sg-0a"}],
    "PrivateIpAddress": "10.0.0.10",
    "OwnerId": OWNER,
    "AvailabilityZone": f"{REGION}a",
    "Attachment": {"AttachmentId": "eni-attach-0a", "InstanceId": "i-0a", "DeviceIndex": 1, "Status": "attached"},
}
SUBNET = {"SubnetId": "subnet-0a", "VpcId": "vpc-0a", "CidrBlock": "10.0.0.0/24", "OwnerId": OWNER}
VPC = {"VpcId": "vpc-0a", "CidrBlock": "10.0.0.0/16", "OwnerId": OWNER}
SNAPSHOT = {"SecurityGroups": [GROUP], "NetworkInterfaces": [INTERFACE], "Subnets": [SUBNET], "Vpcs": [VPC]}
NEW_RULE = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
AUTHORIZE = {"GroupId": "sg-0a", "IpPermissions": [NEW_RULE]}


def change(call: str, params: Any, answer: Any = None, **about: Any) -> ApiChange:
    return ApiChange(ChangeTime(0), call, params, Place("f"), answer, **about)


def recorded(call: str, params: Any, answer: Any = None, account: str = OWNER, region: str = REGION) -> ApiChange:
    return change(call, params, answer, account=account, region=region, recorded=True)


@pytest.fixture
def plane(tmp_path: Path):
    """The plane of a snapshot, with the changes that are to come."""

    def make(snapshot: dict[str, Any] | str = SNAPSHOT, *changes: ApiChange) -> Plane:
        path = tmp_path / ("s.yaml" if isinstance(snapshot, str) else "s.json")
        path.write_text(snapshot if isinstance(snapshot, str) else json.dumps(snapshot))
        return Plane(read_snapshot(path), changes)

    return make


def rules(plane: Plane, group_id: str = "sg-0a") -> list[str]:
    return [rule.rule_id for rule in plane.snapshot().groups[group_id].ingress]


def test_a_change_is_carried_out(plane) -> None:
    """The topology has it; the one before stays as it is."""
    found = plane()
    before = found.snapshot()
    assert found.refusal(change("AuthorizeSecurityGroupIngress", AUTHORIZE), 1) is None
    assert len(rules(found)) == 2
    assert len(before.groups["sg-0a"].ingress) == 1


def test_a_refusal_has_ec2s_code_and_message(plane) -> None:
    """Nothing is done then."""
    found = plane()
    assert found.refusal(change("DeleteSecurityGroup", {"GroupId": "sg-0a"}), 1) == (
        "DependencyViolation",
        "resource sg-0a has a dependent object",
    )
    assert "sg-0a" in found.snapshot().groups


def test_who_calls_is_who_owns_what_is_named(plane) -> None:
    """Where the change does not say: the snapshot tells the account, and the Region by an ARN or a zone."""
    assert plane().refusal(change("AuthorizeSecurityGroupIngress", AUTHORIZE), 1) is None
    other = change("AuthorizeSecurityGroupIngress", AUTHORIZE, account=OTHER)
    code, message = plane().refusal(other, 1)
    assert (code, message) == ("InvalidGroup.NotFound", "The security group 'sg-0a' does not exist")
    assert plane().refusal(change("AuthorizeSecurityGroupIngress", AUTHORIZE, region="us-west-2"), 1)[0] == code


def test_a_snapshot_that_tells_no_owner_is_that_of_the_events(plane) -> None:
    """Of the first event about something in it; and of anybody where there are none."""
    silent = {"SecurityGroups": [{name: GROUP[name] for name in GROUP if "Owner" not in name and "Arn" not in name}]}
    elsewhere = recorded("AuthorizeSecurityGroupIngress", AUTHORIZE | {"GroupId": "sg-0b"}, account=OTHER)
    here = recorded("AuthorizeSecurityGroupIngress", AUTHORIZE)
    assert plane(silent, elsewhere, here).refusal(here, 1) is None
    assert plane(silent, elsewhere).refusal(here, 1)[0] == "InvalidGroup.NotFound"
    assert plane(silent).refusal(change("AuthorizeSecurityGroupIngress", AUTHORIZE), 1) is None


def test_records_that_tell_no_region_belong_to_the_others(plane) -> None:
    """A subnet without a zone is where the rest of the snapshot is."""
    made = change("CreateNetworkInterface", {"SubnetId": "subnet-0a", "Groups": ["sg-0a"]})
    assert plane().refusal(made, 1) is None


def test_names_of_a_scenario_are_ids(plane) -> None:
    """Rules too."""
    found = plane("security_groups: {web: {ingress: [tcp 22 from any]}}\n")
    revoke = change("RevokeSecurityGroupIngress", {"GroupId": "web", "SecurityGroupRuleIds": ["web/ingress/0"]})
    assert found.refusal(revoke, 1) is None
    assert rules(found, "web") == ["web/ingress/1"]


def test_a_topology_is_a_snapshot_too(plane) -> None:
    """From Python, without a file."""
    topology = plane().snapshot()
    found = Plane(Snapshot(topology), ())
    assert isinstance(found.snapshot(), Topology)
    assert found.refusal(change("AuthorizeSecurityGroupIngress", AUTHORIZE), 1) is None


def test_what_was_made_has_the_ids_that_aws_gave_it(plane) -> None:
    """A group and its rule, which a later event names by their ids."""
    rule = {"SecurityGroupRuleId": "sgr-0f", "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIpv4": "0.0.0.0/0"}
    events = [
        recorded(
            "CreateSecurityGroup", {"GroupName": "n", "Description": "d", "VpcId": "vpc-0a"}, {"GroupId": "sg-0f"}
        ),
        recorded("AuthorizeSecurityGroupIngress", AUTHORIZE | {"GroupId": "sg-0f"}, {"SecurityGroupRules": [rule]}),
    ]
    found = plane(SNAPSHOT, *events)
    assert [found.refusal(each, 1) for each in events] == [None, None]
    assert rules(found, "sg-0f") == ["sgr-0f"]
    revoke = recorded("RevokeSecurityGroupIngress", {"GroupId": "sg-0f", "SecurityGroupRuleIds": ["sgr-0f"]})
    assert found.refusal(revoke, 1) is None
    assert rules(found, "sg-0f") == []


def test_rule_ids_that_the_snapshot_does_not_know(plane) -> None:
    """A snapshot without describe-security-group-rules: the answer says what was revoked."""
    rule = {"SecurityGroupRuleId": "sgr-0e", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv4": "0.0.0.0/0"}
    params = {"GroupId": "sg-0a", "SecurityGroupRuleIds": ["sgr-0e"]}
    found = plane()
    assert found.refusal(recorded("RevokeSecurityGroupIngress", params), 1)[0] == "InvalidSecurityGroupRuleId.NotFound"
    answer = {"RevokedSecurityGroupRules": [rule]}
    assert found.refusal(recorded("RevokeSecurityGroupIngress", params, answer), 1) is None
    assert rules(found) == []
    assert found.refusal(recorded("RevokeSecurityGroupIngress", params, answer), 1)[0] == "InvalidPermission.NotFound"


def test_a_new_interface_has_the_addresses_that_aws_gave_it(plane) -> None:
    """Not the first that are free."""
    made = {
        "NetworkInterfaceId": "eni-0f",
        "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.77", "Primary": True}],
        "Groups": [{"GroupId": "sg-0a"}],
    }
    found = plane()
    event = recorded(
        "CreateNetworkInterface", {"SubnetId": "subnet-0a", "Groups": ["sg-0a"]}, {"NetworkInterface": made}
    )
    assert found.refusal(event, 1) is None
    assert [str(each) for each in found.snapshot().interfaces["eni-0f"].addresses] == ["10.0.0.77"]


@pytest.mark.parametrize(
    ("call", "params", "is_known"),
    [
        ("AuthorizeSecurityGroupIngress", {"GroupId": "sg-0a"}, True),
        ("AuthorizeSecurityGroupIngress", {"GroupId": "sg-0b"}, False),
        ("CreateSecurityGroup", {"GroupName": "sg", "VpcId": "vpc-0a"}, True),
        ("CreateSecurityGroup", {"GroupName": "sg", "VpcId": "vpc-0b"}, False),
        ("CreateVpcPeeringConnection", {"VpcId": "vpc-0b", "PeerVpcId": "vpc-0a"}, True),
        ("CreateManagedPrefixList", {"PrefixListName": "offices"}, True),
        ("ModifyManagedPrefixList", {"PrefixListId": "pl-0a"}, False),
        ("CreateTags", {"Resources": ["sg-0b", "eni-0a"]}, True),
        ("DetachNetworkInterface", {"AttachmentId": "eni-attach-0a"}, True),
        ("DetachNetworkInterface", {"AttachmentId": "eni-attach-0b"}, False),
        ("TerminateInstances", {"InstanceIds": ["i-0b"]}, False),
        ("TerminateInstances", {"InstanceIds": ["i-0b", "i-0a"]}, True),
    ],
)
def test_what_an_event_is_about(plane, call, params, is_known) -> None:
    """Something that the cloud holds, or nothing in particular."""
    assert plane().knows(recorded(call, params)) is is_known


ATTACHMENT = {"AttachmentId": "eni-attach-0f", "DeviceIndex": 0, "DeleteOnTermination": True}


def launched(number: int) -> dict[str, Any]:
    """An instance as the answer to its launch has it."""
    address = {"PrivateIpAddress": f"10.0.0.7{number}", "Primary": True}
    interface = {
        "NetworkInterfaceId": f"eni-f{number}",
        "SubnetId": "subnet-0a",
        "PrivateIpAddresses": [address],
        "Groups": [{"GroupId": "sg-0a"}],
        "Attachment": ATTACHMENT | {"AttachmentId": f"eni-attach-f{number}"},
    }
    return {"InstanceId": f"i-f{number}", "NetworkInterfaces": [interface]}


def test_instances_come_change_and_go(plane) -> None:
    """A launch of two has two interfaces with AWS's ids and addresses; they go with their instances."""
    asked = {"ImageId": "ami-0a", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 2, "SubnetId": "subnet-0a"}
    launch = recorded("RunInstances", asked, {"Instances": [launched(1), launched(2)]})
    made = recorded(
        "CreateSecurityGroup", {"GroupName": "n", "Description": "d", "VpcId": "vpc-0a"}, {"GroupId": "sg-0f"}
    )
    events = [
        launch,
        made,
        recorded("ModifyInstanceAttribute", {"InstanceId": "i-f1", "Groups": ["sg-0f"]}),
        recorded("CreateTags", {"Resources": ["eni-f1"], "Tags": [{"Key": "Name", "Value": "one"}]}),
    ]
    found = plane(SNAPSHOT, *events)
    assert [found.refusal(each, 1) for each in events] == [None] * 4
    one, two = (found.snapshot().interfaces[name] for name in ("eni-f1", "eni-f2"))
    assert (str(one.primary(4)), one.group_ids, one.instance_id, one.name) == ("10.0.0.71", ("sg-0f",), "i-f1", "one")
    assert (str(two.primary(4)), two.group_ids, two.instance_id) == ("10.0.0.72", ("sg-0a",), "i-f2")
    assert found.knows(recorded("DetachNetworkInterface", {"AttachmentId": "eni-attach-f2"}))
    assert found.refusal(recorded("TerminateInstances", {"InstanceIds": ["i-f1", "i-f2"]}), 2) is None
    assert set(found.snapshot().interfaces) == {"eni-0a"}


def test_prefix_lists_and_peerings(plane) -> None:
    """Made with AWS's ids, changed, and gone."""
    entries = {"PrefixListName": "n", "AddressFamily": "IPv4", "MaxEntries": 5, "Entries": [{"Cidr": "10.1.0.0/16"}]}
    modify = {"PrefixListId": "pl-0f", "CurrentVersion": 1, "AddEntries": [{"Cidr": "10.2.0.0/16"}]}
    events = [
        recorded("CreateManagedPrefixList", entries, {"PrefixList": {"PrefixListId": "pl-0f"}}),
        recorded("ModifyManagedPrefixList", modify),
        recorded("CreateVpc", {"CidrBlock": "10.9.0.0/16"}, {"Vpc": {"VpcId": "vpc-0f"}}),
        recorded(
            "CreateVpcPeeringConnection",
            {"VpcId": "vpc-0a", "PeerVpcId": "vpc-0f"},
            {"VpcPeeringConnection": {"VpcPeeringConnectionId": "pcx-0f"}},
        ),
        recorded("AcceptVpcPeeringConnection", {"VpcPeeringConnectionId": "pcx-0f"}),
    ]
    found = plane(SNAPSHOT, *events)
    assert [found.refusal(each, 1) for each in events] == [None] * 5
    topology = found.snapshot()
    assert [str(entry) for entry in topology.prefix_lists["pl-0f"].entries or ()] == ["10.1.0.0/16", "10.2.0.0/16"]
    assert topology.peerings["pcx-0f"].status == "active"
    assert found.refusal(recorded("DeleteVpcPeeringConnection", {"VpcPeeringConnectionId": "pcx-0f"}), 2) is None
    assert (
        found.snapshot().peerings.get("pcx-0f", None) is None or found.snapshot().peerings["pcx-0f"].status == "deleted"
    )
