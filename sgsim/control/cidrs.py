"""CIDR blocks as the API takes them: host bits are cleared, IPv6 is compressed."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

from sgsim.control.errors import ApiError, invalid
from sgsim.model import Network


def cidr4(text: str) -> IPv4Network:
    """Source: EC2 API reference, AuthorizeSecurityGroupIngress: "we canonicalise the CIDR". Raises ApiError."""
    try:
        base, length = IPv4Address(text.partition("/")[0]), _length(text, 32)
    except AddressValueError:
        raise malformed(text) from None
    return IPv4Network((int(base), length), strict=False)


def cidr6(text: str) -> IPv6Network:
    """Raises ApiError."""
    try:
        base, length = IPv6Address(text.partition("/")[0]), _length(text, 128)
    except AddressValueError:
        raise malformed(text) from None
    if base.scope_id is not None:
        raise malformed(text)
    return IPv6Network((int(base), length), strict=False)


def cidr(text: str, version: int) -> Network:
    """Raises ApiError."""
    return cidr4(text) if version == 4 else cidr6(text)


def malformed(text: str) -> ApiError:
    return invalid(f"CIDR block {text} is malformed")


def _length(text: str, most: int) -> int:
    digits = text.partition("/")[2]
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 3 and int(digits) <= most):
        raise malformed(text)
    return int(digits)
