"""The state table: 64-byte records in open addressing.

It holds connections, dead marks, the fates of first fragments, and notes of flows that seem older than the capture;
all expire by the clock. A record is found by linear probing from its hash. An idle one is as good as an empty one for
whoever comes, but does not end a probe; nothing is deleted, the table is moved when it fills.

``ends`` is (upper and lower half of the interface's own address, upper and lower half of the remote one), uint64.
"""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner, kernel
from sgsim.layout import DEAD, INTERFACE_BITS, NEVER, SLOTS_USED, USED, TrackState

ZERO = np.uint64(0)

# Odd multipliers from the digits of pi, e and the golden ratio; they only spread keys over the table.
_C1, _C2, _C3 = np.uint64(0x243F6A8885A308D3), np.uint64(0xB7E151628AED2A6B), np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@inner
def record_key(kind, version, protocol, interface, upper):
    """SLOT.key; ``upper`` are its upper 32 bits: ports, ICMP identifier and requester, or a datagram's number."""
    low = np.uint64(USED) | (np.uint64(kind) << np.uint64(29)) | (np.uint64(protocol) << np.uint64(20))
    low |= np.uint64(version & 2) << np.uint64(27)  # 4 and 6 differ in this bit
    return (np.uint64(upper) << _HALF) | low | np.uint64(interface)


@inner
def start_of(slots, ends, key):
    """Where the probe for a record begins."""
    local_hi, local_lo, remote_hi, remote_lo = ends
    h = (remote_lo ^ (local_lo << _HALF) ^ (local_lo >> _HALF)) * _C1
    h = (h ^ (h >> _HALF) ^ key) * _C2
    h = (h ^ (h >> np.uint64(31)) ^ remote_hi ^ (local_hi << np.uint64(1))) * _C3
    return (h ^ (h >> _HALF)) & np.uint64(len(slots) - 1)


@inner
def find_from(slots, start, ends, key, clock):
    """(place, True) of the record, live or idle; or (a place where it may be made, False)."""
    local_hi, local_lo, remote_hi, remote_lo = ends
    mask = np.uint64(len(slots) - 1)
    place = start
    free = start
    has_free = False
    while True:
        slot = slots[place]
        found = slot["key"]
        if (
            found == key
            and slot["remote_lo"] == remote_lo
            and slot["local_lo"] == local_lo
            and slot["remote_hi"] == remote_hi
            and slot["local_hi"] == local_hi
        ):
            return place, True
        if found == ZERO:
            if has_free:
                place = free
            return place, False
        if not has_free and slot["expires_ns"] < clock:
            free = place
            has_free = True
        place = (place + np.uint64(1)) & mask


@inner
def find(slots, ends, key, clock):
    """``find_from`` where the key hashes to."""
    return find_from(slots, start_of(slots, ends, key), ends, key, clock)


@inner
def is_entry(slot):
    """Whether the record is a connection that is no dead mark."""
    return (slot["key"] >> np.uint64(29)) & np.uint64(3) == ZERO and slot["bits"] & DEAD == 0


@inner
def claim(state, place, ends, key):
    """Take an empty or idle place, or the record's own, for a record."""
    slot = state.slots[place]
    if slot["key"] == ZERO:
        state.counts[SLOTS_USED] += 1
    elif state.settings.conntrack_max >= 0 and slot["expires_ns"] != NEVER and is_entry(slot):
        interface = slot["key"] & np.uint64(INTERFACE_BITS)
        state.entries[state.instances[interface]] -= 1
    slot["local_hi"], slot["local_lo"], slot["remote_hi"], slot["remote_lo"] = ends
    slot["key"] = key


@kernel
def live(slots: np.ndarray, clock: int) -> tuple[int, int]:
    """(records that are not idle at the clock, connections among them)."""
    records = 0
    connections = 0
    for place in range(len(slots)):
        slot = slots[place]
        if slot["key"] != ZERO and slot["expires_ns"] >= clock:
            records += 1
            if is_entry(slot):
                connections += 1
    return records, connections


@kernel
def move(old: np.ndarray, clock: int, state: TrackState) -> None:
    """Carry what is not idle from the old table into ``state.slots``, which is empty, and count it anew."""
    state.counts[SLOTS_USED] = 0
    state.entries[:] = 0
    for source in range(len(old)):
        record = old[source]
        if record["key"] == ZERO or record["expires_ns"] < clock:
            continue
        ends = (record["local_hi"], record["local_lo"], record["remote_hi"], record["remote_lo"])
        place, _ = find(state.slots, ends, record["key"], clock)
        state.slots[place] = record
        state.counts[SLOTS_USED] += 1
        if is_entry(record):
            interface = record["key"] & np.uint64(INTERFACE_BITS)
            state.entries[state.instances[interface]] += 1
