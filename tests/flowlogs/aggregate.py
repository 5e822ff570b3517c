"""Captures -> the flow logs that AWS would have written of them, had its groups been those of the snapshot.

Replay judges the packets; what it lets through or drops at an interface becomes records, one for each flow, direction,
decision and aggregation interval. Packets that never got to an interface are not in its log, nor is what is never
filtered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sgsim.captures import merged, open_capture
from sgsim.engine import Simulator
from sgsim.engine.packets import packets_of
from sgsim.layout import EGRESS, FIRST_DROP, REASONS, PacketColumns
from sgsim.model import ICMP, ICMPV6, TCP, FragmentKind, Packet, Reason, Settings, Topology

V5 = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status} ${tcp-flags} ${type} ${pkt-srcaddr} ${pkt-dstaddr} "
    "${flow-direction} ${traffic-path} ${reject-reason}"
)
SECOND = 1_000_000_000
LOGGED_FLAGS = 0x07  # FIN, SYN, RST; of ACK only that of a SYN-ACK


@dataclass(slots=True)
class Line:
    """One record while it grows."""

    first_ns: int
    last_ns: int
    packets: int = 0
    bytes: int = 0
    flags: int = 0
    reasons: set[Reason] = field(default_factory=set)


Key = tuple[Any, ...]  # interface, direction, source, destination, ports, protocol, accepted, interval


class FlowLog:
    """Add packets and what was decided about them; then write the records."""

    def __init__(self, interval: int = 60) -> None:
        self._interval = interval * SECOND
        self.lines: dict[Key, Line] = {}

    def add(self, packet: Packet, eni: str, direction: int, reason: Reason) -> None:
        if reason in (Reason.NOT_REACHED, Reason.EXEMPT) or packet.fragment is FragmentKind.LATER:
            return
        accepted = REASONS.index(reason) < FIRST_DROP
        ports = (packet.src_port or 0, packet.dst_port or 0)
        key = (
            eni,
            direction,
            packet.src,
            packet.dst,
            *ports,
            packet.protocol,
            accepted,
            packet.time_ns // self._interval,
        )
        line = self.lines.setdefault(key, Line(packet.time_ns, packet.time_ns))
        line.last_ns = max(line.last_ns, packet.time_ns)
        line.packets += 1
        line.bytes += packet.length
        line.reasons.add(reason)
        if packet.protocol == TCP:
            flags = packet.tcp_flags & LOGGED_FLAGS
            line.flags |= flags | (0x10 if packet.tcp_flags & 0x12 == 0x12 else 0)

    def texts(self, names: Sequence[str]) -> list[str]:
        """The records as lines of these fields, in the order in which they were begun."""
        return [" ".join(str(_fields(key, line)[name]) for name in names) for key, line in self.lines.items()]

    def write(self, path: Path, names: Sequence[str], order: Iterable[int] | None = None) -> Path:
        """A log with a header; ``order`` says in which order the records stand."""
        texts = self.texts(names)
        chosen = texts if order is None else [texts[n] for n in order]
        path.write_text("\n".join([" ".join(names), *chosen]) + "\n")
        return path


def _fields(key: Key, line: Line) -> dict[str, object]:
    eni, direction, src, dst, src_port, dst_port, protocol, accepted, _ = key
    return {
        "version": 5,
        "account-id": "123456789012",
        "interface-id": eni,
        "srcaddr": src,
        "dstaddr": dst,
        "srcport": src_port,
        "dstport": dst_port,
        "protocol": protocol,
        "packets": line.packets,
        "bytes": line.bytes,
        "start": line.first_ns // SECOND,
        "end": line.last_ns // SECOND,
        "action": "ACCEPT" if accepted else "REJECT",
        "log-status": "OK",
        "tcp-flags": line.flags,
        "type": "IPv4" if src.version == 4 else "IPv6",
        "pkt-srcaddr": src,
        "pkt-dstaddr": dst,
        "flow-direction": "egress" if direction == EGRESS else "ingress",
        "traffic-path": "-",
        "reject-reason": "-",
    }


def logged(
    topology: Topology, captures: Sequence[Path], *, interval: int = 60, settings: Settings | None = None
) -> FlowLog:
    """What AWS would have logged of these captures."""
    log = FlowLog(interval)
    engine = Simulator(topology, settings)
    opened = [open_capture(str(path)) for path in captures]
    for batch in merged(opened):
        add_batch(log, engine, batch.columns)
    for capture in opened:
        capture.close()
    return log


def add_batch(log: FlowLog, engine: Simulator, columns: PacketColumns) -> None:
    packets = list(packets_of(columns))
    verdicts = engine.judge_columns(columns)
    for row, place, direction, reason in zip(*(column.tolist() for column in verdicts[:4]), strict=True):
        packet = packets[row]
        assert packet is not None
        log.add(packet, engine.interfaces[place].interface_id, direction, REASONS[reason])


def is_icmp(protocol: int) -> bool:
    return protocol in (ICMP, ICMPV6)
