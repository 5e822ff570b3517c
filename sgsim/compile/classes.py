"""Intervals of a number line, and the classes into which sets of spans sort them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ranges = NDArray[np.int64]  # (k, 2) half-open ranges of intervals, sorted and disjoint

_HASHES = 2  # two 64-bit hashes: that two of a million different sets share both has a probability below 1e-26


def merged(ranges: Sequence[tuple[int, int]]) -> Ranges:
    """The same intervals as disjoint ascending ranges, shape (k, 2)."""
    result: list[list[int]] = []
    for begin, end in sorted(ranges):
        if result and begin <= result[-1][1]:
            result[-1][1] = max(result[-1][1], end)
        else:
            result.append([begin, end])
    return np.array(result, dtype=np.int64).reshape(-1, 2)


def covers(ranges: Ranges, intervals: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the intervals lie in the ranges."""
    if not len(ranges):
        return np.zeros(len(intervals), dtype=np.bool_)
    place = np.searchsorted(ranges[:, 0], intervals, side="right") - 1
    inside: NDArray[np.bool_] = (place >= 0) & (intervals < ranges[np.maximum(place, 0), 1])
    return inside


def classify(count: int, sets: Sequence[Ranges]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Sort ``count`` intervals by which of the sets cover them: (class of each interval, one interval of each class).

    Each set toggles a random hash at the ends of its ranges; the running xor names the covering sets.
    """
    random = np.random.default_rng(0x5EC6).integers(1, 1 << 63, size=(len(sets), _HASHES), dtype=np.uint64)
    classes = np.zeros(count, dtype=np.int64)
    for column in range(_HASHES):
        toggles = np.zeros(count + 1, dtype=np.uint64)
        if sets:
            ends = np.concatenate([ranges.ravel() for ranges in sets])
            hashes = np.repeat(random[:, column], [ranges.size for ranges in sets])
            np.bitwise_xor.at(toggles, ends, hashes)
        named = np.bitwise_xor.accumulate(toggles[:count])
        _, inverse = np.unique(named, return_inverse=True)
        _, classes = np.unique(classes * count + inverse, return_inverse=True)
    _, representatives = np.unique(classes, return_index=True)
    return classes.astype(np.uint32), representatives.astype(np.int64)
