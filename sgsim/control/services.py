"""Protocol, ports, ICMP type and code of a rule as the API takes them, and as it shows them."""

from __future__ import annotations

from sgsim.control.errors import invalid
from sgsim.model import ANY_PROTOCOL, ICMP, ICMPV6, TCP, UDP

_NUMBERS = {"-1": ANY_PROTOCOL, "tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6}
_NAMES = {number: name for name, number in _NUMBERS.items()}

Service = tuple[int, int | None, int | None]  # protocol, FromPort, ToPort; the ports None where AWS ignores them


def service(
    protocol: str | None, first: int | None, last: int | None, without_ports: str = "Invalid value '{}' for portRange."
) -> Service:
    """The canonical service: numbers 1, 6, 17 and 58 are their names, ports of other protocols are ignored.

    ``without_ports`` is how the operation says that ports are missing. Source: EC2 API reference, IpPermission.
    Raises ApiError.
    """
    number = _protocol(protocol)
    if number in (TCP, UDP):
        return number, *_ports(first, last, without_ports)
    if number == ICMPV6 and first is None and last is None:
        return number, -1, -1
    if number in (ICMP, ICMPV6):
        return number, *_type_and_code(first, last, without_ports)
    return number, None, None


def protocol_name(number: int) -> str:
    return _NAMES.get(number) or str(number)


def _protocol(text: str | None) -> int:
    if text is None:
        raise invalid("Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.")
    name = text.lower()
    if name in _NUMBERS:
        return _NUMBERS[name]
    if name.isascii() and name.isdecimal() and len(name) <= 3 and str(int(name)) == name and int(name) <= 255:
        return int(name)
    raise invalid(f"Invalid value '{text}' for IP protocol. Unknown protocol.")


def _ports(first: int | None, last: int | None, without_ports: str) -> tuple[int, int]:
    if first is None or last is None:
        raise invalid(without_ports.format("Must specify both from and to ports with TCP/UDP."))
    for port in (first, last):
        if not 0 <= port <= 65535:
            raise invalid(f"TCP/UDP port ({port}) out of range")
    if first > last:
        raise invalid(f"Invalid TCP/UDP port range ({first}:{last})")
    return first, last


def _type_and_code(first: int | None, last: int | None, without_ports: str) -> tuple[int, int]:
    if first is None or last is None:
        raise invalid(without_ports.format("Must specify both from and to ports with ICMP."))
    for name, number in (("type", first), ("code", last)):
        if not -1 <= number <= 255:
            raise invalid(f"ICMP {name} ({number}) out of range")
    if first == -1 and last != -1:
        raise invalid(f"ICMP code ({last}) must be -1 where the type is -1")
    return first, last


def service_text(protocol: int, first: int | None, last: int | None) -> str:
    """How AWS's messages about a rule put it."""
    if protocol == ANY_PROTOCOL:
        return "ALL"
    if protocol in (TCP, UDP):
        return f"{_NAMES[protocol].upper()}, from port: {first}, to port: {last}"
    if protocol in (ICMP, ICMPV6):
        kind, code = ("ALL" if number == -1 else number for number in (first, last))
        return f"{_NAMES[protocol].upper()}, type: {kind}, code: {code}"
    return f"protocol: {protocol}"
