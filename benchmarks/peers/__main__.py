"""python -m benchmarks.peers [--quick] [--only PART ...] [--json FILE]"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.peers.machine import machine, versions
from benchmarks.peers.measuring import DisagreementError, Plan
from benchmarks.peers.results import Curve, Report, Row
from benchmarks.peers.rows import (
    compiling,
    kernel,
    length,
    matching,
    outputs,
    reading,
    region,
    startup,
    streams,
    tracking,
)

PARTS: dict[str, Callable[[Plan], Iterator[Row | Curve]]] = {
    "stream": streams.rows,
    "reading": reading.rows,
    "matching": matching.rows,
    "tracking": tracking.rows,
    "compiling": compiling.rows,
    "outputs": outputs.rows,
    "start-up": startup.rows,
    "region": region.rows,
    "kernel": kernel.rows,
    "length": length.rows,
}


@click.command()
@click.option("--quick", is_flag=True, help="Less of everything: in two or three minutes, to see that all runs.")
@click.option("--only", type=click.Choice(list(PARTS)), multiple=True, help="Only this part; may be repeated.")
@click.option("--json", "file", type=click.Path(path_type=Path), default=Path("peers.json"), show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), help="Rounds of each comparison.  [default: 5, quick 3]")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Where captures of some 10 GB may go.")
def command(quick: bool, only: tuple[str, ...], file: Path, rounds: int | None, folder: Path | None) -> None:
    """Measure sgsim beside its peers, in one run, and write one JSON file: see docs/benchmarks.md."""
    with tempfile.TemporaryDirectory(prefix="sgsim-peers-", dir=folder) as made:
        plan = Plan(quick, rounds or (3 if quick else 5), Path(made))
        try:
            report = measure_all([name for name in PARTS if not only or name in only], plan)
        except DisagreementError as problem:
            raise click.ClickException(str(problem)) from problem
    report.write(file)
    click.echo(f"written to {file}: python -m benchmarks.page {file} makes the page", err=True)


def measure_all(parts: list[str], plan: Plan) -> Report:
    begun = time.perf_counter()
    report = Report(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", plan.quick, 0.0, machine(), versions(), [], [])
    for name in parts:
        part_begun = time.perf_counter()
        for found in PARTS[name](plan):
            (report.rows if isinstance(found, Row) else report.curves).append(found)  # type: ignore[arg-type]
            _tell(found)
        report.parts[name] = round(time.perf_counter() - part_begun, 1)
        click.echo(f"{name}: {report.parts[name]:.0f} s", err=True)
    report.seconds = round(time.perf_counter() - begun, 1)
    return report


def _tell(found: Row | Curve) -> None:
    """A line for each thing measured, as it comes."""
    if isinstance(found, Curve):
        click.echo(f"  {found.name}: {', '.join(found.series)}", err=True)
        return
    values = ", ".join(f"{result.who} {result.value.median:,.4g}" for result in found.results)
    ratios = ", ".join(f"{each.value.median:.2f} x {each.to}" for each in found.ratios)
    skipped = "".join(f"; without {each.who}: {each.reason}" for each in found.skipped)
    click.echo(f"  {found.name}: {values} {found.unit}; {ratios or 'no ratio'}{skipped}", err=True)


if __name__ == "__main__":
    sys.exit(command())
