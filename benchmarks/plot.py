"""Growth curves as small SVGs: light or dark as the reader's screen is, told apart by shape as well as by colour."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise

from benchmarks.peers.results import Curve, Point

WIDTH, HEIGHT = 680, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 516, 64, 292
_LINE = 15  # between labels
_STYLE = """
  .card { fill: #ffffff; stroke: #d0d7de }
  text { fill: #1f2328; font: 12px system-ui, sans-serif }
  .title { font-weight: 600; font-size: 14px }
  .quiet { fill: #59636e }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .s0 { color: #0550ae } .s1 { color: #bc4c00 } .s2 { color: #1a7f37 } .s3 { color: #8250df }
  .line { fill: none; stroke: currentColor; stroke-width: 2 }
  .range { stroke: currentColor; stroke-width: 1; opacity: 0.6 }
  .dot { fill: currentColor }
  .name { fill: currentColor; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d }
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .grid { stroke: #30363d }
    .s0 { color: #58a6ff } .s1 { color: #f0883e } .s2 { color: #3fb950 } .s3 { color: #bc8cff }
  }
"""
_DASHES = ("none", "7 3", "2 3", "9 3 2 3")

Scale = Callable[[float], float]


def svg(curve: Curve) -> str:
    """The curve on logarithmic axes; bars from the least to the most of the runs, labels at the last points."""
    points = [point for series in curve.series.values() for point in series]
    x, x_ticks = _axis([point.x for point in points], _LEFT, _RIGHT)
    values = [value for point in points for value in (point.value.least, point.value.most) if value > 0]
    y, y_ticks = _axis(values, _BOTTOM, _TOP)
    ends = {who: y(series[-1].value.median) for who, series in curve.series.items() if series}
    labels = _spread(ends)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(curve.title)}</title>',
        f'<desc id="desc">{escape(description(curve))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="6"/>',
        _text("title", 16, 26, curve.title, "start"),
        _text("quiet", 16, 44, curve.y, "start"),
        _text("quiet", (_LEFT + _RIGHT) / 2, HEIGHT - 10, curve.x, "middle"),
        *(f'<path class="grid" d="M{_LEFT} {y(tick):.1f}H{_RIGHT}"/>' for tick in y_ticks),
        *(_text("quiet", _LEFT - 8, y(tick) + 4, short(tick), "end") for tick in y_ticks),
        *(_text("quiet", x(tick), _BOTTOM + 18, short(tick), "middle") for tick in x_ticks),
    ]
    for number, (who, series) in enumerate(curve.series.items()):
        name = _text("name", x(series[-1].x) + 10, labels[who] + 4, who, "start")
        parts += [f'<g class="s{number % 4}">', *_series(number % 4, series, x, y), name, "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _text(kind: str, x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def description(curve: Curve) -> str:
    """What a person who does not see the picture is told."""
    told = []
    for who, series in curve.series.items():
        first, last = series[0], series[-1]
        told.append(
            f"{who}: {short(first.value.median)} at {short(first.x)}, {short(last.value.median)} at {short(last.x)}"
        )
    return f"{curve.y} by {curve.x}. " + "; ".join(told) + "."


def short(number: float) -> str:
    """A number of at most three digits and a thousands' letter."""
    for factor, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(number) >= factor:
            return f"{number / factor:.3g}{letter}"
    return f"{number:.3g}"


def _series(number: int, series: Sequence[Point], x: Scale, y: Scale) -> list[str]:
    places = [(x(point.x), y(point.value.median)) for point in series]
    path = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
    ranges = [
        f'<path class="range" d="M{across:.1f} {y(point.value.least):.1f}V{y(point.value.most):.1f}"/>'
        for point, (across, _) in zip(series, places, strict=True)
        if point.value.least > 0
    ]
    line = f'<polyline class="line" points="{path}" stroke-dasharray="{_DASHES[number]}"/>'
    return [line, *ranges, *(_dot(number, across, down) for across, down in places)]


def _dot(shape: int, x: float, y: float) -> str:
    if shape == 0:
        return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    if shape == 1:
        return f'<rect class="dot" x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"/>'
    corners = ((0, -5), (5, 4), (-5, 4)) if shape == 2 else ((0, -5), (5, 0), (0, 5), (-5, 0))
    return f'<polygon class="dot" points="{" ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in corners)}"/>'


def _axis(values: Sequence[float], begin: float, end: float) -> tuple[Scale, list[float]]:
    """A logarithmic scale that holds the values, and where its labels stand: powers of ten, or 1, 2 and 5 of them."""
    low, high = min(values), max(values)
    marks = [
        m * 10.0**e for e in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2) for m in (1, 2, 5)
    ]
    first = max(mark for mark in marks if mark <= low * 1.001)
    last = min(mark for mark in marks if mark >= max(high, first * 2) * 0.999)
    ticks = [mark for mark in marks if first <= mark <= last]
    if len(ticks) > 7:
        ticks = [tick for tick in ticks if round(math.log10(tick), 9) % 1 == 0]
    width = math.log10(last / first)

    def scale(value: float) -> float:
        return begin + (end - begin) * math.log10(value / first) / width

    return scale, ticks


def _spread(ends: dict[str, float]) -> dict[str, float]:
    """The labels' places, so far apart that each can be read."""
    order = sorted(ends, key=ends.__getitem__)
    places = dict(ends)
    for above, below in pairwise(order):
        places[below] = max(places[below], places[above] + _LINE)
    return places
