"""Who talks to whom: interfaces, and the networks that the other addresses lie in."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

import numpy as np
from numpy.typing import NDArray

from sgsim.model import Interface, Network

MOST_NETWORKS = 1 << 16  # told apart, from the first; the rest is OTHERS
MOST_PAIRS = 1 << 18
OTHERS = -1
BITS = {4: 24, 6: 48}  # of a network: what one site usually has

Ints = NDArray[np.int64]


class Parties:
    """Numbers for the ends of packets: an interface's place, or below zero a network.

    ``interfaces`` are those whose addresses are known; what delegated prefixes hold goes by its network.
    """

    def __init__(self, interfaces: Sequence[Interface]) -> None:
        self._owners: dict[tuple[int, int], int] = {
            (address.version, int(address)): place
            for place, interface in enumerate(interfaces)
            for address in interface.addresses
        }
        self._networks: dict[tuple[int, int], int] = {}

    def codes(self, version: NDArray[np.uint8], high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Ints:
        """The number of each address, shape (n,): columns as in BODY."""
        if not len(version):
            return np.zeros(0, dtype=np.int64)
        order = np.lexsort((low, high, version))
        version, high, low = version[order], high[order], low[order]
        fresh = np.ones(len(order), dtype=np.bool_)
        fresh[1:] = (np.diff(version) != 0) | (np.diff(high) != 0) | (np.diff(low) != 0)
        ends = zip(version[fresh].tolist(), high[fresh].tolist(), low[fresh].tolist(), strict=True)
        numbers = np.array([self._code(*end) for end in ends], dtype=np.int64)
        codes = np.empty(len(order), dtype=np.int64)
        codes[order] = numbers[np.cumsum(fresh) - 1]
        return codes

    def _code(self, version: int, high: int, low: int) -> int:
        place = self._owners.get((version, high << 64 | low))
        if place is not None:
            return place
        network = (version, low >> 8 if version == 4 else high >> 16)
        code = self._networks.get(network)
        if code is None:
            if len(self._networks) == MOST_NETWORKS:
                return OTHERS
            code = self._networks[network] = OTHERS - 1 - len(self._networks)
        return code

    def networks(self) -> dict[int, Network]:
        """The networks by their numbers."""
        return {
            code: IPv4Network((upper << 8, BITS[4])) if version == 4 else IPv6Network((upper << 80, BITS[6]))
            for (version, upper), code in self._networks.items()
        }


class Pairs:
    """Counts by sender, receiver and verdict; ``counts`` holds, by both numbers, one count for each verdict."""

    def __init__(self, verdicts: int) -> None:
        self._verdicts = verdicts
        self.counts: dict[tuple[int, int], list[int]] = {}

    def add(self, senders: Ints, receivers: Ints, verdicts: Ints) -> None:
        """Count one for each row."""
        base = MOST_NETWORKS + 2
        keys = ((senders + base) << 32 | (receivers + base)) * self._verdicts + verdicts
        found, counts = np.unique(keys, return_counts=True)
        for key, count in zip(found.tolist(), counts.tolist(), strict=True):
            pair, verdict = divmod(key, self._verdicts)
            ends = (pair >> 32) - base, (pair & 0xFFFFFFFF) - base
            row = self.counts.get(ends)
            if row is None:
                if len(self.counts) >= MOST_PAIRS:
                    ends = OTHERS, OTHERS
                row = self.counts.setdefault(ends, [0] * self._verdicts)
            row[verdict] += count
