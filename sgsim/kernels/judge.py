"""The kernel that judges a batch, in stages over blocks that stay in the first-level cache."""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner, kernel
from sgsim.kernels.flows import flow_key
from sgsim.kernels.match import DECIDING, answer, interval
from sgsim.kernels.slots import ZERO, start_of
from sgsim.kernels.track import ASK, NOT_REACHED, decided, ends_of, filtered, later_fragment, remember_fate
from sgsim.layout import (
    BLOCK,
    EXEMPT,
    FIRST_DROP,
    FIRST_FRAGMENT,
    FLAG_BITS,
    LATER_FRAGMENT,
    MANY_HOSTS,
    OWNER_SHIFT,
    OWNER_UNFILTERED,
    REASONS,
    SKIPS,
    UNANSWERED,
    UNFILTERED,
    MatchTable,
    PacketColumns,
    TrackState,
    Verdicts,
)
from sgsim.model import Reason, Skip

_LOCAL = np.uint8(SKIPS.index(Skip.LOCAL) + 1)
_NO_INTERFACE = np.uint8(SKIPS.index(Skip.NO_INTERFACE) + 1)
_EXEMPT = REASONS.index(Reason.EXEMPT)
_UNFILTERED = REASONS.index(Reason.UNFILTERED)


@inner
def _put_down(block, verdicts, k, m, i, interface, egress, remote, local):
    """Observation ``k`` of the block, ``m`` of the batch."""
    verdicts.packet[np.uint64(m)] = i
    verdicts.interface[np.uint64(m)] = interface
    verdicts.direction[np.uint64(m)] = egress
    block.remote[np.uint64(k)] = remote
    block.local[np.uint64(k)] = local


@inner
def _locate(columns, table, at, block, verdicts, begin, end, count):
    """Whose gates the packets from ``begin`` to ``end`` meet; returns the number of observations then.

    Fills ``columns.skip`` where nobody's gate is.
    """
    first = count
    for n in range(begin, end):
        i = np.uint64(n)
        if columns.skip[i] != 0:
            continue
        version = columns.version[i]
        source = interval(table, version, columns.src_hi[i], columns.src_lo[i])
        destination = interval(table, version, columns.dst_hi[i], columns.dst_lo[i])
        about_source = table.about[np.uint64(source)]
        about_destination = table.about[np.uint64(destination)]
        sender = (about_source >> OWNER_SHIFT) - 1
        receiver = (about_destination >> OWNER_SHIFT) - 1
        if sender >= 0 and sender == receiver:
            columns.skip[i] = _LOCAL
            continue
        if about_destination & MANY_HOSTS:
            receiver = -1
        if len(at) and at[i] >= 0:
            sender = sender if sender == at[i] else -1
            receiver = receiver if receiver == at[i] else -1
        if sender < 0 and receiver < 0:
            columns.skip[i] = _NO_INTERFACE
        # Written down in any case, counted if it is one: whose gates are met is not predictable.
        _put_down(block, verdicts, count - first, count, n, sender, 1, destination, source)
        count += 1 if sender >= 0 else 0
        _put_down(block, verdicts, count - first, count, n, receiver, 0, source, destination)
        count += 1 if receiver >= 0 else 0
    return count


@inner
def _ask(columns, table, i, interface, egress, block, k):
    return answer(table, columns, i, interface, egress, np.int64(block.remote[k]), np.int64(block.local[k]))


@inner
def _prepare(columns, table, block, verdicts, state, first, count):
    """Keys and places of the block's flows, and the answers that come before any state."""
    for m in range(first, count):
        k = np.uint64(m - first)
        i = np.uint64(verdicts.packet[np.uint64(m)])
        egress = np.int64(verdicts.direction[np.uint64(m)])
        interface = np.int64(verdicts.interface[np.uint64(m)])
        protocol = columns.protocol[i]
        flags = table.about[np.uint64(block.remote[k])] & FLAG_BITS
        key = ZERO
        if columns.shape[i] != LATER_FRAGMENT:
            key = flow_key(columns.version[i], protocol, interface, egress, columns.src_port[i], columns.dst_port[i])
        block.key[k] = key
        block.start[k] = start_of(state.slots, ends_of(columns, i, egress), key)
        block.answer[k] = UNANSWERED
        if table.about[np.uint64(block.local[k])] & OWNER_UNFILTERED:
            block.answer[k] = UNFILTERED
        elif flags & DECIDING or protocol == 58 or columns.shape[i] == LATER_FRAGMENT:
            block.answer[k] = _ask(columns, table, i, interface, egress, block, k)
    # Loops that do one thing, so that their cache misses overlap. First the state records: 8 ns, against 27 among
    # other work; those that do not lie where they hash to mostly do not exist, and the rules will be asked.
    asked = 0
    for n in range(count - first):
        k = np.uint64(n)
        block.asked[np.uint64(asked)] = n
        asked += 1 if state.slots[block.start[k]]["key"] != block.key[k] and block.answer[k] == UNANSWERED else 0
    for n in range(asked):
        k = np.uint64(block.asked[np.uint64(n)])
        m = np.uint64(first) + k
        i = np.uint64(verdicts.packet[m])
        block.answer[k] = _ask(
            columns, table, i, np.int64(verdicts.interface[m]), np.int64(verdicts.direction[m]), block, k
        )


@inner
def _observe(columns, table, block, k, i, interface, egress, reached, clock, state):
    """One gate's decision about one packet."""
    known = np.int64(block.answer[k])
    shape = columns.shape[i]
    if not reached and shape == LATER_FRAGMENT:
        return decided(NOT_REACHED, -1, 0)
    if reached and known != UNANSWERED and known & (UNFILTERED | EXEMPT):
        if known & UNFILTERED:
            return decided(_UNFILTERED, -1, 0)
        decision = decided(_EXEMPT, -1, 0)
    elif shape == LATER_FRAGMENT:
        return later_fragment(columns, i, interface, egress, known, clock, state)
    else:
        # At most twice: the second time the rules have been asked.
        decision = np.int64(ASK)
        while decision == ASK:
            decision = filtered(
                columns, i, interface, egress, reached, known, block.key[k], block.start[k], clock, state
            )
            if decision == ASK:
                known = np.int64(_ask(columns, table, i, interface, egress, block, k))
    if reached and shape == FIRST_FRAGMENT:
        remember_fate(columns, i, interface, egress, decision, clock, state)
    return decision


@kernel
def judge(
    columns: PacketColumns,
    table: MatchTable,
    at: np.ndarray,
    clock: np.ndarray,
    state: TrackState,
    verdicts: Verdicts,
) -> int:
    """Judge a batch of n packets in order; returns the number of observations written into ``verdicts`` (2 n + 2 fit).

    ``at``, shape (n,) or (0,), int32: the place of the interface a packet was captured at, or -1. ``clock``, shape
    (n,), int64 nanoseconds: the running maximum of the stream's times. The state table must have room for 6 n more
    records: an observation makes at most three.
    """
    count = 0
    dropped = -1  # the packet that its sender's gate dropped last
    block = state.block
    for begin in range(0, len(columns.skip), BLOCK):
        first = count
        end = min(begin + BLOCK, len(columns.skip))
        count = _locate(columns, table, at, block, verdicts, begin, end, first)
        _prepare(columns, table, block, verdicts, state, first, count)
        for n in range(first, count):
            m = np.uint64(n)
            row = np.int64(verdicts.packet[m])
            i = np.uint64(row)
            egress = np.int64(verdicts.direction[m])
            decision = _observe(
                columns,
                table,
                block,
                np.uint64(n - first),
                i,
                np.int64(verdicts.interface[m]),
                egress,
                dropped != row,
                clock[i],
                state,
            )
            reason = decision & 255
            verdicts.reason[m] = reason
            verdicts.flags[m] = (decision >> 8) & 255
            verdicts.rule[m] = (decision >> 16) - 1
            if reason >= FIRST_DROP and egress:
                dropped = row
    return count
