"""What scapy says about a frame: an independent reading of the link, IP and transport headers.

scapy parses every header; which bytes must be there, and what their absence means, is computed here from the lengths
it read (semantics, section 2). Upper layers are filtered out: they are not asked for, and cost most of the time.
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from scapy.config import conf
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Dot3, Ether, Loopback
from scapy.layers.ppp import PPP, PPPoE
from scapy.packet import NoPayload, Packet, bind_layers

from sgsim.model import Skip

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)

INNER = (Dot1Q, Dot1AD, MPLS, PPPoE, PPP)  # an Ethernet frame within MPLS is another network's: not looked into
OUTER = (Ether, CookedLinux, CookedLinuxV2, Loopback, *INNER)
EXTENSIONS = {0: IPv6ExtHdrHopByHop, 43: IPv6ExtHdrRouting, 44: IPv6ExtHdrFragment, 60: IPv6ExtHdrDestOpt}
LAYERS = [*OUTER, Dot3, IP, IPv6]

# Ethernet types that scapy does not bind by itself: the old QinQ type, and tags within tags or cooked captures.
for outer in (Ether, Dot1Q, Dot1AD, CookedLinux, CookedLinuxV2):
    field = "proto" if outer in (CookedLinux, CookedLinuxV2) else "type"
    for value, inner in [(0x8100, Dot1Q), (0x88A8, Dot1AD), (0x9100, Dot1Q), (0x8847, MPLS), (0x8848, MPLS)]:
        bind_layers(outer, inner, **{field: value})

NO_ETHERTYPE = (770, 803, 824)  # ARPHRD types whose cooked frames have no Ethernet type (LINKTYPE_LINUX_SLL)
FAMILIES = {2: IP, 10: IPv6, 24: IPv6, 28: IPv6, 30: IPv6}  # BSD loopback; scapy knows those of its own system
NEEDED = {6: 14, 17: 8}


class Said(NamedTuple):
    """The oracle's reading; as ``layouts.Row`` has it."""

    skip: Skip | None
    version: int = 0
    protocol: int = 0
    shape: int = 0
    tcp_flags: int = 0
    src: str = ""
    dst: str = ""
    src_port: int = 0
    dst_port: int = 0
    fragment_id: int = 0
    quoted: tuple[str, str, int, int, int] | None = None


class UnreadableError(Exception):
    """The frame makes no observation: why."""

    def __init__(self, skip: Skip) -> None:
        self.skip = skip
        super().__init__(skip)


def said(frame: bytes, link_type: int, length: int) -> Said:
    """scapy's reading of a frame of which ``length`` bytes were on the wire."""
    beyond = max(length - len(frame), 0)
    try:
        kind, raw = _network(frame, link_type, beyond)
        return _packet(kind, raw, len(raw) + beyond)
    except UnreadableError as unreadable:
        return Said(unreadable.skip)


def _reach(to: int, present: int, end: int) -> None:
    if to > end:
        raise UnreadableError(Skip.MALFORMED)
    if to > present:
        raise UnreadableError(Skip.TRUNCATED)


# --- link layers ----------------------------------------------------------------------------------------------------


def _link_reach(size: int, raw: bytes, beyond: int) -> None:
    if size > len(raw) + beyond:
        raise UnreadableError(Skip.NOT_IP)
    if size > len(raw):
        raise UnreadableError(Skip.TRUNCATED)


def _network(frame: bytes, link_type: int, beyond: int) -> tuple[type[Packet], bytes]:
    """(IP or IPv6, its bytes) behind the link headers."""
    if link_type in (12, 14, 101, 228, 229):
        if not frame:
            raise UnreadableError(Skip.TRUNCATED if beyond else Skip.MALFORMED)
        own = {4: IP, 6: IPv6}.get(frame[0] >> 4)
        if own is None or (link_type, own) in ((228, IPv6), (229, IP)):
            raise UnreadableError(Skip.MALFORMED)
        return own, frame
    conf.layers.filter(LAYERS)
    try:
        return _behind_links(frame, link_type, beyond)
    finally:
        conf.layers.unfilter()


def _behind_links(frame: bytes, link_type: int, beyond: int) -> tuple[type[Packet], bytes]:
    first = {0: Loopback, 1: Ether, 108: Loopback, 113: CookedLinux, 276: CookedLinuxV2}[link_type]
    _link_reach({0: 4, 1: 14, 108: 4, 113: 16, 276: 20}[link_type], frame, beyond)
    layer = first(frame)
    while True:
        if isinstance(layer, CookedLinux | CookedLinuxV2) and layer.lladdrtype in NO_ETHERTYPE:
            raise UnreadableError(Skip.NOT_IP)
        below = layer.payload
        raw = b"" if isinstance(below, NoPayload) else below.original
        if isinstance(layer, Loopback):
            return _of_family(frame, link_type), frame[4:]
        kind = below.__class__ if isinstance(below, INNER) else layer.guess_payload_class(raw or b"\0\0")
        if kind in (IP, IPv6):
            return kind, raw
        if kind not in INNER:
            if isinstance(layer, MPLS):
                _link_reach(1, raw, beyond)
            raise UnreadableError(Skip.NOT_IP)
        _link_reach(_size(kind, raw), raw, beyond)
        layer = below


def _size(kind: type[Packet], raw: bytes) -> int:
    if kind is PPP and raw and raw[0] & 1:  # a compressed protocol field (RFC 1661 section 6.5)
        return 1
    return {Dot1Q: 4, Dot1AD: 4, MPLS: 4, PPPoE: 6, PPP: 2}[kind]


def _of_family(frame: bytes, link_type: int) -> type[Packet]:
    orders = ("little", "big") if link_type == 0 else ("big",)
    kinds = [FAMILIES.get(int.from_bytes(frame[:4], order)) for order in orders]
    found = next((kind for kind in kinds if kind), None)
    if found is None:
        raise UnreadableError(Skip.NOT_IP)
    return found


# --- IP -------------------------------------------------------------------------------------------------------------


def _packet(kind: type[Packet], raw: bytes, wire: int) -> Said:
    _reach(1, len(raw), wire)
    if raw[0] >> 4 != (4 if kind is IP else 6):
        raise UnreadableError(Skip.MALFORMED)
    if kind is IP:
        header, at, end, protocol, shape, fragment_id = _ipv4(raw, wire)
        version = 4
    else:
        header, at, end, protocol, shape, fragment_id = _ipv6(raw, wire)
        version = 6
    ends = (header.src, header.dst)
    if shape == 2:
        return Said(None, version, protocol, shape, 0, *ends, 0, 0, fragment_id)
    icmp = (version, protocol) in ((4, 1), (6, 58))
    _reach(at + NEEDED.get(protocol, 8 if icmp else 0), len(raw), end)
    ports = _ports(raw[at:], version, protocol)
    flags = int(TCP(_padded(raw[at:])).flags) & 0xFF if protocol == 6 else 0
    quoted = None
    if icmp and raw[at] in ((3, 4, 11, 12) if version == 4 else (1, 2, 3, 4)):
        quoted = _quoted(raw[at + 8 : end], version)
    return Said(None, version, protocol, shape, flags, *ends, *ports, fragment_id, quoted)


def _ipv4(raw: bytes, wire: int) -> tuple[Any, int, int, int, int, int]:
    _reach(20, len(raw), wire)
    header = IP(raw[:20])
    size, total = header.ihl * 4, header.len
    if size < 20 or 0 < total < size:
        raise UnreadableError(Skip.MALFORMED)
    end = min(total or wire, wire)
    _reach(size, len(raw), end)
    shape = 2 if header.frag else 1 if "MF" in header.flags else 0
    return header, size, end, header.proto, shape, header.id if shape else 0


def _ipv6(raw: bytes, wire: int) -> tuple[Any, int, int, int, int, int]:
    _reach(40, len(raw), wire)
    header = IPv6(raw[:40])
    end = min(40 + header.plen if header.plen else wire, wire)
    at, protocol, shape, fragment_id, fragments = 40, header.nh, 0, 0, 0
    while protocol in EXTENSIONS:
        _reach(at + 8, len(raw), end)
        if protocol == 44:
            fragments += 1
            if fragments == 2:
                raise UnreadableError(Skip.MALFORMED)
            piece = IPv6ExtHdrFragment(raw[at : at + 8])
            at += 8
            if piece.offset:
                return header, at, end, piece.nh, 2, piece.id
            if piece.m:
                shape, fragment_id = 1, piece.id
            protocol = piece.nh
            continue
        size = (raw[at + 1] + 1) * 8
        _reach(at + size, len(raw), end)
        extension = EXTENSIONS[protocol](raw[at : at + size])
        assert (extension.nh, extension.len) == (raw[at], raw[at + 1])
        at, protocol = at + size, raw[at]
    return header, at, end, protocol, shape, fragment_id


def _padded(raw: bytes) -> bytes:
    return raw[:20].ljust(20, b"\0")


def _ports(raw: bytes, version: int, protocol: int) -> tuple[int, int]:
    """The two port slots: ports, or ICMP identifier and type * 256 + code."""
    if protocol in (6, 17):
        header = TCP(_padded(raw)) if protocol == 6 else UDP(raw[:8])
        return header.sport, header.dport
    if (version, protocol) == (4, 1):
        icmp = ICMP(raw[:8] + bytes(12))
        return (icmp.id if icmp.type in (0, 8, 13, 14, 15, 16, 17, 18) else 0), icmp.type * 256 + icmp.code
    if (version, protocol) == (6, 58):
        identifier = int.from_bytes(raw[4:6], "big") if raw[0] in (128, 129) else 0  # RFC 4443 section 4
        return identifier, raw[0] * 256 + raw[1]
    return 0, 0


def _quoted(raw: bytes, version: int) -> tuple[str, str, int, int, int] | None:
    """The quoted packet, if its headers and 8 bytes behind them are there; its own length says nothing."""
    try:
        if not raw or raw[0] >> 4 != version:
            return None
        if version == 4:
            _reach(20, len(raw), len(raw))
            header = IP(raw[:20])
            if header.ihl < 5 or header.frag:
                return None
            at, protocol = header.ihl * 4, header.proto
        else:
            plain = raw[:4] + b"\0\0" + raw[6:]  # its length taken out
            header, at, _, protocol, shape, _ = _ipv6(plain, len(raw))
            if shape == 2:
                return None
        _reach(at + 8, len(raw), len(raw))
    except UnreadableError:
        return None
    return (header.src, header.dst, protocol, *_ports(raw[at:], version, protocol))
