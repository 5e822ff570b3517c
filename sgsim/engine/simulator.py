"""The compiled engine: match tables and one state table, fed batch by batch."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from sgsim.captures import from_packets
from sgsim.compile import compile_topology
from sgsim.engine.clock import Clock
from sgsim.kernels.judge import judge
from sgsim.kernels.slots import live, move
from sgsim.layout import (
    BLOCK,
    EGRESS,
    MIDSTREAM,
    OPENED,
    REASONS,
    REPLACED,
    SLOT,
    SLOTS_USED,
    STARTED,
    TRACKED,
    Block,
    PacketColumns,
    TrackSettings,
    TrackState,
    Verdicts,
)
from sgsim.model import Decision, Direction, Fragments, Interface, Rule, Settings, TcpPickup, Timeouts, Topology
from sgsim.selection import check_groups, check_owners

_SECOND = 1_000_000_000
_FIRST_SLOTS = 1 << 17  # 8 MiB: room for a batch of 8,192 packets at the load below
_LOAD = 0.6  # of the table, at which it is moved
_RECORDS = 6  # that a packet can make at most: an entry or mark, a note and a fate at each of two gates


class Simulator:
    """Judges packets at the gates of the selected interfaces (all when None). See ``Engine`` for the members.

    Raises SelectionError where an interface has a group that the topology does not, or two own one address.
    """

    def __init__(
        self, topology: Topology, settings: Settings | None = None, selected: Iterable[str] | None = None
    ) -> None:
        settings = settings or Settings()
        chosen = topology.interfaces if selected is None else set(selected)
        self.interfaces: list[Interface] = [i for i in topology.interfaces.values() if i.interface_id in chosen]
        check_groups(topology, self.interfaces)
        check_owners(self.interfaces)
        self.rules: list[Rule] = topology.rules()
        self.table = compile_topology(topology, self.interfaces, settings)
        self._clock = Clock()
        self._state = _fresh_state(self.interfaces, settings)
        self._verdicts = _room_for_verdicts(0)
        self._anywhere = np.zeros(0, dtype=np.int32)

    @property
    def reordered(self) -> int:
        return self._clock.reordered

    @property
    def jumped(self) -> tuple[int, int] | None:
        return self._clock.jumped

    def judge_columns(self, columns: PacketColumns, at: NDArray[np.int32] | None = None) -> Verdicts:
        packets = len(columns.skip)
        if self._clock.now is None and packets:
            self._state.counts[STARTED] = columns.time_ns[0]
        clock = self._clock.run(columns.time_ns)
        if len(self._verdicts.packet) < 2 * packets:
            self._verdicts = _room_for_verdicts(2 * packets + 2)
        self._make_room(packets, int(clock[0]) if packets else 0)
        found = judge(columns, self.table, self._anywhere if at is None else at, clock, self._state, self._verdicts)
        return Verdicts._make(column[:found] for column in self._verdicts)

    @overload
    def judge(self, packets: list[Any] | tuple[Any, ...]) -> list[list[Decision]]: ...

    @overload
    def judge(self, packets: Any) -> list[Decision]: ...

    def judge(self, packets: Any) -> list[Decision] | list[list[Decision]]:
        """The decisions about a scapy packet, the sender's gate first; about a list of packets, a list for each.

        A packet that makes no observation gets an empty list. Packets are judged in order, with the connections that
        earlier ones made; their times are ``packet.time``. Raises TypeError for what is no scapy packet.
        """
        if not isinstance(packets, list | tuple):
            return list(self.judge([packets])[0])
        found: list[list[Decision]] = []
        for batch in from_packets(packets):
            decisions: list[list[Decision]] = [[] for _ in batch.columns.skip]
            verdicts = self.judge_columns(batch.columns)
            for row, place, direction, reason, rule, flags in zip(*(c.tolist() for c in verdicts), strict=True):
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
        return 0 if self._clock.now is None else int(live(self._state.slots, self._clock.now)[1])

    def _make_room(self, packets: int, clock: int) -> None:
        slots = self._state.slots
        wanted = _RECORDS * packets
        if self._state.counts[SLOTS_USED] + wanted <= _LOAD * len(slots):
            return
        records, _ = live(slots, clock)
        size = len(slots)
        while records + wanted > _LOAD * size:
            size *= 2
        self._state = self._state._replace(slots=_empty_slots(size))
        move(slots, clock, self._state)


def _empty_slots(size: int) -> NDArray[np.void]:
    """``size`` records, each in one cache line."""
    memory = mmap.mmap(-1, size * SLOT.itemsize)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)  # a probe then misses no page table entry: 48 against 30 ns
    return np.frombuffer(memory, dtype=SLOT)


def _empty_block() -> Block:
    dtypes = {"key": np.uint64, "start": np.uint64}
    return Block._make(np.zeros(2 * BLOCK + 2, dtype=dtypes.get(name, np.int32)) for name in Block._fields)


def _room_for_verdicts(observations: int) -> Verdicts:
    dtypes = {"direction": np.uint8, "reason": np.uint8, "flags": np.uint8}
    return Verdicts._make(np.zeros(observations, dtype=dtypes.get(name, np.int32)) for name in Verdicts._fields)


def _fresh_state(interfaces: list[Interface], settings: Settings) -> TrackState:
    instances: dict[str, int] = {}
    for interface in interfaces:
        instances.setdefault(_instance(interface), len(instances))
    timers = [seconds for interface in interfaces for seconds in _timers(interface, settings.timeouts)]
    return TrackState(
        slots=_empty_slots(_FIRST_SLOTS),
        counts=np.zeros(3, dtype=np.int64),
        entries=np.zeros(len(instances) + 1, dtype=np.int64),
        earliest=np.full(len(instances) + 1, (1 << 63) - 1, dtype=np.int64),
        timers=np.array(timers, dtype=np.int64) * _SECOND,
        instances=np.array([instances[_instance(interface)] for interface in interfaces], dtype=np.int64),
        settings=_settings(settings, settings.timeouts),
        block=_empty_block(),
    )


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
        list(Fragments).index(settings.fragments),
        int(settings.tcp_pickup is TcpPickup.STRICT),
        -1 if settings.conntrack_max is None else settings.conntrack_max,
        timeouts.udp_stream * _SECOND,
        timeouts.icmp * _SECOND,
        timeouts.other * _SECOND,
        timeouts.fragment * _SECOND,
    )
    return TrackSettings._make(np.int64(number) for number in numbers)
