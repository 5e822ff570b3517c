"""The answers of ``query``: gates, rules, what came nearest, codes, replies, and who is meant."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgsim.errors import SelectionError
from sgsim.model import (
    Direction,
    GroupReference,
    Interface,
    PrefixListReference,
    Reason,
    Rule,
    SecurityGroup,
    Subnet,
    Topology,
    Verdict,
    Vpc,
)
from sgsim.query import query
from sgsim.reports.answer import answer_text

ALL4, ALL6 = IPv4Network("0.0.0.0/0"), IPv6Network("::/0")


def group(name: str, ingress: list[tuple], egress: list[tuple], vpc: str = "vpc-a") -> SecurityGroup:
    """A group of (protocol, from, to, peer) tuples; rules are named GROUP/direction/N."""
    rules = {
        direction: tuple(
            Rule(f"{name}/{direction}/{place}", name, direction, *parts) for place, parts in enumerate(given_rules)
        )
        for direction, given_rules in ((Direction.INGRESS, ingress), (Direction.EGRESS, egress))
    }
    return SecurityGroup(name, name, vpc, rules[Direction.INGRESS], rules[Direction.EGRESS])


EVERYTHING = [(-1, None, None, ALL4), (-1, None, None, ALL6)]
WEB = group("sg-web", [(6, 443, 443, ALL4), (1, 8, -1, ALL4), (58, 128, -1, ALL6)], EVERYTHING)
DB = group(
    "sg-db",
    [
        (6, 5432, 5432, GroupReference("sg-web")),
        (17, 53, 53, ALL4),
        (6, 5400, 5500, IPv4Network("10.0.0.0/8")),
        (6, 22, 22, IPv4Network("192.0.2.0/24")),
    ],
    [],
)
DOUBT = group(
    "sg-doubt", [(6, 80, 80, GroupReference("sg-gone")), (6, 81, 81, PrefixListReference("pl-1"))], EVERYTHING
)


def interface(eni: str, addresses: str, *groups: str, **more: object) -> Interface:
    return Interface(eni, vpc_id="vpc-a", addresses=tuple(map(ip_address, addresses.split())), group_ids=groups, **more)


TOPOLOGY = Topology(
    groups={g.group_id: g for g in (WEB, DB, DOUBT)},
    interfaces={
        i.interface_id: i
        for i in (
            interface("eni-web", "10.0.1.10 2001:db8::10", "sg-web", name="web", instance_id="i-1", device_index=0),
            interface("eni-web2", "10.0.1.11", "sg-web", instance_id="i-1", device_index=1),
            interface("eni-db", "10.0.2.20", "sg-db", name="db", public_addresses=(IPv4Address("198.51.100.7"),)),
            interface("eni-doubt", "10.0.3.30", "sg-doubt", subnet_id="subnet-1"),
            interface("eni-nat", "10.0.4.40", interface_type="nat_gateway"),
            interface("eni-twin1", "10.0.5.50", "sg-web", name="twin"),
            interface("eni-twin2", "10.0.5.51", "sg-web", name="twin", prefixes=(IPv4Network("10.0.6.0/28"),)),
        )
    },
    vpcs={"vpc-a": Vpc("vpc-a", IPv4Network("10.0.0.0/16"))},
    subnets={"subnet-1": Subnet("subnet-1", "vpc-a", IPv4Network("10.0.3.0/24"))},
)


def ids(gate) -> list[str]:
    return [rule.rule_id for rule in gate.rules]


def test_all_matching_rules_are_listed_in_credit_order():
    """The receiver's gate lists every rule that admits the packet, not only the credited one."""
    answer = query(TOPOLOGY, "eni-web", "eni-db", "tcp", 5432)
    assert answer.verdict is Verdict.ALLOW
    sender, receiver = answer.gates
    assert (sender.direction, receiver.direction) == (Direction.EGRESS, Direction.INGRESS)
    assert ids(sender) == ["sg-web/egress/0"]
    assert ids(receiver) == ["sg-db/ingress/0", "sg-db/ingress/2"]
    assert (receiver.tracked, receiver.code, receiver.nearest) == (True, None, ())


def test_the_reply_meets_the_entries_in_reverse():
    """The reply to an allowed packet passes both gates as tracked, the other side's first."""
    reply = query(TOPOLOGY, "eni-web", "eni-db", "tcp", 5432).reply
    assert reply is not None
    assert [(g.interface.interface_id, str(g.direction), g.reason) for g in reply.gates] == [
        ("eni-db", "egress", Reason.TRACKED),
        ("eni-web", "ingress", Reason.TRACKED),
    ]
    assert (reply.packet.src_port, reply.packet.dst_port, reply.packet.tcp_flags) == (5432, 49152, 0x12)


def test_the_nearest_rules_fail_the_fewest_fields():
    """At most three near misses, the fewest failed fields first, ties in credit order."""
    receiver = query(TOPOLOGY, "eni-web", "eni-db", "tcp", 53).gates[1]
    assert receiver.code == "ENI_SG_RULES_MISMATCH"
    assert [(miss.rule.rule_id, miss.failed_on) for miss in receiver.nearest] == [
        ("sg-db/ingress/0", ("port",)),
        ("sg-db/ingress/1", ("protocol",)),
        ("sg-db/ingress/2", ("port",)),
    ]


def test_a_gate_behind_a_drop_is_not_reached_but_still_explained():
    """A sender without rules drops with SG_HAS_NO_RULES; the receiver's gate says what it would have admitted."""
    answer = query(TOPOLOGY, "eni-db", "eni-web", "tcp", 443)
    sender, receiver = answer.gates
    assert (answer.verdict, answer.reply) == (Verdict.DROP, None)
    assert (sender.reason, sender.code, sender.nearest) == (Reason.NO_RULE, "SG_HAS_NO_RULES", ())
    assert (receiver.reason, receiver.code, ids(receiver)) == (Reason.NOT_REACHED, None, ["sg-web/ingress/0"])


@pytest.mark.parametrize(("port", "rule"), [(80, 0), (81, 1)])
def test_an_unresolved_peer_has_a_code_of_its_own(port: int, rule: int):
    """A packet that only a rule with an unknown peer might admit is dropped as unresolved."""
    receiver = query(TOPOLOGY, "eni-web", "eni-doubt", "tcp", port).gates[1]
    assert (receiver.reason, receiver.code) == (Reason.UNRESOLVED, "UNKNOWN_PEERED_SGS")
    assert receiver.nearest[0].rule.rule_id == f"sg-doubt/ingress/{rule}"
    assert receiver.nearest[0].failed_on == ("peer",)


def test_exempt_and_unfiltered_gates_need_no_rules():
    """The subnet's router is never filtered, an interface without groups filters nothing; both say so in words."""
    router = query(TOPOLOGY, "eni-doubt", "10.0.3.1", "tcp", 9)
    assert [(g.reason, g.rules, g.tracked) for g in router.gates] == [(Reason.EXEMPT, (), False)]
    assert router.reply is not None
    assert router.reply.gates[0].reason is Reason.EXEMPT
    nat = query(TOPOLOGY, "eni-nat", "eni-web", "tcp", 443)
    assert [g.reason for g in nat.gates] == [Reason.UNFILTERED, Reason.RULE]
    assert "no security groups" in answer_text(nat, TOPOLOGY)
    assert "never filtered" in answer_text(router, TOPOLOGY)


def test_an_untracked_flow_says_so_and_its_reply_passes_by_rules():
    """HTTPS from everywhere with open egress leaves no entry; the reply is judged by the egress rule."""
    answer = query(TOPOLOGY, "203.0.113.9", "eni-web", "tcp", 443)
    assert [(g.reason, g.tracked) for g in answer.gates] == [(Reason.RULE, False)]
    assert answer.reply is not None
    assert [(g.reason, ids(g)) for g in answer.reply.gates] == [(Reason.RULE, ["sg-web/egress/0"])]
    assert "203.0.113.9 is not in the snapshot" in answer_text(answer, TOPOLOGY)


def test_icmp_is_an_echo_request_by_default_and_follows_the_family():
    """icmp is type 8 over IPv4, ICMPv6's type 128 over IPv6; the reply is the echo reply."""
    four = query(TOPOLOGY, "203.0.113.9", "eni-web", "icmp")
    six = query(TOPOLOGY, "2001:db8:1::1", "eni-web", "icmp")
    assert (four.packet.protocol, four.packet.icmp_type, four.packet.icmp_code) == (1, 8, 0)
    assert (six.packet.protocol, six.packet.icmp_type) == (58, 128)
    assert four.reply is not None
    assert six.reply is not None
    assert (four.reply.packet.icmp_type, six.reply.packet.icmp_type) == (0, 129)
    assert six.reply.gates[0].reason is Reason.TRACKED


def test_icmp_that_asks_nothing_has_no_reply():
    """An unreachable message is no request: its reply is null."""
    answer = query(TOPOLOGY, "eni-web", "203.0.113.9", "icmp", icmp_type=3, icmp_code=1)
    assert (answer.verdict, answer.reply, answer.gates[0].tracked) == (Verdict.ALLOW, None, False)


def test_any_other_protocol_is_answered_in_its_own():
    """GRE has no ports; its reply meets the entry of the reverse direction."""
    answer = query(TOPOLOGY, "eni-web", "203.0.113.9", "47")
    assert answer.reply is not None
    assert [g.reason for g in answer.reply.gates] == [Reason.TRACKED]


def test_one_interface_at_both_ends_is_never_filtered():
    """A packet from an interface to itself meets no gate."""
    answer = query(TOPOLOGY, "eni-web", "10.0.1.10", "tcp", 1)
    assert (answer.local, answer.verdict, answer.as_json()) == (
        True,
        Verdict.ALLOW,
        {"verdict": "allow", "gates": [], "reply": None},
    )
    assert "never leaves its host" in answer_text(answer, TOPOLOGY)


@pytest.mark.parametrize(
    ("who", "eni"),
    [
        ("eni-web2", "eni-web2"),
        ("web", "eni-web"),
        ("i-1", "eni-web"),
        ("10.0.1.11", "eni-web2"),
        ("10.0.6.3", "eni-twin2"),
    ],
)
def test_who_is_an_id_a_name_an_instance_or_an_address(who: str, eni: str):
    """Every way to name an end finds its interface; an address in a delegated prefix is its owner's."""
    answer = query(TOPOLOGY, who, "203.0.113.9", "tcp", 80)
    assert answer.gates[0].interface.interface_id == eni
    if who[0].isdigit():
        assert str(answer.packet.src) == who


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("twin", "eni-db", "tcp", 1), "eni-twin1 (vpc-a), eni-twin2 (vpc-a); name the interface by its id"),
        (("192.0.2.1", "192.0.2.2", "tcp", 1), "neither 192.0.2.1 nor 192.0.2.2 is known"),
        (
            ("192.0.2.1", "198.51.100.7", "tcp", 1),
            "198.51.100.7 is the public address of eni-db: its private one is 10.0.2.20",
        ),
        (
            ("wep", "eni-db", "tcp", 1),
            "wep: no interface, Name tag or instance of the snapshot, and no address (there is web",
        ),
        (("eni-web", "eni-db", "tcp"), "add --port"),
        (("eni-web", "eni-db", "icmp", 7), "leave out --port 7"),
        (("eni-web", "eni-db", "tcpp", 7), "unknown protocol 'tcpp'"),
        (("eni-web", "eni-db", "256"), "unknown protocol '256'"),
        (("eni-web", "2001:db8::99", "tcp", 70_000), "port 70000 is not from 0 to 65535"),
        (("eni-db", "2001:db8::99", "tcp", 7), "no address family in common"),
        (("eni-db", "eni-web", "icmpv6"), "eni-db has no IPv6 address"),
    ],
)
def test_a_question_that_cannot_be_asked_is_one_clear_line(arguments: tuple, part: str):
    """Errors name the value and the remedy."""
    with pytest.raises(SelectionError) as refusal:
        query(TOPOLOGY, *arguments)
    assert part in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "part"), [({"icmp_type": 8}, "not to protocol 6"), ({"family": 6}, "eni-db has no IPv6")]
)
def test_options_that_do_not_fit_are_refused(options: dict, part: str):
    """ICMP types belong to ICMP, and a family must be one that both ends have."""
    with pytest.raises(SelectionError, match=part):
        query(TOPOLOGY, "eni-web", "eni-db", "tcp", 1, **options)


def test_the_family_is_ipv4_where_both_ends_have_both():
    """IPv4 goes first; a family that is asked for is used."""
    topology = replace(
        TOPOLOGY, interfaces={**TOPOLOGY.interfaces, "eni-six": interface("eni-six", "10.0.7.7 2001:db8::7", "sg-web")}
    )
    assert query(topology, "eni-web", "eni-six", "tcp", 443).packet.src.version == 4
    assert query(topology, "eni-web", "eni-six", "tcp", 443, family=6).packet.src == IPv6Address("2001:db8::10")


def test_an_address_of_several_vpcs_asks_which_one_is_meant():
    """An address with owners in two VPCs needs --vpc-id, which must be a VPC of the snapshot."""
    other = replace(TOPOLOGY.interfaces["eni-db"], interface_id="eni-else", vpc_id="vpc-b")
    topology = replace(TOPOLOGY, interfaces={**TOPOLOGY.interfaces, "eni-else": other})
    with pytest.raises(SelectionError, match="choose with --vpc-id"):
        query(topology, "eni-web", "10.0.2.20", "tcp", 5432)
    answer = query(topology, "eni-web", "10.0.2.20", "tcp", 5432, vpc_id="vpc-a")
    assert answer.gates[1].interface.interface_id == "eni-db"
    with pytest.raises(SelectionError, match="vpc-c: no such VPC"):
        query(topology, "eni-web", "10.0.2.20", "tcp", 5432, vpc_id="vpc-c")


def test_an_interface_whose_group_is_not_described_cannot_be_asked_about():
    """A group that the snapshot lacks is an error that names the missing describe output."""
    lost = replace(TOPOLOGY.interfaces["eni-db"], group_ids=("sg-lost",))
    topology = replace(TOPOLOGY, interfaces={"eni-db": lost})
    with pytest.raises(SelectionError, match=r"sg-lost.*describe-security-groups"):
        query(topology, "192.0.2.1", "eni-db", "tcp", 1)


def test_the_json_object_has_exactly_the_documented_fields():
    """The shape of docs/interface.md, the reply's too."""
    found = query(TOPOLOGY, "eni-web", "eni-db", "tcp", 5432).as_json()
    assert list(found) == ["verdict", "gates", "reply"]
    fields = ["eni", "direction", "verdict", "reason", "code", "rules", "tracked", "nearest", "change"]
    assert [list(gate) for gate in (*found["gates"], *found["reply"]["gates"])] == [fields] * 4
    dropped = query(TOPOLOGY, "eni-web", "eni-db", "tcp", 1).as_json()
    assert dropped["gates"][1]["nearest"][0] == {"rule": "sg-db/ingress/0", "failed_on": ["port"]}


@given(
    protocol=st.sampled_from(["tcp", "udp", "icmp", 47]),
    port=st.integers(0, 65535),
    ends=st.permutations(["eni-web", "eni-db", "eni-doubt", "203.0.113.9"]),
)
def test_a_gate_either_admits_or_names_what_is_missing(protocol: str, port: int, ends: list[str]):
    """Whatever is asked: a gate that drops lists no admitting rule, has a code and at most three near misses, each of
    which fails on something; a gate that admits by rule has rules and no code."""
    if ends[0][0] == ends[1][0] == "2":
        return
    answer = query(TOPOLOGY, ends[0], ends[1], protocol, port if protocol in ("tcp", "udp") else None)
    for gate in answer.gates:
        assert len(gate.nearest) <= 3
        assert all(miss.failed_on for miss in gate.nearest)
        if gate.reason is Reason.RULE:
            assert gate.rules
            assert gate.code is None
        elif gate.reason in (Reason.NO_RULE, Reason.UNRESOLVED):
            assert not gate.rules
            assert gate.code
    assert (answer.reply is None) == (answer.verdict is Verdict.DROP)
    assert answer_text(answer, TOPOLOGY).startswith(answer.verdict.upper())
