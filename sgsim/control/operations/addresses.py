"""Addresses and prefixes of network interfaces: assigned and unassigned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sgsim.control.addresses import SubnetAddresses, in_use, parsed, parsed_prefix
from sgsim.control.answers import Shown
from sgsim.control.call import Answer, Call, handles, named
from sgsim.control.errors import invalid, missing
from sgsim.control.operations.interfaces import check_number, count, new_prefixes, only_one
from sgsim.control.public import add_details, drop_details
from sgsim.control.requests.interfaces import (
    AssignIpv6Addresses,
    AssignPrivateIpAddresses,
    UnassignIpv6Addresses,
    UnassignPrivateIpAddresses,
)
from sgsim.model import Address, Interface, Network


@handles(AssignPrivateIpAddresses)
def assign_private_ip_addresses(call: Call, request: AssignPrivateIpAddresses) -> Answer:
    interface = call.interface(named(request.network_interface_id, "NetworkInterfaceId"))
    number = count(request.secondary_private_ip_address_count, "secondaryPrivateIpAddressCount")
    prefix_number = count(request.ipv4_prefix_count, "ipv4PrefixCount")
    given = {
        "privateIpAddresses": request.private_ip_addresses,
        "secondaryPrivateIpAddressCount": number,
        "ipv4Prefixes": request.ipv4_prefixes,
        "ipv4PrefixCount": prefix_number,
    }
    only_one(**given)
    if not any(given.values()):
        raise missing("secondaryPrivateIpAddressCount or privateIpAddress")
    moved = _take_away(call, interface, request.private_ip_addresses) if request.allow_reassignment else []
    addresses, prefixes = _assign(
        call, interface, 4, request.private_ip_addresses, number, request.ipv4_prefixes, prefix_number
    )
    if moved:
        add_details(call, interface.interface_id, moved)
    return {
        "NetworkInterfaceId": interface.interface_id,
        "AssignedPrivateIpAddresses": [{"PrivateIpAddress": str(each)} for each in addresses],
        "AssignedIpv4Prefixes": [{"Ipv4Prefix": str(each)} for each in prefixes],
    }


@handles(AssignIpv6Addresses)
def assign_ipv6_addresses(call: Call, request: AssignIpv6Addresses) -> Answer:
    interface = call.interface(named(request.network_interface_id, "NetworkInterfaceId"))
    number = count(request.ipv6_address_count, "ipv6AddressCount")
    prefix_number = count(request.ipv6_prefix_count, "ipv6PrefixCount")
    given = {
        "ipv6Addresses": request.ipv6_addresses,
        "ipv6AddressCount": number,
        "ipv6Prefixes": request.ipv6_prefixes,
        "ipv6PrefixCount": prefix_number,
    }
    only_one(**given)
    if not any(given.values()):
        raise missing("ipv6AddressCount or ipv6Addresses")
    addresses, prefixes = _assign(
        call, interface, 6, request.ipv6_addresses, number, request.ipv6_prefixes, prefix_number
    )
    return {
        "NetworkInterfaceId": interface.interface_id,
        "AssignedIpv6Addresses": [str(each) for each in addresses],
        "AssignedIpv6Prefixes": [str(each) for each in prefixes],
    }


def _assign(
    call: Call,
    interface: Interface,
    version: int,
    texts: Sequence[str],
    number: int,
    prefix_texts: Sequence[str],
    prefix_number: int,
) -> tuple[list[Address], list[Network]]:
    free = SubnetAddresses(call, call.subnet(interface.subnet_id or ""))
    check_number(sum(each.version == version for each in interface.addresses) + len(texts) + number)
    addresses = [*(free.take(text, version) for text in texts), *(free.next(version) for _ in range(number))]
    prefixes = new_prefixes(free, version, prefix_texts, prefix_number)
    _write(call, interface, (*interface.addresses, *addresses), (*interface.prefixes, *prefixes))
    return addresses, prefixes


def _take_away(call: Call, interface: Interface, texts: Iterable[str]) -> list[Shown]:
    """Free these addresses where other interfaces of the subnet have them as secondary ones, and say what was known
    of them: their Elastic IP addresses move with them. Raises ApiError."""
    free = SubnetAddresses(call, call.subnet(interface.subnet_id or ""))
    wanted = {free.within(text, 4) for text in texts}
    moved: list[Shown] = []
    for other in list(call.draft.interfaces.values()):
        if other.subnet_id == interface.subnet_id and other is not interface and wanted.intersection(other.addresses):
            if other.primary(4) in wanted:
                raise in_use()
            kept = tuple(each for each in other.addresses if each not in wanted)
            moved += _write(call, other, kept, other.prefixes)
    return moved


@handles(UnassignPrivateIpAddresses)
def unassign_private_ip_addresses(call: Call, request: UnassignPrivateIpAddresses) -> Answer:
    interface = call.interface(named(request.network_interface_id, "NetworkInterfaceId"))
    if not request.private_ip_addresses and not request.ipv4_prefixes:
        raise missing("privateIpAddress")
    gone = [parsed(text, 4) for text in request.private_ip_addresses]
    if interface.primary(4) in gone:
        raise invalid(f"The primary address of the interface {interface.interface_id} cannot be unassigned")
    _unassign(call, interface, gone, [parsed_prefix(text, 4) for text in request.ipv4_prefixes])
    return {}


@handles(UnassignIpv6Addresses)
def unassign_ipv6_addresses(call: Call, request: UnassignIpv6Addresses) -> Answer:
    interface = call.interface(named(request.network_interface_id, "NetworkInterfaceId"))
    if not request.ipv6_addresses and not request.ipv6_prefixes:
        raise missing("ipv6Addresses")
    gone = [parsed(text, 6) for text in request.ipv6_addresses]
    prefixes = [parsed_prefix(text, 6) for text in request.ipv6_prefixes]
    _unassign(call, interface, gone, prefixes)
    return {
        "NetworkInterfaceId": interface.interface_id,
        "UnassignedIpv6Addresses": [str(each) for each in gone],
        "UnassignedIpv6Prefixes": [str(each) for each in prefixes],
    }


def _unassign(call: Call, interface: Interface, addresses: list[Address], prefixes: list[Network]) -> None:
    if not (set(addresses) <= set(interface.addresses) and set(prefixes) <= set(interface.prefixes)):
        raise invalid(f"Some of the specified addresses are not assigned to interface {interface.interface_id}")
    kept = tuple(each for each in interface.addresses if each not in addresses)
    _write(call, interface, kept, tuple(each for each in interface.prefixes if each not in prefixes))


def _write(
    call: Call, interface: Interface, addresses: tuple[Address, ...], prefixes: tuple[Network, ...]
) -> list[Shown]:
    """Give it these addresses, those of IPv4 first. What was known of private addresses that it has no more is
    returned, and goes with them."""
    ordered = tuple(sorted(addresses, key=lambda each: each.version))
    call.draft.interfaces[interface.interface_id] = replace(interface, addresses=ordered, prefixes=prefixes)
    return drop_details(call, interface.interface_id)
