"""Interface ids of flow logs, numbered in the order in which they are first met."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel, rare
from sgsim.kernels.fieldtext import is_dash

U64 = np.uint64
I32, I64 = np.int32, np.int64
ONE = U64(1)

LONGEST_ID = 64  # bytes of an interface id
MOST_IDS = 1 << 16  # interface ids that are told apart; the others share OTHER_ID
OTHER_ID = MOST_IDS - 1
TOO_LONG = -2  # in the place of a number


class Ids(NamedTuple):
    """Distinct interface ids, numbered from 0 when they are first met."""

    slots: NDArray[np.int32]  # (a power of two,) number + 1, open addressing with linear probing; 0: free
    ends: NDArray[np.int64]  # by number: where its text ends; it begins where the one before ends
    text: NDArray[np.uint8]
    count: NDArray[np.int64]  # (1,) how many there are


@inner
def _hash(data, begin, end):
    """FNV-1a, its better half folded in."""
    mixed = U64(0xCBF29CE484222325)
    for at in range(begin, end):
        mixed = (mixed ^ U64(data[U64(at)])) * U64(0x100000001B3)
    return mixed ^ mixed >> U64(29)


@inner
def _is_id(ids, number, data, begin, end):
    first = ids.ends[number - 1] if number > 0 else I64(0)
    if ids.ends[number] - first != I64(end - begin):
        return False
    for n in range(I64(end - begin)):
        if ids.text[first + n] != data[begin + U64(n)]:
            return False
    return True


@rare
def _new_id(ids, slot, data, begin, end):
    new = ids.count[0]
    if new >= OTHER_ID:
        return I32(OTHER_ID)
    first = ids.ends[new - 1] if new > 0 else I64(0)
    for n in range(I64(end - begin)):
        ids.text[first + n] = data[begin + U64(n)]
    ids.ends[new] = first + I64(end - begin)
    ids.slots[slot] = I32(new + 1)
    ids.count[0] = new + 1
    return I32(new)


@inner
def id_number(ids, data, begin, end):
    """The number of an interface id of LONGEST_ID bytes at most."""
    mask = U64(len(ids.slots) - 1)
    slot = _hash(data, begin, end) & mask
    while ids.slots[slot] != 0:
        known = I64(ids.slots[slot] - 1)
        if _is_id(ids, known, data, begin, end):
            return I32(known)
        slot = (slot + ONE) & mask
    return _new_id(ids, slot, data, begin, end)


@kernel
def number_ids(ids: Ids, data: NDArray[np.uint8], offsets: NDArray[np.int64], out: NDArray[np.int32]) -> None:
    """The numbers of the ids in ``data[offsets[k]:offsets[k + 1]]``; -1 for "-", TOO_LONG."""
    for k in range(len(out)):
        begin, end = U64(offsets[k]), U64(offsets[k + 1])
        if is_dash(data, begin, end) or end == begin:
            out[k] = I32(-1)
        elif end - begin > U64(LONGEST_ID):
            out[k] = I32(TOO_LONG)
        else:
            out[k] = id_number(ids, data, begin, end)
