"""The comparison itself: it forgets, it notices, it leaves nothing behind."""

from __future__ import annotations

import subprocess

import pytest

from .frames import IN, OUT, Flow
from .network import Network
from .rules import Admit, Group
from .trial import run

pytestmark = pytest.mark.kernel

DNS = Group(ingress=[Admit("udp", "203.0.113.0/24", (53, 53))])
FLOW = Flow(server_port=53)


def test_connections_are_forgotten(network: Network) -> None:
    """A connection of one run is unknown in the next."""
    assert run(network, [FLOW.udp(IN), FLOW.udp(OUT)], DNS).agreed() == "++"
    assert network.entries() > 0
    assert run(network, [FLOW.udp(OUT)], DNS).agreed() == "-"


@pytest.mark.parametrize(("flipped", "kernel"), [("ct state established drop", "+-"), ("udp dport 53 drop", "--")])
def test_disagreement_is_noticed(network: Network, flipped: str, kernel: str) -> None:
    """A gate that does not do what the group says is found out, and the frame is named."""
    result = run(network, [FLOW.udp(IN), FLOW.udp(OUT)], DNS, first=flipped)
    assert result.sides() == (kernel, "++")
    with pytest.raises(AssertionError, match=r"frame 1: kernel - sgsim \+ reference \+: IP / UDP 10\.0\.1\.10"):
        result.agreed()


@pytest.mark.usefixtures("network")
def test_namespaces_are_removed() -> None:
    """A network's namespaces are there while it is in use, and gone afterwards, also when its user fails."""

    def listed() -> set[str]:
        return set(subprocess.run(["ip", "netns"], check=True, capture_output=True, text=True).stdout.split())

    names: set[str] = set()

    def use_and_fail() -> None:
        with Network() as second:
            names.update(second.names)
            assert names <= listed()
            raise RuntimeError("of the user")

    with pytest.raises(RuntimeError, match="of the user"):
        use_and_fail()
    assert len(names) == 3
    assert not names & listed()
