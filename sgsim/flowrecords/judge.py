"""Records in, verdicts on them out: each waits for its turn in the order of time, and packets stand for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sgsim.captures.buffers import allocate, trimmed
from sgsim.captures.flowlogs import Meetings, RecordBatch
from sgsim.compile import compile_topology
from sgsim.engine import Engine, Simulator
from sgsim.flowrecords.ports import port_ranks
from sgsim.flowrecords.standins import stand_ins
from sgsim.flowrecords.timeline import Timeline
from sgsim.kernels.decode import name_flows
from sgsim.kernels.logflows import FOUND, TIME_SHIFT, Room, make_packets, note_found, settle
from sgsim.kernels.logids import MOST_IDS
from sgsim.kernels.logroles import Guards, resolve
from sgsim.layout import BODY, LOG_SKIPS, Verdicts
from sgsim.model import Interface, LogSkip, Rule, Settings, Topology

EVENTS = 1 << 14  # judged at a time

MakeEngine = Callable[[Topology, Settings, list[str], int], Engine]


class RecordJudge:
    """Judges the records of logs at the selected interfaces.

    ``skipped`` counts records that are not judged, by cause; ``strangers``, int64, those of each interface id (by its
    number) that is not guarded; ``perhaps``, int64, for each rule the records that it admits if their side asked, which
    nothing says. ``interfaces`` and ``rules`` are what a record's ``interface`` and ``rule`` point into.
    """

    def __init__(
        self, topology: Topology, settings: Settings, selected: Sequence[str], meetings: Meetings, make: MakeEngine
    ) -> None:
        self._meetings = meetings
        stood_for = stand_ins(topology)
        self.engine = make(stood_for.topology, settings, list(selected), 1)
        chosen = set(selected)
        self.interfaces: list[Interface] = [i for i in topology.interfaces.values() if i.interface_id in chosen]
        self.rules: list[Rule] = topology.rules()
        table = None
        if isinstance(self.engine, Simulator):
            table = self.engine.table
        else:
            table = compile_topology(stood_for.topology, list(self.engine.interfaces), settings).table
        self._guards = Guards(
            table=table,
            places=np.full(MOST_IDS, -1, dtype=np.int32),
            primaries=_primaries(self.engine.interfaces),
            ports=port_ranks(self.rules),
            stand_ins=stood_for.protocols,
            paces=_paces(self.interfaces, settings),
            rule_places=stood_for.rule_places,
            perhaps=np.zeros(len(self.rules), dtype=np.int64),
        )
        self._known = {interface.interface_id: place for place, interface in enumerate(self.interfaces)}
        self._ids = 0
        self._timeline = Timeline()
        self._begun: int | None = None
        self._bodies = np.zeros(1, dtype=BODY)
        self._room = Room(
            allocate(2 * EVENTS), np.zeros(2 * EVENTS, dtype=np.int32), np.zeros(2 * EVENTS, dtype=np.int32)
        )
        self._found = np.zeros(2 * EVENTS, dtype=FOUND)
        self._done = np.zeros(EVENTS, dtype=np.int64)
        self.skipped: dict[LogSkip, int] = dict.fromkeys(LogSkip, 0)
        self.strangers = np.zeros(MOST_IDS, dtype=np.int64)

    def judge(self, batch: RecordBatch) -> Iterator[NDArray[np.void]]:
        """Take a batch; gives records that are done, from this batch or earlier ones, as LOG_RECORDs. They hold until
        the next are asked for."""
        self._place_ids()
        resolve(batch.records, batch.packet_ends, self._guards, self._bodies)
        kept = self._without_skipped(batch.records)
        if self._timeline.is_full(len(kept)):
            yield from self._pass(until=len(kept))
        self._timeline.add(kept, self._guards.paces)

    @property
    def perhaps(self) -> NDArray[np.int64]:
        return self._guards.perhaps

    def finish(self) -> Iterator[NDArray[np.void]]:
        """The rest, after the last batch."""
        yield from self._pass(until=None)

    # --- one after the other --------------------------------------------------------------------------------------

    def _place_ids(self) -> None:
        """Find the interfaces whose ids were met for the first time."""
        places = self._guards.places
        for number in range(self._ids, self._meetings.ids):
            places[number] = self._known.get(self._meetings.id_text(number), -1)
        self._ids = self._meetings.ids

    def _without_skipped(self, records: NDArray[np.void]) -> NDArray[np.void]:
        skipped = np.flatnonzero(records["skip"])
        if not len(skipped):
            return records
        self._count(records["skip"][skipped])
        code = LOG_SKIPS.index(LogSkip.NO_INTERFACE) + 1
        names = records["name"][skipped[records["skip"][skipped] == code]]
        np.add.at(self.strangers, names[names >= 0], 1)
        kept: NDArray[np.void] = records[records["skip"] == 0]
        return kept

    def _count(self, codes: NDArray[np.uint8]) -> None:
        for code, count in enumerate(np.bincount(codes, minlength=len(LOG_SKIPS) + 1).tolist()[1:]):
            self.skipped[LOG_SKIPS[code]] += count

    def _pass(self, until: int | None) -> Iterator[NDArray[np.void]]:
        """Judge the earliest events until there is room for so many records, or all."""
        timeline = self._timeline
        for events in timeline.events(EVENTS, until):
            done = self._judge_events(events)
            finished = timeline.taken(done)
            local = finished["skip"] != 0
            if local.any():
                self._count(finished["skip"][local])
                finished = finished[~local]
            if len(finished):
                yield finished

    def _judge_events(self, events: NDArray[np.int64]) -> NDArray[np.int64]:
        """The slots of the records that are done with these events."""
        room, records = self._room, self._timeline.records
        if self._begun is None:
            self._begun = int(events[0] >> TIME_SHIFT)
        made = make_packets(events, records, self._begun, self._guards, room)
        columns = trimmed(room.columns, made, 0)
        name_flows(columns)
        verdicts: Verdicts = self.engine.judge_columns(columns, room.at[:made])
        found = self._found[: 2 * len(events)]
        note_found(verdicts.rows, room.event, found)
        return self._done[: settle(events, found, records, self._guards.rule_places, self._done)]


def _paces(interfaces: Sequence[Interface], settings: Settings) -> NDArray[np.int64]:
    """Five sixths of the longest idle times of TCP and UDP, in seconds."""
    timeouts = settings.timeouts
    rows = [
        (i.tcp_established_timeout or timeouts.tcp_established, i.udp_stream_timeout or timeouts.udp_stream)
        for i in interfaces
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 2) * 5 // 6


def _primaries(interfaces: Sequence[Interface]) -> NDArray[np.uint64]:
    """IPv4 address, upper and lower half of the IPv6 address of each."""
    half = (1 << 64) - 1
    rows = []
    for interface in interfaces:
        v4, v6 = int(interface.primary(4) or 0), int(interface.primary(6) or 0)
        rows.append((v4, v6 >> 64, v6 & half))
    return np.array(rows, dtype=np.uint64).reshape(-1, 3)
