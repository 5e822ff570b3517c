"""Addresses of subnets: which are taken, which may be taken, and which comes next."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, NetmaskValueError

from sgsim.control.call import Call
from sgsim.control.errors import ApiError, invalid
from sgsim.model import Address, Network, Subnet

RESERVED = 5  # of each subnet: network, router, resolver, one for the future; and the last
_AT_START = 4
_PREFIX_LENGTHS = {4: 28, 6: 80}  # of prefixes that are delegated to interfaces
_BITS = {4: 32, 6: 128}


class SubnetAddresses:
    """The addresses of a subnet; what was taken from it stays taken while it is used.

    The first four addresses of each block and its last are AWS's own (VPC user guide, "Subnet CIDR blocks").
    """

    def __init__(self, call: Call, subnet: Subnet) -> None:
        self._subnet_id = subnet.subnet_id
        inside = [each for each in call.draft.interfaces.values() if each.subnet_id == subnet.subnet_id]
        self._addresses = {address for each in inside for address in each.addresses}
        self._prefixes = [prefix for each in inside for prefix in each.prefixes]
        self._blocks: dict[int, list[Network]] = {
            4: [] if subnet.cidr is None else [subnet.cidr],
            6: ipv6_blocks(call, subnet.subnet_id),
        }

    def __contains__(self, address: Address) -> bool:
        """Whether an interface has it."""
        return address in self._addresses or any(address in prefix for prefix in self._prefixes)

    def take(self, text: str, version: int) -> Address:
        """The address that a request names. Raises ApiError: it is none, of elsewhere, AWS's own, or in use."""
        address = self.within(text, version)
        if address in self:
            raise in_use()
        self._addresses.add(address)
        return address

    def within(self, text: str, version: int) -> Address:
        """An address that interfaces of the subnet may have. Raises ApiError: it is none, of elsewhere, AWS's own."""
        address = parsed(text, version)
        block = next((block for block in self._of(version) if address in block), None)
        if block is None:
            raise invalid(f"Address {address} does not fall within the subnet's address range")
        if int(address) - int(block.network_address) < _AT_START or address == block.broadcast_address:
            raise invalid(f"Address {address} is in subnet's reserved address range")
        return address

    def next(self, version: int) -> Address:
        """The lowest address that is free. Raises ApiError where there is none."""
        for block in self._of(version):
            number = int(block.network_address) + _AT_START
            while number < int(block.broadcast_address):
                address = _address(number, version)
                holding = next((prefix for prefix in self._prefixes if address in prefix), None)
                if holding is not None:
                    number = int(holding.broadcast_address) + 1
                elif address in self._addresses:
                    number += 1
                else:
                    self._addresses.add(address)
                    return address
        raise ApiError(
            "InsufficientFreeAddressesInSubnet",
            "The specified subnet does not have enough free addresses to satisfy the request.",
        )

    def take_prefix(self, text: str, version: int) -> Network:
        """The prefix that a request names. Raises ApiError: it is none that can be delegated, or in use."""
        prefix = parsed_prefix(text, version)
        if not any(_fits(prefix, block) for block in self._of(version)):
            raise invalid(f"Prefix {prefix} does not fall within the subnet's address range")
        if self._is_used(prefix):
            raise in_use()
        self._prefixes.append(prefix)
        return prefix

    def next_prefix(self, version: int) -> Network:
        """The lowest prefix that is free. Raises ApiError where there is none."""
        step = 1 << (_BITS[version] - _PREFIX_LENGTHS[version])
        for block in self._of(version):
            for number in range(int(block.network_address) + step, int(block.broadcast_address) + 1 - step, step):
                prefix = _prefix(number, version)
                if not self._is_used(prefix):
                    self._prefixes.append(prefix)
                    return prefix
        raise ApiError(
            "InsufficientCidrBlocks",
            "The specified subnet does not have enough free cidr blocks to satisfy the request.",
        )

    def _is_used(self, prefix: Network) -> bool:
        return any(prefix.overlaps(each) for each in self._prefixes if each.version == prefix.version) or any(
            address in prefix for address in self._addresses
        )

    def _of(self, version: int) -> list[Network]:
        blocks = self._blocks[version]
        if not blocks:
            raise invalid(f"The subnet '{self._subnet_id}' has no IPv{version} CIDR block")
        return blocks


def ipv6_blocks(call: Call, subnet_id: str) -> list[Network]:
    associations = call.papers(subnet_id).fields.get("Ipv6CidrBlockAssociationSet", ())
    return [
        IPv6Network(each["Ipv6CidrBlock"])
        for each in associations
        if each["Ipv6CidrBlockState"]["State"] == "associated"
    ]


def in_use() -> ApiError:
    return ApiError("InvalidIPAddress.InUse", "The specified address is already in use.")


def parsed(text: str, version: int) -> Address:
    """Raises ApiError."""
    try:
        address: Address = IPv4Address(text) if version == 4 else IPv6Address(text)
    except AddressValueError:
        raise invalid(f"invalid value for parameter address: {text}") from None
    return address


def parsed_prefix(text: str, version: int) -> Network:
    """A prefix that can be delegated to an interface. Raises ApiError."""
    try:
        prefix: Network = IPv4Network(text) if version == 4 else IPv6Network(text)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise invalid(f"invalid value for parameter prefix: {text}") from None
    if prefix.prefixlen != _PREFIX_LENGTHS[version]:
        raise invalid(f"invalid value for parameter prefix: {text}")
    return prefix


def _address(number: int, version: int) -> Address:
    return IPv4Address(number) if version == 4 else IPv6Address(number)


def _prefix(number: int, version: int) -> Network:
    length = _PREFIX_LENGTHS[version]
    return IPv4Network((number, length)) if version == 4 else IPv6Network((number, length))


def _fits(prefix: Network, block: Network) -> bool:
    """Whether it is a part of the block without AWS's own addresses."""
    return (
        prefix.network_address in block
        and prefix.network_address != block.network_address
        and int(prefix.broadcast_address) < int(block.broadcast_address)
    )
