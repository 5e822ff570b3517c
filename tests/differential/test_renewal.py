"""What a change of the topology leaves of entries, marks, fates, counts and numbers: one thing at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network, ip_address
from typing import Any

import pytest

from sgsim.compile import records, rows
from sgsim.engine import Engine, ReferenceEngine, Simulator
from sgsim.errors import SelectionError
from sgsim.layout import MIDSTREAM, NOTES, OPENED, REASONS, SLOT_WORDS, SLOTS_USED, TRACKED, PacketColumns
from sgsim.model import FragmentKind, Interface, Packet, Quoted, Rule, SecurityGroup, Settings, Subnet, Topology
from tests.differential.compare import assert_same
from tests.differential.test_flow_table import (
    ACK,
    CLIENT,
    EGRESS,
    FIN,
    ICMP,
    INGRESS,
    SERVER,
    SYN,
    SYN_ACK,
    TCP,
    UDP,
    packet,
    rule,
    topology,
)
from tests.differential.worlds import columns_of

NEIGHBOUR = "10.0.0.6"
ENGINES = pytest.mark.parametrize("make", [Simulator, ReferenceEngine])
THERE, BACK = (CLIENT, SERVER, TCP, (40_000, 22)), (SERVER, CLIENT, TCP, (22, 40_000))
NEW = "rule tracked opened"
SSH = rule(INGRESS, TCP, 22, 22, peer="198.51.100.0/24")


def told(world: Topology, steps: Sequence[Packet | Topology], **settings: Any) -> list[str]:
    """Reason and flags of each observation, as both engines see them, whatever the batches; a topology among the steps
    holds from there on."""
    how = Settings(**settings)
    for size in (1, 3, len(steps)):
        batches, changes = batched(steps, size)
        assert_same(world, how, batches, changes=changes)
    engine, found = Simulator(world, how), []
    for step in steps:
        if isinstance(step, Topology):
            engine.change(step)
        else:
            found += texts(engine, columns_of([step]))
    return found


def batched(steps: Sequence[Packet | Topology], size: int) -> tuple[list[PacketColumns], dict[int, list[Topology]]]:
    """The packets in batches of at most ``size``, and what is changed before which batch."""
    batches: list[list[Packet]] = [[]]
    changes: dict[int, list[Topology]] = {}
    for step in steps:
        if isinstance(step, Topology):
            if batches[-1]:
                batches.append([])
            changes.setdefault(len(batches) - 1, []).append(step)
        else:
            if len(batches[-1]) == size:
                batches.append([])
            batches[-1].append(step)
    return [columns_of(batch) for batch in batches], changes


def texts(engine: Engine, columns: PacketColumns) -> list[str]:
    found = engine.judge_columns(columns)
    marks = {TRACKED: " tracked", OPENED: " opened", MIDSTREAM: " midstream"}
    return [
        REASONS[reason] + "".join(text for bit, text in marks.items() if flags & bit)
        for reason, flags in zip(found.reason, found.flags, strict=True)
    ]


def with_interfaces(world: Topology, **changes: dict[str, Any] | None) -> Topology:
    """``eni_0=None`` takes it away, a dictionary gives fields other values."""
    interfaces = dict(world.interfaces)
    for name, fields in changes.items():
        interface = interfaces.pop(name.replace("_", "-"))
        if fields is not None:
            interfaces[interface.interface_id] = replace(interface, **fields)
    return replace(world, interfaces={name: interfaces[name] for name in world.interfaces if name in interfaces})


def owning(*addresses: str) -> dict[str, Any]:
    return {"addresses": tuple(map(ip_address, addresses))}


# --- entries ----------------------------------------------------------------------------------------------------------


def test_an_entry_outlives_its_rule_and_a_new_flow_does_not_pass():
    world, without = topology(SSH), topology()
    steps = [packet(*THERE, SYN), without, packet(*BACK, SYN_ACK), packet(*THERE, ACK)]
    other = (CLIENT, SERVER, TCP, (40_001, 22))
    assert told(world, [*steps, packet(*other, SYN)]) == [NEW, "tracked tracked", "tracked tracked", "no_rule"]


def test_an_entry_that_is_idle_at_the_change_is_gone():
    """It is not brought back by a change; exactly at its timeout it is live."""
    world, without = topology(SSH), topology()
    for late, expected in ((0, "tracked tracked"), (1, "no_rule midstream")):
        again = packet(*BACK, SYN_ACK, time_ns=120 * 10**9 + late)
        assert told(world, [packet(*THERE, SYN), again]) == [NEW, expected]
        assert told(world, [packet(*THERE, SYN), without, again])[1] == expected.split(" midstream")[0]


def test_an_error_is_related_to_an_entry_whose_rule_is_gone():
    quoted = Quoted(ip_address(SERVER), ip_address(CLIENT), TCP, 22, 40_000)
    error = packet("203.0.113.7", SERVER, ICMP, icmp_type=3, icmp_code=1, icmp_id=0, quoted=quoted)
    world = topology(SSH)
    assert told(world, [packet(*THERE, SYN), topology(), error]) == [NEW, "related"]
    assert told(world, [packet(*THERE, SYN), with_interfaces(world, eni_0=None), world, error]) == [NEW, "no_rule"]


@pytest.mark.parametrize("fields", [None, {"instance_id": "i-2"}, {"instance_id": None}])
def test_detaching_clears_the_table(fields):
    """Section 11: deleted, on another instance, or on none; and it stays cleared when all is as it was."""
    world = with_interfaces(topology(SSH), eni_0={"instance_id": "i-1"})
    steps = [packet(*THERE, SYN), with_interfaces(world, eni_0=fields), world, packet(*BACK, SYN_ACK)]
    assert told(world, steps) == [NEW, "no_rule midstream"]
    steps = [packet(*THERE, SYN), world, packet(*BACK, SYN_ACK)]
    assert told(world, steps) == [NEW, "tracked tracked"]


def test_an_address_takes_its_connections_with_it():
    """They end at the interface that no longer has it, and do not come to the one that has it now, or come back."""
    world = topology(SSH, addresses=(SERVER, NEIGHBOUR), apart=True)
    moved = with_interfaces(world, eni_0=owning("10.0.0.7"), eni_1=owning(NEIGHBOUR, SERVER))
    dropped = ["no_rule midstream", "no_rule"]
    assert told(world, [packet(*THERE, SYN), moved, packet(*BACK, ACK), packet(*BACK, ACK)]) == [NEW, *dropped]
    assert told(world, [packet(*THERE, SYN), moved, world, packet(*BACK, ACK), packet(*BACK, ACK)]) == [NEW, *dropped]
    more = with_interfaces(world, eni_0=owning("10.0.0.7", SERVER))
    assert told(world, [packet(*THERE, SYN), more, packet(*BACK, ACK)]) == [NEW, "tracked tracked"]


def test_an_address_in_a_prefix_that_another_takes_over():
    """Section 2.3 decides whose it is after a change too: an exact address goes before a prefix."""
    world = topology(SSH, addresses=(NEIGHBOUR,))
    wide = with_interfaces(world, eni_0={"prefixes": (IPv4Network("10.0.0.0/28"),), "addresses": ()})
    exact = replace(world.interfaces["eni-0"], interface_id="eni-1", addresses=(ip_address(SERVER),))
    both = replace(wide, interfaces={**wide.interfaces, "eni-1": exact})
    assert told(wide, [packet(*THERE, SYN), both, packet(*BACK, ACK)]) == [NEW, "no_rule midstream"]
    assert told(wide, [packet(*THERE, SYN), wide, packet(*BACK, ACK)]) == [NEW, "tracked tracked"]


def test_a_flow_within_one_interface_has_no_entry():
    """Two interfaces' addresses come to be one's, and apart again: nothing is left at the one that kept its own."""
    world = topology(rule(INGRESS, TCP, 22, 22), rule(EGRESS, TCP, 22, 22), addresses=(SERVER, NEIGHBOUR), apart=True)
    one = with_interfaces(world, eni_0=owning(SERVER, NEIGHBOUR), eni_1=owning("10.0.0.7"))
    syn = packet(NEIGHBOUR, SERVER, TCP, (40_000, 22), SYN)
    reply = packet(SERVER, NEIGHBOUR, TCP, (22, 40_000), SYN_ACK)
    assert told(world, [syn, world, reply]) == [NEW, NEW, "tracked tracked", "tracked tracked"]
    assert told(world, [syn, one, reply, world, reply]) == [NEW, NEW, "no_rule midstream", "not_reached"]


def test_an_interface_without_groups_keeps_no_entries():
    """What is never filtered has none; with groups again it begins anew. So has what a new resolver makes exempt."""
    world = topology(SSH)
    bare = with_interfaces(world, eni_0={"group_ids": ()})
    steps = [packet(*THERE, SYN), bare, packet(*BACK, ACK), world, packet(*BACK, ACK)]
    assert told(world, steps) == [NEW, "unfiltered", "no_rule midstream"]
    world = with_interfaces(world, eni_0={"subnet_id": "subnet-1"})
    routed = replace(world, subnets={"subnet-1": Subnet("subnet-1", None, IPv4Network("198.51.100.8/29"))})
    steps = [packet(*THERE, SYN), routed, packet(*BACK, ACK), world, packet(*BACK, ACK)]
    assert told(world, steps) == [NEW, "exempt", "no_rule midstream"]


def test_new_timeouts_count_from_the_next_packet():
    """An entry lasts as long as its last packet was promised."""
    world = topology(rule(INGRESS, UDP, 53, 53, peer="198.51.100.0/24"))
    longer = with_interfaces(world, eni_0={"udp_timeout": 60})
    there, back = (CLIENT, SERVER, UDP, (40_000, 53)), (SERVER, CLIENT, UDP, (53, 40_000))
    steps = [packet(*there), longer, packet(*back, at=31)]
    assert told(world, steps) == [NEW, "no_rule midstream"]
    steps = [packet(*there), longer, packet(*back, at=29), packet(*back, at=89), world, packet(*back, at=149)]
    assert told(world, steps) == [NEW, *["tracked tracked"] * 3]
    assert told(world, [*steps[:-1], packet(*back, at=119), packet(*back, at=150)])[3:] == [
        "tracked tracked",
        "no_rule midstream",
    ]


def test_a_bound_counts_what_is_left():
    """--conntrack-max: the entries of a detached interface give their room back, the others' do not."""
    world = topology(SSH, addresses=(SERVER, NEIGHBOUR), apart=True)
    world = with_interfaces(world, eni_0={"instance_id": "i-1"}, eni_1={"instance_id": "i-1"})
    flows = [packet(CLIENT, host, TCP, (port, 22), SYN) for port, host in enumerate((SERVER, NEIGHBOUR) * 3, 1000)]
    alone = with_interfaces(world, eni_1=None)
    found = told(world, [*flows[:3], world, flows[3], alone, world, *flows[4:]], conntrack_max=2)
    assert found == [NEW, NEW, "table_full", "table_full", NEW, "table_full"]
    apart = with_interfaces(world, eni_1={"instance_id": "i-2"})
    found = told(world, [*flows[:2], apart, *flows[2:]], conntrack_max=2)
    assert found == [NEW, NEW, NEW, NEW, "table_full", NEW]


def test_connections_that_are_declared_to_be_tracked(monkeypatch):
    """From their next packet on, also where all tables of rules are kept."""
    monkeypatch.setattr(records, "_DIRECT", 0)
    world = topology(rule(INGRESS, TCP, 22, 22), rule(EGRESS, -1))
    declared = replace(world, auto_tracked=(IPv4Network("198.51.100.0/24"),))
    steps = [packet(*THERE, SYN), declared, packet(*THERE, ACK), world, packet(*BACK, ACK)]
    assert told(world, steps) == ["rule", NEW, "tracked tracked"]


# --- marks ------------------------------------------------------------------------------------------------------------


def test_a_mark_outlives_a_change_and_ends_with_a_packet_that_is_admitted():
    world, without = topology(SSH), topology()
    steps = [packet(*THERE, SYN), world, packet(*THERE, ACK), packet(*THERE, SYN), packet(*BACK, SYN_ACK)]
    assert told(without, steps) == ["no_rule", "not_reached", NEW, "tracked tracked"]
    cleared = with_interfaces(without, eni_0=None)
    assert told(without, [packet(*THERE, SYN), cleared, world, packet(*THERE, ACK)]) == ["no_rule", NEW]


def test_what_does_not_reach_an_interface_without_groups_leaves_no_mark():
    """Were it given groups later, a mark would be in the way of what nobody ever asked about."""
    sender = topology(rule(EGRESS, TCP, 80, 80), SSH, addresses=(NEIGHBOUR, SERVER), apart=True)
    bare = with_interfaces(sender, eni_1={"group_ids": ()})
    open_too = replace(sender, groups={"sg": replace(sender.groups["sg"], ingress=(rule(INGRESS, -1),))})
    syn, ack = (packet(NEIGHBOUR, SERVER, TCP, (40_000, 22), flags) for flags in (SYN, ACK))
    beyond = with_interfaces(open_too, eni_0=None)  # so that the sender's gate, which has a mark, does not judge it
    assert told(bare, [syn, open_too, beyond, ack]) == ["no_rule", "not_reached", NEW]
    assert told(sender, [syn, open_too, beyond, ack]) == ["no_rule", "not_reached", "not_reached"]


# --- fates ------------------------------------------------------------------------------------------------------------


def pieces(src: str, dst: str) -> tuple[Packet, Packet]:
    whole = {"fragment_id": 9}
    first = packet(src, dst, UDP, (53, 53), fragment=FragmentKind.FIRST, **whole)
    return first, packet(src, dst, UDP, fragment=FragmentKind.LATER, **whole)


@pytest.mark.parametrize("remote", ["198.51.100.9", "9.9.9.9"], ids=["local address is lower", "is upper"])
@pytest.mark.parametrize("way", [INGRESS, EGRESS])
def test_later_fragments_share_the_fate_of_a_first_one_judged_before(remote, way):
    """Section 9, whatever the rules are now; not where their interface was detached, has given the address away, or
    has both."""
    world, without = topology(rule(way, UDP, 53, 53)), topology()
    ends = (remote, SERVER) if way is INGRESS else (SERVER, remote)
    first, later = pieces(*ends)
    assert told(world, [first, without, later]) == [NEW, "rule tracked"]
    for detached in (None, {"instance_id": "i-1"}):
        steps = [first, with_interfaces(without, eni_0=detached), without, later]
        assert told(world, steps) == [NEW, "later_fragment"]
    elsewhere = with_interfaces(without, eni_0=owning(NEIGHBOUR))
    assert told(world, [first, elsewhere, without, later]) == [NEW, "later_fragment"]
    both = with_interfaces(without, eni_0=owning(SERVER, remote))
    assert told(world, [first, both, without, later]) == [NEW, "later_fragment"]
    swapped = with_interfaces(without, eni_0=owning(remote))
    assert told(world, [first, swapped, pieces(*ends[::-1])[1]]) == [NEW, "later_fragment"]


# --- counts -----------------------------------------------------------------------------------------------------------


@ENGINES
def test_a_flow_is_counted_as_older_once_while_its_interface_is_there(make):
    """And when the interface was detached its flows make room in the bounded count."""
    world = topology(rule(EGRESS, UDP, 0, 65535))
    flow = columns_of([packet(CLIENT, SERVER, UDP, (53, 5000))])
    engine = make(world)
    assert texts(engine, flow) == ["no_rule midstream"]
    engine.change(topology(rule(EGRESS, UDP, 0, 65535), rule(EGRESS, TCP, 1, 1)))
    assert texts(engine, flow) == ["no_rule"]
    assert counted(engine) == 1
    engine.change(with_interfaces(world, eni_0=None))
    assert counted(engine) == 0
    engine.change(world)
    assert texts(engine, flow) == ["no_rule midstream"]


def counted(engine: Simulator | ReferenceEngine) -> int:
    return int(engine._state.counts[NOTES]) if isinstance(engine, Simulator) else len(engine._judge._midstream)


def test_records_that_nothing_finds_are_left_behind_when_the_table_moves():
    """A change takes no record out of the table: probes go over them."""
    world = topology(SSH)
    engine = Simulator(world)
    engine.judge_columns(columns_of([packet(CLIENT, SERVER, TCP, (port, 22), SYN) for port in range(1, 1001)]))
    engine.change(with_interfaces(world, eni_0=owning(NEIGHBOUR)))
    assert (engine.live_entries(), int(engine._state.counts[SLOTS_USED])) == (0, 1000)
    engine._make_room(len(engine._state.table.slots) // SLOT_WORDS)
    assert int(engine._state.counts[SLOTS_USED]) == 0


# --- numbers ----------------------------------------------------------------------------------------------------------


def named(*rule_ids: str, port: int = 22) -> Topology:
    rules = [Rule(name, "sg", INGRESS, TCP, port, port, SSH.peer) for name in rule_ids]
    return topology(*rules)


@ENGINES
def test_rules_keep_their_numbers(make):
    """Revoked ones keep their place, new ones follow, one that is modified or comes back has the number it had."""
    engine = make(named("a", "b", "c"))
    assert engine.judge_columns(columns_of([packet(*THERE, SYN)])).rule.tolist() == [0]
    other = named("d", "b")
    engine.change(other)
    engine.change(with_interfaces(other, eni_0={"udp_timeout": 60}))  # the groups are the same
    assert [each.rule_id for each in engine.rules] == ["a", "b", "c", "d"]
    found = engine.judge_columns(columns_of([packet(*BACK, SYN_ACK), packet(CLIENT, SERVER, TCP, (1, 22), SYN)]))
    assert (found.rule.tolist(), found.reason.tolist()) == ([0, 3], [REASONS.index("tracked"), REASONS.index("rule")])
    engine.change(named("c", "a", port=80))
    assert [(each.rule_id, each.to_port) for each in engine.rules] == [("a", 80), ("b", 22), ("c", 80), ("d", 22)]
    found = engine.judge_columns(columns_of([packet(CLIENT, SERVER, TCP, (2, 80), SYN), packet(*BACK, FIN)]))
    assert found.rule.tolist() == [2, 0]


@ENGINES
def test_rules_of_a_group_that_goes_and_comes_back_keep_their_numbers(make):
    world = named("a", "b")
    other = SecurityGroup("sg-other", "", "vpc-1", (Rule("a", "sg-other", INGRESS, TCP, 1, 1, SSH.peer),), ())
    engine = make(replace(world, groups={"sg-other": other, **world.groups}))
    for groups in (world.groups, {**world.groups, "sg-other": other}):
        engine.change(replace(world, groups=groups))
    assert [(each.group_id, each.rule_id) for each in engine.rules] == [("sg-other", "a"), ("sg", "a"), ("sg", "b")]
    assert engine.judge_columns(columns_of([packet(*THERE, SYN)])).rule.tolist() == [1]


@ENGINES
@pytest.mark.parametrize("selected", [None, ["eni-1", "eni-2"]])
def test_interfaces_keep_their_numbers(make, selected):
    """What is gone keeps its place; what comes is guarded if all are, or if it was selected by its id."""
    world = topology(SSH, addresses=(SERVER, NEIGHBOUR), apart=True)
    one = with_interfaces(world, eni_0=None)
    new = {
        name: Interface(name, vpc_id="vpc-1", addresses=(ip_address(address),), group_ids=("sg",))
        for name, address in (("eni-3", "10.0.0.9"), ("eni-2", "10.0.0.8"))
    }
    more = replace(world, interfaces={**new, **one.interfaces})
    engine = make(world, None, selected)
    engine.change(one)
    engine.change(more)
    found = engine.judge_columns(columns_of([packet(CLIENT, host, TCP, (9, 22), SYN) for host in ("10.0.0.8", SERVER)]))
    names = [interface.interface_id for interface in engine.interfaces]
    assert names == (["eni-0", "eni-1", "eni-3", "eni-2"] if selected is None else ["eni-1", "eni-2"])
    assert [names[place] for place in found.interface] == ["eni-2"]


@ENGINES
def test_an_interface_that_is_no_longer_selected(make):
    """It is as if it were gone, whatever groups it has now; and it comes back without its connections."""
    world = topology(SSH)
    engine = make(world, None, lambda interface: interface.vpc_id == "vpc-1")
    syn, reply = columns_of([packet(*THERE, SYN)]), columns_of([packet(*BACK, SYN_ACK)])
    assert texts(engine, syn) == [NEW]
    engine.change(with_interfaces(world, eni_0={"vpc_id": "vpc-2", "group_ids": ("sg-unknown",)}))
    assert (texts(engine, reply), engine.live_entries()) == ([], 0)
    engine.change(world)
    reply.skip[:] = 0
    assert texts(engine, reply) == ["no_rule midstream"]


@ENGINES
def test_what_cannot_be_judged_changes_nothing(make, monkeypatch):
    """The same refusals as at the beginning, before anything has changed."""
    world = topology(SSH, addresses=(SERVER, NEIGHBOUR), apart=True)
    engine = make(world)
    assert texts(engine, columns_of([packet(*THERE, SYN)])) == [NEW]
    before = [*engine.interfaces], [*engine.rules]
    refused = {
        "sg-other, which the snapshot does not describe": with_interfaces(world, eni_0={"group_ids": ("sg-other",)}),
        "is owned by eni-0": with_interfaces(world, eni_1=owning(SERVER)),
    }
    for text, later in refused.items():
        with pytest.raises(SelectionError, match=text):
            engine.change(later)
    if make is Simulator:
        monkeypatch.setattr(rows, "RULE_BITS", 2)
        with pytest.raises(SelectionError, match="3 rules"):
            engine.change(with_interfaces(named("a", "b"), eni_0=owning("10.0.0.7")))
    assert ([*engine.interfaces], [*engine.rules]) == before
    assert texts(engine, columns_of([packet(*BACK, SYN_ACK)])) == ["tracked tracked"]


@ENGINES
def test_a_change_before_the_first_packet(make):
    """It is as if the replay had begun with the other topology."""
    engine = make(topology())
    engine.change(topology(SSH))
    assert texts(engine, columns_of([packet(*THERE, SYN, time_ns=-(10**15))])) == [NEW]
