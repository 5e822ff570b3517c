"""The summary of flow logs as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TextIO

from rich.console import Group, RenderableType
from rich.text import Text

from sgsim.model import Direction, LogSkip, RecordVerdict
from sgsim.reports.flowlogs.disagreements import Cause, Disagreement, Example
from sgsim.reports.flowlogs.summary import LogGate, LogSummary
from sgsim.reports.table import (
    ALLOWED,
    DROPPED,
    FAINT,
    HEADING,
    MOST_INTERFACES,
    MOST_NAMES,
    MOST_RULES,
    count_text,
    gate_text,
    grid,
    more_text,
    names_text,
    number_text,
    print_parts,
)
from sgsim.reports.wording import interface_text, protocol_text, rule_text, socket_text

POSSIBLE = "yellow"

CAUSE_WORDS = {
    Cause.PUBLIC_ACCESS_BLOCKED: "VPC block public access (reject-reason BPA)",
    Cause.RULE_NEWER: "the rule may be newer than the log: AWS accepted nothing under it; or a network ACL",
    Cause.NETWORK_ACL: "a network ACL: AWS accepted other traffic under the same rule, or no group filters it",
    Cause.REPLY_REFUSED: "a network ACL refuses the answer, or the connection was gone",
    Cause.CONNECTION_GONE: "packets after the connection was closed or idle (no SYN among them)",
    Cause.UNRESOLVED: "a rule might admit it whose peer the snapshot does not say",
    Cause.EMPTY_GROUP: "a rule names a group that has no members in the snapshot",
    Cause.FLOW_OLDER: "its connection may be older than the log, or its other half is not in it",
    Cause.ICMP_ERROR: "it may be an ICMP error about a connection",
    Cause.FOLLOWS: "belongs to a connection whose beginning these rules drop",
    Cause.RULES_DIFFER: "no rule admits it: rules, groups or members were others then",
}

SKIP_WORDS = {
    LogSkip.NO_DATA: "without traffic (NODATA)",
    LogSkip.SKIP_DATA: "for skipped data (SKIPDATA)",
    LogSkip.MALFORMED: "malformed",
    LogSkip.NOT_IP: "not IP (EFA)",
    LogSkip.NO_INTERFACE: "of other interfaces",
    LogSkip.LOCAL: "within one interface",
    LogSkip.UNCLEAR: "of unclear direction",
}


def print_log_summary(summary: LogSummary, file: TextIO) -> None:
    """Print it; colours only on a terminal that wants them (``NO_COLOR``)."""
    parts = (_totals(summary), _disagreements(summary), _interfaces(summary), _rules(summary), _remarks(summary))
    print_parts([part for part in parts if part is not None], file)


def _totals(summary: LogSummary) -> RenderableType:
    text = Text()
    logs = summary.logs[0] if len(summary.logs) == 1 else f"{len(summary.logs):,} logs"
    text.append(logs, HEADING).append(f": {count_text(summary.records, 'record')}, {summary.judged:,} judged: ")
    words = (("allowed", RecordVerdict.ALLOW, ALLOWED), ("dropped", RecordVerdict.DROP, DROPPED))
    for word, verdict, colour in (*words, ("possible", RecordVerdict.POSSIBLE, POSSIBLE)):
        count = summary.by_verdict[verdict]
        text.append(f"{count:,} {word}", colour if count else FAINT)
        text.append("" if verdict is RecordVerdict.POSSIBLE else ", ")
    lines = [text]
    if summary.span is not None:
        lines.append(Text(f"From {_time(summary.span[0])} to {_time(summary.span[1])}"))
    lines.append(Text(f"{summary.seconds:.2f} s, {_rate(summary.records_per_second)}", FAINT))
    return Group(*lines)


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _rate(per_second: float) -> str:
    return f"{per_second / 1e6:.1f} M records/s" if per_second >= 1e6 else f"{per_second:,.0f} records/s"


# --- disagreements ----------------------------------------------------------------------------------------------------


def _disagreements(summary: LogSummary) -> RenderableType | None:
    if not any(sum(verdicts.values()) for action, verdicts in summary.actions.items() if action != "-"):
        return Text("The log does not say what AWS did (no action): nothing to compare.") if summary.judged else None
    if not summary.disagreements:
        return Text("No verdict disagrees with what AWS did.", ALLOWED)
    parts: list[RenderableType] = [Text(f"{count_text(summary.disagreeing, 'record')} disagree with AWS", HEADING)]
    for allowed, title in ((True, "allowed here, rejected by AWS"), (False, "dropped here, accepted by AWS")):
        found = [each for each in summary.disagreements if each.allowed is allowed]
        if found:
            parts += _cause_lines(found, title, summary)
    return Group(*parts)


def _cause_lines(found: Sequence[Disagreement], title: str, summary: LogSummary) -> Iterator[RenderableType]:
    yield Text(f"{sum(each.records for each in found):,} {title}", DROPPED)
    for each in found:
        yield Text(f"{each.records:>9,}  {CAUSE_WORDS[each.cause]}")
        for example in each.examples:
            yield Text(f"           {_example(example, summary)}", FAINT)


def _example(example: Example, summary: LogSummary) -> str:
    way = gate_text(example.interface, example.direction)
    path = f"{socket_text(example.src, example.src_port)} -> {socket_text(example.dst, example.dst_port)}"
    rule = f", {example.rule.rule_id}" if example.rule is not None else ""
    log = "" if len(summary.logs) == 1 else f"{example.log} "
    times = f"{example.records:,} x " if example.records > 1 else ""
    return f"{times}{way}: {protocol_text(example.protocol)} {path}{rule} ({log}line {example.line})"


# --- interfaces and rules ---------------------------------------------------------------------------------------------


def _interfaces(summary: LogSummary) -> RenderableType | None:
    """Those with most disagreements first, then most dropped; quiet ones are only counted."""
    by_interface: dict[str, list[LogGate]] = {}
    for gate in summary.by_interface:
        by_interface.setdefault(gate.interface.interface_id, []).append(gate)
    busy = [gates for gates in by_interface.values() if any(g.allowed or g.dropped or g.possible for g in gates)]
    if not busy:
        return None
    busy.sort(key=lambda gates: [-sum(counts) for counts in zip(*map(_urgency, gates), strict=True)])
    headings = ("allowed", "dropped", "possible")
    columns = [(f"{way}: {headings[0]}" if not n else headings[n], True) for way in ("in", "out") for n in range(3)]
    table = grid("By interface", ("", False), *columns, ("disagree", True))
    for gates in busy[:MOST_INTERFACES]:
        cells = []
        for gate in sorted(gates, key=lambda gate: gate.direction is not Direction.INGRESS):
            cells += [number_text(gate.allowed, ALLOWED), number_text(gate.dropped, DROPPED)]
            cells.append(number_text(gate.possible, POSSIBLE))
        against = number_text(sum(gate.disagreements for gate in gates), DROPPED)
        table.add_row(interface_text(gates[0].interface), *cells, against)
    more = more_text(len(busy) - MOST_INTERFACES, "interface")
    quiet = more_text(len(by_interface) - len(busy), "interface", "without a record")
    return Group(table, *(Text(line, FAINT) for line in (more, quiet) if line))


def _urgency(gate: LogGate) -> tuple[int, int, int]:
    return gate.disagreements, gate.dropped, gate.allowed


def _rules(summary: LogSummary) -> RenderableType | None:
    """Rules that no record was credited to over the time of the logs."""
    unused = summary.unused
    if not unused or not summary.judged:
        return None
    title = f"{len(unused):,} of {count_text(len(summary.rules), 'rule')} used by no record"
    table = grid(title, ("", False), ("", False), ("", False))
    table.show_header = False
    for rule in unused[:MOST_RULES]:
        group = "" if rule.rule_id.startswith(rule.group_id) else rule.group_id
        table.add_row(rule.rule_id, rule_text(rule, summary.topology), group)
    more = more_text(len(unused) - MOST_RULES, "rule")
    return Group(table, *([Text(more, FAINT)] if more else []))


# --- remarks ----------------------------------------------------------------------------------------------------------


def _remarks(summary: LogSummary) -> RenderableType | None:
    lines = [*_skipped(summary), *doubts(summary)]
    if summary.warnings:
        lines.append(f"{count_text(len(summary.warnings), 'warning')} on standard error.")
    return Group(*(Text(line) for line in lines)) if lines else None


def _skipped(summary: LogSummary) -> Iterator[str]:
    skipped = sum(summary.skipped.values())
    if skipped:
        parts = [f"{summary.skipped[skip]:,} {words}" for skip, words in SKIP_WORDS.items() if summary.skipped[skip]]
        yield f"Not judged: {count_text(skipped, 'record')}: {', '.join(parts)}."
    if summary.strangers:
        shown = [f"{each.eni} ({each.records:,})" for each in summary.strangers[:MOST_NAMES]]
        rest = len(summary.strangers) - MOST_NAMES
        yield f"Other interfaces: {', '.join(shown)}{f' and {rest} more' if rest > 0 else ''}."
        if not any(each.known for each in summary.strangers):
            yield "They are not in the snapshot: it is of another time, account, Region or VPC than these records."
    if not summary.judged and summary.records:
        yield "Nothing was judged: no record is of an interface of the snapshot."
    if summary.skipped[LogSkip.UNCLEAR]:
        yield "Of unclear direction: neither address is the interface's, or both ends are known: add flow-direction."
    if summary.skipped[LogSkip.SKIP_DATA]:
        yield "AWS skipped data: there was traffic that is not in the log."


def doubts(summary: LogSummary) -> Iterator[str]:
    """What whoever reads the numbers should know."""
    if summary.by_verdict[RecordVerdict.POSSIBLE]:
        yield "Possible: the record does not say enough (the type of ICMP, or which side asked); see docs/flowlogs.md."
    if summary.midstream_flows:
        flows = count_text(summary.midstream_flows, "dropped record")
        yield f"{flows} may belong to connections older than the log (--midstream assume lets TCP pass)."
    if summary.other_addresses:
        records = count_text(summary.other_addresses, "record")
        yield f"{records} of addresses that their interface does not have in the snapshot."
    if summary.reordered:
        late = count_text(summary.reordered, "packet")
        yield f"{late} too far out of order: judged at the time of the latest one before."
    if summary.stale:
        yield f"Stale, matching nothing: {names_text(summary.stale)}."
    if summary.unresolved:
        yield f"Unresolved, matching nothing: {names_text(summary.unresolved)}."
