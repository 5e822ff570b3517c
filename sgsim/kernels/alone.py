"""Matching alone: which rule admits each packet at one gate, no state and no time."""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner, kernel, prefetch
from sgsim.kernels.match import cell_of, interval, service_of, through
from sgsim.layout import ADMITTED, RULE_BITS, MatchTable, PacketColumns

_BLOCK = 512  # packets whose stages follow one another: they stay in the nearest cache


@inner
def _slowly(bodies, table, side, i, egress):
    """The rule that is credited, or -1: any packet, any tables."""
    version = bodies[i]["version"]
    if version == 0:
        return np.int32(-1)
    hi, lo = (bodies[i]["dst_hi"], bodies[i]["dst_lo"]) if egress else (bodies[i]["src_hi"], bodies[i]["src_lo"])
    six = np.int64(version == 6)
    if six:
        lo = np.uint64(interval(table, version, hi, lo) - np.int64(table.v6_first))
    service = service_of(version, bodies[i]["protocol"], bodies[i]["shape"], bodies[i]["dst_port"])
    cell = cell_of(table, side, six, lo, service)
    return np.int32(cell & RULE_BITS) if cell & ADMITTED else np.int32(-1)


@inner
def _odd(bodies, i):
    """0 for an IPv4 packet with ports: those are looked up together."""
    protocol = bodies[i]["protocol"]
    portless = np.uint8((protocol != 6) & (protocol != 17))
    return (bodies[i]["version"] ^ np.uint8(4)) | bodies[i]["shape"] >> np.uint8(1) | portless


@inner
def _together(bodies, table, number, egress, begin, end, out, shift):
    """What one table says of the packets from ``begin`` to ``end``, into ``out`` so much further behind.

    One look-up a loop, so that those of many packets overlap: 270 against 180 million packets a second. What is odd is
    looked up too, somewhere in the table.
    """
    words, halves = table.words, table.halves
    record = table.tables[number]
    address = bodies["dst_lo"] if egress else bodies["src_lo"]
    root, services = np.uint64(record["root"]), np.uint64(record["direct_columns"])
    pages, width = np.uint64(record["pages_v4"]), np.uint64(record["width"])
    rules = np.uint64(record["rules"])
    bits = np.uint64(record["page_bits"])
    mask = np.uint64((1 << record["page_bits"]) - 1)
    found = out[begin + shift : end + shift]
    for n in range(end - begin):
        lo = np.uint64(np.uint32(address[np.uint64(begin + n)]))
        found[np.uint64(n)] = through(words[root + (lo >> np.uint64(16))], lo >> np.uint64(8))
    for n in range(end - begin):
        i = np.uint64(n)
        found[i] = through(words[np.uint64(found[i])], address[np.uint64(begin + n)])
    for n in range(end - begin):
        i = np.uint64(n)
        found[i] = halves[np.uint64(found[i])]
    for n in range(end - begin):
        i = np.uint64(n)
        body = np.uint64(begin + n)
        udp = np.uint64(bodies[body]["protocol"] & np.uint8(16)) << np.uint64(12)
        column = np.uint64(halves[services + udp + np.uint64(bodies[body]["dst_port"])])
        page = words[pages + np.uint64(found[i]) * width + (column >> bits)]
        found[i] = page + np.uint32(column & mask)
    for n in range(end - begin):
        i = np.uint64(n)
        found[i] = words[rules + np.uint64(halves[np.uint64(found[i])])]
        prefetch(bodies, np.uint64(min(end + n, len(bodies) - 1)))


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
    bodies = columns.bodies
    egress = direction == 1
    side = 2 * groups + direction
    first, last = table.sides[side]["begin"], table.sides[side]["end"]
    at_once = first < last
    for n in range(first, last):
        at_once &= table.tables[table.words[np.uint64(n)]]["root"] >= 0
    for begin in range(0, len(out), _BLOCK):
        end = min(begin + _BLOCK, len(out))
        # What a second table says is put where the next block will be.
        here = at_once and (last - first == 1 or end + _BLOCK <= len(out))
        odd = np.uint8(not here)
        if here:
            for n in range(begin, end):
                odd |= _odd(bodies, np.uint64(n))
            for which in range(first, last):
                shift = 0 if which == first else _BLOCK
                _together(bodies, table, table.words[np.uint64(which)], egress, begin, end, out, shift)
                for n in range(begin, end if shift else begin):
                    i = np.uint64(n)
                    said = out[i]
                    out[i] = said if said >= 0 else out[i + np.uint64(_BLOCK)]
        if odd:
            for n in range(begin, end):
                i = np.uint64(n)
                if not here or _odd(bodies, i):
                    out[i] = _slowly(bodies, table, side, i, egress)
