"""Public addresses: of Amazon's pool, which come and go, and Elastic ones, which stay where they are put."""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from sgsim.control import Cloud
from tests.control.calling import ACCOUNT, HOME, PLAIN, Account, Place, account, dual_stack, instance_id


@pytest.fixture
def place() -> Place:
    return dual_stack()


def public(call: Account, interface: str) -> list[str]:
    return [str(each) for each in call.snapshot.interfaces[interface].public_addresses]


def wanted(call: Account, interface: str, public: bool) -> None:
    call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, AssociatePublicIpAddress=public)


def test_the_lowest_that_is_free(place: Place) -> None:
    """For the primary private address; what went back is given again; twice is once."""
    first, second, third = (place.call.interface(place.subnet) for _ in range(3))
    for interface in (first, first, second):
        wanted(place.call, interface, True)
    assert [public(place.call, each) for each in (first, second)] == [["203.0.113.1"], ["203.0.113.2"]]
    shown = place.call.shown_interface(first)
    assert shown["Association"]["PublicIp"] == "203.0.113.1"
    assert shown["PrivateIpAddresses"][0]["Association"] == shown["Association"]
    described = place.call(
        "DescribeNetworkInterfaceAttribute", NetworkInterfaceId=first, Attribute="associatePublicIpAddress"
    )
    assert described["AssociatePublicIpAddress"] is True
    wanted(place.call, first, False)
    assert public(place.call, first) == []
    assert "Association" not in place.call.shown_interface(first)
    wanted(place.call, third, True)
    assert public(place.call, third) == ["203.0.113.1"]


def test_the_pool_goes_on(place: Place) -> None:
    """Behind the first block comes the next."""
    store = place.call.cloud.store
    taken = place.call.interface(place.subnet)
    record = store.interfaces[taken]
    addresses = tuple(ip_address(f"203.0.113.{n}") for n in range(1, 255))
    store.interfaces[taken] = type(record)(taken, public_addresses=addresses)
    interface = place.call.interface(place.subnet)
    wanted(place.call, interface, True)
    assert public(place.call, interface) == ["198.51.100.1"]


def test_nothing_without_a_private_address() -> None:
    """An interface of an IPv6-only subnet has one of IPv6, and none that is public."""
    call = account()
    vpc = call("CreateVpc", CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    block = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("/56", "/64")
    subnet = call("CreateSubnet", VpcId=vpc["VpcId"], Ipv6Native=True, Ipv6CidrBlock=block)["Subnet"]["SubnetId"]
    interface = call.interface(subnet)
    wanted(call, interface, True)
    shown = call.shown_interface(interface)
    assert shown["Ipv6Native"] is True
    assert shown["PrivateIpAddresses"] == []
    assert [str(each) for each in call.snapshot.interfaces[interface].addresses] == [
        shown["Ipv6Addresses"][0]["Ipv6Address"]
    ]
    assert public(call, interface) == []


# --- Elastic addresses, as a snapshot shows them ------------------------------------------------------------------


def association(address: str, owner: str) -> dict[str, Any]:
    return {"PublicIp": address, "IpOwnerId": owner, "PublicDnsName": ""}


@pytest.fixture
def loaded(tmp_path: Path) -> Account:
    """Of an instance: eni-0a with an address of the pool, and an Elastic one for its secondary address; and eni-0b."""
    first = {
        "NetworkInterfaceId": "eni-0a",
        "VpcId": "vpc-0a",
        "SubnetId": "subnet-0a",
        "Groups": [{"GroupId": "sg-0a"}],
        "PrivateIpAddress": "10.0.0.10",
        "PrivateIpAddresses": [
            {
                "PrivateIpAddress": "10.0.0.10",
                "Primary": True,
                "PrivateDnsName": "first.example",
                "Association": association("198.18.0.1", "amazon"),
            },
            {
                "PrivateIpAddress": "10.0.0.11",
                "Primary": False,
                "Association": association("198.18.0.2", ACCOUNT),
            },
        ],
        "Association": association("198.18.0.1", "amazon"),
        "Attachment": {"InstanceId": "i-0a", "DeviceIndex": 0, "AttachmentId": "eni-attach-0a"},
    }
    second = {
        "NetworkInterfaceId": "eni-0b",
        "VpcId": "vpc-0a",
        "SubnetId": "subnet-0a",
        "Groups": [{"GroupId": "sg-0a"}],
        "PrivateIpAddress": "10.0.0.20",
    }
    snapshot = {
        "NetworkInterfaces": [first, second],
        "SecurityGroups": [{"GroupId": "sg-0a", "GroupName": "web", "VpcId": "vpc-0a"}],
        "Vpcs": [{"VpcId": "vpc-0a", "CidrBlock": "10.0.0.0/16"}],
        "Subnets": [{"SubnetId": "subnet-0a", "VpcId": "vpc-0a", "CidrBlock": "10.0.0.0/24"}],
    }
    (tmp_path / "snapshot.json").write_text(json.dumps(snapshot))
    return Account(Cloud.load(tmp_path, ACCOUNT, HOME))


def test_what_a_snapshot_shows(loaded: Account) -> None:
    """Is shown as it was; an interface that says nothing of its state is in use if an instance has it."""
    shown = loaded.shown_interface("eni-0a")
    assert (shown["Status"], shown["InterfaceType"]) == ("in-use", "interface")
    assert shown["Association"] == association("198.18.0.1", "amazon")
    assert shown["PrivateIpAddresses"][0]["PrivateDnsName"] == "first.example"
    assert shown["PrivateIpAddresses"][1]["Association"] == association("198.18.0.2", ACCOUNT)
    assert loaded.shown_interface("eni-0b")["Status"] == "available"
    assert loaded.shown_interface("eni-0b")["PrivateIpAddresses"] == [
        {"PrivateIpAddress": "10.0.0.20", "Primary": True, "PrivateDnsName": "ip-10-0-0-20.ec2.internal"}
    ]


def test_elastic_addresses_stay_when_an_instance_stops(loaded: Account) -> None:
    """That of the pool goes, and another comes when it starts."""
    loaded("StopInstances", InstanceIds=["i-0a"])
    assert public(loaded, "eni-0a") == ["198.18.0.2"]
    shown = loaded.shown_interface("eni-0a")["PrivateIpAddresses"]
    assert ["Association" in each for each in shown] == [False, True]
    loaded("StartInstances", InstanceIds=["i-0a"])
    assert public(loaded, "eni-0a") == ["203.0.113.1", "198.18.0.2"]
    first = loaded.shown_interface("eni-0a")["PrivateIpAddresses"][0]
    assert (first["Association"]["PublicIp"], first["PrivateDnsName"]) == ("203.0.113.1", "first.example")


def test_elastic_addresses_move_with_the_private_ones(loaded: Account) -> None:
    """EC2 API reference, AssignPrivateIpAddresses."""
    moving: dict[str, Any] = {"NetworkInterfaceId": "eni-0b", "PrivateIpAddresses": ["10.0.0.11"]}
    loaded("AssignPrivateIpAddresses", AllowReassignment=True, **moving)
    assert (public(loaded, "eni-0a"), public(loaded, "eni-0b")) == (["198.18.0.1"], ["198.18.0.2"])
    left = loaded.shown_interface("eni-0a")["PrivateIpAddresses"]
    assert [each["PrivateDnsName"] for each in left] == ["first.example"]
    moved = loaded.shown_interface("eni-0b")["PrivateIpAddresses"][1]
    assert (moved["PrivateIpAddress"], moved["Association"]["PublicIp"]) == ("10.0.0.11", "198.18.0.2")
    loaded("UnassignPrivateIpAddresses", **moving)
    assert public(loaded, "eni-0b") == []
    loaded("AssignPrivateIpAddresses", **moving)
    assert "Association" not in loaded.shown_interface("eni-0b")["PrivateIpAddresses"][1]


def test_association_without_private_addresses(tmp_path: Path) -> None:
    """Trimmed output may tell only the interface's own."""
    interface = {
        "NetworkInterfaceId": "eni-0a",
        "Groups": [{"GroupId": "sg-0a"}],
        "PrivateIpAddress": "10.0.0.10",
        "Association": association("198.18.0.1", "amazon"),
    }
    groups = [{"GroupId": "sg-0a", "GroupName": "web", "VpcId": "vpc-0a"}]
    (tmp_path / "snapshot.json").write_text(json.dumps({"NetworkInterfaces": [interface], "SecurityGroups": groups}))
    loaded = Account(Cloud.load(tmp_path, ACCOUNT, HOME))
    assert loaded.shown_interface("eni-0a")["Association"]["PublicIp"] == "198.18.0.1"
    wanted(loaded, "eni-0a", False)
    assert "Association" not in loaded.shown_interface("eni-0a")
    assert public(loaded, "eni-0a") == []


def test_instances_of_a_default_subnet() -> None:
    """Two accounts have different ones."""
    call = account()
    other = Account(call.cloud, "210987654321")
    found = [
        each.shown_instance(instance_id(each("RunInstances", **PLAIN)))["PublicIpAddress"] for each in (call, other)
    ]
    assert found == ["203.0.113.1", "203.0.113.2"]
