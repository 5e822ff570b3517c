"""Link headers: where IP begins in a frame, and which version it must be (semantics section 12).

Offsets are 64-bit and unsigned: a signed index costs a test for negative ones at each byte.
"""

from __future__ import annotations

import numpy as np

from sgsim.kernels.compiling import inner, rare, u16, u32
from sgsim.layout import SKIPS
from sgsim.model import Skip

U64 = np.uint64

# Codes of the column `skip`.
GOOD = U64(0)
NOT_IP, MALFORMED, TRUNCATED, UNSUPPORTED_LINK = (
    U64(1 + SKIPS.index(skip)) for skip in (Skip.NOT_IP, Skip.MALFORMED, Skip.TRUNCATED, Skip.UNSUPPORTED_LINK)
)

# LINKTYPE_ values (tcpdump.org/linktypes.html)
NULL, ETHERNET, LOOP = U64(0), U64(1), U64(108)
RAW_BSD, RAW_OPENBSD, RAW, IPV4, IPV6 = U64(12), U64(14), U64(101), U64(228), U64(229)
LINUX_SLL, LINUX_SLL2 = U64(113), U64(276)

ETHERTYPE_IPV4, ETHERTYPE_IPV6 = U64(0x0800), U64(0x86DD)
VLAN, PROVIDER_VLAN, OLD_QINQ = U64(0x8100), U64(0x88A8), U64(0x9100)
MPLS, MPLS_MULTICAST, PPPOE = U64(0x8847), U64(0x8848), U64(0x8864)
PPP_IPV4, PPP_IPV6 = U64(0x0021), U64(0x0057)


@inner
def _link_reach(to, captured_end, wire_end):
    """May the bytes before ``to`` be read? A frame that is too short on the wire holds no IP."""
    if to > wire_end:
        return NOT_IP
    if to > captured_end:
        return TRUNCATED
    return GOOD


@rare
def _behind_labels(data, at, captured_end, wire_end):
    """MPLS: past the label stack; the first half-byte behind it tells IP from the rest (RFC 4928)."""
    bottom = False
    while not bottom:
        status = _link_reach(at + U64(4), captured_end, wire_end)
        if status != GOOD:
            return status, at, U64(0)
        bottom = U64(data[at + U64(2)]) & U64(1) != U64(0)
        at += U64(4)
    status = _link_reach(at + U64(1), captured_end, wire_end)
    if status != GOOD:
        return status, at, U64(0)
    version = U64(data[at]) >> U64(4)
    if version != U64(4) and version != U64(6):
        return NOT_IP, at, U64(0)
    return GOOD, at, version


@inner
def _behind_ethertype(data, at, ethertype, captured_end, wire_end):
    """(status, where IP begins, its version) of what follows an Ethernet type that ends before ``at``."""
    while ethertype == VLAN or ethertype == PROVIDER_VLAN or ethertype == OLD_QINQ:
        status = _link_reach(at + U64(4), captured_end, wire_end)
        if status != GOOD:
            return status, at, U64(0)
        ethertype = u16(data, at + U64(2))
        at += U64(4)
    if ethertype == ETHERTYPE_IPV4:
        return GOOD, at, U64(4)
    if ethertype == ETHERTYPE_IPV6:
        return GOOD, at, U64(6)
    if ethertype == MPLS or ethertype == MPLS_MULTICAST:
        return _behind_labels(data, at, captured_end, wire_end)
    if ethertype == PPPOE:  # version, type, code, session, length, then PPP's own protocol field (RFC 2516)
        status = _link_reach(at + U64(7), captured_end, wire_end)
        if status != GOOD:
            return status, at, U64(0)
        protocol, behind = U64(data[at + U64(6)]), at + U64(7)
        if protocol & U64(1) == U64(0):  # an odd first byte is the whole field, compressed (RFC 1661 section 6.5)
            status = _link_reach(at + U64(8), captured_end, wire_end)
            if status != GOOD:
                return status, at, U64(0)
            protocol, behind = u16(data, at + U64(6)), at + U64(8)
        if protocol == PPP_IPV4:
            return GOOD, behind, U64(4)
        if protocol == PPP_IPV6:
            return GOOD, behind, U64(6)
    return NOT_IP, at, U64(0)


@inner
def _behind_cooked(data, at, header, protocol_at, arphrd_at, captured_end, wire_end):
    """Linux cooked captures; ARPHRD 824 (netlink), 803 (radiotap) and 770 (frame relay) have no Ethernet type."""
    status = _link_reach(at + header, captured_end, wire_end)
    if status != GOOD:
        return status, at, U64(0)
    arphrd = u16(data, at + arphrd_at)
    if arphrd == U64(824) or arphrd == U64(803) or arphrd == U64(770):
        return NOT_IP, at, U64(0)
    return _behind_ethertype(data, at + header, u16(data, at + protocol_at), captured_end, wire_end)


@inner
def _behind_family(data, at, either_order, captured_end, wire_end):
    """BSD loopback: 2 is IPv4 everywhere, IPv6 is 10, 24, 28 or 30 by the system."""
    status = _link_reach(at + U64(4), captured_end, wire_end)
    if status != GOOD:
        return status, at, U64(0)
    family = u32(data, at)
    if either_order and family > U64(0xFFFF):
        family = (
            family >> U64(24)
            | (family >> U64(8) & U64(0xFF00))
            | (family & U64(0xFF00)) << U64(8)
            | (family & U64(0xFF)) << U64(24)
        )
    if family == U64(2):
        return GOOD, at + U64(4), U64(4)
    if family == U64(10) or family == U64(24) or family == U64(28) or family == U64(30):
        return GOOD, at + U64(4), U64(6)
    return NOT_IP, at, U64(0)


@inner
def behind_link(data, at, link_type, captured_end, wire_end):
    """(status, where IP begins, the version it must have; 0: the packet's own first half-byte says)."""
    if link_type == ETHERNET:
        status = _link_reach(at + U64(14), captured_end, wire_end)
        if status != GOOD:
            return status, at, U64(0)
        return _behind_ethertype(data, at + U64(14), u16(data, at + U64(12)), captured_end, wire_end)
    if link_type == RAW or link_type == RAW_BSD or link_type == RAW_OPENBSD:
        return GOOD, at, U64(0)
    if link_type == IPV4:
        return GOOD, at, U64(4)
    if link_type == IPV6:
        return GOOD, at, U64(6)
    if link_type == LINUX_SLL:
        return _behind_cooked(data, at, U64(16), U64(14), U64(2), captured_end, wire_end)
    if link_type == LINUX_SLL2:
        return _behind_cooked(data, at, U64(20), U64(0), U64(8), captured_end, wire_end)
    if link_type == NULL or link_type == LOOP:
        return _behind_family(data, at, link_type == NULL, captured_end, wire_end)
    return UNSUPPORTED_LINK, at, U64(0)
