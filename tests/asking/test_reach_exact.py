"""What ``reach`` says of groups, tags and CIDRs is what ``query`` says of every single address."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from itertools import pairwise

import pytest

from sgsim.errors import SelectionError
from sgsim.model import Settings, Topology
from sgsim.query import Answer, query
from sgsim.reach import Reach, reach
from sgsim.sides import find_sides
from tests.differential.worlds import hosts_of, topology_of

CIDRS = (
    "10.0.0.0/26", "10.0.1.0/26", "10.0.1.224/27", "10.2.0.0/26", "10.1.2.0/27", "169.254.169.240/28", "224.0.0.0/29",
    "255.255.255.248/29", "203.0.113.0/28", "0.0.0.0/28", "2001:db8::/123", "2001:db8:1::/124", "fd00:ec2::250/125",
    "fe80::/125", "ff02::1:0/125",
)  # fmt: skip
SERVICES = (("tcp", 443), ("tcp", 0), ("udp", 53), ("udp", 68), ("icmp", None), ("47", None), ("58", None))


def worlds(count: int) -> Iterator[tuple[random.Random, Topology]]:
    for seed in range(count):
        rng = random.Random(f"reach {seed}")
        topology = topology_of(rng, hosts_of(rng))
        yield (
            rng,
            replace(
                topology,
                interfaces={
                    name: replace(each, name=rng.choice(("a", "b", ""))) for name, each in topology.interfaces.items()
                },
            ),
        )


def expand(names: tuple[str, ...]) -> list[str]:
    """The interfaces, and each address of the CIDRs, that a block names."""
    found = []
    for name in names:
        try:
            found += [str(address) for address in ip_network(name)]
        except ValueError:
            found.append(name)
    return found


def every(topology: Topology, who: str) -> list[str]:
    """Each single one that a side stands for, counted without ``sgsim.sides``."""
    if "/" in who:
        return [str(address) for address in ip_network(who)]
    if who.startswith("tag:Name="):
        return [i.interface_id for i in topology.interfaces.values() if i.name == who.removeprefix("tag:Name=")]
    if who in topology.groups:
        return [i.interface_id for i in topology.interfaces.values() if who in i.group_ids]
    return [who]


def fate(answer: Answer) -> tuple[object, ...]:
    """The verdict, and all that a gate does but whose gate it is; the reply's gates too."""
    gates = [(g.direction, g.reason, [rule.rule_id for rule in g.rules], g.tracked) for g in answer.gates]
    back = answer.reply and [(g.direction, g.reason) for g in answer.reply.gates]
    return str(answer.verdict), gates, back


def fates(found: Reach) -> dict[tuple[str, str], tuple[object, ...]]:
    """What each pair meets; a pair that two blocks name is an error."""
    told: dict[tuple[str, str], tuple[object, ...]] = {}
    for block in found.blocks:
        for source in expand(block.sources):
            for destination in expand(block.destinations):
                assert (source, destination) not in told, (source, destination)
                told[source, destination] = fate(block.answer)
    return told


def one_by_one(topology: Topology, sources: list[str], destinations: list[str], *service, **more) -> dict:
    """What ``query`` says of each pair, but for those that no gate sees or that cannot be asked about."""
    told = {}
    for source in sources:
        for destination in destinations:
            try:
                answer = query(topology, source, destination, *service, **more)
            except SelectionError:
                continue
            if not answer.local:
                told[source, destination] = fate(answer)
    return told


@pytest.mark.parametrize("place", range(0, 200, 20))
def test_every_single_address_meets_what_its_part_does(place):
    """Random worlds, CIDRs and services: each address asked alone gives the verdict of the one part that it is in."""
    asked = set()
    for number, (rng, topology) in enumerate(worlds(place + 20)):
        if number < place:
            continue
        whole = [*topology.interfaces, *topology.groups, "tag:Name=a", "8.8.8.8"]
        for cidr in rng.sample(CIDRS, 4):
            ends = [cidr, rng.choice(whole)]
            rng.shuffle(ends)
            service = rng.choice(SERVICES)
            settings = Settings(auto_tracked=(ip_network("10.0.1.16/29"),) if rng.random() < 0.5 else ())
            expected = one_by_one(topology, *(every(topology, end) for end in ends), *service, settings=settings)
            try:
                found = reach(topology, *ends, *service, settings=settings)
            except SelectionError:
                assert not expected, ends
                continue
            assert fates(found) == expected, (number, ends, service)
            answers = {verdict for verdict, *_ in expected.values()}
            assert found.answer == ("some" if len(answers) > 1 else {"allow": "all", "drop": "none"}[answers.pop()])
            asked.add(found.answer)
    assert len(asked) > 1


def test_groups_and_tags_are_all_of_their_interfaces():
    """Each member asked alone gives the verdict of its block; an interface to itself is in none."""
    asked = set()
    for number, (rng, topology) in enumerate(worlds(120)):
        names = [*topology.groups, *(f"tag:Name={name}" for name in "ab"), *topology.interfaces]
        ends = rng.sample(names, 2)
        if rng.random() < 0.2:
            ends[1] = ends[0]
        service = rng.choice(SERVICES)
        expected = one_by_one(topology, *(every(topology, end) for end in ends), *service)
        try:
            found = reach(topology, *ends, *service)
        except SelectionError:
            assert not expected, ends
            continue
        assert fates(found) == expected, (number, ends, service)
        asked.add(found.answer)
    assert asked == {"all", "some", "none"}


def test_two_cidrs_are_judged_pair_by_pair():
    """A CIDR to a CIDR: each pair of addresses that a gate sees is in one block, and no other pair is."""
    judged = 0
    for number, (rng, topology) in enumerate(worlds(60)):
        ends = [rng.choice(("10.0.0.0/28", "10.0.1.0/28", "10.1.1.0/29")), rng.choice(("10.0.1.0/28", "10.2.2.0/28"))]
        expected = one_by_one(topology, *(every(topology, end) for end in ends), "tcp", 443)
        if expected:
            judged += 1
            assert fates(reach(topology, *ends, "tcp", 443)) == expected, (number, ends)
    assert judged > 3


def test_the_parts_of_a_cidr_cover_it_once():
    """They follow one another without a gap, from its first to its last address, whatever the family."""
    for rng, topology in worlds(30):
        for cidr in (rng.choice(CIDRS), "0.0.0.0/0", "::/0"):
            network = ip_network(cidr)
            parts = find_sides(topology, cidr, "8.8.8.8")[0].parts
            assert (parts[0].first, parts[-1].last) == (network.network_address, network.broadcast_address)
            for one, following in pairwise(parts):
                assert one.last is not None
                assert following.first == one.last + 1


def test_a_setting_that_tells_addresses_apart_cuts():
    """A flow to a CIDR that is declared as tracked, by the snapshot or a setting, is no part with what is beside it."""
    topology = Topology(groups={}, interfaces={}, auto_tracked=(ip_network("198.18.0.0/30"),))
    parts = find_sides(topology, "198.18.0.0/28", "8.8.8.8", None, [ip_network("198.18.0.8/29")])[0].parts
    assert [part.names() for part in parts] == [["198.18.0.0/30"], ["198.18.0.4/30"], ["198.18.0.8/29"]]
