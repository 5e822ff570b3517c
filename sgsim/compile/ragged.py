"""Ranges of different lengths as flat arrays, and the union of spans: what stands in for loops over rules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def spread(begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Every number of the half-open ranges, range after range: (which range it is of, the number)."""
    counts = end - begin
    owner = np.repeat(np.arange(len(counts)), counts)
    first = begin - (np.cumsum(counts) - counts)
    return owner, np.arange(len(owner)) + first[owner]


def offsets(counts: Ints) -> Ints:
    """Where each of the ranges begins if they lie one behind the other; with the end of the last, shape (n + 1,)."""
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))


def distinct(keys: NDArray[np.integer]) -> tuple[Ints, Ints]:
    """Numbers for the distinct keys: (place of one key of each number, number of each key).

    Quicker than ``np.unique``, which sorts stably.
    """
    if not len(keys):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    order = np.argsort(keys)
    ordered = keys[order]
    new = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    number = np.empty(len(keys), dtype=np.int64)
    number[order] = np.cumsum(new) - 1
    return order[new], number


def united(owner: Ints, begin: Ints, end: Ints, bits: int) -> tuple[Ints, Ints, Ints]:
    """The spans of each owner as disjoint spans, in order; all positions are below ``1 << bits``."""
    first, last = owner << bits | begin, owner << bits | end
    order = np.argsort(first)
    first, reached = first[order], np.maximum.accumulate(last[order])
    new = np.flatnonzero(np.concatenate((np.ones(min(len(first), 1), dtype=np.bool_), first[1:] > reached[:-1])))
    ends = reached[np.append(new[1:] - 1, len(first) - 1)] if len(first) else reached
    mask = (1 << bits) - 1
    return first[new] >> bits, first[new] & mask, ends & mask
