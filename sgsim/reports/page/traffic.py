"""What passed and what did not, as time goes on: in all, and at each interface."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sgsim.model import Interface
from sgsim.reports.page.axes import Span, length_text, time_of
from sgsim.reports.page.charts import Line, Mark, bars, legend, mirrored, numbers_of
from sgsim.reports.page.markup import Html, element, join
from sgsim.reports.page.tables import Column, Number, folded, table
from sgsim.reports.series.buckets import Buckets

MOST_DRAWN = 12


def span_of(buckets: Buckets) -> Span:
    return Span(buckets.first_ns, buckets.width_ns, len(buckets.counts))


def over_time(buckets: Buckets, verdicts: Sequence[str], unit: str, how: str, marks: Sequence[Mark]) -> Html:
    """A plot for each verdict, each with a scale of its own. ``how``: by which time things are counted."""
    span = span_of(buckets)
    totals = _by_interface(buckets, len(verdicts)).sum(axis=1)
    step = length_text(span.width_ns)
    plots: list[Html] = []
    for place, verdict in enumerate(verdicts):
        counts = totals[:, place].tolist()
        if verdict == "possible" and not any(counts):
            continue
        caption = element("figcaption", element("b", f"{unit.capitalize()} {verdict} per {step}"), ", UTC")
        title = f"{unit.capitalize()} {verdict} per {step}, most {max(counts):,}, in all {sum(counts):,}"
        above = numbers_of(marks, span) if not plots else None
        chart = bars(title, unit, span, Line(verdict, counts), marks)
        plots.append(element("figure", caption, above, chart))
    lead = f"{time_of(span.first_ns, span.width_ns)} to {time_of(span.end_ns, span.width_ns)} UTC, {how}. "
    lead += "Each plot has its own scale."
    if marks:
        lead += " Dashed lines are changes, numbered as in their table."
    rows = (_time_row(span, place, row) for place, row in enumerate(totals.tolist()) if any(row))
    columns = (Column("From (UTC)"), *(Column(verdict.capitalize(), number=True) for verdict in verdicts))
    numbers = table(f"{unit.capitalize()} per {step}; intervals without any are left out", columns, rows)
    return join(element("p", lead, class_="soft"), *plots, folded("These numbers as a table", numbers))


def by_interface(buckets: Buckets, interfaces: Sequence[Interface], verdicts: Sequence[str], unit: str) -> Html | None:
    """Small plots of the interfaces with most dropped, then most at all."""
    counts = _by_interface(buckets, len(verdicts))
    totals = counts.sum(axis=0)
    order = sorted(range(len(totals)), key=lambda place: (-totals[place, 1], -totals[place].sum(), place))
    drawn = [place for place in order if totals[place].any()][:MOST_DRAWN]
    if not drawn:
        return None
    span = span_of(buckets)
    step = length_text(span.width_ns)
    figures = (_small(interfaces[place], counts[:, place], verdicts, unit, span) for place in drawn)
    rows = (
        (_name(interfaces[place]), *_time_row(span, interval, row))
        for place in drawn
        for interval, row in enumerate(counts[:, place].tolist())
        if any(row)
    )
    columns = (
        Column("Interface"),
        Column("From (UTC)"),
        *(Column(each.capitalize(), number=True) for each in verdicts),
    )
    lead = f"{unit.capitalize()} per {step}: dropped ones go down from zero, on the scale of the others. "
    lead += "Each interface has a scale of its own."
    if len([place for place in order if totals[place].any()]) > MOST_DRAWN:
        lead += f" The {MOST_DRAWN} with most dropped, then with most at all."
    numbers = table(f"{unit.capitalize()} by interface, per {step}", columns, rows)
    shown = [each for place, each in enumerate(verdicts) if each != "possible" or totals[:, place].any()]
    multiples = element("div", *figures, class_="multiples")
    details = folded("These numbers as a table", numbers)
    return join(element("p", lead, class_="soft"), legend(*shown), multiples, details)


def _by_interface(buckets: Buckets, verdicts: int) -> NDArray[np.int64]:
    """Shape (intervals, interfaces, verdicts)."""
    counts = buckets.counts
    return counts.reshape(len(counts), counts.shape[1] // verdicts, verdicts)


def _time_row(span: Span, place: int, row: Sequence[int]) -> tuple[Html | Number, ...]:
    time_ns = span.first_ns + place * span.width_ns
    time = element("time", time_of(time_ns, span.width_ns))
    colours = ("allowed", "dropped", "possible")
    return time, *(Number(count, colour) for count, colour in zip(row, colours, strict=False))


def _small(interface: Interface, counts: NDArray[np.int64], verdicts: Sequence[str], unit: str, span: Span) -> Html:
    lines = [Line(verdict, counts[:, place].tolist()) for place, verdict in enumerate(verdicts)]
    shown = [line for line in lines if line.kind != "possible" or any(line.counts)]
    words = ", ".join(f"{sum(line.counts):,} {line.kind}" for line in shown)
    name = _name(interface)
    caption = element("figcaption", element("b", name), element("span", words))
    return element("figure", caption, mirrored(f"{name}: {unit} over time: {words}", unit, span, lines))


def _name(interface: Interface) -> str:
    return interface.name or interface.interface_id
