"""ICMP errors (section 8): about tracked connections, about others, to the right host and to a wrong one."""

from __future__ import annotations

import pytest

from .frames import IN, OUT, V6, Flow, Frame
from .network import Network
from .rules import Admit, Group
from .trial import run

pytestmark = pytest.mark.kernel

V4_HOSTS, V6_HOSTS = "203.0.113.0/24", "2001:db8:c::/48"
WEB = Group(
    ingress=[
        *(Admit("tcp", peer, (443, 443)) for peer in (V4_HOSTS, V6_HOSTS)),
        *(Admit("udp", peer, (443, 443)) for peer in (V4_HOSTS, V6_HOSTS)),
        Admit("icmp", V4_HOSTS, (8, 0)),
        Admit("icmpv6", V6_HOSTS, (128, 0)),
    ]
)
ROUTER = {4: "198.51.100.1", 6: "2001:db8:a::1"}
# Unreachable (port, host, fragmentation needed), time exceeded, parameter problem, source quench.
ERRORS = [(Flow(), *error) for error in ((3, 3), (3, 1), (3, 4), (11, 0), (12, 0), (4, 0))]
# Unreachable (port), packet too big, time exceeded, parameter problem.
ERRORS += [(V6, *error) for error in ((1, 4), (2, 0), (3, 0), (4, 0))]
EACH_ERROR = pytest.mark.parametrize(
    ("flow", "kind", "code"),
    ERRORS,
    ids=[f"{'v6' if flow is V6 else 'v4'}-{kind}-{code}" for flow, kind, code in ERRORS],
)


def opened(flow: Flow) -> list[Frame]:
    """A TCP connection, a UDP request and an echo request that the server's group admits."""
    return [flow.tcp(IN, "S"), flow.tcp(OUT, "SA"), flow.udp(IN), flow.ping(IN)]


@EACH_ERROR
def test_about_tracked_connections(network: Network, flow: Flow, kind: int, code: int) -> None:
    """An error about a tracked packet passes in both directions, from the other end or from a router on the way."""
    router = ROUTER[6 if flow is V6 else 4]
    steps = [
        *opened(flow),
        flow.error(OUT, kind, code, flow.tcp(IN, "PA")),
        flow.error(OUT, kind, code, flow.udp(IN)),
        flow.error(OUT, kind, code, flow.ping(IN)),
        flow.error(IN, kind, code, flow.tcp(OUT, "SA")),
        flow.error(IN, kind, code, flow.tcp(OUT, "SA"), src=router),
        flow.error(IN, kind, code, flow.udp(OUT), src=router),
        flow.error(IN, kind, code, flow.ping(OUT, reply=True), src=router),
    ]
    assert run(network, steps, WEB).agreed() == "++++" + "+++++++"


@EACH_ERROR
def test_about_unknown_flows(network: Network, flow: Flow, kind: int, code: int) -> None:
    """An error about a flow that nobody tracks is judged by the rules as ICMP: here none admits it."""
    other = Flow(flow.client, flow.server, 40001, 443)
    steps = [
        *opened(flow),
        other.error(OUT, kind, code, other.tcp(IN, "S")),
        other.error(IN, kind, code, other.udp(OUT)),
        other.error(IN, kind, code, other.ping(OUT, reply=True, identifier=9)),
    ]
    assert run(network, steps, WEB).agreed() == "++++" + "---"
    admits = Group([*WEB.ingress, Admit("icmp" if flow is not V6 else "icmpv6", "::/0" if flow is V6 else "0.0.0.0/0")])
    assert run(network, steps, admits).agreed() == "++++" + "-++"


@EACH_ERROR
def test_to_another_host(network: Network, flow: Flow, kind: int, code: int) -> None:
    """An error that does not go to the quoted packet's sender is not related, though the quoted flow is tracked."""
    stranger = "2001:db8:c::99" if flow is V6 else "203.0.113.99"
    steps = [
        *opened(flow),
        flow.error(IN, kind, code, flow.tcp(IN, "PA"), src=ROUTER[6 if flow is V6 else 4], dst=flow.server),
        flow.error(OUT, kind, code, flow.udp(IN), dst=stranger),
    ]
    assert run(network, steps, WEB).agreed() == "++++" + "--"


def test_error_does_not_open(network: Network) -> None:
    """A related error makes no entry: the connection's own packets go on, an echo along its path does not."""
    flow = Flow()
    steps = [*opened(flow), flow.error(OUT, 3, 3, flow.udp(IN)), flow.ping(OUT), flow.udp(OUT)]
    assert run(network, steps, WEB).agreed() == "++++" + "+-+"


def test_redirect(network: Network) -> None:
    """Linux takes a redirect about a tracked connection for related; section 8: redirects never are."""
    flow = Flow()
    steps = [*opened(flow), flow.error(IN, 5, 1, flow.tcp(OUT, "SA"), src=ROUTER[4])]
    assert run(network, steps, WEB).sides() == ("+++++", "++++-")


def test_about_an_untracked_flow(network: Network) -> None:
    """Linux tracks what AWS does not: an error about an untracked flow is related there, and needs a rule here."""
    everyone = Group(ingress=[Admit("tcp", "0.0.0.0/0", (443, 443))], egress=[Admit("tcp", "0.0.0.0/0")])
    flow = Flow()
    steps = [flow.tcp(IN, "S"), flow.tcp(OUT, "SA"), flow.error(IN, 3, 4, flow.tcp(OUT, "PA"), src=ROUTER[4])]
    assert run(network, steps, everyone).sides() == ("+++", "++-")
