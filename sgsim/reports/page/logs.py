"""The page of judged flow logs."""

from __future__ import annotations

from sgsim.model import RecordVerdict
from sgsim.reports.flowlogs.summary import LogGate, LogRule, LogSummary
from sgsim.reports.flowlogs.table import CAUSE_WORDS, SKIP_WORDS, doubts
from sgsim.reports.page.axes import Span
from sgsim.reports.page.document import Section, document
from sgsim.reports.page.lists import (
    MOST_ROWS,
    Flow,
    RuleUse,
    Tile,
    dropped_flows,
    percent,
    reasons,
    remarks,
    rules,
    tiles,
)
from sgsim.reports.page.markup import Html, element, join
from sgsim.reports.page.matrix import matrix
from sgsim.reports.page.tables import Cell, Column, Number, table
from sgsim.reports.page.traffic import by_interface, over_time, span_of
from sgsim.reports.series.records import VERDICTS, RecordSeries
from sgsim.reports.wording import interface_text, time_text

UNIT = "records"
MOST_FLOWS = 20
_SECOND = 1_000_000_000


def log_page(summary: LogSummary, series: RecordSeries, snapshot: str) -> bytes:
    """One HTML file. Nothing in it depends on the engine, or when it was made."""
    skipped = {SKIP_WORDS[skip]: count for skip, count in summary.skipped.items()}
    talk = matrix(series.interfaces, summary.topology, series.parties, series.pairs, VERDICTS, UNIT)
    sections = [
        Section("time", "Over time", "Allowed and dropped over time", _time(summary, series)),
        Section("interfaces", "Interfaces", "By interface", _interfaces(summary, series)),
        Section("aws", "AWS", "What AWS did", _disagreements(summary)),
        Section("reasons", "Reasons", "Reasons", reasons(summary.by_reason, UNIT)),
        Section("dropped", "Dropped flows", "Largest dropped flows", _dropped(series)),
        Section("talk", "Who talks to whom", "Who talks to whom", talk),
        Section("rules", "Rules", "Rules", _rules(summary)),
        Section(
            "input",
            "Input",
            "What this was made of",
            remarks(summary.logs, skipped, list(doubts(summary)), summary.warnings, UNIT),
        ),
    ]
    return document("Security groups and flow logs", _about(summary, span_of(series.gates), snapshot), sections)


def _about(summary: LogSummary, span: Span, snapshot: str) -> Html:
    logs = summary.logs[0] if len(summary.logs) == 1 else f"{len(summary.logs):,} logs"
    when = ""
    if summary.span is not None:
        first, last = (time_text(seconds * _SECOND).removesuffix(" UTC") for seconds in summary.span)
        when = f", {first} to {last} UTC"
    counts = summary.by_verdict
    judged = summary.judged
    shown = [
        Tile("Records", summary.records, f"{sum(summary.skipped.values()):,} not judged"),
        *(
            Tile(name.capitalize(), counts[verdict], percent(counts[verdict], judged) if judged else "", name)
            for name, verdict in zip(VERDICTS, RecordVerdict, strict=True)
        ),
        Tile("AWS did otherwise", summary.disagreeing, "records"),
        Tile("Rules never used", len(summary.unused), f"of {len(summary.rules):,}"),
    ]
    return join(element("p", f"{logs} against {snapshot}{when}"), tiles(shown))


def _time(summary: LogSummary, series: RecordSeries) -> Html:
    if not summary.judged:
        return element("p", "No record of these logs was judged: see what this was made of, below.")
    return over_time(series.gates, VERDICTS, UNIT, "each record counted where it starts", ())


def _interfaces(summary: LogSummary, series: RecordSeries) -> Html:
    gates = sorted(summary.by_interface, key=lambda gate: (-gate.dropped, -gate.allowed))
    columns = (
        Column("Interface"),
        Column("Direction"),
        *(Column(verdict.capitalize(), number=True) for verdict in VERDICTS),
        Column("AWS did otherwise", number=True),
    )
    more = f"; the first {MOST_ROWS} of {len(gates):,}" if len(gates) > MOST_ROWS else ""
    rows = (_gate_row(gate) for gate in gates[:MOST_ROWS])
    drawn = by_interface(series.gates, series.interfaces, VERDICTS, UNIT) if summary.judged else None
    return join(drawn, table(f"Records by interface and direction, most dropped first{more}", columns, rows))


def _gate_row(gate: LogGate) -> tuple[Cell, ...]:
    counts = zip((gate.allowed, gate.dropped, gate.possible), VERDICTS, strict=True)
    cells = (Number(count, kind) for count, kind in counts)
    return interface_text(gate.interface), str(gate.direction), *cells, Number(gate.disagreements)


def _disagreements(summary: LogSummary) -> Html:
    if not any(sum(verdicts.values()) for action, verdicts in summary.actions.items() if action != "-"):
        return element("p", "The log does not say what AWS did (no action): nothing to compare.")
    if not summary.disagreements:
        return element("p", "No verdict disagrees with what AWS did.")
    rows = (
        (
            "allowed here, rejected by AWS" if each.allowed else "dropped here, accepted by AWS",
            CAUSE_WORDS[each.cause],
            Number(each.records),
            Number(each.packets),
            Number(each.bytes),
        )
        for each in summary.disagreements
    )
    numbers = (Column(name, number=True) for name in ("Records", "Packets", "Bytes"))
    caption = f"{summary.disagreeing:,} records where AWS did otherwise, by the likely cause"
    return table(caption, (Column("What"), Column("Likely cause", wide=True), *numbers), rows)


def _dropped(series: RecordSeries) -> Html:
    return dropped_flows([Flow(*flow) for flow in series.dropped_flows(MOST_FLOWS)], series.dropped_other, UNIT)


def _rules(summary: LogSummary) -> Html:
    names = ("Records", "Only perhaps", "Connections", "Packets", "Bytes")
    columns = (*(Column(name, number=True) for name in names), Column("First used (UTC)"), Column("Last used (UTC)"))
    return rules([_rule_use(count) for count in summary.rules], summary.topology, columns, "record")


def _rule_use(count: LogRule) -> RuleUse:
    times = tuple(
        "" if time is None else time_text(time * _SECOND).removesuffix(" UTC") for time in (count.first, count.last)
    )
    numbers = (count.records, count.perhaps, count.flows, count.packets, count.bytes)
    return RuleUse(count.rule, bool(count.records or count.perhaps), (*map(Number, numbers), *times))
