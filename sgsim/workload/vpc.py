"""Workload ``vpc``: one VPC whose interfaces share lists of groups; some are open to the world, some to others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from sgsim.model import (
    ANY_PROTOCOL,
    EVERYWHERE,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Direction,
    GroupReference,
    Interface,
    Network,
    Peer,
    Rule,
    SecurityGroup,
    Topology,
)
from sgsim.workload.flows import Traffic

_GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, fill the unit interval evenly however few are taken
_KNOWN_PORTS = (22, 53, 80, 443, 3306, 5432, 8080)
_LOWEST, _HIGHEST = 4_096, 30_000  # other ports: below every client's, and clear of workload.flows.REFUSED_PORTS


@dataclass(frozen=True, slots=True)
class Workload(Traffic):
    """What a stream and its rule set are made of; see ``topology``, ``draw_flows`` and ``write_stream``."""

    name: str = "vpc-v2"
    interfaces: int = 250
    lists: int = 25  # distinct lists of groups
    list_lengths: tuple[int, ...] = (1, 2, 3, 4, 5)  # groups of a list, in turn; each list has groups of its own
    rules: int = 60  # of an interface, in each direction


Service = tuple[int, int | None, int | None]  # protocol, from_port and to_port of a rule


def topology(workload: Workload) -> Topology:
    """One VPC. A fifth of the rules are group references, and each comes as a pair: what one group may ask of another
    (egress), the other lets in (ingress). A tenth have IPv6 CIDRs. The first list, and every fifth one after it, is a
    web tier: TCP 443 in and everything out, from and to everywhere, so that what asks for it is untracked."""
    rng = random.Random(workload.seed)
    names = _names(workload)
    peers: dict[tuple[int, Direction, int], tuple[Service, GroupReference]] = {}
    for asking, asked in _pairs(rng, workload):
        service = _service(rng, workload.rules * asking[0] + asking[1], version=None)
        owner, target = _group(names, workload, *asking), _group(names, workload, *asked)
        peers[asking[0], Direction.EGRESS, asking[1]] = (service, GroupReference(target))
        peers[asked[0], Direction.INGRESS, asked[1]] = (service, GroupReference(owner))
    made: dict[tuple[str, Direction], list[Rule]] = {(n, d): [] for part in names for n in part for d in Direction}
    for number in range(workload.lists):
        for direction in Direction:
            for place in range(workload.rules):
                given = peers.get((number, direction, place))
                service, peer = given or _plain(rng, workload, number, direction, place)
                name = _group(names, workload, number, place)
                own = made[name, direction]
                own.append(Rule(f"{name}/{direction}/{len(own)}", name, direction, *service, peer))
    groups = {
        name: SecurityGroup(
            name, name, "vpc-1", tuple(made[name, Direction.INGRESS]), tuple(made[name, Direction.EGRESS])
        )
        for part in names
        for name in part
    }
    return Topology(groups=groups, interfaces={i.interface_id: i for i in _interfaces(workload, names)})


def _names(workload: Workload) -> list[tuple[str, ...]]:
    lengths = workload.list_lengths
    return [
        tuple(f"sg-{number:04d}{part}" for part in "abcde"[: lengths[number % len(lengths)]])
        for number in range(workload.lists)
    ]


def _interfaces(workload: Workload, names: list[tuple[str, ...]]) -> Iterator[Interface]:
    for number in range(workload.interfaces):
        addresses = (IPv4Address("10.0.0.10") + number, IPv6Address("2001:db8::10") + number)
        group_ids = names[number % workload.lists]
        yield Interface(f"eni-{number:04d}", vpc_id="vpc-1", addresses=addresses, group_ids=group_ids)


def _group(names: list[tuple[str, ...]], workload: Workload, number: int, place: int) -> str:
    """Which group of a list has the rule at that place of the list's rules."""
    return names[number][place * len(names[number]) // workload.rules]


def _pairs(rng: random.Random, workload: Workload) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """List and place of each egress reference, and of the ingress reference that answers it."""
    asking = [(number, place) for number in range(workload.lists) for place in range(4, workload.rules, 5)]
    asked = list(asking)
    rng.shuffle(asked)
    return zip(asking, asked, strict=True)


def _plain(
    rng: random.Random, workload: Workload, number: int, direction: Direction, place: int
) -> tuple[Service, Peer]:
    if number % 5 == 0 and place < 2:  # a web tier, IPv4 and IPv6
        service: Service = (TCP, 443, 443) if direction is Direction.INGRESS else (ANY_PROTOCOL, None, None)
        return service, EVERYWHERE[4 if place == 0 else 6]
    version = 6 if place % 10 == 3 else 4
    turn = workload.rules * number + place + (workload.rules * workload.lists if direction is Direction.EGRESS else 0)
    return _service(rng, turn, version), _network(rng, version)


def _service(rng: random.Random, turn: int, version: int | None) -> Service:
    """Seven in ten TCP, a quarter UDP, the rest echo requests (of the version; of either one in turn if None)."""
    kind = turn * _GOLDEN % 1
    if kind >= 0.95:
        six = version == 6 or (version is None and rng.random() < 0.3)
        return (ICMPV6, 128, -1) if six else (ICMP, 8, -1)
    low = rng.choice(_KNOWN_PORTS) if rng.random() < 0.4 else rng.randrange(_LOWEST, _HIGHEST)
    high = low if low < _LOWEST or rng.random() < 0.5 else low + rng.randrange(1, 2_000)
    return (TCP if kind < 0.7 else UDP, low, high)


def _network(rng: random.Random, version: int) -> Network:
    """Outside the VPC and outside ``workload.flows.STRANGERS``."""
    if version == 6:
        return IPv6Network((0x26 << 120 | rng.getrandbits(56) << 64, rng.choice((32, 48, 64))), strict=False)
    length = rng.choice((8, 12, 16, 20, 24, 24, 28, 32))
    return IPv4Network((rng.randrange(16 << 24, 200 << 24), length), strict=False)
