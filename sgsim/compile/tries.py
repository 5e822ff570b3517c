"""Tries of strides 16, 8 and 8 bits: which interval of the IPv4 line an address lies in, without a search."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.ragged import Ints
from sgsim.layout import NODE


class Trie(NamedTuple):
    """See MatchTable: entries of ``root`` and ``nodes`` are places in the next array, NODE | place where the address's
    next byte is to be added."""

    root: NDArray[np.uint32]
    nodes: NDArray[np.uint32]
    leaves: Ints


def trie(starts: Ints, values: Ints) -> Trie:
    """Of the intervals that begin at ``starts``, ascending from 0, and the value of each; all values up to the highest
    occur.

    Every look-up takes all three steps, so that it needs no branch: a value that is known earlier is reached through
    two lists, behind the nodes and behind the leaves, that lead to each value.
    """
    known = np.arange(int(values.max()) + 1)
    roots = np.arange(1 << 16)
    split = _split(starts, 16)
    nodes = _bytes(split)
    node_split = _split(starts, 8)
    leaves = _bytes(node_split)
    root = len(nodes) + values[_at(starts, roots << 16)]
    root[split] = NODE | 256 * np.arange(len(split))
    node = len(leaves) + values[_at(starts, nodes << 8)]
    node[np.searchsorted(nodes, node_split)] = NODE | 256 * np.arange(len(node_split))
    return Trie(
        root.astype(np.uint32),
        np.concatenate((node, len(leaves) + known)).astype(np.uint32),
        np.concatenate((values[_at(starts, leaves)], known)),
    )


def _split(starts: Ints, bits: int) -> Ints:
    """The blocks of ``1 << bits`` addresses inside which an interval begins."""
    return np.unique(starts[starts & (1 << bits) - 1 != 0] >> bits)


def _bytes(blocks: Ints) -> Ints:
    """The 256 parts of each block."""
    return (blocks[:, None] * 256 + np.arange(256)).ravel()


def _at(starts: Ints, addresses: Ints) -> Ints:
    """The interval of each of the addresses, which ascend: counted, for there are many more of them than starts."""
    begun = np.bincount(np.searchsorted(addresses, starts), minlength=len(addresses))
    return np.cumsum(begun[: len(addresses)]) - 1
