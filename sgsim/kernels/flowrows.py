"""Observations -> one row for each flow at a gate: what was decided of it there, how often, and when."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel, prefetch, rare, seldom
from sgsim.layout import BACK, FIRST_DROP, LATER_FRAGMENT, WIDE, PacketColumns

WAITING = 128  # observations that are counted together

# What every observation touches, in one cache line. `gate` is interface << 32 | (rule + 1) << 6 | cause << 2 |
# BACK << 1 | direction; its cause is 1 + the reason of a drop, or of what passes without a rule, else 0: packets that
# a rule admits and those of the connection that was made under it are one row.
FLOW_ROW = np.dtype(
    [
        ("ends", np.uint64),  # as in HEAD
        ("flow", np.uint64),  # as in HEAD; of packets that belong to no flow, see _stray
        ("gate", np.uint64),
        ("packets", np.int64),
        ("bytes", np.int64),  # on the wire
        ("first_ns", np.int64),  # earliest and latest time, since the epoch
        ("last_ns", np.int64),
        ("seen", np.int64),  # the number of its latest observation
    ]
)

# What the first packet of a row looked like, as in BODY.
FLOW_BEGIN = np.dtype(
    [
        ("src_hi", np.uint64),
        ("src_lo", np.uint64),
        ("dst_hi", np.uint64),
        ("dst_lo", np.uint64),
        ("src_port", np.uint16),
        ("dst_port", np.uint16),
        ("version", np.uint8),
        ("protocol", np.uint8),
        ("shape", np.uint8),
        ("reason", np.uint8),  # why it was decided so
    ]
)

RULE_SHIFT, INTERFACE_SHIFT = 6, 32  # in `gate`


class FlowRows(NamedTuple):
    """Open addressing by linear probing; the rows stand in order of first observations."""

    slots: NDArray[np.int32]  # (a power of two,) 1 + row, or 0: never used
    rows: NDArray[np.void]  # records of FLOW_ROW
    begins: NDArray[np.void]  # records of FLOW_BEGIN
    numbers: NDArray[np.int64]  # (2,) rows in use; observations counted
    names: NDArray[np.uint64]  # (3 * WAITING,) ends, flow and gate of those that wait
    starts: NDArray[np.uint64]  # (WAITING,) and where the probing for them begins


_ZERO, _ONE = np.int64(0), np.int64(1)
_WIDE, _BACK = np.uint64(WIDE), np.uint64(BACK)
_C1, _C2, _C3 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)


@inner
def _start(ends, flow, gate, mask):
    """Where the probing for a row begins."""
    mixed = ends * _C1
    mixed = (mixed ^ (mixed >> np.uint64(32)) ^ flow) * _C2
    mixed = (mixed ^ (mixed >> np.uint64(29)) ^ gate) * _C3
    return (mixed ^ (mixed >> np.uint64(32))) & mask


@rare
def _stray(body):
    """In the place of a flow's KEY, for ICMP errors and later fragments: whatever else tells them apart. KEY has a bit
    (USED) that this has not."""
    name = np.uint64(body["protocol"]) << np.uint64(20) | (np.uint64(body["version"]) & np.uint64(2)) << np.uint64(27)
    if body["shape"] == LATER_FRAGMENT:
        return name | np.uint64(1)
    return name | np.uint64(body["dst_port"]) << np.uint64(32)


@inner
def _gate(interface, word, way):
    """FLOW_ROW.gate of an observation, from the second word of its VERDICT."""
    reason, rule = word & 255, word >> 32
    cause = (reason + 1) * np.int64((reason >= FIRST_DROP) | (rule < 0))
    low = np.uint64(rule + 1) << np.uint64(RULE_SHIFT) | np.uint64(cause) << np.uint64(2)
    low |= (np.uint64(way) & _BACK) << np.uint64(1) | np.uint64((word >> 16) & 1)
    return np.uint64(interface) << np.uint64(INTERFACE_SHIFT) | low


@inner
def _fetch(columns, rows, n, k, flows):
    """Name observation ``n``, the ``k``-th of those that wait; its slot is on its way then."""
    at = np.uint64(n) << np.uint64(1)
    packet, word = np.uint64(rows[at]) & np.uint64(0xFFFFFFFF), rows[at + np.uint64(1)]
    head = columns.heads[packet]
    ends, flow = head["ends"], head["flow"]
    if seldom(flow == np.uint64(0)):
        flow = _stray(columns.bodies[packet])
    gate = _gate(rows[at] >> 32, word, head["way"])
    place = np.uint64(3 * k)
    flows.names[place], flows.names[place + np.uint64(1)], flows.names[place + np.uint64(2)] = ends, flow, gate
    start = _start(ends, flow, gate, np.uint64(len(flows.slots) - 1))
    flows.starts[np.uint64(k)] = start
    prefetch(flows.slots, start)


@inner
def _is_between(begin, body):
    return (
        begin["src_lo"] == body["src_lo"]
        and begin["dst_lo"] == body["dst_lo"]
        and begin["src_hi"] == body["src_hi"]
        and begin["dst_hi"] == body["dst_hi"]
    )


@inner
def _begin(body, reason, begin):
    begin["src_hi"], begin["src_lo"] = body["src_hi"], body["src_lo"]
    begin["dst_hi"], begin["dst_lo"] = body["dst_hi"], body["dst_lo"]
    begin["src_port"], begin["dst_port"] = body["src_port"], body["dst_port"]
    begin["version"], begin["protocol"] = body["version"], body["protocol"]
    begin["shape"], begin["reason"] = body["shape"], reason


@inner
def _row(columns, packet, reason, time, k, flows):
    """The row of the ``k``-th of those that wait, made if it is new; or -1: there is no room for it."""
    place = np.uint64(3 * k)
    ends, flow, gate = flows.names[place], flows.names[place + np.uint64(1)], flows.names[place + np.uint64(2)]
    slot, mask = flows.starts[np.uint64(k)], np.uint64(len(flows.slots) - 1)
    while flows.slots[slot] != 0:
        number = np.int64(flows.slots[slot]) - 1
        row = flows.rows[np.uint64(number)]
        # Of IPv4 the ends are the addresses themselves, of IPv6 a hash of them.
        if (
            row["ends"] == ends
            and row["flow"] == flow
            and row["gate"] == gate
            and (flow & _WIDE == np.uint64(0) or _is_between(flows.begins[np.uint64(number)], columns.bodies[packet]))
        ):
            return number
        slot = (slot + np.uint64(1)) & mask
    used = flows.numbers[0]
    if used == len(flows.rows):
        return np.int64(-1)
    row = flows.rows[np.uint64(used)]
    row["ends"], row["flow"], row["gate"] = ends, flow, gate
    row["packets"], row["bytes"] = _ZERO, _ZERO
    row["first_ns"], row["last_ns"] = time, time
    _begin(columns.bodies[packet], reason, flows.begins[np.uint64(used)])
    flows.numbers[0] = used + _ONE
    flows.slots[slot] = np.int32(used + _ONE)
    return used


@inner
def _count(columns, rows, n, k, flows):
    """Count observation ``n``, the ``k``-th of those that wait; False where there is no room for it."""
    at = np.uint64(n) << np.uint64(1)
    packet = np.uint64(rows[at]) & np.uint64(0xFFFFFFFF)
    head = columns.heads[packet]
    time = head["time_ns"]
    found = _row(columns, packet, np.uint8(rows[at + np.uint64(1)] & 255), time, k, flows)
    if seldom(found < 0):
        return False
    row = flows.rows[np.uint64(found)]
    row["packets"] += _ONE
    row["bytes"] += np.int64(head["length"])
    if seldom(time < row["first_ns"]):
        row["first_ns"] = time
    row["last_ns"] = max(time, row["last_ns"])
    row["seen"] = flows.numbers[1]
    flows.numbers[1] += _ONE
    return True


@kernel
def count_flows(columns: PacketColumns, rows: NDArray[np.int64], begin: int, flows: FlowRows) -> int:
    """Count the observations from ``begin`` on, ``rows``: records of VERDICT as int64, shape (2 m,), until one needs a
    row more than there are; returns its place, or m. There must be more slots than rows.
    """
    observations = len(rows) // 2
    for first in range(begin, observations, WAITING):
        waiting = min(observations - first, WAITING)
        for k in range(waiting):
            _fetch(columns, rows, first + k, k, flows)
        for k in range(waiting):
            number = flows.slots[flows.starts[np.uint64(k)]]
            prefetch(flows.rows, np.uint64(max(number, np.int32(1)) - 1))
        for k in range(waiting):
            if seldom(not _count(columns, rows, first + k, k, flows)):
                return first + k
    return observations


@kernel
def reindex(flows: FlowRows) -> None:
    """Fill the empty slots from the rows in use."""
    mask = np.uint64(len(flows.slots) - 1)
    for number in range(flows.numbers[0]):
        row = flows.rows[np.uint64(number)]
        slot = _start(row["ends"], row["flow"], row["gate"], mask)
        while flows.slots[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        flows.slots[slot] = np.int32(number + 1)
