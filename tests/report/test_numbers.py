"""The numbers of a page are those of the summary, whatever judges and however many threads do."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from sgsim.report import log_report, report
from sgsim.reports.page.axes import Span, short, ticks, top_of
from sgsim.reports.series.buckets import MOST, WIDTHS, Buckets, width_for
from sgsim.reports.wording import socket_text
from tests.report.conftest import CHANGES, EXAMPLE, SCENARIO, TRAFFIC, Page

LOG = str(EXAMPLE.parent / "flow-logs/flow.log")


def number(text):
    return int(text.replace(",", ""))


@pytest.fixture(scope="module")
def page(example):
    return Page(example[1].read_bytes())


def test_the_interfaces_table_is_the_summarys(example, page):
    """Every interface in both directions."""
    rows = {
        (row[0], row[1]): (number(row[2]), number(row[3])) for row in page.table("Observations by interface and dir")
    }
    gates = example[0].by_interface
    assert rows == {(g.interface.interface_id, str(g.direction)): (g.allowed, g.dropped) for g in gates}


def test_the_time_line_adds_up(example, page):
    """In all, and at each interface."""
    summary = example[0]
    rows = page.table("Observations per 100 ms")
    assert sum(number(row[1]) for row in rows) == summary.allowed
    assert sum(number(row[2]) for row in rows) == summary.dropped
    by_interface = {}
    for name, _, allowed, dropped in page.table("Observations by interface, per 100 ms"):
        found = by_interface.setdefault(name, [0, 0])
        found[0] += number(allowed)
        found[1] += number(dropped)
    wanted = {}
    for gate in summary.by_interface:
        found = wanted.setdefault(gate.interface.interface_id, [0, 0])
        found[0] += gate.allowed
        found[1] += gate.dropped
    assert by_interface == wanted


def test_reasons_flows_rules_and_changes_are_the_summarys(example, page):
    """Row by row."""
    summary = example[0]
    reasons = {row[0]: number(row[2]) for row in page.table("Why observations passed")}
    assert reasons == {name: count for name, count in summary.by_reason.items() if count}
    flows = [number(row[2]) for row in page.table("Dropped observations by gate")]
    assert flows == [flow.packets for flow in summary.dropped_flows]
    causes = [(row[5], number(row[2])) for row in page.table("The same without not_reached")]
    assert causes == [(socket_text(flow.dst, flow.dst_port), flow.packets) for flow in summary.causes]
    unused = [row[0] for row in page.table("4 of 18 rules that no packet used")]
    assert unused == [count.rule.rule_id for count in summary.rules if not count.packets]
    used = {row[0]: number(row[5]) for row in page.table("14 rules: ")}
    assert used == {count.rule.rule_id: count.packets for count in summary.rules if count.packets}
    assert [row[2] for row in page.table("Changes in the order")] == [each.change.call for each in summary.changes]
    assert sum(tag == "line" and attributes.get("class") == "mark" for tag, attributes in page.tags) == 3 * 4


def test_a_packet_is_counted_once_between_its_ends(example, page):
    """Dropped where any gate dropped it; those that were not judged are not there."""
    summary = example[0]
    rows = {(row[0], row[1]): (number(row[2]), number(row[3])) for row in page.table("Packets by sender and receiver")}
    judged = summary.packets - sum(summary.skipped.values())
    assert sum(sum(counts) for counts in rows.values()) == judged
    assert rows["web-1", "db-1"] == (2, 1)
    assert rows["192.0.2.0/24", "web-2"] == (0, 3)


def test_connections_end_as_the_summary_says(example, page):
    """The last level, and never more than were opened."""
    levels = [number(row[1]) for row in page.table("Connections; intervals")]
    assert levels[-1] == example[0].live
    assert levels == sorted(levels)  # nothing of the example is idle before its end


@pytest.mark.parametrize("more", [{"jobs": 2}, {"jobs": 3}, {"engine": "reference"}], ids=str)
def test_the_page_depends_on_neither_engine_nor_threads(example, tmp_path, more):
    """Byte by byte; and so do the replay's own numbers on cutting its stream."""
    summary = report(SCENARIO, [TRAFFIC], str(tmp_path / "p.html"), changes=[CHANGES], **more)
    assert (tmp_path / "p.html").read_bytes() == example[1].read_bytes()
    assert summary.by_reason == example[0].by_reason


def test_flow_logs(tmp_path):
    """The same sums, from either engine."""
    summary = log_report(SCENARIO, [LOG], str(tmp_path / "fast.html"))
    page = Page((tmp_path / "fast.html").read_bytes())
    rows = page.table("Records per 1 s")
    assert [sum(number(row[n]) for row in rows) for n in (1, 2, 3)] == list(summary.by_verdict.values())
    pairs = page.table("Records by sender and receiver")
    assert [sum(number(row[n]) for row in pairs) for n in (2, 3, 4)] == list(summary.by_verdict.values())
    dropped = [number(row[2]) for row in page.table("Dropped records by gate")]
    assert sum(dropped) == list(summary.by_verdict.values())[1]
    assert sum(number(row[2]) for row in page.table("7 records where AWS")) == summary.disagreeing
    log_report(SCENARIO, [LOG], str(tmp_path / "slow.html"), engine="reference")
    assert (tmp_path / "slow.html").read_bytes() == (tmp_path / "fast.html").read_bytes()


def test_intervals_do_not_depend_on_the_order_of_adding():
    """Nor on how it comes in batches: their length is what the whole span needs, their sums are kept."""
    rng = np.random.default_rng(1)
    for span in (1, 5_000, 10**9, 3_600 * 10**9, 400 * 86_400 * 10**9):
        times = np.sort(rng.integers(-span, span, 2_000)) + 1_700_000_000 * 10**9
        cells = rng.integers(0, 6, 2_000)
        found = []
        for order in (np.arange(2_000), rng.permutation(2_000)):
            buckets = Buckets()
            for part in np.array_split(order, 17):
                buckets.add(times[part], cells[part], 6)
            assert buckets.width_ns == width_for(int(times.min()), int(times.max()))
            assert len(buckets.counts) <= MOST
            found.append((buckets.first_ns, buckets.counts.tolist()))
        assert found[0] == found[1]
        wanted = np.zeros_like(buckets.counts)
        np.add.at(wanted, ((times - buckets.first_ns) // buckets.width_ns, cells), 1)
        assert found[0][1] == wanted.tolist()


def test_intervals_of_any_length_of_time():
    """Each of the lengths divides the next, and all that 64 bits hold is less than so many of the longest."""
    assert all(longer % shorter == 0 for shorter, longer in pairwise(WIDTHS))
    assert width_for(-(1 << 63), (1 << 63) - 1) == WIDTHS[-1]


def test_scales_are_round_and_hold_what_is_drawn():
    """Counts and times."""
    assert [top_of(n) for n in (1, 3, 10, 11, 7_001, 999_999)] == [1, 3, 10, 20, 8_000, 1_000_000]
    assert [short(n) for n in (0, 999, 1_000, 12_500, 3_000_000)] == ["0", "999", "1 k", "12.5 k", "3 M"]
    for width in WIDTHS:
        drawn = list(ticks(Span(1_700_000_000 * 10**9 // width * width, width, 200)))
        assert 1 <= len(drawn) <= 7
        assert all(0 <= tick.place <= 100 for tick in drawn)
