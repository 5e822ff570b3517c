"""Ids of new resources: as AWS forms them, a prefix and seventeen hexadecimal digits."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


class Ids:
    """The same seed gives the same ids in the same order. ``seed`` of a server is drawn, that of a replay is fixed."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0
        self._given: dict[str, list[str]] = {}

    def give(self, ids: Iterable[str]) -> None:
        """The next new resources get these ids, each kind in this order: what AWS named them in a recorded call."""
        self._given = {}
        for each in ids:
            self._given.setdefault(each.rpartition("-")[0], []).append(each)

    def new(self, kind: str) -> str:
        """An id with the prefix ``kind`` ("sg", "sgr", "eni", "eni-attach", ...)."""
        given = self._given.get(kind)
        if given:
            return given.pop(0)
        self._count += 1
        digest = blake2b(f"{self._seed} {kind} {self._count}".encode(), digest_size=9).hexdigest()
        return f"{kind}-0{digest[:16]}"
