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
    OTHER_SERVICES,
    REVERSE,
    RULE_BITS,
    TCP_SERVICES,
    UDP_SERVICES,
    UNRESOLVED,
    UNTRACKED,
    UNTRACKED_REPLY,
)

_PLACE = np.uint32(NODE - 1)


@inner
def _next(entry, bits):
    """The place an entry of the trie leads to: NODE, its upper bit, lets the address's next byte in."""
    byte = np.uint64(bits) & (np.uint64(entry >> np.uint32(31)) * np.uint64(255))
    return np.uint64(entry & _PLACE) + byte


@inner
def interval(table, version, hi, lo):
    """The interval an address lies in: a trie of strides 16, 8 and 8 bits for IPv4, bisection for IPv6."""
    if version == 4:
        entry = table.root[lo >> np.uint64(16)]
        entry = table.nodes[_next(entry, lo >> np.uint64(8))]
        return np.int64(table.leaves[_next(entry, lo)])
    low = np.int64(0)
    size = np.int64(len(table.v6_hi))
    while size > 1:  # without a branch on the comparison: it is never predictable
        half = size >> 1
        start_hi = table.v6_hi[low + half]
        below = (start_hi < hi) | ((start_hi == hi) & (table.v6_lo[low + half] <= lo))
        low += half * np.int64(below)
        size -= half
    return np.int64(table.v6_first) + low


@inner
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


@inner
def _cell(table, side, address, service):
    record = table.sides[np.uint64(side)]
    row = np.int64(table.address_class[np.uint64(side * len(table.about) + address)])
    column = np.int64(table.service_class[np.uint64(record["services"] + np.int64(table.service[np.uint64(service)]))])
    return np.int64(table.cells[np.uint64(record["cells"] + row * record["width"] + column)])


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
    return _service(version, protocol, shape, src_port)


@inner
def _untracked(table, body, side, cell, remote, local):
    """Section 6, for an admitted packet: UNTRACKED as the initiator's, UNTRACKED_REPLY as the other side's, or 0."""
    protocol = body["protocol"]
    if (protocol != 6 and protocol != 17) or body["shape"] == LATER_FRAGMENT:
        return 0
    version = body["version"]
    bit = (1 if protocol == 17 else 0) + (2 if version == 6 else 0)
    found = 0
    if cell & FROM_EVERYWHERE and (table.sides[side ^ 1]["open"] >> bit) & 1:
        found = UNTRACKED
    elif (table.sides[side]["open"] >> bit) & 1:
        service = _service(version, protocol, body["shape"], body["src_port"])
        if _cell(table, side ^ 1, remote, service) & FROM_EVERYWHERE:
            found = UNTRACKED_REPLY
    if (table.about[remote] | table.about[local]) & AUTO_TRACKED:
        return 0
    if table.auto_owner[(side >> 1) * len(table.about) + remote]:
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
    cell = _cell(table, side, remote, _service(version, protocol, shape, body["dst_port"]))
    if cell & ADMITTED:
        return (cell & (RULE_BITS | ADMITTED)) | _untracked(table, body, side, cell, remote, local)
    answer = cell & UNRESOLVED
    service = _reverse_service(version, protocol, shape, body["src_port"], body["dst_port"])
    if service >= 0:
        reverse = _cell(table, side ^ 1, remote, service)
        if reverse & ADMITTED:
            answer |= REVERSE | (reverse & RULE_BITS)
    return answer
