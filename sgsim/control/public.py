"""Public addresses: they come from Amazon's pool when an instance starts and go back when it stops, or are Elastic.

An interface's record has them; which private address each is of is in its papers, as ``Association`` of the members of
``PrivateIpAddresses``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from sgsim.control.answers import Shown
from sgsim.control.call import Call
from sgsim.control.errors import ApiError
from sgsim.control.store import Fields

#: The pool: the blocks for documentation (RFC 5737), then that for benchmarks (RFC 2544).
_POOL = tuple(map(IPv4Network, ("203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24", "198.18.0.0/15")))
_AMAZON = "amazon"  # who owns an address of the pool; an Elastic IP address is its account's


def give_public(call: Call, interface_id: str) -> None:
    """An address of the pool for the primary private address, where that has none. Raises ApiError: none is left."""
    interface = call.draft.interfaces[interface_id]
    primary = str(interface.primary(4) or "")
    details = {each["PrivateIpAddress"]: each for each in _details(call, interface_id)}
    of_primary = details.get(primary, {"PrivateIpAddress": primary})
    if not primary or of_primary.get("Association") or call.papers(interface_id).fields.get("Association"):
        return
    address = _next(call)
    association = {"IpOwnerId": _AMAZON, "PublicDnsName": "", "PublicIp": str(address)}
    details[primary] = {**of_primary, "Association": association}
    call.refile(interface_id, PrivateIpAddresses=list(details.values()), Association=association)
    call.draft.interfaces[interface_id] = replace(interface, public_addresses=(address, *interface.public_addresses))


def release_public(call: Call, interface_id: str) -> bool:
    """Addresses of the pool go back; Elastic IP addresses stay. True where there were some of the pool."""
    interface = call.draft.interfaces[interface_id]
    fields = call.papers(interface_id).fields
    associations = [each.get("Association") for each in (fields, *_details(call, interface_id))]
    gone = {each.get("PublicIp", "") for each in associations if each and each.get("IpOwnerId") == _AMAZON}
    if not gone:
        return False
    kept = tuple(address for address in interface.public_addresses if str(address) not in gone)
    call.draft.interfaces[interface_id] = replace(interface, public_addresses=kept)
    details = [_without(each, gone) for each in _details(call, interface_id)]
    call.refile(interface_id, PrivateIpAddresses=details, Association=_without(fields, gone).get("Association"))
    return True


def drop_details(call: Call, interface_id: str) -> list[Shown]:
    """Forget what its papers say of addresses that it has no more; of the private ones, return it."""
    interface = call.draft.interfaces[interface_id]
    texts = {str(address) for address in interface.addresses}
    fields = call.papers(interface_id).fields
    gone = [each for each in _details(call, interface_id) if each["PrivateIpAddress"] not in texts]
    call.refile(
        interface_id,
        PrivateIpAddresses=[each for each in _details(call, interface_id) if each["PrivateIpAddress"] in texts],
        Ipv6Addresses=[each for each in fields.get("Ipv6Addresses", ()) if each["Ipv6Address"] in texts],
    )
    public = tuple(each for each in interface.public_addresses if str(each) not in _public_texts(gone))
    call.draft.interfaces[interface_id] = replace(interface, public_addresses=public)
    return gone


def add_details(call: Call, interface_id: str, details: list[Shown]) -> None:
    """What another interface's papers said of private addresses that it has now."""
    interface = call.draft.interfaces[interface_id]
    call.refile(interface_id, PrivateIpAddresses=[*_details(call, interface_id), *details])
    public = (*interface.public_addresses, *map(IPv4Address, _public_texts(details)))
    call.draft.interfaces[interface_id] = replace(interface, public_addresses=public)


def _public_texts(details: Iterable[Shown]) -> list[str]:
    return [text for each in details if (text := (each.get("Association") or {}).get("PublicIp"))]


def _details(call: Call, interface_id: str) -> list[Shown]:
    """What is known of its private IPv4 addresses beside that it has them."""
    return list(call.papers(interface_id).fields.get("PrivateIpAddresses", ()))


def _without(details: Fields, gone: set[str]) -> Shown:
    public = (details.get("Association") or {}).get("PublicIp", "")
    return {name: value for name, value in details.items() if name != "Association" or public not in gone}


def _next(call: Call) -> IPv4Address:
    """The lowest address of the pool that no interface of any account has."""
    taken = {address for each in call.draft.interfaces.values() for address in each.public_addresses}
    for block in _POOL:
        for address in block.hosts():
            if address not in taken:
                return address
    raise ApiError(
        "InsufficientAddressCapacity", "Not enough available addresses to satisfy the requested number of addresses."
    )
