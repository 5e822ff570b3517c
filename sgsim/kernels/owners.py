"""Whose address it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel
from sgsim.kernels.match import interval
from sgsim.layout import FLAG_BITS, IPV4_HI, OWNER, OWNER_UNFILTERED

_C1, _C2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_IPV4 = np.uint64(IPV4_HI)
_ONE = np.uint64(1)
_SLOTS = 4  # for each address: nearly every look-up ends where it begins


@inner
def _start(records, hi, lo):
    h = (lo ^ (hi >> np.uint64(7))) * _C1
    h ^= (h >> np.uint64(29)) ^ (hi * _C2)
    return (h ^ (h >> np.uint64(32))) & np.uint64(len(records) - 1)


@inner
def owner_of(table, version, hi, lo):
    """(place of the owner + 1) << OWNER_SHIFT, with OWNER_UNFILTERED if it has no groups; 0 where nobody owns it."""
    tagged = _IPV4 if version == 4 else hi
    mask = np.uint64(len(table.owners) - 1)
    place = _start(table.owners, tagged, lo)
    while True:
        record = table.owners[place]
        about = record["about"]
        if about == 0:
            break
        if record["lo"] == lo and record["hi"] == tagged:
            return about
        place = (place + _ONE) & mask
    if table.prefixes:
        about = np.int64(table.about[np.uint64(interval(table, version, hi, lo))])
        return about & ~np.int64(FLAG_BITS & ~OWNER_UNFILTERED)
    return np.int64(0)


def hashed(rows: NDArray[np.void]) -> NDArray[np.void]:
    """The rows in a table small enough for the nearest caches, where the address line is not; see MatchTable.owners."""
    records = np.zeros(1 << (_SLOTS * max(1, len(rows)) - 1).bit_length(), dtype=OWNER)
    _fill(rows, records)
    return records


@kernel
def _fill(rows, records):
    mask = np.uint64(len(records) - 1)
    for row in rows:
        place = _start(records, row["hi"], row["lo"])
        while records[place]["about"] != 0:
            place = (place + _ONE) & mask
        records[place] = row
