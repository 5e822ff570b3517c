"""Which rule matches (section 3): ports, ICMP types and codes, peers, protocols; each with what is just beside it."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP

from .frames import IN, OUT, V6, Flow
from .network import Network
from .rules import Admit, Group
from .trial import run

pytestmark = pytest.mark.kernel

ANY4, ANY6 = "0.0.0.0/0", "::/0"


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_port_ranges(network: Network, protocol: str) -> None:
    """A range holds both its ends and nothing beside them; the other protocol's ports are its own."""
    group = Group(ingress=[Admit(protocol, ANY4, (1000, 2000)), Admit(protocol, ANY6, (0, 0))])
    ports = (999, 1000, 1500, 2000, 2001, 0, 65535)
    flows = [Flow(server_port=port) for port in ports] + [Flow(V6.client, V6.server, 40000, port) for port in (0, 1)]
    same, other = (
        [flow.tcp(IN, "S") if name == "tcp" else flow.udp(IN) for flow in flows]
        for name in (protocol, "udp" if protocol == "tcp" else "tcp")
    )
    assert run(network, same, group).agreed() == "-+++---+-"
    assert run(network, other, group).agreed() == "---------"


def test_destination_port_counts(network: Network) -> None:
    """In both directions a rule's ports are the packet's destination ports: a source port admits nothing."""
    group = Group(ingress=[Admit("udp", ANY4, (53, 53))], egress=[Admit("udp", ANY4, (123, 123))])
    steps = [
        Flow(client_port=53, server_port=5353).udp(IN),
        Flow(client_port=5353, server_port=53).udp(IN),
        Flow(client_port=5000, server_port=123).udp(OUT),
        Flow(client_port=123, server_port=5000).udp(OUT),
    ]
    assert run(network, steps, group).agreed() == "-+-+"


def test_icmp_types_and_codes(network: Network) -> None:
    """ICMP ports are a type and a code, no range; -1 is any."""
    group = Group(
        ingress=[Admit("icmp", ANY4, (8, 0)), Admit("icmp", ANY4, (11, -1)), Admit("icmpv6", ANY6, (128, -1))],
        egress=[Admit("icmp", ANY4, (-1, -1))],
    )
    flow = Flow()
    asked = ((8, 0), (8, 1), (9, 0), (10, 0), (11, 0), (11, 1), (12, 0))
    # Each with an identifier of its own, so that no request meets another's entry.
    steps = [flow.icmp(IN, kind, code, identifier=place) for place, (kind, code) in enumerate(asked)]
    steps += [V6.ping(IN), V6.ping(IN, reply=True), flow.icmp(OUT, 13), flow.icmp(OUT, 40, 3), V6.ping(OUT)]
    assert run(network, steps, group).agreed() == "+---++-+-++-"


def test_everything(network: Network) -> None:
    """Protocol -1 is every protocol and port, of the peer's IP version only."""
    steps = [Flow().tcp(IN, "S"), Flow().udp(IN), Flow().ping(IN), Flow().other(IN, 89)]
    steps += [V6.tcp(IN, "S"), V6.udp(IN), V6.ping(IN), V6.other(IN, 89)]
    assert run(network, steps, Group(ingress=[Admit("all", ANY4)])).agreed() == "++++----"
    assert run(network, steps, Group(ingress=[Admit("all", ANY6)])).agreed() == "----++++"
    assert run(network, steps, Group(egress=[Admit("all", ANY4), Admit("all", ANY6)])).agreed() == "--------"


def test_icmp_families(network: Network) -> None:
    """ICMP rules admit ICMP of their own IP version, whatever their peer is."""
    group = Group(ingress=[Admit("icmp", ANY6), Admit("icmpv6", ANY4)])
    steps = [Flow().ping(IN), V6.ping(IN), Flow().other(IN, 58), V6.other(IN, 1)]
    assert ICMP in steps[0].packet
    assert run(network, steps, group).agreed() == "----"


@pytest.mark.parametrize(
    ("peer", "hosts", "expected"),
    [
        ("198.51.100.9/32", ("198.51.100.8", "198.51.100.9", "198.51.100.10"), "-+-"),
        ("198.51.100.4/30", ("198.51.100.3", "198.51.100.4", "198.51.100.7", "198.51.100.8"), "-++-"),
        ("198.51.96.0/20", ("198.51.95.255", "198.51.96.1", "198.51.111.254", "198.51.112.1"), "-++-"),
        ("128.0.0.0/1", ("126.255.255.254", "128.0.0.1", "223.255.255.254"), "-++"),
        ("2001:db8:a::1/128", ("2001:db8:a::", "2001:db8:a::1", "2001:db8:a::2"), "-+-"),
        ("2001:db8:a::/63", ("2001:db8:9::1", "2001:db8:a:1:ffff::", "2001:db8:a:2::"), "-+-"),
        ("2001:db8:a::4/126", ("2001:db8:a::3", "2001:db8:a::4", "2001:db8:a::7", "2001:db8:a::8"), "-++-"),
    ],
)
def test_peers(network: Network, peer: str, hosts: tuple[str, ...], expected: str) -> None:
    """A CIDR holds its first and last address and no other: of sources for ingress, of destinations for egress."""
    flows = [Flow(host, V6.server if ":" in host else Flow().server) for host in hosts]
    assert run(network, [flow.udp(IN) for flow in flows], Group(ingress=[Admit("udp", peer)])).agreed() == expected
    assert run(network, [flow.udp(OUT) for flow in flows], Group(egress=[Admit("udp", peer)])).agreed() == expected
    assert "+" not in run(network, [flow.udp(OUT) for flow in flows], Group(ingress=[Admit("udp", peer)])).agreed()
