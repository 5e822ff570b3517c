"""Frames -> columns: the IP and transport headers of a batch of packets, as semantics section 2 says.

"Must be read" is one rule, ``_reach``: beyond the packet's end it is malformed, within it but cut off it is truncated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgsim import layout
from sgsim.kernels.compiling import inner, kernel, rare, seldom, u16, u32, u64
from sgsim.kernels.flows import ACK, flow_key
from sgsim.kernels.links import ETHERNET, GOOD, MALFORMED, TRUNCATED, behind_link
from sgsim.kernels.slots import ZERO, addresses_of, ends_of, is_back, pair_of
from sgsim.layout import WAY_FLAGS, PacketColumns

U8, U16, U32, U64 = np.uint8, np.uint16, np.uint32, np.uint64

WHOLE, FIRST, LATER = U64(layout.WHOLE), U64(layout.FIRST_FRAGMENT), U64(layout.LATER_FRAGMENT)

ICMP, TCP, UDP, ICMPV6 = U64(1), U64(6), U64(17), U64(58)
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = U64(0), U64(43), U64(44), U64(60)


@inner
def _reach(to, captured_end, packet_end):
    """May the bytes before ``to`` be read?"""
    if to > packet_end:
        return MALFORMED
    if to > captured_end:
        return TRUNCATED
    return GOOD


@inner
def _ipv4(data, at, captured_end, wire_end):
    """(status, payload, packet's end, protocol, shape, fragment id) of the IPv4 header at ``at`` (RFC 791)."""
    status = _reach(at + U64(20), captured_end, wire_end)
    if status != GOOD:
        return status, at, wire_end, U64(0), WHOLE, U64(0)
    header = (U64(data[at]) & U64(15)) << U64(2)
    total = u16(data, at + U64(2))
    if header < U64(20) or (total != U64(0) and total < header):
        return MALFORMED, at, wire_end, U64(0), WHOLE, U64(0)
    end = wire_end
    if total != U64(0) and at + total < wire_end:
        end = at + total
    status = _reach(at + header, captured_end, end)
    protocol = U64(data[at + U64(9)])
    fragment = u16(data, at + U64(6)) & U64(0x3FFF)
    if fragment == U64(0):
        return status, at + header, end, protocol, WHOLE, U64(0)
    shape = LATER if fragment & U64(0x1FFF) != U64(0) else FIRST
    return status, at + header, end, protocol, shape, u16(data, at + U64(4))


@inner
def _behind_extensions(data, at, protocol, captured_end, end):
    """(status, payload, protocol, shape, fragment id) behind IPv6 extension headers (RFC 8200 section 4)."""
    shape, fragment_id, fragments = WHOLE, U64(0), U64(0)
    while protocol == HOP_BY_HOP or protocol == ROUTING or protocol == DESTINATION or protocol == FRAGMENT:
        status = _reach(at + U64(8), captured_end, end)
        if status != GOOD:
            return status, at, protocol, shape, fragment_id
        following = U64(data[at])
        if protocol == FRAGMENT:
            fragments += U64(1)
            if fragments > U64(1):
                return MALFORMED, at, protocol, shape, fragment_id
            place = u16(data, at + U64(2))
            if place & U64(0xFFF8) != U64(0):
                return GOOD, at + U64(8), following, LATER, u32(data, at + U64(4))
            if place & U64(1) != U64(0):  # neither: an atomic fragment, which is whole (RFC 6946)
                shape, fragment_id = FIRST, u32(data, at + U64(4))
            at += U64(8)
        else:
            length = (U64(data[at + U64(1)]) + U64(1)) << U64(3)
            status = _reach(at + length, captured_end, end)
            if status != GOOD:
                return status, at, protocol, shape, fragment_id
            at += length
        protocol = following
    return GOOD, at, protocol, shape, fragment_id


@inner
def _ipv6(data, at, captured_end, wire_end):
    """(status, payload, packet's end, protocol, shape, fragment id) of the IPv6 header at ``at``."""
    status = _reach(at + U64(40), captured_end, wire_end)
    if status != GOOD:
        return status, at, wire_end, U64(0), WHOLE, U64(0)
    payload = u16(data, at + U64(4))
    end = wire_end
    if payload != U64(0) and at + U64(40) + payload < wire_end:
        end = at + U64(40) + payload
    protocol = U64(data[at + U64(6)])
    status, behind, protocol, shape, fragment_id = _behind_extensions(data, at + U64(40), protocol, captured_end, end)
    return status, behind, end, protocol, shape, fragment_id


@inner
def _is_icmp(version, protocol):
    return (version == U64(4) and protocol == ICMP) or (version == U64(6) and protocol == ICMPV6)


@inner
def _ports(data, at, version, protocol):
    """The two port slots of a transport header of which 8 bytes are there."""
    if protocol == TCP or protocol == UDP:
        return u16(data, at), u16(data, at + U64(2))
    if _is_icmp(version, protocol):
        kind = U64(data[at])
        if version == U64(4):  # echo, timestamp, information and mask (RFC 792, RFC 950) have an identifier
            identified = kind == U64(0) or kind == U64(8) or (kind >= U64(13) and kind <= U64(18))
        else:
            identified = kind == U64(128) or kind == U64(129)
        return (u16(data, at + U64(4)) if identified else U64(0)), u16(data, at)
    return U64(0), U64(0)


@inner
def _quotes_a_packet(version, kind):
    if version == U64(4):
        return kind == U64(3) or kind == U64(4) or kind == U64(11) or kind == U64(12)
    return kind >= U64(1) and kind <= U64(4)


@inner
def _addresses(data, at, version):
    if version == U64(4):
        return U64(0), u32(data, at + U64(12)), U64(0), u32(data, at + U64(16))
    return (
        u64(data, at + U64(8)),
        u64(data, at + U64(16)),
        u64(data, at + U64(24)),
        u64(data, at + U64(32)),
    )


@rare
def _quoted(data, at, limit, version, quotes, row):
    """Fill ``quotes[row]`` from the packet that an ICMP error quotes before ``limit``; was there enough of it?

    Its own length field is not looked at: routers rewrite it.
    """
    if at + U64(1) > limit or U64(data[at]) >> U64(4) != version:
        return False
    if version == U64(4):
        if at + U64(20) > limit:
            return False
        header = (U64(data[at]) & U64(15)) << U64(2)
        later = u16(data, at + U64(6)) & U64(0x1FFF) != U64(0)
        if header < U64(20) or later:
            return False
        behind, protocol = at + header, U64(data[at + U64(9)])
    else:
        if at + U64(40) > limit:
            return False
        status, behind, protocol, shape, _ = _behind_extensions(
            data, at + U64(40), U64(data[at + U64(6)]), limit, limit
        )
        if status != GOOD or shape == LATER:
            return False
    if behind + U64(8) > limit:
        return False
    src_hi, src_lo, dst_hi, dst_lo = _addresses(data, at, version)
    src_port, dst_port = _ports(data, behind, version, protocol)
    quote = quotes[row]
    quote["src_hi"], quote["src_lo"], quote["dst_hi"], quote["dst_lo"] = src_hi, src_lo, dst_hi, dst_lo
    quote["src_port"], quote["dst_port"], quote["protocol"] = U16(src_port), U16(dst_port), U8(protocol)
    return True


@inner
def _fields(data, at, payload, skip, version, protocol, shape):
    """Addresses, port slots and TCP flags of a frame that ``frame`` found good; zeros for others."""
    zero = U64(0)
    if skip != GOOD:
        return zero, zero, zero, zero, zero, zero, zero
    src_hi, src_lo, dst_hi, dst_lo = _addresses(data, at, version)
    if shape == LATER:
        return src_hi, src_lo, dst_hi, dst_lo, zero, zero, zero
    src_port, dst_port = _ports(data, payload, version, protocol)
    flags = U64(data[payload + U64(13)]) if protocol == TCP else zero
    return src_hi, src_lo, dst_hi, dst_lo, src_port, dst_port, flags


@inner
def frame(data, start, captured, length, link_type):
    """One frame: (skip, version, IP header, payload, packet's end, protocol, shape, fragment id)."""
    captured_end = start + captured
    wire_end = start + max(length, captured)
    status, at, version = behind_link(data, start, link_type, captured_end, wire_end)
    if status == GOOD:
        status = _reach(at + U64(1), captured_end, wire_end)
    if status != GOOD:
        return status, U64(0), at, at, at, U64(0), WHOLE, U64(0)
    own = U64(data[at]) >> U64(4)
    if version == U64(0) and (own == U64(4) or own == U64(6)):
        version = own
    if own != version or version == U64(0):
        return MALFORMED, U64(0), at, at, at, U64(0), WHOLE, U64(0)
    if version == U64(4):
        status, payload, end, protocol, shape, fragment_id = _ipv4(data, at, captured_end, wire_end)
    else:
        status, payload, end, protocol, shape, fragment_id = _ipv6(data, at, captured_end, wire_end)
    if status != GOOD:
        return status, U64(0), at, at, at, U64(0), WHOLE, U64(0)
    if shape != LATER:
        needed = U64(0)
        if protocol == TCP:
            needed = U64(14)
        elif protocol == UDP or _is_icmp(version, protocol):
            needed = U64(8)
        if needed != U64(0):
            status = _reach(payload + needed, captured_end, end)
            if status != GOOD:
                return status, U64(0), at, at, at, U64(0), WHOLE, U64(0)
    return status, version, at, payload, end, protocol, shape, fragment_id


# --- the common frames ------------------------------------------------------------------------------------------------


@inner
def _is_plain4(data, start, protocol):
    """Ethernet, IPv4 without options or fragments, TCP, UDP or an ICMP echo, of which 48 bytes are there: these reach
    the TCP flags, so only the total length can say that something is missing."""
    plain = (u32(data, start + U64(12)) >> U64(8) == U64(0x080045)) & (
        u16(data, start + U64(20)) & U64(0x3FFF) == U64(0)
    )
    echo = (protocol == ICMP) & (U64(data[start + U64(34)]) & U64(0xF7) == U64(0))
    needed = U64(34) if protocol == TCP else U64(28)
    known = (protocol == TCP) | (protocol == UDP) | echo
    return plain & known & (u16(data, start + U64(16)) >= needed)


@inner
def _is_plain6(data, start, captured):
    """Ethernet, IPv6 without extension headers, TCP, UDP or an ICMPv6 echo, with all that must be read."""
    if captured < U64(62) or u32(data, start + U64(12)) >> U64(4) & U64(0xFFFFF00) != U64(0x86DD600):
        return False
    payload, protocol = u16(data, start + U64(18)), U64(data[start + U64(20)])
    if protocol == TCP:
        return captured >= U64(68) and payload >= U64(14)
    if payload < U64(8):
        return False
    return protocol == UDP or (protocol == ICMPV6 and U64(data[start + U64(54)]) & U64(0xFE) == U64(128))


@inner
def _plain4(data, start):
    """(protocol, addresses, ports, TCP flags) of a frame that ``_is_plain4``."""
    protocol = U64(data[start + U64(23)])
    both = u64(data, start + U64(26))
    two = u32(data, start + U64(34))
    ports = two >> U64(16), two & U64(0xFFFF)
    if seldom(protocol == ICMP):
        ports = u16(data, start + U64(38)), two >> U64(16)
    flags = U64(data[start + U64(47)]) * U64(protocol == TCP)
    return protocol, (U64(0), both >> U64(32), U64(0), both & U64(0xFFFFFFFF)), ports, flags


@inner
def _plain6(data, start):
    """As ``_plain4``, of a frame that ``_is_plain6``."""
    protocol = U64(data[start + U64(20)])
    two = u32(data, start + U64(54))
    ports = two >> U64(16), two & U64(0xFFFF)
    if protocol == ICMPV6:
        ports = u16(data, start + U64(58)), two >> U64(16)
    flags = U64(data[start + U64(67)]) if protocol == TCP else U64(0)
    return protocol, _addresses(data, start + U64(14), U64(6)), ports, flags


@inner
def _put(columns, i, version, protocol, shape, addresses, ports, flags, fragment_id):
    """The fields of a packet that may be observed."""
    body = columns.bodies[i]
    body["src_hi"], body["src_lo"], body["dst_hi"], body["dst_lo"] = addresses
    body["fragment_id"], body["quoted"] = U32(fragment_id), np.int32(-1)
    src_port, dst_port = ports
    body["src_port"], body["dst_port"] = U16(src_port), U16(dst_port)
    body["version"], body["protocol"] = U8(version), U8(protocol)
    body["shape"], body["tcp_flags"] = U8(shape), U8(flags)


@inner
def _name_flow(columns, i, version, protocol, shape, addresses, ports, flags):
    """What the packet's flow is called, and how the packet goes in it."""
    back = is_back(addresses)
    src_port, dst_port = ports
    head = columns.heads[i]
    head["flow"] = flow_key(version, protocol, back, src_port, dst_port) if shape != LATER else ZERO
    head["ends"] = ends_of(pair_of(addresses, back))
    way = (flags & U64(7) | (flags & U64(ACK)) >> U64(1)) << U64(WAY_FLAGS) | back
    head["way"] = U16(way | (U64(layout.FIRST) if shape == FIRST else U64(0)))
    head["skip"] = U8(0)


@inner
def decode_frame(data, link_type, columns, i, made):
    """Fill the columns of packet ``i`` from its offset, captured and length; ``made`` quotes were made before it.
    Returns how many are then."""
    start, captured = U64(columns.heads[i]["offset"]), U64(columns.heads[i]["captured"])
    if link_type == ETHERNET and captured >= U64(48):
        if _is_plain4(data, start, U64(data[start + U64(23)])):
            protocol, addresses, ports, flags = _plain4(data, start)
            _put(columns, i, U64(4), protocol, WHOLE, addresses, ports, flags, U64(0))
            _name_flow(columns, i, U64(4), protocol, WHOLE, addresses, ports, flags)
            return made
        if _is_plain6(data, start, captured):
            protocol, addresses, ports, flags = _plain6(data, start)
            _put(columns, i, U64(6), protocol, WHOLE, addresses, ports, flags, U64(0))
            _name_flow(columns, i, U64(6), protocol, WHOLE, addresses, ports, flags)
            return made
    return _decode_any(data, link_type, columns, i, made)


@rare
def _decode_any(data, link_type, columns, i, made):
    """``decode_frame`` for whatever comes."""
    start, captured = U64(columns.heads[i]["offset"]), U64(columns.heads[i]["captured"])
    skip, version, at, payload, end, protocol, shape, fragment_id = frame(
        data, start, captured, U64(columns.heads[i]["length"]), link_type
    )
    src_hi, src_lo, dst_hi, dst_lo, src_port, dst_port, flags = _fields(
        data, at, payload, skip, version, protocol, shape
    )
    addresses, ports = (src_hi, src_lo, dst_hi, dst_lo), (src_port, dst_port)
    _put(columns, i, version, protocol, shape, addresses, ports, flags, fragment_id)
    _name_flow(columns, i, version, protocol, shape, addresses, ports, flags)
    if skip != GOOD:
        columns.heads[i]["skip"], columns.heads[i]["flow"] = U8(skip), ZERO
        return made
    quoting = dst_port != U64(0) and _is_icmp(version, protocol) and _quotes_a_packet(version, dst_port >> U64(8))
    if quoting and _quoted(data, payload + U64(8), min(end, start + captured), version, columns.quotes, made):
        columns.bodies[i]["quoted"] = np.int32(made)
        return made + U64(1)
    return made


@kernel
def decode(data: NDArray[np.uint8], link_types: NDArray[np.uint16], columns: PacketColumns, packets: int) -> int:
    """Fill the columns of the first ``packets`` packets from their offset, captured, length and link.

    ``link_types`` gives the type of each entry of the link table. Returns the number of quotes; ``columns.quotes``
    must have room for as many as there are packets.
    """
    made = U64(0)
    for n in range(packets):
        i = U64(n)
        made = decode_frame(data, U64(link_types[columns.heads[i]["link"]]), columns, i, made)
    return np.int64(made)


@kernel
def name_flows(columns: PacketColumns) -> None:
    """Fill the columns flow, ends and way from the others: where addresses were replaced, or columns made by hand."""
    for n in range(len(columns.heads)):
        i = U64(n)
        body = columns.bodies[i]
        ports = U64(body["src_port"]), U64(body["dst_port"])
        version, protocol, shape = U64(body["version"]), U64(body["protocol"]), U64(body["shape"])
        flags = U64(body["tcp_flags"])
        skip = columns.heads[i]["skip"]
        _name_flow(columns, i, version, protocol, shape, addresses_of(columns, i), ports, flags)
        if skip != 0:
            columns.heads[i]["skip"], columns.heads[i]["flow"] = skip, ZERO
