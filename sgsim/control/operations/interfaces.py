"""Network interfaces: created, deleted, described."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from sgsim.control.addresses import SubnetAddresses
from sgsim.control.call import Answer, Call, handles, named, tags_for
from sgsim.control.errors import ApiError, combination, invalid
from sgsim.control.interfaceanswers import attachment, private_dns_name, shown_interface, status
from sgsim.control.listing import Values, answer, filtered, page
from sgsim.control.memberships import ON_CREATE, interface_groups
from sgsim.control.requests.interfaces import (
    CreateNetworkInterface,
    DeleteNetworkInterface,
    DescribeNetworkInterfaces,
    Ipv6Address,
    NewInterface,
)
from sgsim.control.tracking import with_tracking
from sgsim.model import Address, Interface, Network, Subnet

_TYPES = ("interface", "efa", "efa-only", "trunk")
_MOST_ADDRESSES = 64  # of each family: the most of any instance type


@handles(CreateNetworkInterface)
def create_network_interface(call: Call, request: CreateNetworkInterface) -> Answer:
    subnet = call.subnet(named(request.subnet_id, "SubnetId"))
    tags = tags_for("network-interface", request.tag_specifications)
    groups = interface_groups(call, request.groups, subnet.vpc_id, subnet.subnet_id, ON_CREATE)
    interface_id = make_interface(call, subnet, request, groups, tags)
    if request.enable_primary_ipv6:
        set_primary_ipv6(call, interface_id)
    shown = shown_interface(call, call.draft.interfaces[interface_id])
    return {"NetworkInterface": shown | {"Status": "pending"}}


def make_interface(
    call: Call, subnet: Subnet, request: NewInterface, group_ids: tuple[str, ...], tags: dict[str, str]
) -> str:
    """A new interface, attached to nothing. Raises ApiError."""
    if len(call.own(call.draft.interfaces)) >= call.quotas.interfaces_per_region:
        raise ApiError("NetworkInterfaceLimitExceeded", "The maximum number of network interfaces has been reached.")
    kind = request.interface_type or "interface"
    if kind not in _TYPES:
        raise invalid(f"Value ({kind}) for parameter interfaceType is invalid. It must be one of {', '.join(_TYPES)}.")
    free = SubnetAddresses(call, subnet)
    addresses: tuple[Address, ...] = ()
    prefixes: tuple[Network, ...] = ()
    if kind != "efa-only":
        addresses = (*_ipv4_addresses(free, subnet, request), *_ipv6_addresses(call, free, subnet, request))
        prefixes = _prefixes(free, request)
    interface_id = call.ids.new("eni")
    interface = Interface(
        interface_id,
        name=tags.get("Name", ""),
        vpc_id=subnet.vpc_id,
        subnet_id=subnet.subnet_id,
        interface_type=kind,
        addresses=addresses,
        prefixes=prefixes,
        group_ids=group_ids,
    )
    call.draft.interfaces[interface_id] = with_tracking(interface, request.connection_tracking_specification)
    fields: dict[str, Any] = {
        "AvailabilityZone": call.papers(subnet.subnet_id).fields.get("AvailabilityZone"),
        "Description": request.description or "",
        "MacAddress": _mac_address(interface_id),
        "RequesterId": call.caller.account,
        "RequesterManaged": False,
        "SourceDestCheck": True,
        "Status": "available",
    }
    if call.papers(subnet.subnet_id).fields.get("Ipv6Native"):
        fields["Ipv6Native"] = True
    call.file(interface_id, fields, tags)
    if any(each.is_primary_ipv6 for each in request.ipv6_addresses):
        set_primary_ipv6(call, interface_id)
    return interface_id


def _mac_address(interface_id: str) -> str:
    """One of the locally administered addresses, always the same for the interface."""
    digits = blake2b(interface_id.encode(), digest_size=5).hexdigest()
    return ":".join(["02", *(digits[n : n + 2] for n in range(0, 10, 2))])


def set_primary_ipv6(call: Call, interface_id: str) -> None:
    """Its first IPv6 address is the primary one from now on. Raises ApiError where it has none."""
    first = call.draft.interfaces[interface_id].primary(6)
    if first is None:
        raise invalid(f"The network interface '{interface_id}' has no IPv6 address")
    call.refile(interface_id, Ipv6Addresses=[{"Ipv6Address": str(first), "IsPrimaryIpv6": True}])


# --- addresses of a new interface ---------------------------------------------------------------------------------


def _ipv4_addresses(free: SubnetAddresses, subnet: Subnet, request: NewInterface) -> list[Address]:
    """The primary one first: the named one, or the lowest that is free."""
    listed = request.private_ip_addresses
    primaries = [named(each.private_ip_address, "PrivateIpAddress") for each in listed if each.primary]
    if request.private_ip_address is not None and [request.private_ip_address] != primaries:
        primaries.append(request.private_ip_address)
    if len(primaries) > 1:
        raise combination("Only one private IP address can be designated as primary")
    secondaries = [
        text
        for each in listed
        if not each.primary and (text := named(each.private_ip_address, "PrivateIpAddress")) not in primaries
    ]
    number = count(request.secondary_private_ip_address_count, "secondaryPrivateIpAddressCount")
    only_one(
        privateIpAddresses=secondaries,
        secondaryPrivateIpAddressCount=number,
        ipv4Prefixes=request.ipv4_prefixes,
        ipv4PrefixCount=request.ipv4_prefix_count,
    )
    check_number(1 + len(secondaries) + number)
    if subnet.cidr is None and not primaries and not secondaries and not number:
        return []  # a subnet for IPv6 only
    taken = [free.take(text, 4) for text in (*primaries, *secondaries)]
    if not primaries:
        taken.insert(0, free.next(4))
    return [*taken, *(free.next(4) for _ in range(number))]


def _ipv6_addresses(call: Call, free: SubnetAddresses, subnet: Subnet, request: NewInterface) -> list[Address]:
    texts = [named(each.ipv6_address, "Ipv6Address") for each in _primary_first(request.ipv6_addresses)]
    number = count(request.ipv6_address_count, "ipv6AddressCount")
    only_one(
        ipv6Addresses=texts,
        ipv6AddressCount=number,
        ipv6Prefixes=request.ipv6_prefixes,
        ipv6PrefixCount=request.ipv6_prefix_count,
    )
    check_number(len(texts) + number)
    if request.ipv6_address_count is None and not texts and not request.ipv6_prefixes and not request.ipv6_prefix_count:
        of_subnet = call.papers(subnet.subnet_id).fields
        number = int(bool(of_subnet.get("AssignIpv6AddressOnCreation") or of_subnet.get("Ipv6Native")))
    return [*(free.take(text, 6) for text in texts), *(free.next(6) for _ in range(number))]


def _primary_first(given: Iterable[Ipv6Address]) -> list[Ipv6Address]:
    return sorted(given, key=lambda each: not each.is_primary_ipv6)


def _prefixes(free: SubnetAddresses, request: NewInterface) -> tuple[Network, ...]:
    texts4 = [named(each.ipv4_prefix, "Ipv4Prefix") for each in request.ipv4_prefixes]
    texts6 = [named(each.ipv6_prefix, "Ipv6Prefix") for each in request.ipv6_prefixes]
    return (
        *new_prefixes(free, 4, texts4, count(request.ipv4_prefix_count, "ipv4PrefixCount")),
        *new_prefixes(free, 6, texts6, count(request.ipv6_prefix_count, "ipv6PrefixCount")),
    )


def new_prefixes(free: SubnetAddresses, version: int, texts: Sequence[str], number: int) -> list[Network]:
    """The prefixes that are named, then as many more as are asked for. Raises ApiError."""
    check_number(len(texts) + number)
    return [
        *(free.take_prefix(text, version) for text in texts),
        *(free.next_prefix(version) for _ in range(number)),
    ]


def count(given: int | None, parameter: str) -> int:
    if given is not None and given < 0:
        raise invalid(f"Value ( {given} ) for parameter {parameter} is invalid. It must not be negative.")
    return given or 0


def check_number(number: int) -> None:
    if number > _MOST_ADDRESSES:
        raise ApiError("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.")


def only_one(**given: object) -> None:
    """Raises ApiError where more than one of the parameters is given."""
    names = [name for name, value in given.items() if value]
    if len(names) > 1:
        raise combination(f"The parameter {names[0]} may not be used with {names[1]}")


# --- delete and describe ------------------------------------------------------------------------------------------


@handles(DeleteNetworkInterface)
def delete_network_interface(call: Call, request: DeleteNetworkInterface) -> Answer:
    interface = call.interface(named(request.network_interface_id, "NetworkInterfaceId"))
    if status(call, interface) != "available":
        message = f"Network interface '{interface.interface_id}' is currently in use."
        raise invalid(message)
    forget_interface(call, interface.interface_id)
    return {}


def forget_interface(call: Call, interface_id: str) -> None:
    del call.draft.interfaces[interface_id]
    del call.draft.papers[interface_id]


@handles(DescribeNetworkInterfaces)
def describe_network_interfaces(call: Call, request: DescribeNetworkInterfaces) -> Answer:
    if request.network_interface_ids and request.max_results is not None:
        raise combination("The parameter networkInterfaceIds cannot be used with the parameter maxResults")
    ids = dict.fromkeys(request.network_interface_ids)
    interfaces = [call.interface(name) for name in ids] or list(call.own(call.draft.interfaces).values())
    known = interface_filters(call)
    interfaces = filtered(interfaces, request.filters, known, lambda each: call.tags(each.interface_id))
    shown, token = page(interfaces, request.max_results, request.next_token)
    return answer("NetworkInterfaces", [shown_interface(call, each) for each in shown], token)


def interface_filters(call: Call) -> dict[str, Values[Interface]]:
    """The filters of DescribeNetworkInterfaces that can match something here."""

    def field(name: str) -> Values[Interface]:
        return lambda each: (_text(call.papers(each.interface_id).fields.get(name)),)

    def attached(name: str) -> Values[Interface]:
        return lambda each: (_text(attachment(call, each).get(name)),)

    def private(each: Interface) -> list[str]:
        return [str(address) for address in each.addresses if address.version == 4]

    def ipv6(each: Interface) -> list[str]:
        return [str(address) for address in each.addresses if address.version == 6]

    def public(each: Interface) -> list[str]:
        return [str(address) for address in each.public_addresses]

    return {
        "addresses.association.public-ip": public,
        "addresses.primary": lambda each: ["true"] * bool(private(each)) + ["false"] * (len(private(each)) > 1),
        "addresses.private-ip-address": private,
        "association.public-ip": public,
        "attachment.attachment-id": attached("AttachmentId"),
        "attachment.delete-on-termination": attached("DeleteOnTermination"),
        "attachment.device-index": lambda each: (_text(each.device_index),),
        "attachment.instance-id": lambda each: (each.instance_id,),
        "attachment.instance-owner-id": attached("InstanceOwnerId"),
        "attachment.status": attached("Status"),
        "availability-zone": field("AvailabilityZone"),
        "description": field("Description"),
        "group-id": lambda each: each.group_ids,
        "group-name": lambda each: [group.name for name in each.group_ids if (group := call.draft.groups.get(name))],
        "interface-type": lambda each: (each.interface_type or "interface",),
        "ipv6-addresses.ipv6-address": ipv6,
        "mac-address": field("MacAddress"),
        "network-interface-id": lambda each: (each.interface_id,),
        "owner-id": lambda each: (call.papers(each.interface_id).owner,),
        "private-dns-name": lambda each: [
            private_dns_name(text, call.papers(each.interface_id).region) for text in private(each)[:1]
        ],
        "private-ip-address": private,
        "requester-id": field("RequesterId"),
        "requester-managed": field("RequesterManaged"),
        "source-dest-check": lambda each: (_text(call.papers(each.interface_id).fields.get("SourceDestCheck", True)),),
        "status": lambda each: (status(call, each),),
        "subnet-id": lambda each: (each.subnet_id,),
        "vpc-id": lambda each: (each.vpc_id,),
    }


def _text(value: object) -> str | None:
    """How filters write a value."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
