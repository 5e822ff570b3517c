"""Flow log records -> packets that are judged in their place, and what is decided about these -> verdicts on records.

Its first and its last packet stand for a record, and where it is long some in between. Where it does not say enough
(which side asked, the type of ICMP), the rules are asked on the way, and the verdict may be "possible".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel, rare
from sgsim.kernels.match import interval
from sgsim.kernels.track import ask
from sgsim.layout import (
    ADMITTED,
    ADMITTED_ALONE,
    EGRESS,
    FIRST_DROP,
    FOREIGN,
    HAS_FLAGS,
    HAS_PACKETS,
    INGRESS,
    INITIATOR,
    LIKELY_INITIATOR,
    LIKELY_REPLY,
    LOG_SKIPS,
    MIDSTREAM,
    NO_DIRECTION,
    OPENED,
    OWNER_SHIFT,
    PKT_DST,
    PKT_SRC,
    REASONS,
    RECORD_VERDICTS,
    REPLY,
    RULE_BITS,
    TRACKED,
    WHOLE,
    MatchTable,
    PacketColumns,
)
from sgsim.model import LogSkip, Reason, RecordVerdict

U8, U16, U32, U64 = np.uint8, np.uint16, np.uint32, np.uint64
I32, I64 = np.int32, np.int64
ZERO = U64(0)

FIN_RST, SYN, ACK, SYN_ACK = 0x05, 0x02, 0x10, 0x12
PER_SECOND = I64(1_000_000_000)

# An event: when, what, of which record. Sorted as numbers they are in the order of judging.
SLOT_BITS, PHASE_BITS = 21, 3
MOST_SLOTS = 1 << SLOT_BITS
TIME_SHIFT = SLOT_BITS + PHASE_BITS
BETWEEN, LAST_PACKET = 4, 5  # the phases after those of first packets, which are the roles
MOST_BETWEEN = 12  # packets of a record that are judged between its first and its last

# A record with packets for more seconds than these has some in between: a connection would be given up meanwhile that
# is not known yet to have been answered.
_LONG_TCP, _LONG_UDP = I64(100), I64(25)
_ANSWERED = I64(20)  # seconds after which the first of these comes: what makes a stream has been answered by then

_FIRST, _SECOND = I64(0), I64(1)  # the packets of an event; typed: literals would have all compiled twice

NO_VERDICT = 255  # in the place of a reason

_LOCAL, _NO_INTERFACE, _UNCLEAR = (
    LOG_SKIPS.index(skip) + 1 for skip in (LogSkip.LOCAL, LogSkip.NO_INTERFACE, LogSkip.UNCLEAR)
)
_ALLOW, _DROP, _POSSIBLE = (RECORD_VERDICTS.index(verdict) for verdict in RecordVerdict)
_IS_TRACKED, _EXEMPT = REASONS.index(Reason.TRACKED), REASONS.index(Reason.EXEMPT)

# What was decided about the packets of an event.
FOUND = np.dtype([("reason", U8), ("flags", U8), ("rule", I32)], align=True)


class Guards(NamedTuple):
    """Who is guarded, and what helps to tell who asked."""

    table: MatchTable
    places: NDArray[np.int32]  # by the number of an interface id: its place among the guarded, or -1
    primaries: NDArray[np.uint64]  # (interfaces, 3): IPv4 address, upper and lower half of the IPv6 address
    ports: NDArray[np.uint8]  # (2, 65536) of TCP and UDP: the higher, the more likely it is a server's
    # (2, 2, 256) by IP version (4, 6) and protocol: the protocol that stands for it among the rules that admit it
    # whatever its type, and among those that admit some type of it; -1 where that is the same
    stand_ins: NDArray[np.int16]
    paces: NDArray[np.int64]  # (interfaces, 2) of TCP and UDP: seconds between packets, to keep a connection
    rule_places: NDArray[np.int32]  # of the engine's rules: their places in Topology.rules()
    perhaps: NDArray[np.int64]  # by the latter: records that it admits on its own, if their side asked


class Room(NamedTuple):
    """Where packets are made."""

    columns: PacketColumns
    at: NDArray[np.int32]  # where each is observed
    event: NDArray[np.int32]  # which event it belongs to, times 2, + 1 for its second packet


# --- whose record it is -----------------------------------------------------------------------------------------------


@inner
def _owner(table, version, hi, lo):
    """The place of the guarded interface that owns the address, or -1."""
    return I64(table.about[U64(interval(table, version, hi, lo))] >> OWNER_SHIFT) - 1


@inner
def _placed(direction, sender, receiver):
    """(why it cannot be judged or 0, interface, direction) of a record that names no interface."""
    if direction != NO_DIRECTION:
        place = sender if direction == EGRESS else receiver
        return (0 if place >= 0 else _NO_INTERFACE), place, direction
    if sender < 0 and receiver < 0:
        return _NO_INTERFACE, I64(-1), direction
    if sender >= 0 and receiver >= 0:
        return (_LOCAL if sender == receiver else _UNCLEAR), I64(-1), direction
    return 0, max(sender, receiver), U8(EGRESS if sender >= 0 else INGRESS)


@inner
def _directed(direction, place, sender, receiver):
    """(why it cannot be judged or 0, interface, direction) of a record of a guarded interface."""
    if sender == place and receiver == place:
        return _LOCAL, place, direction
    if direction != NO_DIRECTION:
        return 0, place, direction
    if sender != place and receiver != place:
        return _UNCLEAR, place, direction
    return 0, place, U8(EGRESS if sender == place else INGRESS)


@inner
def _find_place(record, guards):
    """Fill interface and direction, or skip, from the addresses as the log shows them."""
    table, version = guards.table, record["version"]
    sender = _owner(table, version, record["src_hi"], record["src_lo"])
    receiver = _owner(table, version, record["dst_hi"], record["dst_lo"])
    if record["name"] < 0:
        skip, place, direction = _placed(record["direction"], sender, receiver)
    else:
        place = I64(guards.places[record["name"]])
        skip, direction = _NO_INTERFACE, record["direction"]
        if place >= 0:
            skip, place, direction = _directed(record["direction"], place, sender, receiver)
    record["skip"], record["interface"], record["direction"] = U8(skip), I32(place), direction


@inner
def _take_own_addresses(record, ends, n, guards):
    """The packets' own addresses, where the log has them; mark a local one that is not the interface's."""
    if record["marks"] & PKT_SRC:
        record["src_hi"], record["src_lo"] = ends[n, 0], ends[n, 1]
    if record["marks"] & PKT_DST:
        record["dst_hi"], record["dst_lo"] = ends[n, 2], ends[n, 3]
    hi, lo = record["dst_hi"], record["dst_lo"]
    if record["direction"] == EGRESS:
        hi, lo = record["src_hi"], record["src_lo"]
    if _owner(guards.table, record["version"], hi, lo) != record["interface"]:
        record["marks"] |= U8(FOREIGN)


# --- which side asked -------------------------------------------------------------------------------------------------


@inner
def _stand_in(guards, record, second):
    """The protocol that stands for the record's own, -1 where there is no second one."""
    return guards.stand_ins[U64(second), U64(record["version"] == 6), U64(record["protocol"])]


@inner
def _put_body(body, record, protocol, turned):
    """The packet of a record, or with ``turned`` its answer, as far as rules look at it."""
    src = record["src_hi"], record["src_lo"]
    dst = record["dst_hi"], record["dst_lo"]
    ports = record["src_port"], record["dst_port"]
    if turned:
        src, dst = dst, src
        ports = ports[1], ports[0]
    body["src_hi"], body["src_lo"] = src
    body["dst_hi"], body["dst_lo"] = dst
    body["src_port"], body["dst_port"] = ports
    body["version"], body["protocol"], body["shape"] = record["version"], U8(protocol), U8(WHOLE)
    body["fragment_id"], body["quoted"], body["tcp_flags"] = U32(0), I32(-1), U8(0)


@rare
def _admitting(record, protocol, turned, guards, bodies):
    """The rule (its place in Topology.rules()) that admits the record's packet, or the answer to it, on its own; or
    -1."""
    place, egress = I64(record["interface"]), I64(record["direction"] == EGRESS)
    if guards.table.gates[place]["groups"] < 0:
        return I32(-1)
    _put_body(bodies[U64(0)], record, protocol, turned)
    known = ask(bodies, guards.table, ZERO, egress ^ I64(turned), place)
    return guards.rule_places[known & RULE_BITS] if known & ADMITTED else I32(-1)


@rare
def _role_by_rules(record, guards, bodies):
    """Of a record of which neither flags nor ports say who asked: the side that the rules let ask, if they let one."""
    certain, second = _stand_in(guards, record, _FIRST), _stand_in(guards, record, _SECOND)
    some = second if second >= 0 else certain
    rule = _admitting(record, certain, False, guards, bodies)
    if rule >= 0:
        record["marks"] |= U8(ADMITTED_ALONE)
    elif some != certain:
        rule = _admitting(record, some, False, guards, bodies)
    if rule >= 0:
        guards.perhaps[rule] += 1
    asks, answers = rule >= 0, _admitting(record, some, True, guards, bodies) >= 0
    if asks != answers:
        return LIKELY_INITIATOR if asks else LIKELY_REPLY
    if record["src_port"] != record["dst_port"]:
        return LIKELY_INITIATOR if record["dst_port"] < record["src_port"] else LIKELY_REPLY
    return LIKELY_INITIATOR if record["direction"] == EGRESS else LIKELY_REPLY


@inner
def _role(record, guards, bodies):
    """Which side of its flow the record comes from, as far as it can be told: by SYN and SYN-ACK, ports, rules."""
    protocol, flags = record["protocol"], record["tcp_flags"]
    if protocol == 6 and record["marks"] & HAS_FLAGS and flags & SYN:
        return REPLY if flags & ACK else INITIATOR
    if protocol == 6 or protocol == 17:
        here = guards.ports[U64(protocol == 17), U64(record["src_port"])]
        there = guards.ports[U64(protocol == 17), U64(record["dst_port"])]
        if here != there:
            return INITIATOR if there > here else REPLY
    return _role_by_rules(record, guards, bodies)


@kernel
def resolve(records: NDArray[np.void], ends: NDArray[np.uint64], guards: Guards, bodies: NDArray[np.void]) -> None:
    """Find out at which interface, in which direction and from which side of its flow each of the LOG_RECORDs is, or
    why it cannot be judged; take the packets' own addresses, ``ends`` as in RecordBatch.

    ``bodies``, a record of BODY, is used for asking the rules.
    """
    for n in range(len(records)):
        record = records[n]
        _find_place(record, guards)
        if record["skip"] == 0:
            _take_own_addresses(record, ends, n, guards)
            record["role"] = U8(_role(record, guards, bodies))


# --- events -----------------------------------------------------------------------------------------------------------


@inner
def _has_last(record):
    """Whether a record's last packet is judged too: not where the first one is the only one, and says it all."""
    return record["role"] != INITIATOR or record["packets"] != 1 or record["marks"] & HAS_PACKETS == 0


@inner
def _between(record):
    """How many packets of a record are judged between its first and its last, if it is long enough."""
    protocol, span = record["protocol"], record["end"] - record["start"]
    if (protocol == 6 and span > _LONG_TCP) or (protocol == 17 and span > _LONG_UDP):
        known = record["marks"] & HAS_PACKETS != 0
        return min(record["packets"] - 2, I64(MOST_BETWEEN)) if known else I64(MOST_BETWEEN)
    return I64(0)


@kernel
def make_events(
    records: NDArray[np.void], first: int, end: int, paces: NDArray[np.int64], events: NDArray[np.int64]
) -> int:
    """The events of the records from ``first`` to ``end`` (not included); returns how many: two, and MOST_BETWEEN, for
    each at most. ``paces`` as in Guards."""
    made = 0
    for slot in range(first, end):
        record = records[slot]
        events[made] = record["start"] << TIME_SHIFT | I64(record["role"]) << SLOT_BITS | slot
        made += 1
        if not _has_last(record):
            continue
        time = record["start"] + _ANSWERED
        for _ in range(_between(record)):
            if time >= record["end"]:
                break
            events[made] = time << TIME_SHIFT | I64(BETWEEN) << SLOT_BITS | slot
            made += 1
            time += paces[record["interface"], I64(record["protocol"] == 17)]
        events[made] = record["end"] << TIME_SHIFT | I64(LAST_PACKET) << SLOT_BITS | slot
        made += 1
    return made


@inner
def _flags(record, phase):
    """TCP flags of a record's packet: what the log gives, or what its side of the flow would send."""
    given = record["tcp_flags"] if record["marks"] & HAS_FLAGS else U8(0)
    ends = given & FIN_RST
    if phase == LAST_PACKET:
        return U8(ACK | ends)
    if phase == BETWEEN:
        return U8(ACK)
    given = U8(given & SYN_ACK | (U8(0) if _has_last(record) else ends))
    if record["marks"] & HAS_FLAGS and given & SYN:
        return given
    if record["marks"] & HAS_FLAGS == 0 and record["role"] == INITIATOR:
        return U8(SYN)
    return U8(given | ACK)


@inner
def _substitute(body, record, guards):
    """A local address that is not the interface's gives way to its primary one: it takes no part in the rules."""
    place = U64(record["interface"])
    hi, lo = ZERO, guards.primaries[place, U64(0)]
    if record["version"] == 6:
        hi, lo = guards.primaries[place, U64(1)], guards.primaries[place, U64(2)]
    if record["direction"] == EGRESS:
        body["src_hi"], body["src_lo"] = hi, lo
    else:
        body["dst_hi"], body["dst_lo"] = hi, lo


@inner
def _put_packet(room, made, event, second, record, time, protocol, phase, guards):
    head, body = room.columns.heads[made], room.columns.bodies[made]
    head["time_ns"], head["skip"] = time * PER_SECOND, U8(0)
    _put_body(body, record, protocol, False)
    if record["protocol"] == 6:
        body["tcp_flags"] = _flags(record, phase)
    if record["marks"] & FOREIGN:
        _substitute(body, record, guards)
    room.at[made] = record["interface"]
    room.event[made] = I32(2 * event + second)


@kernel
def make_packets(events: NDArray[np.int64], records: NDArray[np.void], guards: Guards, room: Room) -> int:
    """The packets of some events, two for each at most; returns how many. Their flows have no names yet."""
    made = U64(0)
    for n in range(len(events)):
        event = events[n]
        record = records[event & (MOST_SLOTS - 1)]
        phase, time = (event >> SLOT_BITS) & 7, event >> TIME_SHIFT
        _put_packet(room, made, n, _FIRST, record, time, _stand_in(guards, record, _FIRST), phase, guards)
        made += U64(1)
        second = _stand_in(guards, record, _SECOND)
        if second >= 0:
            _put_packet(room, made, n, _SECOND, record, time, second, phase, guards)
            made += U64(1)
    return I64(made)


# --- verdicts ---------------------------------------------------------------------------------------------------------


@inner
def _allows(found):
    return found["reason"] < FIRST_DROP


@inner
def _decide(record, verdict, found, rule_places):
    record["verdict"], record["reason"] = U8(verdict), found["reason"]
    record["flags"] = U8(found["flags"] & (TRACKED | MIDSTREAM))
    record["rule"] = rule_places[found["rule"]] if found["rule"] >= 0 else I32(-1)


@inner
def _may_be_discovery(record):
    """ICMPv6 of link-local and multicast addresses may be neighbour discovery, which is never filtered."""
    if record["protocol"] != 58 or record["version"] != 6:
        return False
    for hi in (record["src_hi"], record["dst_hi"]):
        if hi >> U64(54) == U64(0xFE80 >> 6) or hi >> U64(48) == U64(0xFF02):
            return True
    return False


@inner
def _decide_first(record, found, n, rule_places):
    """The verdict as far as the first packet gives it."""
    certain, some = found[2 * n], found[2 * n + 1]
    role = record["role"]
    if _allows(certain):
        unsure = role == LIKELY_INITIATOR or role == LIKELY_REPLY
        by_state = certain["reason"] == _IS_TRACKED and record["marks"] & ADMITTED_ALONE == 0
        _decide(record, _POSSIBLE if unsure and by_state else _ALLOW, certain, rule_places)
    elif _allows(some):
        _decide(record, _POSSIBLE, some, rule_places)
    else:
        _decide(record, _DROP, certain, rule_places)
        if _may_be_discovery(record) and certain["reason"] != NO_VERDICT:
            record["verdict"], record["reason"] = U8(_POSSIBLE), U8(_EXEMPT)


@inner
def _decide_last(record, found, n, rule_places):
    """What the last packet adds: the first one of an answer, or of who knows which side, may have come too early."""
    if record["verdict"] != _DROP or record["role"] == INITIATOR:
        return
    if _allows(found[2 * n]):
        _decide(record, _ALLOW if record["role"] == REPLY else _POSSIBLE, found[2 * n], rule_places)
    elif _allows(found[2 * n + 1]):
        _decide(record, _POSSIBLE, found[2 * n + 1], rule_places)


@kernel
def note_found(verdicts: NDArray[np.void], event: NDArray[np.int32], found: NDArray[np.void]) -> None:
    """Sort the observations of packets, records of VERDICT, to their events: ``found``, records of FOUND, two each."""
    for n in range(len(found)):
        found[n]["reason"], found[n]["flags"], found[n]["rule"] = U8(NO_VERDICT), U8(0), I32(-1)
    for n in range(len(verdicts)):
        verdict, one = verdicts[n], found[event[verdicts[n]["packet"]]]
        one["reason"], one["flags"], one["rule"] = verdict["reason"], verdict["flags"], verdict["rule"]


@kernel
def settle(
    events: NDArray[np.int64],
    found: NDArray[np.void],
    records: NDArray[np.void],
    rule_places: NDArray[np.int32],
    done: NDArray[np.int64],
) -> int:
    """What was found about events becomes verdicts on records; returns how many are done, their slots in ``done``.

    ``rule_places``: the place in Topology.rules() of each of the engine's rules. Those that turned out to stay within
    their interface are skipped.
    """
    finished = 0
    for n in range(len(events)):
        slot = events[n] & (MOST_SLOTS - 1)
        record = records[slot]
        if (found[2 * n]["flags"] | found[2 * n + 1]["flags"]) & OPENED:
            record["opened"] = U8(min(I64(record["opened"]) + 1, 255))
        phase = (events[n] >> SLOT_BITS) & 7
        if phase == BETWEEN:
            continue
        if phase == LAST_PACKET:
            _decide_last(record, found, n, rule_places)
        else:
            _decide_first(record, found, n, rule_places)
            if _has_last(record):
                continue
        if record["reason"] == NO_VERDICT:
            record["skip"] = U8(_LOCAL)
        done[finished] = slot
        finished += 1
    return finished


@kernel
def close_ranks(
    records: NDArray[np.void],
    waiting: NDArray[np.bool_],
    used: int,
    events: NDArray[np.int64],
    moved: NDArray[np.int32],
) -> int:
    """Move the records that wait, among the first ``used``, to the first slots, and name these in their events;
    returns how many there are. ``moved`` has room for so many numbers."""
    kept = 0
    for slot in range(used):
        if waiting[slot]:
            if kept < slot:
                records[kept] = records[slot]
                waiting[kept], waiting[slot] = True, False
            moved[slot] = kept
            kept += 1
    for n in range(len(events)):
        slot = events[n] & (MOST_SLOTS - 1)
        events[n] += moved[slot] - slot
    return kept
