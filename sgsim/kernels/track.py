"""The questions at a gate that need state: entries, related errors, marks, fragments (sections 5 and 8 to 10)."""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner, rare
from sgsim.kernels.flows import (
    ASKS,
    FOREVER,
    SYN,
    SYN_ACK,
    flow_key,
    is_full,
    is_opening,
    keep,
    makes_entry,
    mark_dead,
    open_entry,
    step,
)
from sgsim.kernels.slots import ZERO, claim, find, find_from, record_key
from sgsim.layout import (
    ADMITTED,
    DEAD,
    EGRESS_FATE,
    INGRESS_FATE,
    INITIATOR_LOCAL,
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
    STARTED,
    TRACKED,
    UNANSWERED,
    UNRESOLVED,
    UNTRACKED,
)
from sgsim.model import Fragments, Reason

_RULE = REASONS.index(Reason.RULE)
_TRACKED = REASONS.index(Reason.TRACKED)
_RELATED = REASONS.index(Reason.RELATED)
_FRAGMENT = REASONS.index(Reason.FRAGMENT)
_NO_RULE = REASONS.index(Reason.NO_RULE)
_UNRESOLVED = REASONS.index(Reason.UNRESOLVED)
NOT_REACHED = REASONS.index(Reason.NOT_REACHED)
_NO_STATE = REASONS.index(Reason.NO_STATE)
_TABLE_FULL = REASONS.index(Reason.TABLE_FULL)
_LATER_FRAGMENT = REASONS.index(Reason.LATER_FRAGMENT)

_PERMIT = list(Fragments).index(Fragments.PERMIT)
_DROP = list(Fragments).index(Fragments.DROP)

_NOTE_LIMIT = 1 << 20  # distinct flows that are counted as older than the capture

ASK = -1  # no decision: the rules must be asked first


@inner
def decided(reason, rule, bits):
    """A decision in one number; ``rule`` is -1 for none."""
    return np.int64(reason) | (np.int64(bits) << 8) | ((np.int64(rule) + 1) << 16)


@inner
def ends_of(columns, i, egress):
    """The addresses of packet ``i`` as a state table's ``ends``."""
    src_hi, src_lo, dst_hi, dst_lo = columns.src_hi[i], columns.src_lo[i], columns.dst_hi[i], columns.dst_lo[i]
    return (
        src_hi if egress else dst_hi,
        src_lo if egress else dst_lo,
        dst_hi if egress else src_hi,
        dst_lo if egress else src_lo,
    )


@inner
def _fate_key(columns, i, interface, egress):
    version = columns.version[i]
    protocol = columns.protocol[i] if version == 4 else np.uint8(0)
    return record_key(EGRESS_FATE if egress else INGRESS_FATE, version, protocol, interface, columns.fragment_id[i])


@rare
def remember_fate(columns, i, interface, egress, decision, clock, state):
    """Section 9: a first fragment's decision, for those that follow."""
    key = _fate_key(columns, i, interface, egress)
    ends = ends_of(columns, i, egress)
    place, found = find(state.slots, ends, key, clock)
    if not found:
        claim(state, place, ends, key)
    slot = state.slots[place]
    slot["expires_ns"] = clock + state.settings.fragment
    slot["rule"] = np.int32((decision >> 16) - 1)
    slot["state"] = np.uint8(decision & 255)
    slot["bits"] = np.uint8((decision >> 8) & TRACKED)


@rare
def later_fragment(columns, i, interface, egress, answer, clock, state):
    """Section 9: a fragment without ports."""
    if state.settings.fragments == _PERMIT:
        return decided(_FRAGMENT, -1, 0)
    if state.settings.fragments == _DROP:
        return decided(_LATER_FRAGMENT, -1, 0)
    place, found = find(state.slots, ends_of(columns, i, egress), _fate_key(columns, i, interface, egress), clock)
    if found:
        slot = state.slots[place]
        if slot["expires_ns"] >= clock:
            return decided(slot["state"], slot["rule"], slot["bits"])
    if answer & ADMITTED:
        return decided(_FRAGMENT, answer & RULE_BITS, 0)
    return decided(_LATER_FRAGMENT, -1, 0)


@rare
def _related_rule(columns, i, interface, egress, clock, state):
    """Section 8: the rule of the live entry that an ICMP error is about, or -1.

    The error goes to the quoted packet's sender, so an error that comes in is about a packet that went out.
    """
    quote = columns.quotes[columns.quoted[i]]
    src_hi, src_lo, dst_hi, dst_lo = quote["src_hi"], quote["src_lo"], quote["dst_hi"], quote["dst_lo"]
    if src_hi != columns.dst_hi[i] or src_lo != columns.dst_lo[i]:
        return np.int64(-1)
    outward = 1 - egress
    key = flow_key(columns.version[i], quote["protocol"], interface, outward, quote["src_port"], quote["dst_port"])
    if key == ZERO:
        return np.int64(-1)
    ends = (src_hi, src_lo, dst_hi, dst_lo) if outward else (dst_hi, dst_lo, src_hi, src_lo)
    place, found = find(state.slots, ends, key, clock)
    if not found:
        return np.int64(-1)
    slot = state.slots[place]
    if slot["expires_ns"] < clock or slot["bits"] & DEAD:
        return np.int64(-1)
    return np.int64(slot["rule"])


@rare
def _note_midstream(protocol, flags, ends, key, clock, state):
    """True for the first dropped packet of a flow that may be older than the capture (section 10)."""
    if protocol == 6:
        if flags & SYN_ACK == SYN:
            return False
    else:
        longest = state.settings.other
        if protocol == 17:
            longest = state.settings.udp_stream
        elif protocol == 1 or protocol == 58:
            longest = state.settings.icmp
        if clock - state.counts[STARTED] > longest:
            return False
    if state.counts[NOTES] >= _NOTE_LIMIT:
        return False
    note = key | np.uint64(NOTE << 29)
    place, found = find(state.slots, ends, note, clock)
    if found:
        return False
    claim(state, place, ends, note)
    slot = state.slots[place]
    slot["expires_ns"] = FOREVER
    slot["bits"] = np.uint8(0)
    state.counts[NOTES] += 1
    return True


@inner
def _by_rules(columns, i, interface, egress, answer, key, ends, place, live, dead, clock, state):
    """Section 5, steps 6 and 7: nothing but the rules can let the packet pass."""
    version, protocol, flags = columns.version[i], columns.protocol[i], columns.tcp_flags[i]
    src_port, dst_port = columns.src_port[i], columns.dst_port[i]
    reason = _RULE
    bits = 0
    if not answer & ADMITTED:
        reason = _UNRESOLVED if answer & UNRESOLVED else _NO_RULE
        if answer & REVERSE and key != ZERO and not live and not dead:
            bits = MIDSTREAM if _note_midstream(protocol, flags, ends, key, clock, state) else 0
    elif key != ZERO and not answer & UNTRACKED and makes_entry(version, protocol, flags, dst_port):
        bounded = state.settings.conntrack_max >= 0 and not live
        if state.settings.strict and protocol == 6 and flags & SYN_ACK != SYN:
            reason = _NO_STATE
        elif bounded and is_full(state, state.instances[interface], clock):
            reason = _TABLE_FULL
        else:
            bits = TRACKED | OPENED | REPLACED if live else TRACKED | OPENED
            claim(state, place, ends, key)
            open_entry(state, place, interface, protocol, flags, egress, answer & RULE_BITS, clock)
    if reason == _RULE:
        if dead and not bits:
            state.slots[place]["expires_ns"] = NEVER
        return decided(_RULE, answer & RULE_BITS, bits)
    marks = key != ZERO and not live and not dead and state.settings.open_loop == 0
    if marks and is_opening(version, protocol, flags, src_port, dst_port):
        mark_dead(state, interface, protocol, flags, egress, ends, key, clock)
    return decided(reason, -1, bits)


@inner
def filtered(columns, i, interface, egress, reached, answer, key, start, clock, state):
    """Section 5 from the live entry on, for a packet that is no later fragment.

    The answer of the rules may be UNANSWERED; ASK is returned, and nothing changed, where it is needed.
    """
    ends = ends_of(columns, i, egress)
    flags = columns.tcp_flags[i]
    place = start
    live = False
    dead = False
    if key != ZERO:
        place, found = find_from(state.slots, start, ends, key, clock)
        if found:
            slot = state.slots[place]
            if slot["expires_ns"] >= clock:
                dead = slot["bits"] & DEAD != 0
                live = not dead
                step_to = step(slot, egress, flags)
                by_state = not (step_to & ASKS) if reached else dead
                if by_state:
                    keep(state, slot, interface, step_to & 7, clock)
                    slot["bits"] |= np.uint8(REPLIED * ((slot["bits"] & INITIATOR_LOCAL) ^ egress))
                    if dead:
                        return decided(NOT_REACHED, -1, 0)
                    return decided(_TRACKED, slot["rule"], TRACKED)
    if not reached:
        return _unreached(columns, i, interface, egress, key, ends, live, clock, state)
    if answer == UNANSWERED:
        return np.int64(ASK)
    if columns.quoted[i] >= 0:
        rule = _related_rule(columns, i, interface, egress, clock, state)
        if rule >= 0:
            return decided(_RELATED, rule, 0)
    if dead:
        slot = state.slots[place]
        keep(state, slot, interface, step(slot, egress, flags) & 7, clock)
    return _by_rules(columns, i, interface, egress, answer, key, ends, place, live, dead, clock, state)


@inner
def _unreached(columns, i, interface, egress, key, ends, live, clock, state):
    """The receiver's gate gets no packet that the sender's gate dropped: a first one leaves a mark there too."""
    protocol, flags = columns.protocol[i], columns.tcp_flags[i]
    marks = key != ZERO and not live and state.settings.open_loop == 0
    if marks and is_opening(columns.version[i], protocol, flags, columns.src_port[i], columns.dst_port[i]):
        mark_dead(state, interface, protocol, flags, egress, ends, key, clock)
    return decided(NOT_REACHED, -1, 0)
