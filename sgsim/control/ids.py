"""Ids of new resources: as AWS forms them, a prefix and seventeen hexadecimal digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b


def _nothing(name: str) -> bool:
    return False


class Ids:
    """The same seed gives the same ids in the same order. ``seed`` of a server is drawn, that of a replay is fixed.

    ``made`` is how many there were already: a cloud that is loaded goes on where the one that was written stopped, so
    that no id is used twice. ``taken`` tells those that something has, whoever named it.
    """

    def __init__(self, seed: str, made: int = 0, taken: Callable[[str], bool] = _nothing) -> None:
        self._seed = seed
        self.made = made
        self._taken = taken
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
        while True:
            self.made += 1
            digest = blake2b(f"{self._seed} {kind} {self.made}".encode(), digest_size=9).hexdigest()
            name = f"{kind}-0{digest[:16]}"
            if not self._taken(name):
                return name
