"""A change of the topology (section 11): what records say of gates and rules is made anew, what happened there stays.

Entries, marks and the fates of first fragments outlive a change of rules: later fragments share the fate of a first one
that was judged by the old rules. They are ended where their interface is no longer what it was, where it no longer owns
the local address, where both addresses are its own now, or where it has come not to filter the flow at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel
from sgsim.kernels.gates import gate_words, owners
from sgsim.kernels.slots import GATES, ZERO, interface_of, is_entry, is_flow
from sgsim.layout import (
    ANSWERS,
    ENDS,
    EXPIRES,
    GATE_WORD,
    GONE,
    INTERFACE_BITS,
    KEY,
    KIND_SHIFT,
    NEVER,
    NEVER_ASKS,
    NOTED,
    NOTES,
    RULE_BITS,
    RULE_SHIFT,
    SENDS,
    SLOT_WORDS,
    STATE_BITS,
    USED,
    WIDE,
    MatchTable,
    TrackState,
)

_ENDS, _KEY = np.uint64(ENDS), np.uint64(KEY)
_EXPIRES, _GATE, _ANSWERS = np.uint64(EXPIRES), np.uint64(GATE_WORD), np.uint64(ANSWERS)
_NOBODYS = np.int64(USED | GONE << KIND_SHIFT)  # KEY of a record that nothing finds: there is no such packet
_ENTRY = np.int64(STATE_BITS | RULE_BITS << RULE_SHIFT)  # bits of GATE_WORD that belong to an entry or mark
_LOW16, _LOW32 = np.uint64(0xFFFF), np.uint64(0xFFFFFFFF)


@inner
def _packet_of(table, place, body):
    """Make ``body`` a packet from the lower address of a record to the upper one, with what section 4 asks of a flow:
    of ICMP that is no type."""
    key, ends = np.uint64(table.slots[place + _KEY]), np.uint64(table.slots[place + _ENDS])
    if key & np.uint64(WIDE) == ZERO:
        body["version"] = 4
        body["src_hi"], body["src_lo"] = ZERO, ends >> np.uint64(32)
        body["dst_hi"], body["dst_lo"] = ZERO, ends & _LOW32
    else:
        at, one = place >> np.uint64(1), np.uint64(1)
        body["version"] = 6
        body["src_hi"], body["src_lo"] = table.wide[at], table.wide[at + one]
        body["dst_hi"], body["dst_lo"] = table.wide[at + one + one], table.wide[at + one + one + one]
    body["protocol"] = np.uint8((key >> np.uint64(20)) & np.uint64(255))
    body["src_port"], body["dst_port"] = np.uint16(key >> np.uint64(48)), np.uint16((key >> np.uint64(32)) & _LOW16)


@inner
def _end(state, place):
    """Nothing finds the record from now on. It keeps its place, for probes pass over it, until the table is moved."""
    slots = state.table.slots
    slots[place + _KEY] = _NOBODYS
    for gate in GATES:
        slots[place + gate + _EXPIRES] = NEVER


@inner
def _renew_gate(state, at, now, staying):
    """The words of a flow's gate: ``now`` is what GATE_WORD would be if the flow were new. The rules are to be asked
    again."""
    slots = state.table.slots
    word = slots[at + _GATE]
    interface = interface_of(word)
    same = word & now & SENDS != 0 and interface == interface_of(now) and staying[interface]
    if same:
        now |= word & NOTED
    elif word & NOTED != 0:
        state.counts[NOTES] -= 1
    if same and now & NEVER_ASKS == 0:
        now |= word & _ENTRY
    else:
        slots[at + _EXPIRES] = NEVER
    slots[at + _GATE] = now
    slots[at + _ANSWERS] = 0
    if is_entry(slots, at):
        instance = state.instances[interface]
        state.entries[instance] += 1
        state.earliest[instance] = min(state.earliest[instance], slots[at + _EXPIRES])


@inner
def _renew_flow(state, table, staying, place, body):
    skip, lower, upper = gate_words(body, table)
    _renew_gate(state, place + GATES[0], lower, staying)
    _renew_gate(state, place + GATES[1], upper, staying)
    if skip != 0:
        _end(state, place)


@inner
def _renew_fate(state, table, staying, place, body):
    interface = state.table.slots[place + _KEY] & INTERFACE_BITS
    _, _, lower, upper = owners(body, table)
    local, remote = (upper, lower) if state.table.slots[place + GATES[1] + _GATE] else (lower, upper)
    if not (staying[interface] and local == interface and remote != interface):
        _end(state, place)


@kernel
def renew(state: TrackState, table: MatchTable, staying: NDArray[np.bool_], bodies: NDArray[np.void]) -> None:
    """Make the flow table fit the new match tables; ``state`` has the new interfaces, and no entries counted.

    ``staying``, shape (interfaces,): whose entries may go on; ``bodies``, shape (1,): room for a record of BODY.
    40 ns for each record in use: 37 ms for 917,000 of them, of 250 interfaces, in a table of 2,097,152.
    """
    slots = state.table.slots
    for n in range(0, len(slots), SLOT_WORDS):
        place = np.uint64(n)
        kind = (slots[place + _KEY] >> KIND_SHIFT) & 3
        if slots[place + _KEY] == 0 or kind == GONE:
            continue
        _packet_of(state.table, place, bodies[0])
        if is_flow(slots, place):
            _renew_flow(state, table, staying, place, bodies[0])
        else:
            _renew_fate(state, table, staying, place, bodies[0])
