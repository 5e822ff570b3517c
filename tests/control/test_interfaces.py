"""Network interfaces: their groups, their attributes, what is shown of them, what keeps them."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from sgsim.control import Cloud
from tests.control.calling import ACCOUNT, HOME, OTHER, Account, Place, account, dual_stack


@pytest.fixture
def place() -> Place:
    return dual_stack()


def test_default_group(place: Place) -> None:
    interface = place.call.shown_interface(place.call.interface(place.subnet))
    assert [group["GroupName"] for group in interface["Groups"]] == ["default"]


def test_group_order(place: Place) -> None:
    """The order of groups is the order of credit: it stays as given, and a group given twice counts once."""
    groups = [place.call.group(place.vpc, name) for name in ("c", "a", "b")]
    interface = place.call.interface(place.subnet, Groups=[*groups, groups[0]])
    assert list(place.call.snapshot.interfaces[interface].group_ids) == groups
    place.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, Groups=groups[::-1])
    assert list(place.call.snapshot.interfaces[interface].group_ids) == groups[::-1]


def test_group_quota(place: Place) -> None:
    groups = [place.call.group(place.vpc, f"group-{n}") for n in range(6)]
    error = place.call.refused("CreateNetworkInterface", SubnetId=place.subnet, Groups=groups)
    assert error.code == "InvalidParameterValue"
    assert error.message == f"user {ACCOUNT} exceeded limit 5 on the number of interface security group memberships"
    interface = place.call.interface(place.subnet, Groups=groups[:5])
    error = place.call.refused("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, Groups=groups)
    assert error.code == "SecurityGroupsPerInterfaceLimitExceeded"


def test_group_of_another_vpc(place: Place) -> None:
    """Not before it is associated with the interface's."""
    elsewhere = place.call.group(place.call.vpc("10.8.0.0/16"), "elsewhere")
    interface = place.call.interface(place.subnet)
    for operation, more in (
        ("CreateNetworkInterface", {"SubnetId": place.subnet}),
        ("ModifyNetworkInterfaceAttribute", {"NetworkInterfaceId": interface}),
    ):
        assert place.call.refused(operation, Groups=[elsewhere], **more).code == "InvalidGroup.NotFound"
    place.call("AssociateSecurityGroupVpc", GroupId=elsewhere, VpcId=place.vpc)
    place.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, Groups=[elsewhere])
    assert place.call.refused("DeleteSecurityGroup", GroupId=elsewhere).code == "DependencyViolation"
    error = place.call.refused("DisassociateSecurityGroupVpc", GroupId=elsewhere, VpcId=place.vpc)
    assert error.code == "DependencyViolation"


def test_vpc_whose_default_group_is_not_known(tmp_path: Path) -> None:
    """A snapshot may show some groups only."""
    (tmp_path / "snapshot.json").write_text(
        '{"SecurityGroups": [{"GroupId": "sg-0a", "GroupName": "web", "VpcId": "vpc-0a"},'
        ' {"GroupId": "sg-0b", "GroupName": "default", "VpcId": "vpc-0b"}],'
        ' "Subnets": [{"SubnetId": "subnet-0a", "VpcId": "vpc-0a", "CidrBlock": "10.0.0.0/24"}]}'
    )
    loaded = Account(Cloud.load(tmp_path, ACCOUNT, HOME))
    assert loaded.refused("CreateNetworkInterface", SubnetId="subnet-0a").code == "InvalidGroup.NotFound"
    loaded.interface("subnet-0a", Groups=["sg-0a"])


def test_kinds_of_interfaces(place: Place) -> None:
    """Some have no addresses; AWS's own services make theirs themselves."""
    trunk = place.call.interface(place.subnet, InterfaceType="trunk")
    assert place.call.snapshot.interfaces[trunk].interface_type == "trunk"
    assert place.addresses(place.call.interface(place.subnet, InterfaceType="efa-only")) == []
    error = place.call.refused("CreateNetworkInterface", SubnetId=place.subnet, InterfaceType="nat_gateway")
    assert error.code == "InvalidParameterValue"


def test_no_group(place: Place) -> None:
    interface = place.call.interface(place.subnet)
    error = place.call.refused("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, Groups=[])
    assert error.code == "MissingParameter"


# --- attributes -----------------------------------------------------------------------------------------------------


def test_timeouts(place: Place) -> None:
    given = {"TcpEstablishedTimeout": 60, "UdpTimeout": 60}
    interface = place.call.interface(place.subnet, ConnectionTrackingSpecification=given)
    assert place.call.shown_interface(interface)["ConnectionTrackingConfiguration"] == given
    place.call(
        "ModifyNetworkInterfaceAttribute",
        NetworkInterfaceId=interface,
        ConnectionTrackingSpecification={"UdpStreamTimeout": 180},
    )
    record = place.call.snapshot.interfaces[interface]
    assert (record.tcp_established_timeout, record.udp_timeout, record.udp_stream_timeout) == (60, 60, 180)


@pytest.mark.parametrize(
    "given",
    [
        {"TcpEstablishedTimeout": 59},
        {"TcpEstablishedTimeout": 432_001},
        {"UdpTimeout": 29},
        {"UdpTimeout": 61},
        {"UdpStreamTimeout": 59},
        {"UdpStreamTimeout": 181},
    ],
)
def test_timeouts_out_of_range(place: Place, given: dict[str, int]) -> None:
    interface = place.call.interface(place.subnet)
    for operation, more in (
        ("CreateNetworkInterface", {"SubnetId": place.subnet}),
        ("ModifyNetworkInterfaceAttribute", {"NetworkInterfaceId": interface}),
    ):
        error = place.call.refused(operation, ConnectionTrackingSpecification=given, **more)
        assert error.code == "InvalidParameterValue"


def test_attributes_one_by_one(place: Place) -> None:
    interface = place.call.interface(place.subnet, Description="before")
    named: dict[str, Any] = {"NetworkInterfaceId": interface}
    place.call("ModifyNetworkInterfaceAttribute", **named, Description={"Value": "after"})
    place.call("ModifyNetworkInterfaceAttribute", **named, SourceDestCheck={"Value": False})

    def described(attribute: str) -> dict[str, Any]:
        return place.call("DescribeNetworkInterfaceAttribute", **named, Attribute=attribute)

    assert described("description")["Description"] == {"Value": "after"}
    assert described("sourceDestCheck")["SourceDestCheck"] == {"Value": False}
    assert described("groupSet")["Groups"] == place.call.shown_interface(interface)["Groups"]
    assert "Attachment" not in described("attachment")
    assert (
        place.call.refused("DescribeNetworkInterfaceAttribute", **named, Attribute="no").code == "InvalidParameterValue"
    )


def test_one_attribute_in_a_call(place: Place) -> None:
    named: dict[str, Any] = {"NetworkInterfaceId": place.call.interface(place.subnet)}
    both: dict[str, Any] = {"Description": {"Value": "x"}, "SourceDestCheck": {"Value": False}}
    for given, message in (
        (both, "Fields for multiple attribute types specified."),
        ({}, "No attributes specified."),
        ({"EnablePrimaryIpv6": False}, "A primary IPv6 address cannot be disabled."),
    ):
        error = place.call.refused("ModifyNetworkInterfaceAttribute", **named, **given)
        assert (error.code, error.message) == ("InvalidParameterCombination", message)


def test_primary_ipv6_address_later(place: Place) -> None:
    interface = place.call.interface(place.subnet, Ipv6AddressCount=1)
    assert place.call.shown_interface(interface)["Ipv6Addresses"][0]["IsPrimaryIpv6"] is False
    place.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, EnablePrimaryIpv6=True)
    assert place.call.shown_interface(interface)["Ipv6Addresses"][0]["IsPrimaryIpv6"] is True


def test_public_address(place: Place) -> None:
    """Of the pool, for the primary private address; the same one is not given twice."""
    first, second = place.call.interface(place.subnet), place.call.interface(place.subnet)
    for interface in (first, second):
        place.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, AssociatePublicIpAddress=True)
    found = [place.call.snapshot.interfaces[each].public_addresses for each in (first, second)]
    assert found == [(ip_address("203.0.113.1"),), (ip_address("203.0.113.2"),)]
    shown = place.call.shown_interface(first)
    assert shown["Association"]["PublicIp"] == "203.0.113.1"
    assert shown["PrivateIpAddresses"][0]["Association"] == shown["Association"]
    place.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=first, AssociatePublicIpAddress=False)
    assert place.call.snapshot.interfaces[first].public_addresses == ()
    assert "Association" not in place.call.shown_interface(first)


# --- describe and the rest ------------------------------------------------------------------------------------------


def test_filters(place: Place) -> None:
    group = place.call.group(place.vpc)
    first = place.call.interface(place.subnet, Groups=[group], Description="first")
    second = place.call.interface(
        place.subnet, PrivateIpAddress="10.0.1.99", SecondaryPrivateIpAddressCount=1, Ipv6AddressCount=1
    )
    place.call("AttachNetworkInterface", NetworkInterfaceId=second, InstanceId=place.instance(), DeviceIndex=1)
    cases = {
        first: [
            ("group-id", group),
            ("group-name", "web"),
            ("description", "fir*"),
            ("status", "available"),
            ("private-ip-address", "10.0.1.4"),
            ("private-dns-name", "ip-10-0-1-4.ec2.internal"),
            ("mac-address", place.call.shown_interface(first)["MacAddress"]),
        ],
        second: [
            ("group-name", "default"),
            ("attachment.instance-id", "i-0123456789abcdef0"),
            ("attachment.device-index", "1"),
            ("attachment.delete-on-termination", "false"),
            ("addresses.private-ip-address", "10.0.1.99"),
            ("addresses.primary", "false"),
            ("ipv6-addresses.ipv6-address", "*:*"),
        ],
    }
    for interface, filters in cases.items():
        for name, value in filters:
            found = place.call("DescribeNetworkInterfaces", Filters=[{"Name": name, "Values": [value]}])
            assert [each["NetworkInterfaceId"] for each in found["NetworkInterfaces"]] == [interface], name
    for name, value in (
        ("source-dest-check", "true"),
        ("requester-managed", "false"),
        ("addresses.primary", "true"),
        ("vpc-id", place.vpc),
        ("interface-type", "interface"),
    ):
        found = place.call("DescribeNetworkInterfaces", Filters=[{"Name": name, "Values": [value]}])
        assert len(found["NetworkInterfaces"]) == 2


def test_pages(place: Place) -> None:
    made = [place.call.interface(place.subnet) for _ in range(7)]
    first = place.call("DescribeNetworkInterfaces", MaxResults=5)
    rest = place.call("DescribeNetworkInterfaces", MaxResults=5, NextToken=first["NextToken"])
    found = [each["NetworkInterfaceId"] for page in (first, rest) for each in page["NetworkInterfaces"]]
    assert found == made
    assert "NextToken" not in rest
    error = place.call.refused("DescribeNetworkInterfaces", MaxResults=5, NetworkInterfaceIds=made[:1])
    assert error.code == "InvalidParameterCombination"


def test_others_do_not_see_it(place: Place) -> None:
    interface = place.call.interface(place.subnet)
    other = Account(place.call.cloud, OTHER)
    other("DescribeNetworkInterfaces")  # the account gets its default VPC
    error = other.refused("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface])
    assert error.code == "InvalidNetworkInterfaceID.NotFound"
    assert other.refused("DeleteNetworkInterface", NetworkInterfaceId=interface).code == error.code


def test_it_keeps_its_subnet_and_its_groups(place: Place) -> None:
    group = place.call.group(place.vpc)
    place.call.interface(place.subnet, Groups=[group])
    for operation, named in (
        ("DeleteSubnet", {"SubnetId": place.subnet}),
        ("DeleteSecurityGroup", {"GroupId": group}),
        ("DeleteVpc", {"VpcId": place.vpc}),
    ):
        assert place.call.refused(operation, **named).code == "DependencyViolation"


def test_quota_of_interfaces() -> None:
    call = account(interfaces_per_region=1)
    subnet = call.subnet(call.vpc())
    call.interface(subnet)
    assert call.refused("CreateNetworkInterface", SubnetId=subnet).code == "NetworkInterfaceLimitExceeded"


def test_tags_and_name(place: Place) -> None:
    """The Name tag is the record's name: the command line knows interfaces by it."""
    tags = [{"Key": "Name", "Value": "front"}, {"Key": "team", "Value": "a"}]
    specifications = [{"ResourceType": "network-interface", "Tags": tags}]
    interface = place.call.interface(place.subnet, TagSpecifications=specifications)
    assert place.call.snapshot.interfaces[interface].name == "front"
    assert place.call.shown_interface(interface)["TagSet"] == tags


def test_state_is_loaded_again(place: Place, tmp_path: Path) -> None:
    """With all that describe shows, and with the public address that goes back one day."""
    interface = place.call.interface(
        place.subnet, SecondaryPrivateIpAddressCount=1, Ipv6AddressCount=1, EnablePrimaryIpv6=True
    )
    place.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, AssociatePublicIpAddress=True)
    place.call("AttachNetworkInterface", NetworkInterfaceId=interface, InstanceId=place.instance(), DeviceIndex=1)
    file = tmp_path / "state.json"
    file.write_bytes(place.call.cloud.state()[1])
    loaded = Account(Cloud.load(file, ACCOUNT, HOME))
    assert loaded.shown_interface(interface) == place.call.shown_interface(interface)
    assert loaded.snapshot.interfaces == place.call.snapshot.interfaces
    loaded("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, AssociatePublicIpAddress=False)
    assert loaded.snapshot.interfaces[interface].public_addresses == ()
