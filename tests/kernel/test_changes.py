"""Rules that are changed in mid-stream: the kernel's connections outlive them, and so do sgsim's (section 11)."""

from __future__ import annotations

import random

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6ExtHdrFragment

from . import drawing
from .frames import IN, OUT, V6, Flow, Frame
from .network import Network
from .rules import Admit, Group
from .test_tcp import script
from .trial import Act, play

pytestmark = pytest.mark.kernel

FAMILIES = pytest.mark.parametrize("flow", [Flow(), V6], ids=["ipv4", "ipv6"])
NOTHING = Group()
SOME = ("203.0.113.0/24", "2001:db8:c::/48")
ALL = ("0.0.0.0/0", "::/0")
TRACKED = Group(ingress=[Admit("all", peer) for peer in SOME])
WEB = [Admit("tcp", peer, (443, 443)) for peer in ALL]
OPEN = Group(ingress=WEB, egress=[Admit("all", peer) for peer in ALL])  # connections with the web are untracked
UNTRACKED = [("tcp", 443)]
# Linux calls a connection new until both sides have been heard, and asks the rules again; not so if it goes by this.
FROM_ITS_FIRST_PACKET = "ct status confirmed accept"


def again(flow: Flow) -> Flow:
    """Another flow between the same ends."""
    return Flow(flow.client, flow.server, flow.client_port + 1, flow.server_port)


@FAMILIES
def test_tracked_flows_outlive_their_rules(network: Network, flow: Flow) -> None:
    """TCP, UDP, echo and GRE go on in both directions when their rule is revoked; none of them begins anew."""
    begin = [*script(flow, ">S <SA >A"), flow.udp(IN), flow.ping(IN), flow.other(IN, 47)]
    go_on = [*script(flow, "<PA >PA"), flow.udp(OUT), flow.udp(IN), flow.ping(OUT, reply=True), flow.other(OUT, 47)]
    other = again(flow)
    anew = [other.tcp(IN, "S"), other.udp(IN), other.ping(IN, identifier=8), flow.other(IN, 50)]
    result = play(network, [Act(TRACKED, begin), Act(NOTHING, [*go_on, *anew])])
    assert result.agreed() == "+" * 6 + "+" * 6 + "----"


@FAMILIES
def test_flows_that_had_no_answer_yet(network: Network, flow: Flow) -> None:
    """sgsim's entry is one from its first packet on; Linux has it too, but lets the rules decide until the answer."""
    acts = [Act(TRACKED, [flow.udp(IN), flow.tcp(IN, "S")]), Act(NOTHING, [flow.udp(IN), flow.tcp(IN, "S")])]
    assert play(network, acts).sides() == ("++--", "++++")
    assert play(network, acts, FROM_ITS_FIRST_PACKET).agreed() == "++++"


@FAMILIES
def test_an_error_about_a_flow_whose_rule_is_gone(network: Network, flow: Flow) -> None:
    """It is related to the connection, which is there."""
    kind, code = (1, 4) if ":" in flow.client else (3, 3)
    asked = flow.udp(IN)
    error, stray = (flow.error(OUT, kind, code, about) for about in (asked, again(flow).udp(IN)))
    assert play(network, [Act(TRACKED, [asked]), Act(NOTHING, [error, stray])]).agreed() == "++-"


@FAMILIES
def test_untracked_flows_end_with_their_rule(network: Network, flow: Flow) -> None:
    """Each packet of them is judged by the rules of its moment; what still has a rule goes on."""
    begin, go_on = script(flow, ">S <SA >A >PA"), script(flow, ">PA >A <PA >S")
    without = Group(egress=OPEN.egress)
    result = play(network, [Act(OPEN, begin, UNTRACKED), Act(without, go_on, UNTRACKED), Act(OPEN, go_on, UNTRACKED)])
    # sgsim tracks what begins from the inside under the rules that are left, as AWS does; Linux was told not to.
    assert result.sides() == ("++++" + "--+-" + "++++", "++++" + "--++" + "++++")


@FAMILIES
def test_untracked_flows_end_with_all_rules(network: Network, flow: Flow) -> None:
    """Nothing of them passes, in either direction, and nothing was remembered."""
    begin, go_on = script(flow, ">S <SA >A >PA"), script(flow, ">PA <PA >S <SA")
    result = play(network, [Act(OPEN, begin, UNTRACKED), Act(NOTHING, go_on, UNTRACKED), Act(NOTHING, go_on)])
    assert result.agreed() == "++++" + "----" + "----"


@FAMILIES
@pytest.mark.parametrize(("words", "expected"), [(">A <PA", "++"), ("<PA <A >A <PA", "--++"), (">PA <RA", "++")])
def test_untracked_flows_that_would_be_tracked(network: Network, flow: Flow, words: str, expected: str) -> None:
    """Without the rule for responses their next packet is a new flow's: one that is admitted makes an entry, a response
    that comes before it is dropped."""
    without = Group(ingress=WEB)
    result = play(network, [Act(OPEN, script(flow, ">S <SA >A >PA <A"), UNTRACKED), Act(without, script(flow, words))])
    assert result.agreed() == "+++++" + expected


@FAMILIES
def test_tracked_flows_that_would_be_untracked(network: Network, flow: Flow) -> None:
    """They keep their entries: opened to everyone and then closed, the group still lets them through. New ones that
    were untracked in between end."""
    narrow = Group(ingress=[Admit("tcp", peer, (443, 443)) for peer in SOME])
    other = again(flow)
    acts = [
        Act(narrow, script(flow, ">S <SA >A")),
        Act(OPEN, [*script(flow, "<PA >A")]),
        Act(NOTHING, [*script(flow, "<PA >PA"), *script(other, ">S <SA")]),
    ]
    assert play(network, acts).agreed() == "+++" + "++" + "++--"


@pytest.mark.parametrize("seed", range(8))
def test_strays(network: Network, seed: int) -> None:
    """Random rules in the place of random rules, three times, among two hundred and fifty frames that go on."""
    rng = random.Random(f"changes {seed}")
    frames = drawing.strays(rng, 250, errors=True)
    cuts = [0, *(next(n for n in range(at, len(frames)) if is_whole(frames[n])) for at in (60, 120, 180)), len(frames)]
    groups = [drawing.group(rng, everywhere=False) for _ in range(4)]  # all is tracked
    acts = [Act(group, frames[a:b]) for group, a, b in zip(groups, cuts, cuts[1:], strict=False)]
    play(network, acts, FROM_ITS_FIRST_PACKET).agreed()


def is_whole(frame: Frame) -> bool:
    packet = frame.packet
    return not (packet.frag or packet.flags.MF) if isinstance(packet, IP) else IPv6ExtHdrFragment not in packet
