"""Flow log records: at which interface they were made, in which direction, from which side of their flow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel, rare
from sgsim.kernels.match import interval
from sgsim.kernels.track import ask
from sgsim.layout import (
    ADMITTED,
    ADMITTED_ALONE,
    EGRESS,
    FOREIGN,
    HAS_FLAGS,
    INGRESS,
    INITIATOR,
    LIKELY_INITIATOR,
    LIKELY_REPLY,
    LOG_SKIPS,
    NO_DIRECTION,
    OWNER_SHIFT,
    PKT_DST,
    PKT_SRC,
    REPLY,
    RULE_BITS,
    WHOLE,
    MatchTable,
)
from sgsim.model import LogSkip

U8, U32, U64 = np.uint8, np.uint32, np.uint64
I32, I64 = np.int32, np.int64
ZERO = U64(0)
SYN, ACK = 0x02, 0x10

# Which of the protocols that stand for a record's own; typed: literals would have all compiled twice.
FIRST_PACKET, SECOND_PACKET = I64(0), I64(1)

_LOCAL, _NO_INTERFACE, _UNCLEAR = (
    LOG_SKIPS.index(skip) + 1 for skip in (LogSkip.LOCAL, LogSkip.NO_INTERFACE, LogSkip.UNCLEAR)
)


class Guards(NamedTuple):
    """Who is guarded, and what helps to tell who asked."""

    table: MatchTable
    places: NDArray[np.int32]  # by the number of an interface id: its place among the guarded, or -1
    primaries: NDArray[np.uint64]  # (interfaces, 3): IPv4 address, upper and lower half of the IPv6 address
    ports: NDArray[np.uint8]  # (2, 65536) of TCP and UDP: the higher, the more likely it is a server's
    # (2, 2, 256) by IP version (4, 6) and protocol: the protocol that stands for it among the rules that admit it
    # whatever its type, and among those that admit some type of it; -1 where that is the same
    stand_ins: NDArray[np.int16]
    paces: NDArray[np.int64]  # (interfaces, 2) of TCP and UDP: seconds between packets, to keep a connection
    rule_places: NDArray[np.int32]  # of the engine's rules: their places in Topology.rules()
    perhaps: NDArray[np.int64]  # by the latter: records that it admits on its own, if their side asked


# --- whose record it is -----------------------------------------------------------------------------------------------


@inner
def _owner(table, version, hi, lo):
    """The place of the guarded interface that owns the address, or -1."""
    return I64(table.about[U64(interval(table, version, hi, lo))] >> OWNER_SHIFT) - 1


@inner
def _placed(direction, sender, receiver):
    """(why it cannot be judged or 0, interface, direction) of a record that names no interface."""
    if direction != NO_DIRECTION:
        place = sender if direction == EGRESS else receiver
        return (0 if place >= 0 else _NO_INTERFACE), place, direction
    if sender < 0 and receiver < 0:
        return _NO_INTERFACE, I64(-1), direction
    if sender >= 0 and receiver >= 0:
        return (_LOCAL if sender == receiver else _UNCLEAR), I64(-1), direction
    return 0, max(sender, receiver), U8(EGRESS if sender >= 0 else INGRESS)


@inner
def _directed(direction, place, sender, receiver):
    """(why it cannot be judged or 0, interface, direction) of a record of a guarded interface."""
    if sender == place and receiver == place:
        return _LOCAL, place, direction
    if direction != NO_DIRECTION:
        return 0, place, direction
    if sender != place and receiver != place:
        return _UNCLEAR, place, direction
    return 0, place, U8(EGRESS if sender == place else INGRESS)


@inner
def _find_place(record, guards):
    """Fill interface and direction, or skip, from the addresses as the log shows them."""
    table, version = guards.table, record["version"]
    sender = _owner(table, version, record["src_hi"], record["src_lo"])
    receiver = _owner(table, version, record["dst_hi"], record["dst_lo"])
    if record["name"] < 0:
        skip, place, direction = _placed(record["direction"], sender, receiver)
    else:
        place = I64(guards.places[record["name"]])
        skip, direction = _NO_INTERFACE, record["direction"]
        if place >= 0:
            skip, place, direction = _directed(record["direction"], place, sender, receiver)
    record["skip"], record["interface"], record["direction"] = U8(skip), I32(place), direction


@inner
def _take_own_addresses(record, ends, n, guards):
    """The packets' own addresses, where the log has them; mark a local one that is not the interface's."""
    if record["marks"] & PKT_SRC:
        record["src_hi"], record["src_lo"] = ends[n, 0], ends[n, 1]
    if record["marks"] & PKT_DST:
        record["dst_hi"], record["dst_lo"] = ends[n, 2], ends[n, 3]
    hi, lo = record["dst_hi"], record["dst_lo"]
    if record["direction"] == EGRESS:
        hi, lo = record["src_hi"], record["src_lo"]
    if _owner(guards.table, record["version"], hi, lo) != record["interface"]:
        record["marks"] |= U8(FOREIGN)


# --- which side asked -------------------------------------------------------------------------------------------------


@inner
def stand_in(guards, record, second):
    """The protocol that stands for the record's own, -1 where there is no second one."""
    return guards.stand_ins[U64(second), U64(record["version"] == 6), U64(record["protocol"])]


@inner
def put_body(body, record, protocol, turned):
    """The packet of a record, or with ``turned`` its answer, as far as rules look at it."""
    src = record["src_hi"], record["src_lo"]
    dst = record["dst_hi"], record["dst_lo"]
    ports = record["src_port"], record["dst_port"]
    if turned:
        src, dst = dst, src
        ports = ports[1], ports[0]
    body["src_hi"], body["src_lo"] = src
    body["dst_hi"], body["dst_lo"] = dst
    body["src_port"], body["dst_port"] = ports
    body["version"], body["protocol"], body["shape"] = record["version"], U8(protocol), U8(WHOLE)
    body["fragment_id"], body["quoted"], body["tcp_flags"] = U32(0), I32(-1), U8(0)


@rare
def _admitting(record, protocol, turned, guards, bodies):
    """The rule (its place in Topology.rules()) that admits the record's packet, or the answer to it, on its own; or
    -1."""
    place, egress = I64(record["interface"]), I64(record["direction"] == EGRESS)
    if guards.table.gates[place]["groups"] < 0:
        return I32(-1)
    put_body(bodies[U64(0)], record, protocol, turned)
    known = ask(bodies, guards.table, ZERO, egress ^ I64(turned), place)
    return guards.rule_places[known & RULE_BITS] if known & ADMITTED else I32(-1)


@rare
def _role_by_rules(record, guards, bodies):
    """Of a record of which neither flags nor ports say who asked: the side that the rules let ask, if they let one."""
    certain, second = stand_in(guards, record, FIRST_PACKET), stand_in(guards, record, SECOND_PACKET)
    some = second if second >= 0 else certain
    rule = _admitting(record, certain, False, guards, bodies)
    if rule >= 0:
        record["marks"] |= U8(ADMITTED_ALONE)
    elif some != certain:
        rule = _admitting(record, some, False, guards, bodies)
    if rule >= 0:
        guards.perhaps[rule] += 1
    asks, answers = rule >= 0, _admitting(record, some, True, guards, bodies) >= 0
    if asks != answers:
        return LIKELY_INITIATOR if asks else LIKELY_REPLY
    if record["src_port"] != record["dst_port"]:
        return LIKELY_INITIATOR if record["dst_port"] < record["src_port"] else LIKELY_REPLY
    return LIKELY_INITIATOR if record["direction"] == EGRESS else LIKELY_REPLY


@inner
def _role(record, guards, bodies):
    """Which side of its flow the record comes from, as far as it can be told: by SYN and SYN-ACK, ports, rules."""
    protocol, flags = record["protocol"], record["tcp_flags"]
    if protocol == 6 and record["marks"] & HAS_FLAGS and flags & SYN:
        return REPLY if flags & ACK else INITIATOR
    if protocol == 6 or protocol == 17:
        here = guards.ports[U64(protocol == 17), U64(record["src_port"])]
        there = guards.ports[U64(protocol == 17), U64(record["dst_port"])]
        if here != there:
            return INITIATOR if there > here else REPLY
    return _role_by_rules(record, guards, bodies)


@kernel
def resolve(records: NDArray[np.void], ends: NDArray[np.uint64], guards: Guards, bodies: NDArray[np.void]) -> None:
    """Find out at which interface, in which direction and from which side of its flow each of the LOG_RECORDs is, or
    why it cannot be judged; take the packets' own addresses, ``ends`` as in RecordBatch.

    ``bodies``, a record of BODY, is used for asking the rules.
    """
    for n in range(len(records)):
        record = records[n]
        _find_place(record, guards)
        if record["skip"] == 0:
            _take_own_addresses(record, ends, n, guards)
            record["role"] = U8(_role(record, guards, bodies))
