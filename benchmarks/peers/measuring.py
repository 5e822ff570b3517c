"""Who is measured, and in what order: round by round, each contender once, the first of a round changing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.peers.results import US, Result, Row, Skipped, ratio, spread


class UnavailableError(Exception):
    """A contender that this machine cannot build or run, or that is not there yet."""


class DisagreementError(AssertionError):
    """Two contenders gave different answers to the same question: no number of theirs is believed."""


class Contender(NamedTuple):
    """``run`` gives one measurement in the row's unit."""

    who: str
    run: Callable[[], float]
    about: dict[str, Any]


class Plan(NamedTuple):
    """What each part gets: how much to do, how often to measure, where to put files."""

    quick: bool
    rounds: int
    folder: Path


def measure(row: Row, contenders: Sequence[Contender], rounds: int, marks: dict[str, str] | None = None) -> Row:
    """Fill in results, and the ratios of ``US`` to every other contender; one that gives up on the way is skipped."""
    runs: dict[str, list[float]] = {contender.who: [] for contender in contenders}
    for turn in range(rounds):
        first = turn % max(1, len(contenders))
        for contender in (*contenders[first:], *contenders[:first]):
            if contender.who in runs:
                try:
                    runs[contender.who].append(contender.run())
                except UnavailableError as reason:
                    row.skipped.append(Skipped(contender.who, str(reason)))
                    del runs[contender.who]
    row.results = [Result(c.who, spread(runs[c.who]), c.about) for c in contenders if c.who in runs]
    us = row.result(US)
    if us is not None:
        marks = marks or {}
        row.ratios = [ratio(us, other, marks.get(other.who, "")) for other in row.results if other.who != US]
    return row


def gather(row: Row, stack: ExitStack, makers: dict[str, Callable[[ExitStack], Contender]]) -> list[Contender]:
    """The contenders that can run here; the reasons of the others go into the row."""
    found = []
    for who, make in makers.items():
        try:
            found.append(make(stack))
        except UnavailableError as reason:
            row.skipped.append(Skipped(who, str(reason)))
    return found


def must_agree(what: str, answers: dict[str, Any]) -> str:
    """Raise DisagreementError unless every contender's answers begin as the shortest do; a sentence for the row."""
    (first, expected), *others = answers.items()
    for who, given in others:
        count = min(len(given), len(expected))
        wrong = np.flatnonzero(np.asarray(given[:count]) != np.asarray(expected[:count]))
        if len(wrong):
            n = int(wrong[0])
            raise DisagreementError(
                f"{what}: {len(wrong):,} of {count:,} answers differ, the first for number {n}: "
                f"{first} says {expected[n]}, {who} says {given[n]}"
            )
    if not others:
        return ""
    counts = ", ".join(f"{who} on {min(len(given), len(expected)):,}" for who, given in others)
    return f"{what} equal to {first}'s: {counts}"
