"""The values of a permission -> its drafts of rules; what is not known of them makes them unresolved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sgsim.model import ANY_PROTOCOL, ICMP, ICMPV6, TCP, UDP, Direction, Peer, UnknownPeer
from sgsim.sources.checks import network, port_range, protocol_number
from sgsim.sources.infrastructure.drafts import Doubts, RuleDraft
from sgsim.sources.infrastructure.values import Unknown, Value
from sgsim.sources.places import Place

UNRESOLVED = "what only this rule might admit is unresolved"

_ALL = {TCP: (0, 65535), UDP: (0, 65535), ICMP: (-1, -1), ICMPV6: (-1, -1)}


class Service(NamedTuple):
    """Protocol and ports; ``unknown`` where some of them are not known: all that they may be then."""

    protocol: int
    from_port: int | None
    to_port: int | None
    unknown: Unknown | None = None


def service(protocol: Value, first: Value, last: Value, doubts: Doubts) -> Service:
    """What a permission is for. Raises InputError: a protocol or ports that AWS would refuse."""
    name = protocol.text()
    if isinstance(name, Unknown):
        doubts.unknown(protocol.place, name, UNRESOLVED)
        return Service(ANY_PROTOCOL, None, None, name)
    if name is None:
        raise protocol.place.refusal("has no protocol", "-1 is all")
    number = ANY_PROTOCOL if name.lower() == "all" else protocol_number(name, protocol.place)
    if number not in _ALL:
        return Service(number, None, None)
    low, high = first.integer(), last.integer()
    for port, place in ((low, first.place), (high, last.place)):
        if isinstance(port, Unknown):
            doubts.unknown(place, port, UNRESOLVED)
            return Service(number, *_ALL[number], port)
    assert not isinstance(low, Unknown)
    assert not isinstance(high, Unknown)
    return Service(number, *port_range(number, low, high, first.place))


def networks(cidrs: Value, version: int, doubts: Doubts) -> list[Peer]:
    """The CIDRs of a list, or a single one; those that are not known are one unresolved peer, behind the others."""
    found: list[Peer] = []
    unknown: Unknown | None = None
    for cidr in cidrs.items() if isinstance(cidrs.raw, list) else [cidrs]:
        text = cidr.text()
        if isinstance(text, Unknown):
            unknown = unknown or text
            doubts.unknown(cidr.place, text, UNRESOLVED)
        elif text:
            found.append(network(text, version, cidr.place, doubts.notes))
    return found if unknown is None else [*found, UnknownPeer(unknown.name, version)]


def rule_draft(
    place: Place,
    direction: Direction,
    asked: Service,
    peers: Iterable[Peer],
    doubts: Doubts,
    *,
    description: str = "",
    rule_id: str = "",
) -> RuleDraft:
    """A permission. One without a peer is doubtful: AWS refuses it. Of one whose service is not known no peer is."""
    named = tuple(dict.fromkeys(peers))
    if not named:
        problem = "has no peer: AWS refuses such a rule"
        doubts.notes.doubt(place.refusal(problem, "name a CIDR, a prefix list or a group"))
    elif asked.unknown is not None:
        families = {getattr(peer, "version", None) or getattr(peer, "family", None) for peer in named}
        named = (UnknownPeer(asked.unknown.name, families.pop() if len(families) == 1 else None),)
    return RuleDraft(direction, *asked[:3], named, description, rule_id)


def unknown_rules(direction: Direction, unknown: Unknown, rule_id: str = "") -> RuleDraft:
    """All that rules may be of which nothing is known."""
    return RuleDraft(direction, ANY_PROTOCOL, None, None, (UnknownPeer(unknown.name),), rule_id=rule_id)
