"""The lines of golden cases: one packet and what every gate has to say about it.

``TIME PROTOCOL SOURCE > DESTINATION DETAILS | OBSERVATION | OBSERVATION``, or ``| skip WHY`` where there is none::

    0s      tcp 203.0.113.1:40000 > 10.0.1.10:22 S             | web-1 ingress allow rule web/ingress/0 tracked
    30s+1ns icmp 10.0.1.10 > 203.0.113.1 echo-reply id 7       | web-1 egress drop no_rule

TIME is seconds, exact to the nanosecond (``30s``, ``0.5s``, ``30s+1ns``, ``30s-1ns``). PROTOCOL is tcp, udp, icmp,
icmpv6 or ``proto 47``; IPv6 addresses with a port stand in brackets. DETAILS: TCP flags (letters of FSRPAU), an ICMP
type by name or as ``3/4`` with ``id 7``, ``about (PROTOCOL SOURCE > DESTINATION DETAILS)`` for the packet that an
ICMP error quotes, ``frag first 77`` or ``frag later 77``. ``arp`` alone is a packet that is not IP.
An OBSERVATION is interface, direction, verdict, reason, then (where there is one) the rule, then ``tracked``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Address, ip_address

from sgsim.model import ICMP, ICMPV6, TCP, UDP, Address, FragmentKind, Packet, Quoted, Skip

START_NS = 1_700_000_000 * 10**9  # what `0s` is
LENGTH = 100  # bytes on the wire; nothing is judged by it

PROTOCOLS = {"icmp": ICMP, "tcp": TCP, "udp": UDP, "icmpv6": ICMPV6}
FLAGS = {"F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, "A": 0x10, "U": 0x20}  # RFC 9293, section 3.1
ICMP_TYPES = {  # IANA's names of the types that make or meet entries
    ICMP: {
        "echo-reply": 0,
        "echo-request": 8,
        "timestamp-request": 13,
        "timestamp-reply": 14,
        "information-request": 15,
        "information-reply": 16,
        "mask-request": 17,
        "mask-reply": 18,
    },
    ICMPV6: {"echo-request": 128, "echo-reply": 129},
}
ERRORS = {ICMP: frozenset({3, 4, 11, 12}), ICMPV6: frozenset({1, 2, 3, 4})}  # types that quote what they are about

_TIME = re.compile(r"(?P<seconds>[0-9]+(?:\.[0-9]+)?)s(?P<nanoseconds>[+-][0-9]+)?(?:ns)?\Z")
_ENDPOINT = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<v4>[0-9.]+)):(?P<port>[0-9]+)\Z")
_ABOUT = re.compile(r"\s+about \((?P<packet>[^)]*)\)")
_NOT_IP = "arp"


@dataclass(frozen=True, slots=True)
class Line:
    """One line, read. ``observations`` are normalised texts; ``packet`` is a stand-in where ``skip`` is given.

    ``about`` is what an ICMP packet quotes, whether or not a judge gets to see it as ``packet.quoted``.
    """

    text: str
    packet: Packet
    observations: tuple[str, ...]
    skip: Skip | None = None
    about: Packet | None = None


def parse_lines(text: str) -> list[Line]:
    """Every line of a case; empty ones and those that begin with # are passed over. Raises ValueError."""
    stripped = (line.strip() for line in text.splitlines())
    return [parse_line(line) for line in stripped if line and not line.startswith("#")]


def parse_line(text: str) -> Line:
    """Read one line. Raises ValueError naming the line."""
    packet_text, *observations = (" ".join(part.split()) for part in _outside_parentheses(text))
    try:
        when, what = packet_text.split(" ", 1)
        time_ns = parse_time(when)
        if not observations:
            raise ValueError("it expects nothing: add | OBSERVATION or | skip WHY")
        if what == _NOT_IP:
            nowhere = IPv4Address(0)
            return Line(text, Packet(time_ns, nowhere, nowhere, 0), tuple(observations), skip=Skip.NOT_IP)
        quoted = _ABOUT.search(what)
        about = parse_packet(quoted["packet"]) if quoted else None
        return Line(text, parse_packet(what, time_ns), tuple(observations), about=about)
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from error


def parse_packet(text: str, time_ns: int = START_NS) -> Packet:
    """``PROTOCOL SOURCE > DESTINATION DETAILS`` -> a Packet at ``time_ns``. Raises ValueError."""
    about = _ABOUT.search(text)
    words = _ABOUT.sub("", text).split()
    protocol = int(words[1]) if words[0] == "proto" else PROTOCOLS[words[0]]
    source, arrow, destination, *details = words[2:] if words[0] == "proto" else words[1:]
    if arrow != ">":
        raise ValueError(f"{text!r} has no > between source and destination")
    (src, src_port), (dst, dst_port) = _endpoint(source), _endpoint(destination)
    kind, fragment_id = _fragment(details)
    icmp_type, icmp_code, icmp_id = _icmp(protocol, src, details) if kind is not FragmentKind.LATER else (None,) * 3
    with_ports = protocol in (TCP, UDP) and kind is not FragmentKind.LATER
    if with_ports != (src_port is not None and dst_port is not None):
        raise ValueError(f"{text!r}: tcp and udp have two ports, all others and later fragments none")
    tcp_flags = _flags(details) if protocol == TCP and with_ports else 0
    if details:
        raise ValueError(f"{text!r}: {' '.join(details)!r} means nothing there")
    return Packet(
        time_ns=time_ns,
        src=src,
        dst=dst,
        protocol=protocol,
        src_port=src_port,
        dst_port=dst_port,
        tcp_flags=tcp_flags,
        icmp_type=icmp_type,
        icmp_code=icmp_code,
        icmp_id=icmp_id,
        length=LENGTH,
        fragment=kind,
        fragment_id=fragment_id,
        quoted=_quoted(protocol, icmp_type, about["packet"]) if about else None,
    )


def _outside_parentheses(text: str) -> list[str]:
    return re.split(r"\|(?![^(]*\))", text)


def parse_time(text: str) -> int:
    """Nanoseconds since the epoch. Raises ValueError."""
    match = _TIME.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no time such as 30s or 30s+1ns")
    return START_NS + int(Decimal(match["seconds"]) * 10**9) + int(match["nanoseconds"] or 0)


def _endpoint(text: str) -> tuple[Address, int | None]:
    match = _ENDPOINT.match(text)
    if match is None:
        return ip_address(text), None
    return ip_address(match["v6"] or match["v4"]), int(match["port"])


def _fragment(details: list[str]) -> tuple[FragmentKind, int]:
    """Take ``frag KIND ID`` off the details."""
    if "frag" not in details:
        return FragmentKind.WHOLE, 0
    place = details.index("frag")
    _, kind, number = details[place : place + 3]
    del details[place : place + 3]
    return FragmentKind(kind), int(number)


def _icmp(protocol: int, src: Address, details: list[str]) -> tuple[int | None, int | None, int | None]:
    """Take type, code and identifier off the details; None for what is no ICMP of its own IP version."""
    if protocol != (ICMP if src.version == 4 else ICMPV6):
        return None, None, None
    name = details.pop(0)
    number, _, code = name.partition("/")
    icmp_type = int(number) if code else ICMP_TYPES[protocol][name]
    identifier = 0
    if details[:1] == ["id"]:
        identifier = int(details[1])
        del details[:2]
    return icmp_type, int(code or 0), identifier


def _flags(details: list[str]) -> int:
    return sum(FLAGS[letter] for letter in details.pop(0))


def _quoted(protocol: int, icmp_type: int | None, text: str) -> Quoted | None:
    """As the decoder has it: only errors quote, and of a later fragment there is nothing to read."""
    quoted = parse_packet(text)
    if quoted.fragment is FragmentKind.LATER or icmp_type not in ERRORS[protocol]:
        return None
    return Quoted(
        quoted.src, quoted.dst, quoted.protocol, quoted.src_port, quoted.dst_port, quoted.icmp_type, quoted.icmp_id
    )
