"""CloudTrail's events of each call that sgsim models, in both of the forms that CloudTrail has."""

from __future__ import annotations

import msgspec
import pytest

from sgsim.control.cloud import HANDLERS
from sgsim.sources.changes import ChangeTime, PassedOver
from sgsim.sources.changes.calls import CALLS
from sgsim.sources.changes.signatures import signature
from sgsim.sources.changes.wire import from_wire
from sgsim.sources.places import Place
from tests.sources.test_changes_newer import NEWER
from tests.sources.test_changes_older import OLDER
from tests.sources.trailevents import ACCOUNT, REGION, RETURNED, event

NOON = 1_777_896_000 * 10**9


def test_all_that_an_event_says(changes) -> None:
    """Time, call, parameters, answer, who and where; the place names the record."""
    request = {
        "groupId": "sg-0a",
        "ipPermissions": {
            "items": [
                {
                    "ipProtocol": "tcp",
                    "fromPort": 22,
                    "toPort": 23,
                    "groups": {"items": [{"groupId": "sg-0b", "userId": ACCOUNT, "vpcPeeringConnectionId": "pcx-1"}]},
                    "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0", "description": "all"}, {"cidrIp": "10.0.0.0/8"}]},
                    "ipv6Ranges": {"items": [{"cidrIpv6": "::/0"}]},
                    "prefixListIds": {"items": [{"prefixListId": "pl-1"}]},
                },
                {"ipProtocol": "-1", "groups": {}, "ipRanges": {}, "ipv6Ranges": {}, "prefixListIds": {}},
            ]
        },
    }
    rule = {"groupOwnerId": ACCOUNT, "groupId": "sg-0a", "securityGroupRuleId": "sgr-1", "isEgress": False}
    referenced = {"groupId": "sg-0b", "userId": ACCOUNT}
    rules = [rule | {"ipProtocol": "tcp", "fromPort": 22, "toPort": 23, "referencedGroupInfo": referenced}]
    response = {"requestId": "1-2", "_return": True, "securityGroupRuleSet": {"items": rules}}
    records = {"Records": [event("AuthorizeSecurityGroupIngress", request, response)]}
    (change,) = changes(records, name="trail.json").changes
    assert change.at == ChangeTime(NOON)
    assert change.call == "AuthorizeSecurityGroupIngress"
    assert change.params == {
        "GroupId": "sg-0a",
        "IpPermissions": [
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 23,
                "UserIdGroupPairs": [{"GroupId": "sg-0b", "UserId": ACCOUNT, "VpcPeeringConnectionId": "pcx-1"}],
                "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}, {"CidrIp": "10.0.0.0/8"}],
                "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
                "PrefixListIds": [{"PrefixListId": "pl-1"}],
            },
            {"IpProtocol": "-1"},
        ],
    }
    assert change.answer == {
        "Return": True,
        "SecurityGroupRules": [
            {
                "SecurityGroupRuleId": "sgr-1",
                "GroupId": "sg-0a",
                "IsEgress": False,
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 23,
                "GroupOwnerId": ACCOUNT,
                "ReferencedGroupInfo": {"GroupId": "sg-0b", "UserId": ACCOUNT},
            }
        ],
    }
    assert (change.account, change.region, change.recorded) == (ACCOUNT, REGION, True)
    assert str(change.place) == "Records[0]"


def test_what_changes_nothing_is_counted(changes) -> None:
    """Failed calls, reading ones, other services', the same event again, and calls that sgsim has no use for."""
    delete = {"groupId": "sg-1"}
    records = [
        event("DeleteSecurityGroup", delete, None, errorCode="Client.InvalidGroup.NotFound", errorMessage="none"),
        event("DeleteSecurityGroup", delete, None, errorCode="Client.DryRunOperation"),
        event("DeleteSecurityGroup", delete, {"_return": False}),
        event("DescribeSecurityGroups", {"groupIdSet": {}}, None, readOnly=True),
        event("GetManagedPrefixListEntries", {}, None),
        event("PutObject", {"bucketName": "b"}, None, eventSource="s3.amazonaws.com"),
        {"eventType": "AwsCloudTrailInsight", "eventName": "DeleteSecurityGroup", "eventSource": "ec2.amazonaws.com"},
        event("CreateVolume", {"size": "1"}, {"volumeId": "vol-1"}),
        event("CreateVolume", {"size": "2"}, {"volumeId": "vol-2"}),
        event("ModifyInstanceAttribute", {"instanceId": "i-1", "instanceType": {"value": "t3.large"}}, RETURNED),
        event("ModifyNetworkInterfaceAttribute", {"networkInterfaceId": "eni-1", "sourceDestCheck": {"value": False}}),
        event("CreateTags", {"resourcesSet": {"items": [{"resourceId": "vol-1"}]}}, RETURNED),
        event("DeleteSecurityGroup", delete, RETURNED, eventID="1"),
        event("DeleteSecurityGroup", delete, RETURNED, eventID="1"),
        event("DeleteSubnet", {"subnetId": "subnet-1"}, RETURNED, eventID="2", sharedEventID="s"),
        event("DeleteSubnet", {"subnetId": "subnet-1"}, RETURNED, eventID="3", sharedEventID="s"),
    ]
    found = changes({"Records": records}, name="trail.json", strict=True)
    assert [change.call for change in found.changes] == ["DeleteSecurityGroup", "DeleteSubnet"]
    assert found.passed_over == PassedOver(
        failed=3,
        read_only=2,
        repeated=2,
        other_services=2,
        unmodelled={
            "CreateVolume": 2,
            "ModifyInstanceAttribute": 1,
            "ModifyNetworkInterfaceAttribute": 1,
            "CreateTags": 1,
        },
    )
    assert found.warnings == ()


def test_the_caller(one_event) -> None:
    """Who asked; where that is a service of AWS's, whose trail it is."""
    record = event("DeleteVpc", {"vpcId": "vpc-1"}, RETURNED, recipientAccountId="444455556666")
    assert one_event(record).account == ACCOUNT
    assert one_event(record | {"userIdentity": {"type": "AWSService", "invokedBy": "x"}}).account == "444455556666"
    assert one_event(record | {"userIdentity": None, "recipientAccountId": None}).account is None


@pytest.mark.parametrize(
    "request_parameters", [None, {"omitted": True, "originalSize": 300_000, "reason": "too large"}]
)
def test_parameters_that_are_missing(changes, no_changes, request_parameters) -> None:
    """CloudTrail leaves out what is too large: what such a call changed is not known, which is a doubt."""
    records = {"Records": [event("AuthorizeSecurityGroupIngress", request_parameters, RETURNED)]}
    found = changes(records, name="trail.json")
    assert found.changes == ()
    (warning,) = found.warnings
    problem = "trail.json: Records[0].requestParameters: AuthorizeSecurityGroupIngress without its parameters"
    assert problem in warning
    assert no_changes(records, name="trail.json", strict=True).startswith(problem)


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            {"eventSource": "ec2.amazonaws.com"},
            "Records[0]: does not look like an event of CloudTrail's: object missing",
        ),
        (event("DeleteVpc", {}, eventTime=5), "Records[0].eventTime: does not look like an event of CloudTrail's"),
        (event("DeleteVpc", {"vpcId": "vpc-1"}, eventTime="soon"), "Records[0].eventTime: 'soon' is no time"),
        (
            event("DeleteVpc", {"vpcId": {"a": "b"}}),
            "Records[0].requestParameters.vpcId: an object where text belongs: this is not CloudTrail's form",
        ),
        (
            event("AuthorizeSecurityGroupIngress", {"ipPermissions": {"items": [{"fromPort": "low"}]}}),
            "Records[0].requestParameters.ipPermissions.items[0].fromPort: 'low' where a whole number belongs",
        ),
        (
            event("AuthorizeSecurityGroupIngress", {"ipPermissions": {"items": ["tcp"]}}),
            "Records[0].requestParameters.ipPermissions.items[0]: 'tcp' where an object belongs",
        ),
        (
            event("DetachNetworkInterface", {"attachmentId": "eni-attach-1", "force": 1}),
            "Records[0].requestParameters.force: 1 where true or false belongs",
        ),
        (event("CreateSecurityGroup", {}, {"groupId": []}), "Records[0].responseElements.groupId: a list where text"),
        ("DeleteVpc", "Records[0]: 'DeleteVpc' where NAME: ... belongs"),
    ],
)
def test_what_is_no_event(no_changes, record, line) -> None:
    """Something else in an event's place is an error that names where."""
    good = event("DeleteVpc", {"vpcId": "vpc-1"}, RETURNED)
    assert no_changes({"Records": [record, good]}, name="trail.json").startswith(f"trail.json: {line}")


@pytest.mark.parametrize(
    "listed",
    [
        {"items": [{"key": "k", "value": "v"}]},
        {"item": [{"key": "k", "value": "v"}]},
        {"item": {"key": "k", "value": "v"}},
        {"tagSetType": [{"key": "k", "value": "v"}]},
        {"Key": "k", "Value": "v", "tag": 1},
        [{"Key": "k", "Value": "v", "tag": "1"}, "", {}, None],
    ],
)
def test_the_forms_of_a_list(listed) -> None:
    """However a list is wrapped, and one that is no list where there is one of it; nothing in it is left out."""
    members = signature("Tags[Key Value] Name")
    assert from_wire(members, {"tagSet": listed}, Place("f")) == {"Tags": [{"Key": "k", "Value": "v"}]}
    for nothing in ({}, [], "", None, {"items": []}, {"item": ""}):
        assert from_wire(members, {"tagSet": nothing, "name": None}, Place("f")) == {}


def test_every_call_is_tested() -> None:
    """Each call that sgsim models has an event in one of the two forms, or a test of its own."""
    tested = {record["eventName"] for record, _, _ in OLDER + NEWER}
    assert tested | {"RunInstances", "UpdateSecurityGroupRuleDescriptionsEgress"} == set(CALLS)


@pytest.mark.parametrize("record", [record for record, _, _ in OLDER + NEWER], ids=lambda record: record["eventName"])
def test_the_control_plane_takes_the_parameters(one_event, record) -> None:
    """Names and shapes are those of its requests, and of every call that sgsim reads it has one."""
    change = one_event(record)
    msgspec.convert(change.params, HANDLERS[change.call][0])
