"""The dtypes and tuples of arrays that the fast path is made of; each field with its meaning and unit beside it.

Cast and checked once, where arrays are made; kernels take them as they are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.model import LogSkip, Reason, RecordVerdict, Skip

U8, U16, U32, U64 = np.uint8, np.uint16, np.uint32, np.uint64
I32, I64 = np.int32, np.int64

# --- codes --------------------------------------------------------------------------------------------------------

REASONS = tuple(Reason)  # a reason's code is its place here; codes below FIRST_DROP allow
FIRST_DROP = REASONS.index(Reason.NO_RULE)
SKIPS = tuple(Skip)  # a skip's code is its place here plus one; 0 is a packet that may be observed

INGRESS, EGRESS = 0, 1  # column codes of the directions

# Column `shape`: which packet this is for the judge.
WHOLE, FIRST_FRAGMENT, LATER_FRAGMENT = 0, 1, 2


# What is asked of every packet, in one cache line.
HEAD = np.dtype(
    [
        ("time_ns", I64),  # since the epoch
        ("flow", U64),  # KEY of its flow's record, or 0: it belongs to no flow (see below)
        ("ends", U64),  # ENDS of its flow's record
        ("length", U32),  # bytes of the frame on the wire
        ("offset", U32),  # where the frame begins in the window it was read from, bytes
        ("captured", U32),  # bytes of the frame that were captured
        ("way", U16),  # BACK | FIRST | its TCP flags FIN, SYN, RST and ACK from WAY_FLAGS on
        ("link", U16),  # which entry of the capture's link table the frame came through
        ("skip", U8),  # 0, or why the packet cannot be observed: 1 + its place in SKIPS
        ("padding", U8, (7,)),
    ]
)

# What is asked of a flow's first packet, and of those that are dropped.
BODY = np.dtype(
    [
        ("src_hi", U64),  # upper 64 bits of the source address; 0 for IPv4
        ("src_lo", U64),  # lower 64 bits; the whole address for IPv4
        ("dst_hi", U64),
        ("dst_lo", U64),
        ("fragment_id", U32),  # identification of a fragment; 0 for whole packets
        ("quoted", I32),  # row of `quotes` that an ICMP error's quoted packet fills, or -1
        ("src_port", U16),  # TCP, UDP: source port; ICMP: identifier; else 0
        ("dst_port", U16),  # TCP, UDP: destination port; ICMP: type * 256 + code; else 0
        ("version", U8),  # 4 or 6; 0 where skipped
        ("protocol", U8),  # IP protocol number, behind IPv6 extension headers
        ("shape", U8),  # WHOLE, FIRST_FRAGMENT or LATER_FRAGMENT
        ("tcp_flags", U8),  # the TCP flag byte; 0 where not TCP
    ]
)


class PacketColumns(NamedTuple):
    """A batch of n packets. Each field of HEAD and BODY is a column, an array of length n, by its name."""

    heads: NDArray[np.void]  # (n,) records of HEAD
    bodies: NDArray[np.void]  # (n,) records of BODY
    quotes: NDArray[np.void]  # records of QUOTE

    def __getattr__(self, name: str) -> NDArray[Any]:
        for rows in (self.heads, self.bodies):
            if name in (rows.dtype.names or ()):
                return rows[name]
        raise AttributeError(name)


BACK = 1  # bits of the column `way`: from the upper of the packet's two addresses to the lower one
FIRST = 2  # a first fragment
WAY_FLAGS = 6  # shift of four TCP flags
WAY_FIN, WAY_SYN, WAY_RST, WAY_ACK = 1 << 6, 1 << 7, 1 << 8, 1 << 9

QUOTE = np.dtype(
    [
        ("src_hi", U64),
        ("src_lo", U64),
        ("dst_hi", U64),
        ("dst_lo", U64),
        ("src_port", U16),  # as in PacketColumns
        ("dst_port", U16),
        ("protocol", U8),
        ("padding", U8, (3,)),
    ]
)


# An observation; kernels take it as two 64-bit words, see WORD_* below.
VERDICT = np.dtype(
    [
        ("packet", I32),  # row of the batch
        ("interface", I32),  # place in the simulator's list of interfaces
        ("reason", U8),  # place in REASONS
        ("flags", U8),  # TRACKED | OPENED | REPLACED | MIDSTREAM
        ("direction", U8),  # INGRESS or EGRESS
        ("padding", U8),
        ("rule", I32),  # number in the simulator's list of rules, or -1
    ]
)


class Verdicts(NamedTuple):
    """m observations of a batch, in order of packets, egress before ingress: arrays of length m, views of ``rows``."""

    packet: NDArray[np.int32]
    interface: NDArray[np.int32]
    direction: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    rule: NDArray[np.int32]
    flags: NDArray[np.uint8]
    rows: NDArray[np.void]  # records of VERDICT


def verdicts_of(rows: NDArray[np.void]) -> Verdicts:
    """Records of VERDICT as columns."""
    return Verdicts._make([*(rows[name] for name in Verdicts._fields[:-1]), rows])


TRACKED, OPENED, REPLACED, MIDSTREAM = 1, 2, 4, 8  # bits of Verdicts.flags, as in model.Decision


# --- match tables -------------------------------------------------------------------------------------------------

# The service axis: everything of a packet that a rule can ask for beside the peer, as one number.
TCP_SERVICES, UDP_SERVICES = 0, 1 << 16  # + destination port
ICMP_SERVICES, ICMPV6_SERVICES = 2 << 16, 3 << 16  # + type * 256 + code
OTHER_SERVICES = 4 << 16  # + protocol number
FRAGMENT_SERVICES = OTHER_SERVICES + 256  # + protocol number of a later fragment
SERVICES = FRAGMENT_SERVICES + 256

# Bits of an answer: what rules and addresses alone say about a packet at a gate. The low bits are the credited rule.
RULE_BITS = (1 << 24) - 1
ADMITTED = 1 << 24  # some rule admits it
UNTRACKED = 1 << 25  # its flow needs no entry (only with ADMITTED)
REVERSE = 1 << 26  # no rule admits it, but one of the other direction admits its reverse: the rule is that one
UNRESOLVED = 1 << 27  # no rule admits it, but one might whose peer the snapshot does not say
UNTRACKED_REPLY = 1 << 28  # its flow needs no entry if it is a reply: unless it is a TCP SYN (only with ADMITTED)
KNOWN = 1 << 31  # of an answer that is kept: the rules have been asked

# Bits of a cell of the table of answers, beside ADMITTED, UNRESOLVED and the rule.
FROM_EVERYWHERE = UNTRACKED  # a rule with the peer 0.0.0.0/0 or ::/0 is among those that admit it

# Bits of an address interval's flags.
NEVER_FILTERED, DHCP_REMOTE, DHCPV6_REMOTE, MANY_HOSTS, AUTO_TRACKED = 1, 2, 4, 8, 16
OWNER_SHIFT = 8


class MatchTable(NamedTuple):
    """Security groups, compiled.

    Addresses whose owner and flags are the same share an *interval*. What rules say stands in *tables*: each sorts
    addresses and services into classes of its own, *rows* and *columns*, and its *cells* hold the rank of the credited
    rule among the rules of the table. Everything of one width lies in one array, `words` or `halves`, and is found by
    its place there.
    """

    words: NDArray[np.uint32]  # tries, first positions of intervals, pages, rules, chains: see SIDE and TABLE
    halves: NDArray[np.uint16]  # rows, columns, cells
    marks: NDArray[np.uint8]  # flags of columns, intervals that are automatically tracked
    intervals: np.int64  # where in `words` the root of the trie begins that leads to the interval of an IPv4 address
    v6_starts: NDArray[np.uint64]  # first addresses of the IPv6 intervals, ascending: upper half, lower half, ... They
    # are cut by rules too: the number of an IPv6 interval is the position of its addresses on the lines of tables
    v6_first: np.int64  # number of the first IPv6 interval
    about: NDArray[np.int32]  # (intervals,) (place of its owner among the selected interfaces + 1) << 8 | flags
    gates: NDArray[np.void]  # (interfaces,) records of GATE
    sides: NDArray[np.void]  # (2 * lists of groups,) records of SIDE, ingress then egress of each list
    tables: NDArray[np.void]  # (tables,) records of TABLE


# A trie has three levels, by the upper 16, the next 8 and the last 8 bits of an IPv4 address. An entry of the first two
# is the place of what comes next, or NODE | the place where 256 of those begin, one for each value of the next byte.
NODE = 1 << 31
OPEN_COLUMN, UNKNOWN_COLUMN = 1, 4  # flags of a column: a rule for it has the peer 0.0.0.0/0; one has a peer that the
# snapshot leaves open. For IPv6 shifted by one

GATE = np.dtype(
    [
        ("groups", I32),  # which list of groups, or -1: unfiltered
        ("router", I64),  # the subnet's router, or -1
        ("resolver", I64),  # the VPC's resolver, or -1
    ],
    align=True,
)

SIDE = np.dtype(
    [
        ("begin", I64),  # the tables that are asked, in credit order: numbers in `words`
        ("end", I64),
        ("automatic", I64),  # where in `marks` 1 stands for each interval that is automatically tracked, or -1: none is
        ("open", U8),  # bit (UDP: 1, TCP: 0) + (IPv6: 2): a rule admits all ports of it to or from everywhere
    ],
    align=True,
)

TABLE = np.dtype(
    [
        ("v4", I64),  # first positions, ascending, of the parts of the IPv4 line: in `words`, up to `v6`
        ("v6", I64),  # of the IPv6 line: up to `v6_end`
        ("v6_end", I64),
        ("rows", I64),  # from the place of a first position to that of the part's row, in `halves`
        ("services", I64),  # first services, ascending, of the parts of the service axis: in `words`
        ("services_end", I64),
        ("columns", I64),  # from the place of a first service to that of the part's column, in `halves`
        ("root", I64),  # of a trie that leads to the rows of IPv4 addresses, or -1: there is none
        ("direct_columns", I64),  # beside it: where in `halves` the column of each service stands
        ("flags", I64),  # of columns, in `marks`
        ("pages_v4", I64),  # rows for IPv4: in `words` the places in `halves` of pages, each for 1 << page_bits columns
        ("pages_v6", I64),
        ("width", I64),  # pages of a row
        ("page_bits", I64),
        ("rules", I64),  # by rank, in `words`: its number, and -1 behind the last: none admits
    ],
    align=True,
)


AHEAD = 16  # packets whose records are being fetched while others are judged


# --- connection tracking ------------------------------------------------------------------------------------------

# A record of the flow table: eight 64-bit words, one cache line. It holds what both gates of a flow know of it, so
# that one probe serves a packet whichever way it goes. Of the two addresses the numerically lower one comes first.
SLOT_WORDS = 8
ENDS = 0  # both addresses (IPv4), or a hash of them (IPv6: the addresses stand in FlowTable.wide)
KEY = 1  # ports << 32 | USED | kind << 29 | IPv6 << 28 | protocol << 20 | interface (of a fate); 0: never used
LOWER_GATE, UPPER_GATE = 2, 5  # where the words of the gates begin: three for each
EXPIRES = 0  # of a gate: its entry or mark is idle when the clock is past it, in nanoseconds; NEVER: it has none
GATE_WORD = 1  # of a gate: bits below
ANSWERS = 2  # of a gate: what the rules say, egress << 32 | ingress; KNOWN in each where they have been asked

USED = 1 << 31  # bits of KEY
WIDE = 1 << 28
FLOW, GONE, EGRESS_FATE, INGRESS_FATE = range(4)  # kinds, in KEY; GONE: no packet meets a gate there since a change
KIND_SHIFT = 29
INTERFACE_BITS = (1 << 20) - 1

# GATE_WORD: the state of kernels.flows (3 bits), then these, the entry's rule, and what never changes.
DEAD, INITIATOR_LOCAL, REPLIED = 1 << 3, 1 << 4, 1 << 5  # DEAD: a mark (section 10), no entry
STATE_BITS = 63  # state and the three above
RULE_SHIFT = 8
INTERFACE_SHIFT = 32
SENDS, RECEIVES = 1 << 52, 1 << 53  # the address is the interface's; it may also receive (no multicast address)
NEVER_ASKS = 1 << 54  # its interface has no groups; or, with IS_EXEMPT, its flow is never filtered
IS_EXEMPT = 1 << 55
NOTED = 1 << 56  # counted as a flow that may be older than the capture

NEVER = -(1 << 63)


class FlowTable(NamedTuple):
    """Open addressing with linear probing over a power of two of records. Nothing is deleted: when it fills, the
    table is moved, and what is idle stays behind."""

    slots: NDArray[np.int64]  # (SLOT_WORDS * n,) records; a record's place is that of its first word
    wide: NDArray[np.uint64]  # (4 * n,) IPv6: upper and lower half of the lower address, then of the upper one


class TrackSettings(NamedTuple):
    """How to judge, in kernel types. Times in nanoseconds."""

    open_loop: np.int64
    assume: np.int64  # 1: --midstream assume
    fragments: np.int64  # place in model.Fragments
    strict: np.int64  # 1: a TCP packet that is no SYN makes no entry
    conntrack_max: np.int64  # entries of an instance, or -1
    udp_stream: np.int64  # longest timeouts, for flows older than the capture
    icmp: np.int64
    other: np.int64
    fragment: np.int64


class TrackState(NamedTuple):
    """All that outlives a batch."""

    table: FlowTable
    counts: NDArray[np.int64]  # by the numbers below
    entries: NDArray[np.int64]  # (instances,) entries in the table, idle ones among them
    earliest: NDArray[np.int64]  # (instances,) no entry of it becomes idle before
    timers: NDArray[np.int64]  # (8 * rows,) nanoseconds, by the states of kernels.flows
    timer_rows: NDArray[np.int32]  # (interfaces,) most interfaces share one row: all of it stays in the nearest cache
    instances: NDArray[np.int64]  # (interfaces,) interfaces of one instance share the bound on entries
    settings: TrackSettings
    places: NDArray[np.uint64]  # (2 * AHEAD,) where the probes for the next packets' records begin


# Of TrackState.counts. The clock is the running maximum of the stream's times; a jump is its first by over 30 days.
SLOTS_USED, NOTES, STARTED, NOW, REORDERED, JUMP_FROM, JUMP_TO = range(7)
LONG_JUMP_NS = 30 * 86_400 * 1_000_000_000


# --- flow log records ---------------------------------------------------------------------------------------------

# A record of a VPC flow log: packets of one flow, going one way, at one interface, within one aggregation interval.
LOG_RECORD = np.dtype(
    [
        ("src_hi", U64),  # as in BODY; the packets' own addresses (pkt-srcaddr) where the log has them
        ("src_lo", U64),
        ("dst_hi", U64),
        ("dst_lo", U64),
        ("start", I64),  # when the first packet came, Unix seconds
        ("end", I64),  # when the last one did, not before the first
        ("packets", I64),  # 0 where the log does not say, as is
        ("bytes", I64),
        ("line", I64),  # number of its line or row, from 1
        ("log", I32),  # place of its log among those that are read
        ("name", I32),  # number of its interface id among those met, or -1: it has none
        ("interface", I32),  # place among the guarded interfaces, or -1
        ("rule", I32),  # place in Topology.rules(), or -1; this and what the verdict says is filled by judging
        ("src_port", U16),
        ("dst_port", U16),
        ("version", U8),  # 4 or 6
        ("protocol", U8),
        ("tcp_flags", U8),
        ("marks", U8),  # bits: see below
        ("action", U8),  # NO_ACTION, ACCEPT, REJECT
        ("direction", U8),  # INGRESS, EGRESS; NO_DIRECTION until it is known
        ("skip", U8),  # 0, or why it is not judged: 1 + its place in LOG_SKIPS
        ("role", U8),  # which side of its flow it comes from: see below
        ("verdict", U8),  # place in RECORD_VERDICTS
        ("reason", U8),  # place in REASONS
        ("flags", U8),  # of the observation that decided: TRACKED | MIDSTREAM
        ("opened", U8),  # entries that its packets made
    ],
    align=True,
)

# Bits of `marks`.
HAS_FLAGS = 1  # the log gives its TCP flags
HAS_PACKETS = 2  # and its number of packets
PUBLIC_ACCESS_BLOCKED = 4  # reject-reason is BPA
PKT_SRC, PKT_DST = 8, 16  # pkt-srcaddr, pkt-dstaddr are given
FOREIGN = 32  # its local address is none that the interface owns in the snapshot
ADMITTED_ALONE = 64  # the rules of its own direction admit it
HAS_BYTES = 128

NO_ACTION, ACCEPT, REJECT = 0, 1, 2
NO_DIRECTION = 2

# Which side of its flow a record comes from. The order is that of judging records of one second.
INITIATOR, LIKELY_INITIATOR, LIKELY_REPLY, REPLY = 0, 1, 2, 3

RECORD_VERDICTS = tuple(RecordVerdict)
LOG_SKIPS = tuple(LogSkip)
