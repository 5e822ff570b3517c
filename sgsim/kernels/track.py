"""The questions at a gate that need state: entries, related errors, marks, fragments (sections 5 and 8 to 10)."""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner, rare
from sgsim.kernels.flows import (
    BY_STATE,
    RST,
    SYN,
    SYN_ACK,
    begin,
    first_state,
    flow_key,
    is_full,
    is_opening,
    keep,
    makes_entry,
    mark_dead,
    soonest,
    step,
    timeout,
)
from sgsim.kernels.match import answer, interval
from sgsim.kernels.slots import (
    GATES,
    ZERO,
    addresses_of,
    ends_of,
    find,
    interface_of,
    is_back,
    make,
    pair_of,
    record_key,
    start_of,
)
from sgsim.layout import (
    ADMITTED,
    ANSWERS,
    DEAD,
    EGRESS_FATE,
    EXPIRES,
    GATE_WORD,
    INGRESS_FATE,
    INITIATOR_LOCAL,
    IS_EXEMPT,
    KNOWN,
    LATER_FRAGMENT,
    MIDSTREAM,
    NEVER,
    NEVER_ASKS,
    NOTED,
    NOTES,
    OPENED,
    REASONS,
    REPLACED,
    REPLIED,
    REVERSE,
    RULE_BITS,
    RULE_SHIFT,
    STARTED,
    STATE_BITS,
    TRACKED,
    UNRESOLVED,
    UNTRACKED,
    UNTRACKED_REPLY,
    WAY_ACK,
    WAY_SYN,
)
from sgsim.model import Fragments, Reason

_RULE = REASONS.index(Reason.RULE)
_TRACKED = REASONS.index(Reason.TRACKED)
_RELATED = REASONS.index(Reason.RELATED)
_ASSUMED = REASONS.index(Reason.ASSUMED)
UNFILTERED_REASON = REASONS.index(Reason.UNFILTERED)
_FRAGMENT = REASONS.index(Reason.FRAGMENT)
NOT_REACHED = REASONS.index(Reason.NOT_REACHED)

_PERMIT = list(Fragments).index(Fragments.PERMIT)
_DROP = list(Fragments).index(Fragments.DROP)

_NOTE_LIMIT = 1 << 20  # distinct flows that are counted as older than the capture

_EXPIRES, _GATE, _ANSWERS = np.uint64(EXPIRES), np.uint64(GATE_WORD), np.uint64(ANSWERS)
_STEPPED = np.int64(STATE_BITS ^ INITIATOR_LOCAL)  # bits of GATE_WORD that STEPS gives anew
_ANSWER = np.int64(0xFFFFFFFF)


def _shift(bit: int) -> int:
    """Where a bit stands, for what is decided in numbers."""
    return bit.bit_length() - 1


_SYN_SHIFT, _ACK_SHIFT = _shift(WAY_SYN), _shift(WAY_ACK)
_DEAD_SHIFT, _BY_STATE_SHIFT = _shift(DEAD), _shift(BY_STATE)
_KNOWN_SHIFT, _ADMITTED_SHIFT = _shift(KNOWN), _shift(ADMITTED)
_UNTRACKED_SHIFT, _UNTRACKED_REPLY_SHIFT = _shift(UNTRACKED), _shift(UNTRACKED_REPLY)


def _bare(reason: Reason) -> np.int64:
    """A decision without rule and flags, as the second word of VERDICT, but for the direction."""
    return np.int64(REASONS.index(reason) - (1 << 32))


# Decisions that are always the same; the others are made by ``decided``.
BARE_EXEMPT, BARE_UNFILTERED, BARE_NOT_REACHED = map(_bare, (Reason.EXEMPT, Reason.UNFILTERED, Reason.NOT_REACHED))
_BARE_FRAGMENT, _BARE_LATER_FRAGMENT = _bare(Reason.FRAGMENT), _bare(Reason.LATER_FRAGMENT)
_BARE_NO_RULE, _BARE_UNRESOLVED = _bare(Reason.NO_RULE), _bare(Reason.UNRESOLVED)
_BARE_NO_STATE, _BARE_TABLE_FULL = _bare(Reason.NO_STATE), _bare(Reason.TABLE_FULL)


@inner
def decided(reason, rule, bits):
    """A decision with a rule, ``reason`` and ``bits`` being numbers: see ``_bare``."""
    return np.int64(reason) | (np.int64(bits) << 8) | (np.int64(rule) << 32)


# --- fragments --------------------------------------------------------------------------------------------------------


@inner
def _fate(columns, i, interface, egress, state):
    """(place, found, key, ends, pair) of the record that keeps a first fragment's decision. The decision stands where
    a flow's lower gate has its GATE_WORD; where the upper one has it stands 1 if the interface owns the upper address.
    """
    version = np.uint64(columns.bodies[i]["version"])
    protocol = np.uint64(columns.bodies[i]["protocol"]) if version == 4 else ZERO
    kind = EGRESS_FATE if egress else INGRESS_FATE
    key = record_key(kind, version, protocol, interface, columns.bodies[i]["fragment_id"])
    addresses = addresses_of(columns, i)
    pair = pair_of(addresses, is_back(addresses))
    ends = ends_of(pair)
    place, found = find(state.table, start_of(state.table.slots, ends, key), key, ends, pair)
    return place, found, key, ends, pair


@rare
def remember_fate(columns, i, interface, egress, decision, clock, state):
    """Section 9: a first fragment's decision, for those that follow."""
    place, found, key, ends, pair = _fate(columns, i, interface, egress, state)
    if not found:
        make(state, place, key, ends, pair)
    slots = state.table.slots
    slots[place + GATES[0] + _EXPIRES] = clock + state.settings.fragment
    slots[place + GATES[0] + _GATE] = decision & ~np.int64((255 ^ TRACKED) << 8)
    slots[place + GATES[1] + _GATE] = np.int64(is_back(addresses_of(columns, i))) ^ egress ^ 1


@rare
def _later_fragment(columns, i, interface, egress, answer, clock, state):
    """Section 9: a fragment without ports."""
    if state.settings.fragments == _PERMIT:
        return _BARE_FRAGMENT
    if state.settings.fragments == _DROP:
        return _BARE_LATER_FRAGMENT
    place, found, _, _, _ = _fate(columns, i, interface, egress, state)
    slots = state.table.slots
    if found and slots[place + GATES[0] + _EXPIRES] >= clock:
        return slots[place + GATES[0] + _GATE]
    if answer & ADMITTED:
        return decided(_FRAGMENT, answer & RULE_BITS, 0)
    return _BARE_LATER_FRAGMENT


# --- packets without a record -------------------------------------------------------------------------------------


@rare
def _related_rule(columns, i, interface, egress, clock, state):
    """Section 8: the rule of the live entry that an ICMP error is about, or -1.

    The error goes to the quoted packet's sender, so an error that comes in is about a packet that went out.
    """
    quote = columns.quotes[columns.bodies[i]["quoted"]]
    addresses = quote["src_hi"], quote["src_lo"], quote["dst_hi"], quote["dst_lo"]
    if addresses[0] != columns.bodies[i]["dst_hi"] or addresses[1] != columns.bodies[i]["dst_lo"]:
        return np.int64(-1)
    back = is_back(addresses)
    pair = pair_of(addresses, back)
    version, protocol = np.uint64(columns.bodies[i]["version"]), np.uint64(quote["protocol"])
    key = flow_key(version, protocol, back, np.uint64(quote["src_port"]), np.uint64(quote["dst_port"]))
    if key == ZERO:
        return np.int64(-1)
    ends = ends_of(pair)
    slots = state.table.slots
    record, found = find(state.table, start_of(slots, ends, key), key, ends, pair)
    if not found:
        return np.int64(-1)
    local_is_upper = back if egress == 0 else np.uint64(1) - back
    at = record + (GATES[1] if local_is_upper else GATES[0])
    word = slots[at + _GATE]
    if slots[at + _EXPIRES] < clock or word & DEAD or interface_of(word) != interface:
        return np.int64(-1)
    return (word >> RULE_SHIFT) & RULE_BITS


@inner
def of_no_flow(columns, i, interface, egress, answer, clock, state):
    """Section 5 for a packet of no flow: a later fragment, an ICMP error, a message of which nothing is kept."""
    if columns.bodies[i]["shape"] == LATER_FRAGMENT:
        return _later_fragment(columns, i, interface, egress, answer, clock, state)
    if columns.bodies[i]["quoted"] >= 0:
        rule = _related_rule(columns, i, interface, egress, clock, state)
        if rule >= 0:
            return decided(_RELATED, rule, 0)
    if answer & ADMITTED:
        return decided(_RULE, answer & RULE_BITS, 0)
    return _BARE_UNRESOLVED if answer & UNRESOLVED else _BARE_NO_RULE


# --- packets of flows ------------------------------------------------------------------------------------------------


@inner
def at_once(state, at, egress, reached, way, clock):
    """(True, decision) where the gate's words at ``at`` alone decide: a live entry or mark (section 5, steps 3 and 5),
    or what the rules have said of an untracked flow; else (False, -1) and nothing changed.

    In numbers rather than branches, since which it is cannot be predicted; a miss costs 6 ns, all of this 4.
    """
    slots = state.table.slots
    word, expires = slots[at + _GATE], slots[at + _EXPIRES]
    known = slots[at + _ANSWERS] >> (egress << 5)
    stepped = step(word, egress, way)
    dead = (word >> _DEAD_SHIFT) & 1
    alive = np.int64(expires >= clock)
    by_state = alive & ((reached & (stepped >> _BY_STATE_SHIFT)) | ((1 ^ reached) & dead))
    not_syn = ((way >> _ACK_SHIFT) | ~(way >> _SYN_SHIFT)) & 1
    untracked = (known >> _UNTRACKED_SHIFT) | ((known >> _UNTRACKED_REPLY_SHIFT) & not_syn)
    by_rules = reached & (1 ^ alive) & (known >> _KNOWN_SHIFT) & (known >> _ADMITTED_SHIFT) & untracked & 1
    if not by_state | by_rules:
        return False, np.int64(-1)
    word = (word & ~(_STEPPED & -by_state)) | (stepped & STATE_BITS & -by_state)
    slots[at + _GATE] = word
    interface = interface_of(word)
    idle = clock + timeout(state, interface, word)
    expires ^= (expires ^ idle) & -by_state
    slots[at + _EXPIRES] = expires
    soonest(state, interface, idle)  # not what a gate without entry has: the bound would look for idle ones at once
    # Tracked, by the entry's rule; of a mark: not reached, no rule; of an untracked flow: the rule.
    tracked = by_state & (1 ^ dead)
    reason = _RULE + by_state * (_TRACKED - _RULE) + (by_state & dead) * (NOT_REACHED - _TRACKED)
    rule = (((word >> RULE_SHIFT) & -by_state) | (known & (by_state - 1))) & RULE_BITS
    return True, reason | tracked * (TRACKED << 8) | (rule | -(by_state & dead)) << 32


@rare
def ask(bodies, table, i, egress, interface):
    """What the rules say of the packet at a gate that filters it."""
    body = bodies[i]
    version = body["version"]
    source = interval(table, version, body["src_hi"], body["src_lo"])
    destination = interval(table, version, body["dst_hi"], body["dst_lo"])
    remote = destination if egress else source
    local = source if egress else destination
    return np.int64(answer(table, body, interface, egress, remote, local))


@inner
def _asked(columns, table, i, egress, at, state):
    """What the rules say of the packet: asked once for each flow, gate and direction."""
    slots = state.table.slots
    shift = egress << 5
    body = columns.bodies[i]
    protocol = body["protocol"]
    same = (protocol != 1 and protocol != 58) or body["dst_port"] & 255 == 0  # ICMP of other codes asks each time
    known = (slots[at + _ANSWERS] >> shift) & _ANSWER
    if same and known & KNOWN:
        return known
    known = ask(columns.bodies, table, i, egress, interface_of(slots[at + _GATE]))
    if same:
        slots[at + _ANSWERS] |= (known | KNOWN) << shift
    return known


@inner
def _may_be_older(protocol, flags, clock, state):
    """Section 10: whether a packet of a flow without entry and mark may belong to one older than the capture."""
    if protocol == 6:
        return flags & SYN_ACK != SYN
    longest = state.settings.other
    if protocol == 17:
        longest = state.settings.udp_stream
    elif protocol == 1 or protocol == 58:
        longest = state.settings.icmp
    return clock <= state.counts[STARTED] + longest  # no difference: times are up to 2**63 apart


@inner
def _note(at, state):
    """True for the first dropped packet of a flow that may be older than the capture."""
    slots = state.table.slots
    if slots[at + _GATE] & NOTED or state.counts[NOTES] >= _NOTE_LIMIT:
        return False
    slots[at + _GATE] |= NOTED
    state.counts[NOTES] += 1
    return True


@inner
def _assumed(egress, protocol, flags, at, rule, clock, state):
    """Section 10, --midstream assume: the packet answers a connection that the other side opened before the capture,
    under the rule that admits the reverse."""
    if protocol == 6 and flags & RST:
        return decided(_ASSUMED, rule, 0)
    if state.settings.strict and protocol == 6:
        return _BARE_NO_STATE
    interface = interface_of(state.table.slots[at + _GATE])
    if state.settings.conntrack_max >= 0 and is_full(state, state.instances[interface], clock):
        return _BARE_TABLE_FULL
    initiator = (1 ^ egress) * INITIATOR_LOCAL
    begin(state, at, first_state(protocol, flags) | initiator | REPLIED, rule, clock)
    return decided(_ASSUMED, rule, TRACKED | OPENED)


@inner
def settled(columns, table, i, egress, reached, at, clock, state):
    """Section 5 for a packet of a flow where ``at_once`` decides nothing."""
    slots = state.table.slots
    word = slots[at + _GATE]
    if word & NEVER_ASKS:
        if not reached:
            return BARE_NOT_REACHED
        return BARE_EXEMPT if word & IS_EXEMPT else BARE_UNFILTERED
    body = columns.bodies[i]
    version, protocol, flags = body["version"], body["protocol"], body["tcp_flags"]
    src_port, dst_port = body["src_port"], body["dst_port"]
    live = slots[at + _EXPIRES] >= clock
    dead = live and word & DEAD != 0
    decision = BARE_NOT_REACHED
    if reached:
        known = _asked(columns, table, i, egress, at, state)
        syn = protocol == 6 and flags & SYN_ACK == SYN
        if dead:
            keep(state, at, (word & ~np.int64(7)) | (step(word, egress, np.int64(columns.heads[i]["way"])) & 7), clock)
        if known & ADMITTED:
            rule = known & RULE_BITS
            untracked = known & UNTRACKED or (known & UNTRACKED_REPLY and not syn)
            if untracked or not makes_entry(version, protocol, flags, dst_port):
                if dead:
                    slots[at + _EXPIRES] = NEVER
                return decided(_RULE, rule, 0)
            has_entry = live and not dead
            if state.settings.strict and protocol == 6 and not syn:
                decision = _BARE_NO_STATE
            elif (
                not has_entry
                and state.settings.conntrack_max >= 0
                and is_full(state, state.instances[interface_of(word)], clock)
            ):
                decision = _BARE_TABLE_FULL
            else:
                begin(state, at, first_state(protocol, flags) | (egress * INITIATOR_LOCAL), rule, clock)
                return decided(_RULE, rule, TRACKED | OPENED | (REPLACED if has_entry else 0))
        else:
            decision = _BARE_UNRESOLVED if known & UNRESOLVED else _BARE_NO_RULE
            if known & REVERSE and not live and _may_be_older(protocol, flags, clock, state):
                if state.settings.assume:
                    decision = _assumed(egress, protocol, flags, at, known & RULE_BITS, clock, state)
                    if decision & 255 == _ASSUMED:
                        return decision
                elif _note(at, state):
                    decision |= MIDSTREAM << 8
    if not live and state.settings.open_loop == 0 and is_opening(version, protocol, flags, src_port, dst_port):
        mark_dead(state, at, protocol, flags, egress, clock)
    return decision
