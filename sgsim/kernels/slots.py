"""The flow table: one 64-byte record for both gates of a flow, in open addressing.

It holds what the gates know of a flow (its entries, its dead marks, the answers of the rules) and the fates of first
fragments. A record is found by linear probing from its hash. Nothing is deleted: the table is moved when it fills.

``pair`` is the two addresses of a packet, the lower one first: upper and lower half of each, uint64.
"""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner, kernel
from sgsim.layout import (
    ANSWERS,
    DEAD,
    ENDS,
    EXPIRES,
    FLOW,
    GATE_WORD,
    INTERFACE_BITS,
    INTERFACE_SHIFT,
    KEY,
    KIND_SHIFT,
    LOWER_GATE,
    NEVER,
    NOTED,
    SLOT_WORDS,
    SLOTS_USED,
    UPPER_GATE,
    USED,
    WIDE,
    FlowTable,
    TrackState,
)

ZERO = np.uint64(0)
GATES = (np.uint64(LOWER_GATE), np.uint64(UPPER_GATE))
_ENDS, _KEY = np.uint64(ENDS), np.uint64(KEY)
_EXPIRES, _GATE, _ANSWERS = np.uint64(EXPIRES), np.uint64(GATE_WORD), np.uint64(ANSWERS)

# Odd multipliers from the digits of pi, e and the golden ratio; they only spread keys over the table.
_C1, _C2, _C3 = np.uint64(0x243F6A8885A308D3), np.uint64(0xB7E151628AED2A6B), np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_WIDE = np.uint64(WIDE)
_RECORD = np.uint64(SLOT_WORDS)


@inner
def addresses_of(columns, i):
    """Upper and lower half of the packet's source, then of its destination."""
    body = columns.bodies[i]
    return body["src_hi"], body["src_lo"], body["dst_hi"], body["dst_lo"]


@inner
def is_back(addresses):
    """1 if a packet goes from the upper of its two addresses to the lower one."""
    src_hi, src_lo, dst_hi, dst_lo = addresses
    return np.uint64((src_hi > dst_hi) | ((src_hi == dst_hi) & (src_lo > dst_lo)))


@inner
def pair_of(addresses, back):
    """The addresses, the lower one first. Without a branch: which it is cannot be predicted."""
    src_hi, src_lo, dst_hi, dst_lo = addresses
    turn = ZERO - back
    hi, lo = (src_hi ^ dst_hi) & turn, (src_lo ^ dst_lo) & turn
    return src_hi ^ hi, src_lo ^ lo, dst_hi ^ hi, dst_lo ^ lo


@inner
def ends_of(pair):
    """The word ENDS: IPv4 addresses themselves; of IPv6 a hash, since the addresses are compared besides."""
    lower_hi, lower_lo, upper_hi, upper_lo = pair
    return ((lower_lo << _HALF) | (lower_lo >> _HALF)) ^ upper_lo ^ (lower_hi * _C2) ^ (upper_hi * _C3)


@inner
def record_key(kind, version, protocol, interface, upper):
    """The word KEY; ``upper`` are its upper 32 bits: ports, ICMP identifier and requester, or a datagram's number."""
    low = np.uint64(USED) | (np.uint64(kind) << np.uint64(KIND_SHIFT)) | (np.uint64(protocol) << np.uint64(20))
    low |= (np.uint64(version) & np.uint64(2)) << np.uint64(27)  # WIDE: 4 and 6 differ in this bit
    return (np.uint64(upper) << _HALF) | low | np.uint64(interface)


@inner
def start_of(slots, ends, key):
    """Where the probe for a record begins."""
    h = ends * _C1
    h = (h ^ (h >> _HALF) ^ key) * _C2
    return (h ^ (h >> np.uint64(29))) & np.uint64(len(slots) - SLOT_WORDS)


@inner
def behind(slots, place):
    """The place of the next record."""
    return (place + _RECORD) & np.uint64(len(slots) - 1)


@inner
def is_between(table, place, pair):
    """Whether an IPv6 record's addresses are these."""
    wide = table.wide
    at = place >> np.uint64(1)
    lower_hi, lower_lo, upper_hi, upper_lo = pair
    return (
        wide[at] == lower_hi
        and wide[at + np.uint64(1)] == lower_lo
        and wide[at + np.uint64(2)] == upper_hi
        and wide[at + np.uint64(3)] == upper_lo
    )


@inner
def is_called(slots, place, key, ends):
    """Whether the record at a place has this name: of IPv4 addresses it is the one; see ``is_between``."""
    return np.uint64(slots[place + _KEY]) == key and np.uint64(slots[place + _ENDS]) == ends


@inner
def find(table, place, key, ends, pair):
    """(place, True) of the record, from where its probe begins; or (the empty place where it may be made, False)."""
    slots = table.slots
    while slots[place + _KEY] != 0:
        if is_called(slots, place, key, ends) and (key & _WIDE == ZERO or is_between(table, place, pair)):
            return place, True
        place = behind(slots, place)
    return place, False


@inner
def make(state, place, key, ends, pair):
    """A record without entries in an empty place."""
    table = state.table
    slots = table.slots
    slots[place + _ENDS] = np.int64(ends)
    slots[place + _KEY] = np.int64(key)
    for gate in GATES:
        slots[place + gate + _EXPIRES] = NEVER
        slots[place + gate + _GATE] = 0
        slots[place + gate + _ANSWERS] = 0
    if key & _WIDE != ZERO:
        at = place >> np.uint64(1)
        for word in range(4):
            table.wide[at + np.uint64(word)] = pair[word]
    state.counts[SLOTS_USED] += 1


@inner
def is_flow(slots, place):
    """Whether the record is a flow's, not a fragment's fate."""
    return (slots[place + _KEY] >> KIND_SHIFT) & 3 == FLOW


@inner
def interface_of(word):
    """The interface that GATE_WORD names."""
    return (word >> INTERFACE_SHIFT) & INTERFACE_BITS


@inner
def is_entry(slots, at):
    """Whether the gate whose words begin at ``at`` has an entry, live or idle: not nothing, and no mark."""
    return slots[at + _EXPIRES] != NEVER and slots[at + _GATE] & DEAD == 0


@inner
def _is_kept(slots, place, clock):
    """Whether anything in the record can still matter."""
    if slots[place + _KEY] == 0:
        return False
    lower, upper = place + GATES[0], place + GATES[1]
    if slots[lower + _EXPIRES] >= clock or slots[upper + _EXPIRES] >= clock:
        return True
    return is_flow(slots, place) and (slots[lower + _GATE] | slots[upper + _GATE]) & NOTED != 0


@kernel
def live(table: FlowTable, clock: int) -> tuple[int, int]:
    """(records that the clock has not made worthless, entries that are not idle)."""
    slots = table.slots
    records = 0
    entries = 0
    for n in range(0, len(slots), SLOT_WORDS):
        place = np.uint64(n)
        if not _is_kept(slots, place, clock):
            continue
        records += 1
        if is_flow(slots, place):
            for gate in GATES:
                if is_entry(slots, place + gate) and slots[place + gate + _EXPIRES] >= clock:
                    entries += 1
    return records, entries


@kernel
def move(old: FlowTable, clock: int, state: TrackState) -> None:
    """Carry what is not idle from the old table into ``state.table``, which is empty, and count it anew."""
    table = state.table
    slots = table.slots
    used = 0
    state.entries[:] = 0
    for n in range(0, len(old.slots), SLOT_WORDS):
        source = np.uint64(n)
        if not _is_kept(old.slots, source, clock):
            continue
        key = np.uint64(old.slots[source + _KEY])
        place = start_of(slots, np.uint64(old.slots[source + _ENDS]), key)
        while slots[place + _KEY] != 0:
            place = behind(slots, place)
        for word in range(SLOT_WORDS):
            slots[place + np.uint64(word)] = old.slots[source + np.uint64(word)]
        if key & _WIDE != ZERO:
            for word in range(SLOT_WORDS // 2):
                half = np.uint64(word)
                table.wide[(place >> np.uint64(1)) + half] = old.wide[(source >> np.uint64(1)) + half]
        used += 1
        if not is_flow(slots, place):
            continue
        for gate in GATES:
            at = place + gate
            if slots[at + _EXPIRES] < clock:
                slots[at + _EXPIRES] = NEVER
            elif is_entry(slots, at):
                state.entries[state.instances[interface_of(slots[at + _GATE])]] += 1
    state.counts[SLOTS_USED] = used
