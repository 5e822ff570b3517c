"""UDP, ICMP echo and other protocols: requests, replies, and what only looks like one."""

from __future__ import annotations

import pytest

from .frames import IN, OUT, V6, Flow
from .network import Network
from .rules import Admit, Group
from .trial import run

pytestmark = pytest.mark.kernel

FLOWS = [Flow(server_port=53), Flow(V6.client, V6.server, server_port=53)]
FAMILIES = pytest.mark.parametrize("flow", FLOWS, ids=["ipv4", "ipv6"])
DNS = Group(ingress=[Admit("udp", "203.0.113.0/24", (53, 53)), Admit("udp", "2001:db8::/32", (53, 53))])
PING = Group(ingress=[Admit("icmp", "0.0.0.0/0", (8, -1)), Admit("icmpv6", "::/0", (128, -1))])


@FAMILIES
def test_udp_replies(network: Network, flow: Flow) -> None:
    """A reply passes after its request, not before, and not to another port."""
    elsewhere = Flow(flow.client, flow.server, flow.client_port + 1, flow.server_port)
    steps = [flow.udp(OUT), flow.udp(IN), flow.udp(OUT), flow.udp(IN), elsewhere.udp(OUT), flow.udp(OUT)]
    assert run(network, steps, DNS).agreed() == "-+++-+"


@FAMILIES
def test_empty_rules(network: Network, flow: Flow) -> None:
    """A group without rules admits nothing in either direction."""
    assert run(network, [flow.udp(IN), flow.udp(OUT), flow.ping(IN), flow.ping(OUT)], Group()).agreed() == "----"


@FAMILIES
def test_echo(network: Network, flow: Flow) -> None:
    """An echo reply needs its request: the same ends, the same identifier."""
    steps = [
        flow.ping(OUT, reply=True),
        flow.ping(IN),
        flow.ping(OUT, reply=True),
        flow.ping(OUT, reply=True),
        flow.ping(OUT, reply=True, identifier=8),
        flow.ping(OUT),  # a request with the identifier of a tracked one is another flow
        flow.ping(IN, reply=True),
    ]
    assert run(network, steps, PING).agreed() == "-+++---"


@FAMILIES
def test_both_ping_with_one_identifier(network: Network, flow: Flow) -> None:
    """Two requests with one identifier, one from each end, are two flows, and both get their replies."""
    both = Group(ingress=PING.ingress, egress=PING.ingress)
    steps = [flow.ping(IN), flow.ping(OUT), flow.ping(IN, reply=True), flow.ping(OUT, reply=True)]
    assert run(network, steps, both).agreed() == "++++"


@pytest.mark.parametrize(("request_type", "reply_type"), [(13, 14), (15, 16), (17, 18)])
def test_other_icmp_requests(network: Network, request_type: int, reply_type: int) -> None:
    """Timestamp, information and mask requests are tracked as echo is; a reply of another kind is none."""
    admit = Group(ingress=[Admit("icmp", "203.0.113.7/32", (request_type, 0))])
    flow = Flow()
    steps = [flow.icmp(OUT, reply_type), flow.icmp(IN, request_type), flow.icmp(OUT, reply_type), flow.icmp(OUT, 0)]
    assert run(network, steps, admit).agreed() == "-++-"


def test_icmp_that_is_no_request(network: Network) -> None:
    """A type that is no request passes by its rule and opens nothing."""
    admit = Group(ingress=[Admit("icmp", "203.0.113.7/32")])
    flow = Flow()
    steps = [flow.icmp(IN, 0), flow.icmp(OUT, 8), flow.icmp(IN, 40), flow.icmp(OUT, 40), flow.icmp(IN, 9)]
    assert run(network, steps, admit).agreed() == "+-+-+"


def test_codes_of_one_exchange(network: Network) -> None:
    """Linux's key holds the ICMP code: another code is another flow, which needs a rule. Section 7's has no code."""
    flow, echo = Flow(), Group(ingress=[Admit("icmp", "0.0.0.0/0", (8, 0))])
    steps = [flow.icmp(IN, 8, 0), flow.icmp(OUT, 0, 1), flow.icmp(IN, 8, 1)]
    assert run(network, steps, echo).sides() == ("+--", "+++")


@FAMILIES
@pytest.mark.parametrize("protocol", [4, 47, 50, 103])
def test_other_protocols(network: Network, flow: Flow, protocol: int) -> None:
    """IP-in-IP, GRE, ESP and PIM: the reverse direction is open for that protocol, between the same ends only."""
    admit = Group(ingress=[Admit(protocol, "203.0.113.0/24"), Admit(protocol, "2001:db8::/32")])
    stranger = Flow("198.51.100.9" if ":" not in flow.client else "2001:db8:c::8", flow.server)
    steps = [
        flow.other(OUT, protocol),
        flow.other(IN, protocol),
        flow.other(OUT, protocol),
        stranger.other(OUT, protocol),
        flow.other(OUT, 89),
    ]
    assert run(network, steps, admit).agreed() == "-++--"


def test_icmp_of_the_other_family(network: Network) -> None:
    """Protocol 1 inside IPv6 and 58 inside IPv4 match only rules for everything, and open nothing."""
    families = Group(ingress=[Admit(1, "0.0.0.0/0"), Admit(58, "::/0"), Admit(1, "::/0"), Admit(58, "0.0.0.0/0")])
    everything = Group(ingress=[Admit("all", "0.0.0.0/0"), Admit("all", "::/0")])
    steps = [Flow().other(IN, 58), Flow().other(OUT, 58), V6.other(IN, 1), V6.other(OUT, 1)]
    assert run(network, steps, families).agreed() == "----"
    assert run(network, steps, everything).agreed() == "+-+-"


def test_sctp(network: Network) -> None:
    """Linux tracks SCTP by ports and chunks, and finds one without chunks invalid; sgsim sees the protocol alone."""
    admit = Group(ingress=[Admit(132, "203.0.113.0/24")])
    assert run(network, [Flow().other(IN, 132), Flow().other(OUT, 132)], admit).sides() == ("+-", "++")
