"""Workload ``log``: flow logs of the flows of workload ``vpc``, as AWS would write them for its interfaces.

Each flow makes a record for each direction at each of its interfaces in each aggregation interval that it lives in;
what the interface's rules refuse makes one record alone, REJECT. Records of an interval are in no order.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.captures.buffers import allocate
from sgsim.engine import Simulator
from sgsim.kernels.decode import name_flows
from sgsim.layout import FIRST_DROP, Verdicts
from sgsim.model import ICMP, ICMPV6, TCP, Topology
from sgsim.workload import Flows, Workload, draw_flows

LOG = "log-v1"
EPOCH, INTERVAL = 1_700_000_000, 60  # seconds
_PACKETS = 20  # of a flow in an interval, about
_SPAN = 3_600  # seconds in which flows begin

_V2 = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)


class Records(NamedTuple):
    """One array of length n for each field; ``words`` are the interfaces' ids."""

    interface: NDArray[np.int32]
    src: NDArray[np.object_]
    dst: NDArray[np.object_]
    srcport: NDArray[np.int64]
    dstport: NDArray[np.int64]
    protocol: NDArray[np.int64]
    packets: NDArray[np.int64]
    bytes: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    accepted: NDArray[np.bool_]
    tcp_flags: NDArray[np.int64]
    egress: NDArray[np.bool_]


def draw_records(workload: Workload, topology: Topology, records: int) -> tuple[Records, list[str]]:
    """So many records, and the interfaces' ids that ``interface`` points into."""
    flows = draw_flows(workload, topology)
    rng = np.random.default_rng(workload.seed)
    found, ids = _verdicts(flows, topology)
    texts = _texts(flows.v6, flows.src_hi, flows.src_lo), _texts(flows.v6, flows.dst_hi, flows.dst_lo)
    begun = rng.integers(0, _SPAN, size=len(flows.protocol))
    parts = []
    made = 0
    for interval in range(10_000):
        flow = np.repeat(found.packet, 2)
        answer = np.tile([False, True], len(found.packet))
        accepted = np.repeat(found.reason < FIRST_DROP, 2)
        more = interval < np.maximum(1, flows.packets[flow] // _PACKETS)
        kept = more & (accepted | (~answer & (interval == 0)))
        if not kept.any() or made >= records:
            break
        flow, answer, accepted = flow[kept], answer[kept], accepted[kept]
        egress = (np.repeat(found.direction, 2)[kept] == 1) != answer
        src = np.where(answer, texts[1][flow], texts[0][flow])
        dst = np.where(answer, texts[0][flow], texts[1][flow])
        no_ports = flows.protocol[flow] == ICMP
        ports = [np.where(no_ports, 0, column[flow].astype(np.int64)) for column in (flows.src_port, flows.dst_port)]
        protocol = np.where(no_ports & flows.v6[flow], ICMPV6, flows.protocol[flow])
        packets = rng.integers(1, _PACKETS, size=len(flow))
        start = EPOCH + begun[flow] + interval * INTERVAL
        flags = np.where(protocol == TCP, np.where(interval == 0, np.where(answer, 18, 2), 0), 0)
        parts.append(
            Records(
                np.repeat(found.interface, 2)[kept],
                src,
                dst,
                np.where(answer, ports[1], ports[0]),
                np.where(answer, ports[0], ports[1]),
                protocol,
                packets,
                packets * rng.integers(60, 1_400, size=len(flow)),
                start,
                start + rng.integers(0, INTERVAL, size=len(flow)),
                accepted,
                flags,
                egress,
            )
        )
        made += len(flow)
    joined = Records._make(np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(joined.start // INTERVAL * INTERVAL + rng.random(made) * INTERVAL)[:records]
    return Records._make(column[order] for column in joined), ids


def _verdicts(flows: Flows, topology: Topology) -> tuple[Verdicts, list[str]]:
    """What each gate says of the flows' first packets."""
    columns = allocate(len(flows.protocol))
    for name in ("src_hi", "src_lo", "dst_hi", "dst_lo"):
        getattr(columns, name)[:] = getattr(flows, name)
    icmp = flows.protocol == ICMP
    columns.protocol[:] = np.where(icmp & flows.v6, ICMPV6, flows.protocol)
    columns.version[:] = np.where(flows.v6, 6, 4)
    columns.src_port[:] = flows.src_port
    columns.dst_port[:] = np.where(icmp, np.where(flows.v6, 128 << 8, 8 << 8), flows.dst_port)
    columns.tcp_flags[:] = np.where(flows.protocol == TCP, 2, 0)
    columns.quoted[:] = -1
    name_flows(columns)
    engine = Simulator(topology)
    return engine.judge_columns(columns), [interface.interface_id for interface in engine.interfaces]


def _texts(v6: NDArray[np.bool_], hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> NDArray[np.object_]:
    from ipaddress import IPv4Address, IPv6Address

    pairs = zip(v6.tolist(), hi.tolist(), lo.tolist(), strict=True)
    return np.array(
        [str(IPv6Address(h << 64 | low) if six else IPv4Address(low)) for six, h, low in pairs], dtype=object
    )


def write_text(path: Path, made: Records, ids: list[str]) -> None:
    """The default format, with its header, as AWS delivers it to S3 (but for gzip)."""
    names = np.array(ids, dtype=object)[made.interface]
    action = np.where(made.accepted, "ACCEPT", "REJECT")
    columns = (names, made.src, made.dst, made.srcport, made.dstport, made.protocol, made.packets, made.bytes)
    rows = zip(*(column.tolist() for column in (*columns, made.start, made.end, action)), strict=True)
    with path.open("w") as file:
        file.write(_V2 + "\n")
        file.writelines(f"2 123456789012 {' '.join(map(str, row))} OK\n" for row in rows)


def write_parquet(path: Path, made: Records, ids: list[str]) -> None:
    """All fields that tell something, as AWS delivers them in Parquet."""
    import pyarrow
    import pyarrow.parquet

    i32, i64, text = pyarrow.int32(), pyarrow.int64(), pyarrow.string()
    columns = {
        "version": pyarrow.array(np.full(len(made.src), 5), i32),
        "account_id": pyarrow.array(["123456789012"] * len(made.src), text),
        "interface_id": pyarrow.array(np.array(ids, dtype=object)[made.interface], text),
        "srcaddr": pyarrow.array(made.src, text),
        "dstaddr": pyarrow.array(made.dst, text),
        "srcport": pyarrow.array(made.srcport, i32),
        "dstport": pyarrow.array(made.dstport, i32),
        "protocol": pyarrow.array(made.protocol, i32),
        "packets": pyarrow.array(made.packets, i64),
        "bytes": pyarrow.array(made.bytes, i64),
        "start": pyarrow.array(made.start, i64),
        "end": pyarrow.array(made.end, i64),
        "action": pyarrow.array(np.where(made.accepted, "ACCEPT", "REJECT").tolist(), text),
        "log_status": pyarrow.array(["OK"] * len(made.src), text),
        "tcp_flags": pyarrow.array(made.tcp_flags, i32),
        "flow_direction": pyarrow.array(np.where(made.egress, "egress", "ingress").tolist(), text),
        "traffic_path": pyarrow.array(np.full(len(made.src), 1), i32),
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression="snappy")
