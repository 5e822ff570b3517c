"""The compiled engine: match tables and one state table, fed batch by batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import from_packets
from sgsim.compile import compile_topology, octets
from sgsim.engine.catalogue import Catalogue, Selected
from sgsim.engine.comparison import TableComparison
from sgsim.engine.pages import pages
from sgsim.kernels.judge import judge
from sgsim.kernels.renew import renew
from sgsim.kernels.slots import live, move
from sgsim.layout import (
    AHEAD,
    BODY,
    EGRESS,
    FIRST_FRAGMENT,
    JUMP_FROM,
    JUMP_TO,
    MIDSTREAM,
    NOW,
    OPENED,
    REASONS,
    REORDERED,
    REPLACED,
    SLOT_WORDS,
    SLOTS_USED,
    STARTED,
    TRACKED,
    VERDICT,
    FlowTable,
    PacketColumns,
    TrackSettings,
    TrackState,
    Verdicts,
    verdicts_of,
)
from sgsim.model import (
    Decision,
    Direction,
    Fragments,
    Interface,
    Midstream,
    Rule,
    Settings,
    TcpPickup,
    Timeouts,
    Topology,
)

_SECOND = 1_000_000_000
_FIRST_SLOTS = 1 << 16  # 4 MiB: small captures need no more, a first full batch has the table moved
_KEPT = 1 << 23  # bytes of match tables up to which comparisons keep them whole; of larger ones, those that are asked
_LARGE = 1 << 20  # records, 64 MiB: up to here memory is cheaper than the 5 ns a packet that collisions cost


def _most(size: int) -> int:
    """How many of the table's records may be in use before it is moved."""
    return size // 4 if size < _LARGE else size // 2


class Simulator:
    """Judges packets at the gates of the selected interfaces (see ``chooser``). See ``Engine`` for the members.

    The verdicts of a batch hold until ``ahead`` more have been judged.

    Raises SelectionError where an interface has a group that the topology does not, or two own one address.
    """

    def __init__(
        self,
        topology: Topology,
        settings: Settings | None = None,
        selected: Selected = None,
        ahead: int = 1,
    ) -> None:
        self._settings = settings or Settings()
        self._catalogue = Catalogue(topology, selected)
        self.interfaces: list[Interface] = self._catalogue.interfaces.copy()
        self.rules: list[Rule] = self._catalogue.rules.copy()
        self._compilation = compile_topology(topology, self.interfaces, self._settings)
        self.table = self._compilation.table
        self._begun = False
        self._state = _fresh_state(self.interfaces, self._settings)
        self._rounds = deque(np.zeros(0, dtype=VERDICT) for _ in range(ahead))
        self._anywhere = np.zeros(0, dtype=np.int32)

    @property
    def reordered(self) -> int:
        return int(self._state.counts[REORDERED])

    @property
    def jumped(self) -> tuple[int, int] | None:
        before, after = int(self._state.counts[JUMP_FROM]), int(self._state.counts[JUMP_TO])
        return None if before == after else (before, after)

    def judge_columns(self, columns: PacketColumns, at: NDArray[np.int32] | None = None) -> Verdicts:
        packets = len(columns.heads)
        if not packets:
            return verdicts_of(np.zeros(0, dtype=VERDICT))
        counts = self._state.counts
        if not self._begun:
            self._begun = True
            counts[STARTED] = counts[NOW] = columns.time_ns[0]
        self._rounds.rotate()
        if len(self._rounds[0]) < 2 * packets + 1:
            self._rounds[0] = np.zeros(2 * packets + 1, dtype=VERDICT)
        rows = self._rounds[0]
        self._make_room(packets + 2 * int(np.count_nonzero(columns.shape == FIRST_FRAGMENT)))
        anywhere = self._anywhere if at is None else at
        found = judge(columns, self.table, anywhere, self._state, rows.view(np.int64))
        return verdicts_of(rows[:found])

    def compare(self, names: Collection[str]) -> TableComparison:
        if octets(self.table) < _KEPT:
            return TableComparison(self.table)
        present = self._catalogue.present()
        asked = [i if i.interface_id in names else replace(i, group_ids=()) for i in present]
        return TableComparison(compile_topology(self._catalogue.topology, asked, self._settings).table)

    def change(self, topology: Topology) -> None:
        later = self._catalogue.after(topology)
        present, staying = later.present(), self._catalogue.staying(later)
        self._compilation = compile_topology(topology, present, self._settings, later.numbers, self._compilation)
        self.table, self._catalogue = self._compilation.table, later  # nothing is refused from here on
        self.interfaces[:], self.rules[:] = later.interfaces, later.rules
        self._state = self._state._replace(**_of_interfaces(present, self._settings))
        renew(self._state, self.table, staying, np.zeros(1, dtype=BODY))

    @overload
    def judge(self, packets: list[Any] | tuple[Any, ...]) -> list[list[Decision]]: ...

    @overload
    def judge(self, packets: Iterator[Any]) -> Iterator[list[Decision]]: ...

    @overload
    def judge(self, packets: Any) -> list[Decision]: ...

    def judge(self, packets: Any) -> list[Decision] | list[list[Decision]] | Iterator[list[Decision]]:
        """The decisions about a scapy packet, the sender's gate first; about a list of packets, a list for each; about
        an iterator's (a generator, a PcapReader), an iterator of such lists, which asks for a packet when it is asked
        for the decisions about it.

        A packet that makes no observation gets an empty list. Packets are judged in order, with the connections that
        earlier ones made; their times are ``packet.time``. Raises TypeError for what is no scapy packet.
        """
        if isinstance(packets, Iterator):
            return (self._decisions([packet])[0] for packet in packets)
        if isinstance(packets, Iterable) and not hasattr(packets, "wirelen"):  # a packet can be iterated over too
            return self._decisions(packets)
        return self._decisions([packets])[0]

    def _decisions(self, packets: Iterable[Any]) -> list[list[Decision]]:
        found: list[list[Decision]] = []
        for batch in from_packets(packets):
            decisions: list[list[Decision]] = [[] for _ in batch.columns.skip]
            verdicts = self.judge_columns(batch.columns)
            for row, place, direction, reason, rule, flags in zip(*(c.tolist() for c in verdicts[:-1]), strict=True):
                decisions[row].append(self._decision(place, direction, reason, rule, flags))
            found.extend(decisions)
        return found

    def _decision(self, place: int, direction: int, reason: int, rule: int, flags: int) -> Decision:
        return Decision(
            self.interfaces[place].interface_id,
            Direction.EGRESS if direction == EGRESS else Direction.INGRESS,
            REASONS[reason],
            None if rule < 0 else self.rules[rule],
            tracked=bool(flags & TRACKED),
            opened=bool(flags & OPENED),
            replaced=bool(flags & REPLACED),
            midstream=bool(flags & MIDSTREAM),
        )

    def live_entries(self) -> int:
        return int(live(self._state.table, int(self._state.counts[NOW]))[1]) if self._begun else 0

    def _make_room(self, records: int) -> None:
        """See to it that so many records can be made."""
        table, counts = self._state.table, self._state.counts
        size = len(table.slots) // SLOT_WORDS
        if counts[SLOTS_USED] + records <= _most(size):
            return
        clock = int(counts[NOW])
        kept, _ = live(table, clock)
        while 2 * kept + records > _most(size):  # twice: it must not fill again at once
            size *= 2
        self._state = self._state._replace(table=_empty_table(size))
        move(table, clock, self._state)


def _empty_table(size: int) -> FlowTable:
    return FlowTable(
        slots=np.frombuffer(pages(size * 8 * SLOT_WORDS), dtype=np.int64),
        wide=np.frombuffer(pages(size * 32), dtype=np.uint64),
    )


def _fresh_state(interfaces: list[Interface], settings: Settings) -> TrackState:
    return TrackState(
        table=_empty_table(_FIRST_SLOTS),
        counts=np.zeros(7, dtype=np.int64),
        settings=_settings(settings, settings.timeouts),
        places=np.zeros(2 * AHEAD, dtype=np.uint64),
        **_of_interfaces(interfaces, settings),
    )


def _of_interfaces(interfaces: list[Interface], settings: Settings) -> dict[str, Any]:
    """The fields of TrackState that are about interfaces and their instances, as if there were no entries."""
    instances: dict[str, int] = {}
    for interface in interfaces:
        instances.setdefault(_instance(interface), len(instances))
    rows: dict[tuple[int, ...], int] = {}
    of_interface = [rows.setdefault(_timers(each, settings.timeouts), len(rows)) for each in interfaces]
    return {
        "entries": np.zeros(len(instances) + 1, dtype=np.int64),
        "earliest": np.full(len(instances) + 1, (1 << 63) - 1, dtype=np.int64),
        "timers": np.array(list(rows), dtype=np.int64).ravel() * _SECOND,
        "timer_rows": np.array(of_interface, dtype=np.int32),
        "instances": np.array([instances[_instance(interface)] for interface in interfaces], dtype=np.int64),
    }


def _instance(interface: Interface) -> str:
    return interface.instance_id or f"interface {interface.interface_id}"


def _timers(interface: Interface, timeouts: Timeouts) -> tuple[int, ...]:
    """Seconds, in the order of the states of kernels.flows."""
    return (
        timeouts.tcp_opening,
        interface.tcp_established_timeout or timeouts.tcp_established,
        timeouts.tcp_closing,
        timeouts.tcp_reset,
        interface.udp_timeout or timeouts.udp,
        interface.udp_stream_timeout or timeouts.udp_stream,
        timeouts.icmp,
        timeouts.other,
    )


def _settings(settings: Settings, timeouts: Timeouts) -> TrackSettings:
    numbers = (
        int(settings.open_loop),
        int(settings.midstream is Midstream.ASSUME),
        list(Fragments).index(settings.fragments),
        int(settings.tcp_pickup is TcpPickup.STRICT),
        -1 if settings.conntrack_max is None else settings.conntrack_max,
        timeouts.udp_stream * _SECOND,
        timeouts.icmp * _SECOND,
        timeouts.other * _SECOND,
        timeouts.fragment * _SECOND,
    )
    return TrackSettings._make(np.int64(number) for number in numbers)
