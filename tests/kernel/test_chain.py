"""A packet between two guarded interfaces: the sender's gate, then the receiver's, each with its own connections."""

from __future__ import annotations

import pytest

from .frames import IN, OUT, V6, Flow
from .network import Network
from .rules import CLIENT_GROUP, SERVER_GROUP, Admit, Group
from .trial import run

pytestmark = pytest.mark.kernel

FAMILIES = pytest.mark.parametrize("flow", [Flow(), V6], ids=["ipv4", "ipv6"])
SERVES = Group(ingress=[Admit("tcp", CLIENT_GROUP, (443, 443)), Admit("all", SERVER_GROUP)])
ASKS = Group(egress=[Admit("tcp", SERVER_GROUP, (443, 443)), Admit("udp", SERVER_GROUP)])


@FAMILIES
def test_both_gates_admit(chain: Network, flow: Flow) -> None:
    """A connection that both gates' rules admit, by reference to each other's group, passes as a whole."""
    steps = [flow.tcp(direction, flags) for direction, flags in ((IN, "S"), (OUT, "SA"), (IN, "A"), (OUT, "FA"))]
    assert run(chain, steps, SERVES, ASKS).agreed() == "++++"


@FAMILIES
def test_one_gate_refuses(chain: Network, flow: Flow) -> None:
    """What the sender's gate admits and the receiver's refuses does not arrive, nor the other way round."""
    steps = [flow.udp(IN), flow.udp(OUT), flow.ping(IN), flow.udp(IN)]
    assert run(chain, steps, SERVES, ASKS).agreed() == "----"
    assert run(chain, [flow.tcp(IN, "S")], SERVES, Group()).agreed() == "-"
    assert run(chain, [flow.tcp(IN, "S")], Group(), ASKS).agreed() == "-"


@FAMILIES
def test_entry_at_the_sender_only(chain: Network, flow: Flow) -> None:
    """A request that dies at the receiver leaves an entry at the sender: an answer that the receiver's rules let out
    comes in by it."""
    answers = Group(egress=[Admit("udp", CLIENT_GROUP)])
    steps = [flow.udp(OUT), flow.udp(IN), flow.udp(OUT), flow.udp(IN)]
    # The first answer leaves the server's gate, which then lets the request in as a reply; the client's gate knows of
    # no request yet.
    assert run(chain, steps, answers, ASKS).agreed() == "-+++"
    assert run(chain, steps[1:2], answers, ASKS).agreed() == "-"


@FAMILIES
def test_nothing_made_behind_a_drop(chain: Network, flow: Flow) -> None:
    """A packet that the sender's gate drops opens nothing at the receiver's."""
    everything = [Admit("all", "203.0.113.0/24"), Admit("all", "2001:db8:c::/48")]
    steps = [flow.udp(IN), flow.udp(OUT), flow.ping(IN), flow.ping(OUT, reply=True)]
    assert run(chain, steps, Group(ingress=everything), Group()).agreed() == "----"
