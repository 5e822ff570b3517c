"""The tables that pages of replays and of flow logs have both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sgsim.layout import FIRST_DROP, REASONS
from sgsim.model import Address, Direction, Interface, Reason, Rule, Topology
from sgsim.reports.page.charts import share
from sgsim.reports.page.markup import Child, Html, element, join
from sgsim.reports.page.tables import Cell, Column, Number, folded, listed, mono, table, tag
from sgsim.reports.wording import REASON_WORDS, interface_text, protocol_text, rule_text, socket_text

MOST_ROWS = 500  # of a table: all of it is in the summary's JSON
MOST_WARNINGS = 100


class Tile(NamedTuple):
    """A number that the page begins with; ``kind`` is its colour."""

    title: str
    number: int | str
    more: str = ""
    kind: str = ""


def tiles(these: Iterable[Tile]) -> Html:
    cells = []
    for title, number, more, kind in these:
        shown = number if isinstance(number, str) else f"{number:,}"
        value = element("dd", element("b", shown), element("small", more) if more else None)
        cells.append(element("div", element("dt", title), value, class_=kind or None))
    return element("dl", *cells, class_="tiles")


def reasons(by_reason: Mapping[str, int], unit: str) -> Html:
    """Every reason that something has, the most frequent first."""
    total = sum(by_reason.values())
    rows = []
    for name, count in sorted(by_reason.items(), key=lambda item: -item[1]):
        reason = Reason(name)
        kind = "allowed" if REASONS.index(reason) < FIRST_DROP else "dropped"
        if count:
            part = Number(count / total, shown=join(percent(count, total), share(count, total, kind)))
            rows.append((name, tag(kind, kind), Number(count), part, REASON_WORDS[reason]))
    columns = (
        Column("Reason"),
        Column("Verdict"),
        Column(unit.capitalize(), number=True),
        Column("Share"),
        Column("Meaning", wide=True),
    )
    return table(f"Why {unit} passed, and why they did not", columns, rows)


class Flow(NamedTuple):
    interface: Interface
    direction: Direction
    protocol: int
    src: Address
    dst: Address
    dst_port: int | None
    reason: Reason
    number: int


def dropped_flows(flows: Sequence[Flow], other: int, unit: str) -> Html:
    """The largest, and how many belong to flows that were not told apart."""
    if not flows:
        return element("p", "Nothing was dropped.")
    rest = element("p", f"{other:,} more {unit} of flows beyond those that are told apart.") if other else None
    caption = f"Dropped {unit} by gate, ends, port and reason; the largest {len(flows)}"
    return join(flow_table(flows, caption, unit), rest)


def flow_table(flows: Sequence[Flow], caption: str, unit: str) -> Html:
    rows = (
        (
            interface_text(flow.interface),
            str(flow.direction),
            Number(flow.number, "dropped"),
            protocol_text(flow.protocol),
            mono(str(flow.src)),
            mono(socket_text(flow.dst, flow.dst_port)),
            join(str(flow.reason), Html("<br/>"), element("span", REASON_WORDS[flow.reason], class_="soft")),
        )
        for flow in flows
    )
    number = Column(unit.capitalize(), number=True)
    columns = (Column("Interface"), Column("Direction"), number, *map(Column, ("Protocol", "From", "To")))
    return table(caption, (*columns, Column("Reason", wide=True)), rows)


class RuleUse(NamedTuple):
    """``used``: something passed by it, or may have."""

    rule: Rule
    used: bool
    cells: Sequence[Cell]


def rules(uses: Sequence[RuleUse], topology: Topology, columns: Sequence[Column], unit: str) -> Html:
    """Those that nothing used, then the others, in snapshot order."""
    used = [each for each in uses if each.used]
    unused = [each for each in uses if not each.used]
    first = (Column("Rule"), Column("Group"), Column("Direction"), Column("Admits", wide=True))
    parts: list[Child] = []
    if unused:
        rows = (_rule_cells(each.rule, topology) for each in unused[:MOST_ROWS])
        caption = f"{len(unused):,} of {len(uses):,} rules that no {unit} used{_more(len(unused))}"
        parts += [element("h3", "Never used", id="never-used"), table(caption, first, rows)]
    elif uses:
        parts.append(element("p", f"Each of the {len(uses):,} rules was used."))
    if used:
        rows_used = ((*_rule_cells(each.rule, topology), *each.cells) for each in used[:MOST_ROWS])
        caption = f"{len(used):,} rules: what they admitted, and what followed on connections{_more(len(used))}"
        parts += [element("h3", "Used"), table(caption, (*first, *columns), rows_used)]
    return join(*parts) if parts else element("p", "The interfaces have no rules.")


def _rule_cells(rule: Rule, topology: Topology) -> tuple[Cell, ...]:
    group = topology.groups.get(rule.group_id)
    name = f"{group.name} ({rule.group_id})" if group and group.name and group.name != rule.group_id else rule.group_id
    return mono(rule.rule_id), name, str(rule.direction), rule_text(rule, topology)


def _more(number: int) -> str:
    return f"; the first {MOST_ROWS} are shown, --json of the summary lists all" if number > MOST_ROWS else ""


def remarks(
    inputs: Sequence[str], skipped: Mapping[str, int], doubts: Sequence[str], warnings: Sequence[str], unit: str
) -> Html:
    """What was read, what of it was not judged, and what was doubtful. ``skipped``: words and how many."""
    parts: list[Child] = [element("h3", "Read"), listed(map(mono, inputs[:MOST_ROWS]))]
    found = [(words, Number(count)) for words, count in skipped.items() if count]
    if found:
        columns = (Column("What they are"), Column(unit.capitalize(), number=True))
        parts += [element("h3", "Not judged"), table(f"{unit.capitalize()} without a verdict", columns, found)]
    if doubts:
        parts += [element("h3", "To keep in mind"), listed(doubts)]
    if warnings:
        title = f"{len(warnings):,} warning" + ("s" if len(warnings) != 1 else "")
        shown = listed(warnings[:MOST_WARNINGS])
        parts += [element("h3", "Warnings"), shown if len(warnings) <= 5 else folded(title, shown)]
    return join(*parts)


def percent(part: int, whole: int) -> str:
    """``12.5 %``; what is there is never 0, what is not all never 100."""
    value = 100 * part / whole if whole else 0.0
    if 0 < value < 0.1:
        return "< 0.1 %"
    if 99.9 < value < 100:
        return "> 99.9 %"
    return f"{value:.1f} %" if 0 < value < 100 else f"{value:.0f} %"
