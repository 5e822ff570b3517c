"""Seeded random changes of a random topology: what a control plane can do to it in the middle of a stream."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address

from sgsim.model import (
    Address,
    Direction,
    GroupVpcAssociation,
    Interface,
    PrefixList,
    Rule,
    SecurityGroup,
    Subnet,
    Topology,
    Vpc,
    VpcPeeringConnection,
)
from tests.differential.worlds import INTERFACE_TYPES, peer_of, service_of

NOWHERE = {ip_address("255.255.255.255"), ip_address("0.0.0.0")}
BLOCKS = (IPv4Network("10.2.0.0/28"), IPv4Network("10.1.1.0/24"), IPv6Network("2001:db8:1::/64"))
NETWORKS = (*map(IPv4Network, ("10.0.0.0/16", "10.1.0.0/16", "0.0.0.0/0", "10.0.1.4/32")),)
NETWORKS6 = (*map(IPv6Network, ("2001:db8::/32", "2001:db8::1/128", "::/0")),)

Random = random.Random
Hosts = Sequence[Address]


def changed(rng: Random, topology: Topology, hosts: Hosts) -> Topology:
    """The topology after one change, or some at once."""
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        topology = rng.choice(CHANGES)(rng, topology, hosts)
    return topology


def _rules(rng: Random, topology: Topology, hosts: Hosts) -> Topology:
    """Rules of a group are revoked, modified under their ids, or authorised, in front of others or behind them."""
    group = rng.choice([*topology.groups.values()])
    direction = rng.choice(tuple(Direction))
    rules = [*group.rules(direction)]
    for _ in range(rng.choice((1, 1, 3))):
        what = rng.randrange(4)
        made = (*service_of(rng), peer_of(rng, hosts, [*topology.groups]))
        if what == 0 and rules:
            del rules[rng.randrange(len(rules))]
        elif what == 1 and rules:
            place = rng.randrange(len(rules))
            rules[place] = Rule(rules[place].rule_id, group.group_id, direction, *made)
        elif what == 2 and rules:
            place = rng.randrange(len(rules))
            rules[place] = replace(rules[place], peer=made[3])
        else:
            name = f"{group.group_id}/{direction}/{rng.randrange(6)}"  # of one that was there before, perhaps
            if name not in {rule.rule_id for rule in rules}:
                rules.insert(rng.randrange(len(rules) + 1), Rule(name, group.group_id, direction, *made))
    return _with_group(topology, replace(group, **{str(direction): tuple(rules)}))


def _no_rules(rng: Random, topology: Topology, hosts: Hosts) -> Topology:
    """All rules of a group's direction are revoked."""
    group = rng.choice([*topology.groups.values()])
    return _with_group(topology, replace(group, **{str(rng.choice(tuple(Direction))): ()}))


def _with_group(topology: Topology, group: SecurityGroup) -> Topology:
    return replace(topology, groups={**topology.groups, group.group_id: group})


def _group_gone_or_new(rng: Random, topology: Topology, hosts: Hosts) -> Topology:
    """A group that nobody has is deleted; or there is a new one."""
    groups = dict(topology.groups)
    had = {group_id for interface in topology.interfaces.values() for group_id in interface.group_ids}
    spare = [group_id for group_id in groups if group_id not in had]
    name = f"sg-{rng.randrange(6)}"
    if spare and len(groups) > 1 and rng.random() < 0.5:
        del groups[rng.choice(spare)]
    elif name not in groups:
        rules = tuple(
            (Rule(f"{name}/{way}/0", name, way, *service_of(rng), peer_of(rng, hosts, [*groups])),) for way in Direction
        )
        groups = dict([*groups.items(), (name, SecurityGroup(name, name, rng.choice(("vpc-1", "vpc-2")), *rules))])
    return replace(topology, groups=groups)


def _group_moved(rng: Random, topology: Topology, hosts: Hosts) -> Topology:
    """No control plane does this to a group, or to an interface below, but nothing says that a file does not."""
    group = rng.choice([*topology.groups.values()])
    return _with_group(topology, replace(group, vpc_id=rng.choice(("vpc-1", "vpc-2", None))))


def _with_interface(topology: Topology, interface: Interface) -> Topology:
    return replace(topology, interfaces={**topology.interfaces, interface.interface_id: interface})


def _of_an_interface(change: Callable[[Random, Topology, Hosts, Interface], Interface]) -> Change:
    def of_one(rng: Random, topology: Topology, hosts: Hosts) -> Topology:
        if not topology.interfaces:
            return topology
        return _with_interface(topology, change(rng, topology, hosts, rng.choice([*topology.interfaces.values()])))

    return of_one


@_of_an_interface
def _groups(rng: Random, topology: Topology, hosts: Hosts, interface: Interface) -> Interface:
    """ModifyNetworkInterfaceAttribute; AWS asks for one group at least, snapshots may have none."""
    return replace(interface, group_ids=tuple(rng.sample([*topology.groups], rng.randrange(len(topology.groups) + 1))))


@_of_an_interface
def _timeouts(rng: Random, topology: Topology, hosts: Hosts, interface: Interface) -> Interface:
    return replace(
        interface,
        tcp_established_timeout=rng.choice((None, 60, 350)),
        udp_timeout=rng.choice((None, 30, 60)),
        udp_stream_timeout=rng.choice((None, 60, 180)),
    )


@_of_an_interface
def _instance(rng: Random, topology: Topology, hosts: Hosts, interface: Interface) -> Interface:
    return replace(interface, instance_id=rng.choice((None, "i-1", "i-2")))


@_of_an_interface
def _kind(rng: Random, topology: Topology, hosts: Hosts, interface: Interface) -> Interface:
    return replace(
        interface,
        vpc_id=rng.choice(("vpc-1", "vpc-2", None)),
        subnet_id=rng.choice((None, "subnet-1")),
        interface_type=rng.choice(INTERFACE_TYPES),
    )


@_of_an_interface
def _addresses(rng: Random, topology: Topology, hosts: Hosts, interface: Interface) -> Interface:
    """Secondary addresses come and go, or all are others."""
    addresses = [*interface.addresses]
    if addresses and rng.random() < 0.5:
        del addresses[rng.randrange(len(addresses))]
    free = _free(rng, topology, hosts)
    addresses += free[: rng.choice((0, 1, 1, 2))]
    return replace(interface, addresses=tuple(addresses))


@_of_an_interface
def _prefixes(rng: Random, topology: Topology, hosts: Hosts, interface: Interface) -> Interface:
    taken = {prefix for other in topology.interfaces.values() for prefix in other.prefixes}
    free = [block for block in BLOCKS if block not in taken]
    return replace(interface, prefixes=tuple(free[:1]) if not interface.prefixes and free else ())


def _address_moved(rng: Random, topology: Topology, hosts: Hosts) -> Topology:
    """An address goes over to another interface, as in a failover; or two of them change places."""
    having = [interface for interface in topology.interfaces.values() if interface.addresses]
    if len(topology.interfaces) < 2 or not having:
        return topology
    giver = rng.choice(having)
    taker = rng.choice([i for i in topology.interfaces.values() if i is not giver])
    moved, back = rng.choice(giver.addresses), rng.sample(taker.addresses, min(len(taker.addresses), rng.randrange(2)))
    given = replace(giver, addresses=(*(a for a in giver.addresses if a != moved), *back))
    taken = replace(taker, addresses=(*(a for a in taker.addresses if a not in back), moved))
    return _with_interface(_with_interface(topology, given), taken)


def _interface_gone_or_new(rng: Random, topology: Topology, hosts: Hosts) -> Topology:
    name = f"eni-{rng.randrange(6)}"
    if name in topology.interfaces:
        return replace(topology, interfaces={n: i for n, i in topology.interfaces.items() if n != name})
    made = Interface(
        name,
        vpc_id=rng.choice(("vpc-1", "vpc-2", None)),
        subnet_id=rng.choice((None, "subnet-1")),
        instance_id=rng.choice((None, "i-1", "i-2")),
        addresses=tuple(_free(rng, topology, hosts)[: rng.choice((1, 2))]),
        group_ids=tuple(rng.sample([*topology.groups], rng.randrange(len(topology.groups) + 1))),
    )
    return _with_interface(topology, made)


def _free(rng: Random, topology: Topology, hosts: Hosts) -> list[Address]:
    """Hosts that no interface owns, in random order."""
    owned = {address for interface in topology.interfaces.values() for address in interface.addresses}
    free = [host for host in hosts if host not in owned and host not in NOWHERE and not host.is_multicast]
    rng.shuffle(free)
    return free


def _prefix_list(rng: Random, topology: Topology, hosts: Hosts) -> Topology:
    lists = dict(topology.prefix_lists)
    name, family = rng.choice((("pl-1", 4), ("pl-2", 6), ("pl-3", 6), ("pl-4", 4)))
    networks = NETWORKS if family == 4 else NETWORKS6
    entries = tuple(rng.sample(networks, rng.randrange(len(networks))))
    if name in lists and rng.random() < 0.3:
        del lists[name]
    else:
        lists[name] = PrefixList(name, "", rng.choice((family, None)), rng.choice((entries, entries, entries, None)))
    return replace(topology, prefix_lists=lists)


def _peering(rng: Random, topology: Topology, hosts: Hosts) -> Topology:
    status = rng.choice(("active", "deleted", "failed", None))
    made = {} if status is None else {"pcx-1": VpcPeeringConnection("pcx-1", "vpc-1", "vpc-2", status, "r", "r")}
    return replace(topology, peerings=made)


def _surroundings(rng: Random, topology: Topology, hosts: Hosts) -> Topology:
    """What decides what is exempt or automatically tracked."""
    cidr = rng.choice((IPv4Network("10.0.0.0/16"), IPv4Network("10.1.0.0/16")))
    return replace(
        topology,
        vpcs=rng.choice(({}, {"vpc-1": Vpc("vpc-1", cidr)})),
        subnets={"subnet-1": Subnet("subnet-1", "vpc-1", rng.choice([*cidr.subnets(new_prefix=24)][:3]))},
        auto_tracked=rng.choice(((), (), (IPv4Network("203.0.113.0/24"),))),
        associations=rng.choice(((), (GroupVpcAssociation(rng.choice([*topology.groups]), "vpc-2"),))),
    )


Change = Callable[[Random, Topology, Hosts], Topology]
CHANGES: tuple[Change, ...] = (
    _rules,
    _rules,
    _rules,
    _rules,
    _no_rules,
    _group_gone_or_new,
    _group_moved,
    _groups,
    _groups,
    _timeouts,
    _instance,
    _kind,
    _addresses,
    _prefixes,
    _address_moved,
    _interface_gone_or_new,
    _interface_gone_or_new,
    _prefix_list,
    _prefix_list,
    _peering,
    _surroundings,
)
