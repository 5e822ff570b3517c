"""The summary as people read it; the only place, beside the progress bar, that imports rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from sgsim.model import Direction, Interface, Reason, Skip, TcpPickup
from sgsim.reports.summary import GateCount, Stranger, Summary
from sgsim.reports.tally import DroppedFlow
from sgsim.reports.wording import REASON_WORDS, interface_text, protocol_text, rule_text, socket_text, time_text
from sgsim.timeline import Outcome

MOST_INTERFACES, MOST_FLOWS, MOST_CHANGES, MOST_RULES, MOST_NAMES = 10, 8, 12, 5, 5
PLAIN_WIDTH = 120  # columns, where the output is no terminal
ALLOWED, DROPPED, HEADING, FAINT = "green", "red", "bold", "dim"

SUBJECTS = (
    "GroupId",
    "GroupName",
    "NetworkInterfaceId",
    "InstanceId",
    "PrefixListId",
    "VpcPeeringConnectionId",
    "VpcId",
)
SKIP_WORDS = {
    Skip.NOT_IP: "not IP",
    Skip.LOCAL: "within one interface",
    Skip.NO_INTERFACE: "to and from others",
    Skip.MALFORMED: "malformed",
    Skip.TRUNCATED: "cut off by the snap length",
    Skip.UNSUPPORTED_LINK: "of an unsupported link type",
}


def print_summary(summary: Summary, file: TextIO) -> None:
    """Print the summary; colours only on a terminal that wants them (``NO_COLOR``)."""
    parts = (
        _totals(summary),
        _interfaces(summary),
        _dropped(summary),
        _changes(summary),
        _rules(summary),
        _remarks(summary),
    )
    print_parts([part for part in parts if part is not None], file)


def print_parts(parts: Sequence[RenderableType], file: TextIO) -> None:
    """Print the parts of a report, a blank line between them."""
    width = None if file.isatty() else PLAIN_WIDTH
    console = Console(file=file, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)
    with console.capture() as printed:  # rich would end the process itself where the reader is gone
        for n, part in enumerate(parts):
            if n:
                console.print()
            console.print(part)
    file.write("".join(f"{line.rstrip()}\n" for line in printed.get().splitlines()))


def _totals(summary: Summary) -> RenderableType:
    text = Text()
    captures = summary.captures[0] if len(summary.captures) == 1 else f"{len(summary.captures)} captures"
    text.append(captures, HEADING).append(f": {count_text(summary.packets, 'packet')}, ")
    text.append(f"{count_text(summary.observations, 'observation')}: ")
    text.append(f"{summary.allowed:,} allowed", ALLOWED if summary.allowed else FAINT).append(", ")
    text.append(f"{summary.dropped:,} dropped", DROPPED if summary.dropped else FAINT)
    connections = Text(f"Connections: {summary.opened:,} opened, {summary.live:,} live at the end")
    if summary.replaced:
        connections.append(f", {summary.replaced:,} of them reopened on a closing one")
    return Group(text, connections, Text(f"{summary.seconds:.2f} s, {_rate(summary.packets_per_second)}", FAINT))


def count_text(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _rate(packets_per_second: float) -> str:
    if packets_per_second >= 1e6:
        return f"{packets_per_second / 1e6:.1f} M packets/s"
    return f"{packets_per_second:,.0f} packets/s"


def grid(title: str, *columns: tuple[str, bool]) -> Table:
    """A table without lines; ``columns`` are their headings, and whether they hold numbers."""
    table = Table(title=title, title_justify="left", title_style=HEADING, box=None, pad_edge=False, header_style=FAINT)
    for heading, is_number in columns:
        table.add_column(
            heading, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold", min_width=7
        )
    return table


# --- interfaces -------------------------------------------------------------------------------------------------------


def _interfaces(summary: Summary) -> RenderableType | None:
    """Those with most dropped first, then those with most observations; quiet ones are only counted."""
    by_interface: dict[str, list[GateCount]] = {}
    for gate in summary.by_interface:
        by_interface.setdefault(gate.interface.interface_id, []).append(gate)
    busy = [gates for gates in by_interface.values() if any(gate.allowed or gate.dropped for gate in gates)]
    if not busy:
        return None
    busy.sort(key=lambda gates: (-sum(g.dropped for g in gates), -sum(g.allowed for g in gates)))
    table = grid(
        "By interface", ("", False), ("in: allowed", True), ("dropped", True), ("out: allowed", True), ("dropped", True)
    )
    for gates in busy[:MOST_INTERFACES]:
        cells = [
            cell
            for gate in sorted(gates, key=_ingress_first)
            for cell in (number_text(gate.allowed, ALLOWED), number_text(gate.dropped, DROPPED))
        ]
        table.add_row(interface_text(gates[0].interface), *cells)
    more = more_text(len(busy) - MOST_INTERFACES, "interface")
    quiet = more_text(len(by_interface) - len(busy), "interface", "without a packet")
    return Group(table, *(Text(line, FAINT) for line in (more, quiet) if line))


def _ingress_first(gate: GateCount) -> bool:
    return gate.direction is not Direction.INGRESS


def number_text(number: int, style: str) -> Text:
    return Text(f"{number:,}", style) if number else Text("-", FAINT)


def more_text(number: int, noun: str, what: str = "more") -> str:
    return (
        f"and {count_text(number, noun)} {what}".replace(f"{noun} more", f"more {noun}").replace(
            f"{noun}s more", f"more {noun}s"
        )
        if number > 0
        else ""
    )


# --- what was dropped -------------------------------------------------------------------------------------------------


def _dropped(summary: Summary) -> RenderableType | None:
    """What the gates dropped; what would not exist then (replies, data of dropped connections) is only counted."""
    if not summary.dropped:
        return None
    table = grid("Dropped most", ("packets", True), ("at", False), ("", False), ("why", False))
    shown = summary.causes[:MOST_FLOWS]
    for flow in shown:
        why = REASON_WORDS[flow.reason]
        table.add_row(Text(f"{flow.packets:,}", DROPPED), gate_text(flow.interface, flow.direction), _flow(flow), why)
    followers = summary.by_reason[Reason.NOT_REACHED]
    rest = summary.dropped - followers - sum(flow.packets for flow in shown)
    lines = [f"and {count_text(rest, 'packet')} of other flows"] if rest else []
    if followers:
        lines.append(
            f"and {count_text(followers, 'packet')} that would not be there, or arrive, without them (not_reached)"
        )
    return Group(table, *(Text(line, FAINT) for line in lines))


def gate_text(interface: Interface, direction: Direction) -> str:
    return f"{interface.name or interface.interface_id} {'in' if direction is Direction.INGRESS else 'out'}"


def _flow(flow: DroppedFlow) -> str:
    return f"{protocol_text(flow.protocol)} {flow.src} -> {socket_text(flow.dst, flow.dst_port)}"


# --- changes ----------------------------------------------------------------------------------------------------------


def _changes(summary: Summary) -> RenderableType | None:
    """What became of each change, in the order of time."""
    if not summary.changes:
        return None
    table = grid("Changes", ("at", False), ("call", False), ("of", False), ("what it did", False))
    for outcome in summary.changes[:MOST_CHANGES]:
        at = "-" if outcome.at_ns is None else time_text(outcome.at_ns, milliseconds=True)
        table.add_row(at, outcome.change.call, subject(outcome), effect_of(outcome))
    more = more_text(len(summary.changes) - MOST_CHANGES, "change")
    return Group(table, *([Text(more, FAINT)] if more else []))


def subject(outcome: Outcome) -> str:
    """The id that the call is about."""
    params = outcome.change.params
    return next((str(params[name]) for name in SUBJECTS if name in params), "")


def effect_of(outcome: Outcome) -> Text:
    """What it did, or why it did nothing."""
    if outcome.took_effect is None:
        return Text("not reached: no packet came then or later", FAINT)
    if outcome.refusal is not None:
        return Text(f"refused: {outcome.refusal[0]}", DROPPED)
    if outcome.effect is None:
        return Text("told with a later one, at the same packet", FAINT)
    found = outcome.effect
    text = Text()
    for words, flows, packets, style in (
        ("admitted", found.admitted_flows, found.admitted_packets, ALLOWED),
        ("dropped", found.dropped_flows, found.dropped_packets, DROPPED),
    ):
        if packets:
            text.append(", " if text else "")
            text.append(f"{words} {count_text(packets, 'packet')} of {count_text(flows, 'flow')}", style)
    return text or Text("nothing that was seen", FAINT)


# --- rules ------------------------------------------------------------------------------------------------------------


def _rules(summary: Summary) -> RenderableType | None:
    """Rules that nothing used: worth a look, and worth nothing where nothing was judged."""
    unused = [count.rule for count in summary.rules if not count.packets]
    if not unused or not summary.observations:
        return None
    table = grid(
        f"{len(unused):,} of {count_text(len(summary.rules), 'rule')} used by no packet",
        ("", False),
        ("", False),
        ("", False),
    )
    table.show_header = False
    for rule in unused[:MOST_RULES]:
        table.add_row(
            rule.rule_id,
            rule_text(rule, summary.topology),
            "" if rule.rule_id.startswith(rule.group_id) else rule.group_id,
        )
    more = more_text(len(unused) - MOST_RULES, "rule")
    return Group(table, *([Text(more, FAINT)] if more else []))


# --- remarks ----------------------------------------------------------------------------------------------------------


def _remarks(summary: Summary) -> RenderableType | None:
    lines = [*_skipped(summary), *doubts(summary)]
    if summary.warnings:
        lines.append(f"{count_text(len(summary.warnings), 'warning')} on standard error.")
    return Group(*(Text(line) for line in lines)) if lines else None


def _skipped(summary: Summary) -> Iterator[str]:
    skipped = sum(summary.skipped.values())
    if not skipped:
        return
    parts = [f"{summary.skipped[skip]:,} {words}" for skip, words in SKIP_WORDS.items() if summary.skipped[skip]]
    yield f"Not judged: {count_text(skipped, 'packet')}: {', '.join(parts)}."
    unknown = summary.skipped[Skip.NO_INTERFACE]
    if not summary.observations and unknown:
        yield "Nothing was judged: no packet has a private address of a selected interface."
    if 2 * unknown > summary.packets or any(stranger.public_of for stranger in summary.strangers):
        yield from _strangers(summary.strangers)


def _strangers(strangers: Sequence[Stranger]) -> Iterator[str]:
    if strangers:
        names = ", ".join(f"{stranger.address} ({stranger.packets:,})" for stranger in strangers)
        yield f"Their most frequent addresses: {names}."
    for stranger in strangers:
        if stranger.public_of is not None:
            eni = stranger.public_of.interface_id
            yield f"Try --map {stranger.address}={eni}: it is a public address of {interface_text(stranger.public_of)}."
        elif stranger.unselected is not None:
            yield f"Try --eni {stranger.unselected.interface_id}: it owns {stranger.address}, but is not selected."
    if strangers and not any(stranger.public_of or stranger.unselected for stranger in strangers):
        yield "If one of them stands for an interface of the snapshot: --map ADDRESS=ENI."


def doubts(summary: Summary) -> Iterator[str]:
    """What whoever reads the numbers should know."""
    if summary.midstream_flows:
        flows = (
            "1 dropped flow looks"
            if summary.midstream_flows == 1
            else f"{summary.midstream_flows:,} dropped flows look"
        )
        strict = summary.settings.tcp_pickup is TcpPickup.STRICT
        which = "those that are not TCP" if strict else "them"
        yield f"{flows} older than the capture: first packets missing (--midstream assume lets {which} pass)."
    if summary.reordered:
        yield f"{count_text(summary.reordered, 'packet')} out of order: judged at the time of the latest one before."
    if summary.stale:
        yield f"Stale, matching nothing: {names_text(summary.stale)}."
    if summary.unresolved:
        yield f"Unresolved, matching nothing: {names_text(summary.unresolved)}."


def names_text(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
