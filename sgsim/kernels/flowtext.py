"""Rows of flows -> lines of text, in the way of kernels.recordtext."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.addresses import AddressTable, numbered
from sgsim.kernels.compiling import inner, kernel
from sgsim.kernels.flowrows import INTERFACE_SHIFT, RULE_SHIFT
from sgsim.kernels.recordtext import ABSENT, ADDRESS, NEGATIVE, NOTHING, NUMBER, Steps, Wording, put_steps, step
from sgsim.layout import LATER_FRAGMENT, REASONS, RULE_BITS

U64 = np.uint64

# Joints, behind the one for none.
PROTOCOL, SRC, SRC_PORT, DST, DST_PORT, ICMP_TYPE, ICMP_CODE, PACKETS, BYTES, FIRST, LAST, END = range(1, 13)
NUMBERS = 9 * 20  # bytes that the numbers of a row take at most
STEPS = 15


@inner
def interface_of(gate):
    return np.int64(gate >> U64(INTERFACE_SHIFT))


@inner
def rule_of(gate):
    """Its place plus one, or 0: none."""
    return np.int64(gate >> U64(RULE_SHIFT) & U64(2 * RULE_BITS + 1))


@inner
def _time(steps, n, word, time):
    if time < 0:
        step(steps, n, word, NEGATIVE, U64(0) - U64(time))
    else:
        step(steps, n, word, NUMBER, U64(time))


@inner
def _take_apart(row, begin, wording, steps):
    gate, joints = row["gate"], wording.joints
    step(steps, 0, wording.enis + interface_of(gate), NOTHING, U64(0))
    way = np.int64(gate & U64(1)) * len(REASONS) + np.int64(begin["reason"])
    step(steps, 1, wording.ways + way, NOTHING, U64(0))
    step(steps, 2, wording.rules + rule_of(gate), NOTHING, U64(0))
    version, protocol, service = begin["version"], begin["protocol"], U64(begin["dst_port"])
    step(steps, 3, joints + PROTOCOL, NUMBER, U64(protocol))
    whole = begin["shape"] != LATER_FRAGMENT
    port = NUMBER if whole and (protocol == 6 or protocol == 17) else ABSENT
    icmp = NUMBER if whole and protocol == (1 if version == 4 else 58) else ABSENT
    step(steps, 4, joints + SRC, ADDRESS, begin["src_lo"])
    steps.upper[4] = begin["src_hi"]
    step(steps, 5, joints + SRC_PORT, port, U64(begin["src_port"]))
    step(steps, 6, joints + DST, ADDRESS, begin["dst_lo"])
    steps.upper[6] = begin["dst_hi"]
    step(steps, 7, joints + DST_PORT, port, service)
    step(steps, 8, joints + ICMP_TYPE, icmp, service >> U64(8))
    step(steps, 9, joints + ICMP_CODE, icmp, service & U64(255))
    step(steps, 10, joints + PACKETS, NUMBER, U64(row["packets"]))
    step(steps, 11, joints + BYTES, NUMBER, U64(row["bytes"]))
    _time(steps, 12, joints + FIRST, row["first_ns"])
    _time(steps, 13, joints + LAST, row["last_ns"])
    step(steps, 14, joints + END, NOTHING, U64(0))
    return version


@kernel
def write_flow_lines(
    rows: NDArray[np.void], begins: NDArray[np.void], form: tuple[Wording, Steps], out: NDArray[np.uint8]
) -> int:
    """Put rows (records of FLOW_ROW, and of FLOW_BEGIN beside them) into ``out``; returns their bytes.

    A row takes its words, NUMBERS and two addresses at most. The STEPS steps of ``form`` need not be filled.
    """
    wording, steps = form
    at = 0
    for n in range(len(rows)):
        version = _take_apart(rows[n], begins[n], wording, steps)
        at = put_steps(out, at, wording, steps, version)
    return at


@kernel
def number_ends(begins: NDArray[np.void], table: AddressTable, src: NDArray[np.int32], dst: NDArray[np.int32]) -> None:
    """The numbers of the rows' addresses in a table, which must have room for twice as many new ones."""
    for n in range(len(begins)):
        begin = begins[n]
        src[n] = numbered(table, begin["version"], begin["src_hi"], begin["src_lo"])
        dst[n] = numbered(table, begin["version"], begin["dst_hi"], begin["dst_lo"])
