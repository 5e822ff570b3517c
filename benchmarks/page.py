"""The results page from a run's JSON: python -m benchmarks.page FILE writes docs/benchmarks.md and its plots."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from benchmarks.peers.results import US, Curve, Report, Result, Row, Spread, meets, read
from benchmarks.plot import description, short, svg

ROOT = Path(__file__).resolve().parents[1]
BENDS = Path(__file__).with_name("bends.toml")

_UNITS = {"packets/s": "pkt/s", "observations/s": "obs/s"}

# Heading and introduction of each part, in the page's order.
PARTS = {
    "stream": (
        "From capture to summary",
        "`sgsim replay` with all its defaults beside `tcpdump -r FILE --count`, whole processes. *On the slope*: the "
        "packets that a ten-fold stream has more, over the time that it takes more, so that start-up cancels.",
    ),
    "reading": (
        "Reading captures",
        "Packets to five-tuples in columns (sgsim), to bytes or layers (scapy), counted (tcpdump). With a filter: the "
        "rules' CIDRs and ports as BPF, beside sgsim's matching alone on the same packets.",
    ),
    "matching": (
        "Matching alone",
        "Five-tuples in memory in, the credited rule out; one interface's ingress rules, distinct IPv4 packets. "
        "*hit*: nine packets in ten are drawn for a rule. rte_acl is DPDK's, with the fastest method that runs here; "
        "numba is the plain loop (rule by rule, until one admits), numpy masks over all packets, pytricia the longest "
        "prefix and then the rules of all prefixes around it. Slow peers judge the first packets only.",
    ),
    "tracking": (
        "Tracking",
        "Packets of live connections, any as likely as any other. sgsim decides whose gate a packet meets, finds the "
        "connection, moves its state on and its timer; rte_hash (DPDK) looks 32-byte keys up, 64 at a time, and has "
        "the packets from the side that opened.",
    ),
    "compiling": ("Compiling rules", "Rules in memory to tables; rte_acl: `rte_acl_add_rules` and `rte_acl_build`."),
    "outputs": ("Writing every observation", "Whole replays with `-o`, observations a second on the slope."),
    "start-up": ("Start-up", "Whole processes, wall time. The snapshot has 50 groups of 60 rules each way."),
    "region": (
        "Interfaces of a VPC",
        "From a loaded snapshot to the first verdict, compiling included; groups of 60 rules each way, a fifth of them "
        "references, two interfaces each. 5,000 interfaces are a Region's quota.",
    ),
    "kernel": (
        "The Linux kernel's firewall",
        "The same flows, forwarded by a network namespace of the benchmark's own: injected 64 at a time as if just "
        "received, routed, filtered by the same rules in nftables' words one after the other, sent to nowhere. Its "
        "time is that of the whole way, so one without rules stands beside. sgsim: capture to summary, on the slope.",
    ),
}


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--docs", type=click.Path(path_type=Path), default=ROOT / "docs", help="Where the page goes.")
def command(file: Path, docs: Path) -> None:
    """Make the results page from FILE, the JSON of python -m benchmarks.peers."""
    report = read(file)
    plots = docs / "benchmarks"
    plots.mkdir(exist_ok=True, parents=True)
    for curve in report.curves:
        if curve.series:
            (plots / f"{curve.name}.svg").write_text(svg(curve))
    (docs / "benchmarks.md").write_text(page(report, tomllib.loads(BENDS.read_text())))


def page(report: Report, bends: dict[str, str]) -> str:
    """The page's text; ``bends`` explains each plot in a sentence."""
    parts = ["# Benchmarks", "", *_head(report), *_marks(report)]
    for part, (heading, about) in PARTS.items():
        rows = [row for row in report.rows if row.part == part]
        if rows:
            parts += [f"## {heading}", "", about, "", *_tables(rows)]
    if report.curves:
        parts += ["## Growth", "", "Medians; bars reach from the least to the most.", ""]
        for curve in report.curves:
            parts += _curve(curve, bends)
    return "\n".join(parts).rstrip() + "\n"


def _head(report: Report) -> Iterator[str]:
    machine, amount = report.machine, "a quick run" if report.quick else "a full run"
    yield (
        f"Made by `python -m benchmarks.peers{' --quick' if report.quick else ''} --json peers.json` and "
        f"`python -m benchmarks.page peers.json`: {amount} of {report.seconds / 60:.0f} minutes, {report.made}. "
        "Do not edit. Contenders take turns, round by round; numbers are medians, in brackets the least and the most; "
        "ratios are taken within a round. Where contenders answer the same question, nothing is timed before their "
        "answers are equal. What a machine cannot build or run is skipped, with its reason."
    )
    yield ""
    yield "| | |"
    yield "|---|---|"
    flags = " ".join(flag for flag in machine["flags"] if flag.startswith("avx"))
    yield f"| processor | {machine['processor']}, {machine['cores']} cores ({flags}) |"
    yield f"| memory | {machine['memory'] / 2**30:.0f} GiB |"
    yield f"| system | {machine['system']}, load {machine['load']:.1f} at the start |"
    yield f"| versions | {', '.join(f'{name} {version}' for name, version in report.versions.items())} |"
    yield ""


def _marks(report: Report) -> Iterator[str]:
    """What was aimed at, and what was reached."""
    found = [line for row in report.rows for line in _marks_of(row)]
    if found:
        yield from ("## Marks", "", "| what | measured | mark | |", "|---|---|---|---|", *found, "")


def _marks_of(row: Row) -> Iterator[str]:
    what = f"{row.part}: {row.name}"
    for ratio in row.ratios:
        if ratio.mark:
            outcome = _outcome(ratio.value, ratio.mark)
            yield f"| {what} | {_ratio(ratio.value)} x {ratio.to} | {ratio.mark} x | {outcome} |"
    us = row.result(US)
    if us is not None and row.mark:
        sense, bound = row.mark.split()
        mark = f"{sense} {_number(float(bound), row.unit)}"
        yield f"| {what} | {quantity(us.value, row.unit)} | {mark} | {_outcome(us.value, row.mark)} |"


def _outcome(value: Spread, mark: str) -> str:
    return "met" if meets(value, mark) else "**missed**"


def _tables(rows: list[Row]) -> Iterator[str]:
    yield "| | who | median [least, most] | sgsim over it | |"
    yield "|---|---|---|---|---|"
    for row in rows:
        ratios = {ratio.to: ratio.value for ratio in row.ratios}
        for place, result in enumerate(row.results):
            name = row.name if place == 0 else ""
            beside = f"{_ratio(ratios[result.who])} x" if result.who in ratios else ""
            yield f"| {name} | {result.who} | {quantity(result.value, row.unit)} | {beside} | {_about(result)} |"
        for skipped in row.skipped:
            yield f"| {'' if row.results else row.name} | {skipped.who} | skipped: {_cell(skipped.reason)} | | |"
    yield ""
    common = dict(set.intersection(*(set(row.work.items()) for row in rows)))
    yield f"Worked on: {_work({name: value for name, value in rows[0].work.items() if name in common})}."
    for row in rows:
        own = _work({name: value for name, value in row.work.items() if name not in common})
        told = "; ".join(text for text in (own, row.agreed) if text)
        if told:
            yield f"- *{row.name}*: {told}"
    yield ""


def _curve(curve: Curve, bends: dict[str, str]) -> Iterator[str]:
    yield f"### {curve.title}"
    yield ""
    if curve.series:
        yield f"![{description(curve)}](benchmarks/{curve.name}.svg)"
        yield ""
    yield from (bends.get(curve.name, ""), "", f"Worked on: {_work(curve.work)}.", "")
    for skipped in curve.skipped:
        yield f"- {skipped.who}: skipped: {_cell(skipped.reason)}"
    if curve.skipped:
        yield ""


def quantity(value: Spread, unit: str) -> str:
    """Median and spread, in a unit that suits the median."""
    factor, name = _scale(value.median, unit)
    return f"{_digits(value.median / factor)} [{_digits(value.least / factor)}, {_digits(value.most / factor)}] {name}"


def _number(value: float, unit: str) -> str:
    factor, name = _scale(value, unit)
    return f"{_digits(value / factor)} {name}"


def _digits(value: float) -> str:
    """Three digits, or all of a whole number's."""
    return f"{value:.3g}" if abs(value) < 1_000 else f"{value:,.0f}"


def _scale(value: float, unit: str) -> tuple[float, str]:
    """What to divide by, and the unit then."""
    if unit == "s":
        steps = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (0.0, "ns"))
        factor, name = next(step for step in steps if value >= step[0])
        return factor or 1e-9, name
    factor, letter = next(step for step in ((1e6, "M"), (1e3, "k"), (0.0, "")) if value >= step[0])
    return factor or 1.0, letter + _UNITS[unit]


def _ratio(value: Spread) -> str:
    return f"{_digits(value.median)} [{_digits(value.least)}, {_digits(value.most)}]"


def _about(result: Result) -> str:
    """What else was seen of a contender."""
    told = []
    for name, value in result.about.items():
        words = name.replace("_", " ")
        if name == "method":
            told.append(f"fastest: {value}")
        elif name == "load":
            told.append(f"load {value:.2f}")
        elif name == "packets":
            told.append(f"{short(value)} packets")
        elif name.endswith("seconds"):
            told.append(f"{words.removesuffix(' seconds')} {_number(value, 's')}")
        elif name == "table" or "memory" in name:
            told.append(f"{words} {value / 1e6:.3g} MB")
    return ", ".join(told)


def _work(work: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in work.items()
    )


def _cell(text: str) -> str:
    """Text that may stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(command())
