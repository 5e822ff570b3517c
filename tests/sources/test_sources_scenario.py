"""Hand-written scenarios: the grammar of rules, names, defaults, and the errors people will meet."""

from __future__ import annotations

import json
from ipaddress import IPv4Network, IPv6Network
from ipaddress import ip_address as ip
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sgsim.errors import InputError
from sgsim.model import Direction, GroupReference, PrefixList, PrefixListReference, Rule, Subnet, Vpc
from sgsim.sources import load_topology, yamltree
from sgsim.sources.places import Place
from sgsim.sources.rulegrammar import parse_rule

EVERYWHERE4, EVERYWHERE6 = IPv4Network("0.0.0.0/0"), IPv6Network("::/0")
EXAMPLE = """
security_groups:
  web:
    ingress: [tcp 443 from 0.0.0.0/0, tcp 22 from 203.0.113.0/24, icmp 8 from any, all from self]
    egress: [all to any]            # left out: all to any, as AWS does; []: nothing
  db:
    ingress: [tcp 5432 from web]
prefix_lists: {corp: [198.51.100.0/24, 203.0.113.0/24]}
interfaces:
  web-1: {addresses: [10.0.1.10], groups: [web]}
  db-1: {addresses: [10.0.2.20, "2001:db8::20"], groups: [db], udp_timeout: 60}
"""
HERE = Place("f.yaml", "x")


def one_rule(load, rule: str, direction: str = "ingress") -> tuple[Rule, ...]:
    """The rules that one line makes in a group that knows another group and a list."""
    topology = load(
        f"security_groups:\n  web:\n    {direction}: ['{rule}']\n  db:\n    egress: []\n"
        "prefix_lists: {corp: [198.51.100.0/24]}\n"
    )
    return topology.groups["web"].rules(Direction(direction))


def test_the_documented_example(load) -> None:
    """The example of the documentation loads without a warning and means what it says."""
    topology = load(EXAMPLE, strict=True)
    web, db = topology.groups["web"], topology.groups["db"]
    assert [(r.rule_id, r.protocol, r.from_port, r.to_port, r.peer) for r in web.ingress] == [
        ("web/ingress/0", 6, 443, 443, EVERYWHERE4),
        ("web/ingress/1", 6, 22, 22, IPv4Network("203.0.113.0/24")),
        ("web/ingress/2", 1, 8, -1, EVERYWHERE4),
        ("web/ingress/3", 1, 8, -1, EVERYWHERE6),
        ("web/ingress/4", -1, None, None, GroupReference("web")),
    ]
    assert [rule.peer for rule in web.egress] == [EVERYWHERE4, EVERYWHERE6]
    assert [(rule.rule_id, rule.peer) for rule in db.egress] == [
        ("db/egress/0", EVERYWHERE4),
        ("db/egress/1", EVERYWHERE6),
    ]
    assert db.ingress[0].peer == GroupReference("web")
    assert topology.interfaces["db-1"].addresses == (ip("10.0.2.20"), ip("2001:db8::20"))
    assert topology.interfaces["db-1"].udp_timeout == 60
    assert topology.prefix_lists["corp"].family == 4


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("tcp from 10.0.0.0/8", (6, 0, 65535, IPv4Network("10.0.0.0/8"))),
        ("TCP 80-90 from 10.0.0.1", (6, 80, 90, IPv4Network("10.0.0.1/32"))),
        ("6 80 from 2001:db8::1", (6, 80, 80, IPv6Network("2001:db8::1/128"))),
        ("udp 53 from 2001:db8::/32", (17, 53, 53, IPv6Network("2001:db8::/32"))),
        ("icmp from 10.0.0.0/8", (1, -1, -1, IPv4Network("10.0.0.0/8"))),
        ("icmp 3/4 from 10.0.0.0/8", (1, 3, 4, IPv4Network("10.0.0.0/8"))),
        ("icmpv6 128 from ::/0", (58, 128, -1, EVERYWHERE6)),
        ("icmpv6 1/0 from ::/0", (58, 1, 0, EVERYWHERE6)),
        ("47 from 10.0.0.0/8", (47, None, None, IPv4Network("10.0.0.0/8"))),
        ("-1 from db", (-1, None, None, GroupReference("db"))),
        ("all from corp", (-1, None, None, PrefixListReference("corp"))),
    ],
)
def test_one_line_rules(load, rule: str, expected: tuple[object, ...]) -> None:
    """Protocols by name or number, ports, types and codes, every kind of peer."""
    (found,) = one_rule(load, rule)
    assert (found.protocol, found.from_port, found.to_port, found.peer) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("tcp 443", "'tcp 443' is no rule: PROTOCOL [PORTS] from PEER (such as "),
        ("tcp 443 to any", "ingress rules say 'from'"),
        ("http from any", "unknown protocol 'http'"),
        ("tcp http from any", "'http' is no port (write 443 or 8000-8100)"),
        ("tcp 70000 from any", "port 70000 is not in 0 to 65535"),
        ("tcp 90-80 from any", "the port range 90-80 is the wrong way round (write 80-90)"),
        ("icmp 8-9 from any", "'8-9' is no ICMP type (write 8 (any code) or 3/4 (type/code))"),
        ("icmp 300 from any", "ICMP type 300 is not in -1 to 255"),
        ("icmp -1/3 from any", "ICMP code 3 without a type"),
        ("all 80 from any", "AWS ignores ports but for tcp and udp"),
        ("tcp 443 from wbe", "'wbe' is no CIDR, address, group or prefix list (did you mean web?)"),
        ("tcp 443 from 10.0.0.0/33", "'10.0.0.0/33' has a prefix length above 32"),
        ("tcp 443 from 10.0.0.300", "'10.0.0.300' is no CIDR, address, group or prefix list"),
        ("tcp 443 from", "is no rule"),
        ("", "is no rule"),
    ],
)
def test_rules_that_are_none(refused, rule: str, expected: str) -> None:
    """The error names path and line, the rule and what to write."""
    line = refused(f"security_groups:\n  web:\n    ingress:\n      - all from any\n      - '{rule}'\n")
    assert line.startswith("snapshot.yaml: security_groups.web.ingress[1], line 5: ")
    assert expected in line


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        (
            "security_groups: {web: {ingres: []}}",
            "security_groups.web.ingres, line 1: unknown key 'ingres' (did you mean ingress?)",
        ),
        ("security_groups: {}\ninterface: {}", "interface, line 2: unknown key 'interface' (did you mean interfaces?)"),
        ("security_groups: {web: {}}\ninterfaces: {a: {addreses: []}}", "(did you mean addresses?)"),
        ("security_groups: [web]", "security_groups, line 1: a list where NAME: ... belongs"),
        (
            "security_groups: {web: {ingress: all from any}}",
            "'all from any' where a list belongs (write [a, b], or [] for nothing)",
        ),
        ("security_groups: {web: {egress: }}", "security_groups.web.egress, line 1: nothing where a list belongs"),
        ("security_groups: {web: {ingress: [{tcp: 1}]}}", "ingress[0], line 1: a mapping where text belongs"),
        ("security_groups: {web: {}, web: {}}", "security_groups.web, line 1: is given twice"),
        ("security_groups: {web: {}}\nprefix_lists: {web: []}", "prefix_lists.web, line 2: 'web' is a group too"),
        ("security_groups: {any: {}}", "'any' cannot name a group"),
        ("security_groups: {10.0.0.1: {}}", "'10.0.0.1' cannot name a group"),
        (
            "security_groups: {}\nprefix_lists: {p: [10.0.0.0/8, '::/0']}",
            "prefix_lists.p[1], line 2: '::/0' is an IPv6",
        ),
        (
            "security_groups: {}\ninterfaces: {a: {groups: []}}",
            "interfaces.a, line 2: the interface a has no addresses",
        ),
        (
            "security_groups: {w: {}}\ninterfaces: {a: {addresses: [10.0.0.1], groups: [v]}}",
            "there is no security group 'v'",
        ),
        (
            "security_groups: {}\ninterfaces: {a: {addresses: [10.0.0.1], udp_timeout: 61}}",
            "a.udp_timeout, line 2: 61 s is out",
        ),
        (
            "security_groups: {}\ninterfaces: {a: {addresses: [10.0.0.1], udp_timeout: 1:00}}",
            "'1:00' where a whole number",
        ),
        (
            "security_groups: {}\ninterfaces: {a: {addresses: [224.0.0.1]}}",
            "addresses[0], line 2: '224.0.0.1' is multicast",
        ),
        (
            "security_groups: {}\ninterfaces: {a: {addresses: [10.0.0.1]}, b: {addresses: [10.0.0.1]}}",
            "b owns the address 10.0.0.1, and so does a",
        ),
        (
            "security_groups: {}\nvpcs: {v: 10.0.0.0/16, w: 10.1.0.0/16}\nsubnets: {a: {cidr: 10.0.1.0/24}}",
            "does not say in which vpc",
        ),
        ("security_groups: {}\nvpcs: {v: 10.0.0.0/16}\nsubnets: {a: {vpc: v}}", "subnets.a, line 3: has no cidr"),
        ("security_groups: {web: {vpc: man}}\nvpcs: {main: 10.0.0.0/16}", "there is no vpc 'man' (did you mean main?)"),
        ("security_groups: {}\ninterfaces: {a: {addresses: [10.0.0.1], subnet: x}}", "there is no subnet 'x'"),
        (
            "security_groups: {}\nvpcs: {v: , w: }\npeerings: [{between: [v]}]",
            "peerings[0], line 3: is not between two VPCs",
        ),
        ("security_groups: {}\nvpcs: {v: , w: }\npeerings: [{between: [v, w]}, {between: [v, w]}]", "are peered twice"),
        ("security_groups: {}\nauto_tracked: [x]", "auto_tracked[0], line 2: 'x' is no CIDR"),
        ("security_groups: &a {web: *a}", "the alias *a is inside its own anchor"),
        ("security_groups: {web: !Sub x}", "security_groups.web, line 1: has a tag"),
        ("security_groups: {? [a] : b}", "a key that is no text"),
    ],
)
def test_scenarios_that_are_none(refused, scenario: str, expected: str) -> None:
    """Each is one line with the path, the line number where YAML told it, and a remedy."""
    assert expected in refused(scenario)


def test_contradicting_vpcs(refused) -> None:
    """An interface is in the VPC of its groups and of its subnet."""
    vpcs = "vpcs: {v: 10.0.0.0/16, w: 10.1.0.0/16}\nsecurity_groups: {g: {vpc: v}}\n"
    line = refused(vpcs + "interfaces: {a: {addresses: [10.0.0.1], groups: [g], vpc: w}}")
    assert "interfaces.a, line 3: is in the vpc w, but its groups or its subnet are in v" in line


def test_vpcs_subnets_and_peerings(load) -> None:
    """The VPC comes from the interface, its subnet, its groups or is the only one; peers refer over the peering."""
    topology = load(
        "vpcs: {main: 10.0.0.0/16, other: }\n"
        "subnets: {a: {cidr: 10.0.1.0/24, vpc: main}}\n"
        "peerings: [{between: [main, other]}]\n"
        "auto_tracked: [203.0.113.0/24, '2001:db8::/32']\n"
        "security_groups:\n"
        "  web: {vpc: main, ingress: [all from db]}\n"
        "  db: {vpc: other}\n"
        "interfaces:\n"
        "  web-1: {addresses: [10.0.1.10], subnet: a, groups: [web], type: interface, instance: i-1}\n"
        "  db-1: {addresses: [10.1.0.1], groups: [db], prefixes: [10.1.1.0/28], public_addresses: [198.51.100.7]}\n"
        "  nat: {addresses: [10.0.1.11], vpc: main, type: nat_gateway}\n",
        strict=True,
    )
    assert topology.vpcs == {
        "main": Vpc("main", IPv4Network("10.0.0.0/16"), "main"),
        "other": Vpc("other", None, "other"),
    }
    assert topology.subnets == {"a": Subnet("a", "main", IPv4Network("10.0.1.0/24"))}
    (peering,) = topology.peerings.values()
    assert peering.status == "active"
    assert topology.groups["web"].ingress[0].peer == GroupReference("db", "other", peering.vpc_peering_connection_id)
    assert [interface.vpc_id for interface in topology.interfaces.values()] == ["main", "other", "main"]
    assert topology.interfaces["web-1"].instance_id == "i-1"
    assert topology.interfaces["db-1"].prefixes == (IPv4Network("10.1.1.0/28"),)
    assert topology.interfaces["db-1"].public_addresses == (ip("198.51.100.7"),)
    assert topology.auto_tracked == (IPv4Network("203.0.113.0/24"), IPv6Network("2001:db8::/32"))


def test_the_only_vpc_is_the_default(load) -> None:
    """With one VPC, groups, subnets and interfaces are in it."""
    topology = load(
        "vpcs: {main: 10.0.0.0/16}\nsubnets: {a: {cidr: 10.0.1.0/24}}\n"
        "security_groups: {web: {}}\ninterfaces: {x: {addresses: [10.0.1.10], groups: [web]}}\n"
    )
    assert {topology.groups["web"].vpc_id, topology.subnets["a"].vpc_id, topology.interfaces["x"].vpc_id} == {"main"}


def test_group_of_an_unpeered_vpc_is_unresolved(load, refused) -> None:
    """Without a peering between the two VPCs the reference leads nowhere."""
    scenario = (
        "vpcs: {v: 10.0.0.0/16, w: 10.1.0.0/16}\n"
        "security_groups: {a: {vpc: v, ingress: [all from b]}, b: {vpc: w}}\n"
        "interfaces: {x: {addresses: [10.1.0.1], groups: [b]}}\n"
    )
    assert "the peering of the security group b is not in the snapshot" in load(scenario).warnings[0]
    assert "the peering of the security group b" in refused(scenario, strict=True)


def test_names_that_yaml_would_turn_into_something_else(load) -> None:
    """Numbers, booleans and sexagesimals are names as written."""
    topology = load(
        "security_groups:\n  123: {ingress: [all from on, all from 01:02]}\n  on: {}\n  01:02: {}\n"
        "interfaces: {1e3: {addresses: [10.0.0.1], groups: [123, on, 01:02]}}\n"
    )
    assert list(topology.groups) == ["123", "on", "01:02"]
    assert topology.interfaces["1e3"].group_ids == ("123", "on", "01:02")


def test_unknown_entries(load) -> None:
    """A prefix list with null has entries nobody knows; an empty one has none."""
    topology = load("security_groups: {w: {ingress: [all from p, all from q]}}\nprefix_lists: {p: null, q: []}\n")
    assert topology.prefix_lists == {"p": PrefixList("p", "p", None, None), "q": PrefixList("q", "q", None, ())}
    (warning,) = topology.warnings
    assert "the prefix list p has no known entries" in warning


def test_without_libyaml(load, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML without its C library reads the same."""
    fast = load(EXAMPLE)
    monkeypatch.setattr(yamltree, "_Loader", yaml.SafeLoader)
    assert load(EXAMPLE) == fast


def test_blank_group_and_blank_sections(load) -> None:
    """A group with nothing after its name has no ingress and AWS's egress; empty sections are none."""
    topology = load("security_groups:\n  web:\ninterfaces:\nprefix_lists:\n")
    assert topology.groups["web"].ingress == ()
    assert len(topology.groups["web"].egress) == 2


def test_doubtful_scenarios(load, refused) -> None:
    """Host bits, repeated rules and an interface without groups are warned of, and refused by strict loading."""
    for scenario, text in (
        (
            "security_groups: {w: {ingress: [tcp 1 from 10.0.0.1/8]}}",
            "'10.0.0.1/8' has host bits set: read as 10.0.0.0/8",
        ),
        ("security_groups: {w: {ingress: [all from any, all from 0.0.0.0/0]}}", "w/ingress/2 repeats w/ingress/0"),
        (
            "security_groups: {}\ninterfaces: {a: {addresses: [10.0.0.1]}}",
            "a has no security groups: it filters nothing",
        ),
    ):
        (warning,) = load(scenario).warnings
        assert text in warning
        assert text in refused(scenario, strict=True)


def test_scenario_in_json(tmp_path: Path) -> None:
    """JSON is YAML: a scenario may be written in it, numbers as numbers."""
    path = tmp_path / "s.json"
    interface = {"addresses": ["10.0.0.1"], "groups": ["web"], "udp_timeout": 45}
    path.write_text(
        json.dumps({"security_groups": {"web": {"ingress": []}}, "interfaces": {"a": interface}}, indent="\t")
    )
    assert load_topology(path).interfaces["a"].udp_timeout == 45


def test_shared_anchors_are_not_copied(load) -> None:
    """Aliases may be used, and nesting them does not multiply the work."""
    bomb = "\n".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 40))
    assert load("security_groups: {a: &g {ingress: [all from any]}, b: *g}").groups["b"].ingress[0].group_id == "b"
    with pytest.raises(InputError, match="nothing of use"):
        load("x0: &x0 [a]\n" + bomb)


@given(
    st.sampled_from(["tcp", "udp", "6", "17"]),
    st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(sorted),
    st.sampled_from(Direction),
    st.sampled_from(["any", "self", "10.0.0.0/8", "::1", "a group with blanks"]),
)
def test_written_rules_read_back(protocol: str, ports: list[int], direction: Direction, peer: str) -> None:
    """A rule written from its parts is read as those parts."""
    word = "from" if direction is Direction.INGRESS else "to"
    parsed = parse_rule(f" {protocol}  {ports[0]}-{ports[1]} {word} {peer}", direction, HERE)
    assert parsed == ({"tcp": 6, "udp": 17}.get(protocol) or int(protocol), *ports, peer)


@given(st.text(alphabet="tcp icmpv6all0123456789-/fromto :.x", max_size=30), st.sampled_from(Direction))
def test_any_text_as_a_rule(text: str, direction: Direction) -> None:
    """Any text is a rule or an input error that names its place."""
    try:
        parse_rule(text, direction, HERE)
    except InputError as error:
        place = error.place
    else:
        place = "x"
    assert place == "x"
