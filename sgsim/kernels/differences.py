"""What was decided, beside what the rules of an earlier topology alone would have said."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel
from sgsim.kernels.gates import owners
from sgsim.kernels.match import cell_of, is_exempt, service_of
from sgsim.layout import ADMITTED, FIRST_DROP, LATER_FRAGMENT, MatchTable, PacketColumns

FLOW_LIMIT = 1 << 20  # distinct flows that are told apart (48 MB)
WORDS = 3  # of a flow that was seen: key, ends, and at which interface it was which difference
ADMITTED_FLOWS, ADMITTED_PACKETS, DROPPED_FLOWS, DROPPED_PACKETS = range(4)  # of the counts

_ONE, _ZERO = np.uint64(1), np.uint64(0)
_C1, _C2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


class Seen(NamedTuple):
    """The flows that were counted: open addressing by linear probing, never more than half full."""

    slots: NDArray[np.uint64]  # (WORDS * a power of two,) records; the third word is 0 where there is none
    used: NDArray[np.int64]  # (1,)


@inner
def _start(key, ends, third, size):
    """Where the probing for a flow begins; ``size`` is a power of two."""
    mixed = (key ^ (third * _C2)) * _C1
    mixed ^= mixed >> np.uint64(29)
    mixed = (mixed + ends) * _C2
    mixed ^= mixed >> np.uint64(32)
    return mixed & np.uint64(size - 1)


@inner
def _is_new(seen, key, ends, third):
    """Whether the flow was not seen before; it is from now on, up to FLOW_LIMIT."""
    slots = seen.slots
    size = len(slots) // WORDS
    place = _start(key, ends, third, size)
    while True:
        word = np.uint64(WORDS) * place
        if slots[word + np.uint64(2)] == _ZERO:
            break
        if slots[word + np.uint64(2)] == third and slots[word] == key and slots[word + _ONE] == ends:
            return False
        place = (place + _ONE) & np.uint64(size - 1)
    if seen.used[0] >= FLOW_LIMIT:
        return False
    slots[word], slots[word + _ONE], slots[word + np.uint64(2)] = key, ends, third
    seen.used[0] += 1
    return True


@inner
def _rules_said(bodies, table, i, interface, egress):
    """1: the rules of the table's topology admit the packet at the gate, or are not asked there; 0: they do not;
    -1: it would have met another gate, or none."""
    body = bodies[i]
    source, destination, sender, receiver = owners(body, table)
    if (sender if egress else receiver) != interface:
        return -1
    groups = np.int64(table.gates[interface]["groups"])
    remote = destination if egress else source
    if groups < 0 or is_exempt(table, body, interface, egress, remote):
        return 1
    version = body["version"]
    position = body["dst_lo"] if egress else body["src_lo"]
    six = np.int64(version == 6)
    if six:
        position = np.uint64(remote - np.int64(table.v6_first))
    service = service_of(version, body["protocol"], body["shape"], body["dst_port"])
    return np.int64(cell_of(table, 2 * groups + egress, six, position, service) & ADMITTED != 0)


@kernel
def differences(columns: PacketColumns, table: MatchTable, rows: np.ndarray, seen: Seen, counts: np.ndarray) -> None:
    """Count the observations that the rules of ``table`` would have decided otherwise.

    ``rows`` are records of VERDICT as int64; ``counts``, shape (4,), int64, by the numbers above. ``seen`` must have
    room for one flow more for each observation.
    """
    for m in range(len(rows) // 2):
        at = np.uint64(m) << _ONE
        decision = rows[at + _ONE]
        i = np.uint64(rows[at] & 0xFFFFFFFF)
        interface, egress = rows[at] >> 32, (decision >> 16) & 1
        if interface >= len(table.gates) or columns.bodies[i]["shape"] == LATER_FRAGMENT:
            continue
        passed = np.int64(decision & 255 < FIRST_DROP)
        said = _rules_said(columns.bodies, table, i, interface, egress)
        if said < 0 or said == passed:
            continue
        counts[ADMITTED_PACKETS if passed else DROPPED_PACKETS] += 1
        head = columns.heads[i]
        third = np.uint64(interface) << np.uint64(2) | np.uint64(passed) << _ONE | _ONE
        if head["flow"] != _ZERO and _is_new(seen, head["flow"], head["ends"], third):
            counts[ADMITTED_FLOWS if passed else DROPPED_FLOWS] += 1


@kernel
def spread(old: np.ndarray, seen: Seen) -> None:
    """Put the flows of ``old``, slots of another size, into ``seen``, which is empty."""
    for n in range(len(old) // WORDS):
        word = np.uint64(WORDS * n)
        if old[word + np.uint64(2)] != _ZERO:
            _is_new(seen, old[word], old[word + _ONE], old[word + np.uint64(2)])
