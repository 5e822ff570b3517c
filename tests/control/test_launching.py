"""RunInstances: which interfaces, groups, addresses and names instances get."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.control.calling import ACCOUNT, PLAIN, Launch, account, instance_id, launch


@pytest.fixture
def place() -> Launch:
    return launch()


def test_run(place: Launch) -> None:
    """The answer says pending, the next describe running; the primary interface goes with the instance."""
    place.call.now_ns = 1_700_000_000 * 10**9
    answer = place.call("RunInstances", **PLAIN, SubnetId=place.subnet, SecurityGroupIds=[place.group])
    assert answer["Instances"][0]["State"] == {"Code": 0, "Name": "pending"}
    found = place.call.shown_instance(instance_id(answer))
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


def test_groups_in_order(place: Launch) -> None:
    """As they are given: the order of credit."""
    groups = [place.call.group(place.vpc, name) for name in ("c", "a", "b")]
    made = place.call("RunInstances", **PLAIN, SubnetId=place.subnet, SecurityGroupIds=groups)
    interface = made["Instances"][0]["NetworkInterfaces"][0]["NetworkInterfaceId"]
    assert list(place.call.snapshot.interfaces[interface].group_ids) == groups


def test_without_anything() -> None:
    """In the first default subnet, with the default group and a public address."""
    call = account()
    found = call.shown_instance(instance_id(call("RunInstances", **PLAIN)))
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


def test_group_of_another_vpc(place: Launch) -> None:
    elsewhere = place.call.group(place.call.vpc("10.8.0.0/16"))
    error = place.call.refused("RunInstances", **PLAIN, SubnetId=place.subnet, SecurityGroupIds=[elsewhere])
    assert error.code == "InvalidParameter"
    assert error.message == f"Security group {elsewhere} and subnet {place.subnet} belong to different networks."


def test_quota_of_groups(place: Launch) -> None:
    groups = [place.call.group(place.vpc, f"group-{n}") for n in range(6)]
    error = place.call.refused("RunInstances", **PLAIN, SubnetId=place.subnet, SecurityGroupIds=groups)
    assert error.code == "SecurityGroupsPerInstanceLimitExceeded"


def test_described_interfaces(place: Launch) -> None:
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
def test_interfaces_beside_members_of_the_instance(place: Launch, level: dict[str, Any]) -> None:
    names = {"$subnet": place.subnet, "$group": place.group}
    filled = {
        key: [names[each] for each in value] if isinstance(value, list) else names.get(value, value)
        for key, value in level.items()
    }
    given = [{"DeviceIndex": 0, "SubnetId": place.subnet}]
    error = place.call.refused("RunInstances", **PLAIN, NetworkInterfaces=given, **filled)
    assert error.code == "InvalidParameterCombination"
    assert error.message.startswith("Network interfaces and an instance-level ")


def test_what_interfaces_there_cannot_be(place: Launch) -> None:
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


def test_interface_in_use(place: Launch) -> None:
    """An instance's interface is not another's."""
    taken = place.call.shown_instance(place.run())["NetworkInterfaces"][0]["NetworkInterfaceId"]
    given = [{"DeviceIndex": 0, "NetworkInterfaceId": taken}]
    error = place.call.refused("RunInstances", **PLAIN, NetworkInterfaces=given)
    assert (error.code, error.message) == ("InvalidNetworkInterface.InUse", f"Interface: [{taken}] in use.")


def test_as_many_as_there_are_addresses(place: Launch) -> None:
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


def test_quota_reached_between() -> None:
    """Only addresses may be too few: any other limit refuses the whole call."""
    call = account(interfaces_per_region=3)
    subnet = call.subnet(call.vpc())
    many: dict[str, Any] = {"ImageId": "ami-0abcdef1234567890", "SubnetId": subnet, "MinCount": 1}
    assert call.refused("RunInstances", **many, MaxCount=4).code == "InstanceLimitExceeded"
    assert len(call("RunInstances", **many, MaxCount=1)["Instances"]) == 1
    assert call.refused("RunInstances", **many, MaxCount=3).code == "NetworkInterfaceLimitExceeded"
    assert len(call("RunInstances", **many, MaxCount=2)["Instances"]) == 2


def test_half_of_the_interfaces_of_one_that_does_not_fit(place: Launch) -> None:
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
def test_what_is_refused(place: Launch, change: dict[str, Any], code: str) -> None:
    given = {**PLAIN, "SubnetId": place.subnet, **change}
    given = {name: value for name, value in given.items() if value is not None}
    assert place.call.refused("RunInstances", **given).code == code


def test_tags_and_names(place: Launch) -> None:
    """Each kind gets its own; an interface without a Name is called what its instance is, as long as it is."""
    specifications = [
        {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "front"}]},
        {"ResourceType": "network-interface", "Tags": [{"Key": "team", "Value": "a"}]},
        {"ResourceType": "volume", "Tags": [{"Key": "disk", "Value": "b"}]},
    ]
    instance = place.run(TagSpecifications=specifications)
    found = place.call.shown_instance(instance)
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


def test_members_as_given(place: Launch) -> None:
    """What decides nothing is shown as it was asked for, beside AWS's defaults."""
    instance = place.run(
        KeyName="ops",
        IamInstanceProfile={"Name": "web"},
        MetadataOptions={"HttpTokens": "required"},
        Monitoring={"Enabled": True},
        Placement={"Tenancy": "dedicated"},
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda"}],
    )
    found = place.call.shown_instance(instance)
    assert found["KeyName"] == "ops"
    assert found["IamInstanceProfile"] == {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/web"}
    assert (found["MetadataOptions"]["HttpTokens"], found["MetadataOptions"]["HttpEndpoint"]) == ("required", "enabled")
    assert found["Monitoring"] == {"State": "enabled"}
    assert found["Placement"] == {"AvailabilityZone": "us-east-1a", "GroupName": "", "Tenancy": "dedicated"}
    assert found["EnclaveOptions"] == {"Enabled": False}


def test_public_addresses_of_described_interfaces(place: Launch) -> None:
    """As asked for, else as the subnet says; none where there are several interfaces."""
    default = place.call("DescribeSubnets", Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    own, public = {"SubnetId": place.subnet}, {"SubnetId": default["SubnetId"]}
    for given, expected in (
        ([{"DeviceIndex": 0, **own}], False),
        ([{"DeviceIndex": 0, **own, "AssociatePublicIpAddress": True}], True),
        ([{"DeviceIndex": 0, **public}], True),
        ([{"DeviceIndex": 0, **public, "AssociatePublicIpAddress": False}], False),
        ([{"DeviceIndex": 0, **public}, {"DeviceIndex": 1, **public}], False),
    ):
        made = place.call("RunInstances", **PLAIN, NetworkInterfaces=given)
        found = place.call.shown_instance(instance_id(made))
        assert ("PublicIpAddress" in found) is expected, given
        attribute = place.call(
            "DescribeNetworkInterfaceAttribute",
            NetworkInterfaceId=found["NetworkInterfaces"][0]["NetworkInterfaceId"],
            Attribute="associatePublicIpAddress",
        )
        assert attribute["AssociatePublicIpAddress"] is expected


def test_ipv6_addresses() -> None:
    """Of the instance or of its interface; one may be the primary one."""
    call = account()
    vpc = call("CreateVpc", CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    block = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("/56", "/64")
    subnet = call.subnet(vpc["VpcId"], Ipv6CidrBlock=block)
    for given in (
        {"SubnetId": subnet, "Ipv6AddressCount": 1, "EnablePrimaryIpv6": True},
        {"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": subnet, "Ipv6AddressCount": 1, "PrimaryIpv6": True}]},
    ):
        found = call.shown_instance(instance_id(call("RunInstances", **PLAIN, **given)))
        (shown,) = found["NetworkInterfaces"][0]["Ipv6Addresses"]
        assert shown == {"Ipv6Address": found["Ipv6Address"], "IsPrimaryIpv6": True}
