"""Changes in the middle of a replay: when they take effect, and what they did.

A change takes effect for the packets that are judged at its time or later: batches are cut there. Reading finds out
where (``pieces``), judging carries the changes out (``reach``), taking the verdicts has them counted (``count``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import MergedBatch
from sgsim.engine import BY_RULES, Comparison, Effect, Engine, concerned
from sgsim.errors import SelectionError
from sgsim.layout import Verdicts, verdicts_of
from sgsim.model import Topology
from sgsim.sources.places import Notes

if TYPE_CHECKING:  # most replays have no changes: they need not wait for what reads them
    from sgsim.sources.changes import ApiChange, Changes

MOST_COUNTED = 32  # changes whose effects are counted at a time: each keeps match tables of what held before
_EARLIEST = -(1 << 63)


class ControlPlane(Protocol):
    """What carries changes out: see ``sgsim.plane``."""

    def snapshot(self) -> Topology: ...

    def knows(self, change: ApiChange) -> bool: ...

    def refusal(self, change: ApiChange, now_ns: int) -> tuple[str, str] | None: ...


class FirstPacket(NamedTuple):
    """The first packet that a change held for: the place of its capture, its number there, its own time."""

    capture: int
    packet: int
    time_ns: int


@dataclass(slots=True)
class Outcome:
    """What became of a change. ``at_ns`` is None where no packet says when a relative time is.

    ``took_effect`` is None where no packet came at its time or later: it was not carried out then. ``refusal`` holds
    EC2's code and message. ``effect`` is None where it was not carried out, and where nothing was counted for it: other
    changes of the same interfaces, or MOST_COUNTED others, took effect at the same packet behind it.
    """

    change: ApiChange
    at_ns: int | None
    took_effect: FirstPacket | None = None
    refusal: tuple[str, str] | None = None
    effect: Effect | None = None
    place: int = 0  # in the order of time
    elsewhere: bool = False  # an event about nothing that the snapshot holds
    comparison: Comparison | None = None  # while its effect is being counted

    @property
    def applied(self) -> bool:
        return self.took_effect is not None and self.refusal is None


class Watch(NamedTuple):
    """Whose effects are being counted. What is decided at an interface is counted for the latest change that concerns
    it, beside what the rules before that change would have said."""

    outcomes: tuple[Outcome, ...] = ()
    of_interface: NDArray[np.int32] = np.zeros(0, dtype=np.int32)  # place in ``outcomes``, or -1


class Piece(NamedTuple):
    """Packets that the same changes hold for: the first ``due`` in the order of time."""

    batch: MergedBatch
    due: int


class Timeline:
    """The changes of a replay, ``plane`` what carries them out. What is doubtful goes to ``notes``."""

    def __init__(
        self, topology: Topology, told: Changes | None = None, plane: ControlPlane | None = None, *, notes: Notes
    ) -> None:
        self.topology = topology  # that the engine holds
        self._told, self._plane, self._notes = told, plane, notes
        changes = told.changes if told else ()
        self._outcomes = [Outcome(each, None if each.at.relative else each.at.ns) for each in changes]
        self._ordered = not changes
        self._done = 0
        self._owners: dict[str, Outcome] = {}  # the latest change that concerns an interface, by its id
        self._watch = self._counting = Watch()  # of what is judged, and of what is counted: that may lag behind

    # --- when ---------------------------------------------------------------------------------------------------------

    def pieces(self, batches: Iterator[MergedBatch]) -> Iterator[Piece]:
        """The batches, cut where changes take effect. The clock is the running maximum of the packets' times: a packet
        that is older is judged at the clock's time, so after the changes of that time."""
        due = 0
        for batch in batches:
            times = batch.columns.time_ns
            if len(times) and not self._ordered:
                self._put_in_order(int(times[0]))
            begin = 0
            if len(times) and due < len(self._outcomes):
                clocks = np.maximum.accumulate(
                    times
                )  # that of earlier batches has passed nothing that is still to come
                while due < len(self._outcomes) and self._time(due) <= int(clocks[-1]):
                    place = int(np.searchsorted(clocks, self._time(due)))
                    if place > begin:
                        yield Piece(part(batch, begin, place), due)
                        begin = place
                    first = FirstPacket(int(batch.capture[place]), int(batch.number[place]), int(times[place]))
                    while due < len(self._outcomes) and self._time(due) <= int(clocks[place]):
                        self._outcomes[due].took_effect = first
                        due += 1
            yield Piece(part(batch, begin, len(times)), due)

    def _put_in_order(self, first_packet_ns: int) -> None:
        from sgsim.sources.changes import in_order

        changes = [outcome.change for outcome in self._outcomes]
        ordered = in_order(changes, first_packet_ns)
        self._outcomes = [Outcome(change, at_ns, place=place) for place, (at_ns, change) in enumerate(ordered)]
        self._ordered = True

    def _time(self, place: int) -> int:
        at_ns = self._outcomes[place].at_ns
        return _EARLIEST if at_ns is None else at_ns

    # --- what ---------------------------------------------------------------------------------------------------------

    def reach(self, piece: Piece, engine: Engine) -> Watch:
        """Carry out what is due before a piece of the stream; whose effects its verdicts are.

        Raises InputError: a change is refused, where that is an error; SelectionError: nothing can be judged after it.
        """
        if piece.due > self._done:
            assert self._plane is not None
            reached, self._done = self._outcomes[self._done : piece.due], piece.due
            topology = self.topology
            steps: list[tuple[Outcome, set[str]]] = []
            for outcome in reached:
                if self._carry_out(outcome, self._plane):
                    outcome.effect = Effect()
                    before, topology = topology, self._plane.snapshot()
                    steps.append((outcome, concerned(before, topology)))
            names = concerned(self.topology, topology)  # some may undo what others did
            if names:
                comparison = engine.compare(names)
                _change(engine, topology, steps[-1][0])
                self.topology = topology
                self._follow(steps, names, [each.interface_id for each in engine.interfaces], comparison)
        return self._watch

    def _follow(
        self, steps: list[tuple[Outcome, set[str]]], names: set[str], guarded: list[str], comparison: Comparison
    ) -> None:
        """From now on, at the interfaces of these names, effects are those of the last of these changes that concerns
        them."""
        seen = names.intersection(guarded)
        for outcome, concerns in steps:
            here = concerns & seen
            self._owners |= dict.fromkeys(here, outcome)
            if here:
                outcome.effect = None
        fresh = {id(outcome) for outcome, _ in steps}
        counted = {outcome.place: outcome for outcome in self._owners.values()}
        latest = [counted[place] for place in sorted(counted)[-MOST_COUNTED:]]
        for outcome in latest:
            if id(outcome) in fresh:
                outcome.effect, outcome.comparison = Effect(), comparison.another()
        places = {id(outcome): place for place, outcome in enumerate(latest)}
        self._owners = {name: outcome for name, outcome in self._owners.items() if id(outcome) in places}
        numbers = [places[id(self._owners[name])] if name in self._owners else -1 for name in guarded]
        self._watch = Watch(tuple(latest), np.array(numbers, dtype=np.int32))

    def _carry_out(self, outcome: Outcome, plane: ControlPlane) -> bool:
        """Whether it was done."""
        change = outcome.change
        outcome.elsewhere = change.recorded and not plane.knows(change)
        if outcome.elsewhere:
            return False
        outcome.refusal = plane.refusal(change, outcome.at_ns or 0)
        if outcome.refusal is not None:
            remedy = "AWS did it: the snapshot is of another time, or lacks something" if change.recorded else ""
            code, message = outcome.refusal
            self._notes.doubt(change.place.refusal(f"{change.call} is refused: {code}: {message}", remedy))
        return outcome.refusal is None

    # --- what it did --------------------------------------------------------------------------------------------------

    def count(self, watch: Watch, piece: Piece, verdicts: Verdicts) -> None:
        """Count a judged piece for the changes that ``reach`` named. Pieces come in the order of the stream."""
        if watch is not self._counting:
            self._finish(watch)
        if not watch.outcomes:
            return
        places = watch.of_interface[verdicts.interface]
        places[~BY_RULES[verdicts.reason]] = -1
        for place in np.unique(places).tolist():
            comparison = watch.outcomes[place].comparison
            if place >= 0 and comparison is not None:
                comparison.add(piece.batch.columns, verdicts_of(verdicts.rows[places == place]))

    def _finish(self, watch: Watch) -> None:
        """Comparisons that are not needed any more go: they hold match tables."""
        going_on = {id(each) for each in watch.outcomes}
        for outcome in self._counting.outcomes:
            if id(outcome) not in going_on and outcome.comparison is not None:
                outcome.effect, outcome.comparison = outcome.comparison.effect(), None
        self._counting = watch

    def outcomes(self) -> list[Outcome]:
        """Of every change in the order of time, when the replay is over; events about other things are left out."""
        self._finish(Watch())
        return [outcome for outcome in self._outcomes if not outcome.elsewhere]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was doubtful in the files."""
        return self._told.warnings if self._told else ()

    def remarks(self) -> list[str]:
        """What is to be said when the replay is over: how many events had no part in it."""
        elsewhere = sum(outcome.elsewhere for outcome in self._outcomes)
        text = self._told.passed_over.text(elsewhere) if self._told else ""
        return [text] if text else []


def _change(engine: Engine, topology: Topology, outcome: Outcome) -> None:
    try:
        engine.change(topology)
    except SelectionError as error:
        place = outcome.change.place
        raise SelectionError(f"{place.file}: {place}: after {outcome.change.call}: {error}") from None


def part(batch: MergedBatch, begin: int, end: int) -> MergedBatch:
    """The packets of a batch from one place to another; the whole batch itself."""
    if end - begin == len(batch.number):
        return batch
    columns = batch.columns
    return batch._replace(
        columns=columns._replace(heads=columns.heads[begin:end], bodies=columns.bodies[begin:end]),
        capture=batch.capture[begin:end],
        number=batch.number[begin:end],
        lengths=None if batch.lengths is None else batch.lengths[begin:end],
    )
