"""The one-line rules of scenarios: ``PROTOCOL [PORT|FIRST-LAST|TYPE[/CODE]] from|to PEER``."""

from __future__ import annotations

import re
from typing import NamedTuple

from sgsim.model import ICMP, ICMPV6, TCP, UDP, Direction
from sgsim.sources.checks import port_range, protocol_number
from sgsim.sources.places import Place

_RULE = re.compile(r"(?P<protocol>\S+)(?:\s+(?P<ports>\S+))?\s+(?P<word>from|to)\s+(?P<peer>\S.*)\Z", re.DOTALL)
_PORTS = re.compile(r"(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?\Z")
_TYPE_AND_CODE = re.compile(r"(?P<type>-1|[0-9]{1,3})(?:/(?P<code>-1|[0-9]{1,3}))?\Z")
_WORDS = {Direction.INGRESS: "from", Direction.EGRESS: "to"}
_EXAMPLES = {
    Direction.INGRESS: 'such as "tcp 443 from 0.0.0.0/0" or "all from self"',
    Direction.EGRESS: 'such as "tcp 443 to 0.0.0.0/0" or "all to any"',
}


class ParsedRule(NamedTuple):
    """A rule whose peer is still text. Ports as in ``sgsim.model.Rule``."""

    protocol: int
    from_port: int | None
    to_port: int | None
    peer: str


def parse_rule(text: str, direction: Direction, place: Place) -> ParsedRule:
    """Read one rule; ingress rules say ``from``, egress rules ``to``. Raises InputError."""
    match = _RULE.match(text.strip())
    if match is None:
        problem = f"{text!r} is no rule: PROTOCOL [PORTS] {_WORDS[direction]} PEER"
        raise place.refusal(problem, _EXAMPLES[direction])
    if match["word"] != _WORDS[direction]:
        raise place.refusal(f"{text!r}: {direction} rules say {_WORDS[direction]!r}", _EXAMPLES[direction])
    name = match["protocol"]
    protocol = -1 if name.lower() == "all" else protocol_number(name, place)
    first, last = _numbers(protocol, match["ports"], text, place)
    return ParsedRule(protocol, *port_range(protocol, first, last, place), match["peer"])


def _numbers(protocol: int, ports: str | None, text: str, place: Place) -> tuple[int | None, int | None]:
    """FromPort and ToPort as AWS would have them; left out, they are all ports or all types."""
    if protocol in (TCP, UDP):
        if ports is None:
            return 0, 65535
        match = _PORTS.match(ports)
        if match is None:
            raise place.refusal(f"{text!r}: {ports!r} is no port", "write 443 or 8000-8100")
        return int(match["first"]), int(match["last"] or match["first"])
    if protocol in (ICMP, ICMPV6):
        if ports is None:
            return -1, -1
        match = _TYPE_AND_CODE.match(ports)
        if match is None:
            raise place.refusal(f"{text!r}: {ports!r} is no ICMP type", "write 8 (any code) or 3/4 (type/code)")
        return int(match["type"]), int(match["code"] or -1)
    if ports is not None:
        problem = f"{text!r}: AWS ignores ports but for tcp and udp, and types but for icmp and icmpv6"
        raise place.refusal(problem, f"leave {ports} out")
    return None, None
