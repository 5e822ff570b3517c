"""Workload ``acl``: one interface with one long rule set, and packets for one gate in columns, to match alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

import numpy as np
from numpy.typing import NDArray

from sgsim.errors import SelectionError
from sgsim.layout import PacketColumns
from sgsim.model import ICMP, TCP, UDP, Direction, GroupReference, Interface, Peer, Rule, SecurityGroup, Topology
from sgsim.workload.columns import ipv4_columns
from sgsim.workload.offers import Members, Offers, offers_of

HITS, MISSES = 0.9, 0.0  # shares of the packets that are drawn for a rule

_KNOWN_PORTS = (22, 53, 80, 123, 443, 3306, 5432, 8080)
_PORTS = 1_024, 60_000  # other ports that rules begin at
_MISSING_PORTS = 62_000, 65_536  # above every rule's
_LENGTHS = (8, 12, 16, 20, 24, 24, 28, 32)  # of CIDRs
_WITHIN = IPv4Network("10.128.0.0/14")  # where members of referenced groups have their addresses
_PER_INTERFACE = 50  # addresses: the most that AWS gives one


@dataclass(frozen=True, slots=True)
class Acl:
    """What a rule set is made of: ``references`` of the rules are to groups that have ``members`` addresses in all."""

    name: str = "acl-v1"
    rules: int = 1_000
    references: int = 0
    members: int = 0
    seed: int = 1


GUARDED = "eni-acl"  # the interface that has the rules


def acl_topology(acl: Acl) -> Topology:
    """An interface with the rules, all of them ingress: TCP (three in four) or UDP, a port or a range, a CIDR of /8 to
    /32; and the members of the groups that the rules refer to."""
    rng = random.Random(acl.seed)
    every = acl.rules // acl.references if acl.references else 0
    peers: dict[int, Peer] = {n * every: GroupReference(f"sg-{n:04d}") for n in range(acl.references)}
    rules: dict[tuple[int, int, int, Peer], Rule] = {}
    while len(rules) < acl.rules:  # AWS takes no rule twice
        peer = peers.get(len(rules)) or IPv4Network(
            (rng.randrange(16 << 24, 200 << 24), rng.choice(_LENGTHS)), strict=False
        )
        low = rng.choice(_KNOWN_PORTS) if rng.random() < 0.3 else rng.randrange(*_PORTS)
        high = low if rng.random() < 0.7 else low + rng.randrange(1, 2_000)
        key = (TCP if rng.random() < 0.75 else UDP, low, high, peer)
        rules.setdefault(key, Rule(f"sg-acl/ingress/{len(rules)}", "sg-acl", Direction.INGRESS, *key))
    groups = {"sg-acl": SecurityGroup("sg-acl", "acl", "vpc-1", tuple(rules.values()), ())}
    for n in range(acl.references):
        groups[f"sg-{n:04d}"] = SecurityGroup(f"sg-{n:04d}", "", "vpc-1", (), ())
    guarded = Interface(
        GUARDED,
        vpc_id="vpc-1",
        addresses=(IPv4Address("10.0.0.10"),),
        prefixes=(IPv4Network("10.1.0.0/16"),),  # so that one gate sees many flows
        group_ids=("sg-acl",),
    )
    interfaces = {GUARDED: guarded} | {member.interface_id: member for member in _members(rng, acl)}
    return Topology(groups=groups, interfaces=interfaces)


def _members(rng: random.Random, acl: Acl) -> Iterator[Interface]:
    """Interfaces of the groups that rules refer to, with scattered addresses."""
    numbers = rng.sample(range(_WITHIN.num_addresses), acl.members)
    for place, begin in enumerate(range(0, acl.members, _PER_INTERFACE)):
        addresses = tuple(_WITHIN[number] for number in numbers[begin : begin + _PER_INTERFACE])
        group = f"sg-{place % acl.references:04d}"
        yield Interface(f"eni-{place:05d}", vpc_id="vpc-1", addresses=addresses, group_ids=(group,))


def gate_packets(
    topology: Topology, interface_id: str, direction: Direction, packets: int, hits: float = HITS, seed: int = 1
) -> PacketColumns:
    """Distinct IPv4 packets for one gate, ``hits`` of them drawn for its rules, the others for a port that rules seldom
    have, of addresses that rules have and of any others.

    Raises SelectionError if the interface has no IPv4 address, or no rule of it asks for TCP, UDP or ICMP echo requests
    over IPv4.
    """
    interface = topology.interfaces[interface_id]
    own = interface.primary(4)
    offers, members = offers_of(topology, (interface, direction))
    offers = Offers._make(column[~offers.v6] for column in offers)
    if own is None or not len(offers.kind):
        raise SelectionError(
            f"{interface_id}: no {direction} traffic can be drawn: it has no IPv4 address, or none of its rules admits "
            "TCP, UDP or ICMP echo requests over IPv4"
        )
    rng = np.random.default_rng(seed)
    offer = rng.integers(0, len(offers.kind), size=packets)
    remote = _remote(rng, offers, members, offer)
    port = rng.integers(offers.low[offer], offers.high[offer] + 1)
    protocol = offers.protocol[offer]
    port[protocol == ICMP] = 8 << 8  # type and code
    missing = np.flatnonzero(rng.random(packets) >= hits)
    anywhere = missing[rng.random(len(missing)) < 0.5]
    remote[anywhere] = rng.integers(16 << 24, 200 << 24, size=len(anywhere))
    protocol[missing] = np.where(rng.random(len(missing)) < 0.75, TCP, UDP)
    port[missing] = rng.integers(*_MISSING_PORTS, size=len(missing))
    network = next((prefix for prefix in interface.prefixes if prefix.version == 4), IPv4Network(own))
    number = np.arange(packets)
    local = int(network.network_address) + number % network.num_addresses
    src_port = 1_024 + number // network.num_addresses % (65_536 - 1_024)
    source, destination = (remote, local) if direction is Direction.INGRESS else (local, remote)
    return ipv4_columns(protocol, source, destination, src_port, port)


def _remote(rng: np.random.Generator, offers: Offers, members: Members, offer: NDArray[np.int64]) -> NDArray[np.uint64]:
    """An address of each offer's peer."""
    hosts = rng.integers(0, 1 << 32, size=len(offer), dtype=np.uint64) & offers.lo_hosts[offer]
    remote = hosts | offers.lo[offer]
    known = np.flatnonzero(offers.remote[offer] >= 0)
    places = offers.remote[offer[known]]
    remote[known] = members.lo[rng.integers(members.begins[places], members.begins[places + 1])]
    return remote
