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

    def trie(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int64]]:
        """IPv4 intervals by strides of 16, 8 and 8 bits: (root, nodes, leaves), see MatchTable.

        Every look-up takes all three steps, so that it needs no branch: an interval that is known earlier is reached
        through two lists, behind the nodes and behind the leaves, that lead to each interval by its number.
        """
        starts = np.array(self._starts[4], dtype=np.int64)
        whole = np.arange(len(starts), dtype=np.int64)

        def split(firsts: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            low = np.searchsorted(starts, firsts, side="right") - 1
            high = np.searchsorted(starts, firsts + (size - 1), side="right") - 1
            return low, np.flatnonzero(low != high)

        root_firsts = np.arange(1 << 16, dtype=np.int64) << 16
        root, root_split = split(root_firsts, 1 << 16)
        middle_firsts = (root_firsts[root_split][:, None] + (np.arange(256, dtype=np.int64) << 8)).ravel()
        middle, middle_split = split(middle_firsts, 1 << 8)
        leaf_firsts = (middle_firsts[middle_split][:, None] + np.arange(256, dtype=np.int64)).ravel()
        leaves, _ = split(leaf_firsts, 1)
        known_leaf, known_node = len(leaves), len(middle)
        middle += known_leaf
        middle[middle_split] = NODE | (256 * np.arange(len(middle_split)))
        root += known_node
        root[root_split] = NODE | (256 * np.arange(len(root_split)))
        nodes = np.concatenate((middle, whole + known_leaf))
        return root.astype(np.uint32), nodes.astype(np.uint32), np.concatenate((leaves, whole))
