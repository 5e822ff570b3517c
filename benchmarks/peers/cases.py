"""The binary files that sgsim and every peer read the same rules, five-tuples and flows from.

A case file is two little-endian 64-bit counts, then the records of the first kind, then those of the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.layout import PacketColumns
from sgsim.model import Direction, GroupReference, Interface, Peer, Rule, SecurityGroup, Topology
from sgsim.workload import GUARDED, Flows, meeting, opening

# One rule for one CIDR, in credit order; rows of one group reference share the rule's place.
ROW = np.dtype(
    [
        ("address", "<u4"),
        ("place", "<i4"),
        ("first", "<u2"),
        ("last", "<u2"),
        ("length", "u1"),
        ("protocol", "u1"),
        ("padding", "u1", (2,)),
    ]
)
TUPLE = np.dtype(
    [
        ("src", "<u4"),
        ("dst", "<u4"),
        ("src_port", "<u2"),
        ("dst_port", "<u2"),
        ("protocol", "u1"),
        ("back", "u1"),  # 1: an answer, written down from the side that opened the flow
        ("padding", "u1", (2,)),
    ]
)

Rows = NDArray[np.void]  # records of ROW
Tuples = NDArray[np.void]  # records of TUPLE

GROUP = "sg-acl"
_PER_INTERFACE = 50  # addresses: the most that AWS gives one


class Case(NamedTuple):
    rows: Rows
    tuples: Tuples


def rows_of(topology: Topology) -> Rows:
    """The ingress rules of workload acl's interface, a reference as a row for each address of its members."""
    members: dict[str, list[int]] = {}
    for interface in topology.interfaces.values():
        for group_id in interface.group_ids:
            members.setdefault(group_id, []).extend(int(a) for a in interface.addresses if a.version == 4)
    return np.array(list(_rows(topology, members)), dtype=ROW)


def _rows(topology: Topology, members: dict[str, list[int]]) -> Iterator[tuple[object, ...]]:
    for place, rule in enumerate(topology.groups[GROUP].ingress):
        peer = rule.peer
        if isinstance(peer, GroupReference):
            blocks = [(address, 32) for address in members[peer.group_id]]
        else:
            assert isinstance(peer, IPv4Network)
            blocks = [(int(peer.network_address), peer.prefixlen)]
        for address, length in blocks:
            yield address, place, rule.from_port, rule.to_port, length, rule.protocol, (0, 0)


def topology_of(rows: Rows) -> Topology:
    """The same rules as a topology again; only what a case file holds comes back."""
    groups: dict[str, SecurityGroup] = {}
    guarded = Interface(
        GUARDED, addresses=(IPv4Address("10.0.0.10"),), prefixes=(IPv4Network("10.1.0.0/16"),), group_ids=(GROUP,)
    )
    interfaces = {GUARDED: guarded}
    rules = []
    begins = np.flatnonzero(np.diff(rows["place"], prepend=-1))
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(rows)], strict=True):
        row = rows[begin]
        peer: Peer = IPv4Network((int(row["address"]), int(row["length"])))
        if end - begin > 1:
            peer = GroupReference(f"sg-{begin}")
            groups[peer.group_id] = SecurityGroup(peer.group_id, "", None, (), ())
            interfaces |= _members(peer.group_id, rows["address"][begin:end].tolist())
        service = int(row["protocol"]), int(row["first"]), int(row["last"])
        rules.append(Rule(f"{GROUP}/ingress/{len(rules)}", GROUP, Direction.INGRESS, *service, peer))
    groups[GROUP] = SecurityGroup(GROUP, "", None, tuple(rules), ())
    return Topology(groups=groups, interfaces=interfaces)


def _members(group_id: str, addresses: list[int]) -> dict[str, Interface]:
    found = {}
    for begin in range(0, len(addresses), _PER_INTERFACE):
        own = tuple(IPv4Address(address) for address in addresses[begin : begin + _PER_INTERFACE])
        name = f"eni-{group_id}-{begin}"
        found[name] = Interface(name, addresses=own, group_ids=(group_id,))
    return found


def tuples_of(columns: PacketColumns) -> Tuples:
    """The five-tuples of a batch of IPv4 packets."""
    tuples = np.zeros(len(columns.protocol), dtype=TUPLE)
    for name, column in (("src", columns.src_lo), ("dst", columns.dst_lo)):
        tuples[name] = column.astype(np.uint32)
    for name in ("src_port", "dst_port", "protocol"):
        tuples[name] = getattr(columns, name)
    return tuples


def live_flows(flows: int, packets: int, seed: int) -> tuple[Tuples, Tuples]:
    """Workload live: the flows, and packets of them from either side."""
    opened = np.concatenate([tuples_of(columns) for columns in opening(flows)])
    met = np.concatenate([tuples_of(columns) for columns in meeting(flows, packets, seed)])
    met["back"] = met["src"] == opened["dst"][0]
    return opened, turned(met)


def turned(tuples: Tuples) -> Tuples:
    """Answers as their receivers would have sent them, or as they are again."""
    other = tuples.copy()
    answers = tuples["back"] == 1
    for one, two in (("src", "dst"), ("src_port", "dst_port")):
        other[one][answers], other[two][answers] = tuples[two][answers], tuples[one][answers]
    return other


def flows_of(tuples: Tuples, packets: int) -> Flows:
    """So many packets of each five-tuple, as workload flows."""
    count = len(tuples)
    return Flows(
        protocol=tuples["protocol"].copy(),
        v6=np.zeros(count, dtype=np.bool_),
        src_hi=np.zeros(count, dtype=np.uint64),
        src_lo=tuples["src"].astype(np.uint64),
        dst_hi=np.zeros(count, dtype=np.uint64),
        dst_lo=tuples["dst"].astype(np.uint64),
        src_port=tuples["src_port"].copy(),
        dst_port=tuples["dst_port"].copy(),
        packets=np.full(count, packets, dtype=np.int64),
    )


def write(path: Path, first: NDArray[np.generic], second: NDArray[np.generic]) -> None:
    with path.open("wb") as file:
        np.array([len(first), len(second)], dtype="<u8").tofile(file)
        first.tofile(file)
        second.tofile(file)


def read_match(path: Path) -> Case:
    return Case(*_read(path, ROW))


def read_flows(path: Path) -> tuple[Tuples, Tuples]:
    """The flows, and the packets of them."""
    return _read(path, TUPLE)


def _read(path: Path, first: np.dtype[np.void]) -> tuple[NDArray[np.void], Tuples]:
    firsts, tuples = np.fromfile(path, dtype="<u8", count=2).tolist()
    begin = 16 + firsts * first.itemsize
    return np.fromfile(path, first, firsts, offset=16), np.fromfile(path, TUPLE, tuples, offset=begin)
