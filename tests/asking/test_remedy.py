"""The rule that is suggested for a gate really admits the packet there, written down in whichever form."""

from __future__ import annotations

import random
import shlex
from dataclasses import replace
from ipaddress import ip_network

import pytest

from sgsim.control import Caller, Cloud
from sgsim.errors import SelectionError
from sgsim.gates import Gate
from sgsim.model import ANY_PROTOCOL, Direction, Reason, Rule, Topology, Verdict
from sgsim.query import query
from sgsim.remedy import Remedy, remedy
from sgsim.sources import load_topology
from sgsim.sources.places import Place
from sgsim.sources.rulegrammar import parse_rule
from tests.differential.worlds import hosts_of, topology_of

NUMBERS = {"-1": ANY_PROTOCOL, "tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}


def rule_of(found: Remedy) -> Rule:
    """The permission as a rule of the model."""
    given = found.permission
    (block,) = given.get("IpRanges") or given["Ipv6Ranges"]
    protocol = NUMBERS.get(given["IpProtocol"]) or int(given["IpProtocol"])
    peer = ip_network(block.get("CidrIp") or block["CidrIpv6"])
    return Rule("new", found.group_id, found.direction, protocol, given.get("FromPort"), given.get("ToPort"), peer)


def with_rule(topology: Topology, rule: Rule) -> Topology:
    group = topology.groups[rule.group_id]
    way = str(rule.direction)
    changed = replace(group, **{way: (*group.rules(rule.direction), rule)})
    return replace(topology, groups=topology.groups | {group.group_id: changed})


def gate_at(gates: tuple[Gate, ...], like: Gate) -> Gate:
    return next(g for g in gates if (g.interface, g.direction) == (like.interface, like.direction))


def test_the_suggested_rule_admits_the_packet():
    """In random worlds each rule that is suggested makes its gate admit the packet; all of them make it pass."""
    suggested = set()
    for seed in range(300):
        rng = random.Random(f"remedy {seed}")
        hosts = hosts_of(rng)
        topology = topology_of(rng, hosts)
        service = rng.choice((("tcp", 443), ("udp", 53), ("icmp", None), ("1", None), ("58", None), ("47", None)))
        ends = (rng.choice([*topology.interfaces]), str(rng.choice(hosts)))
        source, destination = ends if rng.random() < 0.5 else ends[::-1]
        try:
            answer = query(topology, source, destination, *service)
        except SelectionError:
            continue
        found = [(gate, each) for gate in answer.gates if (each := remedy(gate, answer.packet))]
        assert all(gate.code for gate, _ in found)
        whole = topology
        for gate, each in found:
            after = query(with_rule(topology, rule_of(each)), source, destination, *service)
            assert gate_at(after.gates, gate).code is None, (seed, str(each))
            whole = with_rule(whole, rule_of(each))
            suggested.add(each.permission["IpProtocol"])
        if found:
            assert query(whole, source, destination, *service).verdict is Verdict.ALLOW, seed
    assert suggested >= {"tcp", "udp", "icmp", "icmpv6", "47", "-1"}


@pytest.mark.parametrize(
    ("service", "text"),
    [
        (("tcp", 22), "ingress tcp 22 from 10.0.1.5/32 in db"),
        (("icmp",), "ingress icmp 8/0 from 10.0.1.5/32 in db"),
        (("47",), "ingress 47 from 10.0.1.5/32 in db"),
    ],
)
def test_in_words_it_is_a_rule_of_a_scenario(service, text):
    """What a person reads can be pasted into a scenario's ingress rules."""
    answer = query("examples/three-tier/scenario.yaml", "bastion-1", "db-1", *service)
    found = remedy(answer.gates[1], answer.packet)
    assert found is not None
    assert str(found) == text
    assert found.command is None  # no group of AWS's
    words = text.removeprefix("ingress ").removesuffix(" in db")
    protocol, first, last, peer = parse_rule(words, Direction.INGRESS, Place("x"))
    rule = rule_of(found)
    assert (protocol, first, last, ip_network(peer)) == (rule.protocol, rule.from_port, rule.to_port, rule.peer)


def test_of_a_packet_inside_the_other_ip_version_all_protocols_are_let_in():
    """ICMP over IPv6 is no rule's but that of all protocols."""
    answer = query("examples/three-tier/scenario.yaml", "2001:db8:9::1", "web-1", "1")
    found = remedy(answer.gates[0], answer.packet)
    assert str(found) == "ingress all from 2001:db8:9::1/128 in web"


@pytest.mark.parametrize("six", [False, True], ids=["IPv4", "IPv6"])
def test_the_command_is_a_call_that_ec2_takes(six, tmp_path):
    """The AWS CLI's words, told to the control plane, let the packet pass."""
    from awscli.shorthand import ShorthandParser  # type: ignore[import-untyped]

    vpc = "vpc-0123456789abcdef0"
    text = f"""
    security_groups:
      sg-0123456789abcdef0: {{vpc: {vpc}, ingress: [], egress: []}}
    vpcs: {{{vpc}: 10.0.0.0/16}}
    interfaces:
      eni-0123456789abcdef0: {{addresses: [10.0.0.5, "2001:db8::5"], groups: [sg-0123456789abcdef0], vpc: {vpc}}}
    """
    (tmp_path / "s.yaml").write_text(text)
    ends = ("2001:db8:9::1" if six else "192.0.2.1", "eni-0123456789abcdef0", "tcp", 443)
    topology = load_topology(tmp_path / "s.yaml")
    answer = query(topology, *ends)
    assert answer.gates[0].reason is Reason.NO_RULE
    found = remedy(answer.gates[0], answer.packet)
    assert found is not None
    assert found.command is not None
    words = shlex.split(found.command)
    assert words[:3] == ["aws", "ec2", "authorize-security-group-ingress"]
    permission = ShorthandParser().parse(words[words.index("--ip-permissions") + 1])
    permission |= {key: int(permission[key]) for key in ("FromPort", "ToPort")}
    assert permission == found.permission
    cloud = Cloud.of(topology, "123456789012", "us-east-1")
    cloud.call(
        "AuthorizeSecurityGroupIngress",
        {"GroupId": words[words.index("--group-id") + 1], "IpPermissions": [permission]},
        caller=Caller("123456789012", "us-east-1"),
    )
    assert query(cloud.snapshot(), *ends).verdict is Verdict.ALLOW


def test_an_allowed_packet_and_an_open_gate_need_nothing():
    """No rule is suggested where a rule admits the packet already, also at the gate that it does not reach."""
    passed = query("examples/three-tier/scenario.yaml", "app-1", "db-1", "tcp", 5432)
    assert [remedy(gate, passed.packet) for gate in passed.gates] == [None, None]
    unreached = query("examples/three-tier/scenario.yaml", "db-1", "web-1", "tcp", 443)
    assert [remedy(gate, unreached.packet) is None for gate in unreached.gates] == [False, True]
