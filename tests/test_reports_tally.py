"""The tally: dropped flows beyond what fits, their order, and growing on the way."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sgsim.captures.buffers import allocate
from sgsim.kernels.tally import FLOW_LIMIT
from sgsim.layout import OPENED, REASONS, REPLACED, VERDICT, PacketColumns, Verdicts, verdicts_of
from sgsim.model import Direction, Interface, Reason
from sgsim.reports.tally import Tally

NO_RULE = REASONS.index(Reason.NO_RULE)
ENGINE: Any = SimpleNamespace(interfaces=[Interface("eni-a"), Interface("eni-b")], rules=[None] * 3)


def columns_of(packets: int, **given_columns: Any) -> PacketColumns:
    """IPv4 TCP packets to port 80; columns that are given replace the zeros."""
    columns = allocate(packets)
    defaults = {"version": 4, "protocol": 6, "dst_port": 80, "quoted": -1, "length": 60}
    for name, values in (defaults | given_columns).items():
        getattr(columns, name)[:] = values
    return columns


def observations(packets: int, **given_columns: Any) -> Verdicts:
    """One observation of each packet at the first interface: dropped on ingress, no rule."""
    rows = np.zeros(packets, dtype=VERDICT)
    rows["reason"], rows["rule"], rows["packet"] = NO_RULE, -1, np.arange(packets)
    for name, values in given_columns.items():
        rows[name] = values
    return verdicts_of(rows)


def test_the_first_million_flows_are_counted_one_by_one():
    """Later flows are summed in dropped_flows_other; packets of the first million still count for their flow."""
    tally, batch, extra = Tally(ENGINE), 50_000, 70_000
    addresses = np.arange(FLOW_LIMIT + extra, dtype=np.uint64)
    for start in range(0, len(addresses), batch):
        part = addresses[start : start + batch]
        tally.add(columns_of(len(part), src_lo=part), observations(len(part)))
    assert tally.dropped_flows_other == extra
    again = columns_of(3, src_lo=[FLOW_LIMIT - 1, FLOW_LIMIT - 1, FLOW_LIMIT])
    tally.add(again, observations(3))
    assert tally.dropped_flows_other == extra + 1
    most = tally.dropped_flows(2)
    assert [(int(flow.src), flow.packets) for flow in most] == [(FLOW_LIMIT - 1, 3), (0, 1)]


FLOW = st.tuples(
    st.integers(0, 1),  # interface
    st.integers(0, 1),  # direction
    st.sampled_from([1, 6, 17, 47]),
    st.sampled_from([(4, 0, 1), (4, 0, 2**32 - 1), (6, 0, 1), (6, 2**64 - 1, 1)]),  # version, source
    st.sampled_from([0, 80, 65535]),
    st.sampled_from([0, 2]),  # whole packets, later fragments
    st.sampled_from([NO_RULE, len(REASONS) - 1]),
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(FLOW, max_size=60), max_size=5))
def test_dropped_flows_are_what_counting_finds(batches: list[list[tuple[Any, ...]]]):
    """Any mixture of flows, in any batches: the same flows, packets and order as a dictionary's."""
    tally = Tally(ENGINE)
    expected: Counter[tuple[Any, ...]] = Counter()
    for flows in batches:
        count = len(flows)
        interface, direction, protocol, source, port, shape, reason = zip(*flows, strict=True) if flows else [()] * 7
        columns = columns_of(
            count,
            protocol=protocol,
            version=[s[0] for s in source],
            src_hi=np.array([s[1] for s in source], dtype=np.uint64),
            src_lo=np.array([s[2] for s in source], dtype=np.uint64),
            dst_port=port,
            shape=shape,
        )
        tally.add(columns, observations(count, interface=interface, direction=direction, reason=reason))
        for flow in flows:
            has_port = flow[2] in (6, 17) and flow[5] == 0
            expected[(*flow[:4], flow[4] if has_port else None, flow[6])] += 1
    found = [
        (
            ENGINE.interfaces.index(flow.interface),
            int(flow.direction is Direction.EGRESS),
            flow.protocol,
            (flow.src.version, int(flow.src) >> 64, int(flow.src) & (1 << 64) - 1),
            flow.dst_port,
            REASONS.index(flow.reason),
            flow.packets,
        )
        for flow in tally.dropped_flows(1000)
    ]
    assert found == [(*key, n) for key, n in sorted(expected.items(), key=lambda item: -item[1])]


def test_rules_are_credited_with_their_own_extremes_of_time():
    """First and last times are the least and the greatest of the packets' own, in whatever order they come."""
    tally = Tally(ENGINE)
    columns = columns_of(3, time_ns=[5, -7, 2], length=[60, 1500, 100])
    flags = [OPENED, OPENED | REPLACED, 0]
    tally.add(columns, observations(3, reason=0, rule=[1, 1, 1], flags=flags))
    assert tally.rules[1].tolist() == (2, 3, 1660, -7, 5)
    assert tally.rules[0].tolist() == (0, 0, 0, 0, 0)
    assert (tally.opened, tally.replaced, tally.midstream_flows) == (2, 1, 0)
