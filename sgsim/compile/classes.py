"""Number lines cut into intervals, and the classes into which sets of spans sort them; many lines at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.ragged import Ints, distinct


class Spans(NamedTuple):
    """Half-open spans of positions. Those of one owner lie on one line or several, and are disjoint."""

    line: Ints
    begin: Ints
    end: Ints
    owner: Ints


class Classes(NamedTuple):
    """Intervals that the same owners cover are of one class. Each line has intervals and classes of its own; both are
    numbered line after line, the classes of a line in the order in which they first occur. So the classes that a span
    covers for the first time follow one another, and those of an owner are in just one of its spans each."""

    lines: Ints  # (lines + 1,) first interval of each line, and their number
    starts: Ints  # (intervals,) where on its line each begins
    interval: Ints  # (intervals,) its class
    classes: Ints  # (lines + 1,) first class of each line, and their number
    span: Ints  # (spans, 2) half-open ranges of classes


def names(count: int, seed: int) -> NDArray[np.uint64]:
    """Random names for sets to be known by, shape (2, count): the xor of its members' first names, and of the second
    ones to check by, for two sets may by chance share one of them."""
    return np.random.default_rng(seed).integers(1, 1 << 63, size=(2, count), dtype=np.uint64)


def classify(count: int, size: int, spans: Spans, seed: int = 0) -> Classes:
    """Sort ``count`` lines of positions 0 to ``size`` (not included) by which owners cover them."""
    bits = size.bit_length()
    edges = np.arange(count, dtype=np.int64) << bits
    line = spans.line << bits
    keys = np.concatenate((line | spans.begin, line | spans.end, edges, edges | size))
    owners = names(int(spans.owner.max(initial=-1)) + 1, seed)[:, spans.owner]
    toggles = np.concatenate((owners, owners, np.zeros((2, 2 * count), dtype=np.uint64)), axis=1)
    order = np.argsort(keys)
    ordered = keys[order]
    last = np.flatnonzero(np.diff(ordered, append=-1))
    cuts = ordered[last]
    where = np.empty(len(keys), dtype=np.int64)  # the cut that each key made
    where[order] = np.repeat(np.arange(len(last)), np.diff(last, prepend=-1))
    covering = np.bitwise_xor.accumulate(toggles[:, order], axis=1)[:, last]
    covering ^= names(count, ~seed & 0xFFFF)[:, cuts >> bits]
    inside = np.flatnonzero(cuts & (1 << bits) - 1 != size)
    covering = covering[:, inside]
    examples, number = distinct(covering[0])
    if not np.array_equal(covering[1], covering[1, examples[number]]):
        return classify(count, size, spans, seed + 1)
    first = np.full(len(examples), len(inside), dtype=np.int64)
    np.minimum.at(first, number, np.arange(len(inside)))
    fresh = np.zeros(len(cuts) + 1, dtype=np.int64)
    fresh[inside[first] + 1] = 1
    before = np.cumsum(fresh)  # classes that occur before each cut
    spanning = len(spans.line)
    return Classes(
        np.append(np.searchsorted(inside, where[2 * spanning : 2 * spanning + count]), len(inside)),
        cuts[inside] & (1 << bits) - 1,
        before[inside[first]][number],
        np.append(before[where[2 * spanning : 2 * spanning + count]], len(examples)),
        before[np.stack((where[:spanning], where[spanning : 2 * spanning]), axis=1)],
    )
