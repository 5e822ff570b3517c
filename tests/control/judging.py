"""What the rules mean does not depend on how they came: the topologies of the cloud, of its state and of what it
describes judge every packet alike."""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from random import Random

from sgsim.model import Address, Direction, GroupReference, Packet, Settings, Topology
from sgsim.reference import ReferenceJudge
from sgsim.reference.rules import RuleBook
from sgsim.sources import load_topology
from tests.control.naive import Record
from tests.control.naive.rules import is_stale
from tests.control.twins import ACCOUNTS, Twins

ELSEWHERE = ("10.1.2.3", "192.0.2.9", "198.51.100.7", "203.0.113.1", "2001:db8::9", "2001:db8:1::9", "fd00::5")
PORTS = (22, 23, 53, 80)
#: Operation -> the member of its answer and of a file of describe output, and the id that tells its records apart.
FILES = {
    "DescribeSecurityGroups": ("SecurityGroups", "GroupId"),
    "DescribeSecurityGroupRules": ("SecurityGroupRules", "SecurityGroupRuleId"),
    "DescribeNetworkInterfaces": ("NetworkInterfaces", "NetworkInterfaceId"),
    "DescribeManagedPrefixLists": ("PrefixLists", "PrefixListId"),
    "DescribeVpcs": ("Vpcs", "VpcId"),
    "DescribeSubnets": ("Subnets", "SubnetId"),
    "DescribeVpcPeeringConnections": ("VpcPeeringConnections", "VpcPeeringConnectionId"),
    "DescribeSecurityGroupVpcAssociations": ("SecurityGroupVpcAssociations", ""),
}


def write_described(twins: Twins, folder: Path) -> None:
    """The answers of describe calls, as a user of both accounts would have saved them."""
    folder.mkdir()
    for operation, (member, key) in FILES.items():
        records: dict[object, Record] = {}
        for account in ACCOUNTS:
            for record in twins.answers[account, operation, ""]:
                records.setdefault(record[key] if key else len(records), record)
        text = json.dumps({member: list(records.values())}, default=str)
        (folder / f"{operation}.json").write_text(text)
    for (_, operation, about), entries in twins.answers.items():
        name, _, version = about.partition(" ")
        if operation == "GetManagedPrefixListEntries" and int(version) == twins.world.lists[name]["version"]:
            (folder / f"{name}.json").write_text(json.dumps({"Entries": entries}))


def packets(rng: Random, addresses: Iterable[Address], number: int) -> list[Packet]:
    hosts = [*addresses, *map(ip_address, ELSEWHERE)]
    made = []
    for n in range(number):
        source = rng.choice(hosts)
        target = rng.choice([host for host in hosts if host.version == source.version])
        protocol = rng.choice((6, 6, 6, 17, 50, 1 if source.version == 4 else 58))
        if protocol in (1, 58):
            kind = rng.choice((8, 3, 128))
            made.append(Packet(n, source, target, protocol, icmp_type=kind, icmp_code=rng.choice((0, 4)), icmp_id=7))
        elif protocol == 50:
            made.append(Packet(n, source, target, protocol))
        else:
            port, flags = rng.choice(PORTS), 2 if protocol == 6 else 0
            made.append(Packet(n, source, target, protocol, 49152, port, flags))
    return made


def verdicts(topology: Topology, vpc: str, stream: list[Packet]) -> list[object]:
    """Of the gates of one VPC: addresses of others may be the same."""
    selected = [name for name, each in topology.interfaces.items() if each.vpc_id == vpc]
    judge = ReferenceJudge(topology, selected=selected)
    found: list[object] = []
    for packet in stream:
        decisions = judge.judge(packet)
        if isinstance(decisions, list):
            for each in decisions:
                rule = each.rule.rule_id if each.rule else None
                found.append((each.interface_id, each.direction, each.verdict, each.reason, rule, each.tracked))
        else:
            found.append(decisions)
    return found


def assert_judged_alike(rng: Random, twins: Twins, folder: Path) -> None:
    """``folder`` is an empty one."""
    topology = twins.cloud.snapshot()
    state = folder / "state.json"
    state.write_bytes(twins.cloud.state()[1])
    write_described(twins, folder / "described")
    others = [load_topology(state), load_topology(folder / "described")]
    vpcs = sorted({each.vpc_id for each in topology.interfaces.values() if each.vpc_id})
    for vpc in rng.sample(vpcs, min(2, len(vpcs))):
        addresses = [a for each in topology.interfaces.values() for a in each.addresses]
        stream = packets(rng, addresses, 40)
        expected = verdicts(topology, vpc, stream)
        for other in others:
            assert verdicts(other, vpc, stream) == expected
        for each in (topology, *others):
            _assert_stale(twins, each, vpc)


def _assert_stale(twins: Twins, topology: Topology, vpc: str) -> None:
    """A reference matches nothing where the model says that it is stale, and only there can it be so."""
    book = RuleBook(topology, Settings())
    for interface in topology.interfaces.values():
        for rule in (r for d in Direction for r in book.rules(interface, d)) if interface.vpc_id == vpc else ():
            if isinstance(rule.peer, GroupReference):
                peers = book.peers(interface, rule)
                assert peers.resolved, rule
                assert peers.stale == is_stale(twins.world, twins.world.rules[rule.rule_id]), rule
                assert not (peers.stale and peers.owners), rule


def assert_topology(twins: Twins) -> None:
    """The topology of the cloud says what the model knows, in the order that decides which rule is credited."""
    topology, world = twins.cloud.snapshot(), twins.world
    assert topology.groups.keys() == world.groups.keys()
    assert {rule.rule_id for rule in topology.rules()} == world.rules.keys()
    assert topology.interfaces.keys() == world.interfaces.keys()
    for name, interface in world.interfaces.items():
        assert list(topology.interfaces[name].group_ids) == interface["groups"]
        assert [str(each) for each in topology.interfaces[name].addresses] == interface["addresses"]
        assert topology.interfaces[name].instance_id == interface["instance"]
    for name, listed in world.lists.items():
        entries = topology.prefix_lists[name].entries
        if listed["account"] == "AWS":
            assert entries is None
        else:
            assert sorted(map(str, entries or ())) == sorted(listed["versions"][listed["version"]])
    assert {(each.group_id, each.vpc_id) for each in topology.associations} == set(world.associations)
    described = {
        (account, rule["SecurityGroupRuleId"]): n
        for account in ACCOUNTS
        for n, rule in enumerate(twins.answers[account, "DescribeSecurityGroupRules", ""])
    }
    for group in topology.groups.values():
        owner = world.groups[group.group_id]["account"]
        for rules in (group.ingress, group.egress):
            places = [described[owner, rule.rule_id] for rule in rules]
            assert places == sorted(places)
