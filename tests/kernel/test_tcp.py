"""TCP connections through the kernel's gate and sgsim's: openings, endings, and what comes without an opening."""

from __future__ import annotations

import pytest

from sgsim.model import Settings, TcpPickup

from .frames import IN, OUT, V6, Flow, Frame
from .network import Network
from .rules import Admit, Group
from .trial import run

pytestmark = pytest.mark.kernel

WEB = Group(ingress=[Admit("tcp", "203.0.113.0/24", (443, 443)), Admit("tcp", "2001:db8:c::/48", (443, 443))])


def script(flow: Flow, words: str) -> list[Frame]:
    """Segments from words such as ``>S <SA >A``: > from the client, < from the server, then scapy's flags."""
    return [flow.tcp(IN if word[0] == ">" else OUT, word[1:]) for word in words.split()]


CONVERSATIONS = {
    "closed by the client": (">S <SA >A >PA <A <PA >A >FA <A <FA >A", "+++++++++++"),
    "closed by the server": (">S <SA >A >PA <PA <FA >A >FA <A", "+++++++++"),
    "closed at the same time": (">S <SA >A >FA <FA >A <A", "+++++++"),
    "half closed, data goes on": (">S <SA >A >FA <A <PA >A <PA >A <FA >A", "+++++++++++"),
    "reset by the client": (">S <SA >A >PA >RA", "+++++"),
    "reset by the server": (">S <SA >A >PA <RA", "+++++"),
    "reset, and what was on its way": (">S <SA >A <RA >PA <A", "++++++"),
    "refused": (">S <RA", "++"),
    "SYN sent again": (">S >S >S <SA >A", "+++++"),
    "SYN-ACK sent again": (">S <SA <SA >A >PA <A", "++++++"),
    "SYN with ECN": (">SEC <SAE >A >PA", "++++"),
    "opened by both at once": (">S <S >SA <SA >A <A", "++++++"),
    "opened from the other side": ("<S", "-"),
    "SYN-ACK out of nowhere": ("<SA", "-"),
    "data from the server out of nowhere": ("<PA <A <FA <R", "----"),
    "picked up in the middle": ("<A >PA <A <PA >A", "-++++"),
    "reset out of nowhere": (">R <A <RA", "+--"),
    "opened again after both closed": (">S <SA >A >FA <FA >A >S <SA >A", "+++++++++"),
    "opened again after a reset": (">S <SA >A <RA >S <SA >A", "+++++++"),
    "SYN again on an established connection": (">S <SA >A >S <A >PA <A", "+++++++"),
}


@pytest.mark.parametrize("flow", [Flow(), V6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("case", CONVERSATIONS)
def test_conversation(network: Network, case: str, flow: Flow) -> None:
    """A conversation with an admitted port passes, or not, segment by segment, on both sides."""
    words, expected = CONVERSATIONS[case]
    assert run(network, script(flow, words), WEB).agreed() == expected


def test_strict_pickup(network: Network) -> None:
    """Without pickup in mid-stream a connection begins with a SYN: tcp_loose=0, and no rules for invalid packets."""
    words = ">A >PA <A >S <SA >A >FA <A"
    result = run(
        network,
        script(Flow(), words),
        WEB,
        sysctls={"nf_conntrack_tcp_loose": 0},
        settings=Settings(open_loop=True, tcp_pickup=TcpPickup.STRICT),
        first="ct state invalid drop",
    )
    assert result.agreed() == "---+++++"


# Where Linux and the semantics part on purpose: section 7 has no states beyond opening, established, closing and reset,
# and says so ("choice"). Each case: the segments, the kernel's answer, sgsim's.
DIFFERENCES = {
    # Linux takes a connection up from an ACK, never from a SYN-ACK or a FIN; sgsim from anything but a RST.
    "pickup from a SYN-ACK": (">SA <A", "+-", "++"),
    "pickup from a FIN": (">FA <A", "+-", "++"),
    # Linux has no transition for these, finds them invalid and asks the rules; sgsim's entry admits both directions.
    "SYN of the responder on an established connection": (">S <SA >A <S", "+++-", "++++"),
    "FIN in answer to a SYN": (">S <FA", "+-", "++"),
    "no flags at all": (">S <SA >A <", "+++-", "++++"),
    "SYN and FIN together": (">S <SA >A <SF", "+++-", "++++"),
    # Linux forgets a connection that was refused at once; sgsim keeps it for the 10 seconds of any reset.
    "RST again after a refusal": (">S <RA <RA", "++-", "+++"),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_difference(network: Network, case: str) -> None:
    """A segment that Linux's state machine does not know is invalid there, and tracked here."""
    words, kernel, sgsim = DIFFERENCES[case]
    assert run(network, script(Flow(), words), WEB).sides() == (kernel, sgsim)


def test_sequence_numbers(network: Network) -> None:
    """Linux drops what is far outside the window unless it is told to be liberal; sgsim never looks at the numbers."""
    steps = script(Flow(), ">S <SA >A")
    stray = Flow().tcp(OUT, "PA")
    stray.packet["TCP"].seq = stray.packet["TCP"].ack = 900_000_000
    steps.append(stray)
    assert run(network, steps, WEB).agreed() == "++++"
    assert run(network, steps, WEB, sysctls={"nf_conntrack_tcp_be_liberal": 0}).sides() == ("+++-", "++++")


def test_checksums(network: Network) -> None:
    """Linux can find a segment with a wrong checksum invalid; sgsim never looks (captures of offloading hosts are full
    of them)."""
    steps = [*script(Flow(), ">S <SA >A"), Flow().tcp(OUT, "PA", chksum=0xDEAD)]
    assert run(network, steps, WEB).agreed() == "++++"
    assert run(network, steps, WEB, sysctls={"nf_conntrack_checksum": 1}).sides() == ("+++-", "++++")
