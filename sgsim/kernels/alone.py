"""Matching alone: which rule admits each packet at one gate, no state and no time."""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner, kernel
from sgsim.kernels.match import _cell, _position, _service, interval
from sgsim.layout import ADMITTED, RULE_BITS, SERVICES, MatchTable, PacketColumns

_BLOCK = 512  # packets whose stages follow one another: they stay in the nearest cache


@inner
def _slowly(columns, table, side, i, egress):
    """The rule that is credited, or -1: any packet, any tables."""
    if columns.skip[i] != 0:
        return np.int32(-1)
    version = columns.version[i]
    hi, lo = (columns.dst_hi[i], columns.dst_lo[i]) if egress else (columns.src_hi[i], columns.src_lo[i])
    position = _position(table, version, lo, interval(table, version, hi, lo) if version == 6 else np.int64(0))
    service = _service(version, columns.protocol[i], columns.shape[i], columns.dst_port[i])
    cell = _cell(table, side, version, position, service)
    return np.int32(cell & RULE_BITS) if cell & ADMITTED else np.int32(-1)


@inner
def _plain(columns, begin, end):
    """Whether all packets are whole IPv4 ones with ports."""
    odd = np.uint8(0)
    for n in range(begin, end):
        i = np.uint64(n)
        protocol = columns.protocol[i]
        odd |= columns.skip[i] | (columns.version[i] ^ np.uint8(4)) | columns.shape[i] >> np.uint8(1)
        odd |= np.uint8((protocol != 6) & (protocol != 17))
    return odd == 0


@inner
def _through(entry, bits):
    """The place an entry of a trie leads to, see ``match._next``."""
    return np.uint64(np.uint32(entry) & np.uint32(0x7FFFFFFF)) + (np.uint64(entry >> np.int32(31)) & bits & np.uint64(255))


@kernel
def match_columns(columns: PacketColumns, table: MatchTable, place: int, direction: int, out: np.ndarray) -> None:
    """The rule that is credited with each of n packets at the gate of the interface at ``place``.

    ``out``, shape (n,), int32, is filled with places in ``Topology.rules()``, or -1 where no rule admits the packet or
    the interface has no groups. The rules alone are asked: what is never filtered (section 4) is not looked at.
    """
    groups = np.int64(table.gates[place]["groups"])
    if groups < 0:
        for n in range(len(out)):
            out[n] = -1
        return
    egress = direction == 1
    side = 2 * groups + direction
    first = table.sides[side]["begin"]
    at_once = False
    record = table.tables[0]
    if table.sides[side]["end"] - first == 1:
        record = table.tables[table.chain[first]]
        at_once = record["direct"] >= 0
    address = columns.dst_lo if egress else columns.src_lo
    roots = table.direct_roots[record["direct"] << 16 :]
    services = table.direct_columns[record["direct"] * SERVICES :]
    pages = table.pages[record["pages_v4"] :]
    rules = table.rules[record["rules"] :]
    nodes, leaves, cells = table.direct_nodes, table.direct_leaves, table.cells
    width = np.uint64(record["width"])
    bits = np.uint64(record["page_bits"])
    mask = np.uint64((1 << record["page_bits"]) - 1)
    for begin in range(0, len(out), _BLOCK):
        end = min(begin + _BLOCK, len(out))
        if not at_once or not _plain(columns, begin, end):
            for n in range(begin, end):
                i = np.uint64(n)
                out[i] = _slowly(columns, table, side, i, egress)
            continue
        for n in range(begin, end):
            i = np.uint64(n)
            out[i] = _through(np.int32(roots[address[i] >> np.uint64(16)]), address[i] >> np.uint64(8))
        for n in range(begin, end):
            i = np.uint64(n)
            out[i] = _through(np.int32(nodes[np.uint64(out[i])]), address[i])
        for n in range(begin, end):
            i = np.uint64(n)
            out[i] = leaves[np.uint64(out[i])]
        for n in range(begin, end):
            i = np.uint64(n)
            udp = np.uint64(columns.protocol[i] & np.uint8(16)) << np.uint64(12)
            column = np.uint64(services[udp + np.uint64(columns.dst_port[i])])
            out[i] = pages[np.uint64(out[i]) * width + (column >> bits)] + np.int32(column & mask)
        for n in range(begin, end):
            i = np.uint64(n)
            out[i] = rules[np.uint64(cells[np.uint64(out[i])])]
