"""Lines of flow logs -> records, field by field."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel
from sgsim.kernels.fieldtext import (
    ABSENT,
    LINE_END,
    RETURN,
    SPACE,
    TAB,
    WRONG,
    ZERO,
    address,
    is_dash,
    is_word,
    number,
)
from sgsim.kernels.logids import LONGEST_ID, Ids, id_number
from sgsim.layout import (
    ACCEPT,
    EGRESS,
    HAS_BYTES,
    HAS_FLAGS,
    HAS_PACKETS,
    INGRESS,
    NO_DIRECTION,
    PKT_DST,
    PKT_SRC,
    PUBLIC_ACCESS_BLOCKED,
    REJECT,
)

U8, U16, U32, U64 = np.uint8, np.uint16, np.uint32, np.uint64
I32, I64 = np.int32, np.int64
ONE = U64(1)

# What the fields are for the kernel; the rest is passed over.
(
    PASSED, INTERFACE_ID, SRCADDR, DSTADDR, SRCPORT, DSTPORT, PROTOCOL, PACKETS, BYTES, START, END, ACTION, LOG_STATUS,
    TCP_FLAGS, TYPE, PKT_SRCADDR, PKT_DSTADDR, FLOW_DIRECTION, REJECT_REASON,
) = range(19)  # fmt: skip

# What can be wrong with a line.
FEW, MANY, NO_NUMBER, NO_ADDRESS, NO_WORD, OUT_OF_RANGE, MISSING, TWO_VERSIONS, LONG_ID = range(1, 10)

LAST_SECOND = I64(1 << 33)  # of start and end: the year 2242; milliseconds are beyond it
MOST_PROTOCOL, MOST_PORT, MOST_FLAGS = I64(255), I64(65535), I64(255)

_NONE = U32(0)  # of a mask of fields


def _word(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8).copy()


_ACCEPT, _REJECT, _OK, _NODATA, _SKIPDATA = map(_word, ("ACCEPT", "REJECT", "OK", "NODATA", "SKIPDATA"))
_INGRESS, _EGRESS, _BPA, _EFA = map(_word, ("ingress", "egress", "BPA", "EFA"))

# One fault for each line that was passed over, as far as there is room.
FAULT = np.dtype([("line", I64), ("kind", I64), ("column", I64), ("begin", I64), ("end", I64)])  # begin, end: the field

# Of Met.counts.
NO_DATA, SKIP_DATA, MALFORMED, NOT_IP = range(4)


class Met(NamedTuple):
    """What is met on the way, beside records."""

    ids: Ids
    counts: NDArray[np.int64]  # (4,) lines that are no record, by the numbers above
    faults: NDArray[np.void]  # records of FAULT: the first malformed lines since faults_met was 0
    faults_met: NDArray[np.int64]  # (1,) malformed lines since then
    packet_ends: NDArray[np.uint64]  # (records, 4) pkt-srcaddr and pkt-dstaddr, where the record's marks say so


class Lines(NamedTuple):
    """How lines are made."""

    fields: NDArray[np.uint8]  # what each of them is, in order
    header: NDArray[np.uint8]  # a line to be passed over wherever it comes again, without its end; may be empty
    has_status: bool  # there is a log-status


class Walk(NamedTuple):
    """How far a walk came."""

    records: int
    at: int  # offset in the window of the first byte that it did not use: a line's beginning
    lines: int  # that it used


# --- lines --------------------------------------------------------------------------------------------------------


@inner
def _bounded(value, most):
    """0, or what is wrong with a number that must be there or "-"."""
    if value == WRONG:
        return NO_NUMBER
    return OUT_OF_RANGE if value > most else 0


@inner
def _ends(data, begin, end):
    """(what is wrong, version, upper half, lower half) of an address; the version of "-" is 0."""
    if is_dash(data, begin, end):
        return 0, 0, ZERO, ZERO
    version, hi, lo = address(data, begin, end)
    return (0 if version else NO_ADDRESS), version, hi, lo


@inner
def _empty(record):
    record["start"], record["end"] = ABSENT, ABSENT
    record["packets"], record["bytes"] = I64(0), I64(0)
    record["name"], record["interface"], record["rule"] = I32(-1), I32(-1), I32(-1)
    record["src_port"], record["dst_port"] = U16(0), U16(0)
    record["version"], record["protocol"], record["tcp_flags"] = U8(0), U8(0), U8(0)
    record["marks"], record["action"], record["direction"] = U8(0), U8(0), U8(NO_DIRECTION)
    record["skip"], record["opened"] = U8(0), U8(0)


@inner
def _numeric(field, value, record):
    """Put a number into its place; what is wrong with it."""
    fault = 0
    if field == START or field == END:
        fault = _bounded(value, LAST_SECOND)
        if field == START:
            record["start"] = value
        else:
            record["end"] = value
    elif field == SRCPORT:
        fault = _bounded(value, MOST_PORT)
        record["src_port"] = U16(max(value, I64(0)) & MOST_PORT)
    elif field == DSTPORT:
        fault = _bounded(value, MOST_PORT)
        record["dst_port"] = U16(max(value, I64(0)) & MOST_PORT)
    elif field == PROTOCOL:
        fault = _bounded(value, MOST_PROTOCOL)
        record["protocol"] = U8(max(value, I64(0)) & MOST_PROTOCOL)
    elif field == PACKETS:
        fault = _bounded(value, I64(1 << 62))
        record["packets"] = max(value, I64(0))
        record["marks"] |= U8(HAS_PACKETS if value >= 0 else 0)
    elif field == BYTES:
        fault = _bounded(value, I64(1 << 62))
        record["bytes"] = max(value, I64(0))
        record["marks"] |= U8(HAS_BYTES if value >= 0 else 0)
    else:
        fault = _bounded(value, MOST_FLAGS)
        record["tcp_flags"] = U8(max(value, I64(0)) & MOST_FLAGS)
        record["marks"] |= U8(HAS_FLAGS if value >= 0 else 0)
    return fault


@inner
def _worded(field, data, begin, end, record):
    """Put a word into its place; what is wrong with it. For log-status: which count the line belongs to, + 100."""
    if field == ACTION:
        if is_word(data, begin, end, _ACCEPT):
            record["action"] = U8(ACCEPT)
        elif is_word(data, begin, end, _REJECT):
            record["action"] = U8(REJECT)
        elif not is_dash(data, begin, end):
            return NO_WORD
    elif field == FLOW_DIRECTION:
        if is_word(data, begin, end, _INGRESS):
            record["direction"] = U8(INGRESS)
        elif is_word(data, begin, end, _EGRESS):
            record["direction"] = U8(EGRESS)
        elif not is_dash(data, begin, end):
            return NO_WORD
    elif field == LOG_STATUS:
        if is_word(data, begin, end, _NODATA):
            return 100 + NO_DATA
        if is_word(data, begin, end, _SKIPDATA):
            return 100 + SKIP_DATA
        if not is_word(data, begin, end, _OK):
            return NO_WORD
    elif field == TYPE:
        if is_word(data, begin, end, _EFA):
            return 100 + NOT_IP
    elif is_word(data, begin, end, _BPA):
        record["marks"] |= U8(PUBLIC_ACCESS_BLOCKED)
    return 0


# Bits of what a record must have.
_HAS_SRC, _HAS_DST, _HAS_PROTOCOL, _HAS_SRCPORT, _HAS_DSTPORT, _HAS_START = 1, 2, 4, 8, 16, 32


@inner
def _seen(field, value):
    """The bit of a number that is there."""
    if value < 0:
        return 0
    if field == PROTOCOL:
        return _HAS_PROTOCOL
    if field == SRCPORT:
        return _HAS_SRCPORT
    if field == DSTPORT:
        return _HAS_DSTPORT
    return _HAS_START if field == START or field == END else 0


@inner
def lacks(seen, protocol):
    """Whether something is missing without which a record cannot be judged."""
    needed = _HAS_SRC | _HAS_DST | _HAS_PROTOCOL | _HAS_START
    if protocol == 6 or protocol == 17:
        needed |= _HAS_SRCPORT | _HAS_DSTPORT
    return seen & needed != needed


@inner
def _finish(record, pkt_src, pkt_dst, packet_ends, n):
    """The packets' own addresses, and times put right."""
    if pkt_src[0]:
        packet_ends[n, 0], packet_ends[n, 1] = pkt_src[1], pkt_src[2]
        record["marks"] |= U8(PKT_SRC)
    if pkt_dst[0]:
        packet_ends[n, 2], packet_ends[n, 3] = pkt_dst[1], pkt_dst[2]
        record["marks"] |= U8(PKT_DST)
    start, end = record["start"], record["end"]
    record["start"] = end if start == ABSENT else start
    record["end"] = max(record["start"], end)


@inner
def _line(data, begin, stop, lines, record, met, n):
    """One line, which ends at ``stop``, as record ``n``: (what is wrong with it, in which column, begin and end of that
    field, 100 + what it counts as if it is no record)."""
    fault, column, fault_begin, fault_end, status = 0, 0, begin, begin, 0
    src = 0, ZERO, ZERO
    dst = 0, ZERO, ZERO
    pkt_src = 0, ZERO, ZERO
    pkt_dst = 0, ZERO, ZERO
    seen, place, at = 0, 0, begin
    _empty(record)
    while True:
        while at < stop and (data[at] == SPACE or data[at] == TAB or data[at] == RETURN):
            at += ONE
        if at >= stop:
            break
        first = at
        while at < stop and data[at] != SPACE and data[at] != TAB and data[at] != RETURN:
            at += ONE
        if place >= len(lines.fields):
            return MANY, place, first, at, 0
        field, wrong = I64(lines.fields[place]), 0
        if field == PASSED:
            pass
        elif field == INTERFACE_ID:
            if at - first > U64(LONGEST_ID):
                wrong = LONG_ID
            elif not is_dash(data, first, at):
                record["name"] = id_number(met.ids, data, first, at)
        elif field == SRCADDR or field == DSTADDR or field == PKT_SRCADDR or field == PKT_DSTADDR:
            wrong, version, hi, lo = _ends(data, first, at)
            found = version, hi, lo
            if field == SRCADDR:
                src = found
            elif field == DSTADDR:
                dst = found
            elif field == PKT_SRCADDR:
                pkt_src = found
            else:
                pkt_dst = found
        elif field == ACTION or field == LOG_STATUS or field == TYPE or field >= FLOW_DIRECTION:
            wrong = _worded(field, data, first, at, record)
            if wrong >= 100:
                status, wrong = min(status, wrong) if status else wrong, 0
        else:
            value = number(data, first, at)
            wrong = _numeric(field, value, record)
            seen |= _seen(field, value)
        if wrong and not fault:
            fault, column, fault_begin, fault_end = wrong, place, first, at
        place += 1
    if status:
        return 0, 0, begin, begin, status
    if place < len(lines.fields):
        return (FEW, place, begin, stop, 0) if place else (0, 0, begin, begin, -1)
    if fault:
        return fault, column, fault_begin, fault_end, 0
    if not src[0]:
        src, pkt_src = pkt_src, (0, ZERO, ZERO)
    if not dst[0]:
        dst, pkt_dst = pkt_dst, (0, ZERO, ZERO)
    if not lines.has_status and not src[0] and not dst[0]:
        return 0, 0, begin, begin, 100 + NO_DATA
    seen |= (_HAS_SRC if src[0] else 0) | (_HAS_DST if dst[0] else 0)
    if lacks(seen, record["protocol"]):
        return MISSING, 0, begin, stop, 0
    other = dst[0] != src[0] or (pkt_src[0] != 0 and pkt_src[0] != src[0]) or (pkt_dst[0] != 0 and pkt_dst[0] != src[0])
    if other:
        return TWO_VERSIONS, 0, begin, stop, 0
    record["version"] = U8(src[0])
    record["src_hi"], record["src_lo"], record["dst_hi"], record["dst_lo"] = src[1], src[2], dst[1], dst[2]
    _finish(record, pkt_src, pkt_dst, met.packet_ends, n)
    return 0, 0, begin, begin, 0


@kernel
def read_lines(
    data: NDArray[np.uint8], span: tuple[int, int], lines: Lines, first_line: int, records: NDArray[np.void], met: Met
) -> Walk:
    """Fill the records from the whole lines in ``data[span[0]:span[1]]``, of which the first is number ``first_line``.

    ``records`` are LOG_RECORDs; of each, ``log`` and what judging finds are left as they are. Lines that are no record
    are counted.
    """
    begin, stop = U64(span[0]), U64(span[1])
    n, used = I64(0), I64(0)  # typed: a literal would have what it is handed to compiled twice
    while n < len(records):
        end = begin
        while end < stop and data[end] != LINE_END:
            end += ONE
        if end >= stop:
            break
        fault, column, fault_begin, fault_end, status = _line(data, begin, end, lines, records[n], met, n)
        if status >= 100:
            met.counts[status - 100] += 1
        elif fault:
            bare = end - ONE if end > begin and data[end - ONE] == RETURN else end
            if not (len(lines.header) > 0 and is_word(data, begin, bare, lines.header)):
                met.counts[MALFORMED] += 1
                if met.faults_met[0] < len(met.faults):
                    row = met.faults[met.faults_met[0]]
                    row["line"], row["kind"], row["column"] = first_line + used, fault, column
                    row["begin"], row["end"] = I64(fault_begin), I64(fault_end)
                met.faults_met[0] += 1
        elif status == 0:
            records[n]["line"] = first_line + used
            n += 1
        begin = end + ONE
        used += 1
    return Walk(n, I64(begin), used)
