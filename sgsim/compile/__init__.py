"""Topology -> MatchTable: references expanded, addresses and services sorted into classes, answers tabulated.

Rules only allow, so their order decides nothing but the credit. Each list of groups gets a table of answers over
(address class, service class), whose cell holds the first rule in credit order that admits the pair; a rule keeps its
identity (its place in ``Topology.rules()``) all the way into the cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

import numpy as np
from numpy.typing import NDArray

from sgsim import layout
from sgsim.compile.addresses import AddressLine
from sgsim.compile.peers import PeerBook, Span, everything
from sgsim.compile.services import ServiceLine
from sgsim.compile.sides import PlacedRule, Side, tabulate
from sgsim.layout import GATE, SIDE, MatchTable
from sgsim.model import Direction, Interface, Network, Settings, Topology

__all__ = ["compile_topology"]

# Blocks that decide something whatever the rules are (sections 2 and 4 of the semantics).
_BLOCKS: dict[int, tuple[Network, ...]] = {
    layout.NEVER_FILTERED: (IPv4Network("169.254.0.0/16"), IPv6Network("fd00:ec2::/32")),
    layout.DHCP_REMOTE: (IPv4Network("0.0.0.0/32"), IPv4Network("255.255.255.255/32")),
    layout.DHCPV6_REMOTE: (IPv6Network("fe80::/10"), IPv6Network("ff02::/16")),
    layout.MANY_HOSTS: (IPv4Network("224.0.0.0/4"), IPv4Network("255.255.255.255/32"), IPv6Network("ff00::/8")),
}

# Interface types behind which AWS tracks whatever the rules are: EC2 user guide, "Automatically tracked connections".
_AUTO_TRACKED_TYPES = frozenset(
    {
        "nat_gateway",
        "network_load_balancer",
        "gateway_load_balancer",
        "gateway_load_balancer_endpoint",
        "vpc_endpoint",
        "lambda",
        "transit_gateway",
        "global_accelerator_managed",
    }
)

GroupList = tuple[tuple[str, ...], str | None]  # the groups of an interface as listed, and its VPC


def compile_topology(topology: Topology, interfaces: Sequence[Interface], settings: Settings) -> MatchTable:
    """Match tables for the selected interfaces; interfaces with the same list of groups share theirs."""
    book = PeerBook(topology)
    places = {id(rule): place for place, rule in enumerate(topology.rules())}
    lists: dict[GroupList, int] = {}
    for interface in interfaces:
        if interface.group_ids:
            lists.setdefault((interface.group_ids, interface.vpc_id), len(lists))
    sides_rules = [
        _side_rules(topology, book, places, key, direction)
        for key in lists
        for direction in (Direction.INGRESS, Direction.EGRESS)
    ]
    owned = {i.interface_id: book.owned(i) for i in topology.interfaces.values()}
    blocks = {flag: everything(networks) for flag, networks in _BLOCKS.items()}
    blocks[layout.AUTO_TRACKED] = everything(topology.auto_tracked + settings.auto_tracked)
    gates = _gates(topology, interfaces, lists)
    special = {int(address) for name in ("router", "resolver") for address in gates[name]} - {-1}
    blocks[layout.ROUTER_OR_RESOLVER] = [Span(4, address, address) for address in sorted(special)]
    spans = [span for rules in sides_rules for placed in rules for span in placed.peer.spans]
    spans += [span for found in (*owned.values(), *blocks.values()) for span in found]
    addresses = AddressLine(spans)
    services = ServiceLine(placed.rule for rules in sides_rules for placed in rules)
    sides = [tabulate(rules, addresses, services) for rules in sides_rules]
    root, nodes, leaves = addresses.trie()
    v6_hi, v6_lo = addresses.v6_starts()
    return MatchTable(
        root=root,
        nodes=nodes,
        leaves=_small(leaves),
        v6_hi=v6_hi,
        v6_lo=v6_lo,
        v6_first=np.int64(addresses.v6_first),
        about=_about(addresses, interfaces, owned, blocks),
        service=_small(services.intervals()),
        gates=gates,
        sides=_side_records(sides),
        address_class=_small(_joined([side.address_class for side in sides])),
        service_class=_small(_joined([side.service_class for side in sides])),
        cells=_joined([side.cells.ravel() for side in sides]).astype(np.int32),
        auto_owner=_auto_owners(topology, addresses, list(lists), owned),
    )


def _side_rules(
    topology: Topology, book: PeerBook, places: dict[int, int], key: GroupList, direction: Direction
) -> list[PlacedRule]:
    group_ids, vpc_id = key
    rules = [rule for group_id in group_ids for rule in topology.groups[group_id].rules(direction)]
    return [PlacedRule(rule, places[id(rule)], book.expand(rule, vpc_id)) for rule in rules]


def _about(
    addresses: AddressLine, interfaces: Sequence[Interface], owned: dict[str, list[Span]], blocks: dict[int, list[Span]]
) -> NDArray[np.int32]:
    about = np.zeros(addresses.count, dtype=np.int32)
    for place, interface in enumerate(interfaces):
        flag = 0 if interface.group_ids else layout.OWNER_UNFILTERED
        for begin, end in addresses.ranges(owned[interface.interface_id]):
            about[begin:end] = (place + 1) << layout.OWNER_SHIFT | flag
    for flag, spans in blocks.items():
        for begin, end in addresses.ranges(spans):
            about[begin:end] |= flag
    return about


def _auto_owners(
    topology: Topology, addresses: AddressLine, lists: Sequence[GroupList], owned: dict[str, list[Span]]
) -> NDArray[np.uint8]:
    """1 where an interval belongs to an automatically tracked kind of interface, seen from each list's VPC.

    An address in use in several VPCs is the one of the list's own VPC, if it is in use there.
    """
    result = np.zeros((len(lists), addresses.count), dtype=np.uint8)
    if not any(i.interface_type in _AUTO_TRACKED_TYPES for i in topology.interfaces.values()):
        return result.ravel()
    anywhere = np.zeros(addresses.count, dtype=np.uint8)
    here = {vpc_id: np.zeros((2, addresses.count), dtype=np.uint8) for _, vpc_id in lists}
    for interface in topology.interfaces.values():
        kind = np.uint8(interface.interface_type in _AUTO_TRACKED_TYPES)
        for begin, end in addresses.ranges(owned[interface.interface_id]):
            anywhere[begin:end] |= kind
            if interface.vpc_id in here:
                here[interface.vpc_id][0, begin:end] = 1
                here[interface.vpc_id][1, begin:end] |= kind
    for place, (_, vpc_id) in enumerate(lists):
        in_use, automatic = here[vpc_id]
        result[place] = np.where(in_use, automatic, anywhere)
    return result.ravel()


def _gates(topology: Topology, interfaces: Sequence[Interface], lists: dict[GroupList, int]) -> NDArray[np.void]:
    gates = np.zeros(len(interfaces), dtype=GATE)
    for place, interface in enumerate(interfaces):
        vpc = topology.vpcs.get(interface.vpc_id or "")
        subnet = topology.subnets.get(interface.subnet_id or "")
        router = -1 if subnet is None or subnet.cidr is None else int(subnet.cidr.network_address) + 1
        resolver = -1 if vpc is None or vpc.cidr is None else int(vpc.cidr.network_address) + 2
        gates[place] = (lists.get((interface.group_ids, interface.vpc_id), -1), router, resolver)
    return gates


def _side_records(sides: Sequence[Side]) -> NDArray[np.void]:
    records = np.zeros(len(sides), dtype=SIDE)
    begin = 0
    for place, side in enumerate(sides):
        records[place] = (begin, side.cells.shape[1], place * len(side.service_class), side.open)
        begin += side.cells.size
    return records


def _joined(arrays: Sequence[NDArray[np.integer]]) -> NDArray[np.integer]:
    return np.concatenate(arrays) if arrays else np.zeros(1, dtype=np.int64)


def _small(numbers: NDArray[np.integer]) -> NDArray[np.uint16]:
    """As uint16 if they fit, for the caches' sake; else uint32, for which the kernels are compiled once more."""
    fits = not numbers.size or int(numbers.max()) < 1 << 16
    return numbers.astype(np.uint16 if fits else np.uint32)
