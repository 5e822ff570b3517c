"""Flows, their entries and their marks: keys, timers, TCP states, the bound on entries (sections 6, 7 and 10)."""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner, rare
from sgsim.kernels.slots import GATES, ZERO, interface_of, is_entry, is_flow, record_key
from sgsim.layout import (
    DEAD,
    EXPIRES,
    FLOW,
    GATE_WORD,
    INITIATOR_LOCAL,
    KEY,
    NEVER,
    REPLIED,
    RULE_BITS,
    RULE_SHIFT,
    SLOT_WORDS,
    STATE_BITS,
    WAY_ACK,
    WAY_FIN,
    WAY_RST,
    WAY_SYN,
)

_KEY, _EXPIRES, _GATE = np.uint64(KEY), np.uint64(EXPIRES), np.uint64(GATE_WORD)

FIN, SYN, RST, SYN_ACK = 0x01, 0x02, 0x04, 0x12
ACK = 0x10

# The state of an entry or mark: the states of TCP, in which a flow only ever moves up, then the other timers.
OPENING, ESTABLISHED, CLOSING, RESET, UDP, UDP_STREAM, ICMP, OTHER = range(8)

FOREVER = np.int64((1 << 63) - 1)


@inner
def request_type(version, protocol, port):
    """(the request's type that the packet asks or answers, 1 if it asks), or (-1, 0): no echo-like message."""
    kind = np.int64(port) >> 8
    if protocol == 1 and version == 4:
        if kind == 8 or kind == 13 or kind == 15 or kind == 17:
            return kind, 1
        if kind == 0:
            return np.int64(8), 0
        if kind == 14 or kind == 16 or kind == 18:
            return kind - 1, 0
    elif protocol == 58 and version == 6:
        if kind == 128:
            return kind, 1
        if kind == 129:
            return np.int64(128), 0
    return np.int64(-1), 0


@inner
def flow_key(version, protocol, back, src_port, dst_port):
    """The word KEY of a packet's flow, whichever way the packet goes, or 0 where it belongs to none."""
    upper = ZERO
    if (protocol == 6) | (protocol == 17):  # in numbers: which of the two it is cannot be predicted
        ports = (np.uint64(src_port) << np.uint64(16)) | np.uint64(dst_port)
        upper = (ports << (np.uint64(16) * back) | ports >> (np.uint64(16) * back)) & np.uint64(0xFFFFFFFF)
    elif protocol == 1 or protocol == 58:
        kind, asks = request_type(version, protocol, dst_port)
        if kind < 0:
            return ZERO
        upper_asks = (np.uint64(asks) ^ back) ^ np.uint64(1)
        upper = (np.uint64(src_port) << np.uint64(16)) | np.uint64(kind * 2) | upper_asks
    return record_key(FLOW, version, protocol, 0, upper)


@inner
def is_opening(version, protocol, flags, src_port, dst_port):
    """Section 10: whether the packet looks like the first of a flow."""
    if protocol == 6:
        return flags & SYN_ACK == SYN
    if protocol == 17:
        return dst_port <= src_port
    return request_type(version, protocol, dst_port)[1] == 1


@inner
def makes_entry(version, protocol, flags, dst_port):
    """Whether an admitted first packet leaves an entry: no reset, no ICMP reply."""
    if protocol == 6:
        return flags & RST == 0
    if protocol == 1 or protocol == 58:
        return request_type(version, protocol, dst_port)[1] == 1
    return True


# What STEPS gives beside the new state bits: the packet needs nothing but the record (section 5, steps 3 and 5).
BY_STATE = 64
_WAY_FLAGS = WAY_FIN | WAY_SYN | WAY_RST | WAY_ACK


def _steps() -> np.ndarray:
    """What a packet makes of a live entry or mark, as a table: branches on it would hardly ever be predicted.

    Index, from the lowest bit: state (3 bits), DEAD, from the initiator (or marked side), REPLIED, and the packet's
    FIN, SYN, RST, ACK. Value: the state bits of GATE_WORD afterwards, but for INITIATOR_LOCAL, and BY_STATE.
    """
    steps = np.zeros(1 << 10, dtype=np.int16)
    for index in range(len(steps)):
        state, dead, from_initiator, replied = index & 7, index >> 3 & 1, index >> 4 & 1, index >> 5 & 1
        fin, syn, rst, ack = (index >> bit & 1 for bit in (6, 7, 8, 9))
        asks = 0
        if state > RESET:
            if state == UDP and (dead or (from_initiator and replied)):
                state = UDP_STREAM
            asks = dead and from_initiator
        else:
            asks = syn and not ack and (dead or state >= CLOSING)
            if rst:
                state = RESET
            elif fin:
                state = max(state, CLOSING)
            elif not syn and (dead or (from_initiator and replied)):
                state = max(state, ESTABLISHED)
        replied |= 1 - from_initiator
        steps[index] = state | dead * DEAD | replied * REPLIED | (0 if asks else BY_STATE)
    return steps


STEPS = _steps()


@inner
def step(word, egress, way):
    """The STEPS of a live entry or mark, whose GATE_WORD is given, when a packet of that ``way`` meets it."""
    of_record = (word & STATE_BITS) ^ ((1 ^ egress) << 4)
    return np.int64(STEPS[np.uint64(of_record | (way & _WAY_FLAGS))])


@inner
def soonest(state, interface, expires):
    """An entry or mark of the interface's becomes idle then: what the bound on entries has to know."""
    if state.settings.conntrack_max >= 0:
        instance = state.instances[interface]
        if expires < state.earliest[instance]:
            state.earliest[instance] = expires


@inner
def timeout(state, interface, word):
    """How long an entry or mark in the state that ``word`` gives may be idle, in nanoseconds."""
    return state.timers[(np.uint64(state.timer_rows[interface]) << np.uint64(3)) + np.uint64(word & 7)]


@inner
def keep(state, at, word, clock):
    """The entry or mark of the gate at ``at`` is what ``word`` says, and its idle time begins anew."""
    slots = state.table.slots
    interface = interface_of(word)
    expires = clock + timeout(state, interface, word)
    slots[at + _GATE] = word
    slots[at + _EXPIRES] = expires
    soonest(state, interface, expires)


@inner
def first_state(protocol, flags):
    """The state of an entry or mark that the packet makes."""
    if protocol == 6:
        if flags & RST:
            return RESET
        if flags & FIN:
            return CLOSING
        return OPENING if flags & SYN_ACK == SYN else ESTABLISHED
    if protocol == 17:
        return UDP
    return ICMP if protocol == 1 or protocol == 58 else OTHER


@inner
def begin(state, at, bits, rule, clock):
    """The gate gets an entry, or with DEAD a mark, in the place of what it has; ``bits``: state and those above it."""
    slots = state.table.slots
    word = slots[at + _GATE]
    if state.settings.conntrack_max >= 0:
        instance = state.instances[interface_of(word)]
        if is_entry(slots, at):
            state.entries[instance] -= 1
        if bits & DEAD == 0:
            state.entries[instance] += 1
    word = (word & ~np.int64((RULE_BITS << RULE_SHIFT) | STATE_BITS)) | (np.int64(rule) << RULE_SHIFT) | bits
    keep(state, at, word, clock)


@inner
def mark_dead(state, at, protocol, flags, egress, clock):
    """Section 10: a flow's opening packet did not get through."""
    begin(state, at, first_state(protocol, flags) | DEAD | (egress * INITIATOR_LOCAL), 0, clock)


@rare
def is_full(state, instance, clock):
    """Whether the instance has no room. Exact: idle entries are given up first, when one may have become idle."""
    if state.entries[instance] < state.settings.conntrack_max:
        return False
    if clock > state.earliest[instance]:
        slots = state.table.slots
        earliest = FOREVER
        for n in range(0, len(slots), SLOT_WORDS):
            place = np.uint64(n)
            if slots[place + _KEY] == 0 or not is_flow(slots, place):
                continue
            for gate in GATES:
                at = place + gate
                if not is_entry(slots, at) or state.instances[interface_of(slots[at + _GATE])] != instance:
                    continue
                if slots[at + _EXPIRES] < clock:
                    slots[at + _EXPIRES] = NEVER
                    state.entries[instance] -= 1
                elif slots[at + _EXPIRES] < earliest:
                    earliest = slots[at + _EXPIRES]
        state.earliest[instance] = earliest
    return state.entries[instance] >= state.settings.conntrack_max
