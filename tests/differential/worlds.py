"""Seeded random topologies and packet streams, with few hosts and ports, so that flows meet and rules overlap."""

from __future__ import annotations

import random
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from sgsim.captures.buffers import allocate
from sgsim.kernels.decode import name_flows
from sgsim.layout import FIRST_FRAGMENT, LATER_FRAGMENT, WHOLE, PacketColumns
from sgsim.model import (
    EVERYWHERE,
    Address,
    Direction,
    Fragments,
    GroupReference,
    GroupVpcAssociation,
    Interface,
    Midstream,
    Packet,
    Peer,
    PrefixList,
    PrefixListReference,
    Quoted,
    Rule,
    SecurityGroup,
    Settings,
    Subnet,
    TcpPickup,
    Topology,
    UnknownPeer,
    Vpc,
    VpcPeeringConnection,
)

SECOND = 1_000_000_000
SHAPES = {"whole": WHOLE, "first": FIRST_FRAGMENT, "later": LATER_FRAGMENT}
PORTS = (0, 1, 22, 53, 67, 68, 80, 443, 546, 547, 32767, 32768, 49152, 65534, 65535)
OTHERS = (0, 2, 47, 50, 51, 59, 132, 255)
# The first to the third and the second to the fourth have one ENDS word: only their addresses tell them apart.
COLLIDING = ("2001:db8::1", "2001:db8::2", "2001:db8::5:0:5", "2001:db8::6:0:5")
TWIN: dict[Address, Address] = {ip_address(COLLIDING[n]): ip_address(COLLIDING[n ^ 1]) for n in range(4)}
FLAGS = (2, 2, 0x12, 0x10, 0x10, 0x18, 0x11, 0x04, 0x14, 0, 0x01, 0x03, 0x06)  # of TCP
POLITE = (2, 0x12, 0x10, 0x10, 0x10, 0x18, 0x18)  # a connection that stays open
TIMERS = (10, 30, 60, 120, 180, 600)  # seconds
BOUND = 2**62  # of times, in nanoseconds
INTERFACE_TYPES = (None, "interface", "interface", "interface", "nat_gateway", "lambda", "vpc_endpoint")


def hosts_of(rng: random.Random) -> list[Address]:
    """A pool of addresses: ordinary, special, at the edges of blocks."""
    plain = [f"10.{rng.randrange(3)}.{rng.randrange(3)}.{rng.choice((1, 2, 4, 5, 254, 255))}" for _ in range(8)]
    odd = ["169.254.169.254", "255.255.255.255", "0.0.0.0", "224.0.0.5", "10.0.0.2", "203.0.113.7", "198.51.100.9"]
    v6 = [f"2001:db8:{rng.randrange(2)}::{rng.randrange(1, 6):x}" for _ in range(5)]
    if rng.random() < 0.3:
        v6 += COLLIDING
    odd6 = ["fd00:ec2::254", "ff02::1:2", "fe80::1", "::ffff:10.0.0.5"]
    chosen = plain + rng.sample(odd, 4) + v6 + rng.sample(odd6, 2)
    return [*dict.fromkeys(ip_address(text) for text in chosen)]


def peer_of(rng: random.Random, hosts: Sequence[Address], group_ids: Sequence[str]) -> Peer:
    """A random peer: everywhere, a block around a host, a prefix list, a group, what nobody knows."""
    kind = rng.randrange(20)
    if kind == 19:
        return UnknownPeer("aws_instance.web.private_ip", rng.choice((None, 4, 6)))
    kind //= 2
    if kind < 3:
        return EVERYWHERE[rng.choice((4, 4, 6))]
    if kind < 7:
        host = rng.choice(hosts)
        length = rng.choice((8, 16, 24, 30, 32) if host.version == 4 else (32, 48, 64, 127, 128))
        return ip_network((host, length), strict=False)
    if kind == 7:
        return PrefixListReference(rng.choice(("pl-1", "pl-2", "pl-3", "pl-4")))
    status = rng.choice((None, None, None, None, "active", "deleted"))
    connection = rng.choice((None, None, None, "pcx-1", "pcx-9"))
    group_id = rng.choice((*group_ids, *group_ids, "sg-gone"))
    return GroupReference(group_id, rng.choice((None, "vpc-1", "vpc-2")), connection, status)


def service_of(rng: random.Random) -> tuple[int, int | None, int | None]:
    """A random (protocol, from port, to port)."""
    protocol = rng.choice((-1, 6, 6, 6, 17, 17, 1, 58, rng.choice(OTHERS)))
    if protocol in (6, 17):
        if rng.random() < 0.3:
            return protocol, 0, 65535
        first, last = sorted((rng.choice(PORTS), rng.choice(PORTS)))
        return protocol, first, last
    if protocol in (1, 58):
        kind = rng.choice((-1, 0, 3, 8, 128, 129, 255))
        return protocol, kind, -1 if kind == -1 else rng.choice((-1, 0, 1, 255))
    return protocol, None, None


def topology_of(rng: random.Random, hosts: Sequence[Address]) -> Topology:
    """A few groups in two VPCs, and interfaces that own some of the hosts."""
    group_ids = [f"sg-{n}" for n in range(rng.randrange(1, 5))]
    groups = {}
    hospitable = rng.random() < 0.5  # most of the packets get through, so that connections live
    for group_id in group_ids:
        vpc_id = rng.choice(("vpc-1", "vpc-1", "vpc-2"))
        rules = []
        for direction in Direction:
            count = rng.choice((0, 1, 2, 3, 5))
            made = []
            for n in range(count):
                service, peer = service_of(rng), peer_of(rng, hosts, group_ids)
                made.append(Rule(f"{group_id}/{direction}/{n}", group_id, direction, *service, peer))
            if hospitable and rng.random() < 0.7:
                peer = rng.choice((IPv4Network("0.0.0.0/1"), IPv4Network("10.0.0.0/8"), IPv6Network("2000::/3")))
                kind = rng.choice(((-1, None, None), (-1, None, None), (6, 0, 65535), (17, 0, 65535), (1, 8, 0)))
                made.append(Rule(f"{group_id}/{direction}/-", group_id, direction, *kind, peer))
            rules.append(tuple(made))
        groups[group_id] = SecurityGroup(group_id, group_id, vpc_id, *rules)
    interfaces: dict[str, Interface] = {}
    free = [h for h in hosts if not h.is_multicast and h not in (ip_address("255.255.255.255"), ip_address("0.0.0.0"))]
    rng.shuffle(free)
    for n in range(rng.randrange(1, 5)):
        addresses = tuple(free.pop() for _ in range(min(len(free), rng.choice((1, 1, 2)))))
        prefixes = (IPv4Network("10.2.0.0/28"),) if n == 0 and rng.random() < 0.3 else ()
        interfaces[f"eni-{n}"] = Interface(
            f"eni-{n}",
            vpc_id=rng.choice(("vpc-1", "vpc-1", "vpc-2", None)),
            subnet_id=rng.choice((None, "subnet-1")),
            interface_type=rng.choice(INTERFACE_TYPES),
            instance_id=rng.choice((None, "i-1")),
            addresses=addresses,
            prefixes=prefixes,
            group_ids=tuple(rng.sample(group_ids, rng.randrange(len(group_ids) + 1))),
            tcp_established_timeout=rng.choice((None, 60, 350)),
            udp_timeout=rng.choice((None, 60)),
            udp_stream_timeout=rng.choice((None, 60)),
        )
    statuses = ("active", "active", "deleted")
    peering = VpcPeeringConnection("pcx-1", "vpc-1", "vpc-2", rng.choice(statuses), "r", rng.choice(("r", "q", None)))
    return Topology(
        groups=groups,
        interfaces=interfaces,
        prefix_lists={
            "pl-1": PrefixList("pl-1", "", 4, (IPv4Network("10.0.0.0/16"), IPv4Network("10.0.1.0/24"))),
            "pl-2": PrefixList("pl-2", "", 6, (IPv6Network("2001:db8::/33"),)),
            "pl-3": PrefixList("pl-3", "", 6, None),
        },
        vpcs={"vpc-1": Vpc("vpc-1", IPv4Network("10.0.0.0/16"))} if rng.random() < 0.7 else {},
        subnets={"subnet-1": Subnet("subnet-1", "vpc-1", IPv4Network("10.0.1.0/24"))},
        peerings={"pcx-1": peering} if rng.random() < 0.6 else {},
        associations=(GroupVpcAssociation("sg-0", "vpc-2", rng.choice(("associated", "disassociated"))),)
        if rng.random() < 0.3
        else (),
        auto_tracked=(IPv4Network("203.0.113.0/24"),) if rng.random() < 0.2 else (),
    )


def settings_of(rng: random.Random) -> Settings:
    return Settings(
        open_loop=rng.random() < 0.3,
        fragments=rng.choice((Fragments.TRACK, Fragments.TRACK, *Fragments)),
        tcp_pickup=rng.choice((TcpPickup.LOOSE, TcpPickup.LOOSE, TcpPickup.STRICT)),
        auto_tracked=(IPv6Network("2001:db8:1::/48"),) if rng.random() < 0.1 else (),
        conntrack_max=rng.choice((None, None, 1, 3, 20)),
        midstream=rng.choice(tuple(Midstream)),
    )


def stream_of(rng: random.Random, hosts: Sequence[Address], count: int) -> list[Packet]:
    """Packets between the hosts: conversations that go back and forth, at times around the timeouts."""
    now = rng.choice((rng.randrange(10**18), rng.randrange(10**18), -rng.randrange(10**15), -BOUND, BOUND - 10**15))
    steps = (0, 0, 1, SECOND // 2, SECOND, 10 * SECOND, 29 * SECOND, 30 * SECOND, 30 * SECOND + 1, 60 * SECOND)
    steps += (120 * SECOND, 120 * SECOND + 1, 180 * SECOND + 1, 600 * SECOND, 600 * SECOND + 1, -5 * SECOND)
    flows = [flow_of(rng, hosts) for _ in range(max(2, count // rng.choice((2, 12, 12, 40))))]
    if rng.random() < 0.3:  # more flows than few ports allow
        flows = [(*flow[:4], rng.randrange(1 << 16)) for flow in flows]
    flows += [(TWIN.get(one, one), TWIN.get(other, other), *rest) for one, other, *rest in flows if one in TWIN]
    polite = {place for place in range(len(flows)) if rng.random() < 0.5}
    often, pause = rng.choice((0.4, 0.03, 0.003)), rng.choice((SECOND, SECOND // 50))
    pieces = rng.choice(((90, 5, 5), (99, 1, 0), (40, 30, 30)))
    packets: list[Packet] = []
    latest: dict[int, int] = {}  # when the flow at a place had its last packet
    for _ in range(count):
        place = rng.randrange(len(flows))
        now += rng.choice(steps) if rng.random() < often else rng.randrange(pause)
        if rng.random() < 0.002:
            now += rng.choice((432_000 * SECOND, 30 * 86_400 * SECOND)) + rng.randrange(-1, 2)
        if place in latest and rng.random() < often / 4:  # just before, at or behind the end of a timer of the flow's
            now = max(now, latest[place] + rng.choice(TIMERS) * SECOND + rng.randrange(-1, 2))
        now = max(-BOUND, min(BOUND, now))
        latest[place] = now
        packets.append(packet_of(rng, now, flows[place], packets, POLITE if place in polite else FLAGS, pieces))
    return packets


def flow_of(rng: random.Random, hosts: Sequence[Address]) -> tuple[Address, Address, int, int, int]:
    """(one host, another of its family, protocol, two ports)."""
    one = rng.choice(hosts)
    other = rng.choice([host for host in hosts if host.version == one.version])
    protocol = rng.choice((6, 6, 6, 17, 17, 1 if one.version == 4 else 58, 1, 58, rng.choice(OTHERS)))
    return one, other, protocol, rng.choice(PORTS), rng.choice(PORTS)


def packet_of(
    rng: random.Random,
    now: int,
    flow: tuple[Address, Address, int, int, int],
    past: Sequence[Packet],
    flags_of: Sequence[int],
    pieces: Sequence[int],
) -> Packet:
    """``pieces``: of how many packets each are whole, a first fragment, a later one."""
    one, other, protocol, port, other_port = flow
    if rng.random() < 0.5:
        one, other, port, other_port = other, one, other_port, port
    family_icmp = 1 if one.version == 4 else 58
    fields: dict[str, object] = {}
    fragment = rng.choices(("whole", "first", "later"), pieces)[0]
    ident = rng.randrange(2) if fragment != "whole" else 0
    quoted = None
    flags = 0
    if fragment != "later":
        if protocol in (6, 17):
            fields = {"src_port": port, "dst_port": other_port}
        elif protocol == family_icmp:
            types = (0, 8, 8, 0, 3, 11, 13, 14, 5) if protocol == 1 else (128, 129, 128, 129, 1, 2, 135, 3)
            kind = rng.choice(types)
            fields = {"icmp_type": kind, "icmp_code": rng.choice((0, 0, 0, 1, 4)), "icmp_id": rng.randrange(2)}
            if kind in ((3, 11) if protocol == 1 else (1, 2, 3)) and past:
                quoted = quote_of(rng.choice(past[-20:]))
                if quoted is not None and quoted.src.version == one.version and rng.random() < 0.8:
                    other = quoted.src
                elif quoted is not None and quoted.src.version != one.version:
                    quoted = None
        if protocol == 6:
            flags = rng.choice(flags_of)
    return Packet(
        time_ns=now,
        src=one,
        dst=other,
        protocol=protocol,
        tcp_flags=flags,
        length=rng.randrange(40, 1500),
        fragment=fragment,  # type: ignore[arg-type]
        fragment_id=ident,
        quoted=quoted,
        **fields,  # type: ignore[arg-type]
    )


def quote_of(packet: Packet) -> Quoted | None:
    if packet.fragment == "later":
        return None
    return Quoted(
        packet.src, packet.dst, packet.protocol, packet.src_port, packet.dst_port, packet.icmp_type, packet.icmp_id
    )


def _halves(address: Address) -> tuple[int, int]:
    number = int(address)
    return number >> 64, number & (1 << 64) - 1


def _ports(packet: Packet | Quoted) -> tuple[int, int]:
    if packet.src_port is not None and packet.dst_port is not None:
        return packet.src_port, packet.dst_port
    if packet.icmp_type is not None and packet.icmp_id is not None:
        return packet.icmp_id, packet.icmp_type << 8 | getattr(packet, "icmp_code", 0)
    return 0, 0


def columns_of(packets: Sequence[Packet]) -> PacketColumns:
    """The packets as the decoder would deliver them."""
    columns = allocate(len(packets))
    columns.quoted[:] = -1
    for n, packet in enumerate(packets):
        head, body = columns.heads[n], columns.bodies[n]
        head["time_ns"], head["length"], head["captured"] = packet.time_ns, packet.length, packet.length
        body["version"], body["protocol"] = packet.src.version, packet.protocol
        body["shape"], body["tcp_flags"] = SHAPES[packet.fragment], packet.tcp_flags
        body["src_hi"], body["src_lo"] = _halves(packet.src)
        body["dst_hi"], body["dst_lo"] = _halves(packet.dst)
        body["src_port"], body["dst_port"] = _ports(packet)
        body["fragment_id"] = packet.fragment_id
        if packet.quoted is not None:
            quote = packet.quoted
            body["quoted"] = n
            columns.quotes[n] = (*_halves(quote.src), *_halves(quote.dst), *_ports(quote), quote.protocol, 0)
    name_flows(columns)
    return columns
