"""Changes in the order of time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from sgsim.sources.changes.calls import CALLS
from sgsim.sources.changes.records import ApiChange


def in_order(changes: Sequence[ApiChange], first_packet_ns: int) -> list[tuple[int, ApiChange]]:
    """Each change with its time in nanoseconds since the epoch, the earliest first; of equal times in the order given.

    CloudTrail's times are whole seconds, and its events within one come in any order: of those, one that names what
    another one made comes behind it.
    """
    timed = sorted(((change.at.since_epoch(first_packet_ns), change) for change in changes), key=lambda pair: pair[0])
    found = []
    for time_ns, pairs in groupby(timed, key=lambda pair: pair[0]):
        found += [(time_ns, change) for change in _makers_first([change for _, change in pairs])]
    return found


def _makers_first(changes: list[ApiChange]) -> list[ApiChange]:
    """Changes of one time, each behind those that made what it names; where that goes in circles, as given."""
    makers = {name: number for number, change in enumerate(changes) for name in _made(change)}
    if not makers:
        return changes
    placed: dict[int, None] = {}
    begun: set[int] = set()

    def before(number: int) -> Iterator[int]:
        begun.add(number)
        return iter(sorted({makers[name] for name in texts(changes[number].params) if name in makers}))

    for number in range(len(changes)):
        waiting = [] if number in begun else [(number, before(number))]
        while waiting:
            current, needed = waiting[-1]
            maker = next((each for each in needed if each not in begun), None)
            if maker is None:
                placed[current] = None
                waiting.pop()
            else:
                waiting.append((maker, before(maker)))
    return [changes[number] for number in placed]


def _made(change: ApiChange) -> Iterator[str]:
    """The ids of what a recorded change made, as AWS answered."""
    makes = CALLS[change.call].makes
    if change.recorded and change.answer and makes:
        made = re.compile("|".join(rf"{each}[0-9a-z]+\Z" for each in makes))
        named = set(texts(change.params))
        yield from (text for text in texts(change.answer) if made.match(text) and text not in named)


def texts(value: Any) -> Iterator[str]:
    """All text in the parameters of a call, or in its answer."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)
