"""Instances: the interfaces and groups they are launched with, and what becomes of these."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sgsim.control import Cloud
from tests.control.calling import ACCOUNT, HOME, OTHER, Account, account

PLAIN: dict[str, Any] = {"ImageId": "ami-0abcdef1234567890", "MinCount": 1, "MaxCount": 1}


class Place(NamedTuple):
    call: Account
    vpc: str
    subnet: str
    group: str

    def run(self, **more: Any) -> str:
        """One instance in the subnet and the group; its id."""
        return instance_id(
            self.call("RunInstances", **PLAIN, SubnetId=self.subnet, SecurityGroupIds=[self.group], **more)
        )


@pytest.fixture
def place() -> Place:
    call = account()
    vpc = call.vpc()
    return Place(call, vpc, call.subnet(vpc), call.group(vpc))


def instance_id(reservation: dict[str, Any]) -> str:
    return str(reservation["Instances"][0]["InstanceId"])


def shown(call: Account, instance: str) -> dict[str, Any]:
    found = call("DescribeInstances", InstanceIds=[instance])["Reservations"]
    return dict(found[0]["Instances"][0])


def state(call: Account, instance: str) -> str:
    return str(shown(call, instance)["State"]["Name"])


# --- launched -----------------------------------------------------------------------------------------------------


def test_run(place: Place) -> None:
    """The answer says pending, the next describe running; the primary interface goes with the instance."""
    place.call.now_ns = 1_700_000_000 * 10**9
    answer = place.call("RunInstances", **PLAIN, SubnetId=place.subnet, SecurityGroupIds=[place.group])
    assert answer["Instances"][0]["State"] == {"Code": 0, "Name": "pending"}
    found = shown(place.call, instance_id(answer))
    assert found["State"] == {"Code": 16, "Name": "running"}
    assert found["LaunchTime"] == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert (found["SubnetId"], found["VpcId"]) == (place.subnet, place.vpc)
    assert (found["PrivateIpAddress"], found["PrivateDnsName"]) == ("10.0.1.4", "ip-10-0-1-4.ec2.internal")
    assert found["SecurityGroups"] == [{"GroupId": place.group, "GroupName": "web"}]
    assert found["Placement"]["AvailabilityZone"] == "us-east-1a"
    (interface,) = found["NetworkInterfaces"]
    assert interface["Attachment"]["DeleteOnTermination"] is True
    assert "InstanceId" not in interface["Attachment"]
    record = place.call.snapshot.interfaces[interface["NetworkInterfaceId"]]
    assert (record.instance_id, record.device_index) == (instance_id(answer), 0)
    assert record.group_ids == (place.group,)


def test_groups_in_order(place: Place) -> None:
    """As they are given: the order of credit."""
    groups = [place.call.group(place.vpc, name) for name in ("c", "a", "b")]
    made = place.call("RunInstances", **PLAIN, SubnetId=place.subnet, SecurityGroupIds=groups)
    interface = made["Instances"][0]["NetworkInterfaces"][0]["NetworkInterfaceId"]
    assert list(place.call.snapshot.interfaces[interface].group_ids) == groups


def test_without_anything() -> None:
    """In the first default subnet, with the default group and a public address."""
    call = account()
    found = shown(call, instance_id(call("RunInstances", **PLAIN)))
    default = call("DescribeSubnets", Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    assert found["SubnetId"] == default["SubnetId"]
    assert [group["GroupName"] for group in found["SecurityGroups"]] == ["default"]
    assert found["PublicIpAddress"] == "203.0.113.1"
    zone = call("RunInstances", **PLAIN, Placement={"AvailabilityZone": "us-east-1c"})["Instances"][0]
    assert zone["Placement"]["AvailabilityZone"] == "us-east-1c"


def test_without_a_default_vpc() -> None:
    call = account()
    for subnet in call("DescribeSubnets")["Subnets"]:
        call("DeleteSubnet", SubnetId=subnet["SubnetId"])
    assert call.refused("RunInstances", **PLAIN).code == "MissingInput"
    call("DeleteVpc", VpcId=call("DescribeVpcs")["Vpcs"][0]["VpcId"])
    assert call.refused("RunInstances", **PLAIN).code == "VPCIdNotSpecified"


def test_groups_by_name() -> None:
    """In the default VPC alone."""
    call = account()
    group = call("CreateSecurityGroup", GroupName="web", Description="x")["GroupId"]
    made = call("RunInstances", **PLAIN, SecurityGroups=["web"])
    assert made["Instances"][0]["SecurityGroups"] == [{"GroupId": group, "GroupName": "web"}]
    assert call.refused("RunInstances", **PLAIN, SecurityGroups=["db"]).code == "InvalidGroup.NotFound"
    subnet = call.subnet(call.vpc())
    error = call.refused("RunInstances", **PLAIN, SecurityGroups=["web"], SubnetId=subnet)
    assert error.code == "InvalidParameterCombination"


def test_group_of_another_vpc(place: Place) -> None:
    elsewhere = place.call.group(place.call.vpc("10.8.0.0/16"))
    error = place.call.refused("RunInstances", **PLAIN, SubnetId=place.subnet, SecurityGroupIds=[elsewhere])
    assert error.code == "InvalidParameter"
    assert error.message == f"Security group {elsewhere} and subnet {place.subnet} belong to different networks."


def test_quota_of_groups(place: Place) -> None:
    groups = [place.call.group(place.vpc, f"group-{n}") for n in range(6)]
    error = place.call.refused("RunInstances", **PLAIN, SubnetId=place.subnet, SecurityGroupIds=groups)
    assert error.code == "SecurityGroupsPerInstanceLimitExceeded"


def test_described_interfaces(place: Place) -> None:
    """New ones and one that was there, by device index; what is there outlives the instance."""
    there = place.call.interface(place.subnet)
    made = place.call(
        "RunInstances",
        **PLAIN,
        NetworkInterfaces=[
            {"DeviceIndex": 1, "NetworkInterfaceId": there},
            {
                "DeviceIndex": 0,
                "SubnetId": place.subnet,
                "Groups": [place.group],
                "SecondaryPrivateIpAddressCount": 1,
                "ConnectionTrackingSpecification": {"UdpTimeout": 45},
            },
        ],
    )
    primary, second = made["Instances"][0]["NetworkInterfaces"]
    assert second["NetworkInterfaceId"] == there
    record = place.call.snapshot.interfaces[primary["NetworkInterfaceId"]]
    assert [str(each) for each in record.addresses] == ["10.0.1.5", "10.0.1.6"]
    assert record.udp_timeout == 45
    place.call("TerminateInstances", InstanceIds=[instance_id(made)])
    left = place.call.snapshot.interfaces
    assert list(left) == [there]
    assert left[there].instance_id is None


@pytest.mark.parametrize(
    "level", [{"SubnetId": "$subnet"}, {"SecurityGroupIds": ["$group"]}, {"PrivateIpAddress": "10.0.1.9"}]
)
def test_interfaces_beside_members_of_the_instance(place: Place, level: dict[str, Any]) -> None:
    names = {"$subnet": place.subnet, "$group": place.group}
    filled = {
        key: [names[each] for each in value] if isinstance(value, list) else names.get(value, value)
        for key, value in level.items()
    }
    given = [{"DeviceIndex": 0, "SubnetId": place.subnet}]
    error = place.call.refused("RunInstances", **PLAIN, NetworkInterfaces=given, **filled)
    assert error.code == "InvalidParameterCombination"
    assert error.message.startswith("Network interfaces and an instance-level ")


def test_what_interfaces_there_cannot_be(place: Place) -> None:
    there = place.call.interface(place.subnet)
    new = {"SubnetId": place.subnet}
    for given, code in (
        ([new], "MissingParameter"),
        ([{"DeviceIndex": 1, **new}], "InvalidParameterValue"),
        ([{"DeviceIndex": 0, **new}, {"DeviceIndex": 0, **new}], "InvalidParameterValue"),
        ([{"DeviceIndex": 0, "NetworkInterfaceId": there, "Groups": [place.group]}], "InvalidParameterCombination"),
        (
            [{"DeviceIndex": 0, "AssociatePublicIpAddress": True, **new}, {"DeviceIndex": 1, **new}],
            "InvalidParameterCombination",
        ),
        ([{"DeviceIndex": 0, "NetworkInterfaceId": "eni-0123456789abcdef0"}], "InvalidNetworkInterfaceID.NotFound"),
        ([{"DeviceIndex": 0, "ConnectionTrackingSpecification": {"UdpTimeout": 61}, **new}], "InvalidParameterValue"),
    ):
        assert place.call.refused("RunInstances", **PLAIN, NetworkInterfaces=given).code == code, given


def test_interface_in_use(place: Place) -> None:
    """An instance's interface is not another's."""
    taken = shown(place.call, place.run())["NetworkInterfaces"][0]["NetworkInterfaceId"]
    given = [{"DeviceIndex": 0, "NetworkInterfaceId": taken}]
    error = place.call.refused("RunInstances", **PLAIN, NetworkInterfaces=given)
    assert (error.code, error.message) == ("InvalidNetworkInterface.InUse", f"Interface: [{taken}] in use.")


def test_as_many_as_there_are_addresses(place: Place) -> None:
    """Up to MaxCount, at least MinCount, and nothing is left of those that did not fit."""
    small = place.call.subnet(place.vpc, "10.0.9.0/28")
    many: dict[str, Any] = {"ImageId": "ami-0abcdef1234567890", "SubnetId": small}
    error = place.call.refused("RunInstances", **many, MinCount=12, MaxCount=12)
    assert error.code == "InsufficientFreeAddressesInSubnet"
    made = place.call("RunInstances", **many, MinCount=2, MaxCount=20)
    assert len(made["Instances"]) == 11
    assert [each["AmiLaunchIndex"] for each in made["Instances"]] == list(range(11))
    assert len(place.call.snapshot.interfaces) == 11
    found = place.call("DescribeInstances")["Reservations"]
    assert [(each["ReservationId"], len(each["Instances"])) for each in found] == [(made["ReservationId"], 11)]


def test_half_of_the_interfaces_of_one_that_does_not_fit(place: Place) -> None:
    small = place.call.subnet(place.vpc, "10.0.9.0/28")
    given = [{"DeviceIndex": n, "SubnetId": small} for n in range(2)]
    many = {**PLAIN, "MaxCount": 20}
    made = place.call("RunInstances", **many, NetworkInterfaces=given)
    assert len(made["Instances"]) == 5
    assert len(place.call.snapshot.interfaces) == 10


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ImageId": None}, "MissingParameter"),
        ({"ImageId": "img-1"}, "InvalidAMIID.Malformed"),
        ({"MinCount": None}, "MissingParameter"),
        ({"MinCount": 0}, "InvalidParameterValue"),
        ({"MinCount": 2}, "InvalidParameterValue"),
        ({"SubnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound"),
        ({"PrivateIpAddress": "10.9.9.9"}, "InvalidParameterValue"),
        ({"TagSpecifications": [{"ResourceType": "vpc", "Tags": []}]}, "InvalidParameterValue"),
    ],
)
def test_what_is_refused(place: Place, change: dict[str, Any], code: str) -> None:
    given = {**PLAIN, "SubnetId": place.subnet, **change}
    given = {name: value for name, value in given.items() if value is not None}
    assert place.call.refused("RunInstances", **given).code == code


def test_tags_and_names(place: Place) -> None:
    """Each kind gets its own; an interface without a Name is called what its instance is, as long as it is."""
    specifications = [
        {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "front"}]},
        {"ResourceType": "network-interface", "Tags": [{"Key": "team", "Value": "a"}]},
        {"ResourceType": "volume", "Tags": [{"Key": "disk", "Value": "b"}]},
    ]
    instance = place.run(TagSpecifications=specifications)
    found = shown(place.call, instance)
    interface = found["NetworkInterfaces"][0]["NetworkInterfaceId"]
    assert found["Tags"] == [{"Key": "Name", "Value": "front"}]
    assert place.call.shown_interface(interface)["TagSet"] == [{"Key": "team", "Value": "a"}]

    def name() -> str:
        return place.call.snapshot.interfaces[interface].name

    assert name() == "front"
    place.call("CreateTags", Resources=[instance], Tags=[{"Key": "Name", "Value": "back"}])
    assert name() == "back"
    place.call("CreateTags", Resources=[interface], Tags=[{"Key": "Name", "Value": "own"}])
    place.call("DeleteTags", Resources=[instance])
    assert name() == "own"


# --- states -------------------------------------------------------------------------------------------------------


def test_public_addresses_come_and_go() -> None:
    """They go back when the instance stops; another may be the next time."""
    call = account()
    first, second = (instance_id(call("RunInstances", **PLAIN)) for _ in range(2))
    interface = shown(call, first)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    assert call.snapshot.interfaces[interface].public_addresses == (ip_address("203.0.113.1"),)
    stopped = call("StopInstances", InstanceIds=[first])["StoppingInstances"][0]
    assert (stopped["PreviousState"]["Name"], stopped["CurrentState"]["Name"]) == ("running", "stopping")
    assert call.snapshot.interfaces[interface].public_addresses == ()
    assert "PublicIpAddress" not in shown(call, first)
    third = instance_id(call("RunInstances", **PLAIN))
    assert shown(call, third)["PublicIpAddress"] == "203.0.113.1"
    started = call("StartInstances", InstanceIds=[first])["StartingInstances"][0]
    assert (started["PreviousState"]["Name"], started["CurrentState"]["Name"]) == ("stopped", "pending")
    assert shown(call, first)["PublicIpAddress"] == "203.0.113.3"
    assert shown(call, second)["PublicIpAddress"] == "203.0.113.2"


def test_no_public_address(place: Place) -> None:
    """Neither where the subnet gives none, nor where the request wants none."""
    assert "PublicIpAddress" not in shown(place.call, place.run())
    default = place.call("DescribeSubnets", Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    given = [{"DeviceIndex": 0, "SubnetId": default["SubnetId"], "AssociatePublicIpAddress": False}]
    made = place.call("RunInstances", **PLAIN, NetworkInterfaces=given)
    assert "PublicIpAddress" not in shown(place.call, instance_id(made))


def test_what_is_so_already(place: Place) -> None:
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


def test_terminated(place: Place) -> None:
    """It stays listed, without interfaces and addresses: its group and its subnet are free."""
    instance = place.run()
    assert place.call.refused("DeleteSecurityGroup", GroupId=place.group).code == "DependencyViolation"
    place.call("StopInstances", InstanceIds=[instance])
    assert place.call.refused("DeleteSecurityGroup", GroupId=place.group).code == "DependencyViolation"
    place.call("TerminateInstances", InstanceIds=[instance])
    found = shown(place.call, instance)
    assert found["State"] == {"Code": 48, "Name": "terminated"}
    assert found["NetworkInterfaces"] == found["SecurityGroups"] == []
    assert not {"SubnetId", "VpcId", "PrivateIpAddress"} & set(found)
    for operation, named in (
        ("DeleteSecurityGroup", {"GroupId": place.group}),
        ("DeleteSubnet", {"SubnetId": place.subnet}),
        ("DeleteVpc", {"VpcId": place.vpc}),
    ):
        place.call(operation, **named)


def test_one_that_cannot_keeps_the_others(place: Place) -> None:
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
    assert state(place.call, first) == "running"


# --- attributes ---------------------------------------------------------------------------------------------------


def test_groups_of_an_instance(place: Place) -> None:
    """They are those of its only interface, running or stopped."""
    other, instance = place.call.group(place.vpc, "db"), place.run()
    place.call("ModifyInstanceAttribute", InstanceId=instance, Groups=[other])
    interface = shown(place.call, instance)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    assert place.call.snapshot.interfaces[interface].group_ids == (other,)
    place.call("StopInstances", InstanceIds=[instance])
    place.call("ModifyInstanceAttribute", InstanceId=instance, Groups=[place.group, other])
    found = place.call("DescribeInstanceAttribute", InstanceId=instance, Attribute="groupSet")["Groups"]
    assert [each["GroupId"] for each in found] == [place.group, other]
    place.call("TerminateInstances", InstanceIds=[instance])
    error = place.call.refused("ModifyInstanceAttribute", InstanceId=instance, Groups=[other])
    assert error.code == "IncorrectInstanceState"


@pytest.mark.parametrize("given", [{"Groups": []}, {"SourceDestCheck": {"Value": False}}])
def test_two_interfaces(place: Place, given: dict[str, Any]) -> None:
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


def test_source_dest_check(place: Place) -> None:
    instance = place.run()
    place.call("ModifyInstanceAttribute", InstanceId=instance, SourceDestCheck={"Value": False})
    found = shown(place.call, instance)
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
def test_kept_attributes(place: Place, given: dict[str, Any], attribute: str, answer: tuple[str, str | bool]) -> None:
    """What is given is shown; some of it is changed only while the instance is stopped."""
    instance = place.run()
    if answer[0] in ("InstanceType", "UserData", "EbsOptimized", "KernelId"):
        error = place.call.refused("ModifyInstanceAttribute", InstanceId=instance, **given)
        assert error.code == "IncorrectInstanceState"
        place.call("StopInstances", InstanceIds=[instance])
    place.call("ModifyInstanceAttribute", InstanceId=instance, **given)
    found = place.call("DescribeInstanceAttribute", InstanceId=instance, Attribute=attribute)
    assert found == {"InstanceId": instance, answer[0]: {"Value": answer[1]}}
    assert "DisableApiTermination" not in shown(place.call, instance)


def test_attributes_at_first(place: Place) -> None:
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


def test_attributes_that_there_are_not(place: Place) -> None:
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


# --- describe -----------------------------------------------------------------------------------------------------


def test_filters(place: Place) -> None:
    instance, other = place.run(), instance_id(place.call("RunInstances", **PLAIN, InstanceType="t3.nano"))
    interface = shown(place.call, instance)["NetworkInterfaces"][0]["NetworkInterfaceId"]
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


def test_pages(place: Place) -> None:
    made = place.call("RunInstances", **{**PLAIN, "MaxCount": 7, "MinCount": 7}, SubnetId=place.subnet)
    first = place.call("DescribeInstances", MaxResults=5)
    rest = place.call("DescribeInstances", MaxResults=5, NextToken=first["NextToken"])
    found = [
        each["InstanceId"] for page in (first, rest) for group in page["Reservations"] for each in group["Instances"]
    ]
    assert found == [each["InstanceId"] for each in made["Instances"]]
    error = place.call.refused("DescribeInstances", MaxResults=5, InstanceIds=found[:1])
    assert error.code == "InvalidParameterCombination"


def test_status(place: Place) -> None:
    """Of running instances, or of all; it is always well."""
    running, stopped = place.run(), place.run()
    place.call("StopInstances", InstanceIds=[stopped])
    found = place.call("DescribeInstanceStatus")["InstanceStatuses"]
    assert [(each["InstanceId"], each["InstanceStatus"]["Status"]) for each in found] == [(running, "ok")]
    found = place.call("DescribeInstanceStatus", IncludeAllInstances=True)["InstanceStatuses"]
    assert [each["SystemStatus"]["Status"] for each in found] == ["ok", "not-applicable"]


def test_others_do_not_see_it(place: Place) -> None:
    instance, other = place.run(), Account(place.call.cloud, OTHER)
    assert other("DescribeInstances")["Reservations"] == []
    assert other.refused("TerminateInstances", InstanceIds=[instance]).code == "InvalidInstanceID.NotFound"


def test_state_is_loaded_again(place: Place, tmp_path: Path) -> None:
    """With the groups, the interfaces and the attributes that describe does not show."""
    default = place.call("DescribeSubnets", Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    public = instance_id(place.call("RunInstances", **PLAIN, SubnetId=default["SubnetId"], DisableApiTermination=True))
    gone = place.run()
    place.call("TerminateInstances", InstanceIds=[gone])
    file = tmp_path / "state.json"
    file.write_bytes(place.call.cloud.state()[1])
    loaded = Account(Cloud.load(file, ACCOUNT, HOME))
    for instance in (public, gone):
        assert shown(loaded, instance) == shown(place.call, instance)
    assert loaded.snapshot == place.call.snapshot
    assert loaded.refused("TerminateInstances", InstanceIds=[public]).code == "OperationNotPermitted"
    loaded("StopInstances", InstanceIds=[public])
    assert "PublicIpAddress" not in shown(loaded, public)
    loaded("StartInstances", InstanceIds=[public])
    assert shown(loaded, public)["PublicIpAddress"] == "203.0.113.1"


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
    found = shown(loaded, "i-0a")
    assert found["SecurityGroups"] == [{"GroupId": "sg-0a", "GroupName": "web"}]
    assert found["PrivateIpAddress"] == "10.0.0.9"
    loaded("TerminateInstances", InstanceIds=["i-0a"])
    assert "PrivateIpAddress" not in shown(loaded, "i-0a")
    assert loaded.snapshot.interfaces == {}
