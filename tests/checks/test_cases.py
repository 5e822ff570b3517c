"""What cases say: packets, flows, times, changes, expectations."""

from __future__ import annotations

import pytest

from tests.checks.conftest import TO_DB


def one(write, check, packets: str, more: str = ""):
    """Run a case of these packets, one a line."""
    lines = "".join(f"      - {{{line.strip()}}}\n" for line in packets.strip().splitlines())
    return check(write(f"cases:\n  - name: x\n{more}    packets:\n{lines}"))


@pytest.mark.parametrize(
    ("expect", "code"),
    [
        ("allow", 0),
        ("drop", 1),
        ("{reason: rule}", 0),
        ("{reason: tracked}", 1),
        ("{verdict: allow, rule: db/ingress/0}", 0),
        ("{verdict: allow, rule: web/egress/0}", 0),
        ("{verdict: allow, rule: db/ingress/1}", 1),
        ("{verdict: allow, interface: db-1}", 0),
        ("{verdict: allow, interface: db-1, rule: web/egress/0}", 1),
        ("{verdict: allow, interface: db-2}", 1),
    ],
)
def test_what_is_expected_of_a_packet_that_passes(write, check, expect, code):
    """Reason, rule and interface are those of one and the same gate."""
    assert check(write(f"cases: [{{{TO_DB}, expect: {expect}}}]")).exit_code == code


@pytest.mark.parametrize(
    ("expect", "code"),
    [
        ("drop", 0),
        ("allow", 1),
        ("{reason: no_rule}", 0),
        ("{verdict: drop, interface: web-1}", 0),
        ("{verdict: drop, interface: db-1}", 1),  # it never gets there, so it is not dropped there
        ("{reason: not_reached, interface: db-1}", 0),
        ("{reason: unresolved}", 1),
    ],
)
def test_what_is_expected_of_a_packet_that_is_dropped(write, check, expect, code):
    """The interface is the one that drops it."""
    packet = "from: web-1, to: db-1, protocol: tcp, port: 22"
    assert check(write(f"cases: [{{{packet}, expect: {expect}}}]")).exit_code == code


@pytest.mark.parametrize(
    ("at", "reason"), [("350s", "tracked"), ("5m50s", "tracked"), ("351s", "no_rule"), ("351", "no_rule")]
)
def test_an_idle_connection_is_forgotten_after_its_timeout(write, check, at, reason):
    """Behind a load balancer's 350 s, the server's packet is nobody's; the flow ends its handshake at 0 s."""
    ended = one(
        write,
        check,
        f"""
        at: 0s, {TO_DB}, expect: allow
        at: 0s, reply: true, expect: {{reason: tracked}}
        at: 0s, {TO_DB}, flags: A, expect: {{reason: tracked}}
        at: {at}, reply: true, expect: {{reason: {reason}}}
        """,
    )
    assert ended.exit_code == 0, ended.output


def test_the_timeout_may_be_set_for_the_file_and_for_a_case(write, check):
    """A case's setting is stronger than the file's; an interface's own is stronger than both."""
    packets = """
      - {at: 0s, from: web-2, to: db-2, protocol: tcp, port: 5432, expect: allow}
      - {at: 0s, reply: true}
      - {at: 0s, from: web-2, to: db-2, protocol: tcp, port: 5432, flags: A}
      - {at: 100s, reply: true, expect: {reason: REASON}}
"""
    text = "settings: {tcp_established_timeout: 60}\ncases:\n  - packets:" + packets.replace("REASON", "no_rule")
    text += "  - settings: {tcp_established_timeout: 120}\n    packets:" + packets.replace("REASON", "tracked")
    ended = check(write(text))
    assert ended.exit_code == 0, ended.output


def test_the_answer_to_an_answer_is_an_ack(write, check):
    """A SYN, its SYN+ACK and the ACK to that make a connection that lives for 350 s, not for a handshake's time."""
    ended = one(write, check, f"{TO_DB}\nreply: true\nreply: true\nat: 300s, reply: true, expect: {{reason: tracked}}")
    assert ended.exit_code == 0, ended.output


@pytest.mark.parametrize(
    ("packet", "expect"),
    [
        (TO_DB, "allow"),
        ("from: web-1, to: db-1, protocol: icmp", "drop"),
        ("from: web-1, to: 192.0.2.1, protocol: udp, port: 53", "drop"),
        ("from: web-1, to: db-1, protocol: 47", "drop"),
    ],
)
def test_of_a_flow_all_packets_meet_the_same(write, check, packet, expect):
    """Whole flows, of whatever protocol."""
    ended = check(write(f"cases: [{{{packet}, flow: true, lasts: 10s, expect: {expect}}}]"))
    assert ended.exit_code == 0, ended.output


def test_packets_are_judged_in_the_order_of_time(write, check):
    """Whatever the order that they are written in."""
    later = "at: 2s, from: db-1, to: web-1, protocol: tcp, port: 49152, source_port: 5432, flags: SA"
    ended = one(write, check, f"{later}, expect: {{reason: tracked}}\nat: 1s, {TO_DB}, expect: {{reason: rule}}")
    assert ended.exit_code == 0, ended.output


@pytest.mark.parametrize("at", ["10s", "+10s", "10"])
def test_a_change_counts_from_the_beginning_of_the_case(write, check, at):
    """Not from the first packet, and written as the times of packets are."""
    change = (
        f"{{at: {at}, call: RevokeSecurityGroupIngress, params: {{GroupId: db, SecurityGroupRuleIds: [db/ingress/0]}}}}"
    )
    ended = one(
        write,
        check,
        f"""
        at: 5s, {TO_DB}, source_port: 50000, expect: allow
        at: 9s, {TO_DB}, source_port: 50001, expect: allow
        at: 11s, {TO_DB}, source_port: 50002, expect: {{reason: no_rule, interface: db-1}}
        at: 12s, {TO_DB}, source_port: 50000, flags: A, expect: {{reason: tracked}}
        """,
        f"    changes: [{change}]\n",
    )
    assert ended.exit_code == 0, ended.output


def test_changes_may_be_expected_to_make_rules(write, check):
    """With changes, rules and interfaces that the snapshot has not are no slip of the pen."""
    change = "{at: 1s, call: AuthorizeSecurityGroupIngress, params: {GroupId: db, IpPermissions: "
    change += "[{IpProtocol: tcp, FromPort: 80, ToPort: 80, IpRanges: [{CidrIp: 10.0.0.0/8}]}]}}"
    packet = "from: web-1, to: db-1, protocol: tcp, port: 80"
    ended = one(
        write,
        check,
        f"{packet}, expect: drop\nat: 2s, {packet}, source_port: 2, expect: allow",
        f"    changes: [{change}]\n",
    )
    assert ended.exit_code == 0, ended.output


def test_an_address_in_two_vpcs_is_judged_in_the_one_that_is_meant(write, check, tmp_path):
    """The case's vpc chooses; without it the case is refused."""
    (tmp_path / "twins.yaml").write_text(
        "security_groups: {a: {vpc: v1, ingress: [tcp 80 from any]}, b: {vpc: v2}}\n"
        "vpcs: {v1: 10.0.0.0/16, v2: 10.0.0.0/16}\ninterfaces:\n"
        "  one: {addresses: [10.0.0.9], groups: [a], vpc: v1}\n  two: {addresses: [10.0.0.9], groups: [b], vpc: v2}\n"
    )
    packet = "from: 192.0.2.1, to: 10.0.0.9, protocol: tcp, port: 80"
    text = f"cases: [{{{packet}, vpc: v1, expect: allow}}, {{{packet}, vpc: v2, expect: drop}}]"
    ended = check(write(text, head="snapshot: twins.yaml\n"))
    assert ended.exit_code == 0, ended.output
    ended = check(write(f"cases: [{{{packet}, expect: allow}}]", head="snapshot: twins.yaml\n"))
    assert ended.exit_code == 2
    assert "choose with vpc:, or name the interface" in ended.stderr
    both = f"cases: [{{packets: [{{{packet}, vpc: v1}}, {{{packet}, vpc: v2, expect: drop}}]}}]"
    assert "make two cases of it" in check(write(both, head="snapshot: twins.yaml\n")).stderr


def test_the_side_of_a_plan_goes_with_its_changes(write, check, tmp_path):
    """A change is made to the side of the plan that the case is about."""
    from tests.checks.test_plan import PLAN

    change = "{at: 1s, call: RevokeSecurityGroupIngress, params: {GroupId: sg-0db, SecurityGroupRuleIds: [sgr-0db]}}"
    packet = "from: web, to: db, protocol: tcp, port: 5432"
    text = f"cases:\n  - changes: [{change}]\n    packets:\n      - {{{packet}, expect: allow}}\n"
    text += f"      - {{at: 2s, {packet}, source_port: 2, expect: drop}}\n"
    ended = check(write(text, head=f"snapshot: {PLAN}\nplan: before\n"))
    assert ended.exit_code == 0, ended.output
