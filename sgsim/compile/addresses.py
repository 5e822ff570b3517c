"""The two address lines, cut wherever something in the topology begins or ends, and the tries that find an interval."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.classes import Ranges, merged
from sgsim.compile.peers import Span
from sgsim.layout import NODE


class AddressLine:
    """Intervals of IPv4 (numbered from 0), then of IPv6. No span given to it begins or ends inside an interval."""

    def __init__(self, spans: Iterable[Span]) -> None:
        cuts: dict[int, set[int]] = {4: {0}, 6: {0}}
        for version, first, last in spans:
            cuts[version].add(first)
            cuts[version].add(last + 1)
        self._starts = {4: sorted(cuts[4] - {1 << 32}), 6: sorted(cuts[6] - {1 << 128})}
        self.v6_first = len(self._starts[4])
        self.count = self.v6_first + len(self._starts[6])

    def interval(self, version: int, address: int) -> int:
        """The interval an address lies in."""
        place = bisect_right(self._starts[version], address) - 1
        return place if version == 4 else place + self.v6_first

    def ranges(self, spans: Sequence[Span]) -> Ranges:
        """The spans as disjoint half-open ranges of intervals."""
        return merged([(self.interval(v, first), self.interval(v, last) + 1) for v, first, last in spans])

    def v6_starts(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """First addresses of the IPv6 intervals, upper and lower halves."""
        starts = self._starts[6]
        hi = np.array([start >> 64 for start in starts], dtype=np.uint64)
        return hi, np.array([start & (1 << 64) - 1 for start in starts], dtype=np.uint64)

    def trie(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """IPv4 intervals by strides of 16, 8 and 8 bits: (root, nodes), see MatchTable."""
        starts = np.array(self._starts[4], dtype=np.int64)

        def level(firsts: NDArray[np.int64], size: int, next_node: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
            low = np.searchsorted(starts, firsts, side="right") - 1
            high = np.searchsorted(starts, firsts + (size - 1), side="right") - 1
            entries = low.astype(np.uint32)
            split = np.flatnonzero(low != high)
            entries[split] = np.uint32(NODE) | (next_node + np.arange(len(split), dtype=np.uint32))
            return entries, firsts[split]

        root, parents = level(np.arange(1 << 16, dtype=np.int64) << 16, 1 << 16, 0)
        middle_firsts = (parents[:, None] + (np.arange(256, dtype=np.int64) << 8)).ravel()
        middle, parents = level(middle_firsts, 1 << 8, len(parents))
        leaf_firsts = (parents[:, None] + np.arange(256, dtype=np.int64)).ravel()
        leaves, _ = level(leaf_firsts, 1, 0)
        return root, np.concatenate((middle, leaves, np.zeros(1, dtype=np.uint32)))
