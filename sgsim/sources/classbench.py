"""ClassBench rule sets -> Topology, and ClassBench traces.

A rule is a line ``@SOURCE DESTINATION LOW : HIGH LOW : HIGH PROTOCOL/MASK [FLAGS/MASK]``: prefixes, source and
destination ports, protocol; the first rule that matches a packet decides. A trace has a line for each packet header:
source, destination, source port, destination port, protocol, all as numbers.
Source: D. Taylor and J. Turner, ClassBench: A Packet Classification Benchmark (2005).

A security group can say less: ingress from a source prefix, by protocol and destination port, and only that it is
allowed. What it cannot say is left out of the rule, and counted in the topology's warnings.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_network
from pathlib import Path

from sgsim.errors import InputError
from sgsim.model import (
    ANY_PROTOCOL,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Direction,
    Interface,
    Network,
    Rule,
    SecurityGroup,
    Topology,
)

GUARDED = "eni-classbench"  # the interface that has the rules

_RULE = re.compile(
    r"@(?P<source>\S+)\s+(?P<destination>\S+)\s+(?P<source_ports>\d+\s*:\s*\d+)\s+(?P<ports>\d+\s*:\s*\d+)"
    r"\s+(?P<protocol>0x[0-9a-f]{1,2})/(?P<mask>0x[0-9a-f]{1,2})(?:\s+0x[0-9a-f]{1,4}/(?P<flags>0x[0-9a-f]{1,4}))?\s*",
    re.IGNORECASE,
)
_EXAMPLE = "write it like @10.0.0.0/8 192.0.2.0/24 0 : 65535 80 : 80 0x06/0xFF"
_ALL_PORTS = (0, 65_535)
_TRACE_BOUNDS = (1 << 32, 1 << 32, 1 << 16, 1 << 16, 256)

_UNSAID = {
    "destination": "destination prefixes",
    "source_ports": "source ports",
    "flags": "TCP flags",
    "ports": "ports of protocols other than TCP and UDP",
}


def load_classbench(path: str | Path) -> Topology:
    """The rules as ingress of one group, in their order, at one interface; those that became equal are one rule.

    Raises InputError: a file that cannot be read, a line that is no rule, no rule at all.
    """
    rules: dict[tuple[int, int | None, int | None, Network], Rule] = {}
    unsaid: Counter[str] = Counter()
    count = 0
    for place, line in _lines(path):
        match = _RULE.fullmatch(line)
        if match is None:
            raise InputError(str(path), place, "no ClassBench rule", _remedy(line))
        key, left_out = _rule(str(path), place, match)
        unsaid.update(left_out)
        rules.setdefault(key, Rule(f"classbench/ingress/{len(rules)}", "classbench", Direction.INGRESS, *key))
        count += 1
    if not rules:
        raise InputError(str(path), "", "no rule in it", _EXAMPLE)
    group = SecurityGroup("classbench", Path(path).name, None, tuple(rules.values()), ())
    interface = Interface(
        GUARDED,
        interface_type="interface",
        addresses=(IPv4Address("10.0.0.10"), IPv6Address("2001:db8::10")),
        prefixes=(IPv4Network("10.1.0.0/16"),),  # so that one gate sees many flows
        group_ids=("classbench",),
    )
    return Topology(
        groups={"classbench": group}, interfaces={GUARDED: interface}, warnings=(_notice(path, count, rules, unsaid),)
    )


def load_trace(path: str | Path) -> list[tuple[int, int, int, int, int]]:
    """Source and destination (IPv4), source and destination port, protocol of each header.

    Raises InputError: a file that cannot be read, a line that is no header, no header at all.
    """
    headers = []
    for place, line in _lines(path):
        fields = line.split()[: len(_TRACE_BOUNDS)]
        numbers = [int(field) if field.isdecimal() else -1 for field in fields]
        if len(numbers) < len(_TRACE_BOUNDS) or not all(
            0 <= number < bound for number, bound in zip(numbers, _TRACE_BOUNDS, strict=True)
        ):
            raise InputError(
                str(path), place, "no header of a ClassBench trace", "source, destination, two ports, protocol: numbers"
            )
        source, destination, source_port, port, protocol = numbers
        headers.append((source, destination, source_port, port, protocol))
    if not headers:
        raise InputError(str(path), "", "no header in it")
    return headers


def _lines(path: str | Path) -> Iterator[tuple[str, str]]:
    """Place and text of each line that is not empty."""
    try:
        with Path(path).open(encoding="ascii") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"line {number}", line.strip()
    except OSError as error:
        raise InputError(str(path), "", f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(str(path), "", f"no text: byte 0x{error.object[error.start]:02x}", _EXAMPLE) from None


def _remedy(line: str) -> str:
    if line.startswith("-scale"):
        return "this is a parameter file: ClassBench's db_generator makes rules of it"
    return _EXAMPLE


def _rule(file: str, place: str, match: re.Match[str]) -> tuple[tuple[int, int | None, int | None, Network], list[str]]:
    """Protocol, ports and peer of a rule; and which parts of it a security group cannot say."""
    try:
        source, destination = (ip_network(match[name], strict=False) for name in ("source", "destination"))
    except ValueError as error:
        raise InputError(file, place, str(error), _EXAMPLE) from None
    if source.version != destination.version:
        raise InputError(file, place, "source and destination are of two IP versions", _EXAMPLE)
    protocol, mask = int(match["protocol"], 16), int(match["mask"], 16)
    if mask not in (0, 255):
        raise InputError(file, place, f"protocol mask {match['mask']}", "0xFF, or 0x00 for all protocols")
    protocol = protocol if mask else ANY_PROTOCOL
    ports = _ports(file, place, match["ports"])
    left_out = {
        "destination": destination.prefixlen > 0,
        "source_ports": _ports(file, place, match["source_ports"]) != _ALL_PORTS,
        "flags": int(match["flags"] or "0", 16) != 0,
        "ports": protocol not in (TCP, UDP) and ports != _ALL_PORTS,
    }
    service: tuple[int, int | None, int | None] = (protocol, None, None)
    if protocol in (TCP, UDP):
        service = (protocol, *ports)
    elif (protocol, source.version) in ((ICMP, 4), (ICMPV6, 6)):
        service = (protocol, -1, -1)
    return (*service, source), [name for name, is_so in left_out.items() if is_so]


def _ports(file: str, place: str, text: str) -> tuple[int, int]:
    low, high = (int(part) for part in text.split(":"))
    if not 0 <= low <= high <= _ALL_PORTS[1]:
        raise InputError(file, place, f"port range {text}", "from low to high, within 0 : 65535")
    return low, high


def _notice(
    path: str | Path, count: int, rules: dict[tuple[int, int | None, int | None, Network], Rule], unsaid: Counter[str]
) -> str:
    parts = [f"{text} of {unsaid[name]:,}" for name, text in _UNSAID.items() if unsaid[name]]
    equal = count - len(rules)
    return (
        f"{path}: {count:,} rules in order, the first that matches deciding, became {len(rules):,} ingress rules that "
        f"only allow ({equal:,} equal to another by then); not kept, since no security group says them: "
        + (", ".join(parts) or "nothing")
    )
