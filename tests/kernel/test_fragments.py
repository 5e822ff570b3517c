"""Fragments (section 9). Linux puts datagrams together before it asks its rules, and takes them apart again afterwards;
AWS does not say what it does, and sgsim lets later fragments follow their first one."""

from __future__ import annotations

import pytest
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment

from .frames import IN, OUT, V6, Flow, Frame
from .network import Network
from .rules import Admit, Group
from .trial import run

pytestmark = pytest.mark.kernel

FAMILIES = pytest.mark.parametrize("flow", [Flow(), V6], ids=["ipv4", "ipv6"])
ONE_PORT = Group(ingress=[Admit("udp", "203.0.113.0/24", (443, 443)), Admit("udp", "2001:db8:c::/48", (443, 443))])
ALL_PORTS = Group(ingress=[Admit("udp", "203.0.113.0/24"), Admit("udp", "2001:db8:c::/48")])


@FAMILIES
def test_whole_datagrams(network: Network, flow: Flow) -> None:
    """The fragments of an admitted datagram pass, those of its reply too, those of another port do not."""
    other = Flow(flow.client, flow.server, 40000, 444)
    steps = [
        *flow.fragments(OUT, 60001),
        *flow.fragments(IN, 60002),
        *flow.fragments(OUT, 60003),
        *other.fragments(IN, 60004),
    ]
    assert run(network, steps, ONE_PORT).agreed() == "---++++++---"


@FAMILIES
def test_interleaved(network: Network, flow: Flow) -> None:
    """Fragments of two datagrams between the same ends are told apart by their identification."""
    other = Flow(flow.client, flow.server, 40000, 444)
    admitted, refused = flow.fragments(IN, 60011), other.fragments(IN, 60012)
    steps = [frame for pair in zip(admitted, refused, strict=True) for frame in pair]
    assert run(network, steps, ONE_PORT).agreed() == "+-+-+-"


@FAMILIES
def test_out_of_order(network: Network, flow: Flow) -> None:
    """Linux waits for the first fragment; sgsim drops a later one that comes before it."""
    first, second, third = flow.fragments(IN, 60021)
    assert run(network, [second, first, third], ONE_PORT).sides() == ("+++", "-++")


@FAMILIES
def test_without_a_first_fragment(network: Network, flow: Flow) -> None:
    """Linux never lets a piece of a datagram through; sgsim does where a rule admits the protocol whatever the port."""
    assert run(network, flow.fragments(IN, 60031)[1:], ONE_PORT).agreed() == "--"
    assert run(network, flow.fragments(IN, 60032)[1:], ALL_PORTS).sides() == ("--", "++")


@FAMILIES
def test_without_a_last_fragment(network: Network, flow: Flow) -> None:
    """Linux waits in vain for the rest of a datagram; sgsim judges what there is."""
    assert run(network, flow.fragments(IN, 60041)[:2], ONE_PORT).sides() == ("--", "++")


def test_atomic_fragment(network: Network) -> None:
    """An IPv6 packet with a fragment header, and no fragment before or after it, is whole."""
    steps = []
    for serial, direction in enumerate((OUT, IN, OUT), start=60051):
        plain = V6.udp(direction).packet
        fields = {"src": plain.src, "dst": plain.dst, "fl": serial}
        header = IPv6ExtHdrFragment(nh=17, offset=0, m=0, id=serial)
        content = bytes(plain)[40:]
        steps.append(Frame(direction, IPv6(**fields) / header / content))
    assert run(network, steps, ONE_PORT).agreed() == "-++"
