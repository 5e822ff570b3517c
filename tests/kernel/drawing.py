"""Seeded random rules and frames, with few hosts and ports, so that flows meet and rules overlap."""

from __future__ import annotations

import random
from collections.abc import Sequence

from .frames import IN, OUT, Flow, Frame
from .rules import SERVER_V4, SERVER_V6, Admit, Group

V4_HOSTS = ("203.0.113.7", "203.0.113.8", "203.0.113.200", "198.51.100.9")
V6_HOSTS = ("2001:db8:c::7", "2001:db8:c::8", "2001:db8:d::1")
PORTS = (1, 53, 80, 443, 1024, 40000, 65535)
PEERS = {
    4: ("203.0.113.7/32", "203.0.113.0/25", "203.0.113.0/24", "128.0.0.0/2", "198.51.100.8/31"),
    6: ("2001:db8:c::7/128", "2001:db8:c::/64", "2001:db8::/32", "2000::/3", "2001:db8:d::/48"),
}
EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
FLOWS = 20  # in two hundred frames: enough to miss each other, few enough to meet
OTHERS = (4, 47, 50, 103)
ICMP_TYPES = (0, 8, 13, 14, 17, 18, 40)
ERRORS = {4: ((3, 3), (3, 4), (11, 0), (12, 0)), 6: ((1, 4), (2, 0), (3, 0), (4, 0))}
ROUTERS = {4: "198.51.100.1", 6: "2001:db8:a::1"}


def group(rng: random.Random, *, everywhere: bool) -> Group:
    """Up to nine rules each way. ``everywhere``: peers may be 0.0.0.0/0 and ::/0, so flows may be untracked."""
    ingress, egress = ([_admit(rng, everywhere) for _ in range(rng.choice((0, 1, 3, 6, 9)))] for _ in range(2))
    return Group(ingress, egress)


def _admit(rng: random.Random, everywhere: bool) -> Admit:
    version = rng.choice((4, 4, 6))
    peer = EVERYWHERE[version] if everywhere and rng.random() < 0.4 else rng.choice(PEERS[version])
    protocol = rng.choice((-1, 1, 6, 6, 6, 17, 17, 17, 58, rng.choice(OTHERS)))
    if protocol in (6, 17) and rng.random() < 0.7:
        first, last = sorted((rng.choice(PORTS), rng.choice(PORTS)))
        return Admit(protocol, peer, (first, last))
    if protocol in (1, 58):
        kind = rng.choice((-1, 0, 8, 13) if protocol == 1 else (-1, 128, 129))
        return Admit(protocol, peer, (kind, -1 if kind == -1 else rng.choice((-1, 0))))
    return Admit(protocol, peer)


def flow(rng: random.Random) -> Flow:
    """Any host, any two ports."""
    host = rng.choice((*V4_HOSTS, *V6_HOSTS))
    return Flow(host, SERVER_V6 if ":" in host else SERVER_V4, rng.choice(PORTS), rng.choice(PORTS))


def strays(rng: random.Random, count: int, *, errors: bool) -> list[Frame]:
    """Frames of any kind and direction, related by chance alone.

    TCP is without SYN, FIN and RST, about which Linux's state machine has opinions of its own.
    """
    flows = [flow(rng) for _ in range(FLOWS)]
    frames: list[Frame] = []
    while len(frames) < count:
        frames += _stray(rng, rng.choice(flows), rng.choice((IN, OUT)), len(frames), frames if errors else ())
    return frames


def _stray(rng: random.Random, flow: Flow, direction: bool, place: int, earlier: Sequence[Frame]) -> list[Frame]:
    kind = rng.choice(("udp", "udp", "tcp", "tcp", "ping", "ping", "other", "icmp", "fragments", "error", "error"))
    version = 6 if ":" in flow.client else 4
    if kind == "tcp":
        return [flow.tcp(direction, rng.choice(("A", "PA")))]
    if kind == "ping":
        return [flow.ping(direction, reply=rng.random() < 0.5, identifier=rng.randrange(3))]
    if kind == "other":
        return [flow.other(direction, rng.choice((*OTHERS, 1 if version == 6 else 58)))]
    if kind == "icmp" and version == 4:
        return [flow.icmp(direction, rng.choice(ICMP_TYPES), 0, rng.randrange(3))]
    if kind == "fragments":
        return flow.fragments(direction, 60_100 + place)
    if kind == "error" and earlier:
        return [_error(rng, rng.choice(earlier))]
    return [flow.udp(direction)]


def _error(rng: random.Random, about: Frame) -> Frame:
    """About an earlier frame of any kind, to its sender; from its receiver or, towards the server, a router."""
    packet = about.packet
    client, server = (packet.src, packet.dst) if about.from_client else (packet.dst, packet.src)
    kind, code = rng.choice(ERRORS[packet.version])
    router = {"src": ROUTERS[packet.version]} if not about.from_client and rng.random() < 0.5 else {}
    return Flow(client, server).error(not about.from_client, kind, code, about, **router)


CONVERSATIONS = (
    ">S <SA >A >PA <A <PA >A >FA <A <FA >A",
    ">S <SA >A >PA <PA <FA >A >FA <A",
    ">S <SA >A >FA <A <PA >A <FA >A",
    ">S >S <SA <SA >A >PA >PA <A",
    ">S <SA >A >PA <RA",
    ">S <RA",
    ">A <A >PA <PA >A",
    "<PA >A <A >PA",
)


def conversations(rng: random.Random, count: int) -> list[list[Frame]]:
    """TCP conversations, each with its own client port, begun by either end."""
    talks = []
    for serial in range(count):
        base, mirrored = flow(rng), rng.random() < 0.4
        client_port, server_port = 20_000 + serial, base.server_port
        if mirrored:
            client_port, server_port = base.client_port, 20_000 + serial
        talk = Flow(base.client, base.server, client_port, server_port)
        words = rng.choice(CONVERSATIONS).split()
        talks.append([talk.tcp((word[0] == ">") != mirrored, word[1:]) for word in words])
    return talks
