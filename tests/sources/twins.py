"""A topology said in another way: as a Terraform state. What it says must be judged alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from sgsim.model import (
    Direction,
    GroupReference,
    Interface,
    Packet,
    Peer,
    PrefixList,
    PrefixListReference,
    Rule,
    SecurityGroup,
    Settings,
    Subnet,
    Topology,
    UnknownPeer,
)
from sgsim.reference import ReferenceJudge
from tests.sources.terraforming import permission, state

Json = dict[str, Any]

SUBNETS = {"vpc-1": IPv4Network("10.0.1.0/24"), "vpc-2": IPv4Network("10.1.1.0/24")}


def sayable(topology: Topology, interface: Callable[[Interface], Interface]) -> Topology:
    """The topology without what infrastructure code cannot say: it knows no statuses of references, no lists without
    entries, and every interface has a group and a subnet, which tells its VPC. ``interface`` takes away the rest."""
    groups = {name: _numbered(group) for name, group in topology.groups.items()}
    interfaces = {}
    for name, owner in topology.interfaces.items():
        vpc_id = owner.vpc_id or "vpc-1"
        named = owner.group_ids or ("sg-0",)
        owner = replace(owner, vpc_id=vpc_id, subnet_id=f"subnet-{vpc_id}", group_ids=named, name="")
        interfaces[name] = interface(owner)
    subnets = {f"subnet-{vpc_id}": Subnet(f"subnet-{vpc_id}", vpc_id, cidr) for vpc_id, cidr in SUBNETS.items()}
    lists: dict[str, PrefixList] = {n: each for n, each in topology.prefix_lists.items() if each.entries is not None}
    bridges = tuple(each for each in topology.associations if each.state == "associated")
    return replace(
        topology,
        groups=groups,
        interfaces=interfaces,
        subnets=subnets,
        prefix_lists=lists,
        associations=bridges,
        auto_tracked=(),
    )


def _numbered(group: SecurityGroup) -> SecurityGroup:
    made = []
    for direction in Direction:
        rules: dict[object, Rule] = {}
        for rule in group.rules(direction):
            if isinstance(rule.peer, UnknownPeer):
                continue
            peer = GroupReference(rule.peer.group_id) if isinstance(rule.peer, GroupReference) else rule.peer
            named = replace(rule, rule_id=f"{group.group_id}/{direction}/{len(rules)}", peer=peer)
            rules.setdefault((rule.protocol, rule.from_port, rule.to_port, peer), named)
        made.append(tuple(rules.values()))
    return replace(group, ingress=made[0], egress=made[1])


def with_references(topology: Topology, rng: random.Random) -> Topology:
    """Most rules refer to groups, and many admit everything: else references between VPCs decide next to nothing."""

    def bent(rule: Rule) -> Rule:
        if rng.random() < 0.6:
            rule = replace(rule, peer=GroupReference(rng.choice([*topology.groups])))
        return replace(rule, protocol=-1, from_port=None, to_port=None) if rng.random() < 0.5 else rule

    return replace(
        topology,
        groups={
            name: replace(group, ingress=tuple(map(bent, group.ingress)), egress=tuple(map(bent, group.egress)))
            for name, group in topology.groups.items()
        },
    )


def assert_judged_alike(one: Topology, other: Topology, settings: Settings, packets: Sequence[Packet]) -> None:
    """Every decision about every packet, rules by their ids."""
    judges = ReferenceJudge(one, settings), ReferenceJudge(other, settings)
    assert [each.interface_id for each in judges[0].interfaces] == [each.interface_id for each in judges[1].interfaces]
    for packet in packets:
        first, second = (_outcome(judge.judge(packet)) for judge in judges)
        assert first == second, packet


def _outcome(decisions: object) -> object:
    if not isinstance(decisions, list):
        return decisions
    return [replace(each, rule=each.rule and replace(each.rule, description="")) for each in decisions]


# --- Terraform --------------------------------------------------------------------------------------------------------


def terraform_twin(topology: Topology, rng: random.Random) -> Json:
    """A state, each group's rules in one of the three forms that Terraform has for them."""
    values: dict[str, Json] = {}
    for n, vpc in enumerate(topology.vpcs.values()):
        values[f"aws_vpc.v{n}"] = {"id": vpc.vpc_id, "cidr_block": str(vpc.cidr)}
    for n, subnet in enumerate(topology.subnets.values()):
        values[f"aws_subnet.s{n}"] = {"id": subnet.subnet_id, "vpc_id": subnet.vpc_id, "cidr_block": str(subnet.cidr)}
    for n, listed in enumerate(topology.prefix_lists.values()):
        entries = [{"cidr": str(entry)} for entry in listed.entries or ()]
        family = f"IPv{listed.family}"
        values[f"aws_ec2_managed_prefix_list.l{n}"] = {
            "id": listed.prefix_list_id,
            "address_family": family,
            "entry": entries,
        }
    for n, joined in enumerate(topology.peerings.values()):
        values[f"aws_vpc_peering_connection.p{n}"] = {
            "id": joined.vpc_peering_connection_id,
            "vpc_id": joined.requester_vpc_id,
            "peer_vpc_id": joined.accepter_vpc_id,
            "accept_status": joined.status,
            "region": joined.requester_region,
            "peer_region": joined.accepter_region,
        }
    for n, bridge in enumerate(topology.associations):
        values[f"aws_vpc_security_group_vpc_association.a{n}"] = {
            "security_group_id": bridge.group_id,
            "vpc_id": bridge.vpc_id,
            "state": "associated",
        }
    for n, group in enumerate(topology.groups.values()):
        values |= _terraform_group(f"g{n}", group, rng)
    for n, interface in enumerate(topology.interfaces.values()):
        values[f"aws_network_interface.i{n}"] = _terraform_interface(interface, rng)
    return state(values)


def _terraform_group(name: str, group: SecurityGroup, rng: random.Random) -> dict[str, Json]:
    body: Json = {"id": group.group_id, "name": group.name, "vpc_id": group.vpc_id, "ingress": [], "egress": []}
    values = {f"aws_security_group.{name}": body}
    for direction in Direction:
        form = rng.choice(("inline", "legacy", "modern"))
        for n, rule in enumerate(group.rules(direction)):
            if form == "inline":
                body[direction].append(_permission(rule))
            elif form == "legacy":
                values[f"aws_security_group_rule.{name}_{direction}_{n}"] = _legacy(rule)
            else:
                values[f"aws_vpc_security_group_{direction}_rule.{name}_{n}"] = _modern(rule)
    return values


def _permission(rule: Rule) -> Json:
    return permission(str(rule.protocol), rule.from_port or 0, rule.to_port or 0, **_lists(rule))


def _lists(rule: Rule) -> Json:
    peer = rule.peer
    if isinstance(peer, GroupReference):
        return {"self": True} if peer.group_id == rule.group_id else {"security_groups": [peer.group_id]}
    if isinstance(peer, PrefixListReference):
        return {"prefix_list_ids": [peer.prefix_list_id]}
    return {"cidr_blocks" if _version(peer) == 4 else "ipv6_cidr_blocks": [str(peer)]}


def _legacy(rule: Rule) -> Json:
    lists = _lists(rule)
    lists["source_security_group_id"] = lists.pop("security_groups", [None])[0]
    return _ends(rule) | {"type": str(rule.direction), "protocol": str(rule.protocol)} | lists


def _modern(rule: Rule) -> Json:
    peer = rule.peer
    if isinstance(peer, GroupReference):
        named: Json = {"referenced_security_group_id": f"123456789012/{peer.group_id}"}
    elif isinstance(peer, PrefixListReference):
        named = {"prefix_list_id": peer.prefix_list_id}
    else:
        named = {f"cidr_ipv{_version(peer)}": str(peer)}
    return _ends(rule) | {"ip_protocol": str(rule.protocol)} | named


def _ends(rule: Rule) -> Json:
    names = {"security_group_id": rule.group_id, "security_group_rule_id": rule.rule_id}
    return names | {"from_port": rule.from_port, "to_port": rule.to_port}


def _version(peer: Peer) -> int:
    version: int = getattr(peer, "version", 0)
    return version


def _terraform_interface(interface: Interface, rng: random.Random) -> Json:
    v4 = [str(each) for each in interface.addresses if each.version == 4]
    shuffled = rng.sample(v4, len(v4))
    attached = [{"instance": interface.instance_id, "device_index": 1}] if interface.instance_id else []
    return {
        "id": interface.interface_id,
        "subnet_id": interface.subnet_id,
        "interface_type": interface.interface_type,
        "private_ip": v4[0] if v4 else "",
        "private_ips": shuffled,
        "ipv6_addresses": [str(each) for each in interface.addresses if each.version == 6],
        "ipv4_prefixes": [str(each) for each in interface.prefixes if each.version == 4],
        "ipv6_prefixes": [str(each) for each in interface.prefixes if each.version == 6],
        "security_groups": list(interface.group_ids),
        "attachment": attached,
    }
