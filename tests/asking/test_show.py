"""What ``show`` says of each interface, in text and JSON."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from sgsim.cli import cli
from sgsim.effective import effective
from sgsim.errors import SelectionError
from sgsim.model import Direction, Packet, Settings
from sgsim.reference import ReferenceJudge
from sgsim.reports.effective import effective_text
from sgsim.sources import load_topology
from tests.differential.worlds import hosts_of, topology_of

ROOT = Path(__file__).resolve().parents[2]
WORLD = """
vpcs: {main: 10.0.0.0/16}
subnets: {front: {cidr: 10.0.1.0/24, vpc: main}}
prefix_lists: {corp: null, office: [192.0.2.0/24], nobody: []}
security_groups:
  web:
    ingress: [tcp 443 from any, udp 53 from corp, tcp 22 from office, tcp 23 from nobody, tcp 8080 from many]
    egress: [all to any]
  many: {}
  unused: {ingress: [tcp 1 from unused]}
interfaces:
  web-1: {addresses: [10.0.1.10], groups: [web], subnet: front}
  lone: {addresses: [10.0.1.11], groups: [unused], subnet: front}
  nat: {addresses: [10.0.9.9], groups: [], type: nat_gateway}
"""
MANY = "".join(f"  m-{n}: {{addresses: [10.0.7.{n}], groups: [many]}}\n" for n in range(1, 9))


@pytest.fixture
def snapshot(tmp_path):
    (tmp_path / "world.yaml").write_text(WORLD + MANY)
    return str(tmp_path / "world.yaml")


def show(*arguments: str):
    return CliRunner().invoke(cli, ["show", *arguments], catch_exceptions=False)


def test_the_text_says_what_each_rule_stands_for(snapshot):
    """Ids, addresses behind lists and groups (six at most), what is untracked, unresolved, empty, never filtered."""
    lines = [re.sub(" +", " ", line.strip()) for line in show(snapshot, "--eni", "web-1").stdout.splitlines()]
    for expected in (
        "web-1: 10.0.1.10, front in main",
        "tcp 443 from 0.0.0.0/0 web/ingress/0 tcp untracked",
        "udp 53 from corp web/ingress/2 unresolved: the snapshot does not say what its peer is",
        "tcp 22 from office web/ingress/3 192.0.2.0/24",
        "tcp 23 from nobody web/ingress/4 the list is empty",
        "tcp 8080 from many web/ingress/5 10.0.7.1, 10.0.7.2, 10.0.7.3, 10.0.7.4, 10.0.7.5, 10.0.7.6 and 2 more",
        "all to 0.0.0.0/0 web/egress/0",
    ):
        assert expected in lines, "\n".join(lines)
    assert "port 53 of 10.0.0.2 (the VPC's resolver); 10.0.1.1 (the subnet's router)." in lines[-1]


def test_an_interface_without_groups_and_one_whose_group_is_its_own(snapshot):
    """Nothing is filtered at the one; at the other its own address is the group's."""
    assert "No security groups: nothing is filtered here." in show(snapshot, "--eni", "nat").stdout
    assert "10.0.1.11" in show(snapshot, "--eni", "lone").stdout.split("Ingress:")[1]
    (nat,) = json.loads(show(snapshot, "--eni", "nat", "--json").stdout)
    assert (nat["filtered"], nat["rules"]) == (False, [])


def test_a_stale_rule_matches_nothing(snapshot):
    """A group of a peering that is gone."""
    topology = load_topology(snapshot)
    web = topology.groups["web"]
    (rule,) = [each for each in web.ingress if hasattr(each.peer, "group_id")]
    stale = replace(rule, peer=replace(rule.peer, peering_status="deleted", vpc_peering_connection_id="pcx-1"))
    changed = replace(topology, groups=topology.groups | {"web": replace(web, ingress=(stale,))})
    found = effective(changed, ["web-1"])
    assert [(each.stale, each.stands_for) for each in found[0].of(Direction.INGRESS)] == [(True, ())]
    assert "stale: it matches nothing" in effective_text(found, changed)


def test_an_address_in_two_vpcs_is_no_matter(tmp_path):
    """What holds at an interface does not depend on who else has its address."""
    (tmp_path / "s.yaml").write_text(
        "security_groups: {a: {vpc: v1}, b: {vpc: v2}}\nvpcs: {v1: 10.0.0.0/16, v2: 10.0.0.0/16}\n"
        "interfaces:\n  one: {addresses: [10.0.0.9], groups: [a], vpc: v1}\n"
        "  two: {addresses: [10.0.0.9], groups: [b], vpc: v2}\n"
    )
    assert show(str(tmp_path / "s.yaml")).exit_code == 0
    assert [each["eni"] for each in json.loads(show(str(tmp_path / "s.yaml"), "--vpc-id", "v2", "--json").stdout)] == [
        "two"
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--eni", "web-2"), "--eni web-2: no interface web-2 in the snapshot (there is web-1"),
        (("--vpc-id", "mian"), "--vpc-id mian: no such VPC in the snapshot (there is main)"),
    ],
)
def test_what_is_not_known_is_one_line(snapshot, options, message):
    """Exit code 2, and the nearest name."""
    ended = show(snapshot, *options)
    assert ended.exit_code == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_interface_whose_groups_are_not_described_is_refused(snapshot):
    """Rules that are not known cannot be shown."""
    topology = load_topology(snapshot)
    with pytest.raises(SelectionError, match="add describe-security-groups output"):
        effective(replace(topology, groups={}), ["web-1"])


def test_every_field_is_documented(snapshot):
    """docs/interface.md names the members of an interface and of a rule, in their order."""
    page = (ROOT / "docs/interface.md").read_text()
    section = page.split("\n## What holds at an interface (`show --json`)\n")[1].split("\n## ")[0]
    named = re.findall(r"^\| `(\w+)` \|", section, re.M)
    (web,) = json.loads(show(snapshot, "--eni", "web-1", "--json").stdout)
    assert named == [*web, *web["rules"][0]]


def test_what_is_said_agrees_with_the_judge():
    """In random worlds: what a rule stands for is let in by it, and what it lets in untracked leaves no entry."""
    shown = untracked = 0
    for seed in range(150):
        rng = random.Random(f"show {seed}")
        topology = topology_of(rng, hosts_of(rng))
        for each in effective(topology):
            judge = ReferenceJudge(topology, Settings())
            book, interface = judge.rulebook, each.interface
            assert [r.rule for r in each.rules] == [r for way in Direction for r in book.rules(interface, way)]
            for rule in each.rules:
                for text in rule.stands_for:
                    shown += 1
                    if "/" not in text:
                        (owner,) = [i for i in topology.interfaces.values() if text in map(str, i.addresses)]
                        assert book.matches_peer(
                            interface, rule.rule, next(a for a in owner.addresses if str(a) == text)
                        )
                if (rule.stale or rule.unresolved) and rule.stands_for:
                    raise AssertionError(rule)
                for name in rule.untracked:
                    packet = _initial(rule.rule, interface, {"tcp": 6, "udp": 17}[name])
                    if packet is not None and not book.exempt(interface, rule.rule.direction, packet):
                        untracked += 1
                        assert book.untracked(interface, rule.rule.direction, packet) or topology.auto_tracked
    assert (shown > 50, untracked > 5) == (True, True)


def _initial(rule, interface, protocol: int) -> Packet | None:
    """A packet that only asks for the rule, from or to nowhere in particular."""
    near = interface.primary(rule.peer.version)
    if near is None:
        return None
    far = rule.peer.network_address + (0xC6336407 if rule.peer.version == 4 else 0x2A << 120)  # 198.51.100.7, 2a00::
    src, dst = (far, near) if rule.direction is Direction.INGRESS else (near, far)
    port = rule.from_port if rule.from_port is not None else 9
    return Packet(0, src, dst, protocol, src_port=40000, dst_port=port, tcp_flags=2 if protocol == 6 else 0)
