"""Where one record knows both gates of a flow and keeps what the rules have said: what random streams hardly meet."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import product
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from sgsim.engine import ReferenceEngine, Simulator, simulator
from sgsim.kernels.slots import ends_of
from sgsim.layout import (
    FIRST_DROP,
    INTERFACE_BITS,
    MIDSTREAM,
    NOTES,
    OPENED,
    OWNER_SHIFT,
    REASONS,
    RULE_BITS,
    SLOT_WORDS,
    SLOTS_USED,
    TRACKED,
)
from sgsim.model import (
    EVERYWHERE,
    Direction,
    FragmentKind,
    Interface,
    Midstream,
    Packet,
    Quoted,
    Rule,
    SecurityGroup,
    Settings,
    Topology,
)
from tests.differential.compare import assert_same
from tests.differential.worlds import BOUND, COLLIDING, SECOND, columns_of

TCP, UDP, ICMP = 6, 17, 1
FIN, SYN, RST, ACK, SYN_ACK = 0x01, 0x02, 0x04, 0x10, 0x12
SERVER, CLIENT, OTHER = "10.0.0.5", "198.51.100.9", "203.0.113.7"
INGRESS, EGRESS = Direction.INGRESS, Direction.EGRESS
MIDSTREAM_LIMIT = 1 << 20


def rule(direction: Direction, protocol: int, first: int | None = None, last: int | None = None, peer: Any = 4) -> Rule:
    network = EVERYWHERE[peer] if isinstance(peer, int) else ip_network(peer)
    name = f"{direction}-{protocol}-{first}-{last}-{network}"
    return Rule(name, "sg", direction, protocol, first, last, network)


def topology(*rules: Rule, addresses: Sequence[str] = (SERVER,), apart: bool = False) -> Topology:
    """One group; its interfaces own the addresses, one each where they are ``apart``."""
    groups = {
        "sg": SecurityGroup(
            "sg", "sg", "vpc-1", *(tuple(r for r in rules if r.direction is way) for way in (INGRESS, EGRESS))
        )
    }
    owned = [(text,) for text in addresses] if apart else [tuple(addresses)]
    interfaces = {
        f"eni-{n}": Interface(f"eni-{n}", vpc_id="vpc-1", addresses=tuple(map(ip_address, own)), group_ids=("sg",))
        for n, own in enumerate(owned)
    }
    return Topology(groups=groups, interfaces=interfaces)


def packet(
    src: str, dst: str, protocol: int, ports: tuple[int, int] | None = None, flags: int = 0, **more: Any
) -> Packet:
    """At second 0 unless ``at``, in seconds, says when."""
    src_port, dst_port = ports or (None, None)
    fields = {"time_ns": int(more.pop("at", 0) * SECOND), "length": 60, **more}
    return Packet(
        src=ip_address(src),
        dst=ip_address(dst),
        protocol=protocol,
        src_port=src_port,
        dst_port=dst_port,
        tcp_flags=flags,
        **fields,
    )


def judged(world: Topology, packets: Sequence[Packet], **settings: Any) -> list[str]:
    """Reason and flags of each observation, as both engines see them, whatever the batches."""
    how = Settings(**settings)
    for size in (1, 3, len(packets)):
        assert_same(world, how, [columns_of(packets[n : n + size]) for n in range(0, len(packets), size)])
    found = Simulator(world, how).judge_columns(columns_of(packets))
    marks = {TRACKED: " tracked", OPENED: " opened", MIDSTREAM: " midstream"}
    return [
        REASONS[reason] + "".join(text for bit, text in marks.items() if flags & bit)
        for reason, flags in zip(found.reason, found.flags, strict=True)
    ]


# --- answers that are kept --------------------------------------------------------------------------------------------


def test_a_syn_does_not_go_by_the_answer_for_replies():
    """What the rules say of a reply to an untracked flow is kept; a SYN the same way is an initiator's."""
    world = topology(rule(INGRESS, TCP, 80, 80), rule(EGRESS, -1))
    back = (SERVER, CLIENT, TCP, (80, 40_000))
    packets = [packet(*back, SYN_ACK), packet(*back, ACK), packet(*back, SYN), packet(*back, ACK)]
    assert judged(world, packets) == ["rule", "rule", "rule tracked opened", "tracked tracked"]


def test_icmp_of_another_code_is_asked_about_anew():
    """A rule may admit one code of a type; packets of all codes are of one flow."""
    world = topology(rule(INGRESS, ICMP, 8, 0), rule(EGRESS, ICMP, 0, 3, peer="198.51.100.0/24"))
    echo, reply = (CLIENT, SERVER, ICMP), (SERVER, CLIENT, ICMP)
    codes = (0, 1, 0, 1, 3)
    packets = [
        packet(*way, icmp_type=kind, icmp_code=code, icmp_id=7, at=100 * n)
        for n, (code, (way, kind)) in enumerate(product(codes, ((echo, 8), (reply, 0))))
    ]
    found = judged(world, packets, open_loop=True)
    assert found[0::2] == ["rule tracked opened", "no_rule", "rule tracked opened", "no_rule", "no_rule"]
    assert found[1::2] == ["no_rule", "no_rule", "no_rule", "no_rule", "rule"]


def test_an_answer_is_kept_for_one_direction():
    """A gate is asked about each way of a flow."""
    world = topology(rule(INGRESS, TCP, 80, 80), rule(EGRESS, TCP, 1, 2))
    there, back = (CLIENT, SERVER, TCP, (40_000, 80)), (SERVER, CLIENT, TCP, (80, 40_000))
    packets = [packet(*back, RST, at=0), packet(*there, RST, at=1), packet(*back, RST, at=2), packet(*there, RST, at=3)]
    assert judged(world, packets, open_loop=True) == ["no_rule midstream", "rule", "no_rule", "rule"]


# --- records of one name ----------------------------------------------------------------------------------------------


def test_ipv6_flows_of_one_hash_have_their_own_records():
    """Only the addresses tell their records apart, where the probe begins and behind it."""
    one, other, far, farther = (
        tuple(np.uint64(half) for half in divmod(int(ip_address(text)), 1 << 64)) for text in COLLIDING
    )
    with np.errstate(over="ignore"):
        plain = getattr(ends_of, "py_func", ends_of)
        assert plain((*one, *far)) == plain((*other, *farther))
    world = topology(rule(INGRESS, TCP, 22, 22, peer="2001:db8::5:0:5/128"), addresses=COLLIDING[:2])
    flows = [(COLLIDING[2], COLLIDING[0]), (COLLIDING[3], COLLIDING[1])]
    packets = [packet(src, dst, TCP, (40_000, 22), SYN) for src, dst in (*flows, *flows)]
    packets += [packet(dst, src, TCP, (22, 40_000), SYN_ACK) for src, dst in flows]
    assert judged(world, packets, open_loop=True) == [
        *("rule tracked opened", "no_rule", "tracked tracked", "no_rule", "tracked tracked", "no_rule")
    ]


def test_ipv4_and_ipv6_of_the_same_numbers_are_two_flows():
    """10.0.0.5 is not ::a00:5, whose bits are the same."""
    six, client = (str(IPv6Address(int(ip_address(text)))) for text in (SERVER, CLIENT))
    world = topology(rule(INGRESS, TCP, 22, 22), addresses=(SERVER, six))
    packets = [packet(CLIENT, SERVER, TCP, (40_000, 22), SYN), packet(client, six, TCP, (40_000, 22), ACK)]
    assert judged(world, packets) == ["rule tracked opened", "no_rule"]


# --- numbers at their ends --------------------------------------------------------------------------------------------


def story() -> list[Packet]:
    """By a rule, by its entry, an error about it, a first fragment and a later one, and one of no first."""
    there, back = (CLIENT, SERVER, TCP, (40_000, 80)), (SERVER, CLIENT, TCP, (80, 40_000))
    quoted = Quoted(ip_address(SERVER), ip_address(CLIENT), TCP, 80, 40_000)
    piece = {"fragment_id": 9, "fragment": FragmentKind.LATER}
    return [
        packet(*there, SYN),
        packet(*back, SYN_ACK),
        packet(OTHER, SERVER, ICMP, icmp_type=3, icmp_code=1, icmp_id=0, quoted=quoted),
        packet(*there, ACK, fragment_id=9, fragment=FragmentKind.FIRST),
        packet(CLIENT, SERVER, TCP, **piece),
        packet(OTHER, SERVER, TCP, **piece),
    ]


def test_rules_are_credited_to_the_last_number():
    """24 bits of a rule's number go all the way: through answers, entries and fates."""
    world = topology(rule(INGRESS, TCP, 0, 65535))
    for number in (RULE_BITS, RULE_BITS - 1, 1 << 23, 0x555555):
        engine = Simulator(world)
        words = engine.table.words.copy()
        ranks = [place for place in engine.table.tables["rules"].tolist() if words[place] == 0]  # of the only rule
        words[ranks] = number
        engine.table = engine.table._replace(words=words)
        found = engine.judge_columns(columns_of(story()))
        assert [REASONS[code] for code in found.reason] == [
            *("rule", "tracked", "related", "tracked", "tracked", "fragment")
        ]
        assert found.rule.tolist() == [number] * 6


def test_interfaces_are_named_to_the_last_number():
    """20 bits of an interface's number go all the way: through gates, entries and fates."""
    engine = Simulator(topology(rule(INGRESS, TCP, 0, 65535)), Settings(conntrack_max=1))
    many = INTERFACE_BITS + 1
    table, state = engine.table, engine._state
    owned = table.about >> OWNER_SHIFT == 1
    about = np.where(owned, (many << OWNER_SHIFT) | (table.about & ((1 << OWNER_SHIFT) - 1)), table.about)
    engine.table = table._replace(about=about.astype(table.about.dtype), gates=np.repeat(table.gates, many))
    engine._state = state._replace(
        timer_rows=np.repeat(state.timer_rows, many), instances=np.repeat(state.instances, many)
    )
    found = engine.judge_columns(columns_of(story()))
    assert [REASONS[code] for code in found.reason] == [
        *("rule", "tracked", "related", "tracked", "tracked", "fragment")
    ]
    assert found.interface.tolist() == [INTERFACE_BITS] * 6


def test_times_may_be_as_far_apart_as_they_can():
    """The difference of the first time and the last does not fit into 64 bits: the jump is one all the same, and
    what comes last is not older than the capture."""
    world = topology(rule(EGRESS, UDP, 0, 65535))
    ends = [-BOUND, BOUND]
    packets = [
        packet(CLIENT, SERVER, UDP, (53, port), time_ns=time) for time, port in zip(ends, (5000, 6000), strict=True)
    ]
    assert judged(world, packets) == ["no_rule midstream", "no_rule"]
    assert judged(world, packets, midstream=Midstream.ASSUME) == ["assumed tracked opened", "no_rule"]
    engine = Simulator(world)
    engine.judge_columns(columns_of(packets))
    assert engine.jumped == (-BOUND, BOUND)


def test_older_flows_are_counted_to_a_bound():
    """A million and no more, by both engines."""
    world = topology(rule(EGRESS, UDP, 0, 65535))
    packets = columns_of([packet(CLIENT, SERVER, UDP, (53, 5000 + n)) for n in range(4)])
    fast, slow = Simulator(world), ReferenceEngine(world)
    slow._judge._midstream = set(range(MIDSTREAM_LIMIT - 2))  # type: ignore[arg-type]
    fast._state.counts[NOTES] = MIDSTREAM_LIMIT - 2
    for engine in (fast, slow):
        found = engine.judge_columns(packets)
        assert ((found.flags & MIDSTREAM) != 0).tolist() == [True, True, False, False]


# --- the bound on entries ---------------------------------------------------------------------------------------------


def test_untracked_packets_do_not_make_the_bound_look_for_idle_entries():
    """A look goes over the whole table: only once an entry may have become idle."""
    world = topology(rule(INGRESS, TCP, 80, 80), rule(EGRESS, -1), rule(INGRESS, TCP, 22, 22, peer="198.51.100.0/24"))
    engine = Simulator(world, Settings(conntrack_max=1))
    packets = [packet(CLIENT, SERVER, TCP, (40_000, 22), SYN)]
    packets += [packet(CLIENT, SERVER, TCP, (40_001, 80), SYN)] * 3
    found = engine.judge_columns(columns_of(packets))
    assert (found.reason < FIRST_DROP).all()
    assert engine._state.earliest[0] >= 120 * SECOND


def test_a_shared_bound_counts_what_both_interfaces_have():
    """Entries that are replaced, go idle, are refreshed or stay behind when the table moves are counted once."""
    world = topology(rule(INGRESS, UDP, 0, 65535), addresses=(SERVER, "10.0.0.6"), apart=True)
    shared = {name: Interface(**{**_fields(each), "instance_id": "i-1"}) for name, each in world.interfaces.items()}
    world = Topology(groups=world.groups, interfaces=shared)
    hosts = (SERVER, "10.0.0.6")
    packets = [
        packet(CLIENT, hosts[n % 2], UDP, (1000 + n % 5, 2000), at=at)
        for n, at in enumerate((0, 0, 0, 29, 30, 30, 30.000000001, 31, 59, 60, 61, 61, 62, 95, 95, 95))
    ]
    found = judged(world, packets, conntrack_max=2, open_loop=True)
    assert found[:3] == ["rule tracked opened", "rule tracked opened", "table_full"]
    assert "table_full" in found[3:]


def _fields(interface: Interface) -> dict[str, Any]:
    return {name: getattr(interface, name) for name in interface.__dataclass_fields__}


# --- networks that are asked about otherwise --------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["224.0.0.5", "255.255.255.255", "ff02::1"])
def test_a_multicast_address_that_is_owned_sends_and_never_receives(group):
    """Section 2.5, and a source that no host can have: its record is met from both sides."""
    version = ip_address(group).version
    host, peer = (SERVER, CLIENT) if version == 4 else ("2001:db8::5", "2001:db8::9")
    world = topology(
        rule(INGRESS, -1, peer=version), rule(EGRESS, -1, peer=version), addresses=(host, group), apart=True
    )
    packets = [packet(peer, group, UDP, (5, 5)), packet(group, peer, UDP, (5, 5)), packet(host, group, UDP, (6, 6))]
    packets += [packet(group, host, UDP, (6, 6))]
    assert judged(world, packets) == ["rule", "rule", "rule", "rule"]


@pytest.mark.parametrize("vpc_id", ["vpc-1", "vpc-2"])
def test_delegated_prefixes_make_gates_of_their_own_flows(vpc_id):
    """Section 2.3: an exact address goes before a prefix, also one of another VPC's, and also for the gates that a
    record keeps."""
    world = topology(rule(INGRESS, TCP, 22, 22), rule(EGRESS, TCP, 22, 22), addresses=(SERVER,))
    owner = world.interfaces["eni-0"]
    nets = (IPv4Network("10.0.0.0/28"), IPv6Network("2001:db8::/64"))
    other = Interface("eni-1", vpc_id=vpc_id, prefixes=nets, group_ids=("sg",))
    world = Topology(groups=world.groups, interfaces={"eni-0": owner, "eni-1": other})
    packets = [
        packet("10.0.0.6", SERVER, TCP, (40_000, 22), SYN),
        packet(SERVER, "10.0.0.6", TCP, (22, 40_000), SYN_ACK),
        packet("10.0.0.6", "10.0.0.7", TCP, (40_000, 22), SYN),
    ]
    assert judged(world, packets) == [*["rule tracked opened"] * 2, *["tracked tracked"] * 2]


# --- states, marks and fates ------------------------------------------------------------------------------------------


def test_a_reset_connection_stays_one():
    """A FIN behind the RST does not give it the closing connection's 120 s."""
    world = topology(rule(INGRESS, TCP, 80, 80))
    there, back = (CLIENT, SERVER, TCP, (40_000, 80)), (SERVER, CLIENT, TCP, (80, 40_000))
    packets = [packet(*there, SYN), packet(*there, RST, at=1), packet(*there, FIN, at=2), packet(*back, ACK, at=13)]
    assert judged(world, packets)[2:] == ["tracked tracked", "no_rule midstream"]


def test_an_untracked_packet_ends_a_mark():
    """Both sides open at once: what the other side's SYN gets through revives the flow at its gate."""
    groups = {
        "shut": SecurityGroup("shut", "shut", "vpc-1", (rule(INGRESS, -1),), ()),
        "sg": topology(rule(INGRESS, -1), rule(EGRESS, -1)).groups["sg"],
    }
    owners = {
        group: Interface(group, vpc_id="vpc-1", addresses=(ip_address(address),), group_ids=(group,))
        for group, address in (("shut", "10.0.0.6"), ("sg", SERVER))
    }
    there, back = ("10.0.0.6", SERVER, TCP, (40_000, 80)), (SERVER, "10.0.0.6", TCP, (80, 40_000))
    packets = [packet(*there, SYN), packet(*back, ACK), packet(*back, SYN), packet(*back, ACK)]
    found = judged(Topology(groups=groups, interfaces=owners), packets)
    assert found[:2] == ["no_rule", "not_reached"]
    assert found[2] == "not_reached"  # the gate of `sg`: nothing of the marked flow
    assert [reason for reason in found[3:] if reason == "rule"] == ["rule", "rule"]


@pytest.mark.parametrize(("protocol", "seconds"), [(UDP, 180), (ICMP, 30), (47, 600)])
@pytest.mark.parametrize("late", [0, 1])
def test_a_packet_may_be_older_than_the_capture_up_to_its_longest_timeout(protocol, seconds, late):
    """Exactly at the timeout still counts, a nanosecond behind it does not."""
    world = topology(rule(EGRESS, -1))
    fields = {"icmp_type": 0, "icmp_code": 0, "icmp_id": 1} if protocol == ICMP else {}
    ports = (53, 5000) if protocol == UDP else None
    first = packet(OTHER, CLIENT, 47)
    packets = [first, packet(CLIENT, SERVER, protocol, ports, time_ns=seconds * SECOND + late, **fields)]
    assert judged(world, packets) == ["no_rule" if late else "no_rule midstream"]


@pytest.mark.parametrize("client", ["1.2.3.4", "198.51.100.9"])
def test_an_error_that_goes_out_is_about_what_came_in(client):
    """Section 8 in both orientations, whichever of the two addresses is the lower one."""
    world = topology(rule(INGRESS, UDP, 53, 53), rule(EGRESS, UDP, 99, 99))
    quoted = Quoted(ip_address(client), ip_address(SERVER), UDP, 5000, 53)
    sent = Quoted(ip_address(SERVER), ip_address(client), UDP, 5000, 99)
    error = {"icmp_type": 3, "icmp_code": 3, "icmp_id": 0}
    packets = [
        packet(SERVER, client, ICMP, quoted=quoted, **error),
        packet(client, SERVER, UDP, (5000, 53)),
        packet(SERVER, client, ICMP, quoted=quoted, **error),
        packet(OTHER, SERVER, ICMP, quoted=sent, **error),
        packet(SERVER, client, UDP, (5000, 99)),
        packet(OTHER, SERVER, ICMP, quoted=sent, **error),
        packet(OTHER, SERVER, ICMP, quoted=quoted, **error),
    ]
    opened = "rule tracked opened"
    assert judged(world, packets) == ["no_rule", opened, "related", "no_rule", opened, "related", "no_rule"]


def test_what_opened_an_entry_is_said_of_the_first_fragment_alone():
    """The later one shares verdict, reason, rule and tracked."""
    world = topology(rule(INGRESS, UDP, 53, 53))
    first = packet(CLIENT, SERVER, UDP, (5000, 53), fragment=FragmentKind.FIRST, fragment_id=3)
    later = packet(CLIENT, SERVER, UDP, fragment=FragmentKind.LATER, fragment_id=3)
    assert judged(world, [later, first, later]) == ["later_fragment", "rule tracked opened", "rule tracked"]


def test_ipv6_fragments_belong_together_whatever_header_comes_next():
    """Section 9: in a later fragment the protocol is what the fragment header says, which may be an extension."""
    world = topology(rule(INGRESS, UDP, 53, 53, peer=6), addresses=("2001:db8::5",))
    ends = ("2001:db8::9", "2001:db8::5")
    first = packet(*ends, UDP, (5000, 53), fragment=FragmentKind.FIRST, fragment_id=3)
    later = packet(*ends, 60, fragment=FragmentKind.LATER, fragment_id=3)
    assert judged(world, [first, later]) == ["rule tracked opened", "rule tracked"]
    world = topology(rule(INGRESS, UDP, 53, 53))  # IPv4: the protocol is part of a datagram's name
    first = packet(CLIENT, SERVER, UDP, (5000, 53), fragment=FragmentKind.FIRST, fragment_id=3)
    later = packet(CLIENT, SERVER, 60, fragment=FragmentKind.LATER, fragment_id=3)
    assert judged(world, [first, later]) == ["rule tracked opened", "later_fragment"]


@pytest.mark.parametrize("kind", [{"ports": (5000, 53)}, {"icmp_type": 3, "icmp_code": 0, "icmp_id": 0}])
def test_a_first_fragment_that_was_not_reached_is_no_newer_one(kind):
    """The sender's gate dropped it: at the receiver's the one before counts, for what was captured there."""
    groups = {"sg": SecurityGroup("sg", "sg", "vpc-1", (rule(INGRESS, -1),), ())}
    owners = {
        f"eni-{n}": Interface(f"eni-{n}", vpc_id="vpc-1", addresses=(ip_address(address),), group_ids=("sg",))
        for n, address in enumerate(("10.0.0.6", SERVER))
    }
    protocol = UDP if "ports" in kind else ICMP
    first = packet("10.0.0.6", SERVER, protocol, fragment=FragmentKind.FIRST, fragment_id=3, **kind)
    later = packet("10.0.0.6", SERVER, protocol, fragment=FragmentKind.LATER, fragment_id=3)
    packets, at = columns_of([first, first, later]), np.array([1, -1, 1], dtype=np.int32)
    world = Topology(groups=groups, interfaces=owners)
    assert_same(world, Settings(), [packets], places=[at])
    found = Simulator(world).judge_columns(packets, at)
    assert [REASONS[code] for code in found.reason] == ["rule", "no_rule", "not_reached", "rule"]


def test_first_fragments_get_room_for_three_records():
    """The flow's, and a fate for each of two gates: the table is moved before it holds more than it should."""
    world = topology(rule(INGRESS, -1), rule(EGRESS, -1), addresses=(SERVER, "10.0.0.6"), apart=True)
    packets = [
        packet(SERVER, "10.0.0.6", UDP, (5000 + n, 53), fragment=FragmentKind.FIRST, fragment_id=n) for n in range(16)
    ]
    with patch.object(simulator, "_FIRST_SLOTS", 64):
        engine = Simulator(world)
    engine.judge_columns(columns_of(packets))
    used, size = engine._state.counts[SLOTS_USED], len(engine._state.table.slots) // SLOT_WORDS
    assert used == 48
    assert used <= simulator._most(size)


def test_an_error_is_about_entries_of_its_own_interface():
    """A neighbour's entry, at the other gate or another's, is none of this interface's."""
    world = topology(rule(INGRESS, UDP, 53, 53), addresses=(SERVER, "10.0.0.6"), apart=True)
    quoted = Quoted(ip_address(CLIENT), ip_address(SERVER), UDP, 5000, 53)
    error = {"icmp_type": 3, "icmp_code": 1, "icmp_id": 0, "quoted": quoted}
    packets = [
        packet(CLIENT, SERVER, UDP, (5000, 53)),
        packet("10.0.0.6", CLIENT, ICMP, **error),
        packet(SERVER, CLIENT, ICMP, **error),
    ]
    assert judged(world, packets) == ["rule tracked opened", "no_rule", "related"]


def test_an_assumed_connection_has_been_answered():
    """Its initiator is the other side, whose first packet makes a stream of UDP."""
    world = topology(rule(INGRESS, UDP, 53, 53))
    there, back = (CLIENT, SERVER, UDP, (5000, 53)), (SERVER, CLIENT, UDP, (53, 5000))
    packets = [packet(*back), packet(*there, at=1), packet(*back, at=101), packet(*back, at=131)]
    assert judged(world, packets, midstream=Midstream.ASSUME) == ["assumed tracked opened", *["tracked tracked"] * 3]
    packets = [packet(*back), packet(*back, at=1), packet(*back, at=32)]  # the responder alone makes none
    assert judged(world, packets, midstream=Midstream.ASSUME)[1:] == ["tracked tracked", "assumed tracked opened"]


def test_a_mark_lasts_ten_seconds_behind_a_reset():
    """Section 10: also where the SYN that did not get through had the flag."""
    world = topology(rule(EGRESS, TCP, 0, 65535))
    there, back = (CLIENT, SERVER, TCP, (40_000, 80)), (SERVER, CLIENT, TCP, (80, 40_000))
    packets = [packet(*there, SYN | RST), packet(*back, ACK, at=10), packet(*back, ACK, at=20)]
    packets.append(packet(*back, ACK, time_ns=30 * SECOND + 1))
    assert judged(world, packets) == ["no_rule", "not_reached", "not_reached", "rule tracked opened"]


def test_a_flow_that_is_marked_is_none_of_before_the_capture():
    """Section 10: without an entry and without a mark; here the table was full when it was first assumed."""
    world = topology(rule(INGRESS, UDP, 6000, 6000), rule(INGRESS, ICMP, 8, -1))
    ping = packet(CLIENT, SERVER, ICMP, icmp_type=8, icmp_code=0, icmp_id=1)
    asks = (SERVER, CLIENT, UDP, (6000, 53))
    packets = [ping, packet(*asks), packet(*asks, at=20), packet(*asks, at=31)]
    found = judged(world, packets, midstream=Midstream.ASSUME, conntrack_max=1)
    assert found == ["rule tracked opened", "table_full", "no_rule", "no_rule"]
