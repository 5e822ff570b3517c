"""Describe output's permissions -> rules: names, order, protocols, ports, peers."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgsim.errors import InputError
from sgsim.model import GroupReference, PrefixListReference
from sgsim.sources.checks import network, port_range, protocol_number
from sgsim.sources.places import Notes, Place

ANY = [{"CidrIp": "0.0.0.0/0"}]
HERE = Place("f.json", "X")


def groups(*permissions: dict[str, Any], egress: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """A snapshot of one group, sg-1."""
    group = {
        "GroupId": "sg-1",
        "VpcId": "vpc-1",
        "IpPermissions": list(permissions),
        "IpPermissionsEgress": egress or [],
    }
    return {"SecurityGroups": [group], **more}


def tcp(first: int, last: int, **peers: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": first, "ToPort": last, **(peers or {"IpRanges": ANY})}


def listed(rule_id: str, **fields: Any) -> dict[str, Any]:
    """One of SecurityGroupRules, of sg-1."""
    base = {"SecurityGroupRuleId": rule_id, "GroupId": "sg-1", "IsEgress": False, "IpProtocol": "-1"}
    return base | {"FromPort": -1, "ToPort": -1} | fields


def test_order_and_names_of_rules(load) -> None:
    """Permissions as listed, in each IPv4, IPv6, prefix lists, groups; names count from 0 in each direction."""
    permission = tcp(
        80,
        81,
        UserIdGroupPairs=[{"GroupId": "sg-1"}],
        PrefixListIds=[{"PrefixListId": "pl-1"}],
        Ipv6Ranges=[{"CidrIpv6": "::/0"}],
        IpRanges=[{"CidrIp": "10.0.0.0/8", "Description": "inside"}, *ANY],
    )
    group = load(groups(permission, tcp(22, 22), egress=[{"IpProtocol": "-1", "IpRanges": ANY}])).groups["sg-1"]
    assert [(rule.rule_id, rule.peer) for rule in group.ingress] == [
        ("sg-1/ingress/0", IPv4Network("10.0.0.0/8")),
        ("sg-1/ingress/1", IPv4Network("0.0.0.0/0")),
        ("sg-1/ingress/2", IPv6Network("::/0")),
        ("sg-1/ingress/3", PrefixListReference("pl-1")),
        ("sg-1/ingress/4", GroupReference("sg-1")),
        ("sg-1/ingress/5", IPv4Network("0.0.0.0/0")),
    ]
    assert group.ingress[0].description == "inside"
    assert [rule.rule_id for rule in group.egress] == ["sg-1/egress/0"]


def test_ids_and_descriptions_from_security_group_rules(load) -> None:
    """Where both are given, order is of SecurityGroups, ids and descriptions of SecurityGroupRules."""
    snapshot = groups(
        tcp(22, 22, IpRanges=[{"CidrIp": "10.0.0.0/8", "Description": "old"}], UserIdGroupPairs=[{"GroupId": "sg-1"}]),
        egress=[{"IpProtocol": "-1", "IpRanges": ANY}],
        SecurityGroupRules=[
            listed("sgr-out", IsEgress=True, CidrIpv4="0.0.0.0/0"),
            listed("sgr-ref", IpProtocol="tcp", FromPort=22, ToPort=22, ReferencedGroupInfo={"GroupId": "sg-1"}),
            listed("sgr-ssh", IpProtocol="6", FromPort=22, ToPort=22, CidrIpv4="10.0.0.0/8", Description="new"),
        ],
    )
    topology = load(snapshot)
    group = topology.groups["sg-1"]
    assert [rule.rule_id for rule in group.ingress + group.egress] == ["sgr-ssh", "sgr-ref", "sgr-out"]
    assert group.ingress[0].description == "new"
    assert topology.warnings == ()


def test_differing_lists_of_rules_are_doubtful(load, refused) -> None:
    """Rules that only one of the two lists has are warned of; SecurityGroups count."""
    snapshot = groups(tcp(22, 22), SecurityGroupRules=[listed("sgr-1", CidrIpv6="::/0")])
    topology = load(snapshot)
    assert [rule.rule_id for rule in topology.groups["sg-1"].ingress] == ["sg-1/ingress/0"]
    assert "1 rules only in the former, 1 only in the latter" in topology.warnings[0]
    assert "differs between SecurityGroups and SecurityGroupRules" in refused(snapshot, strict=True)


def test_groups_from_security_group_rules_alone(load) -> None:
    """Without SecurityGroups, the groups are built from their rules."""
    rules = [listed("sgr-1", CidrIpv4="10.0.0.0/8"), listed("sgr-2", IsEgress=True, PrefixListId="pl-1")]
    group = load({"SecurityGroupRules": rules, "PrefixLists": [{"PrefixListId": "pl-1", "Cidrs": []}]}).groups["sg-1"]
    assert [rule.rule_id for rule in group.ingress] == ["sgr-1"]
    assert group.egress[0].peer == PrefixListReference("pl-1")


def test_rules_listed_twice(load, refused) -> None:
    """A repeated rule is kept and numbered, and warned of once for its group; AWS would not list it."""
    snapshot = groups(tcp(22, 22), tcp(22, 22), tcp(22, 22))
    topology = load(snapshot)
    assert [rule.rule_id for rule in topology.groups["sg-1"].ingress] == [f"sg-1/ingress/{n}" for n in range(3)]
    (warning,) = topology.warnings
    assert "sg-1/ingress/1 repeats sg-1/ingress/0, sg-1/ingress/2 repeats sg-1/ingress/0" in warning
    assert "listed twice" in refused(snapshot, strict=True)


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        ({"IpProtocol": "-1", "FromPort": 0, "ToPort": 0}, (-1, None, None)),
        ({"IpProtocol": "TCP", "FromPort": 0, "ToPort": 65535}, (6, 0, 65535)),
        ({"IpProtocol": "17", "FromPort": 53, "ToPort": 53}, (17, 53, 53)),
        ({"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1}, (1, -1, -1)),
        ({"IpProtocol": "1", "FromPort": 3, "ToPort": 4}, (1, 3, 4)),
        ({"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1}, (1, 8, -1)),
        ({"IpProtocol": "icmpv6"}, (58, -1, -1)),
        ({"IpProtocol": "58", "FromPort": 128, "ToPort": 0}, (58, 128, 0)),
        ({"IpProtocol": "132", "FromPort": 80, "ToPort": 80}, (132, None, None)),
        ({"IpProtocol": "0"}, (0, None, None)),
        ({"IpProtocol": 50}, (50, None, None)),
    ],
)
def test_protocols_and_ports(load, permission: dict[str, Any], expected: tuple[int, int | None, int | None]) -> None:
    """Names and numbers are one; ports are kept for tcp and udp, type and code for icmp and icmpv6 only."""
    rule = load(groups(permission | {"IpRanges": ANY})).groups["sg-1"].ingress[0]
    assert (rule.protocol, rule.from_port, rule.to_port) == expected


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        ({"IpProtocol": "http"}, "IpProtocol: unknown protocol 'http'"),
        ({"IpProtocol": "256"}, "unknown protocol '256'"),
        ({"IpProtocol": "-2"}, "unknown protocol '-2'"),
        ({"IpProtocol": "06"}, "unknown protocol '06'"),
        ({"IpProtocol": "tcp"}, "tcp and udp need FromPort and ToPort"),
        ({"IpProtocol": "udp", "FromPort": 5}, "tcp and udp need FromPort and ToPort"),
        ({"IpProtocol": "tcp", "FromPort": -1, "ToPort": -1}, "port -1 is not in 0 to 65535"),
        ({"IpProtocol": "tcp", "FromPort": 1, "ToPort": 65536}, "port 65536 is not in 0 to 65535"),
        ({"IpProtocol": "tcp", "FromPort": 81, "ToPort": 80}, "the port range 81-80 is the wrong way round"),
        ({"IpProtocol": "icmp"}, "icmp needs a type (FromPort) and a code (ToPort)"),
        ({"IpProtocol": "icmpv6", "FromPort": 128}, "icmp needs a type (FromPort) and a code (ToPort)"),
        ({"IpProtocol": "icmp", "FromPort": -1, "ToPort": 9}, "ICMP code 9 without a type"),
        ({"IpProtocol": "icmp", "FromPort": 256, "ToPort": -1}, "ICMP type 256 is not in -1 to 255"),
        ({"IpProtocol": "icmp", "FromPort": 3, "ToPort": -2}, "ICMP code -2 is not in -1 to 255"),
        ({"IpProtocol": "-1", "IpRanges": []}, "has no peer"),
        ({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "::/0"}]}, "IpRanges[0].CidrIp: '::/0' is an IPv6 CIDR"),
        (
            {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "10.0.0.0/8"}]},
            "Ipv6Ranges[0].CidrIpv6: '10.0.0.0/8' is an",
        ),
    ],
)
def test_permissions_that_aws_would_refuse(refused, permission: dict[str, Any], expected: str) -> None:
    """Each is an input error that names the place and the value."""
    line = refused(groups({"IpRanges": ANY} | permission))
    assert line.startswith("snapshot.json: SecurityGroups[0].IpPermissions[0]")
    assert expected in line


@pytest.mark.parametrize(
    "text",
    [
        *("10.0.0.0", "10.0.0.0/33", "10.0.0/8", "010.0.0.0/8", "10.0.0.0/08", "10.0.0.0/255.0.0.0", "10.0.0.0/-1"),
        *("", "/", "x/8", "::/129", "fe80::1%eth0/64", "1::2::3/64", " 10.0.0.0/8", "10.0.0.0/8 ", "10.0.0.0/８"),
    ],
)
def test_text_that_is_no_cidr(text: str) -> None:
    """Nothing but address, slash and plain prefix length is a CIDR."""
    with pytest.raises(InputError, match=r"is no CIDR|has a prefix length above"):
        network(text, None, HERE, Notes(strict=False))


def test_host_bits_are_zeroed_with_a_warning(load, refused) -> None:
    """AWS keeps 100.68.0.0/18 when given 100.68.0.18/18; strict loading wants it written so."""
    snapshot = groups(tcp(22, 22, IpRanges=[{"CidrIp": "100.68.0.18/18"}]))
    topology = load(snapshot)
    assert topology.groups["sg-1"].ingress[0].peer == IPv4Network("100.68.0.0/18")
    assert "'100.68.0.18/18' has host bits set: read as 100.68.0.0/18" in topology.warnings[0]
    assert "CidrIp: '100.68.0.18/18' has host bits set" in refused(snapshot, strict=True)


def test_rules_need_one_peer(refused) -> None:
    """One of SecurityGroupRules has exactly one peer."""
    for peers, count in (({}, 0), ({"CidrIpv4": "0.0.0.0/0", "CidrIpv6": "::/0"}, 2)):
        line = refused({"SecurityGroupRules": [listed("sgr-1", **peers)]})
        assert f"SecurityGroupRules[0]: names {count} peers" in line


def test_peer_references_keep_what_aws_says_of_them(load) -> None:
    """VPC, peering and its status stay with the reference."""
    pair = {"GroupId": "sg-9", "VpcId": "vpc-9", "VpcPeeringConnectionId": "pcx-1", "PeeringStatus": "active"}
    rule = load(groups(tcp(1, 2, UserIdGroupPairs=[pair]))).groups["sg-1"].ingress[0]
    assert rule.peer == GroupReference("sg-9", "vpc-9", "pcx-1", "active")


def test_group_without_vpc_is_doubtful(load, refused) -> None:
    """EC2-Classic is gone: a group without a VPC is old or trimmed."""
    snapshot = {"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": []}]}
    assert "sg-1 has no VpcId" in load(snapshot).warnings[0]
    assert "sg-1 has no VpcId" in refused(snapshot, strict=True)


def test_group_without_permissions_is_doubtful(load) -> None:
    """A group without either list of rules was trimmed."""
    (warning,) = load({"SecurityGroups": [{"GroupId": "sg-1", "VpcId": "vpc-1"}]}).warnings
    assert "sg-1 has neither IpPermissions nor IpPermissionsEgress" in warning


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_any_ipv4_cidr(number: int, length: int) -> None:
    """Every canonical CIDR is read as itself, without a warning."""
    canonical = IPv4Network((number, length), strict=False)
    notes = Notes(strict=True)
    assert network(str(canonical), 4, HERE, notes) == canonical


@given(st.text(max_size=20))
def test_any_text_as_protocol_and_cidr(text: str) -> None:
    """Any text is read or refused, never anything else."""
    for read in (lambda: protocol_number(text, HERE), lambda: network(text, None, HERE, Notes(strict=False))):
        with suppress(InputError):
            read()


@given(st.integers(-1, 255), *[st.none() | st.integers(-5, 70_000)] * 2)
def test_any_port_range(protocol: int, first: int | None, last: int | None) -> None:
    """What is accepted is in AWS's ranges, or ignored as a pair."""
    try:
        ports = port_range(protocol, first, last, HERE)
    except InputError:
        return
    if protocol in (6, 17):
        assert ports == (first, last)
        assert 0 <= first <= last <= 65535
    elif protocol in (1, 58):
        assert all(-1 <= number <= 255 for number in ports)
        assert ports[0] != -1 or ports[1] == -1
    else:
        assert ports == (None, None)
