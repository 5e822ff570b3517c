"""What is decided about records: whose they are, which side asked, what is tracked, what is only possible."""

from __future__ import annotations

import pytest

from sgsim.model import LogSkip, Midstream, Settings
from tests.flowlogs.judging import brief, judged, lines, world

WORLD = """
security_groups:
  web:
    ingress: [tcp 443 from any, udp 1194 from any]
    egress: [tcp 5432 to 10.0.2.0/24, udp 53 to 10.0.9.0/24]
  ping: {ingress: [icmp from 198.51.100.0/24, icmp 8 from 203.0.113.0/24], egress: []}
  out: {ingress: [], egress: [all to any]}
interfaces:
  web-1: {addresses: [10.0.1.10, 10.0.1.11, "2001:db8::10"], groups: [web]}
  ping-1: {addresses: [10.0.1.20], groups: [ping]}
  out-1: {addresses: [10.0.1.30], groups: [out]}
  nat: {addresses: [10.0.1.40], groups: [], type: nat_gateway}
"""
ENDS = "interface-id srcaddr dstaddr srcport dstport protocol start end"
FLAGGED = f"{ENDS} packets tcp-flags"
ALLOW, DROP, POSSIBLE = "allow", "drop", "possible"


@pytest.fixture
def topology(tmp_path):
    return world(tmp_path, WORLD)


# --- whose record it is -----------------------------------------------------------------------------------------------


def test_the_interface_id_says_whose_it_is(tmp_path, topology):
    """A record of each end of a flow between two interfaces is judged at its own one."""
    log = lines(
        tmp_path,
        ENDS,
        "out-1 10.0.1.30 10.0.1.10 50000 443 6 +0 +9",
        "web-1 10.0.1.30 10.0.1.10 50000 443 6 +0 +9",
        "eni-x 10.0.1.30 10.0.1.10 50000 443 6 +0 +9",
    )
    summary, found = judged(topology, log)
    assert brief(found, "eni", "direction", "rule") == [
        ("out-1", "egress", "out/egress/0"),
        ("web-1", "ingress", "web/ingress/0"),
    ]
    assert summary.skipped[LogSkip.NO_INTERFACE] == 1
    assert [(each.eni, each.records, each.known) for each in summary.strangers] == [("eni-x", 1, False)]


def test_without_an_id_the_owner_of_an_address_is_asked(tmp_path, topology):
    """One known end suffices; with two, only the direction tells."""
    names = "srcaddr dstaddr srcport dstport protocol start flow-direction"
    log = lines(
        tmp_path,
        names,
        "192.0.2.7 10.0.1.10 50000 443 6 +0 -",
        "10.0.1.30 10.0.1.10 50000 443 6 +0 -",
        "10.0.1.30 10.0.1.10 50000 443 6 +0 egress",
        "10.0.1.30 10.0.1.10 50000 443 6 +0 ingress",
        "192.0.2.7 192.0.2.8 50000 443 6 +0 -",
        "10.0.1.10 10.0.1.11 50000 443 6 +0 -",
    )
    summary, found = judged(topology, log)
    assert brief(found, "eni", "direction") == [("web-1", "ingress"), ("out-1", "egress"), ("web-1", "ingress")]
    skips = {skip: count for skip, count in summary.skipped.items() if count}
    assert skips == {LogSkip.UNCLEAR: 1, LogSkip.NO_INTERFACE: 1, LogSkip.LOCAL: 1}


def test_the_direction_of_foreign_addresses_must_be_given(tmp_path, topology):
    """Of an interface that forwards, neither address is its own."""
    log = lines(
        tmp_path,
        f"{ENDS} flow-direction",
        "web-1 192.0.2.7 10.0.7.7 50000 443 6 +0 +9 -",
        "web-1 192.0.2.7 10.0.7.7 50000 443 6 +0 +9 ingress",
        "web-1 10.0.7.7 192.0.2.7 443 50000 6 +0 +9 egress",
        "ping-1 2001:db8:1::1 2001:db8:2::2 1 443 6 +0 +9 ingress",
    )
    summary, found = judged(topology, log)
    assert brief(found) == [(ALLOW, "rule"), (ALLOW, "tracked"), (DROP, "no_rule")]
    assert (summary.skipped[LogSkip.UNCLEAR], summary.other_addresses) == (1, 3)


def test_the_packets_own_addresses_are_the_truth(tmp_path, topology):
    """srcaddr and dstaddr show the primary address where a packet had a secondary or foreign one."""
    log = lines(
        tmp_path,
        f"{ENDS} pkt-srcaddr pkt-dstaddr",
        "web-1 10.0.1.10 10.0.2.9 40000 5432 6 +0 +9 10.0.1.11 10.0.2.9",
        "web-1 10.0.1.10 10.0.2.9 40000 5432 6 +0 +9 10.0.1.10 192.0.2.9",
        "web-1 10.0.1.10 10.0.2.9 40000 5432 6 +0 +9 - -",
        "web-1 10.0.1.10 10.0.2.9 40001 5432 6 +0 +9 10.9.9.9 10.0.2.9",
    )
    _, found = judged(topology, log)
    assert brief(found, "src", "dst", "verdict") == [
        ("10.0.1.11", "10.0.2.9", ALLOW),
        ("10.0.1.10", "192.0.2.9", DROP),
        ("10.0.1.10", "10.0.2.9", ALLOW),
        ("10.9.9.9", "10.0.2.9", ALLOW),
    ]


def test_unselected_interfaces_are_not_judged(tmp_path, topology):
    """They are told of as what the snapshot has."""
    log = lines(tmp_path, ENDS, "web-1 192.0.2.7 10.0.1.10 50000 443 6 +0 +9", "nat 192.0.2.7 10.0.1.40 1 2 6 +0 +9")
    summary, found = judged(topology, log, enis=["web-1"])
    assert brief(found, "eni") == [("web-1",)]
    assert [(each.eni, each.known) for each in summary.strangers] == [("nat", True)]


def test_an_interface_without_groups_filters_nothing(tmp_path, topology):
    """As in replay."""
    _, found = judged(topology, lines(tmp_path, ENDS, "nat 192.0.2.7 10.0.1.40 1 2 6 +0 +9"))
    assert brief(found) == [(ALLOW, "unfiltered")]


# --- which side asked -------------------------------------------------------------------------------------------------


def test_flags_tell_who_asked(tmp_path, topology):
    """A SYN is judged by the rules, a SYN-ACK answers it, whichever line comes first and whatever the ports."""
    log = lines(
        tmp_path,
        FLAGGED,
        "web-1 10.0.1.10 192.0.2.7 443 200 6 +0 +9 5 18",
        "web-1 192.0.2.7 10.0.1.10 200 443 6 +0 +9 5 2",
        "out-1 192.0.2.7 10.0.1.30 80 50000 6 +0 +9 5 2",
        "out-1 10.0.1.30 192.0.2.7 50000 80 6 +0 +9 5 18",
    )
    _, found = judged(topology, log)
    assert brief(found) == [(ALLOW, "tracked"), (ALLOW, "rule"), (DROP, "no_rule"), (DROP, "not_reached")]


def test_ports_tell_who_asked_where_no_flags_do(tmp_path, topology):
    """A port that a rule names is a server's, then the lower kind of port; the answer comes first here."""
    log = lines(
        tmp_path,
        ENDS,
        "web-1 10.0.1.10 192.0.2.7 443 50000 6 +0 +9",
        "web-1 192.0.2.7 10.0.1.10 50000 443 6 +0 +9",
        "web-1 10.0.1.10 192.0.2.7 1194 1024 17 +0 +9",
        "web-1 192.0.2.7 10.0.1.10 1024 1194 17 +0 +9",
        "out-1 192.0.2.7 10.0.1.30 22 40000 6 +0 +9",
        "out-1 10.0.1.30 192.0.2.7 40000 22 6 +0 +9",
        "out-1 192.0.2.7 10.0.1.30 50000 8080 6 +0 +9",
        "out-1 10.0.1.30 192.0.2.7 8080 50000 6 +0 +9",
    )
    _, found = judged(topology, log)
    assert brief(found) == [
        *[(ALLOW, "tracked"), (ALLOW, "rule")] * 3,
        *[(DROP, "no_rule"), (DROP, "not_reached")],
    ]


def test_rules_tell_who_asked_where_nothing_else_does(tmp_path, topology):
    """Two ports of one kind: the side that the rules let ask; its answer is only possible."""
    log = lines(
        tmp_path,
        ENDS,
        "out-1 192.0.2.7 10.0.1.30 51820 51820 17 +0 +9",
        "out-1 10.0.1.30 192.0.2.7 51820 51820 17 +0 +9",
        "out-1 192.0.2.7 10.0.1.30 40000 60000 17 +0 +9",
        "out-1 192.0.2.7 10.0.1.30 60000 40000 6 +0 +9",
        "out-1 10.0.1.30 192.0.2.7 40000 60000 6 +0 +9",
    )
    _, found = judged(topology, log)
    assert brief(found) == [
        *[(POSSIBLE, "tracked"), (ALLOW, "rule")],
        (DROP, "no_rule"),
        *[(POSSIBLE, "tracked"), (ALLOW, "rule")],
    ]


def test_an_answer_that_begins_earlier_is_an_answer(tmp_path, topology):
    """A connection older than the log: the server sends first, but both sides are there within the interval."""
    log = lines(
        tmp_path,
        FLAGGED,
        "web-1 10.0.1.10 192.0.2.7 443 50000 6 +0 +50 5 0",
        "web-1 192.0.2.7 10.0.1.10 50000 443 6 +20 +40 5 0",
        "web-1 10.0.1.10 192.0.2.7 443 50001 6 +0 +10 5 0",
    )
    summary, found = judged(topology, log)
    assert brief(found) == [(ALLOW, "tracked"), (ALLOW, "rule"), (DROP, "no_rule")]
    assert summary.midstream_flows == 1


@pytest.mark.parametrize(
    ("at", "expected"),
    [(0, [(ALLOW, "tracked"), (ALLOW, "tracked")]), (700, [(DROP, "no_rule"), (DROP, "not_reached")])],
)
def test_an_answer_with_the_higher_port_is_no_question(tmp_path, topology, at, expected):
    """UDP from a higher to a lower port looks like a question; of flows that may be older than the log it is none."""
    log = lines(
        tmp_path,
        ENDS,
        "out-1 10.0.1.30 192.0.2.7 40000 22 6 +0 +9",
        f"web-1 10.0.1.10 192.0.2.7 1194 1024 17 +{at} +{at + 50}",
        f"web-1 192.0.2.7 10.0.1.10 1024 1194 17 +{at + 5} +{at + 50}",
    )
    _, found = judged(topology, log)
    assert brief(found)[1:] == expected


def test_midstream_assume_lets_an_older_connection_pass(tmp_path, topology):
    """An answer alone, to what the rules admit."""
    log = lines(tmp_path, FLAGGED, "web-1 10.0.1.10 192.0.2.7 443 50001 6 +0 +10 5 0")
    _, found = judged(topology, log, settings=Settings(midstream=Midstream.ASSUME))
    assert brief(found) == [(ALLOW, "assumed")]


# --- connections ------------------------------------------------------------------------------------------------------


def test_a_connection_lives_on_from_interval_to_interval(tmp_path, topology):
    """Tracked as long as it is not idle; times between intervals count from last to first packet."""
    log = lines(
        tmp_path,
        FLAGGED,
        "web-1 192.0.2.7 10.0.1.10 50000 443 6 +0 +59 5 2",
        "web-1 10.0.1.10 192.0.2.7 443 50000 6 +0 +59 5 18",
        "web-1 10.0.1.10 192.0.2.7 443 50000 6 +60 +119 5 0",
        "web-1 10.0.1.10 192.0.2.7 443 50000 6 +80000 +80010 5 0",
        "web-1 192.0.2.7 10.0.1.10 50000 443 6 +80020 +80030 5 1",
        "web-1 10.0.1.10 192.0.2.7 443 50000 6 +80150 +80150 1 4",
        "web-1 10.0.1.10 192.0.2.7 443 50000 6 +80161 +80170 1 0",
    )
    _, found = judged(topology, log)
    assert brief(found) == [(ALLOW, "rule"), *[(ALLOW, "tracked")] * 5, (DROP, "no_rule")]


def test_idle_udp_is_forgotten(tmp_path, topology):
    """30 s until it is a stream, 180 s then; a record's last packet begins the time anew."""
    log = lines(
        tmp_path,
        f"{ENDS} packets",
        "web-1 10.0.1.10 10.0.9.9 40000 53 17 +0 +20 4",
        "web-1 10.0.9.9 10.0.1.10 53 40000 17 +50 +50 1",
        "web-1 10.0.9.9 10.0.1.10 53 40000 17 +81 +81 1",
        "web-1 10.0.1.10 10.0.9.9 40001 53 17 +100 +140 9",
        "web-1 10.0.9.9 10.0.1.10 53 40001 17 +101 +141 9",
        "web-1 10.0.9.9 10.0.1.10 53 40001 17 +321 +321 1",
        "web-1 10.0.9.9 10.0.1.10 53 40001 17 +502 +502 1",
    )
    _, found = judged(topology, log)
    assert brief(found, "verdict") == [(v,) for v in (ALLOW, ALLOW, DROP, ALLOW, ALLOW, ALLOW, DROP)]


def test_what_follows_a_dropped_beginning_is_not_there(tmp_path, topology):
    """Closed loop, as in replay; --open-loop judges each record on its own."""
    log = lines(
        tmp_path,
        FLAGGED,
        "out-1 192.0.2.7 10.0.1.30 50000 22 6 +0 +59 9 2",
        "out-1 10.0.1.30 192.0.2.7 22 50000 6 +0 +59 9 18",
        "out-1 192.0.2.7 10.0.1.30 50000 22 6 +60 +119 9 0",
    )
    _, found = judged(topology, log)
    assert brief(found) == [(DROP, "no_rule"), (DROP, "not_reached"), (DROP, "not_reached")]
    _, found = judged(topology, log, settings=Settings(open_loop=True))
    assert brief(found) == [(DROP, "no_rule"), (ALLOW, "rule"), (ALLOW, "tracked")]


def test_a_new_connection_of_the_same_ports(tmp_path, topology):
    """A SYN after a FIN is judged anew, and admitted."""
    log = lines(
        tmp_path,
        FLAGGED,
        "web-1 192.0.2.7 10.0.1.10 50000 443 6 +0 +9 6 3",
        "web-1 10.0.1.10 192.0.2.7 443 50000 6 +0 +9 6 19",
        "web-1 192.0.2.7 10.0.1.10 50000 443 6 +30 +39 6 3",
    )
    summary, found = judged(topology, log)
    assert brief(found) == [(ALLOW, "rule"), (ALLOW, "tracked"), (ALLOW, "rule")]
    assert {count.rule.rule_id: count.flows for count in summary.rules if count.flows} == {"web/ingress/0": 2}


# --- ICMP -------------------------------------------------------------------------------------------------------------


def test_icmp_without_its_type(tmp_path, topology):
    """A rule for all types admits it, one for some type perhaps, none drops it; an answer goes with what it answers."""
    log = lines(
        tmp_path,
        ENDS,
        "ping-1 198.51.100.7 10.0.1.20 0 0 1 +0 +9",
        "ping-1 10.0.1.20 198.51.100.7 0 0 1 +1 +9",
        "ping-1 203.0.113.7 10.0.1.20 0 0 1 +0 +9",
        "ping-1 10.0.1.20 203.0.113.7 0 0 1 +1 +9",
        "ping-1 192.0.2.7 10.0.1.20 0 0 1 +0 +9",
        "ping-1 10.0.1.20 192.0.2.7 0 0 1 +1 +9",
    )
    _, found = judged(topology, log)
    assert brief(found, "verdict", "reason", "rule") == [
        (ALLOW, "rule", "ping/ingress/0"),
        (POSSIBLE, "tracked", "ping/ingress/0"),
        (POSSIBLE, "rule", "ping/ingress/1"),
        (POSSIBLE, "tracked", "ping/ingress/1"),
        (DROP, "no_rule", None),
        (DROP, "no_rule", None),
    ]


def test_icmpv6_of_neighbours_may_be_their_discovery(tmp_path, topology):
    """Never filtered, if that is what it is."""
    log = lines(
        tmp_path,
        f"{ENDS} flow-direction",
        "web-1 fe80::1 2001:db8::10 0 0 58 +0 +9 ingress",
        "web-1 2001:db8::10 ff02::1:ff00:1 0 0 58 +0 +9 egress",
        "web-1 2001:db8::77 2001:db8::10 0 0 58 +0 +9 ingress",
    )
    _, found = judged(topology, log)
    assert brief(found) == [(POSSIBLE, "exempt"), (POSSIBLE, "exempt"), (DROP, "no_rule")]


@pytest.mark.parametrize("protocol", [47, 50, 252, 251, 250])
def test_other_protocols_are_themselves(tmp_path, protocol):
    """Numbers that stand for ICMP stand for nothing else."""
    topology = world(tmp_path, "security_groups: {a: {ingress: [icmp from any, icmpv6 128 from any]}}\n"
                     "interfaces: {a-1: {addresses: [10.0.0.1], groups: [a]}}")  # fmt: skip
    log = lines(
        tmp_path,
        ENDS,
        f"a-1 192.0.2.7 10.0.0.1 0 0 {protocol} +0 +9",
        f"a-1 10.0.0.1 192.0.2.8 0 0 {protocol} +0 +9",
        "a-1 192.0.2.9 10.0.0.1 0 0 1 +0 +9",
    )
    _, found = judged(topology, log)
    assert brief(found) == [(DROP, "no_rule"), (ALLOW, "rule"), (ALLOW, "rule")]


# --- rules ------------------------------------------------------------------------------------------------------------


def test_rules_that_no_record_used(tmp_path, topology):
    """Those credited, and those that may have been the one, are used; others are not."""
    log = lines(
        tmp_path,
        ENDS,
        "web-1 192.0.2.7 10.0.1.10 50000 443 6 +0 +9",
        "ping-1 203.0.113.7 10.0.1.20 0 0 1 +0 +9",
    )
    summary, _ = judged(topology, log)
    unused = {rule.rule_id for rule in summary.unused}
    assert unused == {count.rule.rule_id for count in summary.rules} - {"web/ingress/0", "ping/ingress/1"}
    used = next(count for count in summary.rules if count.rule.rule_id == "ping/ingress/1")
    assert (used.records, used.possible, used.perhaps) == (1, 1, 1)
