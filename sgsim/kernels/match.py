"""What rules alone say about a packet at a gate: a pure function of packet and tables, no state, no time.

A kernel and all it calls live in one file: numba's cache does not see changes in others.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sgsim.layout import (
    ADMITTED,
    AUTO_TRACKED,
    DHCP_REMOTE,
    DHCPV6_REMOTE,
    EXEMPT,
    FRAGMENT_SERVICES,
    FROM_EVERYWHERE,
    ICMP_SERVICES,
    ICMPV6_SERVICES,
    LATER_FRAGMENT,
    MANY_HOSTS,
    NEVER_FILTERED,
    NODE,
    OTHER_SERVICES,
    REVERSE,
    RULE_BITS,
    SKIPS,
    TCP_SERVICES,
    UDP_SERVICES,
    UNFILTERED,
    UNRESOLVED,
    UNTRACKED,
    Answers,
    MatchTable,
    PacketColumns,
)
from sgsim.model import Skip

_LOCAL = np.uint8(SKIPS.index(Skip.LOCAL) + 1)
_NO_INTERFACE = np.uint8(SKIPS.index(Skip.NO_INTERFACE) + 1)
_POINTER = np.uint32(NODE)
_ADDRESS = np.uint32(NODE - 1)

_inner = njit(nogil=True, forceinline=True, _nrt=False)


@_inner
def _interval(table, version, hi, lo):
    """The interval an address lies in: a trie of strides 16, 8, 8 for IPv4, bisection for IPv6."""
    if version == 4:
        entry = table.root[np.int64(lo >> np.uint64(16))]
        if entry & _POINTER:
            entry = table.nodes[(np.int64(entry & _ADDRESS) << 8) | np.int64((lo >> np.uint64(8)) & np.uint64(255))]
            if entry & _POINTER:
                entry = table.nodes[(np.int64(entry & _ADDRESS) << 8) | np.int64(lo & np.uint64(255))]
        return np.int64(entry)
    low = 0
    high = len(table.v6_hi)
    while high - low > 1:
        middle = (low + high) >> 1
        start_hi = table.v6_hi[middle]
        if start_hi < hi or (start_hi == hi and table.v6_lo[middle] <= lo):
            low = middle
        else:
            high = middle
    return np.int64(table.v6_first) + low


@_inner
def _service(version, protocol, shape, port):
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


@_inner
def _cell(table, side, interval, service):
    record = table.sides[side]
    row = np.int64(table.address_class[side * len(table.owner) + interval])
    intervals = len(table.service_class) // len(table.sides)
    column = np.int64(table.service_class[side * intervals + np.int64(table.service[service])])
    return np.int64(table.cells[record["cells"] + row * record["width"] + column])


@_inner
def _exempt(columns, i, flags, remote_lo, remote_port, gate):
    """Section 4. ``flags`` are those of the remote address; later fragments show no ports and no type."""
    if flags & NEVER_FILTERED:
        return True
    version = columns.version[i]
    protocol = columns.protocol[i]
    if version == 4 and np.int64(remote_lo) == gate["router"]:
        return True
    if columns.shape[i] == LATER_FRAGMENT:
        return False
    if protocol == 17 or protocol == 6:
        if version == 4 and remote_port == 53 and np.int64(remote_lo) == gate["resolver"]:
            return True
        src = columns.src_port[i]
        dst = columns.dst_port[i]
        if protocol == 17:
            if (src == 67 or src == 68) and (dst == 67 or dst == 68):
                return (flags & DHCP_REMOTE) != 0
            if (src == 546 or src == 547) and (dst == 546 or dst == 547):
                return (flags & DHCPV6_REMOTE) != 0
    elif protocol == 58 and version == 6:
        kind = columns.dst_port[i] >> 8
        return 133 <= kind <= 137
    return False


@_inner
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
    return _service(version, protocol, shape, src_port)


@_inner
def _untracked(table, columns, i, side, cell, remote, local):
    """Section 6, for an admitted packet."""
    protocol = columns.protocol[i]
    if (protocol != 6 and protocol != 17) or columns.shape[i] == LATER_FRAGMENT:
        return False
    version = columns.version[i]
    bit = (1 if protocol == 17 else 0) + (2 if version == 6 else 0)
    as_initiator = (cell & FROM_EVERYWHERE) != 0 and (table.sides[side ^ 1]["open"] >> bit) & 1 != 0
    if not as_initiator:
        if protocol == 6 and columns.tcp_flags[i] & 0x12 == 0x02:
            return False
        if (table.sides[side]["open"] >> bit) & 1 == 0:
            return False
        service = _service(version, protocol, columns.shape[i], columns.src_port[i])
        if _cell(table, side ^ 1, remote, service) & FROM_EVERYWHERE == 0:
            return False
    if (table.flags[remote] | table.flags[local]) & AUTO_TRACKED:
        return False
    return table.auto_owner[(side >> 1) * len(table.owner) + remote] == 0


@_inner
def _answer(table, columns, i, place, direction, remote, local):
    """``direction``: 0 ingress, 1 egress; ``remote`` and ``local`` are intervals."""
    gate = table.gates[place]
    groups = np.int64(gate["groups"])
    if groups < 0:
        return np.int32(UNFILTERED)
    if direction == 1:
        remote_lo = columns.dst_lo[i]
        remote_port = columns.dst_port[i]
    else:
        remote_lo = columns.src_lo[i]
        remote_port = columns.src_port[i]
    if _exempt(columns, i, table.flags[remote], remote_lo, remote_port, gate):
        return np.int32(EXEMPT)
    side = 2 * groups + direction
    version = columns.version[i]
    protocol = columns.protocol[i]
    shape = columns.shape[i]
    cell = _cell(table, side, remote, _service(version, protocol, shape, columns.dst_port[i]))
    if cell & ADMITTED:
        answer = cell & (RULE_BITS | ADMITTED)
        if _untracked(table, columns, i, side, cell, remote, local):
            answer |= UNTRACKED
        return np.int32(answer)
    answer = cell & UNRESOLVED
    service = _reverse_service(version, protocol, shape, columns.src_port[i], columns.dst_port[i])
    if service >= 0 and _cell(table, side ^ 1, remote, service) & ADMITTED:
        answer |= REVERSE
    return np.int32(answer)


@njit(cache=True, nogil=True, _nrt=False)
def match(columns: PacketColumns, table: MatchTable, at: np.ndarray, answers: Answers) -> None:
    """Fill ``answers`` for a batch, and ``columns.skip`` where nobody's gate is met.

    ``at``, shape (n,) or (0,), int32: the place of the interface a packet was captured at, or -1.
    """
    for i in range(len(columns.skip)):
        answers.sender[i] = -1
        answers.receiver[i] = -1
        if columns.skip[i] != 0:
            continue
        version = columns.version[i]
        source = _interval(table, version, columns.src_hi[i], columns.src_lo[i])
        destination = _interval(table, version, columns.dst_hi[i], columns.dst_lo[i])
        sender = table.owner[source]
        receiver = table.owner[destination]
        if sender >= 0 and sender == receiver:
            columns.skip[i] = _LOCAL
            continue
        if table.flags[destination] & MANY_HOSTS:
            receiver = np.int32(-1)
        if len(at) and at[i] >= 0:
            if sender != at[i]:
                sender = np.int32(-1)
            if receiver != at[i]:
                receiver = np.int32(-1)
        if sender < 0 and receiver < 0:
            columns.skip[i] = _NO_INTERFACE
            continue
        answers.sender[i] = sender
        answers.receiver[i] = receiver
        if sender >= 0:
            answers.egress[i] = _answer(table, columns, i, sender, 1, destination, source)
        if receiver >= 0:
            answers.ingress[i] = _answer(table, columns, i, receiver, 0, source, destination)
