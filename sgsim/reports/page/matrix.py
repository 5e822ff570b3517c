"""Who talks to whom, as a table: senders down, receivers across."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sgsim.model import Interface, Topology
from sgsim.reports.page.axes import short
from sgsim.reports.page.markup import Html, element, join
from sgsim.reports.page.tables import Cell, Column, Number, folded, scrolled, table
from sgsim.reports.series.parties import OTHERS, Pairs, Parties

MOST_INSIDE, MOST_OUTSIDE = 14, 10
MOST_LISTED = 300
Party = TypeVar("Party", int, str)
Counts = Mapping[tuple[Party, Party], Sequence[int]]
Name = Callable[[int], str]


def matrix(
    interfaces: Sequence[Interface],
    topology: Topology,
    parties: Parties,
    pairs: Pairs,
    verdicts: Sequence[str],
    unit: str,
) -> Html:
    """Counts by sender and receiver: interfaces (where there are many: those of equal groups together), the largest
    networks outside, and the rest."""
    if not pairs.counts:
        return element("p", f"No {unit} was judged.")
    inside = {party for ends in pairs.counts for party in ends if party >= 0}
    grouped = len(inside) > MOST_INSIDE
    name = _namer(interfaces, topology, parties, grouped)
    counts = _merged(pairs.counts, name, len(verdicts))
    largest = _largest(pairs.counts, name)
    inner, outer = largest[0][:MOST_INSIDE], largest[1][:MOST_OUTSIDE]
    rest_inside, rest_outside = "other groups" if grouped else "other interfaces", "other networks"
    inside_names = set(largest[0])

    def seen(own: str) -> str:
        if own in inside_names:
            return own if own in inner else rest_inside
        return own if own in outer else rest_outside

    folded_counts = _merged(counts, seen, len(verdicts))
    order = [*inner, rest_inside, *outer, rest_outside]
    rows = [each for each in order if any(sender == each for sender, _ in folded_counts)]
    columns = [each for each in order if any(receiver == each for _, receiver in folded_counts)]
    what = "groups of interfaces" if grouped else "interfaces"
    caption = f"{unit.capitalize()} by sender (rows) and receiver (columns): {what}, then the largest networks outside."
    return join(_grid(caption, rows, columns, folded_counts, verdicts), _list(counts, verdicts, unit))


def _namer(interfaces: Sequence[Interface], topology: Topology, parties: Parties, grouped: bool) -> Name:
    networks = parties.networks()
    names = [_group_names(each, topology) if grouped else each.name or each.interface_id for each in interfaces]
    if not grouped:  # two may have one Name tag
        twice = {own for own, count in Counter(names).items() if count > 1}
        names = [
            f"{own} ({each.interface_id})" if own in twice else own for own, each in zip(names, interfaces, strict=True)
        ]

    def name(party: int) -> str:
        return names[party] if party >= 0 else "all other addresses" if party == OTHERS else str(networks[party])

    return name


def _group_names(interface: Interface, topology: Topology) -> str:
    named = [topology.groups[each].name or each if each in topology.groups else each for each in interface.group_ids]
    return " + ".join(named) or "no groups"


def _merged(counts: Counts[Party], name: Callable[[Party], str], verdicts: int) -> dict[tuple[str, str], list[int]]:
    """The counts by names; those of equal names are added up."""
    found: dict[tuple[str, str], list[int]] = {}
    for (sender, receiver), row in counts.items():
        cell = found.setdefault((name(sender), name(receiver)), [0] * verdicts)
        cell[:] = [one + other for one, other in zip(cell, row, strict=True)]
    return found


def _largest(counts: Mapping[tuple[int, int], Sequence[int]], name: Name) -> tuple[list[str], list[str]]:
    """The names of what is inside, and of what is outside, most counts first."""
    totals: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for ends, row in counts.items():
        for party in ends:
            totals[party < 0][name(party)] += sum(row)
    inside, outside = (sorted(each, key=lambda own: (-each[own], own)) for each in totals)
    return inside, outside


def _grid(
    caption: str,
    rows: Sequence[str],
    columns: Sequence[str],
    counts: Mapping[tuple[str, str], Sequence[int]],
    verdicts: Sequence[str],
) -> Html:
    heads = (element("th", each, scope="col", class_=_length(each)) for each in columns)
    body = []
    for sender in rows:
        cells = (_cell(sender, receiver, counts.get((sender, receiver)), verdicts) for receiver in columns)
        body.append(join("\n", element("tr", element("th", sender, scope="row", class_=_length(sender)), *cells)))
    whole = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", element("td", "from \\ to"), *heads)),
        element("tbody", *body),
        class_="matrix",
    )
    return scrolled(whole, caption)


def _length(name: str) -> str:
    """Whether a name may be broken."""
    return "short" if len(name) <= 24 else "long"


def _cell(sender: str, receiver: str, counts: Sequence[int] | None, verdicts: Sequence[str]) -> Html:
    if counts is None:
        return element("td")
    parts, words = [], []
    for verdict, count in zip(verdicts, counts, strict=True):
        if count:
            parts.append(element("span", f"{short(count)} {verdict}", class_=verdict))
            words.append(f"{count:,} {verdict}")
    wash = "h2" if counts[1] > sum(counts) - counts[1] else "h1"
    return element("td", *parts, class_=wash, title=f"{sender} to {receiver}: {', '.join(words)}")


def _list(counts: Mapping[tuple[str, str], Sequence[int]], verdicts: Sequence[str], unit: str) -> Html:
    order = sorted(counts, key=lambda ends: (-sum(counts[ends]), ends))
    rows: list[tuple[Cell, ...]] = []
    for ends in order[:MOST_LISTED]:
        cells = (Number(count, verdict) for count, verdict in zip(counts[ends], verdicts, strict=True))
        rows.append((*ends, *cells))
    columns = (Column("From"), Column("To"), *(Column(verdict.capitalize(), number=True) for verdict in verdicts))
    more = f", the {MOST_LISTED} largest of {len(order):,}" if len(order) > MOST_LISTED else ""
    return folded("As a list", table(f"{unit.capitalize()} by sender and receiver{more}", columns, rows))
