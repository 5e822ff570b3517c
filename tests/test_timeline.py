"""When changes take effect: where batches are cut, and in which order things are done."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgsim.captures import MergedBatch
from sgsim.engine import Effect
from sgsim.errors import InputError
from sgsim.layout import BODY, HEAD, QUOTE, REASONS, PacketColumns, Verdicts, verdicts_of
from sgsim.layout import VERDICT as VERDICT_ROWS
from sgsim.model import Interface, Reason, Topology
from sgsim.sources.changes import ApiChange, Changes, ChangeTime, PassedOver
from sgsim.sources.places import Notes, Place
from sgsim.timeline import MOST_COUNTED, FirstPacket, Outcome, Timeline


def batch_of(times: list[int], first: int, lengths: bool = False) -> MergedBatch:
    """A batch of packets of the second of two captures; the numbers of packets are their lengths too."""
    heads, bodies = np.zeros(len(times), dtype=HEAD), np.zeros(len(times), dtype=BODY)
    number = np.arange(first, first + len(times), dtype=np.int64)
    heads["time_ns"], heads["length"], bodies["dst_lo"] = times, number, number
    columns = PacketColumns(heads, bodies, np.zeros(3, dtype=QUOTE))
    window = np.zeros(1, dtype=np.uint8)
    capture = np.ones(len(times), dtype=np.int32)
    own = number.astype(np.uint32) if lengths else None
    return MergedBatch(columns, (window, window), capture, number, (1, 1), own)


def change(at: int | str, name: str = "", recorded: bool = False) -> ApiChange:
    """At ``at``, or so long after the first packet (text)."""
    time = ChangeTime(int(at), relative=isinstance(at, str))
    return ApiChange(time, "DeleteVpc", {"VpcId": name}, Place("f.yaml", name), recorded=recorded)


class Spy:
    """A control plane that does what the name of a change says, and writes it down: "x…" is refused, "=…" makes no
    difference, "-…" undoes what was done, "?…" is not known; "b…" concerns the interface eni-b, others eni-a."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self._counts = {"eni-a": 0, "eni-b": 0}

    def snapshot(self) -> Topology:
        return Topology(interfaces={name: Interface(name, udp_timeout=n) for name, n in self._counts.items()})

    def knows(self, change: ApiChange) -> bool:
        return not change.place.path.startswith("?")

    def refusal(self, change: ApiChange, now_ns: int) -> tuple[str, str] | None:
        name = change.place.path
        self.told.append((name, now_ns))
        if name.startswith("x"):
            return "Code", "Message."
        interface = "eni-b" if name.startswith("b") else "eni-a"
        self._counts[interface] = 0 if name.startswith("-") else self._counts[interface] + (not name.startswith("="))
        return None


class Counting:
    """A comparison that says how many observations it was given."""

    def __init__(self) -> None:
        self.observations = 0

    def another(self) -> Counting:
        return Counting()

    def add(self, columns: PacketColumns, verdicts: Verdicts) -> None:
        self.observations += len(verdicts.packet)

    def effect(self) -> Effect:
        return Effect(admitted_packets=self.observations)


class Held:
    """An engine that says what it was told to hold; each packet is observed at both interfaces, by a rule at the first
    and tracked at the second, if its number is even."""

    def __init__(self, names: tuple[str, ...] = ("eni-a", "eni-b")) -> None:
        self.topologies: list[Topology] = []
        self.compared: list[set[str]] = []
        self.interfaces = [Interface(name) for name in names]

    def compare(self, names: set[str]) -> Counting:
        self.compared.append(names)
        return Counting()

    def change(self, topology: Topology) -> None:
        self.topologies.append(topology)

    def verdicts(self, batch: MergedBatch) -> Verdicts:
        numbers = np.repeat(np.arange(len(batch.number)), len(self.interfaces))
        rows = np.zeros(len(numbers), dtype=VERDICT_ROWS)
        rows["packet"] = numbers
        rows["interface"] = np.tile(np.arange(len(self.interfaces)), len(batch.number))
        rows["reason"] = np.where((batch.number[numbers] % 2 == 0) & (rows["interface"] == 1), TRACKED, RULE)
        return verdicts_of(rows)


RULE, TRACKED = REASONS.index(Reason.RULE), REASONS.index(Reason.TRACKED)


def run(
    batches: list[MergedBatch], *changes: ApiChange, strict: bool = False, names: tuple[str, ...] = ("eni-a", "eni-b")
) -> tuple[list[tuple[list[int], int]], list[Outcome], Spy, Held]:
    """(packets and what is due, of each piece; outcomes; the control plane; the engine)."""
    spy, held = Spy(), Held(names)
    timeline = Timeline(spy.snapshot(), Changes(changes), spy, notes=Notes(strict))
    pieces = []
    for piece in timeline.pieces(iter(batches)):
        watch = timeline.reach(piece, held)  # type: ignore[arg-type]
        timeline.count(watch, piece, held.verdicts(piece.batch))
        pieces.append((piece.batch.number.tolist(), piece.due))
    return pieces, timeline.outcomes(), spy, held


def test_a_batch_is_cut_at_the_time_of_a_change() -> None:
    """Packets at or after its time see it; all arrays are cut at the same place."""
    batch = batch_of([10, 20, 30, 40], 1, lengths=True)
    timeline = Timeline(Topology(), Changes((change(30),)), Spy(), notes=Notes(False))
    before, after = (piece.batch for piece in timeline.pieces(iter([batch])))
    assert before.number.tolist() == before.columns.length.tolist() == [1, 2]
    assert after.number.tolist() == after.columns.dst_lo.tolist() == after.lengths.tolist() == [3, 4]
    assert after.capture.tolist() == [1, 1]
    assert len(after.columns.quotes) == 3
    assert after.windows is batch.windows


@pytest.mark.parametrize(
    ("times", "changes", "wanted"),
    [
        ([[10, 20]], [], [([1, 2], 0)]),
        ([[10, 20]], [5], [([1, 2], 1)]),
        ([[10, 20]], [10], [([1, 2], 1)]),
        ([[10, 20]], ["0"], [([1, 2], 1)]),
        ([[10, 20]], ["10"], [([1], 0), ([2], 1)]),
        ([[10, 20]], [20], [([1], 0), ([2], 1)]),
        ([[10, 20]], [21], [([1, 2], 0)]),
        ([[10, 20], [30]], [25], [([1, 2], 0), ([3], 1)]),
        ([[10, 20], [30]], [21, 22, 30], [([1, 2], 0), ([3], 3)]),
        ([[10, 20, 30]], [15, 25], [([1], 0), ([2], 1), ([3], 2)]),
        ([[10, 20, 30]], [15, 16, 25], [([1], 0), ([2], 2), ([3], 3)]),
        # A packet that is older than the clock is judged at the clock's time.
        ([[10, 30, 20, 40]], [25], [([1], 0), ([2, 3, 4], 1)]),
        ([[10, 30], [20, 40]], [25, 35], [([1], 0), ([2], 1), ([3], 1), ([4], 2)]),
        ([[], [10], []], [10], [([], 0), ([1], 1), ([], 1)]),
        ([[-(1 << 62), 1 << 62]], [-(1 << 62), 0], [([1], 1), ([2], 2)]),
    ],
)
def test_where_batches_are_cut(times, changes, wanted) -> None:
    """By the running maximum of the packets' times; several changes may be due at one packet."""
    batches, number = [], 1
    for each in times:
        batches.append(batch_of(each, number))
        number += len(each)
    assert run(batches, *map(change, changes))[0] == wanted


@given(
    st.lists(st.integers(0, 12), max_size=30),
    st.lists(st.integers(-2, 15), max_size=8),
    st.lists(st.integers(0, 30), max_size=5),
)
def test_each_packet_sees_the_changes_of_its_time(times: list[int], changes: list[int], cuts: list[int]) -> None:
    """However the stream is batched: all whose time the clock has reached, and only those."""
    bounds = sorted({0, len(times), *(cut for cut in cuts if cut < len(times))})
    batches = [batch_of(times[begin:end], begin + 1) for begin, end in pairwise(bounds)]
    pieces, outcomes, spy, _ = run(batches, *(change(at, f"={place}") for place, at in enumerate(changes)))
    seen = {number: due for numbers, due in pieces for number in numbers}
    clock = -(1 << 63)
    firsts: dict[int, int] = {}
    for number, time in enumerate(times, start=1):
        clock = max(clock, time)
        due = sum(at <= clock for at in changes)
        assert seen[number] == due
        for place in range(due):
            firsts.setdefault(place, number)
    assert [o.took_effect.packet if o.took_effect else None for o in outcomes] == [
        firsts.get(place) for place in range(len(changes))
    ]
    assert [at for _, at in spy.told] == sorted(changes)[: len(firsts)]


def test_what_is_not_reached_is_not_carried_out() -> None:
    """Changes behind the last packet are listed; without a packet nobody knows when a relative time is."""
    _, (early, late), spy, _ = run([batch_of([10], 1)], change(11, "late"), change(10, "early"))
    assert (early.at_ns, early.took_effect, early.applied) == (10, FirstPacket(1, 1, 10), True)
    assert (late.at_ns, late.took_effect, late.applied, late.effect) == (11, None, False, None)
    assert spy.told == [("early", 10)]
    _, outcomes, spy, _ = run([], change("5"), change(7))
    assert [(o.at_ns, o.took_effect, o.applied) for o in outcomes] == [(None, None, False), (7, None, False)]
    assert spy.told == []


def admitted(packets: int) -> Effect:
    return Effect(admitted_packets=packets)


def test_effects_are_counted_till_the_next_change_of_an_interface() -> None:
    """What rules decide counts for the latest change that concerns the interface; others end nothing, and have no
    effect themselves."""
    batches = [batch_of([10, 20, 30], 1), batch_of([40, 50, 60], 4)]
    _, outcomes, _, held = run(batches, change(20, "a"), change(35, "=a"), change(50, "a"), change(30, "b"))
    assert [(o.change.place.path, o.effect) for o in outcomes] == [
        ("a", admitted(3)),  # packets 2 to 4
        ("b", admitted(2)),  # packets 3 and 5: the others of 3 to 6 are tracked there
        ("=a", admitted(0)),
        ("a", admitted(2)),
    ]
    assert held.compared == [{"eni-a"}, {"eni-b"}, {"eni-a"}]
    assert [each.interfaces["eni-a"].udp_timeout for each in held.topologies] == [1, 1, 2]
    assert all(outcome.comparison is None for outcome in outcomes)


def test_changes_at_one_packet() -> None:
    """Of an interface, the last tells what they all did; those of other interfaces tell their own; where nothing is
    left of what they did, it had no effect."""
    _, outcomes, _, held = run([batch_of([10, 20], 1)], *(change(15, name) for name in ("a", "b", "a2", "=a")))
    assert [outcome.effect for outcome in outcomes] == [None, admitted(0), admitted(1), admitted(0)]
    assert held.compared == [{"eni-a", "eni-b"}]
    assert len(held.topologies) == 1
    _, outcomes, _, held = run([batch_of([10, 20], 1)], change(15, "a"), change(16, "-a"))
    assert [outcome.effect for outcome in outcomes] == [admitted(0), admitted(0)]
    assert held.topologies == []


def test_interfaces_that_are_not_guarded_have_no_effects() -> None:
    """Nothing is decided there."""
    _, outcomes, _, _ = run([batch_of([10, 20], 1)], change(15, "a"), change(16, "b"), names=("eni-b",))
    assert [outcome.effect for outcome in outcomes] == [admitted(0), admitted(1)]


def test_so_many_changes_are_counted_at_a_time() -> None:
    """The latest of them; an older one's effect ends there, and is not taken up again."""
    names = tuple(f"eni-{number:02}" for number in range(MOST_COUNTED + 1))

    class Many(Spy):
        def __init__(self) -> None:
            super().__init__()
            self._counts = dict.fromkeys(names, 0)

        def refusal(self, change: ApiChange, now_ns: int) -> None:
            self._counts[change.place.path] += 1

    spy, held = Many(), Held(names)
    changes = [change(10 * number, name) for number, name in enumerate(names)]
    changes += [change(10 * len(names), names[1]), change(10 * len(names) + 5, names[1])]
    timeline = Timeline(spy.snapshot(), Changes(tuple(changes)), spy, notes=Notes(False))
    for piece in timeline.pieces(iter([batch_of([10 * n for n in range(len(names) + 5)], 1)])):
        timeline.count(timeline.reach(piece, held), piece, held.verdicts(piece.batch))  # type: ignore[arg-type]
    first, second, *_, last = timeline.outcomes()
    assert first.effect == admitted(MOST_COUNTED)
    assert second.effect == admitted(MOST_COUNTED // 2)  # every other packet is tracked at the second interface
    assert last.effect == admitted(2)
    at_once = [change(5, name) for name in names]
    spy = Many()
    timeline = Timeline(spy.snapshot(), Changes(tuple(at_once)), spy, notes=Notes(False))
    for piece in timeline.pieces(iter([batch_of([10], 1)])):
        timeline.count(timeline.reach(piece, held), piece, held.verdicts(piece.batch))  # type: ignore[arg-type]
    assert [outcome.effect for outcome in timeline.outcomes()][:3] == [None, admitted(1), admitted(1)]


def test_a_refusal_is_listed_and_a_doubt() -> None:
    """Strictly, it is an error; an event that AWS accepted says that the snapshot is not right."""
    notes = Notes(False)
    spy = Spy()
    timeline = Timeline(spy.snapshot(), Changes((change(10, "x"), change(10, "x2", recorded=True))), spy, notes=notes)
    for piece in timeline.pieces(iter([batch_of([10], 1)])):
        assert timeline.reach(piece, Held()).outcomes == ()  # type: ignore[arg-type]
    first, second = timeline.outcomes()
    assert (first.applied, first.refusal, first.effect) == (False, ("Code", "Message."), None)
    assert second.refusal == ("Code", "Message.")
    by_hand, recorded = notes.warnings
    assert by_hand == "f.yaml: x: DeleteVpc is refused: Code: Message."
    assert recorded.endswith("(AWS did it: the snapshot is of another time, or lacks something)")
    with pytest.raises(InputError, match=r"f\.yaml: x: DeleteVpc is refused"):
        run([batch_of([10], 1)], change(10, "x"), strict=True)


def test_events_about_other_things_are_left_out() -> None:
    """They are counted in a remark; a change by hand is always told, so that it is refused."""
    changes = Changes((change(10, "?a", recorded=True), change(10, "?b")), PassedOver(failed=1))
    spy = Spy()
    timeline = Timeline(spy.snapshot(), changes, spy, notes=Notes(False))
    for piece in timeline.pieces(iter([batch_of([10], 1)])):
        timeline.reach(piece, Held())  # type: ignore[arg-type]
    assert [outcome.change.place.path for outcome in timeline.outcomes()] == ["?b"]
    assert timeline.remarks() == [
        "events of CloudTrail's passed over: 1 failed, 1 about what the snapshot does not hold"
    ]


def test_what_was_passed_over_in_words() -> None:
    """The most frequent names of calls that change nothing."""
    assert PassedOver().text() == ""
    many = {f"Call{number}": number for number in range(1, 8)}
    text = PassedOver(read_only=1_000, repeated=1, other_services=2, unmodelled=many).text()
    assert text == (
        "events of CloudTrail's passed over: 1,000 only read, 1 there twice, 2 of other services, "
        "28 that change nothing of what is judged (Call7 7, Call6 6, Call5 5, Call4 4, Call3 3, ...)"
    )


def test_without_changes_batches_pass_through() -> None:
    """The very same objects: a replay without changes pays nothing."""
    batches = [batch_of([10, 20], 1), batch_of([30], 3)]
    timeline = Timeline(Topology(), notes=Notes(False))
    found = [piece.batch for piece in timeline.pieces(iter(batches))]
    assert all(one is other for one, other in zip(found, batches, strict=True))
    assert timeline.outcomes() == timeline.remarks() == []
    assert timeline.warnings == ()
