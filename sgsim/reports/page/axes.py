"""Scales: round numbers for counts, round times for the time line, and how both are written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sgsim.reports.wording import time_text

_S, _DAY = 1_000_000_000, 86_400 * 1_000_000_000
_STEPS = (
    *(10**power * step for power in range(9) for step in (1, 2, 5)),
    *(_S * seconds for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800)),
    *(_S * 3_600 * hours for hours in (1, 2, 3, 6, 12)),
    *(_DAY * days for days in (1, 2, 7, 14, 28, 91, 182, 364, 3_640, 36_400, 364_000)),
)
_MOST_TICKS = 6
_NARROW = 36  # characters beside each other on a plot of 250 px
_UNITS = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))


class Span(NamedTuple):
    """What a time line shows: intervals of ``width_ns`` from ``first_ns`` on, nanoseconds since the epoch."""

    first_ns: int
    width_ns: int
    intervals: int

    @property
    def end_ns(self) -> int:
        return self.first_ns + self.width_ns * self.intervals

    def at(self, time_ns: int) -> float:
        """Where a time lies, per cent."""
        return 100 * (time_ns - self.first_ns) / (self.end_ns - self.first_ns)

    def holds(self, time_ns: int | None) -> bool:
        return time_ns is not None and self.first_ns <= time_ns <= self.end_ns


class Tick(NamedTuple):
    """``spare``: there is no room for it on a narrow screen."""

    place: float
    text: str
    spare: bool


def top_of(largest: int) -> int:
    """A round number that is no less: a digit and zeros."""
    power = 1
    while True:
        for step in (1, 2, 3, 4, 5, 6, 8):
            if step * power >= largest:
                return step * power
        power *= 10


def short(number: int) -> str:
    """``850``, ``12.5 k``, ``3 M``."""
    for unit, name in _UNITS:
        if number >= unit:
            return f"{number / unit:.3g}{name}"
    return str(number)


def length_text(nanoseconds: int) -> str:
    """``2 s``, ``500 ms``, ``30 min``, ``1 day``."""
    for unit, name in ((_DAY, "day"), (3_600 * _S, "h"), (60 * _S, "min"), (_S, "s"), (10**6, "ms"), (10**3, "µs")):
        if nanoseconds >= unit and nanoseconds % unit == 0:
            number = nanoseconds // unit
            return f"{number:,} {name}" + ("s" if name == "day" and number > 1 else "")
    return f"{nanoseconds} ns"


def time_of(time_ns: int, width_ns: int) -> str:
    """UTC, as fine as intervals of that length need."""
    whole = time_text(time_ns).removesuffix(" UTC")
    digits = 0 if width_ns % _S == 0 else 3 if width_ns % 10**6 == 0 else 6 if width_ns % 10**3 == 0 else 9
    return whole if not digits else f"{whole}.{time_ns % _S:09}"[: len(whole) + 1 + digits]


def ticks(span: Span) -> Iterator[Tick]:
    """Round times along a time line."""
    length = span.end_ns - span.first_ns
    step = next((each for each in _STEPS if length / each <= _MOST_TICKS), _STEPS[-1])
    times = range(-(-span.first_ns // step) * step, span.end_ns + 1, step)
    texts = [_tick_text(time_ns, step, length) for time_ns in times]
    room = max(1, _NARROW // (max(map(len, texts), default=0) + 2))
    every = -(-len(texts) // room)
    for number, (time_ns, text) in enumerate(zip(times, texts, strict=True)):
        yield Tick(span.at(time_ns), text, number % every != 0)


def _tick_text(time_ns: int, step: int, length: int) -> str:
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1_000)
    except OverflowError:
        return f"{time_ns} ns"
    if step >= _DAY:
        return f"{moment:%Y-%m-%d}"
    if length > _DAY:
        return f"{moment:%m-%d %H:%M}"
    if step >= 60 * _S:
        return f"{moment:%H:%M}"
    return time_of(time_ns, step).split(" ")[-1]
