"""The only place where state lives: a fold over observations in the order of the stream.

One table of 64-byte records holds connections, dead marks, the fates of first fragments, and notes of flows that seem
older than the capture; all of them expire by the clock. A record is found by linear probing from its hash; an idle one
is as good as an empty one for whoever comes, but does not end a probe. Nothing is deleted: the table is moved when
it fills (``move``). A kernel and all it calls live in one file: numba's cache does not see changes in others.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sgsim.layout import (
    ADMITTED,
    CONNECTION,
    DEAD,
    EGRESS_FATE,
    EXEMPT,
    FIRST_DROP,
    FIRST_FRAGMENT,
    INGRESS_FATE,
    INITIATOR_LOCAL,
    INTERFACE_BITS,
    LATER_FRAGMENT,
    MIDSTREAM,
    NEVER,
    NOTE,
    NOTES,
    OPENED,
    REASONS,
    REPLACED,
    REPLIED,
    REVERSE,
    RULE_BITS,
    SLOTS_USED,
    STARTED,
    STREAM,
    TRACKED,
    UNFILTERED,
    UNRESOLVED,
    UNTRACKED,
    USED,
    Answers,
    PacketColumns,
    TrackState,
    Verdicts,
)
from sgsim.model import Fragments, Reason

_RULE = REASONS.index(Reason.RULE)
_TRACKED = REASONS.index(Reason.TRACKED)
_RELATED = REASONS.index(Reason.RELATED)
_EXEMPT = REASONS.index(Reason.EXEMPT)
_UNFILTERED = REASONS.index(Reason.UNFILTERED)
_FRAGMENT = REASONS.index(Reason.FRAGMENT)
_NO_RULE = REASONS.index(Reason.NO_RULE)
_UNRESOLVED = REASONS.index(Reason.UNRESOLVED)
_NOT_REACHED = REASONS.index(Reason.NOT_REACHED)
_NO_STATE = REASONS.index(Reason.NO_STATE)
_TABLE_FULL = REASONS.index(Reason.TABLE_FULL)
_LATER_FRAGMENT = REASONS.index(Reason.LATER_FRAGMENT)

_PERMIT = list(Fragments).index(Fragments.PERMIT)
_DROP = list(Fragments).index(Fragments.DROP)

_FIN, _SYN, _RST, _SYN_ACK = 0x01, 0x02, 0x04, 0x12
_OPENING, _ESTABLISHED, _CLOSING, _RESET = 0, 1, 2, 3

_NOTE_LIMIT = 1 << 20
_FOREVER = np.int64((1 << 63) - 1)
_NEVER = np.int64(NEVER)

# Odd multipliers from the digits of pi and e; they only spread keys over the table.
_C1, _C2, _C3 = np.uint64(0x243F6A8885A308D3), np.uint64(0xB7E151628AED2A6B), np.uint64(0x9E3779B97F4A7C15)
_ZERO = np.uint64(0)

_inner = njit(nogil=True, forceinline=True, _nrt=False)


# --- keys ---------------------------------------------------------------------------------------------------------


@_inner
def _key(kind, version, protocol, interface, upper):
    """SLOT.key; ``upper`` are its upper 32 bits: ports, ICMP identifier and requester, or a datagram's number."""
    low = np.uint64(USED) | (np.uint64(kind) << np.uint64(29)) | (np.uint64(protocol) << np.uint64(20))
    if version == 6:
        low |= np.uint64(1 << 28)
    return (np.uint64(upper) << np.uint64(32)) | low | np.uint64(interface)


@_inner
def _request_type(version, protocol, port):
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


@_inner
def _flow_key(version, protocol, interface, egress, src_port, dst_port):
    """The key of a packet's flow at an interface, whichever side it comes from, or 0 where it has none."""
    if protocol == 6 or protocol == 17:
        if egress:
            upper = (np.uint64(src_port) << np.uint64(16)) | np.uint64(dst_port)
        else:
            upper = (np.uint64(dst_port) << np.uint64(16)) | np.uint64(src_port)
        return _key(CONNECTION, version, protocol, interface, upper)
    if protocol == 1 or protocol == 58:
        kind, asks = _request_type(version, protocol, dst_port)
        if kind < 0:
            return _ZERO
        local_asks = 1 if (asks == 1) == (egress == 1) else 0
        upper = (np.uint64(src_port) << np.uint64(16)) | np.uint64(kind * 2 + local_asks)
        return _key(CONNECTION, version, protocol, interface, upper)
    return _key(CONNECTION, version, protocol, interface, _ZERO)


# --- the table ----------------------------------------------------------------------------------------------------


@_inner
def _place(mask, local_hi, local_lo, remote_hi, remote_lo, key):
    """Where the probe for a record begins."""
    h = (remote_lo ^ (local_lo << np.uint64(32)) ^ (local_lo >> np.uint64(32))) * _C1
    h = (h ^ (h >> np.uint64(32)) ^ key) * _C2
    if (local_hi | remote_hi) != _ZERO:
        h = (h ^ (h >> np.uint64(31)) ^ remote_hi ^ (local_hi << np.uint64(1))) * _C3
    return np.int64((h ^ (h >> np.uint64(32))) & np.uint64(mask))


@_inner
def _find(slots, local_hi, local_lo, remote_hi, remote_lo, key, clock):
    """The place of the record, live or idle; or -1 - (the place where it may be made)."""
    mask = len(slots) - 1
    place = _place(mask, local_hi, local_lo, remote_hi, remote_lo, key)
    free = np.int64(-1)
    while True:
        slot = slots[place]
        found = slot["key"]
        if found == _ZERO:
            if free >= 0:
                place = free
            return -1 - place
        if (
            found == key
            and slot["remote_lo"] == remote_lo
            and slot["local_lo"] == local_lo
            and slot["remote_hi"] == remote_hi
            and slot["local_hi"] == local_hi
        ):
            return place
        if free < 0 and slot["expires_ns"] < clock:
            free = place
        place = (place + 1) & mask


@_inner
def _is_entry(slot):
    return (slot["key"] >> np.uint64(29)) & np.uint64(3) == _ZERO and slot["bits"] & DEAD == 0


@_inner
def _claim(state, place, local_hi, local_lo, remote_hi, remote_lo, key):
    """Take an empty or idle place, or the record's own, for a record."""
    slot = state.slots[place]
    if slot["key"] == _ZERO:
        state.counts[SLOTS_USED] += 1
    elif state.settings.conntrack_max >= 0 and slot["expires_ns"] != _NEVER and _is_entry(slot):
        interface = np.int64(slot["key"] & np.uint64(INTERFACE_BITS))
        state.entries[state.timers[interface]["instance"]] -= 1
    slot["local_hi"] = local_hi
    slot["local_lo"] = local_lo
    slot["remote_hi"] = remote_hi
    slot["remote_lo"] = remote_lo
    slot["key"] = key


# --- timers and TCP states ----------------------------------------------------------------------------------------


@_inner
def _timeout(state, interface, protocol, tcp_state, stream):
    if protocol == 6:
        if tcp_state == _ESTABLISHED:
            return state.timers[interface]["established"]
        if tcp_state == _OPENING:
            return state.settings.opening
        if tcp_state == _CLOSING:
            return state.settings.closing
        return state.settings.reset
    if protocol == 17:
        if stream:
            return state.timers[interface]["udp_stream"]
        return state.timers[interface]["udp"]
    if protocol == 1 or protocol == 58:
        return state.settings.icmp
    return state.settings.other


@_inner
def _set_expiry(state, slot, interface, protocol, clock):
    expires = clock + _timeout(state, interface, protocol, slot["state"], slot["bits"] & STREAM)
    slot["expires_ns"] = expires
    if state.settings.conntrack_max >= 0:
        instance = state.timers[interface]["instance"]
        if expires < state.earliest[instance]:
            state.earliest[instance] = expires


@_inner
def _refresh(state, slot, interface, protocol, flags, egress, clock):
    """Section 7: a packet meets its live entry."""
    bits = slot["bits"]
    from_initiator = (bits & INITIATOR_LOCAL != 0) == (egress == 1)
    if protocol == 6:
        tcp_state = slot["state"]
        if flags & _RST:
            tcp_state = np.uint8(_RESET)
        elif flags & _FIN:
            tcp_state = max(tcp_state, np.uint8(_CLOSING))
        elif from_initiator and bits & REPLIED and not flags & _SYN:
            tcp_state = max(tcp_state, np.uint8(_ESTABLISHED))
        slot["state"] = tcp_state
    elif protocol == 17 and from_initiator and bits & REPLIED:
        bits |= np.uint8(STREAM)
    if not from_initiator:
        bits |= np.uint8(REPLIED)
    slot["bits"] = bits
    _set_expiry(state, slot, interface, protocol, clock)


@_inner
def _touch(state, slot, interface, protocol, flags, clock):
    """Section 10: any packet of a dead flow keeps its mark alive."""
    if protocol == 6:
        if flags & _RST:
            seen = _RESET
        elif flags & _FIN:
            seen = _CLOSING
        elif flags & _SYN:
            seen = _OPENING
        else:
            seen = _ESTABLISHED
        slot["state"] = max(slot["state"], np.uint8(seen))
    slot["expires_ns"] = clock + _timeout(state, interface, protocol, slot["state"], slot["bits"] & STREAM)
    slot["bits"] |= np.uint8(STREAM)  # a mark's second packet finds it set


@njit(nogil=True, _nrt=False)
def _full(state, instance, clock):
    """Whether the instance has no room. Exact: idle entries are given up first, when one may have become idle."""
    if state.entries[instance] < state.settings.conntrack_max:
        return False
    if clock > state.earliest[instance]:
        earliest = _FOREVER
        for place in range(len(state.slots)):
            slot = state.slots[place]
            if slot["key"] == _ZERO or slot["expires_ns"] == _NEVER or not _is_entry(slot):
                continue
            interface = np.int64(slot["key"] & np.uint64(INTERFACE_BITS))
            if state.timers[interface]["instance"] != instance:
                continue
            if slot["expires_ns"] < clock:
                slot["expires_ns"] = _NEVER
                state.entries[instance] -= 1
            elif slot["expires_ns"] < earliest:
                earliest = slot["expires_ns"]
        state.earliest[instance] = earliest
    return state.entries[instance] >= state.settings.conntrack_max


# --- the questions at a gate --------------------------------------------------------------------------------------


@_inner
def _pack(reason, rule, flags):
    """A decision in one number; ``rule`` is -1 for none."""
    return np.int64(reason) | (np.int64(flags) << 8) | ((np.int64(rule) + 1) << 16)


@_inner
def _fate_key(columns, i, interface, egress):
    version = columns.version[i]
    protocol = columns.protocol[i] if version == 4 else np.uint8(0)
    return _key(EGRESS_FATE if egress else INGRESS_FATE, version, protocol, interface, columns.fragment_id[i])


@njit(nogil=True, _nrt=False)
def _remember_fate(columns, i, interface, egress, decision, clock, state):
    """Section 9: a first fragment's decision, for those that follow."""
    key = _fate_key(columns, i, interface, egress)
    src_hi, src_lo, dst_hi, dst_lo = columns.src_hi[i], columns.src_lo[i], columns.dst_hi[i], columns.dst_lo[i]
    place = _find(state.slots, src_hi, src_lo, dst_hi, dst_lo, key, clock)
    if place < 0:
        place = -1 - place
        _claim(state, place, src_hi, src_lo, dst_hi, dst_lo, key)
    slot = state.slots[place]
    slot["expires_ns"] = clock + state.settings.fragment
    slot["rule"] = np.int32((decision >> 16) - 1)
    slot["state"] = np.uint8(decision & 255)
    slot["bits"] = np.uint8((decision >> 8) & TRACKED)


@njit(nogil=True, _nrt=False)
def _later_fragment(columns, i, interface, egress, answer, clock, state):
    """Section 9: a fragment without ports."""
    if state.settings.fragments == _PERMIT:
        return _pack(_FRAGMENT, -1, 0)
    if state.settings.fragments == _DROP:
        return _pack(_LATER_FRAGMENT, -1, 0)
    key = _fate_key(columns, i, interface, egress)
    src_hi, src_lo, dst_hi, dst_lo = columns.src_hi[i], columns.src_lo[i], columns.dst_hi[i], columns.dst_lo[i]
    place = _find(state.slots, src_hi, src_lo, dst_hi, dst_lo, key, clock)
    if place >= 0:
        slot = state.slots[place]
        if slot["expires_ns"] >= clock:
            return _pack(slot["state"], slot["rule"], slot["bits"])
    if answer & ADMITTED:
        return _pack(_FRAGMENT, answer & RULE_BITS, 0)
    return _pack(_LATER_FRAGMENT, -1, 0)


@njit(nogil=True, _nrt=False)
def _related(columns, i, interface, egress, clock, state):
    """Section 8: the rule of the live entry that an ICMP error is about, or -1.

    The error goes to the quoted packet's sender, so an error that comes in is about a packet that went out.
    """
    quote = columns.quotes[columns.quoted[i]]
    if quote["src_hi"] != columns.dst_hi[i] or quote["src_lo"] != columns.dst_lo[i]:
        return np.int64(-1)
    outward = np.int64(1) - egress
    version = columns.version[i]
    key = _flow_key(version, quote["protocol"], interface, outward, quote["src_port"], quote["dst_port"])
    if key == _ZERO:
        return np.int64(-1)
    if outward:
        place = _find(state.slots, quote["src_hi"], quote["src_lo"], quote["dst_hi"], quote["dst_lo"], key, clock)
    else:
        place = _find(state.slots, quote["dst_hi"], quote["dst_lo"], quote["src_hi"], quote["src_lo"], key, clock)
    if place < 0:
        return np.int64(-1)
    slot = state.slots[place]
    if slot["expires_ns"] < clock or slot["bits"] & DEAD:
        return np.int64(-1)
    return np.int64(slot["rule"])


@njit(nogil=True, _nrt=False)
def _note_midstream(columns, i, key, local_hi, local_lo, remote_hi, remote_lo, clock, state):
    """1 if this is the first dropped packet of a flow that may be older than the capture (section 10)."""
    protocol = columns.protocol[i]
    if protocol == 6:
        if columns.tcp_flags[i] & _SYN_ACK == _SYN:
            return 0
    else:
        longest = state.settings.other
        if protocol == 17:
            longest = state.settings.udp_stream
        elif protocol == 1 or protocol == 58:
            longest = state.settings.icmp
        if clock - state.counts[STARTED] > longest:
            return 0
    if state.counts[NOTES] >= _NOTE_LIMIT:
        return 0
    note = key | np.uint64(NOTE << 29)
    place = _find(state.slots, local_hi, local_lo, remote_hi, remote_lo, note, clock)
    if place >= 0:
        return 0
    place = -1 - place
    _claim(state, place, local_hi, local_lo, remote_hi, remote_lo, note)
    state.slots[place]["expires_ns"] = _FOREVER
    state.counts[NOTES] += 1
    return 1


@_inner
def _is_opening(version, protocol, flags, src_port, dst_port):
    if protocol == 6:
        return flags & _SYN_ACK == _SYN
    if protocol == 17:
        return dst_port <= src_port
    return _request_type(version, protocol, dst_port)[1] == 1


@njit(nogil=True, _nrt=False)
def _mark_dead(state, interface, protocol, flags, egress, local_hi, local_lo, remote_hi, remote_lo, key, clock):
    place = _find(state.slots, local_hi, local_lo, remote_hi, remote_lo, key, clock)
    if place < 0:
        place = -1 - place
    _claim(state, place, local_hi, local_lo, remote_hi, remote_lo, key)
    slot = state.slots[place]
    slot["rule"] = np.int32(-1)
    slot["state"] = np.uint8(_OPENING)
    slot["bits"] = np.uint8(DEAD | INITIATOR_LOCAL) if egress else np.uint8(DEAD)
    _touch(state, slot, interface, protocol, flags, clock)


@_inner
def _makes_entry(version, protocol, flags, dst_port):
    if protocol == 6:
        return flags & _RST == 0
    if protocol == 1 or protocol == 58:
        return _request_type(version, protocol, dst_port)[1] == 1
    return True


@_inner
def _open(state, place, interface, protocol, flags, egress, rule, clock):
    """Fill a claimed place with a new entry."""
    slot = state.slots[place]
    tcp_state = _OPENING
    if protocol == 6:
        if flags & _FIN:
            tcp_state = _CLOSING
        elif flags & _SYN_ACK != _SYN:
            tcp_state = _ESTABLISHED
    slot["state"] = np.uint8(tcp_state)
    slot["bits"] = np.uint8(INITIATOR_LOCAL) if egress else np.uint8(0)
    slot["rule"] = np.int32(rule)
    if state.settings.conntrack_max >= 0:
        state.entries[state.timers[interface]["instance"]] += 1
    _set_expiry(state, slot, interface, protocol, clock)


@_inner
def _filter(columns, i, interface, egress, answer, reached, clock, state):
    """Section 5, from the live entry on; a packed decision."""
    version = columns.version[i]
    protocol = columns.protocol[i]
    flags = columns.tcp_flags[i]
    src_port = columns.src_port[i]
    dst_port = columns.dst_port[i]
    key = _flow_key(version, protocol, interface, egress, src_port, dst_port)
    if egress:
        local_hi, local_lo = columns.src_hi[i], columns.src_lo[i]
        remote_hi, remote_lo = columns.dst_hi[i], columns.dst_lo[i]
    else:
        local_hi, local_lo = columns.dst_hi[i], columns.dst_lo[i]
        remote_hi, remote_lo = columns.src_hi[i], columns.src_lo[i]
    place = np.int64(-1)
    live = False
    dead = False
    if key != _ZERO:
        place = _find(state.slots, local_hi, local_lo, remote_hi, remote_lo, key, clock)
        if place >= 0:
            slot = state.slots[place]
            if slot["expires_ns"] >= clock:
                dead = slot["bits"] & DEAD != 0
                live = not dead
    syn = protocol == 6 and flags & _SYN_ACK == _SYN
    if not reached:
        if key != _ZERO and state.settings.open_loop == 0:
            if dead:
                _touch(state, state.slots[place], interface, protocol, flags, clock)
            elif not live and _is_opening(version, protocol, flags, src_port, dst_port):
                _mark_dead(
                    state, interface, protocol, flags, egress, local_hi, local_lo, remote_hi, remote_lo, key, clock
                )
        return _pack(_NOT_REACHED, -1, 0)
    if live:
        slot = state.slots[place]
        if not (syn and slot["state"] >= _CLOSING):
            _refresh(state, slot, interface, protocol, flags, egress, clock)
            return _pack(_TRACKED, slot["rule"], TRACKED)
    if columns.quoted[i] >= 0:
        rule = _related(columns, i, interface, egress, clock, state)
        if rule >= 0:
            return _pack(_RELATED, rule, 0)
    if dead:
        slot = state.slots[place]
        _touch(state, slot, interface, protocol, flags, clock)
        from_marked_side = (slot["bits"] & INITIATOR_LOCAL != 0) == (egress == 1)
        if not (syn or (protocol != 6 and from_marked_side)):
            return _pack(_NOT_REACHED, -1, 0)
    reason = _RULE
    opened = 0
    if not answer & ADMITTED:
        reason = _UNRESOLVED if answer & UNRESOLVED else _NO_RULE
        may_be_older = answer & REVERSE and key != _ZERO and not live and not dead
        if may_be_older and _note_midstream(columns, i, key, local_hi, local_lo, remote_hi, remote_lo, clock, state):
            opened = MIDSTREAM
    elif key != _ZERO and not answer & UNTRACKED and _makes_entry(version, protocol, flags, dst_port):
        if state.settings.strict and protocol == 6 and not syn:
            reason = _NO_STATE
        elif (
            state.settings.conntrack_max >= 0 and not live and _full(state, state.timers[interface]["instance"], clock)
        ):
            reason = _TABLE_FULL
        else:
            opened = TRACKED | OPENED
            if live:
                opened |= REPLACED
            if place < 0:
                place = -1 - place
            _claim(state, place, local_hi, local_lo, remote_hi, remote_lo, key)
            _open(state, place, interface, protocol, flags, egress, answer & RULE_BITS, clock)
    if reason == _RULE:
        if dead and not opened:
            state.slots[place]["expires_ns"] = _NEVER
        return _pack(_RULE, answer & RULE_BITS, opened)
    opening = _is_opening(version, protocol, flags, src_port, dst_port)
    if opening and key != _ZERO and not live and not dead and state.settings.open_loop == 0:
        _mark_dead(state, interface, protocol, flags, egress, local_hi, local_lo, remote_hi, remote_lo, key, clock)
    return _pack(reason, -1, opened)


@_inner
def _observe(columns, i, interface, egress, answer, reached, clock, state):
    """One gate's decision about one packet, packed."""
    if columns.shape[i] == LATER_FRAGMENT:
        if not reached:
            return _pack(_NOT_REACHED, -1, 0)
        if answer & UNFILTERED:
            return _pack(_UNFILTERED, -1, 0)
        if answer & EXEMPT:
            return _pack(_EXEMPT, -1, 0)
        return _later_fragment(columns, i, interface, egress, answer, clock, state)
    if reached and answer & (UNFILTERED | EXEMPT):
        if answer & UNFILTERED:
            return _pack(_UNFILTERED, -1, 0)
        decision = _pack(_EXEMPT, -1, 0)
    else:
        decision = _filter(columns, i, interface, egress, answer, reached, clock, state)
    if reached and columns.shape[i] == FIRST_FRAGMENT:
        _remember_fate(columns, i, interface, egress, decision, clock, state)
    return decision


@njit(cache=True, nogil=True, _nrt=False)
def fold(columns: PacketColumns, answers: Answers, clock: np.ndarray, state: TrackState, verdicts: Verdicts) -> int:
    """Judge a batch; returns how many observations were written into ``verdicts`` (room for 2 n).

    ``clock``, shape (n,), int64 nanoseconds: the running maximum of the stream's times. The table must have room for
    6 n more records: an observation makes at most three.
    """
    count = 0
    for i in range(len(columns.skip)):
        if columns.skip[i] != 0:
            continue
        reached = True
        for turn in range(2):
            egress = np.int64(1 - turn)
            interface = np.int64(answers.sender[i] if egress else answers.receiver[i])
            if interface < 0:
                continue
            answer = np.int64(answers.egress[i] if egress else answers.ingress[i])
            decision = _observe(columns, i, interface, egress, answer, reached, clock[i], state)
            reason = decision & 255
            verdicts.packet[count] = i
            verdicts.interface[count] = interface
            verdicts.direction[count] = egress
            verdicts.reason[count] = reason
            verdicts.flags[count] = (decision >> 8) & 255
            verdicts.rule[count] = (decision >> 16) - 1
            count += 1
            if reason >= FIRST_DROP:
                reached = False
    return count


@njit(cache=True, nogil=True, _nrt=False)
def live(slots: np.ndarray, clock: int) -> tuple[int, int]:
    """(records that are not idle at the clock, connections among them)."""
    records = 0
    connections = 0
    for place in range(len(slots)):
        slot = slots[place]
        if slot["key"] != _ZERO and slot["expires_ns"] >= clock:
            records += 1
            if _is_entry(slot):
                connections += 1
    return records, connections


@njit(cache=True, nogil=True, _nrt=False)
def move(old: np.ndarray, clock: int, state: TrackState) -> None:
    """Carry what is not idle from the old table into ``state.slots``, which is empty, and count it anew."""
    state.counts[SLOTS_USED] = 0
    state.entries[:] = 0
    for source in range(len(old)):
        record = old[source]
        if record["key"] == _ZERO or record["expires_ns"] < clock:
            continue
        place = -1 - _find(
            state.slots,
            record["local_hi"],
            record["local_lo"],
            record["remote_hi"],
            record["remote_lo"],
            record["key"],
            clock,
        )
        state.slots[place] = record
        state.counts[SLOTS_USED] += 1
        if _is_entry(record):
            interface = np.int64(record["key"] & np.uint64(INTERFACE_BITS))
            state.entries[state.timers[interface]["instance"]] += 1
