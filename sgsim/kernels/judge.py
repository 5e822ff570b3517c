"""The kernel that judges a batch, packet by packet.

Of each packet: its flow's record, which was fetched while others were judged and says whose gates the packet meets;
then, in order, what each gate decides. Addresses and rules are looked up for a flow's first packets only.
"""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner, kernel, prefetch, rare, seldom
from sgsim.kernels.gates import LOCAL, NO_INTERFACE, WAYS, gate_words, owners
from sgsim.kernels.match import is_exempt
from sgsim.kernels.slots import (
    ZERO,
    addresses_of,
    behind,
    find,
    interface_of,
    is_between,
    is_called,
    make,
    pair_of,
    start_of,
)
from sgsim.kernels.track import (
    BARE_EXEMPT,
    BARE_NOT_REACHED,
    BARE_UNFILTERED,
    UNFILTERED_REASON,
    ask,
    at_once,
    of_no_flow,
    remember_fate,
    settled,
)
from sgsim.layout import (
    AHEAD,
    BACK,
    FIRST,
    FIRST_DROP,
    FIRST_FRAGMENT,
    GATE_WORD,
    JUMP_FROM,
    JUMP_TO,
    KEY,
    LONG_JUMP_NS,
    LOWER_GATE,
    MANY_HOSTS,
    NOW,
    RECEIVES,
    REORDERED,
    SENDS,
    UPPER_GATE,
    WIDE,
    MatchTable,
    PacketColumns,
    TrackState,
)

_KEY, _GATE = np.uint64(KEY), np.uint64(GATE_WORD)
_LOWER, _UPPER = np.uint64(LOWER_GATE), np.uint64(UPPER_GATE)
_BETWEEN = _UPPER - _LOWER
_SENDS_SHIFT, _RECEIVES_SHIFT = SENDS.bit_length() - 1, RECEIVES.bit_length() - 1
_RING = np.uint64(2 * AHEAD - 1)
_WIDE = np.uint64(WIDE)

NOBODY = -1  # in the place of a record: the packet meets no gate


@inner
def _fetch(columns, state, n):
    """Find out where the probe for packet ``n``'s record begins; the record is on its way then."""
    table, i = state.table, np.uint64(n)
    head = columns.heads[i]
    key = head["flow"]
    place = start_of(table.slots, head["ends"], key)
    prefetch(table.slots, place)
    prefetch(table.slots, behind(table.slots, place))
    prefetch(table.wide, (place >> np.uint64(1)) * np.uint64(key & _WIDE != ZERO))
    state.places[i & _RING] = place


@rare
def _gates(bodies, table, i):
    """``gate_words`` for the first packet of a flow."""
    return gate_words(bodies[i], table)


@inner
def _record(columns, table, i, place, state):
    """The record of a packet's flow, from where the probe for it begins, made if it is new; or NOBODY, and
    ``columns.skip`` says why."""
    head = columns.heads[i]
    key, ends, back = head["flow"], head["ends"], np.uint64(head["way"] & BACK)
    pair = pair_of(addresses_of(columns, i), back)
    place, found = find(state.table, place, key, ends, pair)
    if found:
        return np.int64(place)
    skip, sender, receiver = _gates(columns.bodies, table, i)
    if skip != 0:
        head["skip"] = skip
        return np.int64(NOBODY)
    make(state, place, key, ends, pair)
    slots = state.table.slots
    slots[place + _LOWER + back * _BETWEEN + _GATE] = sender
    slots[place + _UPPER - back * _BETWEEN + _GATE] = receiver
    return np.int64(place)


@inner
def _without_record(columns, table, i, interface, egress, source, destination, reached, clock, state):
    """One gate's decision about a packet of no flow."""
    if not reached:
        return BARE_NOT_REACHED
    if table.gates[interface]["groups"] < 0:
        return BARE_UNFILTERED
    if is_exempt(table, columns.bodies[i], interface, egress, destination if egress else source):
        return BARE_EXEMPT
    known = ask(columns.bodies, table, i, egress, interface)
    return of_no_flow(columns, i, interface, egress, known, clock, state)


@inner
def _write(rows, m, i, interface, egress, decision):
    """Observation ``m`` of the batch."""
    at = np.uint64(m) << np.uint64(1)
    rows[at] = np.int64(i) | interface << 32
    rows[at + np.uint64(1)] = decision | egress << 16


@rare
def _judge_without_record(columns, table, at, i, clock, state, rows, count):
    """All observations of a packet of no flow; returns the number of observations then."""
    source, destination, sender, receiver = owners(columns.bodies[i], table)
    if sender >= 0 and sender == receiver:
        columns.heads[i]["skip"] = LOCAL
        return count
    if table.about[np.uint64(destination)] & MANY_HOSTS:
        receiver = np.int64(-1)
    if len(at) and at[i] >= 0:
        sender = sender if sender == at[i] else np.int64(-1)
        receiver = receiver if receiver == at[i] else np.int64(-1)
    if sender < 0 and receiver < 0:
        columns.heads[i]["skip"] = NO_INTERFACE
    reached = np.int64(1)
    for egress in WAYS:
        interface = sender if egress else receiver
        if interface < 0:
            continue
        decision = _without_record(columns, table, i, interface, egress, source, destination, reached, clock, state)
        if columns.bodies[i]["shape"] == FIRST_FRAGMENT and reached and decision & 255 != UNFILTERED_REASON:
            remember_fate(columns, i, interface, egress, decision, clock, state)
        _write(rows, count, i, interface, egress, decision)
        count += 1
        reached = np.int64(decision & 255 < FIRST_DROP)
    return count


@kernel
def judge(
    columns: PacketColumns,
    table: MatchTable,
    at: np.ndarray,
    state: TrackState,
    rows: np.ndarray,
) -> int:
    """Judge a batch of n packets in order; returns the number of observations written into ``rows``,
    records of VERDICT as int64, shape (4 n,).

    ``at``, shape (n,) or (0,), int32: the place of the interface a packet was captured at, or -1. The flow table must
    have room: a packet makes at most one record, a first fragment two more.
    """
    count = np.int64(0)  # typed: a literal would have what it is handed to compiled twice
    slots, counts = state.table.slots, state.counts
    packets = len(columns.heads)
    now = counts[NOW]
    for n in range(min(AHEAD, packets)):
        _fetch(columns, state, n)
    for n in range(packets):
        _fetch(columns, state, min(n + AHEAD, packets - 1))
        i = np.uint64(n)
        head = columns.heads[i]
        time = head["time_ns"]
        if seldom(time < now):
            counts[REORDERED] += 1
        else:
            if seldom(time > now + LONG_JUMP_NS) and counts[JUMP_FROM] == counts[JUMP_TO]:
                counts[JUMP_FROM], counts[JUMP_TO] = now, time
            now = time
        key = head["flow"]
        if seldom(key == ZERO):
            if head["skip"] == 0:
                count = _judge_without_record(columns, table, at, i, now, state, rows, count)
            continue
        place, way = state.places[i & _RING], np.int64(head["way"])
        while seldom(not is_called(slots, place, key, head["ends"])) and slots[place + _KEY] != 0:
            place = behind(slots, place)
        if seldom(slots[place + _KEY] == 0) or (
            key & _WIDE != ZERO
            and not is_between(state.table, place, pair_of(addresses_of(columns, i), np.uint64(way & BACK)))
        ):
            record = _record(columns, table, i, state.places[i & _RING], state)
            if record == NOBODY:
                continue
            place = np.uint64(record)
        turn = _BETWEEN * np.uint64(way & BACK)
        near, far = place + _LOWER + turn, place + _UPPER - turn
        sends, receives = (slots[near + _GATE] >> _SENDS_SHIFT) & 1, (slots[far + _GATE] >> _RECEIVES_SHIFT) & 1
        if seldom(len(at) > 0) and at[i] >= 0:
            sends &= np.int64(interface_of(slots[near + _GATE]) == at[i])
            receives &= np.int64(interface_of(slots[far + _GATE]) == at[i])
        if seldom(sends | receives == 0):
            head["skip"] = NO_INTERFACE
            continue
        # One gate or two: which of them comes first is a matter of numbers, since it is not predictable.
        egress, reached = sends, np.int64(1)
        gate = far ^ ((far ^ near) & (ZERO - np.uint64(sends)))
        while True:
            done, decision = at_once(state, gate, egress, reached, way, now)
            if seldom(not done):
                decision = settled(columns, table, i, egress, reached, gate, now, state)
            interface = interface_of(slots[gate + _GATE])
            if seldom(way & FIRST != 0) and reached and decision & 255 != UNFILTERED_REASON:
                remember_fate(columns, i, interface, egress, decision, now, state)
            _write(rows, count, n, interface, egress, decision)
            count += 1
            if not egress & receives:
                break
            egress, gate, reached = np.int64(0), far, np.int64(decision & 255 < FIRST_DROP)
    counts[NOW] = now
    return count
