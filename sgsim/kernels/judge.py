"""The kernel that judges a batch, in stages over blocks that stay in the first-level cache.

Of each packet: the key of its flow; the flow's record, which says whose gates it meets; then, in order, what each
gate decides. Addresses and rules are looked up for a flow's first packet only.
"""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner, kernel, prefetch
from sgsim.kernels.flows import flow_key
from sgsim.kernels.match import answer, interval, is_exempt
from sgsim.kernels.slots import ZERO, ends_of, find, holds, is_back, make, pair_of, start_of
from sgsim.kernels.track import (
    EXEMPT_REASON,
    UNFILTERED_REASON,
    by_state,
    decided,
    remember_fate,
    settled,
    without_record,
)
from sgsim.layout import (
    BLOCK,
    FIRST_DROP,
    FIRST_FRAGMENT,
    GATE_WORD,
    INTERFACE_BITS,
    INTERFACE_SHIFT,
    IS_EXEMPT,
    JUMP_FROM,
    JUMP_TO,
    LATER_FRAGMENT,
    LONG_JUMP_NS,
    LOWER_GATE,
    MANY_HOSTS,
    NEVER_ASKS,
    NOW,
    OWNER_SHIFT,
    RECEIVES,
    REORDERED,
    SENDS,
    SKIPS,
    UPPER_GATE,
    MatchTable,
    PacketColumns,
    TrackState,
    Verdicts,
)
from sgsim.model import Skip

_LOCAL = np.uint8(SKIPS.index(Skip.LOCAL) + 1)
_NO_INTERFACE = np.uint8(SKIPS.index(Skip.NO_INTERFACE) + 1)

_GATE = np.uint64(GATE_WORD)
_LOWER, _UPPER = np.uint64(LOWER_GATE), np.uint64(UPPER_GATE)
_BETWEEN = _UPPER - _LOWER

NOBODY = -1  # in the place of a record: the packet meets no gate


@inner
def _tick(columns, i, counts):
    """Let the clock run to the packet; returns it."""
    now, time = counts[NOW], columns.time_ns[i]
    if time < now:
        counts[REORDERED] += 1
    elif time - now > LONG_JUMP_NS:
        if counts[JUMP_FROM] == counts[JUMP_TO]:
            counts[JUMP_FROM], counts[JUMP_TO] = now, time
        counts[NOW] = time
    else:
        counts[NOW] = time
    return counts[NOW]


@inner
def _name(columns, block, state, begin, end):
    """The clock at each packet of the block, the key of its flow, and where its record should lie."""
    slots = state.table.slots
    for n in range(begin, end):
        i, k = np.uint64(n), np.uint64(n - begin)
        block.clock[k] = _tick(columns, i, state.counts)
        back = is_back(columns, i)
        key = ZERO
        if columns.skip[i] == 0 and columns.shape[i] != LATER_FRAGMENT:
            key = flow_key(columns.version[i], columns.protocol[i], back, columns.src_port[i], columns.dst_port[i])
        ends = ends_of(pair_of(columns, i, back))
        place = start_of(slots, ends, key)
        prefetch(slots, place)
        block.key[k], block.ends[k], block.place[k], block.back[k] = key, ends, place, back


@inner
def _owners(columns, table, i):
    """(interval of the source, of the destination, sender, receiver) of a packet; -1: nobody's."""
    version = columns.version[i]
    source = interval(table, version, columns.src_hi[i], columns.src_lo[i])
    destination = interval(table, version, columns.dst_hi[i], columns.dst_lo[i])
    sender = (table.about[np.uint64(source)] >> OWNER_SHIFT) - 1
    receiver = (table.about[np.uint64(destination)] >> OWNER_SHIFT) - 1
    return source, destination, np.int64(sender), np.int64(receiver)


@inner
def _gate_word(columns, table, i, interface, egress, remote, local):
    """GATE_WORD of a flow without entry at the interface that owns its local address, or 0 where nobody does."""
    if interface < 0:
        return np.int64(0)
    word = (interface << INTERFACE_SHIFT) | SENDS
    if not table.about[np.uint64(local)] & MANY_HOSTS:
        word |= RECEIVES
    if table.gates[interface]["groups"] < 0:
        word |= NEVER_ASKS
    elif is_exempt(table, columns, i, interface, egress, remote):
        word |= NEVER_ASKS | IS_EXEMPT
    return word


@inner
def _record(columns, table, i, key, ends, start, back, state):
    """The record of a packet's flow, made if it is new; or NOBODY, and ``columns.skip`` says why."""
    pair = pair_of(columns, i, back)
    place, found = find(state.table, start, key, ends, pair)
    if found:
        return np.int64(place)
    source, destination, sender, receiver = _owners(columns, table, i)
    if sender < 0 and receiver < 0:
        columns.skip[i] = _NO_INTERFACE
        return np.int64(NOBODY)
    if sender == receiver:
        columns.skip[i] = _LOCAL
        return np.int64(NOBODY)
    make(state, place, key, ends, pair)
    slots = state.table.slots
    near = _LOWER + back * _BETWEEN
    far = _UPPER - back * _BETWEEN
    slots[place, near + _GATE] = _gate_word(columns, table, i, sender, 1, destination, source)
    slots[place, far + _GATE] = _gate_word(columns, table, i, receiver, 0, source, destination)
    return np.int64(place)


@inner
def _put_down(block, verdicts, k, m, i, interface, egress, record, gate):
    """Observation ``k`` of the block, ``m`` of the batch."""
    verdicts.packet[m] = i
    verdicts.interface[m] = interface
    verdicts.direction[m] = egress
    block.record[k] = record
    block.gate[k] = gate


@inner
def _meet_without_record(columns, table, at, i, n, block, verdicts, k, m):
    """The gates that a packet of no flow meets; returns how many."""
    source, destination, sender, receiver = _owners(columns, table, i)
    if sender >= 0 and sender == receiver:
        columns.skip[i] = _LOCAL
        return 0
    if table.about[np.uint64(destination)] & MANY_HOSTS:
        receiver = np.int64(-1)
    if len(at) and at[i] >= 0:
        sender = sender if sender == at[i] else np.int64(-1)
        receiver = receiver if receiver == at[i] else np.int64(-1)
    made = 0
    if sender >= 0:
        _put_down(block, verdicts, k, m, n, sender, 1, NOBODY, ZERO)
        block.remote[k], block.local[k] = destination, source
        made = 1
    if receiver >= 0:
        k, m = k + np.uint64(made), m + np.uint64(made)
        _put_down(block, verdicts, k, m, n, receiver, 0, NOBODY, ZERO)
        block.remote[k], block.local[k] = source, destination
        made += 1
    if made == 0:
        columns.skip[i] = _NO_INTERFACE
    return made


@inner
def _meet(columns, table, at, block, state, verdicts, begin, end, first):
    """Whose gates the packets of the block meet; returns the number of observations then."""
    slots = state.table.slots
    count = np.uint64(first)
    for n in range(begin, end):
        i, b = np.uint64(n), np.uint64(n - begin)
        k = count - np.uint64(first)
        key = block.key[b]
        if key == ZERO:
            if columns.skip[i] == 0:
                count += np.uint64(_meet_without_record(columns, table, at, i, n, block, verdicts, k, count))
            continue
        ends, back, start = block.ends[b], np.uint64(block.back[b]), block.place[b]
        record = np.int64(start)
        if not holds(state.table, start, key, ends, pair_of(columns, i, back)):
            record = _record(columns, table, i, key, ends, start, back, state)
            if record == NOBODY:
                continue
        near, far = _LOWER + back * _BETWEEN, _UPPER - back * _BETWEEN
        sender, receiver = slots[np.uint64(record), near + _GATE], slots[np.uint64(record), far + _GATE]
        sends, receives = sender & SENDS != 0, receiver & RECEIVES != 0
        sender = (sender >> INTERFACE_SHIFT) & INTERFACE_BITS
        receiver = (receiver >> INTERFACE_SHIFT) & INTERFACE_BITS
        if len(at) and at[i] >= 0:
            sends, receives = sends and sender == at[i], receives and receiver == at[i]
        # Written down in any case, counted if it is one: whose gates are met is not predictable.
        _put_down(block, verdicts, k, count, n, sender, 1, record, near)
        count += np.uint64(sends)
        k += np.uint64(sends)
        _put_down(block, verdicts, k, count, n, receiver, 0, record, far)
        count += np.uint64(receives)
        if not (sends or receives):
            columns.skip[i] = _NO_INTERFACE
    return np.int64(count)


@inner
def _without_record(columns, table, block, k, i, interface, egress, reached, clock, state):
    """One gate's decision about a packet of no flow."""
    if reached:
        if table.gates[interface]["groups"] < 0:
            return decided(UNFILTERED_REASON, -1, 0)
        if is_exempt(table, columns, i, interface, egress, np.int64(block.remote[k])):
            return decided(EXEMPT_REASON, -1, 0)
    known = np.int64(0)
    if reached:
        known = np.int64(
            answer(table, columns, i, interface, egress, np.int64(block.remote[k]), np.int64(block.local[k]))
        )
    return without_record(columns, i, interface, egress, reached, known, clock, state)


@kernel
def judge(
    columns: PacketColumns,
    table: MatchTable,
    at: np.ndarray,
    state: TrackState,
    verdicts: Verdicts,
) -> int:
    """Judge a batch of n packets in order; returns the number of observations written into ``verdicts`` (2 n + 2 fit).

    ``at``, shape (n,) or (0,), int32: the place of the interface a packet was captured at, or -1. The flow table must
    have room: a packet makes at most one record, a first fragment two more.
    """
    count = 0
    dropped = -1  # the packet that its sender's gate dropped last
    block = state.block
    for begin in range(0, len(columns.skip), BLOCK):
        first = count
        end = min(begin + BLOCK, len(columns.skip))
        _name(columns, block, state, begin, end)
        count = _meet(columns, table, at, block, state, verdicts, begin, end, first)
        for n in range(first, count):
            m, k = np.uint64(n), np.uint64(n - first)
            row = np.int64(verdicts.packet[m])
            i = np.uint64(row)
            egress = np.int64(verdicts.direction[m])
            reached = dropped != row
            clock = block.clock[np.uint64(row - begin)]
            record = block.record[k]
            if record == NOBODY:
                interface = np.int64(verdicts.interface[m])
                decision = _without_record(columns, table, block, k, i, interface, egress, reached, clock, state)
            else:
                place, gate = np.uint64(record), block.gate[k]
                decision = by_state(columns, i, egress, reached, place, gate, clock, state)
                if decision < 0:
                    decision = settled(columns, table, i, egress, reached, place, gate, clock, state)
            reason = decision & 255
            if columns.shape[i] == FIRST_FRAGMENT and reached and reason != UNFILTERED_REASON:
                remember_fate(columns, i, np.int64(verdicts.interface[m]), egress, decision, clock, state)
            verdicts.reason[m] = reason
            verdicts.flags[m] = (decision >> 8) & 255
            verdicts.rule[m] = (decision >> 16) - 1
            if reason >= FIRST_DROP and egress:
                dropped = row
    return count
