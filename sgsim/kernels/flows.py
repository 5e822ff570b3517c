"""Flows, their entries and their marks: keys, timers, TCP states, the bound on entries (sections 6, 7 and 10)."""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner, rare
from sgsim.kernels.slots import ZERO, claim, find, is_entry, record_key
from sgsim.layout import CONNECTION, DEAD, INITIATOR_LOCAL, INTERFACE_BITS, NEVER, REPLIED

FIN, SYN, RST, SYN_ACK = 0x01, 0x02, 0x04, 0x12
ACK = 0x10

# SLOT.state of connections and marks: the states of TCP, in which a flow only ever moves up, then the other timers.
OPENING, ESTABLISHED, CLOSING, RESET, UDP, UDP_STREAM, ICMP, OTHER = range(8)
ASKS = 8

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
def flow_key(version, protocol, interface, egress, src_port, dst_port):
    """The key of a packet's flow at an interface, whichever side it comes from, or 0 where it has none."""
    upper = ZERO
    if protocol == 6 or protocol == 17:
        local = src_port if egress else dst_port
        remote = dst_port if egress else src_port
        upper = (np.uint64(local) << np.uint64(16)) | np.uint64(remote)
    elif protocol == 1 or protocol == 58:
        kind, asks = request_type(version, protocol, dst_port)
        if kind < 0:
            return ZERO
        local_asks = 1 if (asks == 1) == (egress == 1) else 0
        upper = (np.uint64(src_port) << np.uint64(16)) | np.uint64(kind * 2 + local_asks)
    return record_key(CONNECTION, version, protocol, interface, upper)


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


def _steps() -> np.ndarray:
    """What a packet makes of a live record, as a table: branches on its flags would hardly ever be predicted.

    Index, from the lowest bit: state (3 bits), DEAD, from the initiator (or marked side), REPLIED, and the packet's
    FIN, SYN, RST, ACK. Value: the next state, and ASKS where the rules must be asked (section 5, steps 3 and 5).
    """
    steps = np.zeros(1 << 10, dtype=np.uint8)
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
        steps[index] = state | (ASKS if asks else 0)
    return steps


STEPS = _steps()


@inner
def step(slot, egress, flags):
    """The STEPS of a live record when a packet with these TCP flags (0 for other protocols) meets it."""
    bits = np.int64(slot["bits"])
    from_initiator = 1 ^ egress ^ (bits & INITIATOR_LOCAL)
    low = np.int64(slot["state"]) | (bits & DEAD) | (from_initiator << 4) | ((bits & REPLIED) << 4)
    of_flags = (np.int64(flags) & 7) | ((np.int64(flags) & ACK) >> 1)
    return np.int64(STEPS[np.uint64(low | (of_flags << 6))])


@inner
def keep(state, slot, interface, record_state, clock):
    """The record's idle time begins anew, in this state."""
    expires = clock + state.timers[np.uint64(interface * 8 + record_state)]
    slot["state"] = np.uint8(record_state)
    slot["expires_ns"] = expires
    if state.settings.conntrack_max >= 0:
        instance = state.instances[interface]
        if expires < state.earliest[instance]:
            state.earliest[instance] = expires


@inner
def first_state(protocol, flags):
    """The state of a record that the packet makes."""
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
def open_entry(state, place, interface, protocol, flags, egress, rule, clock):
    """Fill a claimed place with a new entry."""
    slot = state.slots[place]
    slot["bits"] = np.uint8(egress)  # INITIATOR_LOCAL
    slot["rule"] = np.int32(rule)
    if state.settings.conntrack_max >= 0:
        state.entries[state.instances[interface]] += 1
    keep(state, slot, interface, first_state(protocol, flags), clock)


@rare
def mark_dead(state, interface, protocol, flags, egress, ends, key, clock):
    """Section 10: a flow's opening packet did not get through."""
    place, _ = find(state.slots, ends, key, clock)
    claim(state, place, ends, key)
    slot = state.slots[place]
    slot["rule"] = np.int32(-1)
    slot["bits"] = np.uint8(DEAD | egress)
    keep(state, slot, interface, first_state(protocol, flags), clock)


@rare
def is_full(state, instance, clock):
    """Whether the instance has no room. Exact: idle entries are given up first, when one may have become idle."""
    if state.entries[instance] < state.settings.conntrack_max:
        return False
    if clock > state.earliest[instance]:
        earliest = FOREVER
        for place in range(len(state.slots)):
            slot = state.slots[place]
            if slot["key"] == ZERO or slot["expires_ns"] == NEVER or not is_entry(slot):
                continue
            if state.instances[slot["key"] & np.uint64(INTERFACE_BITS)] != instance:
                continue
            if slot["expires_ns"] < clock:
                slot["expires_ns"] = NEVER
                state.entries[instance] -= 1
            elif slot["expires_ns"] < earliest:
                earliest = slot["expires_ns"]
        state.earliest[instance] = earliest
    return state.entries[instance] >= state.settings.conntrack_max
