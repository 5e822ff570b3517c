"""The plots of a page as PNG files, for documents: drawn by matplotlib, from the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sgsim.errors import MissingExtraError, OutputError
from sgsim.layout import FIRST_DROP, REASONS
from sgsim.reports.outputs import OutputFile
from sgsim.reports.page.axes import Span, length_text
from sgsim.reports.page.traffic import span_of
from sgsim.reports.series.buckets import Buckets
from sgsim.reports.series.occupancy import Occupancy
from sgsim.reports.series.packets import VERDICTS, PacketSeries

if TYPE_CHECKING:
    from sgsim.reports.flowlogs.summary import LogSummary
    from sgsim.reports.series.records import RecordSeries
    from sgsim.reports.summary import Summary

COLOURS = {"allowed": "#2a78b9", "dropped": "#c8470f", "possible": "#9a7400", "change": "#7a3fb0"}
_INCHES, _DOTS = (8.0, 2.6), 150  # 1,200 dots wide: a text column in print

Draw = Callable[[Any], None]


def check_pictures(folder: str) -> None:
    """Raises MissingExtraError where matplotlib is not installed, OutputError where the folder cannot be one."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(f"{folder}: drawing pictures", "plots") from error
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise OutputError(f"{folder}: is a file: name a folder for the pictures")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"{folder}: its folder {path.parent} does not exist: create it first")


def replay_pictures(folder: str, summary: Summary, series: PacketSeries, occupancy: Occupancy) -> None:
    """over-time.png, interfaces.png, reasons.png and connections.png, those of them that there is something for."""
    span = span_of(series.gates)
    marks = [each.at_ns for each in summary.changes if each.applied and each.at_ns is not None]
    unit = "observations"
    if summary.observations:
        _over_time(folder, series.gates, VERDICTS, unit, marks)
        gates = {}
        for gate in summary.by_interface:
            name = gate.interface.name or gate.interface.interface_id
            gates[f"{name} {gate.direction}"] = (gate.allowed, gate.dropped)
        _gates(folder, gates, VERDICTS, unit)
        _reasons(folder, summary.by_reason, unit)
    if span.intervals:
        counts = occupancy.by_interval(*span)

        def draw(figure: Any) -> None:
            axes = figure.subplots()
            axes.step(_times(span), counts, where="post", color=COLOURS["allowed"])
            axes.fill_between(_times(span), counts, step="post", color=COLOURS["allowed"], alpha=0.2)
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_locator(_whole())
            axes.set_ylabel("connections")
            _time_axis(figure, axes, marks)

        _save(folder, "connections", draw)


def log_pictures(folder: str, summary: LogSummary, series: RecordSeries) -> None:
    """over-time.png, interfaces.png and reasons.png, if any record was judged."""
    from sgsim.reports.series.records import VERDICTS as LOG_VERDICTS

    if not summary.judged:
        return
    _over_time(folder, series.gates, LOG_VERDICTS, "records", ())
    gates = {}
    for gate in summary.by_interface:
        name = gate.interface.name or gate.interface.interface_id
        gates[f"{name} {gate.direction}"] = (gate.allowed, gate.dropped, gate.possible)
    _gates(folder, gates, LOG_VERDICTS, "records")
    _reasons(folder, summary.by_reason, "records")


def _over_time(folder: str, buckets: Buckets, verdicts: Sequence[str], unit: str, marks: Sequence[int]) -> None:
    span = span_of(buckets)
    totals = buckets.counts.reshape(span.intervals, -1, len(verdicts)).sum(axis=1)
    shown = [place for place in range(len(verdicts)) if place < 2 or totals[:, place].any()]

    def draw(figure: Any) -> None:
        figure.set_size_inches(_INCHES[0], 1.0 + 1.5 * len(shown))
        every = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        width = np.timedelta64(span.width_ns, "ns") / np.timedelta64(1, "D")  # of a bar, in matplotlib's days
        for axes, place in zip(every, shown, strict=True):
            verdict = verdicts[place]
            axes.bar(_times(span), totals[:, place], width=0.92 * width, align="edge", color=COLOURS[verdict])
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_locator(_whole())
            axes.set_ylabel(f"{unit} {verdict}\nper {length_text(span.width_ns)}")
            _time_axis(figure, axes, marks)

    _save(folder, "over-time", draw)


def _gates(folder: str, counts: Mapping[str, Sequence[int]], verdicts: Sequence[str], unit: str) -> None:
    """The 20 with most, a bar each."""
    busy = sorted((name for name in counts if any(counts[name])), key=lambda name: -sum(counts[name]))[:20]

    def draw(figure: Any) -> None:
        figure.set_size_inches(_INCHES[0], 1.0 + 0.28 * len(busy))
        axes = figure.subplots()
        left = np.zeros(len(busy))
        for place, verdict in enumerate(verdicts):
            values = np.array([counts[name][place] for name in busy])
            if values.any():
                axes.barh(np.arange(len(busy)), values, left=left, color=COLOURS[verdict], label=verdict)
                left += values
        axes.set_yticks(np.arange(len(busy)), [_plain(name) for name in busy])
        axes.invert_yaxis()
        axes.set_xlabel(unit)
        axes.legend(frameon=False)

    _save(folder, "interfaces", draw)


def _reasons(folder: str, by_reason: Mapping[str, int], unit: str) -> None:
    names = sorted((name for name in by_reason if by_reason[name]), key=lambda name: -by_reason[name])
    allows = {str(reason) for reason in REASONS[:FIRST_DROP]}

    def draw(figure: Any) -> None:
        figure.set_size_inches(_INCHES[0], 1.0 + 0.28 * len(names))
        axes = figure.subplots()
        colours = [COLOURS["allowed" if name in allows else "dropped"] for name in names]
        drawn = axes.barh(np.arange(len(names)), [by_reason[name] for name in names], color=colours)
        axes.bar_label(drawn, [f"{by_reason[name]:,}" for name in names], padding=4)
        axes.set_yticks(np.arange(len(names)), names)
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.set_xlabel(f"{unit} (blue: allowed, orange: dropped)")

    _save(folder, "reasons", draw)


def _whole() -> Any:
    from matplotlib.ticker import MaxNLocator

    made: Any = MaxNLocator  # it is not typed
    return made(nbins=5, integer=True)


def _times(span: Span) -> Any:
    return (span.first_ns + np.arange(span.intervals) * span.width_ns).astype("datetime64[ns]")


def _time_axis(figure: Any, axes: Any, marks: Sequence[int]) -> None:
    from matplotlib import dates

    made: Any = dates  # its constructors are not typed
    locator = made.AutoDateLocator(tz=UTC)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(made.ConciseDateFormatter(locator, tz=UTC))
    for at_ns in marks:
        axes.axvline(datetime.fromtimestamp(at_ns / 1e9, UTC), color=COLOURS["change"], linestyle="--", linewidth=1)
    if axes.get_subplotspec().is_last_row():
        axes.set_xlabel("UTC" + (", dashed: changes" if marks else ""))
    figure.align_ylabels()


def _plain(name: str) -> str:
    """A name is no formula, whatever signs it has."""
    return name.replace("$", r"\$")


def _save(folder: str, name: str, draw: Draw) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    try:
        Path(folder).mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror}") from None
    figure = Figure(figsize=_INCHES, dpi=_DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    with OutputFile(str(Path(folder) / f"{name}.png")) as file:
        figure.savefig(file.raw, format="png", metadata={"Software": None})
