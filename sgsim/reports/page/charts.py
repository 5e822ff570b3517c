"""Charts as inline SVG: the plot stretches with the page, scales and labels beside it keep their size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sgsim.reports.page.axes import Span, short, ticks, time_of, top_of
from sgsim.reports.page.markup import Html, element, join

_LABEL = 3.0  # per cent of a plot that the number of a mark takes, on a narrow screen


class Mark(NamedTuple):
    """A change on the time line: its number in the table, when, and what."""

    number: int
    time_ns: int
    words: str


class Line(NamedTuple):
    """One count for each interval; ``kind`` is its colour: allowed, dropped, possible."""

    kind: str
    counts: Sequence[int]


def legend(*kinds: str) -> Html:
    """What the colours of bars mean."""
    items = (
        element("li", _svg(element("rect", width=10, height=10, rx=2, class_=kind), viewBox="0 0 10 10"), kind)
        for kind in kinds
    )
    return element("ul", *items, class_="legend")


def bars(title: str, unit: str, span: Span, line: Line, marks: Sequence[Mark] = (), size: str = "middle") -> Html:
    """A bar for each interval, from zero up to a round number."""
    top = top_of(max(line.counts, default=0) or 1)
    path = element("path", d=_bars([0] * span.intervals, line.counts, top, top), class_=line.kind)
    plot = _plot(title, span, top, join(_grid(top), path), marks, _hits(span, unit, (line,), top), size)
    return _framed(_scale(top), plot, span)


def mirrored(title: str, unit: str, span: Span, lines: Sequence[Line]) -> Html:
    """Dropped ones go down from zero, others up, one on the other; both ways have one scale."""
    up = [line for line in lines if line.kind != "dropped"]
    down = [line for line in lines if line.kind == "dropped"]
    stacked = [sum(counts) for counts in zip(*(line.counts for line in up), strict=True)]
    top = top_of(max([*stacked, *(count for line in down for count in line.counts)], default=0) or 1)
    parts, base = [], [0] * span.intervals
    for line in up:
        parts.append(element("path", d=_bars(base, line.counts, top, 2 * top), class_=line.kind))
        base = [below + count for below, count in zip(base, line.counts, strict=True)]
    for line in down:
        negative = [-count for count in line.counts]
        parts.append(element("path", d=_bars([0] * span.intervals, negative, top, 2 * top), class_=line.kind))
    drawn = join(*parts, _rule(float(top), "zero"))
    plot = _plot(title, span, 2 * top, drawn, (), _hits(span, unit, lines, 2 * top), "low")
    return _framed((short(top), "0", short(top)), plot, span, narrow=True)


def steps(title: str, unit: str, span: Span, counts: Sequence[int], marks: Sequence[Mark] = ()) -> Html:
    """A level that holds until it changes."""
    top = top_of(max(counts, default=0) or 1)
    moves = "".join(f"V{top - count}H{place}" for place, count in enumerate(counts, 1))
    drawn = join(
        _grid(top),
        element("path", d=f"M0 {top}{moves}V{top}Z", class_="area"),
        element("path", d=f"M0 {top - (counts[0] if counts else 0)}{moves}", class_="step"),
    )
    plot = _plot(title, span, top, drawn, marks, _hits(span, unit, (Line("", counts),), top), "middle")
    return _framed(_scale(top), plot, span)


def share(part: int, whole: int, kind: str) -> Html:
    """A bar in a table's cell; the number beside it says the same."""
    width = 100 * part / whole if whole else 0.0
    return _svg(
        element("rect", width="100%", height="100%", rx=2, class_="rest"),
        element("rect", width=f"{max(width, 0.6 if part else 0):.2f}%", height="100%", rx=2, class_=kind),
        class_="bar",
    )


# --- parts ------------------------------------------------------------------------------------------------------------


def _svg(*children: Html, **attributes: str) -> Html:
    return element("svg", *children, aria_hidden="true", **attributes)


def _rule(height: float, kind: str) -> Html:
    return element("line", x1=0, x2="100%", y1=f"{height:g}", y2=f"{height:g}", class_=kind)


def _scale(top: int) -> tuple[str, ...]:
    return (short(top), short(top // 2), "0") if top % 2 == 0 else (short(top), "0")


def _grid(top: int) -> Html:
    """A line for each number of the scale."""
    return join(_rule(0.0, "grid"), _rule(top / 2, "grid") if top % 2 == 0 else None, _rule(float(top), "zero"))


def _bars(base: Sequence[int], counts: Sequence[int], zero: int, height: int) -> str:
    """Rectangles in a picture of one unit to an interval and to a count; what is there is seen: 1 % of the height."""
    least = height / 100
    parts = []
    for place, (below, count) in enumerate(zip(base, counts, strict=True)):
        if count:
            shown = max(count, least) if count > 0 else min(count, -least)
            parts.append(f"M{place} {zero - below:g}h.92v{-shown:g}h-.92z")
    return "".join(parts)


def _hits(span: Span, unit: str, lines: Sequence[Line], height: int) -> Html:
    """What each interval says when it is pointed at; intervals without anything say nothing."""
    parts = []
    for place in range(span.intervals):
        words = [f"{line.counts[place]:,} {line.kind}".strip() for line in lines if line.counts[place]]
        if words:
            time = time_of(span.first_ns + place * span.width_ns, span.width_ns)
            title = element("title", f"{time}: {', '.join(words)} {unit}")
            parts.append(element("rect", title, x=place, width=1, height=height, class_="hit"))
    return join(*parts)


def _plot(title: str, span: Span, height: int, drawn: Html, marks: Sequence[Mark], hits: Html, size: str) -> Html:
    lines = []
    for mark in marks:
        x = f"{span.at(mark.time_ns) * span.intervals / 100:.3f}"
        lines.append(element("line", x1=x, x2=x, y1=0, y2=height, class_="mark"))
    box = f"0 0 {span.intervals} {height}"
    shape = {"viewBox": box, "preserveAspectRatio": "none", "class_": size}
    return element("svg", element("title", title), drawn, *lines, hits, role="img", aria_label=title, **shape)


def _framed(scale: Sequence[str], plot: Html, span: Span, narrow: bool = False) -> Html:
    texts = []
    for tick in ticks(span):
        if narrow and tick.spare:
            continue
        anchor = "start" if tick.place < 4 else "end" if tick.place > 96 else "middle"
        kind = "spare" if tick.spare else None
        texts.append(element("text", tick.text, x=f"{tick.place:.2f}%", y=15, text_anchor=anchor, class_=kind))
    labels = element("div", *(element("span", each) for each in scale), class_="scale", aria_hidden="true")
    return element("div", labels, plot, _svg(*texts, class_="axis"), class_="plot")


def numbers_of(marks: Sequence[Mark], span: Span) -> Html | None:
    """A row above a plot that numbers its marks."""
    if not marks:
        return None
    near: list[list[Mark]] = []
    for mark in marks:
        if near and span.at(mark.time_ns) - span.at(near[-1][0].time_ns) < _LABEL:
            near[-1].append(mark)
        else:
            near.append([mark])
    texts = []
    for these in near:
        place = span.at(these[0].time_ns)
        anchor = "start" if place < 2 else "end" if place > 98 else "middle"
        words = element("title", "; ".join(mark.words for mark in these))
        numbers = str(these[0].number) + (f"-{these[-1].number}" if len(these) > 1 else "")
        texts.append(element("text", numbers, words, x=f"{place:.2f}%", y=13, text_anchor=anchor, class_="changed"))
    return element("div", element("span", class_="scale"), _svg(*texts, class_="axis"), class_="plot")
