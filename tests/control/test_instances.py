"""Instances: what becomes of them and of their interfaces, and what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from sgsim.control import Cloud
from tests.control.calling import ACCOUNT, HOME, OTHER, PLAIN, Account, Launch, account, instance_id, launch


@pytest.fixture
def place() -> Launch:
    return launch()


def test_public_addresses_come_and_go() -> None:
    """They go back when the instance stops; another may be the next time."""
    call = account()
    first, second = (instance_id(call("RunInstances", **PLAIN)) for _ in range(2))
    interface = call.shown_instance(first)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    assert call.snapshot.interfaces[interface].public_addresses == (ip_address("203.0.113.1"),)
    stopped = call("StopInstances", InstanceIds=[first])["StoppingInstances"][0]
    assert (stopped["PreviousState"]["Name"], stopped["CurrentState"]["Name"]) == ("running", "stopping")
    assert call.snapshot.interfaces[interface].public_addresses == ()
    assert "PublicIpAddress" not in call.shown_instance(first)
    third = instance_id(call("RunInstances", **PLAIN))
    assert call.shown_instance(third)["PublicIpAddress"] == "203.0.113.1"
    started = call("StartInstances", InstanceIds=[first])["StartingInstances"][0]
    assert (started["PreviousState"]["Name"], started["CurrentState"]["Name"]) == ("stopped", "pending")
    assert call.shown_instance(first)["PublicIpAddress"] == "203.0.113.3"
    assert call.shown_instance(second)["PublicIpAddress"] == "203.0.113.2"


def test_states(place: Launch) -> None:
    """One after the other, with AWS's reason and a new time of launch."""
    place.call.now_ns = 1_700_000_000 * 10**9
    instance = place.run()
    place.call("StopInstances", InstanceIds=[instance])
    found = place.call.shown_instance(instance)
    assert found["State"] == {"Code": 80, "Name": "stopped"}
    assert found["StateTransitionReason"] == "User initiated (2023-11-14 22:13:20 GMT)"
    place.call.now_ns += 60 * 10**9
    place.call("StartInstances", InstanceIds=[instance])
    found = place.call.shown_instance(instance)
    assert (found["State"]["Name"], found["StateTransitionReason"]) == ("running", "")
    assert found["LaunchTime"] == datetime(2023, 11, 14, 22, 14, 20, tzinfo=UTC)
    answer = place.call("TerminateInstances", InstanceIds=[instance])["TerminatingInstances"]
    assert answer == [
        {
            "InstanceId": instance,
            "CurrentState": {"Code": 32, "Name": "shutting-down"},
            "PreviousState": {"Code": 16, "Name": "running"},
        }
    ]


def test_interface_that_is_kept_gives_its_public_address_back() -> None:
    call = account()
    instance = instance_id(call("RunInstances", **PLAIN))
    (interface,) = call.shown_instance(instance)["NetworkInterfaces"]
    name = interface["NetworkInterfaceId"]
    keep = {"AttachmentId": interface["Attachment"]["AttachmentId"], "DeleteOnTermination": False}
    call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=name, Attachment=keep)
    call("TerminateInstances", InstanceIds=[instance])
    assert call.snapshot.interfaces[name].public_addresses == ()
    assert call.shown_interface(name)["Status"] == "available"


def test_no_public_address(place: Launch) -> None:
    """Neither where the subnet gives none, nor where the request wants none."""
    assert "PublicIpAddress" not in place.call.shown_instance(place.run())
    default = place.call("DescribeSubnets", Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    given = [{"DeviceIndex": 0, "SubnetId": default["SubnetId"], "AssociatePublicIpAddress": False}]
    made = place.call("RunInstances", **PLAIN, NetworkInterfaces=given)
    assert "PublicIpAddress" not in place.call.shown_instance(instance_id(made))


def test_what_is_so_already(place: Launch) -> None:
    """Starting what runs, stopping what is stopped and terminating twice change nothing."""
    instance = place.run()
    assert place.call("StartInstances", InstanceIds=[instance])["StartingInstances"][0]["CurrentState"]["Code"] == 16
    place.call("RebootInstances", InstanceIds=[instance])
    place.call("StopInstances", InstanceIds=[instance])
    assert place.call("StopInstances", InstanceIds=[instance])["StoppingInstances"][0]["CurrentState"]["Code"] == 80
    assert place.call.refused("RebootInstances", InstanceIds=[instance]).code == "IncorrectInstanceState"
    place.call("TerminateInstances", InstanceIds=[instance])
    again = place.call("TerminateInstances", InstanceIds=[instance])["TerminatingInstances"][0]
    assert (again["PreviousState"]["Name"], again["CurrentState"]["Name"]) == ("terminated", "terminated")
    for operation in ("StartInstances", "StopInstances", "RebootInstances"):
        assert place.call.refused(operation, InstanceIds=[instance]).code == "IncorrectInstanceState"


def test_terminated(place: Launch) -> None:
    """It stays listed, without interfaces and addresses: its group and its subnet are free."""
    instance = place.run()
    assert place.call.refused("DeleteSecurityGroup", GroupId=place.group).code == "DependencyViolation"
    place.call("StopInstances", InstanceIds=[instance])
    assert place.call.refused("DeleteSecurityGroup", GroupId=place.group).code == "DependencyViolation"
    place.call("TerminateInstances", InstanceIds=[instance])
    found = place.call.shown_instance(instance)
    assert found["State"] == {"Code": 48, "Name": "terminated"}
    assert found["NetworkInterfaces"] == found["SecurityGroups"] == []
    assert not {"SubnetId", "VpcId", "PrivateIpAddress"} & set(found)
    for operation, named in (
        ("DeleteSecurityGroup", {"GroupId": place.group}),
        ("DeleteSubnet", {"SubnetId": place.subnet}),
        ("DeleteVpc", {"VpcId": place.vpc}),
    ):
        place.call(operation, **named)


def test_interface_is_called_what_its_instance_is(place: Launch) -> None:
    """Only while it is the primary one of it."""
    there = place.call.interface(place.subnet)
    made = place.call(
        "RunInstances",
        **PLAIN,
        NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": there}],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "front"}]}],
    )
    assert place.call.snapshot.interfaces[there].name == "front"
    second = place.call.interface(place.subnet)
    place.call("AttachNetworkInterface", NetworkInterfaceId=second, InstanceId=instance_id(made), DeviceIndex=1)
    assert place.call.snapshot.interfaces[second].name == ""
    place.call("TerminateInstances", InstanceIds=[instance_id(made)])
    assert place.call.snapshot.interfaces[there].name == ""


def test_one_that_cannot_keeps_the_others(place: Launch) -> None:
    """A call is done for all of its instances or for none."""
    first, second = place.run(), place.run(DisableApiTermination=True, DisableApiStop=True)
    for operation, code in (
        ("StopInstances", "OperationNotPermitted"),
        ("TerminateInstances", "OperationNotPermitted"),
    ):
        assert place.call.refused(operation, InstanceIds=[first, second]).code == code
    error = place.call.refused("StopInstances", InstanceIds=[first, "i-0123456789abcdef0"])
    assert error.code == "InvalidInstanceID.NotFound"
    assert place.call.refused("StopInstances").code == "MissingParameter"
    assert place.call.shown_instance(first)["State"]["Name"] == "running"


# --- attributes -----------------------------------------------------------------------------------------------------


def test_groups_of_an_instance(place: Launch) -> None:
    """They are those of its only interface, running or stopped."""
    other, instance = place.call.group(place.vpc, "db"), place.run()
    place.call("ModifyInstanceAttribute", InstanceId=instance, Groups=[other])
    interface = place.call.shown_instance(instance)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    assert place.call.snapshot.interfaces[interface].group_ids == (other,)
    place.call("StopInstances", InstanceIds=[instance])
    place.call("ModifyInstanceAttribute", InstanceId=instance, Groups=[place.group, other])
    found = place.call("DescribeInstanceAttribute", InstanceId=instance, Attribute="groupSet")["Groups"]
    assert [each["GroupId"] for each in found] == [place.group, other]
    place.call("TerminateInstances", InstanceIds=[instance])
    error = place.call.refused("ModifyInstanceAttribute", InstanceId=instance, Groups=[other])
    assert error.code == "IncorrectInstanceState"


@pytest.mark.parametrize("given", [{"Groups": []}, {"SourceDestCheck": {"Value": False}}])
def test_two_interfaces(place: Launch, given: dict[str, Any]) -> None:
    """Which one is meant must be said."""
    instance = place.run()
    second = place.call.interface(place.subnet)
    place.call("AttachNetworkInterface", NetworkInterfaceId=second, InstanceId=instance, DeviceIndex=1)
    error = place.call.refused("ModifyInstanceAttribute", InstanceId=instance, **given)
    assert error.code == "InvalidInstanceID"
    assert error.message == (
        f"There are multiple interfaces attached to instance '{instance}'. "
        "Please specify an interface ID for the operation instead."
    )


def test_source_dest_check(place: Launch) -> None:
    instance = place.run()
    place.call("ModifyInstanceAttribute", InstanceId=instance, SourceDestCheck={"Value": False})
    found = place.call.shown_instance(instance)
    assert found["SourceDestCheck"] is found["NetworkInterfaces"][0]["SourceDestCheck"] is False
    shown_attribute = place.call("DescribeInstanceAttribute", InstanceId=instance, Attribute="sourceDestCheck")
    assert shown_attribute["SourceDestCheck"] == {"Value": False}


@pytest.mark.parametrize(
    ("given", "attribute", "answer"),
    [
        ({"DisableApiTermination": {"Value": True}}, "disableApiTermination", ("DisableApiTermination", True)),
        ({"DisableApiStop": {"Value": True}}, "disableApiStop", ("DisableApiStop", True)),
        (
            {"InstanceInitiatedShutdownBehavior": {"Value": "terminate"}},
            "instanceInitiatedShutdownBehavior",
            ("InstanceInitiatedShutdownBehavior", "terminate"),
        ),
        ({"InstanceType": {"Value": "t3.large"}}, "instanceType", ("InstanceType", "t3.large")),
        ({"UserData": {"Value": b"#!/bin/sh"}}, "userData", ("UserData", "IyEvYmluL3No")),
        ({"EbsOptimized": {"Value": True}}, "ebsOptimized", ("EbsOptimized", True)),
        ({"Kernel": {"Value": "aki-1"}}, "kernel", ("KernelId", "aki-1")),
        (
            {"Attribute": "disableApiTermination", "Value": "true"},
            "disableApiTermination",
            ("DisableApiTermination", True),
        ),
        ({"Attribute": "userData", "Value": "IyEvYmluL3No"}, "userData", ("UserData", "IyEvYmluL3No")),
    ],
)
def test_kept_attributes(place: Launch, given: dict[str, Any], attribute: str, answer: tuple[str, str | bool]) -> None:
    """What is given is shown; some of it is changed only while the instance is stopped."""
    instance = place.run()
    if answer[0] in ("InstanceType", "UserData", "EbsOptimized", "KernelId"):
        error = place.call.refused("ModifyInstanceAttribute", InstanceId=instance, **given)
        assert error.code == "IncorrectInstanceState"
        place.call("StopInstances", InstanceIds=[instance])
    place.call("ModifyInstanceAttribute", InstanceId=instance, **given)
    found = place.call("DescribeInstanceAttribute", InstanceId=instance, Attribute=attribute)
    assert found == {"InstanceId": instance, answer[0]: {"Value": answer[1]}}
    assert "DisableApiTermination" not in place.call.shown_instance(instance)


def test_attributes_at_first(place: Launch) -> None:
    """With what RunInstances was given, and AWS's defaults for the rest."""
    instance = place.run(
        UserData="IyEvYmluL3No", InstanceType="t3.micro", CreditSpecification={"CpuCredits": "standard"}
    )
    for attribute, member, value in (
        ("userData", "UserData", {"Value": "IyEvYmluL3No"}),
        ("instanceType", "InstanceType", {"Value": "t3.micro"}),
        ("disableApiTermination", "DisableApiTermination", {"Value": False}),
        ("disableApiStop", "DisableApiStop", {"Value": False}),
        ("instanceInitiatedShutdownBehavior", "InstanceInitiatedShutdownBehavior", {"Value": "stop"}),
        ("rootDeviceName", "RootDeviceName", {"Value": "/dev/xvda"}),
        ("blockDeviceMapping", "BlockDeviceMappings", []),
        ("productCodes", "ProductCodes", []),
        ("enclaveOptions", "EnclaveOptions", {"Enabled": False}),
        ("sourceDestCheck", "SourceDestCheck", {"Value": True}),
        ("kernel", "KernelId", {}),
    ):
        found = place.call("DescribeInstanceAttribute", InstanceId=instance, Attribute=attribute)
        assert found == {"InstanceId": instance, member: value}
    credits = place.call("DescribeInstanceCreditSpecifications", InstanceIds=[instance])
    assert credits["InstanceCreditSpecifications"] == [{"InstanceId": instance, "CpuCredits": "standard"}]


def test_enclaves(place: Launch) -> None:
    instance = place.run()
    place.call("ModifyInstanceAttribute", InstanceId=instance, EnclaveOptions={"Enabled": True})
    assert place.call.shown_instance(instance)["EnclaveOptions"] == {"Enabled": True}


def test_attributes_that_there_are_not(place: Launch) -> None:
    instance = place.run()
    for operation, given, code in (
        ("ModifyInstanceAttribute", {}, "InvalidParameterCombination"),
        (
            "ModifyInstanceAttribute",
            {"DisableApiStop": {"Value": True}, "EbsOptimized": {"Value": True}},
            "InvalidParameterCombination",
        ),
        ("ModifyInstanceAttribute", {"Attribute": "groupSet", "Value": "x"}, "InvalidParameterValue"),
        ("DescribeInstanceAttribute", {"Attribute": "colour"}, "InvalidParameterValue"),
    ):
        assert place.call.refused(operation, InstanceId=instance, **given).code == code


# --- describe -------------------------------------------------------------------------------------------------------


def test_filters(place: Launch) -> None:
    instance, other = place.run(), instance_id(place.call("RunInstances", **PLAIN, InstanceType="t3.nano"))
    interface = place.call.shown_instance(instance)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    second = place.call.interface(place.subnet, Description="second")
    place.call("AttachNetworkInterface", NetworkInterfaceId=second, InstanceId=instance, DeviceIndex=1)
    place.call("StopInstances", InstanceIds=[other])
    place.call("CreateTags", Resources=[other], Tags=[{"Key": "team", "Value": "a"}])
    for wanted, filters in (
        (
            instance,
            [
                ("instance.group-id", place.group),
                ("instance.group-name", "web"),
                ("instance-state-name", "running"),
                ("instance-state-code", "16"),
                ("network-interface.network-interface-id", interface),
                ("network-interface.network-interface-id", second),
                ("network-interface.description", "second"),
                ("network-interface.group-id", place.group),
                ("network-interface.addresses.private-ip-address", "10.0.1.5"),
                ("network-interface.attachment.device-index", "1"),
                ("private-ip-address", "10.0.1.4"),
                ("private-dns-name", "ip-10-0-1-4.*"),
                ("subnet-id", place.subnet),
                ("vpc-id", place.vpc),
                ("instance-type", "m1.small"),
                ("source-dest-check", "true"),
            ],
        ),
        (
            other,
            [("tag:team", "a"), ("tag-key", "team"), ("instance-state-name", "stopped"), ("instance-type", "t3.*")],
        ),
    ):
        for name, value in filters:
            given = [{"Name": name, "Values": [value]}, {"Name": "instance-id", "Values": [wanted]}]
            found = place.call("DescribeInstances", Filters=given)["Reservations"]
            assert [each["Instances"][0]["InstanceId"] for each in found] == [wanted], name
    primary_only = place.call("DescribeInstances", Filters=[{"Name": "private-ip-address", "Values": ["10.0.1.5"]}])
    assert primary_only["Reservations"] == []


def test_pages(place: Launch) -> None:
    made = place.call("RunInstances", **{**PLAIN, "MaxCount": 7, "MinCount": 7}, SubnetId=place.subnet)
    first = place.call("DescribeInstances", MaxResults=5)
    rest = place.call("DescribeInstances", MaxResults=5, NextToken=first["NextToken"])
    found = [
        each["InstanceId"] for page in (first, rest) for group in page["Reservations"] for each in group["Instances"]
    ]
    assert found == [each["InstanceId"] for each in made["Instances"]]
    error = place.call.refused("DescribeInstances", MaxResults=5, InstanceIds=found[:1])
    assert error.code == "InvalidParameterCombination"


def test_status(place: Launch) -> None:
    """Of running instances, or of all; it is always well."""
    running, stopped = place.run(), place.run()
    place.call("StopInstances", InstanceIds=[stopped])
    found = place.call("DescribeInstanceStatus")["InstanceStatuses"]
    assert [(each["InstanceId"], each["InstanceStatus"]["Status"]) for each in found] == [(running, "ok")]
    found = place.call("DescribeInstanceStatus", IncludeAllInstances=True)["InstanceStatuses"]
    assert [each["SystemStatus"]["Status"] for each in found] == ["ok", "not-applicable"]
    assert [each["AvailabilityZone"] for each in found] == ["us-east-1a"] * 2
    assert found[0]["InstanceStatus"]["Details"] == [{"Name": "reachability", "Status": "passed"}]
    for name, value in (("instance-state-name", "stopped"), ("instance-status.status", "not-applicable")):
        given = [{"Name": name, "Values": [value]}]
        filtered = place.call("DescribeInstanceStatus", IncludeAllInstances=True, Filters=given)["InstanceStatuses"]
        assert [each["InstanceId"] for each in filtered] == [stopped]


def test_others_do_not_see_it(place: Launch) -> None:
    instance, other = place.run(), Account(place.call.cloud, OTHER)
    assert other("DescribeInstances")["Reservations"] == []
    assert other.refused("TerminateInstances", InstanceIds=[instance]).code == "InvalidInstanceID.NotFound"


def test_state_is_loaded_again(place: Launch, tmp_path: Path) -> None:
    """With the groups, the interfaces and the attributes that describe does not show."""
    default = place.call("DescribeSubnets", Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    public = instance_id(place.call("RunInstances", **PLAIN, SubnetId=default["SubnetId"], DisableApiTermination=True))
    gone = place.run()
    place.call("TerminateInstances", InstanceIds=[gone])
    file = tmp_path / "state.json"
    file.write_bytes(place.call.cloud.state()[1])
    loaded = Account(Cloud.load(file, ACCOUNT, HOME))
    for instance in (public, gone):
        assert loaded.shown_instance(instance) == place.call.shown_instance(instance)
    assert loaded.snapshot == place.call.snapshot
    assert loaded.refused("TerminateInstances", InstanceIds=[public]).code == "OperationNotPermitted"
    loaded("StopInstances", InstanceIds=[public])
    assert "PublicIpAddress" not in loaded.shown_instance(public)
    loaded("StartInstances", InstanceIds=[public])
    assert loaded.shown_instance(public)["PublicIpAddress"] == "203.0.113.1"


def test_loaded_from_describe_output(tmp_path: Path) -> None:
    """What a snapshot shows of an instance is shown again, and is gone with its interfaces."""
    (tmp_path / "instances.json").write_text(
        '{"Reservations": [{"ReservationId": "r-0a", "OwnerId": "123456789012", "Instances": [{"InstanceId": "i-0a",'
        ' "State": {"Code": 16, "Name": "running"}, "InstanceType": "t3.micro", "SubnetId": "subnet-0a",'
        ' "PrivateIpAddress": "10.0.0.9", "NetworkInterfaces": [{"NetworkInterfaceId": "eni-0a", "VpcId": "vpc-0a",'
        ' "SubnetId": "subnet-0a", "PrivateIpAddress": "10.0.0.9", "Groups": [{"GroupId": "sg-0a"}],'
        ' "Attachment": {"AttachmentId": "eni-attach-0a", "DeviceIndex": 0, "DeleteOnTermination": true}}]}]}],'
        ' "SecurityGroups": [{"GroupId": "sg-0a", "GroupName": "web", "VpcId": "vpc-0a"}],'
        ' "Vpcs": [{"VpcId": "vpc-0a", "CidrBlock": "10.0.0.0/16"}],'
        ' "Subnets": [{"SubnetId": "subnet-0a", "VpcId": "vpc-0a", "CidrBlock": "10.0.0.0/24"}]}'
    )
    loaded = Account(Cloud.load(tmp_path, ACCOUNT, HOME))
    found = loaded.shown_instance("i-0a")
    assert found["SecurityGroups"] == [{"GroupId": "sg-0a", "GroupName": "web"}]
    assert found["PrivateIpAddress"] == "10.0.0.9"
    loaded("TerminateInstances", InstanceIds=["i-0a"])
    assert "PrivateIpAddress" not in loaded.shown_instance("i-0a")
    assert loaded.snapshot.interfaces == {}
