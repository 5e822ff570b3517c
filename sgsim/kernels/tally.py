"""One pass over a batch and its verdicts that counts all that the summary tells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel, prefetch, seldom
from sgsim.layout import FIRST_DROP, LATER_FRAGMENT, SKIPS, TRACKED, PacketColumns
from sgsim.model import Skip

WAITING = 256  # dropped observations that are counted together
FLOW_LIMIT = 1_000_000  # distinct dropped flows that are counted one by one (48 MB); the others are summed

# What was credited to a rule: one record is less than a cache line. Times in nanoseconds since the epoch.
CREDIT = np.dtype(
    [("flows", np.int64), ("packets", np.int64), ("bytes", np.int64), ("first_ns", np.int64), ("last_ns", np.int64)]
)

# A dropped flow; `key` is interface << 31 | reason << 27 | direction << 26 | IPv6 << 25 | has port << 24 |
# protocol << 16 | destination port.
DROPPED_FLOW = np.dtype(
    [
        ("src_hi", np.uint64),
        ("src_lo", np.uint64),
        ("dst_hi", np.uint64),
        ("dst_lo", np.uint64),
        ("key", np.uint64),
        ("packets", np.int64),
    ]
)


class Counts(NamedTuple):
    """Everything that is counted, but for the dropped flows."""

    skips: NDArray[np.int64]  # (1 + skips,) packets by the code in columns.skip; first the number of strangers
    flags: NDArray[np.int64]  # (16,) observations by Verdicts.flags, where more than TRACKED is set
    gates: NDArray[np.int64]  # (interfaces, 2, reasons) observations by interface, direction and reason
    rules: NDArray[np.void]  # (rules,) records of CREDIT
    strangers: NDArray[np.void]  # records of BODY of the first packets that no selected interface sent or received


class DroppedFlows(NamedTuple):
    """Open addressing by linear probing; the rows stand in order of first packets."""

    slots: NDArray[np.int32]  # (a power of two,) 1 + row, or 0: never used
    rows: NDArray[np.void]  # records of DROPPED_FLOW
    numbers: NDArray[np.int64]  # (2,) rows in use; packets beyond FLOW_LIMIT distinct flows
    places: NDArray[np.int32]  # (WAITING + 1,) dropped observations that are not counted yet
    keys: NDArray[np.uint64]  # (WAITING,) their keys
    starts: NDArray[np.uint64]  # (WAITING,) and where the probing for them begins


_ZERO, _ONE = np.int64(0), np.int64(1)
_NO_INTERFACE = SKIPS.index(Skip.NO_INTERFACE) + 1
_C1, _C2, _C3 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)


@inner
def _slot_of(src_hi, src_lo, dst_hi, dst_lo, key, mask):
    """Where the probing for a dropped flow begins."""
    mixed = (src_lo ^ (src_hi * _C2)) * _C1
    mixed ^= mixed >> np.uint64(29)
    mixed = (mixed + dst_lo + dst_hi * _C3) * _C2
    mixed ^= mixed >> np.uint64(32)
    mixed = (mixed ^ key) * _C1
    mixed ^= mixed >> np.uint64(32)
    return mixed & np.uint64(mask)


@inner
def _dropped_key(interface, direction, reason, version, protocol, port):
    """DROPPED_FLOW.key; ``port`` is -1 where the packet has none."""
    key = np.uint64(interface) << np.uint64(31)
    key |= np.uint64(reason) << np.uint64(27)
    key |= np.uint64(direction) << np.uint64(26)
    key |= np.uint64(protocol) << np.uint64(16)
    if version == 6:
        key |= np.uint64(1 << 25)
    if port >= 0:
        key |= np.uint64(1 << 24) | np.uint64(port)
    return key


@inner
def _drop(columns, packet, key, slot, flows):
    """Count a dropped packet of the flow that ``key`` and its addresses name, from where the probing begins."""
    body = columns.bodies[packet]
    src_hi, src_lo, dst_hi, dst_lo = body["src_hi"], body["src_lo"], body["dst_hi"], body["dst_lo"]
    mask = np.uint64(len(flows.slots) - 1)
    while flows.slots[slot] != 0:
        row = flows.rows[np.uint64(flows.slots[slot] - 1)]
        if (
            row["key"] == key
            and row["src_lo"] == src_lo
            and row["dst_lo"] == dst_lo
            and row["src_hi"] == src_hi
            and row["dst_hi"] == dst_hi
        ):
            row["packets"] += _ONE
            return
        slot = (slot + np.uint64(1)) & mask
    used = flows.numbers[0]
    if used >= FLOW_LIMIT:
        flows.numbers[1] += _ONE
        return
    row = flows.rows[used]
    row["src_hi"], row["src_lo"], row["dst_hi"], row["dst_lo"] = src_hi, src_lo, dst_hi, dst_lo
    row["key"], row["packets"] = key, _ONE
    flows.numbers[0] = used + _ONE
    flows.slots[slot] = np.int32(used + _ONE)


@inner
def _meet(columns, packet, counts):
    """Keep the addresses of a packet that no selected interface sent or received, while there is room."""
    met = counts.skips[0]
    if met < len(counts.strangers):
        counts.strangers[met] = columns.bodies[packet]
        counts.skips[0] += _ONE


@inner
def _observation(rows, place):
    """(packet, second word) of a record of VERDICT."""
    at = place << np.uint64(1)
    return np.uint64(rows[at]) & np.uint64(0xFFFFFFFF), rows[at + np.uint64(1)]


@inner
def _drops(columns, rows, waiting, flows):
    """Count the dropped observations that wait; where they are counted is fetched for all of them first."""
    for n in range(waiting):
        k = np.uint64(n)
        place = np.uint64(flows.places[k])
        packet, word = _observation(rows, place)
        body = columns.bodies[packet]
        protocol, port = body["protocol"], np.int64(-1)
        if (protocol == 6 or protocol == 17) and body["shape"] != LATER_FRAGMENT:
            port = np.int64(body["dst_port"])
        interface = rows[place << np.uint64(1)] >> 32
        key = _dropped_key(interface, (word >> 16) & 1, word & 255, body["version"], protocol, port)
        mask = np.uint64(len(flows.slots) - 1)
        slot = _slot_of(body["src_hi"], body["src_lo"], body["dst_hi"], body["dst_lo"], key, mask)
        flows.keys[k], flows.starts[k] = key, slot
        prefetch(flows.slots, slot)
    for n in range(waiting):
        row = flows.slots[flows.starts[np.uint64(n)]]
        prefetch(flows.rows, np.uint64(max(row, np.int32(1)) - 1))
    for n in range(waiting):
        k = np.uint64(n)
        packet, _ = _observation(rows, np.uint64(flows.places[k]))
        _drop(columns, packet, flows.keys[k], flows.starts[k], flows)


@inner
def _credit(rule, length, time_ns, flags, rules):
    """Count one observation for the rule that it is credited to."""
    record = rules[rule]
    packets = record["packets"]
    if seldom(packets == _ZERO) or seldom(time_ns < record["first_ns"]):
        record["first_ns"] = time_ns
    if packets == _ZERO or time_ns > record["last_ns"]:
        record["last_ns"] = time_ns
    record["packets"] = packets + _ONE
    record["bytes"] += np.int64(length)
    record["flows"] += (flags >> 1) & 1  # OPENED


@kernel
def tally(
    columns: PacketColumns,
    rows: NDArray[np.int64],
    counts: Counts,
    flows: DroppedFlows,
) -> None:
    """Add n packets and their m observations, ``rows``: records of VERDICT as int64, shape (2 m,), to the counts.

    ``flows`` must have room for m more rows, up to FLOW_LIMIT, and more slots than rows.
    """
    for n in range(len(columns.heads)):
        skip = columns.heads[np.uint64(n)]["skip"]
        if seldom(skip != 0):
            counts.skips[skip] += _ONE
            if skip == _NO_INTERFACE:
                _meet(columns, np.uint64(n), counts)
    gates, rules = counts.gates, counts.rules
    waiting = np.int64(0)
    for n in range(len(rows) // 2):
        packet, word = _observation(rows, np.uint64(n))
        interface, direction, reason = rows[np.uint64(2 * n)] >> 32, (word >> 16) & 1, word & 255
        flags, rule = (word >> 8) & 255, word >> 32
        if seldom(flags > TRACKED):
            counts.flags[np.uint64(flags)] += _ONE
        gates[np.uint64(interface), np.uint64(direction), np.uint64(reason)] += _ONE
        if rule >= 0:
            head = columns.heads[packet]
            _credit(np.uint64(rule), head["length"], head["time_ns"], flags, rules)
        # Noted in any case, kept if it is a drop: which packets are dropped is not predictable.
        flows.places[np.uint64(waiting)] = n
        waiting += np.int64(reason >= FIRST_DROP)
        if seldom(waiting == WAITING):
            _drops(columns, rows, waiting, flows)
            waiting = np.int64(0)
    _drops(columns, rows, waiting, flows)


@kernel
def reindex(slots: NDArray[np.int32], rows: NDArray[np.void], used: int) -> None:
    """Fill empty slots (a power of two, more than ``used``) with the first ``used`` rows."""
    mask = np.uint64(len(slots) - 1)
    for place in range(used):
        row = rows[place]
        slot = _slot_of(row["src_hi"], row["src_lo"], row["dst_hi"], row["dst_lo"], row["key"], mask)
        while slots[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = np.int32(place + 1)
