"""Flow log records -> packets that are judged in their place, and what is decided about these -> verdicts on records.

Its first and its last packet stand for a record, and where it is long some in between. Where it does not say enough
(which side asked, the type of ICMP), the verdict may be "possible".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel
from sgsim.kernels.logroles import FIRST_PACKET, SECOND_PACKET, Guards, put_body, stand_in
from sgsim.layout import (
    ADMITTED_ALONE,
    EGRESS,
    FIRST_DROP,
    FOREIGN,
    HAS_FLAGS,
    HAS_PACKETS,
    INITIATOR,
    LIKELY_INITIATOR,
    LIKELY_REPLY,
    LOG_SKIPS,
    MIDSTREAM,
    OPENED,
    REASONS,
    RECORD_VERDICTS,
    REPLY,
    TRACKED,
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
_OLDER = I64(600)  # seconds from the first record on in which a flow may be older than the log: the longest interval
_ANSWERED = I64(20)  # seconds after which the first of these comes: what makes a stream has been answered by then

NO_VERDICT = 255  # in the place of a reason

_LOCAL = LOG_SKIPS.index(LogSkip.LOCAL) + 1
_ALLOW, _DROP, _POSSIBLE = (RECORD_VERDICTS.index(verdict) for verdict in RecordVerdict)
_IS_TRACKED, _EXEMPT = REASONS.index(Reason.TRACKED), REASONS.index(Reason.EXEMPT)

# What was decided about the packets of an event.
FOUND = np.dtype([("reason", U8), ("flags", U8), ("rule", I32)], align=True)


class Room(NamedTuple):
    """Where packets are made."""

    columns: PacketColumns
    at: NDArray[np.int32]  # where each is observed
    event: NDArray[np.int32]  # which event it belongs to, times 2, + 1 for its second packet; -1: what goes before it


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
def _substitute(body, record, turned, guards):
    """A local address that is not the interface's gives way to its primary one: it takes no part in the rules."""
    place = U64(record["interface"])
    hi, lo = ZERO, guards.primaries[place, U64(0)]
    if record["version"] == 6:
        hi, lo = guards.primaries[place, U64(1)], guards.primaries[place, U64(2)]
    if (record["direction"] == EGRESS) != turned:
        body["src_hi"], body["src_lo"] = hi, lo
    else:
        body["dst_hi"], body["dst_lo"] = hi, lo


@inner
def _put_packet(room, made, event, record, time, protocol, phase, turned, guards):
    head, body = room.columns.heads[made], room.columns.bodies[made]
    head["time_ns"], head["skip"] = time * PER_SECOND, U8(0)
    put_body(body, record, protocol, turned)
    if record["protocol"] == 6:
        body["tcp_flags"] = _flags(record, phase)
    if record["marks"] & FOREIGN:
        _substitute(body, record, turned, guards)
    room.at[made] = record["interface"]
    room.event[made] = I32(event)


@inner
def _looks_like_a_question(record, phase, time, begun):
    """A UDP answer that goes from a higher to a lower port, in a flow that may be older than the log: its dropping
    would have the engine take the flow for one that never was."""
    answers = phase == LIKELY_REPLY or phase == REPLY
    return answers and record["protocol"] == 17 and record["dst_port"] <= record["src_port"] and time <= begun + _OLDER


@kernel
def make_packets(events: NDArray[np.int64], records: NDArray[np.void], begun: int, guards: Guards, room: Room) -> int:
    """The packets of some events, two for each at most; returns how many. Their flows have no names yet.

    ``begun``: when the earliest record of all did.
    """
    made = U64(0)
    for n in range(len(events)):
        event = events[n]
        record = records[event & (MOST_SLOTS - 1)]
        phase, time = (event >> SLOT_BITS) & 7, event >> TIME_SHIFT
        first, second = stand_in(guards, record, FIRST_PACKET), stand_in(guards, record, SECOND_PACKET)
        if _looks_like_a_question(record, phase, time, begun):
            _put_packet(room, made, -1, record, time, first, phase, True, guards)  # what it answers goes before it
            made += U64(1)
        _put_packet(room, made, 2 * n, record, time, first, phase, False, guards)
        made += U64(1)
        if second >= 0:
            _put_packet(room, made, 2 * n + 1, record, time, second, phase, False, guards)
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
        verdict, place = verdicts[n], event[verdicts[n]["packet"]]
        if place < 0:
            continue
        one = found[place]
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
