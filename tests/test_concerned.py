"""Whom a change concerns."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, ip_address

import pytest

from sgsim.engine import concerned
from sgsim.model import (
    Direction,
    GroupReference,
    Interface,
    PrefixList,
    PrefixListReference,
    Rule,
    SecurityGroup,
    Subnet,
    Topology,
    Vpc,
)

ANY, CIDR = IPv4Network("0.0.0.0/0"), IPv4Network("10.0.0.0/16")


def group(name: str, *peers: object) -> SecurityGroup:
    rules = (Rule(f"{name}/{n}", name, Direction.INGRESS, 6, 80, 80, peer) for n, peer in enumerate(peers))
    return SecurityGroup(name, name, "vpc-1", tuple(rules), ())


def interface(name: str, address: str, *groups: str) -> Interface:
    return Interface(name, vpc_id="vpc-1", addresses=(ip_address(address),), group_ids=groups)


INTERFACES = (
    interface("eni-a", "10.0.0.1", "a"),
    interface("eni-b", "10.0.0.2", "b"),
    replace(interface("eni-c", "10.0.0.3", "c"), subnet_id="subnet-1"),
)
WORLD = Topology(
    groups={
        each.group_id: each
        for each in (
            group("a", ANY),
            group("b", GroupReference("a")),
            group("c", PrefixListReference("pl-1")),
            group("spare", GroupReference("b")),
        )
    },
    interfaces={each.interface_id: each for each in INTERFACES},
    prefix_lists={"pl-1": PrefixList("pl-1", "offices", 4, (ANY,))},
    vpcs={"vpc-1": Vpc("vpc-1")},
)  # fmt: skip
ALL = {"eni-a", "eni-b", "eni-c"}


def with_group(changed: SecurityGroup) -> Topology:
    return replace(WORLD, groups={**WORLD.groups, changed.group_id: changed})


def with_interface(changed: Interface) -> Topology:
    return replace(WORLD, interfaces={**WORLD.interfaces, changed.interface_id: changed})


A, B, C = INTERFACES
DESCRIBED = replace(WORLD.groups["a"], ingress=(replace(WORLD.groups["a"].ingress[0], description="new"),))
RENUMBERED = replace(WORLD.groups["a"], ingress=(replace(WORLD.groups["a"].ingress[0], rule_id="sgr-1"),))


@pytest.mark.parametrize(
    ("after", "wanted"),
    [
        (WORLD, set()),
        (with_group(replace(WORLD.groups["a"])), set()),
        (with_group(replace(DESCRIBED, name="other")), set()),
        (with_group(RENUMBERED), {"eni-a"}),
        (with_group(group("a")), {"eni-a"}),  # b's rules refer to a: to its members, not to its rules
        (with_group(replace(WORLD.groups["a"], vpc_id="vpc-2")), {"eni-a", "eni-b"}),
        (with_group(group("b")), {"eni-b"}),
        (with_group(group("new", ANY)), set()),
        (with_group(group("spare", ANY)), set()),
        (replace(WORLD, groups={name: each for name, each in WORLD.groups.items() if name != "a"}), {"eni-a", "eni-b"}),
        (with_interface(replace(C, name="other", public_addresses=(ip_address("192.0.2.1"),))), set()),
        (with_interface(replace(C, udp_timeout=60)), {"eni-c"}),
        (with_interface(replace(C, group_ids=("c", "a"))), {"eni-b", "eni-c"}),
        (with_interface(replace(A, addresses=(ip_address("10.0.0.9"),))), {"eni-a", "eni-b"}),
        (with_interface(interface("eni-d", "10.0.0.4", "spare")), {"eni-d"}),
        (replace(WORLD, interfaces={"eni-b": B, "eni-c": C}), {"eni-a", "eni-b"}),
        (replace(WORLD, prefix_lists={}), {"eni-c"}),
        (replace(WORLD, prefix_lists={"pl-1": PrefixList("pl-1", "branches", 4, (ANY,))}), set()),
        (replace(WORLD, prefix_lists={"pl-1": PrefixList("pl-1", "offices", 4, ())}), {"eni-c"}),
        (replace(WORLD, prefix_lists={**WORLD.prefix_lists, "pl-2": PrefixList("pl-2", "", 4, ())}), set()),
        (replace(WORLD, vpcs={"vpc-1": Vpc("vpc-1", CIDR)}), ALL),
        (replace(WORLD, vpcs={**WORLD.vpcs, "vpc-2": Vpc("vpc-2", CIDR)}), set()),
        (replace(WORLD, subnets={"subnet-1": Subnet("subnet-1", "vpc-1", CIDR)}), {"eni-c"}),
        (replace(WORLD, subnets={"subnet-2": Subnet("subnet-2", "vpc-1", CIDR)}), set()),
        (replace(WORLD, auto_tracked=(CIDR,)), ALL),
    ],
)
def test_who_is_concerned(after, wanted) -> None:
    """Those whose own settings, groups, rules or peers differ; both ways."""
    assert concerned(WORLD, after) == wanted
    assert concerned(after, WORLD) == wanted
