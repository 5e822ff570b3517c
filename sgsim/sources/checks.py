"""The checks on values that every kind of snapshot shares: protocols, ports, CIDRs, addresses, timeouts.

Each takes the value and its place, and gives the value as the model wants it or raises InputError.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

from sgsim.model import ANY_PROTOCOL, ICMP, ICMPV6, TCP, UDP, Address, Network
from sgsim.sources.places import Notes, Place

_PROTOCOLS = {"-1": ANY_PROTOCOL, "tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6}
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,2})\Z")

#: Idle timeouts in seconds, least and most (EC2 API reference, ConnectionTrackingSpecificationRequest).
TIMEOUT_RANGES = {
    "tcp_established_timeout": (60, 432_000),
    "udp_timeout": (30, 60),
    "udp_stream_timeout": (60, 180),
}


def protocol_number(text: str | int, place: Place) -> int:
    """-1, or the IP protocol number of ``tcp``, ``udp``, ``icmp``, ``icmpv6`` (any case) or ``"0"`` to ``"255"``."""
    name = str(text).lower()
    if name in _PROTOCOLS:
        return _PROTOCOLS[name]
    if _NUMBER.match(name) and int(name) <= 255:
        return int(name)
    raise place.refusal(f"unknown protocol {str(text)!r}", "use -1, tcp, udp, icmp, icmpv6 or a number from 0 to 255")


def port_range(protocol: int, first: int | None, last: int | None, place: Place) -> tuple[int | None, int | None]:
    """FromPort and ToPort as AWS reads them: ports, ICMP type and code, or (None, None) where it ignores them.

    AWS refuses -1 as a port ("TCP/UDP port (-1) out of range"), so it is refused here too; 0 to 65535 is all ports.
    Source: EC2 API reference, IpPermission.
    """
    if protocol in (TCP, UDP):
        return _ports(first, last, place)
    if protocol == ICMPV6 and first is None and last is None:
        return -1, -1
    if protocol in (ICMP, ICMPV6):
        return _type_and_code(first, last, place)
    return None, None


def _ports(first: int | None, last: int | None, place: Place) -> tuple[int, int]:
    if first is None or last is None:
        raise place.refusal("tcp and udp need FromPort and ToPort", "all ports are 0 and 65535")
    for port in (first, last):
        if not 0 <= port <= 65535:
            raise place.refusal(f"port {port} is not in 0 to 65535", "all ports are 0 and 65535")
    if first > last:
        raise place.refusal(f"the port range {first}-{last} is the wrong way round", f"write {last}-{first}")
    return first, last


def _type_and_code(first: int | None, last: int | None, place: Place) -> tuple[int, int]:
    if first is None or last is None:
        raise place.refusal("icmp needs a type (FromPort) and a code (ToPort)", "-1 and -1 are all types")
    for name, number in (("type", first), ("code", last)):
        if not -1 <= number <= 255:
            raise place.refusal(f"ICMP {name} {number} is not in -1 to 255", "-1 is any")
    if first == -1 and last != -1:
        raise place.refusal(f"ICMP code {last} without a type", "give the type, or -1 for both")
    return first, last


def network(text: str, version: int | None, place: Place, notes: Notes) -> Network:
    """A CIDR of the wanted IP version (None: either). Host bits are zeroed, as AWS does, with a warning."""
    address_text, slash, length_text = text.partition("/")
    address = _parsed_address(address_text)
    if address is None or not slash or not _NUMBER.match(length_text):
        raise place.refusal(f"{text!r} is no CIDR", "write it like 10.0.0.0/16 or 2001:db8::/32")
    length = int(length_text)
    if length > address.max_prefixlen:
        raise place.refusal(f"{text!r} has a prefix length above {address.max_prefixlen}")
    if version not in (None, address.version):
        raise place.refusal(f"{text!r} is an IPv{address.version} CIDR where IPv{version} belongs")
    family = IPv4Network if address.version == 4 else IPv6Network
    found: Network = family((int(address), length), strict=False)
    if found.network_address != address:
        notes.doubt(place.refusal(f"{text!r} has host bits set: read as {found}", f"write {found}"))
    return found


def ipv4_network(text: str, place: Place, notes: Notes) -> IPv4Network:
    """An IPv4 CIDR."""
    found = network(text, 4, place, notes)
    assert isinstance(found, IPv4Network)
    return found


def address(text: str, version: int | None, place: Place) -> Address:
    """An address of the wanted IP version (None: either)."""
    found = _parsed_address(text)
    if found is None:
        raise place.refusal(f"{text!r} is no IP address")
    if version not in (None, found.version):
        raise place.refusal(f"{text!r} is an IPv{found.version} address where IPv{version} belongs")
    return found


def interface_address(text: str, version: int | None, place: Place) -> Address:
    """An address that a network interface can own."""
    found = address(text, version, place)
    for kind in ("multicast", "unspecified", "loopback"):
        if getattr(found, f"is_{kind}"):
            raise place.refusal(f"{text!r} is {kind}: no interface can own it", "give the interface's private address")
    return found


def looks_like_address(text: str) -> bool:
    """True for an address and for anything that starts like a CIDR."""
    return _parsed_address(text.partition("/")[0]) is not None


def _parsed_address(text: str) -> Address | None:
    """Strict: no leading zeros, no zone (``fe80::1%eth0``), no blanks, ASCII only."""
    if not text.isascii() or "%" in text:
        return None
    try:
        return IPv6Address(text) if ":" in text else IPv4Address(text)
    except AddressValueError:
        return None


def timeout(seconds: int | None, name: str, place: Place) -> int | None:
    """An idle timeout in seconds within AWS's range; None stays None (AWS's default)."""
    least, most = TIMEOUT_RANGES[name]
    if seconds is not None and not least <= seconds <= most:
        raise place.refusal(f"{seconds} s is out of range", f"AWS takes {least} to {most} seconds")
    return seconds


def unicode_text(text: str, place: Place) -> str:
    """Text that can be written out again: JSON can hold halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise place.refusal("holds half of a character (a lone surrogate)", "write the text in UTF-8") from None
    return text
