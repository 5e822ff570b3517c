"""The conductor: captures merged by time, the engine, and what takes its verdicts. No rule of judging lives here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import Capture, Decapsulated, PacketCapture, merged, open_capture
from sgsim.engine import Engine, ReferenceEngine, Selected, Simulator
from sgsim.errors import SelectionError
from sgsim.excerpt import Excerpt
from sgsim.kernels.compiling import is_compiled
from sgsim.layout import Verdicts
from sgsim.mapping import AddressMap
from sgsim.model import Settings, Topology, Tunnel, Verdict
from sgsim.relay import AHEAD, relay
from sgsim.reports.outputs import STANDARD_OUTPUT, check_outputs
from sgsim.reports.series.occupancy import Occupancy
from sgsim.reports.strangers import most_common
from sgsim.reports.summary import Summary, summarise
from sgsim.reports.tally import Tally
from sgsim.reports.wording import time_text
from sgsim.reports.writers import RECORD_ENDINGS, Outputs, Taker, Writers, open_writers
from sgsim.selection import known_interface, nearest_names, select
from sgsim.sources import read_snapshot
from sgsim.sources.places import Notes, Snapshot
from sgsim.timeline import Piece, Timeline, Watch

if TYPE_CHECKING:
    from sgsim.reports.observations import Observations

__all__ = ["RECORD_ENDINGS", "Listeners", "Options", "Outputs", "observations", "replay"]

ENGINES: Mapping[str, Callable[[Topology, Settings, Selected, int], Engine]] = {
    "fast": Simulator,
    "reference": ReferenceEngine,
}
KERNELS = {"fast": "judge", "reference": "decode"}  # the longest to compile of what each needs
MOST_STRANGERS = 5

COMPILING = "compiling for this machine, once (some 8 s) ..."

Text = Callable[[str], None]
Progress = Callable[[int, int | None, int], None]  # bytes read, bytes in all (None: a stream), packets judged
AnyCapture = Capture | PacketCapture
Making = Callable[[Engine, Sequence[str]], Taker]


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told what while a replay runs: warnings (each once), notices, and how far it is."""

    warning: Text = field(default=lambda _: None)
    notice: Text = field(default=lambda _: None)
    progress: Progress = field(default=lambda *_: None)


class Warnings:
    """Says each warning once. ``told``: all of them, in order."""

    def __init__(self, say: Text) -> None:
        self._say = say
        self._told: dict[str, None] = {}

    def tell(self, texts: Iterable[str]) -> None:
        for text in texts:
            if text not in self._told:
                self._told[text] = None
                self._say(text)

    @property
    def told(self) -> tuple[str, ...]:
        return tuple(self._told)


def replay(
    topology: Topology | str | Path,
    captures: Sequence[str | Path | Iterable[Any]],
    *,
    settings: Settings | None = None,
    enis: Sequence[str] = (),
    vpc_id: str | None = None,
    at: Mapping[str, str] | None = None,
    maps: Mapping[str, str] | None = None,
    decapsulate: Tunnel | None = None,
    engine: str = "fast",
    jobs: int = 1,
    outputs: Outputs | None = None,
    changes: Sequence[str | Path] = (),
    since: str | int | None = None,
    until: str | int | None = None,
    count: int | None = None,
    strict: bool = False,
    plan_before: bool = False,
    parameters: Mapping[str, str] | None = None,
    listeners: Listeners | None = None,
    also: Making | None = None,
    occupancy: Occupancy | None = None,
) -> Summary:
    """Judge every packet of the captures, merged by time, with one set of connection tables.

    ``captures`` are names of files ("-": standard input) or iterables of scapy packets; ``enis`` and ``vpc_id`` select
    interfaces (all without them); ``at`` says at which interface a capture was taken, by its name as given; ``maps``
    says which interface an address of the captures stands for; ``decapsulate`` judges the frames inside a tunnel's
    packets, packets that are written are still the outer ones; ``engine`` is "fast" or "reference"; ``jobs`` is the
    number of threads, on which nothing but the speed depends; ``changes`` are files of what happens to the snapshot
    meanwhile (docs/changes.md); ``plan_before`` takes of a Terraform plan what there is before it, ``parameters`` are
    values for a CloudFormation template.

    Packets before ``since`` and from ``until`` on are not judged at all, and no more than ``count`` are: times as text
    ("2026-05-04T12:00:00Z"; "+12.5s": from the first packet on) or as seconds since the epoch. ``also`` makes something
    of the engine and the captures' names that takes the verdicts of each batch; ``occupancy`` is told how many
    connections there are as time goes on.

    Raises SgsimError: input that cannot be read or judged, results that cannot be written; with ``strict``, doubtful
    input too. Output files then keep the name ``FILE.part``.
    """
    outputs, listeners, settings = outputs or Outputs(), listeners or Listeners(), settings or Settings()
    named = [str(capture) for capture in captures if isinstance(capture, str | Path)]
    snapshot = [] if isinstance(topology, Topology) else [str(topology)]
    check_outputs(outputs.names(), [*snapshot, *named, *map(str, changes)])
    outputs.check_forms()
    excerpt = Excerpt(since, until, count)
    if named.count(STANDARD_OUTPUT) > 1:
        raise SelectionError("standard input (-) is given twice as a capture: it can be read once")
    notes = Notes(strict)
    read = partial(read_snapshot, strict=strict, plan_before=plan_before, parameters=parameters)
    timeline = _timeline(topology, read, changes, notes)
    run = _Run(timeline, settings, listeners, notes, excerpt)
    run.select(enis, vpc_id, maps or {})
    with ExitStack() as stack:
        opened = [_opened(capture, strict, stack) for capture in captures]
        places = _places(run.topology, run.selected, [capture.name for capture in opened], at or {})
        judge = ENGINES[engine](run.topology, settings, run.guards, AHEAD if jobs > 1 else 1)
        writers = open_writers(stack, outputs, judge, opened)
        if also is not None:
            writers.takers.append(also(judge, [capture.name for capture in opened]))
        needed = [KERNELS[engine]]
        needed += ["renew", "differences"] if changes and engine == "fast" else []
        needed += ["count_flows"] if outputs.flows is not None else []
        if not all(map(is_compiled, needed)):
            listeners.notice(COMPILING)
        streams = opened if decapsulate is None else [Decapsulated(capture) for capture in opened]
        return run.through(opened, streams, judge, places, writers, jobs, occupancy)


class _Run:
    """One replay, from the selection to the summary."""

    def __init__(
        self, timeline: Timeline, settings: Settings, listeners: Listeners, notes: Notes, excerpt: Excerpt
    ) -> None:
        self._timeline, self._settings, self._listeners, self._notes = timeline, settings, listeners, notes
        self._excerpt = excerpt
        self.topology = timeline.topology
        self._warnings = Warnings(listeners.warning)
        self.selected: list[str] = []
        self.guards: Selected = None
        self._map = AddressMap(self.topology, {})
        self._groups: dict[str, None] = {}  # that selected interfaces have, or had
        self._first = self.topology
        self._warnings.tell((*self.topology.warnings, *timeline.warnings))

    def select(self, enis: Sequence[str], vpc_id: str | None, maps: Mapping[str, str]) -> None:
        self.selected = select(self.topology, enis, vpc_id)
        if enis or vpc_id is not None:  # interfaces that changes bring are chosen by the same
            self.guards = lambda each: (not enis or each.interface_id in enis) and vpc_id in (None, each.vpc_id)
        self._map = AddressMap(self.topology, maps)

    def through(
        self,
        captures: list[AnyCapture],
        streams: Sequence[AnyCapture | Decapsulated],
        engine: Engine,
        places: NDArray[np.int32] | None,
        writers: Writers,
        jobs: int,
        occupancy: Occupancy | None,
    ) -> Summary:
        """Judge all batches of the streams, one of each capture; ``places``, shape (captures,): where each was taken,
        or -1."""
        tally = Tally(engine)
        begun = time.perf_counter()
        self._note_groups(engine)

        def judge(piece: Piece) -> tuple[Verdicts, Watch]:
            watch = self._timeline.reach(piece, engine)
            if self._timeline.topology is not self.topology:
                self.topology = self._timeline.topology
                self._map.change(self.topology)
                self._note_groups(engine)
            columns = piece.batch.columns
            self._map.apply(columns)
            verdicts = engine.judge_columns(columns, None if places is None else places[piece.batch.capture])
            if occupancy is not None:
                occupancy.sample(piece, engine)
            return verdicts, watch

        def take(piece: Piece, judged: tuple[Verdicts, Watch]) -> None:
            verdicts, watch = judged
            tally.add(piece.batch.columns, verdicts)
            self._timeline.count(watch, piece, verdicts)
            writers.write(piece.batch, verdicts)
            self._listeners.progress(*_position(captures), tally.packets)

        batches = self._excerpt.of(merged(streams, ahead=AHEAD if jobs > 1 else 1))
        pieces = self._timeline.pieces(batches, lambda: self._excerpt.first_ns)
        relay(pieces if occupancy is None else occupancy.cut(pieces), judge, take, jobs)
        writers.finish()
        seconds = time.perf_counter() - begun
        for capture in captures:
            self._warnings.tell(capture.warnings)
        if engine.jumped is not None:
            self._warnings.tell([jump_text(*engine.jumped)])
        if not self._excerpt.kept and self._excerpt.left_out is not None:
            self._warnings.tell([_outside_text(*self._excerpt.left_out)])
        self._warnings.tell((*self._notes.warnings, *self._timeline.remarks()))
        return summarise(
            self.topology,
            self._settings,
            engine,
            tally,
            captures=[capture.name for capture in captures],
            groups=self._groups,
            changes=self._timeline.outcomes(),
            warnings=self._warnings.told,
            seconds=seconds,
            strangers=most_common(tally.strangers, MOST_STRANGERS, self._first, set(self.selected)),
        )

    def _note_groups(self, engine: Engine) -> None:
        self._groups |= dict.fromkeys(group_id for each in engine.interfaces for group_id in each.group_ids)


class Options(TypedDict, total=False):
    """The keywords of ``replay``, but for ``also`` and ``occupancy``."""

    settings: Settings | None
    enis: Sequence[str]
    vpc_id: str | None
    at: Mapping[str, str] | None
    maps: Mapping[str, str] | None
    decapsulate: Tunnel | None
    engine: str
    jobs: int
    outputs: Outputs | None
    changes: Sequence[str | Path]
    since: str | int | None
    until: str | int | None
    count: int | None
    strict: bool
    plan_before: bool
    parameters: Mapping[str, str] | None
    listeners: Listeners | None


def observations(
    topology: Topology | str | Path,
    captures: Sequence[str | Path | Iterable[Any]],
    *,
    only: Verdict | str | None = None,
    **options: Unpack[Options],
) -> Observations:
    """Replay (see ``replay``), and keep every observation as columns in memory, or those of one verdict."""
    from sgsim.reports.observations import Collector

    made: list[Collector] = []

    def collector(engine: Engine, names: Sequence[str]) -> Taker:
        made.append(Collector(engine, names, None if only is None else Verdict(only)))
        return made[0]

    summary = replay(topology, captures, also=collector, **options)
    return made[0].finish(summary)


def _timeline(
    topology: Topology | str | Path,
    read: Callable[[str | Path], Snapshot],
    files: Sequence[str | Path],
    notes: Notes,
) -> Timeline:
    """The topology, and what files of changes say, on the cloud that the snapshot makes. Raises InputError."""
    snapshot = Snapshot(topology) if isinstance(topology, Topology) else read(topology)
    if not files:
        return Timeline(snapshot.topology, notes=notes)
    from sgsim.plane import Plane
    from sgsim.sources.changes import read_changes

    told = read_changes(files, strict=notes.strict)
    plane = Plane(snapshot, told.changes)
    return Timeline(plane.snapshot(), told, plane, notes=notes)


def _opened(capture: str | Path | Iterable[Any], strict: bool, stack: ExitStack) -> AnyCapture:
    if isinstance(capture, str | Path):
        return stack.enter_context(open_capture(str(capture), strict=strict))
    return PacketCapture(capture)


def _position(captures: list[AnyCapture]) -> tuple[int, int | None]:
    sizes = [capture.size for capture in captures]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    return sum(capture.position for capture in captures), total


def _places(
    topology: Topology, selected: list[str], names: list[str], at: Mapping[str, str]
) -> NDArray[np.int32] | None:
    """Of each capture, the place among the selected interfaces where it was taken, or -1; None without any."""
    if not at:
        return None
    places = np.full(len(names), -1, dtype=np.int32)
    for name, eni in at.items():
        option = f"--at {name}={eni}"
        if name not in names:
            raise SelectionError(f"{option}: {name} is not one of the captures as given{nearest_names(name, names)}")
        known_interface(topology, eni, option)
        if eni not in selected:
            raise SelectionError(f"{option}: {eni} is not among the selected interfaces: add --eni {eni}")
        for place, each in enumerate(names):
            if each == name:
                places[place] = selected.index(eni)
    return places


def jump_text(before: int, after: int) -> str:
    days = (after - before) / 86_400e9
    return (
        f"the clock jumps from {time_text(before)} to {time_text(after)} ({days:,.0f} days): "
        "connections that were idle in between are gone there"
    )


def _outside_text(earliest: int, latest: int) -> str:
    return (
        "no packet is of the time that --since and --until say: the captures' are from "
        f"{time_text(earliest, milliseconds=True)} to {time_text(latest, milliseconds=True)}"
    )
