"""Addresses of interfaces: chosen, named, assigned, unassigned, moved."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from tests.control.calling import Place, account, dual_stack


@pytest.fixture
def place() -> Place:
    return dual_stack()


def test_lowest_free_address(place: Place) -> None:
    """After the subnet's first four; an address that was given back comes first again."""
    made = [place.call.interface(place.subnet) for _ in range(3)]
    assert [place.addresses(each) for each in made] == [["10.0.1.4"], ["10.0.1.5"], ["10.0.1.6"]]
    place.call("DeleteNetworkInterface", NetworkInterfaceId=made[1])
    again = [place.call.interface(place.subnet) for _ in range(2)]
    assert [place.addresses(each) for each in again] == [["10.0.1.5"], ["10.0.1.7"]]


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
    assert place.addresses(interface) == ["10.0.1.20", "10.0.1.9", "10.0.1.4", f"{base}4", f"{base}5"]
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
    assert place.addresses(interface) == ["10.0.1.5", "10.0.1.4"]


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
    assert place.available(small) == 1
    place.call.interface(small)
    assert place.available(small) == 0
    error = place.call.refused("CreateNetworkInterface", SubnetId=small)
    assert error.code == "InsufficientFreeAddressesInSubnet"


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
    assert place.available(place.subnet) == 256 - 5 - 2 - 32


@pytest.mark.parametrize(
    "prefix", ["10.0.1.0/28", "10.0.1.240/28", "10.0.2.16/28", "10.0.1.32/27", "10.0.1.17/28", "x"]
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
    assert place.addresses(interface) == ["10.0.1.4", "10.0.1.5", "10.0.1.6", "10.0.1.30", six]
    place.call("UnassignPrivateIpAddresses", NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.1.5"])
    gone = place.call("UnassignIpv6Addresses", NetworkInterfaceId=interface, Ipv6Addresses=[six])
    assert gone["UnassignedIpv6Addresses"] == [six]
    assert place.addresses(interface) == ["10.0.1.4", "10.0.1.6", "10.0.1.30"]


def test_unassign_what_is_not_there(place: Place) -> None:
    interface = place.call.interface(place.subnet)
    for given in (
        {"PrivateIpAddresses": ["10.0.1.77"]},
        {"PrivateIpAddresses": ["10.0.1.4"]},
        {"Ipv4Prefixes": ["10.0.1.16/28"]},
    ):
        error = place.call.refused("UnassignPrivateIpAddresses", NetworkInterfaceId=interface, **given)
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
    assert place.addresses(first) == ["10.0.1.4"]
    assert place.addresses(second) == ["10.0.1.6", "10.0.1.5"]
    error = place.call.refused("AssignPrivateIpAddresses", AllowReassignment=True, **moving)
    assert error.code == "InvalidIPAddress.InUse"  # it has it
    moving["PrivateIpAddresses"] = ["10.0.1.4"]
    error = place.call.refused("AssignPrivateIpAddresses", AllowReassignment=True, **moving)
    assert error.code == "InvalidIPAddress.InUse"


@pytest.mark.parametrize("text", ["10.0.1", "10.0.1.5/32", "2001:db8::5", ""])
def test_texts_that_are_no_address(place: Place, text: str) -> None:
    error = place.call.refused("CreateNetworkInterface", SubnetId=place.subnet, PrivateIpAddress=text)
    assert error.code == "InvalidParameterValue"


def test_prefix_given_twice(place: Place) -> None:
    """Or with an address of the interface itself in it."""
    for given in (
        {"Ipv4Prefixes": [{"Ipv4Prefix": "10.0.1.32/28"}] * 2},
        {"Ipv4Prefixes": [{"Ipv4Prefix": "10.0.1.32/28"}], "PrivateIpAddress": "10.0.1.33"},
    ):
        error = place.call.refused("CreateNetworkInterface", SubnetId=place.subnet, **given)
        assert error.code == "InvalidIPAddress.InUse"


def test_no_prefix_is_left(place: Place) -> None:
    """A /24 has fourteen that hold no address of AWS."""
    interface = place.call.interface(place.subnet, Ipv4PrefixCount=14, PrivateIpAddress="10.0.1.4")
    assert len(place.call.snapshot.interfaces[interface].prefixes) == 14
    error = place.call.refused("AssignPrivateIpAddresses", NetworkInterfaceId=interface, Ipv4PrefixCount=1)
    assert error.code == "InsufficientCidrBlocks"


def test_addresses_around_prefixes(place: Place) -> None:
    """The lowest free address lies behind what a prefix holds."""
    interface = place.call.interface(
        place.subnet,
        Ipv4Prefixes=[{"Ipv4Prefix": "10.0.1.16/28"}],
        PrivateIpAddress="10.0.1.4",
    )
    place.call(
        "AssignPrivateIpAddresses",
        NetworkInterfaceId=interface,
        PrivateIpAddresses=[f"10.0.1.{n}" for n in range(5, 16)],
    )
    assert place.addresses(place.call.interface(place.subnet)) == ["10.0.1.32"]


@pytest.mark.parametrize(
    "parameter", ["SecondaryPrivateIpAddressCount", "Ipv6AddressCount", "Ipv4PrefixCount", "Ipv6PrefixCount"]
)
def test_numbers_of_addresses(place: Place, parameter: str) -> None:
    """Up to 64 of a kind, and none less than none."""
    for number, code in ((65, "PrivateIpAddressLimitExceeded"), (-1, "InvalidParameterValue")):
        error = place.call.refused("CreateNetworkInterface", SubnetId=place.subnet, **{parameter: number})
        assert error.code == code


def test_so_many_addresses_in_all(place: Place) -> None:
    """What an interface has counts with what it gets."""
    interface = place.call.interface(place.subnet, SecondaryPrivateIpAddressCount=62)
    place.call("AssignPrivateIpAddresses", NetworkInterfaceId=interface, SecondaryPrivateIpAddressCount=1)
    error = place.call.refused(
        "AssignPrivateIpAddresses", NetworkInterfaceId=interface, SecondaryPrivateIpAddressCount=1
    )
    assert error.code == "PrivateIpAddressLimitExceeded"
    place.call("AssignIpv6Addresses", NetworkInterfaceId=interface, Ipv6AddressCount=64)


def test_primary_ipv6_address_by_name(place: Place) -> None:
    """It comes first, wherever it is in the request; an interface without IPv6 has none."""
    base = place.block6.removesuffix("/64")
    given = [{"Ipv6Address": f"{base}9"}, {"Ipv6Address": f"{base}8", "IsPrimaryIpv6": True}]
    shown = place.call.shown_interface(place.call.interface(place.subnet, Ipv6Addresses=given))["Ipv6Addresses"]
    assert shown == [
        {"Ipv6Address": f"{base}8", "IsPrimaryIpv6": True},
        {"Ipv6Address": f"{base}9", "IsPrimaryIpv6": False},
    ]
    error = place.call.refused("CreateNetworkInterface", SubnetId=place.subnet, EnablePrimaryIpv6=True)
    assert error.code == "InvalidParameterValue"


def test_primary_ipv6_address_goes(place: Place) -> None:
    """It is one while the interface has it; other addresses come and go beside it."""
    interface = place.call.interface(place.subnet, Ipv6AddressCount=2, EnablePrimaryIpv6=True)
    first, second = (each["Ipv6Address"] for each in place.call.shown_interface(interface)["Ipv6Addresses"])
    place.call("UnassignIpv6Addresses", NetworkInterfaceId=interface, Ipv6Addresses=[second])
    assert place.call.shown_interface(interface)["Ipv6Addresses"] == [{"Ipv6Address": first, "IsPrimaryIpv6": True}]
    place.call("UnassignIpv6Addresses", NetworkInterfaceId=interface, Ipv6Addresses=[first])
    place.call("AssignIpv6Addresses", NetworkInterfaceId=interface, Ipv6Addresses=[first])
    assert place.call.shown_interface(interface)["Ipv6Addresses"] == [{"Ipv6Address": first, "IsPrimaryIpv6": False}]


@pytest.mark.parametrize(
    ("operation", "given", "code"),
    [
        ("AssignPrivateIpAddresses", {}, "MissingParameter"),
        ("AssignIpv6Addresses", {}, "MissingParameter"),
        ("UnassignPrivateIpAddresses", {}, "MissingParameter"),
        ("UnassignIpv6Addresses", {}, "MissingParameter"),
        (
            "AssignPrivateIpAddresses",
            {"SecondaryPrivateIpAddressCount": 1, "PrivateIpAddresses": ["10.0.1.9"]},
            "InvalidParameterCombination",
        ),
        ("AssignIpv6Addresses", {"Ipv6AddressCount": 1, "Ipv6PrefixCount": 1}, "InvalidParameterCombination"),
    ],
)
def test_one_way_of_asking(place: Place, operation: str, given: dict[str, Any], code: str) -> None:
    interface = place.call.interface(place.subnet)
    assert place.call.refused(operation, NetworkInterfaceId=interface, **given).code == code
