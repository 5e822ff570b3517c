"""Network interfaces: what they begin with, their addresses, what is shown of them, what keeps them."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sgsim.control import Cloud
from sgsim.control.store import Instance, Papers
from tests.control.calling import ACCOUNT, HOME, OTHER, Account, account


class Place(NamedTuple):
    """A VPC with one subnet of both families."""

    call: Account
    vpc: str
    subnet: str
    block6: str


@pytest.fixture
def place() -> Place:
    call = account()
    vpc = call("CreateVpc", CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    block6 = str(next(ip_network(vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]).subnets(new_prefix=64)))
    return Place(call, vpc["VpcId"], call.subnet(vpc["VpcId"], Ipv6CidrBlock=block6), block6)


def add_instance(call: Account, instance_id: str = "i-0123456789abcdef0", state: str = "running") -> str:
    """An instance without interfaces."""
    call.cloud.store.instances[instance_id] = Instance(instance_id, state)
    call.cloud.store.papers[instance_id] = Papers(*call.caller)
    return instance_id


def addresses(call: Account, interface_id: str) -> list[str]:
    return [str(address) for address in call.snapshot.interfaces[interface_id].addresses]


# --- groups -------------------------------------------------------------------------------------------------------


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


def test_no_group(place: Place) -> None:
    interface = place.call.interface(place.subnet)
    error = place.call.refused("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, Groups=[])
    assert error.code == "MissingParameter"


# --- addresses ----------------------------------------------------------------------------------------------------


def test_lowest_free_address(place: Place) -> None:
    """After the subnet's first four; an address that was given back comes first again."""
    made = [place.call.interface(place.subnet) for _ in range(3)]
    assert [addresses(place.call, each) for each in made] == [["10.0.1.4"], ["10.0.1.5"], ["10.0.1.6"]]
    place.call("DeleteNetworkInterface", NetworkInterfaceId=made[1])
    again = [place.call.interface(place.subnet) for _ in range(2)]
    assert [addresses(place.call, each) for each in again] == [["10.0.1.5"], ["10.0.1.7"]]


def test_addresses_in_order(place: Place) -> None:
    """The primary one first, then those that are named, then those of the other family."""
    interface = place.call.interface(
        place.subnet,
        PrivateIpAddresses=[
            {"PrivateIpAddress": "10.0.1.9"},
            {"PrivateIpAddress": "10.0.1.20", "Primary": True},
            {"PrivateIpAddress": "10.0.1.4"},
        ],
        Ipv6AddressCount=2,
    )
    base = place.block6.removesuffix("/64")
    assert addresses(place.call, interface) == ["10.0.1.20", "10.0.1.9", "10.0.1.4", f"{base}4", f"{base}5"]
    shown = place.call.shown_interface(interface)
    assert shown["PrivateIpAddress"] == "10.0.1.20"
    assert [(each["PrivateIpAddress"], each["Primary"]) for each in shown["PrivateIpAddresses"]] == [
        ("10.0.1.20", True),
        ("10.0.1.9", False),
        ("10.0.1.4", False),
    ]


def test_primary_address_is_chosen(place: Place) -> None:
    """Where the named ones are all secondary; it is none of them."""
    interface = place.call.interface(place.subnet, PrivateIpAddresses=[{"PrivateIpAddress": "10.0.1.4"}])
    assert addresses(place.call, interface) == ["10.0.1.5", "10.0.1.4"]


@pytest.mark.parametrize("own", ["10.0.1.0", "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.255"])
def test_reserved_addresses(place: Place, own: str) -> None:
    error = place.call.refused("CreateNetworkInterface", SubnetId=place.subnet, PrivateIpAddress=own)
    assert (error.code, error.message) == (
        "InvalidParameterValue",
        f"Address {own} is in subnet's reserved address range",
    )


def test_address_of_another_subnet(place: Place) -> None:
    error = place.call.refused("CreateNetworkInterface", SubnetId=place.subnet, PrivateIpAddress="10.0.2.9")
    assert error.code == "InvalidParameterValue"
    assert error.message == "Address 10.0.2.9 does not fall within the subnet's address range"


def test_address_in_use(place: Place) -> None:
    """Also where a delegated prefix holds it."""
    place.call.interface(place.subnet, PrivateIpAddress="10.0.1.9", Ipv4Prefixes=[{"Ipv4Prefix": "10.0.1.32/28"}])
    for taken in ("10.0.1.9", "10.0.1.40"):
        error = place.call.refused("CreateNetworkInterface", SubnetId=place.subnet, PrivateIpAddress=taken)
        assert error.code == "InvalidIPAddress.InUse"


def test_subnet_is_full(place: Place) -> None:
    """A /28 has eleven addresses for interfaces, and says how many are left."""
    small = place.call.subnet(place.vpc, "10.0.9.0/28")
    place.call.interface(small, SecondaryPrivateIpAddressCount=9)
    assert _available(place.call, small) == 1
    place.call.interface(small)
    assert _available(place.call, small) == 0
    error = place.call.refused("CreateNetworkInterface", SubnetId=small)
    assert error.code == "InsufficientFreeAddressesInSubnet"


def _available(call: Account, subnet_id: str) -> int:
    return int(call("DescribeSubnets", SubnetIds=[subnet_id])["Subnets"][0]["AvailableIpAddressCount"])


def test_prefixes(place: Place) -> None:
    """A named one and counted ones: the lowest that are free, never with an address that AWS or an interface has."""
    place.call.interface(place.subnet, PrivateIpAddress="10.0.1.20")
    interface = place.call.interface(place.subnet, Ipv4PrefixCount=2, Ipv6PrefixCount=1)
    base6 = ip_network(place.block6)
    second6 = list(zip(range(2), base6.subnets(new_prefix=80), strict=False))[1][1]
    found = place.call.snapshot.interfaces[interface].prefixes
    assert [str(each) for each in found] == ["10.0.1.32/28", "10.0.1.48/28", str(second6)]
    shown = place.call.shown_interface(interface)
    assert shown["Ipv4Prefixes"] == [{"Ipv4Prefix": "10.0.1.32/28"}, {"Ipv4Prefix": "10.0.1.48/28"}]
    assert shown["Ipv6Prefixes"] == [{"Ipv6Prefix": str(second6)}]
    assert _available(place.call, place.subnet) == 256 - 5 - 2 - 32


@pytest.mark.parametrize(
    "prefix", ["10.0.1.0/28", "10.0.1.240/28", "10.0.2.16/28", "10.0.1.16/27", "10.0.1.17/28", "x"]
)
def test_prefixes_that_cannot_be_delegated(place: Place, prefix: str) -> None:
    given = [{"Ipv4Prefix": prefix}]
    error = place.call.refused("CreateNetworkInterface", SubnetId=place.subnet, Ipv4Prefixes=given)
    assert error.code == "InvalidParameterValue"


@pytest.mark.parametrize(
    "given",
    [
        {"SecondaryPrivateIpAddressCount": 1, "Ipv4PrefixCount": 1},
        {"SecondaryPrivateIpAddressCount": 1, "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.9"}]},
        {"Ipv6AddressCount": 1, "Ipv6PrefixCount": 1},
        {"PrivateIpAddress": "10.0.1.9", "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.8", "Primary": True}]},
    ],
)
def test_ways_of_asking_for_addresses_exclude_each_other(place: Place, given: dict[str, Any]) -> None:
    error = place.call.refused("CreateNetworkInterface", SubnetId=place.subnet, **given)
    assert error.code == "InvalidParameterCombination"


def test_primary_ipv6_address(place: Place) -> None:
    interface = place.call.interface(place.subnet, Ipv6AddressCount=2, EnablePrimaryIpv6=True)
    shown = place.call.shown_interface(interface)["Ipv6Addresses"]
    assert [each["IsPrimaryIpv6"] for each in shown] == [True, False]


def test_ipv6_addresses_need_a_block() -> None:
    call = account()
    subnet = call.subnet(call.vpc())
    error = call.refused("CreateNetworkInterface", SubnetId=subnet, Ipv6AddressCount=1)
    assert error.code == "InvalidParameterValue"


def test_more_addresses_than_an_interface_has(place: Place) -> None:
    error = place.call.refused("CreateNetworkInterface", SubnetId=place.subnet, Ipv6AddressCount=10**9)
    assert error.code == "PrivateIpAddressLimitExceeded"


def test_assign_and_unassign(place: Place) -> None:
    interface = place.call.interface(place.subnet)
    assigned = place.call("AssignPrivateIpAddresses", NetworkInterfaceId=interface, SecondaryPrivateIpAddressCount=2)
    assert assigned["AssignedPrivateIpAddresses"] == [
        {"PrivateIpAddress": "10.0.1.5"},
        {"PrivateIpAddress": "10.0.1.6"},
    ]
    assigned6 = place.call("AssignIpv6Addresses", NetworkInterfaceId=interface, Ipv6AddressCount=1)
    place.call("AssignPrivateIpAddresses", NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.1.30"])
    six = assigned6["AssignedIpv6Addresses"][0]
    assert addresses(place.call, interface) == ["10.0.1.4", "10.0.1.5", "10.0.1.6", "10.0.1.30", six]
    place.call("UnassignPrivateIpAddresses", NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.1.5"])
    gone = place.call("UnassignIpv6Addresses", NetworkInterfaceId=interface, Ipv6Addresses=[six])
    assert gone["UnassignedIpv6Addresses"] == [six]
    assert addresses(place.call, interface) == ["10.0.1.4", "10.0.1.6", "10.0.1.30"]


def test_unassign_what_is_not_there(place: Place) -> None:
    interface = place.call.interface(place.subnet)
    for address in ("10.0.1.77", "10.0.1.4"):
        error = place.call.refused(
            "UnassignPrivateIpAddresses", NetworkInterfaceId=interface, PrivateIpAddresses=[address]
        )
        assert error.code == "InvalidParameterValue"


def test_prefixes_are_assigned_and_unassigned(place: Place) -> None:
    interface = place.call.interface(place.subnet)
    found = place.call("AssignPrivateIpAddresses", NetworkInterfaceId=interface, Ipv4PrefixCount=1)
    assert found["AssignedIpv4Prefixes"] == [{"Ipv4Prefix": "10.0.1.16/28"}]
    place.call("UnassignPrivateIpAddresses", NetworkInterfaceId=interface, Ipv4Prefixes=["10.0.1.16/28"])
    assert place.call.snapshot.interfaces[interface].prefixes == ()


def test_reassignment(place: Place) -> None:
    """Secondary addresses move when the request allows it; primary ones never do."""
    first = place.call.interface(place.subnet, SecondaryPrivateIpAddressCount=1)
    second = place.call.interface(place.subnet)
    moving = {"NetworkInterfaceId": second, "PrivateIpAddresses": ["10.0.1.5"]}
    assert place.call.refused("AssignPrivateIpAddresses", **moving).code == "InvalidIPAddress.InUse"
    place.call("AssignPrivateIpAddresses", AllowReassignment=True, **moving)
    assert addresses(place.call, first) == ["10.0.1.4"]
    assert addresses(place.call, second) == ["10.0.1.6", "10.0.1.5"]
    moving["PrivateIpAddresses"] = ["10.0.1.4"]
    error = place.call.refused("AssignPrivateIpAddresses", AllowReassignment=True, **moving)
    assert error.code == "InvalidIPAddress.InUse"


# --- attributes ---------------------------------------------------------------------------------------------------


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
    for given in (both, {}):
        error = place.call.refused("ModifyNetworkInterfaceAttribute", **named, **given)
        assert error.code == "InvalidParameterCombination"


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


# --- attachments --------------------------------------------------------------------------------------------------


def test_attach_and_detach(place: Place) -> None:
    instance, interface = add_instance(place.call), place.call.interface(place.subnet)
    place.call.now_ns = 1_700_000_000_123_456_789
    attached = place.call("AttachNetworkInterface", NetworkInterfaceId=interface, InstanceId=instance, DeviceIndex=1)
    record = place.call.snapshot.interfaces[interface]
    assert (record.instance_id, record.device_index) == (instance, 1)
    shown = place.call.shown_interface(interface)
    assert shown["Status"] == "in-use"
    assert shown["Attachment"] == {
        "AttachmentId": attached["AttachmentId"],
        "AttachTime": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        "DeleteOnTermination": False,
        "DeviceIndex": 1,
        "InstanceId": instance,
        "InstanceOwnerId": ACCOUNT,
        "NetworkCardIndex": 0,
        "Status": "attached",
    }
    error = place.call.refused("DeleteNetworkInterface", NetworkInterfaceId=interface)
    assert error.code == "InvalidParameterValue"
    place.call("DetachNetworkInterface", AttachmentId=attached["AttachmentId"])
    assert place.call.shown_interface(interface)["Status"] == "available"
    assert "Attachment" not in place.call.shown_interface(interface)
    place.call("DeleteNetworkInterface", NetworkInterfaceId=interface)
    assert interface not in place.call.snapshot.interfaces


def test_what_keeps_an_interface_from_being_attached(place: Place) -> None:
    instance = add_instance(place.call)
    first, second = place.call.interface(place.subnet), place.call.interface(place.subnet)
    place.call("AttachNetworkInterface", NetworkInterfaceId=first, InstanceId=instance, DeviceIndex=1)
    given: dict[str, Any] = {"NetworkInterfaceId": first, "InstanceId": instance, "DeviceIndex": 2}
    assert place.call.refused("AttachNetworkInterface", **given).code == "InvalidNetworkInterface.InUse"
    given |= {"NetworkInterfaceId": second, "DeviceIndex": 1}
    assert place.call.refused("AttachNetworkInterface", **given).code == "InvalidParameterValue"
    given |= {"InstanceId": add_instance(place.call, "i-0abcdef0123456789", "terminated"), "DeviceIndex": 0}
    assert place.call.refused("AttachNetworkInterface", **given).code == "IncorrectState"
    other_zone = place.call.interface(place.call.subnet(place.vpc, "10.0.2.0/24", AvailabilityZone="us-east-1b"))
    given = {"NetworkInterfaceId": other_zone, "InstanceId": instance, "DeviceIndex": 2}
    assert place.call.refused("AttachNetworkInterface", **given).code == "InvalidParameterCombination"


def test_detach_what_cannot_be_detached(place: Place) -> None:
    """The primary interface, and an attachment that is not there."""
    primary = place.call.interface(place.subnet)
    attached = place.call(
        "AttachNetworkInterface", NetworkInterfaceId=primary, InstanceId=add_instance(place.call), DeviceIndex=0
    )
    error = place.call.refused("DetachNetworkInterface", AttachmentId=attached["AttachmentId"])
    assert error.code == "OperationNotPermitted"
    error = place.call.refused("DetachNetworkInterface", AttachmentId="eni-attach-0123456789abcdef0")
    assert error.code == "InvalidAttachmentID.NotFound"


def test_delete_on_termination(place: Place) -> None:
    """It is changed at the attachment, which must be the interface's own."""
    instance = add_instance(place.call)
    first, second = place.call.interface(place.subnet), place.call.interface(place.subnet)
    ids = [
        place.call("AttachNetworkInterface", NetworkInterfaceId=each, InstanceId=instance, DeviceIndex=n)[
            "AttachmentId"
        ]
        for n, each in enumerate((first, second))
    ]
    change: dict[str, Any] = {"AttachmentId": ids[0], "DeleteOnTermination": True}
    place.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=first, Attachment=change)
    assert place.call.shown_interface(first)["Attachment"]["DeleteOnTermination"] is True
    error = place.call.refused("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=second, Attachment=change)
    assert error.code == "InvalidParameterValue"


# --- describe and the rest ----------------------------------------------------------------------------------------


def test_filters(place: Place) -> None:
    group = place.call.group(place.vpc)
    first = place.call.interface(place.subnet, Groups=[group], Description="first")
    second = place.call.interface(place.subnet, PrivateIpAddress="10.0.1.99")
    place.call("AttachNetworkInterface", NetworkInterfaceId=second, InstanceId=add_instance(place.call), DeviceIndex=1)
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
        ],
    }
    for interface, filters in cases.items():
        for name, value in filters:
            found = place.call("DescribeNetworkInterfaces", Filters=[{"Name": name, "Values": [value]}])
            assert [each["NetworkInterfaceId"] for each in found["NetworkInterfaces"]] == [interface], name
    for name, value in (("source-dest-check", "true"), ("vpc-id", place.vpc), ("interface-type", "interface")):
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
    place.call(
        "AttachNetworkInterface", NetworkInterfaceId=interface, InstanceId=add_instance(place.call), DeviceIndex=1
    )
    file = tmp_path / "state.json"
    file.write_bytes(place.call.cloud.state()[1])
    loaded = Account(Cloud.load(file, ACCOUNT, HOME))
    assert loaded.shown_interface(interface) == place.call.shown_interface(interface)
    assert loaded.snapshot.interfaces == place.call.snapshot.interfaces
    loaded("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, AssociatePublicIpAddress=False)
    assert loaded.snapshot.interfaces[interface].public_addresses == ()
