"""Tables whose headings sort them, and lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sgsim.reports.page.markup import Child, Html, element, join, text

_TALL = 25  # rows that are shown at once


class Number(NamedTuple):
    """A cell that is sorted by its number. ``kind``: the colour of a count that is not zero; ``shown`` in its place."""

    value: int | float
    kind: str = ""
    shown: Child = None


class Column(NamedTuple):
    title: str
    number: bool = False
    wide: bool = False


Cell = Child | Number


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], sortable: bool = True) -> Html:
    """Rows below headings; the first cell of each is its own heading."""
    heads = (element("th", each.title, scope="col", class_="n" if each.number else None) for each in columns)
    body = [_row(columns, row) for row in rows]
    whole = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", *heads)),
        element("tbody", *body),
        class_="sortable" if sortable else None,
    )
    return scrolled(whole, caption, tall=len(body) > _TALL)


def scrolled(inner: Html, label: str, tall: bool = False) -> Html:
    """What may be wider than the page scrolls by itself, with the keyboard too; what is tall, below its headings."""
    return element(
        "div", inner, class_="scroll tall" if tall else "scroll", role="region", aria_label=label, tabindex=0
    )


def _row(columns: Sequence[Column], row: Sequence[Cell]) -> Html:
    pairs = enumerate(zip(columns, row, strict=True))
    return join("\n", element("tr", *(_cell(column, cell, place == 0) for place, (column, cell) in pairs)))


def _cell(column: Column, cell: Cell, first: bool) -> Html:
    if isinstance(cell, Number):
        kind = ("zero" if not cell.value else cell.kind) + (" n" if column.number else "")
        shown = cell.shown if cell.shown is not None else f"{cell.value:,}"
        return element("td", shown, class_=kind.strip() or None, data_v=cell.value)
    if first:
        return element("th", cell, scope="row")
    return element("td", cell, class_="wide" if column.wide else None)


def folded(title: str, inner: Html) -> Html:
    """Something that is shown when it is asked for."""
    return element("details", element("summary", title), inner)


def listed(items: Iterable[Child]) -> Html:
    return element("ul", *(element("li", item) for item in items), class_="plain")


def tag(word: str, kind: str) -> Html:
    return element("span", word, class_=f"tag {kind}")


def mono(word: str) -> Html:
    return element("code", text(word))
