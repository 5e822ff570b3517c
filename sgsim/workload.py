"""Seeded rule sets and traffic, shared by benchmarks and tests. A workload is named and versioned: changing what it
makes means a new version, so that numbers stay comparable."""

from __future__ import annotations

import random
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import numpy as np
from numpy.typing import NDArray

from sgsim.model import (
    ANY_PROTOCOL,
    EVERYWHERE,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Address,
    Direction,
    GroupReference,
    Interface,
    Network,
    Peer,
    Rule,
    SecurityGroup,
    Topology,
)

_EPOCH_NS = 1_700_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Workload:
    """What a stream and its rule set are made of; see ``topology`` and ``capture``."""

    name: str = "vpc-v1"
    packets: int = 5_000_000
    flows: int = 100_000
    interfaces: int = 250
    lists: int = 25  # distinct lists of groups
    rules: int = 60  # of an interface, in each direction
    seed: int = 1


# --- rule sets ----------------------------------------------------------------------------------------------------


def topology(workload: Workload) -> Topology:
    """One VPC: ``lists`` lists of one to five groups, a fifth of the rules group references; every fifth list is a
    web tier open to the world in both directions, whose flows are untracked."""
    rng = random.Random(workload.seed)
    groups: dict[str, SecurityGroup] = {}
    lists: list[tuple[str, ...]] = []
    names = [[f"sg-{n:02d}{part}" for part in "abcde"[: 1 + n % 5]] for n in range(workload.lists)]
    every_name = [name for part in names for name in part]
    for n, own in enumerate(names):
        lists.append(tuple(own))
        share = workload.rules // len(own)
        for place, name in enumerate(own):
            sides = {}
            for direction in Direction:
                rules = [_rule(rng, name, direction, place_in, every_name, first=n) for place_in in range(share)]
                if n % 5 == 0 and place == 0:
                    rules[:2] = _open_rules(name, direction)
                sides[direction] = tuple(rules)
            groups[name] = SecurityGroup(name, name, "vpc-1", sides[Direction.INGRESS], sides[Direction.EGRESS])
    interfaces = {}
    for n in range(workload.interfaces):
        addresses: tuple[Address, ...] = (
            IPv4Address(f"10.0.{n >> 8}.0") + (n & 255) + 10,
            IPv6Address("2001:db8::") + n + 10,
        )
        name = f"eni-{n:04d}"
        interfaces[name] = Interface(name, vpc_id="vpc-1", addresses=addresses, group_ids=lists[n % len(lists)])
    return Topology(groups=groups, interfaces=interfaces)


def _rule(rng: random.Random, group: str, direction: Direction, place: int, groups: list[str], first: int) -> Rule:
    kind = rng.random()
    protocol = TCP if kind < 0.7 else UDP
    low = rng.choice((22, 53, 80, 443, 3306, 5432, 8080)) if rng.random() < 0.4 else rng.randrange(1024, 60_000)
    high = low if rng.random() < 0.7 else min(65_535, low + rng.randrange(1, 2_000))
    service: tuple[int, int, int] = (protocol, low, high)
    peer: Peer
    if place % 5 == 4:
        peer = GroupReference(rng.choice(groups))
    elif place % 10 == 3:
        peer = IPv6Network((rng.getrandbits(48) << 80 | 0x20 << 120, rng.choice((32, 48, 64))), strict=False)
    else:
        length = rng.choice((8, 12, 16, 20, 24, 24, 28, 32))
        peer = IPv4Network((rng.randrange(16 << 24, 200 << 24), length), strict=False)
        if kind >= 0.95:
            service = (ICMP, 8, -1)
    return Rule(f"{group}/{direction}/{place}", group, direction, *service, peer)


def _open_rules(group: str, direction: Direction) -> list[Rule]:
    protocol, port = (TCP, 443) if direction is Direction.INGRESS else (ANY_PROTOCOL, None)
    return [
        Rule(f"{group}/{direction}/{place}", group, direction, protocol, port, port, EVERYWHERE[version])
        for place, version in enumerate((4, 6))
    ]


# --- traffic ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flow:
    """``src`` opens the flow."""

    src: Address
    dst: Address
    protocol: int
    src_port: int
    dst_port: int


def flows(workload: Workload, rules: Topology) -> list[Flow]:
    """Flows drawn for the rules: nine in ten are what some rule asks for, the others are not."""
    rng = random.Random(workload.seed + 1)
    interfaces = list(rules.interfaces.values())
    members = {group_id: [i for i in interfaces if group_id in i.group_ids] for group_id in rules.groups}
    found: list[Flow] = []
    while len(found) < workload.flows:
        interface = rng.choice(interfaces)
        direction = Direction.INGRESS if rng.random() < 0.7 else Direction.EGRESS
        candidates = [r for g in interface.group_ids for r in rules.groups[g].rules(direction)]
        open_rules = [rule for rule in candidates if rule.peer in EVERYWHERE.values() and rule.protocol == TCP]
        rule = rng.choice(open_rules) if open_rules else rng.choice(candidates)
        wants_v6 = rng.random() < 0.1
        remote = _remote(rng, rule, members, 6 if wants_v6 else 4)
        local = interface.primary(remote.version)
        if local is None or remote == local:
            continue
        protocol, port = rule.protocol, rng.randrange(1, 1024)
        if protocol == ANY_PROTOCOL:
            protocol, port = TCP, 443
        elif rule.from_port is not None and rule.to_port is not None and protocol in (TCP, UDP):
            port = rng.randint(rule.from_port, rule.to_port)
        if protocol == ICMP and remote.version == 6:
            protocol = ICMPV6
        if rng.random() < 0.08:
            port = rng.choice((23, 135, 445, 1433, 3389))
        src, dst = (remote, local) if direction is Direction.INGRESS else (local, remote)
        found.append(Flow(src, dst, protocol, rng.randrange(32_768, 61_000), port))
    return found


def _remote(rng: random.Random, rule: Rule, members: dict[str, list[Interface]], version: int) -> Address:
    if isinstance(rule.peer, GroupReference):
        chosen = rng.choice(members[rule.peer.group_id]).primary(version)
        assert chosen is not None
        return chosen
    assert isinstance(rule.peer, IPv4Network | IPv6Network)
    return _inside(rng, EVERYWHERE[version] if rule.peer in EVERYWHERE.values() else rule.peer)


def _inside(rng: random.Random, network: Network) -> Address:
    if network == EVERYWHERE[4]:
        network = IPv4Network(f"{rng.randrange(20, 200)}.0.0.0/8")
    elif network == EVERYWHERE[6]:
        network = IPv6Network("2600::/12")
    return network[rng.randrange(min(network.num_addresses, 1 << 62))]


def capture(workload: Workload, made: list[Flow]) -> NDArray[np.uint8]:
    """The bytes of a pcap (little-endian, nanoseconds, Ethernet): the flows interleaved, 64 to 128 bytes a frame.

    TCP flows have handshakes and end with FINs or a RST where they are long enough; lengths follow a Pareto law.
    """
    rng = np.random.default_rng(workload.seed + 2)
    flow, place, last = _schedule(rng, workload, len(made))
    count = len(flow)
    table = _flow_table(made)
    forward = (place % 2 == 0) | (place == 2)
    v6 = table["v6"][flow]
    protocol = table["protocol"][flow]
    payload = rng.integers(0, 65, size=count)
    header = np.where(v6, 40, 20)
    size = np.maximum(64, 14 + header + np.where(protocol == TCP, 20, 8) + payload // 2)
    size = np.minimum(size, 128)
    begins = np.concatenate(([24], 24 + np.cumsum(size[:-1] + 16)))
    out = np.zeros(24 + int((size + 16).sum()), dtype=np.uint8)
    out[:24] = np.frombuffer(np.array([0xA1B23C4D, 0x00040002, 0, 0, 65_535, 1], dtype="<u4").tobytes(), np.uint8)
    times = _EPOCH_NS + np.cumsum(rng.integers(200, 2_000, size=count))

    def put(offset: int | NDArray[np.int64], values: NDArray[np.int64], width: int, rows: NDArray[np.int64]) -> None:
        at = begins[rows] + (offset if isinstance(offset, int) else offset[rows])
        for byte in range(width):
            out[at + byte] = (values[rows] >> (8 * (width - 1 - byte))) & 255

    rows = np.arange(count)
    for offset, values in ((0, times // 10**9), (4, times % 10**9), (8, size), (12, size)):
        for byte in range(4):
            out[begins + offset + byte] = (values >> (8 * byte)) & 255
    put(16, np.full(count, 0x0A00_0000_0001), 6, rows)
    put(22, np.full(count, 0x0A00_0000_0002), 6, rows)
    put(28, np.where(v6, 0x86DD, 0x0800), 2, rows)
    four, six = np.flatnonzero(~v6), np.flatnonzero(v6)
    put(30, np.full(count, 0x4500), 2, four)
    put(32, size - 14, 2, four)
    put(38, np.full(count, 0x40), 1, four)
    put(39, protocol, 1, four)
    put(30, np.full(count, 0x60), 1, six)
    put(34, size - 54, 2, six)
    put(36, protocol, 1, six)
    put(37, np.full(count, 0x40), 1, six)
    for rows_of, base, names, width in ((four, 42, ("a0",), 4), (six, 38, ("a0", "a1"), 8)):
        for part, name in enumerate(names):
            near, far = table[f"src_{name}"][flow], table[f"dst_{name}"][flow]
            put(base + 8 * part, np.where(forward, near, far), width, rows_of)
            put(base + width * len(names) + 8 * part, np.where(forward, far, near), width, rows_of)
    transport = 30 + header
    near, far = table["src_port"][flow], table["dst_port"][flow]
    ports = np.flatnonzero((protocol == TCP) | (protocol == UDP))
    put(transport, np.where(forward, near, far), 2, ports)
    put(transport + 2, np.where(forward, far, near), 2, ports)
    put(transport + 4, size - 14 - header, 2, np.flatnonzero(protocol == UDP))
    tcp = np.flatnonzero(protocol == TCP)
    put(transport + 12, np.full(count, 0x50), 1, tcp)
    put(transport + 13, _flags(place, last), 1, tcp)
    icmp = np.flatnonzero((protocol == ICMP) | (protocol == ICMPV6))
    kinds = np.where(v6, np.where(forward, 128, 129), np.where(forward, 8, 0))
    put(transport, kinds, 1, icmp)
    put(transport + 4, near, 2, icmp)
    return out


def _schedule(
    rng: np.random.Generator, workload: Workload, made: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each packet in order: its flow, its place in the flow, the place of the flow's last packet."""
    weights = np.minimum(rng.pareto(1.3, size=made) + 1, 2_000)
    lengths = np.maximum(1, (weights * workload.packets / weights.sum()).astype(np.int64))
    flow = np.repeat(np.arange(made), lengths)
    place = np.arange(len(flow)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    start = rng.random(made)
    when = start[flow] + place * (0.4 / np.maximum(lengths, 1)[flow]) * (0.5 + rng.random(made))[flow]
    order = np.argsort(when, kind="stable")[: workload.packets]
    return flow[order], place[order], lengths[flow[order]] - 1


def _flags(place: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    flags = np.where(place == 0, 0x02, np.where(place == 1, 0x12, 0x10))
    closing = (last > 5) & (place >= last - 1)
    return np.where(closing, np.where(last % 4 == 0, 0x14, 0x11), flags)


def _flow_table(made: list[Flow]) -> dict[str, NDArray[np.int64]]:
    def half(address: Address, part: int) -> int:
        number = int(address)
        if address.version == 6:
            number = number >> 64 if part == 0 else number & (1 << 64) - 1
        return number - (1 << 64) if number >= 1 << 63 else number

    columns: dict[str, list[int]] = {
        "v6": [flow.src.version == 6 for flow in made],
        "protocol": [flow.protocol for flow in made],
        "src_port": [flow.src_port for flow in made],
        "dst_port": [flow.dst_port for flow in made],
    }
    for part in (0, 1):
        columns[f"src_a{part}"] = [half(flow.src, part) for flow in made]
        columns[f"dst_a{part}"] = [half(flow.dst, part) for flow in made]
    return {name: np.array(values, dtype=np.bool_ if name == "v6" else np.int64) for name, values in columns.items()}
