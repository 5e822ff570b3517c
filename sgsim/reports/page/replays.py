"""The page of a replay."""

from __future__ import annotations

from collections.abc import Sequence

from sgsim.model import Skip
from sgsim.reports.page.axes import Span, length_text, time_of
from sgsim.reports.page.charts import Mark, numbers_of, steps
from sgsim.reports.page.document import Section, document
from sgsim.reports.page.lists import (
    MOST_ROWS,
    Flow,
    RuleUse,
    Tile,
    dropped_flows,
    flow_table,
    percent,
    reasons,
    remarks,
    rules,
    tiles,
)
from sgsim.reports.page.markup import Html, element, join
from sgsim.reports.page.matrix import matrix
from sgsim.reports.page.tables import Cell, Column, Number, folded, mono, table, tag
from sgsim.reports.page.traffic import by_interface, over_time, span_of
from sgsim.reports.series.occupancy import Occupancy
from sgsim.reports.series.packets import VERDICTS, PacketSeries
from sgsim.reports.summary import GateCount, RuleCount, Summary, place_text
from sgsim.reports.table import SKIP_WORDS, count_text, doubts, effect_of, subject
from sgsim.reports.wording import interface_text, time_text
from sgsim.timeline import Outcome

UNIT = "observations"
MOST_MARKS = 60


def replay_page(summary: Summary, series: PacketSeries, occupancy: Occupancy, snapshot: str) -> bytes:
    """One HTML file. Nothing in it depends on the engine, the threads, or when it was made."""
    span = span_of(series.gates)
    marks = _marks(summary.changes, span)
    sections = [
        Section("time", "Over time", "Allowed and dropped over time", _time(summary, series, marks)),
        Section("interfaces", "Interfaces", "By interface", _interfaces(summary, series)),
        Section("reasons", "Reasons", "Reasons", reasons(summary.by_reason, UNIT)),
        Section("dropped", "Dropped flows", "Largest dropped flows", _dropped(summary)),
        Section(
            "talk",
            "Who talks to whom",
            "Who talks to whom",
            matrix(series.interfaces, summary.topology, series.parties, series.pairs, VERDICTS, "packets"),
        ),
        Section("rules", "Rules", "Rules", _rules(summary)),
        Section("connections", "Connections", "Connections tracked", _connections(summary, occupancy, span, marks)),
    ]
    if summary.changes:
        sections.append(Section("changes", "Changes", "Changes meanwhile", _changes(summary, marks)))
    skipped = {words: summary.skipped[Skip(skip)] for skip, words in SKIP_WORDS.items()}
    body = remarks(summary.captures, skipped, list(doubts(summary)), summary.warnings, "packets")
    sections.append(Section("input", "Input", "What this was made of", body))
    return document("Security group replay", _about(summary, span, snapshot), sections)


def _about(summary: Summary, span: Span, snapshot: str) -> Html:
    captures = summary.captures[0] if len(summary.captures) == 1 else f"{len(summary.captures):,} captures"
    when = ""
    if span.intervals:
        when = f", {time_of(span.first_ns, span.width_ns)} to {time_of(span.end_ns, span.width_ns)} UTC"
    unused = sum(not count.packets for count in summary.rules)
    total = summary.observations
    return join(
        element("p", f"{captures} against {snapshot}{when}"),
        tiles(
            (
                Tile("Packets", summary.packets, f"{sum(summary.skipped.values()):,} not judged"),
                Tile("Observations", total, "a packet at one interface, one way"),
                Tile("Allowed", summary.allowed, percent(summary.allowed, total) if total else "", "allowed"),
                Tile("Dropped", summary.dropped, percent(summary.dropped, total) if total else "", "dropped"),
                Tile("Connections", summary.opened, f"opened; {summary.live:,} live at the end"),
                Tile("Rules never used", unused, f"of {len(summary.rules):,}"),
            )
        ),
    )


def _time(summary: Summary, series: PacketSeries, marks: Sequence[Mark]) -> Html:
    if not summary.observations:
        return element("p", "No packet of these captures was judged: see what this was made of, below.")
    return over_time(series.gates, VERDICTS, UNIT, "by the clock of the stream", marks)


def _interfaces(summary: Summary, series: PacketSeries) -> Html:
    gates = sorted(summary.by_interface, key=lambda gate: (-gate.dropped, -gate.allowed))
    rows = (_gate_row(gate) for gate in gates[:MOST_ROWS])
    columns = (
        Column("Interface"),
        Column("Direction"),
        Column("Allowed", number=True),
        Column("Dropped", number=True),
        Column("Dropped share", number=True),
    )
    more = f"; the first {MOST_ROWS} of {len(gates):,}" if len(gates) > MOST_ROWS else ""
    caption = f"Observations by interface and direction, most dropped first{more}"
    drawn = by_interface(series.gates, series.interfaces, VERDICTS, UNIT) if summary.observations else None
    return join(drawn, table(caption, columns, rows))


def _gate_row(gate: GateCount) -> tuple[Cell, ...]:
    total = gate.allowed + gate.dropped
    part = Number(gate.dropped / total if total else 0, shown=percent(gate.dropped, total) if total else "-")
    name = interface_text(gate.interface)
    return name, str(gate.direction), Number(gate.allowed, "allowed"), Number(gate.dropped, "dropped"), part


def _dropped(summary: Summary) -> Html:
    every = dropped_flows([Flow(*flow) for flow in summary.dropped_flows], summary.dropped_flows_other, UNIT)
    if summary.causes == summary.dropped_flows or not summary.causes:
        return every
    causes = [Flow(*flow) for flow in summary.causes]
    words = f"The same without not_reached, which follows from others; the largest {len(causes)}"
    return join(element("h3", "Where it began"), flow_table(causes, words, UNIT), element("h3", "All"), every)


def _rules(summary: Summary) -> Html:
    columns = (
        Column("Connections", number=True),
        Column("Observations", number=True),
        Column("Bytes", number=True),
        Column("First used (UTC)"),
        Column("Last used (UTC)"),
    )
    return rules([_rule_use(count) for count in summary.rules], summary.topology, columns, "packet")


def _rule_use(count: RuleCount) -> RuleUse:
    times = tuple(
        "" if time is None else time_text(time, milliseconds=True).removesuffix(" UTC")
        for time in (count.first_time_ns, count.last_time_ns)
    )
    cells: tuple[Cell, ...] = (Number(count.flows), Number(count.packets), Number(count.bytes), *times)
    return RuleUse(count.rule, bool(count.packets), cells)


def _connections(summary: Summary, occupancy: Occupancy, span: Span, marks: Sequence[Mark]) -> Html:
    facts = f"{summary.opened:,} opened, {summary.live:,} live at the end."
    if summary.replaced:
        facts += f" {summary.replaced:,} of them took the place of one that was closing."
    if not span.intervals:
        return element("p", facts)
    counts = occupancy.by_interval(*span)
    words = "Connections that are not idle, over all interfaces, after the last packet of each interval"
    caption = element("figcaption", element("b", words), f" of {length_text(span.width_ns)}, UTC")
    title = f"{words}: most {max(counts):,}, {counts[-1]:,} at the end"
    figure = element("figure", caption, numbers_of(marks, span), steps(title, "connections", span, counts, marks))
    rows = (
        (time_of(span.first_ns + place * span.width_ns, span.width_ns), Number(count))
        for place, count in enumerate(counts)
        if not place or count != counts[place - 1]
    )
    columns = (Column("From (UTC)"), Column("Connections", number=True))
    numbers = table("Connections; intervals that change nothing are left out", columns, rows)
    return join(element("p", facts), figure, folded("These numbers as a table", numbers))


# --- changes ----------------------------------------------------------------------------------------------------------


def _marks(changes: Sequence[Outcome], span: Span) -> list[Mark]:
    """The changes that were carried out, by their numbers in the table."""
    found = []
    for number, outcome in enumerate(changes, 1):
        if outcome.applied and outcome.at_ns is not None and span.intervals and span.holds(outcome.at_ns):
            found.append(Mark(number, outcome.at_ns, f"{number}: {outcome.change.call} {subject(outcome)}"))
    return found[:MOST_MARKS]


def _changes(summary: Summary, marks: Sequence[Mark]) -> Html:
    columns = (
        Column("No."),
        Column("At (UTC)"),
        Column("Call"),
        Column("Of"),
        Column("What it did", wide=True),
        Column("Where it is written", wide=True),
    )
    rows = (_change_row(number, outcome) for number, outcome in enumerate(summary.changes[:MOST_ROWS], 1))
    more = f", the first {MOST_ROWS}" if len(summary.changes) > MOST_ROWS else ""
    lead = f"{count_text(len(summary.changes), 'change')}, {len(marks):,} of them on the time line."
    return join(element("p", lead, class_="soft"), table(f"Changes in the order of time{more}", columns, rows))


def _change_row(number: int, outcome: Outcome) -> tuple[Cell, ...]:
    at = "-" if outcome.at_ns is None else time_text(outcome.at_ns, milliseconds=True).removesuffix(" UTC")
    effect = effect_of(outcome).plain
    shown: Cell = effect
    if outcome.refusal is not None:
        shown = join(tag(effect, "dropped"), Html("<br/>"), element("span", outcome.refusal[1], class_="soft"))
    return str(number), at, mono(outcome.change.call), subject(outcome), shown, place_text(outcome.change.place)
