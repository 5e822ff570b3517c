"""Idle timeouts (section 7), in real time: all of them 2 s, in one exchange."""

from __future__ import annotations

import pytest

from sgsim.model import Settings, Timeouts

from .frames import IN, OUT, V6, Flow, Frame, Pause, Step
from .network import Network
from .rules import Admit, Group
from .trial import run

pytestmark = pytest.mark.kernel

TWO_SECONDS = Settings(
    open_loop=True,
    timeouts=Timeouts(
        tcp_established=2, udp=2, udp_stream=2, tcp_opening=2, tcp_closing=2, tcp_reset=2, icmp=2, other=2
    ),
)
# Linux has a timer for each of TCP's states where section 7 has four in all.
TCP_STATES = (
    "syn_sent",
    "syn_recv",
    "established",
    "fin_wait",
    "close_wait",
    "last_ack",
    "time_wait",
    "close",
    "unacknowledged",
    "max_retrans",
)
SYSCTLS = {
    **{f"nf_conntrack_tcp_timeout_{state}": 2 for state in TCP_STATES},
    "nf_conntrack_udp_timeout": 2,
    "nf_conntrack_udp_timeout_stream": 2,
    "nf_conntrack_icmp_timeout": 2,
    "nf_conntrack_icmpv6_timeout": 2,
    "nf_conntrack_generic_timeout": 2,
}
ALL_IN = Group(ingress=[Admit("all", "203.0.113.0/24"), Admit("all", "2001:db8:c::/48")])


def test_idle_and_refreshed(network: Network) -> None:
    """What is idle for longer than its timeout is forgotten; a packet in either direction starts the timer anew."""
    opening, established, closing, reset = (Flow(client_port=port) for port in (1001, 1002, 1003, 1004))
    flows: list[Frame] = [opening.tcp(IN, "S")]
    for flow, last in ((established, "PA"), (closing, "FA"), (reset, "R")):
        flows += [flow.tcp(IN, "S"), flow.tcp(OUT, "SA"), flow.tcp(IN, "A"), flow.tcp(IN, last)]
    replies = [flow.tcp(OUT, "A") for flow in (opening, established, closing, reset)]
    for flow in (Flow(client_port=1005), Flow(V6.client, V6.server, 1005)):
        flows += [flow.udp(IN), flow.ping(IN), flow.other(IN, 50)]
        replies += [flow.udp(OUT), flow.ping(OUT, reply=True), flow.other(OUT, 50)]
    kept = Flow(client_port=1006, client="203.0.113.8")
    flows += [kept.udp(IN), kept.ping(IN), kept.other(IN, 50)]
    flows += [kept.tcp(IN, "S"), kept.tcp(OUT, "SA"), kept.tcp(IN, "A")]
    refreshes = [kept.udp(OUT), kept.ping(IN), kept.other(OUT, 50), kept.tcp(OUT, "PA")]
    still = [kept.udp(OUT), kept.ping(OUT, reply=True), kept.other(OUT, 50), kept.tcp(OUT, "PA")]
    about_idle = Flow().error(IN, 3, 3, Flow(client_port=1005).udp(OUT), src="198.51.100.1")

    steps: list[Step] = [*flows, Pause(1.2), *refreshes, Pause(1.4), *still, *replies, about_idle]
    answer = run(network, steps, ALL_IN, sysctls=SYSCTLS, settings=TWO_SECONDS).agreed()
    assert answer == "+" * len(flows) + "++++" + "++++" + "-" * len(replies) + "-"


def test_udp_stream(network: Network) -> None:
    """A stream has the longer timeout. Linux wants it two seconds old as well (the last flow's answer differs)."""
    short = Settings(open_loop=True, timeouts=Timeouts(udp=1, udp_stream=5))
    sysctls = {"nf_conntrack_udp_timeout": 1, "nf_conntrack_udp_timeout_stream": 5}
    stream, answered, young = (Flow(client_port=port) for port in (2001, 2002, 2003))
    steps: list[Step] = []
    for _ in range(4):  # 0, 0.8, 1.6 and 2.4 s: the last is past the two seconds
        steps += [stream.udp(IN), stream.udp(OUT), Pause(0.8)]
    steps[-1:] = [answered.udp(IN), answered.udp(OUT), young.udp(IN), young.udp(OUT), young.udp(IN), Pause(1.6)]
    steps += [stream.udp(OUT), answered.udp(OUT), young.udp(OUT)]
    kernel, sgsim = run(network, steps, ALL_IN, sysctls=sysctls, settings=short).sides()
    assert kernel == "+" * 8 + "+" * 5 + "+--"
    assert sgsim == "+" * 8 + "+" * 5 + "+-+"
