"""A replay, or judged flow logs, as one HTML page, and its plots as pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sgsim.engine import Engine
from sgsim.flowlogs import flowlogs
from sgsim.model import Topology
from sgsim.replay import replay
from sgsim.reports.outputs import OutputFile, check_outputs
from sgsim.reports.page import log_page, replay_page
from sgsim.reports.series.occupancy import Occupancy
from sgsim.reports.series.packets import PacketSeries

if TYPE_CHECKING:
    from sgsim.flowrecords import RecordJudge
    from sgsim.reports.flowlogs.summary import LogSummary
    from sgsim.reports.series.records import RecordSeries
    from sgsim.reports.summary import Summary

IN_MEMORY = "a snapshot in memory"


def report(
    topology: Topology | str | Path,
    captures: Sequence[str | Path | Iterable[Any]],
    page: str,
    *,
    pictures: str | None = None,
    **options: Any,
) -> Summary:
    """Replay captures (``options`` are those of ``sgsim.replay``), and write ``page``, an HTML file; ``pictures`` is a
    folder for its plots as PNG.

    Raises SgsimError: what ``replay`` raises; MissingExtraError: matplotlib is not installed.
    """
    _check(page, pictures, topology, [*captures, *options.get("changes", ())])
    made: list[PacketSeries] = []
    occupancy = Occupancy()

    def series(engine: Engine, _: Sequence[str]) -> PacketSeries:
        made.append(PacketSeries(engine))
        return made[0]

    summary = replay(topology, captures, also=series, occupancy=occupancy, **options)
    with OutputFile(page) as file:
        file.write(replay_page(summary, made[0], occupancy, _name(topology)))
    if pictures is not None:
        from sgsim.reports.pictures import replay_pictures

        replay_pictures(pictures, summary, made[0], occupancy)
    return summary


def log_report(
    topology: Topology | str | Path,
    logs: Sequence[str | Path],
    page: str,
    *,
    pictures: str | None = None,
    **options: Any,
) -> LogSummary:
    """Judge flow logs (``options`` are those of ``sgsim.flowlogs``), and write page and pictures as ``report`` does."""
    from sgsim.reports.series.records import RecordSeries

    _check(page, pictures, topology, logs)
    made: list[RecordSeries] = []

    def series(judge: RecordJudge) -> RecordSeries:
        made.append(RecordSeries(judge))
        return made[0]

    summary = flowlogs(topology, logs, also=series, **options)
    with OutputFile(page) as file:
        file.write(log_page(summary, made[0], _name(topology)))
    if pictures is not None:
        from sgsim.reports.pictures import log_pictures

        log_pictures(pictures, summary, made[0])
    return summary


def _check(page: str, pictures: str | None, topology: Topology | str | Path, inputs: Iterable[Any]) -> None:
    """Find before any work what cannot be written. Raises OutputError, MissingExtraError."""
    named = [str(each) for each in (topology, *inputs) if isinstance(each, str | Path)]
    check_outputs([page], named)
    if pictures is not None:
        from sgsim.reports.pictures import check_pictures

        check_pictures(pictures)


def _name(topology: Topology | str | Path) -> str:
    return IN_MEMORY if isinstance(topology, Topology) else str(topology)
