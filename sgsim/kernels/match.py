"""What rules alone say about a packet at a gate: a pure function of packet and tables, no state, no time."""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner
from sgsim.layout import (
    ADMITTED,
    AUTO_TRACKED,
    DHCP_REMOTE,
    DHCPV6_REMOTE,
    FRAGMENT_SERVICES,
    FROM_EVERYWHERE,
    ICMP_SERVICES,
    ICMPV6_SERVICES,
    LATER_FRAGMENT,
    NEVER_FILTERED,
    NODE,
    OPEN_COLUMN,
    OTHER_SERVICES,
    REVERSE,
    RULE_BITS,
    TCP_SERVICES,
    UDP_SERVICES,
    UNKNOWN_COLUMN,
    UNRESOLVED,
    UNTRACKED,
    UNTRACKED_REPLY,
)

_PLACE = np.uint32(NODE - 1)


@inner
def through(entry, bits):
    """The place an entry of a trie leads to: NODE, its sign, lets the address's next byte in."""
    byte = np.uint64(np.int64(np.int32(entry)) >> 63) & np.uint64(bits) & np.uint64(255)
    return np.uint64(entry & _PLACE) + byte


@inner
def _leaf(words, root, lo):
    """The place of what a trie knows of an IPv4 address."""
    entry = words[np.uint64(root) + (lo >> np.uint64(16))]
    return through(words[through(entry, lo >> np.uint64(8))], lo)


@inner
def interval(table, version, hi, lo):
    """The interval an address lies in: by a trie for IPv4, by bisection for IPv6."""
    if version == 4:
        return np.int64(table.words[_leaf(table.words, table.intervals, lo)])
    low = np.uint64(0)
    size = np.uint64(len(table.v6_starts) >> 1)
    one = np.uint64(1)
    while size > one:  # without a branch on the comparison: it is never predictable
        half = size >> one
        place = (low + half) << one
        start_hi = table.v6_starts[place]
        below = (start_hi < hi) | ((start_hi == hi) & (table.v6_starts[place + one] <= lo))
        low += half * np.uint64(below)
        size -= half
    return np.int64(table.v6_first) + np.int64(low)


@inner
def service_of(version, protocol, shape, port):
    """The packet's place on the service axis; ``port`` is the destination port, or ICMP type and code."""
    of_its_family = not ((protocol == 1 and version == 6) or (protocol == 58 and version == 4))
    if shape == LATER_FRAGMENT:
        return (FRAGMENT_SERVICES if of_its_family else OTHER_SERVICES) + np.int64(protocol)
    if protocol == 6:
        return TCP_SERVICES + np.int64(port)
    if protocol == 17:
        return UDP_SERVICES + np.int64(port)
    if protocol == 1 and of_its_family:
        return ICMP_SERVICES + np.int64(port)
    if protocol == 58 and of_its_family:
        return ICMPV6_SERVICES + np.int64(port)
    return OTHER_SERVICES + np.int64(protocol)


@inner
def _last_not_above(words, begin, end, wanted):
    """The place of the last number that is not above ``wanted``, from ``begin`` to ``end``; the first never is."""
    low = begin
    size = end - begin
    while size > 1:  # without a branch on the comparison
        half = size >> 1
        low += half * np.int64(words[np.uint64(low + half)] <= wanted)
        size -= half
    return low


@inner
def cell_of(table, side, six, position, service):
    """What the rules of a side say: ADMITTED and the credited rule, or UNRESOLVED; FROM_EVERYWHERE beside ADMITTED.

    ``six``: 1 for IPv6, else 0. ``position``: the IPv4 address, or the number of the IPv6 interval.
    """
    words, halves = table.words, table.halves
    found = np.int64(0)
    for n in range(table.sides[side]["begin"], table.sides[side]["end"]):
        record = table.tables[words[np.uint64(n)]]
        direct = record["root"] >= 0
        if direct:
            place = record["direct_columns"] + service
        else:
            place = _last_not_above(words, record["services"], record["services_end"], service) + record["columns"]
        column = np.int64(halves[np.uint64(place)])
        flags = table.marks[np.uint64(record["flags"] + column)] >> six
        if flags & OPEN_COLUMN:
            found |= FROM_EVERYWHERE
        if flags & UNKNOWN_COLUMN:
            found |= UNRESOLVED
        if found & ADMITTED:
            continue
        if direct and not six:
            place = np.int64(_leaf(words, record["root"], position))
        elif six:
            place = _last_not_above(words, record["v6"], record["v6_end"], position) + record["rows"]
        else:
            place = _last_not_above(words, record["v4"], record["v6"], position) + record["rows"]
        row = (record["pages_v6"] if six else record["pages_v4"]) + np.int64(halves[np.uint64(place)]) * record["width"]
        page = np.int64(words[np.uint64(row + (column >> record["page_bits"]))])
        rank = halves[np.uint64(page + (column & ((np.int64(1) << record["page_bits"]) - 1)))]
        rule = np.int32(words[np.uint64(record["rules"] + np.int64(rank))])
        if rule >= 0:
            found |= ADMITTED | np.int64(rule)
    return found


@inner
def is_exempt(table, body, place, direction, remote):
    """Section 4, at a gate; ``remote`` is the interval of the remote address. Later fragments show no ports and no
    type. The same for all packets of a flow, whichever way they go."""
    gate = table.gates[place]
    flags = table.about[remote]
    if flags & NEVER_FILTERED:
        return True
    remote_lo = body["dst_lo"] if direction == 1 else body["src_lo"]
    version = body["version"]
    protocol = body["protocol"]
    if version == 4 and np.int64(remote_lo) == gate["router"]:
        return True
    if body["shape"] == LATER_FRAGMENT:
        return False
    src = body["src_port"]
    dst = body["dst_port"]
    if protocol == 17 or protocol == 6:
        remote_port = dst if direction == 1 else src
        if version == 4 and remote_port == 53 and np.int64(remote_lo) == gate["resolver"]:
            return True
        if protocol == 17:
            if (src == 67 or src == 68) and (dst == 67 or dst == 68):
                return (flags & DHCP_REMOTE) != 0
            if (src == 546 or src == 547) and (dst == 546 or dst == 547):
                return (flags & DHCPV6_REMOTE) != 0
    elif protocol == 58 and version == 6:
        kind = dst >> 8
        return 133 <= kind <= 137
    return False


@inner
def _reverse_service(version, protocol, shape, src_port, dst_port):
    """The service of the packet that the other side would have sent first, or -1: only ICMP replies have requests."""
    if protocol == 1 and version == 4 and shape != LATER_FRAGMENT:
        kind = dst_port >> 8
        code = np.int64(dst_port & 255)
        if kind == 0:
            return ICMP_SERVICES + 8 * 256 + code
        if kind == 14 or kind == 16 or kind == 18:
            return ICMP_SERVICES + (np.int64(kind) - 1) * 256 + code
        return -1
    if protocol == 58 and version == 6 and shape != LATER_FRAGMENT:
        if dst_port >> 8 == 129:
            return ICMPV6_SERVICES + 128 * 256 + np.int64(dst_port & 255)
        return -1
    return service_of(version, protocol, shape, src_port)


@inner
def _untracked(table, body, side, cell, remote, local, six, position):
    """Section 6, for an admitted packet: UNTRACKED as the initiator's, UNTRACKED_REPLY as the other side's, or 0."""
    protocol = body["protocol"]
    if (protocol != 6 and protocol != 17) or body["shape"] == LATER_FRAGMENT:
        return 0
    version = body["version"]
    bit = (1 if protocol == 17 else 0) + 2 * six
    found = 0
    if cell & FROM_EVERYWHERE and (table.sides[side ^ 1]["open"] >> bit) & 1:
        found = UNTRACKED
    elif (table.sides[side]["open"] >> bit) & 1:
        service = service_of(version, protocol, body["shape"], body["src_port"])
        if cell_of(table, side ^ 1, six, position, service) & FROM_EVERYWHERE:
            found = UNTRACKED_REPLY
    if (table.about[remote] | table.about[local]) & AUTO_TRACKED:
        return 0
    automatic = table.sides[side]["automatic"]
    if automatic >= 0 and table.marks[automatic + remote]:
        return 0
    return found


@inner
def answer(table, body, place, direction, remote, local):
    """What the rules say of a packet at a gate that filters it. ``direction``: 0 ingress, 1 egress; ``remote`` and
    ``local`` are intervals. The same for all packets of a flow that go one way, but for ICMP of another code."""
    side = 2 * np.int64(table.gates[place]["groups"]) + direction
    version = body["version"]
    protocol = body["protocol"]
    shape = body["shape"]
    six = np.int64(version == 6)
    position = body["dst_lo"] if direction == 1 else body["src_lo"]
    if six:
        position = np.uint64(remote - np.int64(table.v6_first))
    cell = cell_of(table, side, six, position, service_of(version, protocol, shape, body["dst_port"]))
    if cell & ADMITTED:
        return (cell & (RULE_BITS | ADMITTED)) | _untracked(table, body, side, cell, remote, local, six, position)
    answer = cell & UNRESOLVED
    service = _reverse_service(version, protocol, shape, body["src_port"], body["dst_port"])
    if service >= 0:
        reverse = cell_of(table, side ^ 1, six, position, service)
        if reverse & ADMITTED:
            answer |= REVERSE | (reverse & RULE_BITS)
    return answer
