"""Records wait for their turn: the order of logs does not matter, as far as the records that wait reach."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sgsim.flowrecords.timeline import Timeline
from sgsim.kernels.logflows import BETWEEN, LAST_PACKET, MOST_BETWEEN, MOST_SLOTS, PHASE_BITS, SLOT_BITS, TIME_SHIFT
from sgsim.layout import HAS_PACKETS, INITIATOR, LOG_RECORD, REPLY
from tests.flowlogs.judging import brief, judged, lines, world

ROOT = Path(__file__).resolve().parents[2]
PACES = np.array([[360_000, 150]], dtype=np.int64)


def records(*spans: tuple[int, int], role: int = REPLY, protocol: int = 6, packets: int = 9) -> np.ndarray:
    """Records of these starts and ends, numbered by ``line``."""
    made = np.zeros(len(spans), dtype=LOG_RECORD)
    made["start"], made["end"] = np.array(spans).T
    made["role"], made["protocol"], made["packets"], made["marks"] = role, protocol, packets, HAS_PACKETS
    made["line"] = np.arange(len(spans))
    return made


def taken(timeline: Timeline, events: np.ndarray) -> list[tuple[int, int, int]]:
    """(time, phase, line) of each event; those of last packets are taken."""
    slots = events & (MOST_SLOTS - 1)
    phases = (events >> SLOT_BITS) & ((1 << PHASE_BITS) - 1)
    found = list(
        zip((events >> TIME_SHIFT).tolist(), phases.tolist(), timeline.records["line"][slots].tolist(), strict=True)
    )
    timeline.taken(slots[phases == LAST_PACKET])
    return found


def test_events_are_in_the_order_of_time_role_and_coming():
    """All first packets of a second before its last ones; who asks before who answers."""
    timeline = Timeline(100)
    timeline.add(records((5, 9), (5, 5), (3, 5)), PACES)
    more = records((5, 6), role=INITIATOR)
    more["line"] = 3
    timeline.add(more, PACES)
    found = [event for events in timeline.events(3, None) for event in taken(timeline, events)]
    assert found == [
        (3, REPLY, 2),
        (5, INITIATOR, 3),
        (5, REPLY, 0),
        (5, REPLY, 1),
        (5, LAST_PACKET, 1),
        (5, LAST_PACKET, 2),
        (6, LAST_PACKET, 3),
        (9, LAST_PACKET, 0),
    ]


@pytest.mark.parametrize(
    ("protocol", "span", "packets", "between"),
    [
        (6, 60, 9, []),
        (6, 600, 9, [20]),
        (17, 20, 9, []),
        (17, 60, 9, [20]),
        (17, 60, 2, []),
        (17, 600, 9, [20, 170, 320, 470]),
        (17, 600, 4, [20, 170]),
        (17, 30_000, 99, [20 + 150 * n for n in range(MOST_BETWEEN)]),
        (1, 600, 9, []),
    ],
)
def test_long_records_have_packets_in_between(protocol, span, packets, between):
    """As many as keep a connection, no more than the record has, and a dozen at most."""
    timeline = Timeline(10)
    timeline.add(records((100, 100 + span), protocol=protocol, packets=packets), PACES)
    found = [event for events in timeline.events(100, None) for event in taken(timeline, events)]
    assert [time - 100 for time, phase, _ in found if phase == BETWEEN] == between


def test_half_of_the_room_is_made_free_and_the_rest_waits():
    """Events of later records stay, and are merged with those that come."""
    timeline = Timeline(8)
    timeline.add(records(*((n, n) for n in (7, 3, 5, 1, 8, 2, 6, 4))), PACES)
    assert timeline.is_full(1)
    first = [event for events in timeline.events(2, 1) for event in taken(timeline, events)]
    assert [time for time, phase, _ in first if phase == LAST_PACKET] == [1, 2, 3, 4]
    assert not timeline.is_full(4)
    more = records((5, 5), (0, 0))
    more["line"] = 50, 51
    timeline.add(more, PACES)
    rest = [event for events in timeline.events(100, None) for event in taken(timeline, events)]
    assert [line for time, phase, line in rest if phase == LAST_PACKET] == [51, 2, 50, 6, 0, 4]


WORLD = """
security_groups: {web: {ingress: [tcp 443 from any], egress: []}}
interfaces: {web-1: {addresses: [10.0.1.10], groups: [web]}}
"""


def test_disorder_within_reach_changes_nothing(tmp_path, monkeypatch):
    """Verdicts in time's order, whatever the order of lines; with too little room some come too late, which is told."""
    rows = []
    for n in range(200):
        rows.append(f"web-1 192.0.2.7 10.0.1.10 {40000 + n} 443 6 +{n} +{n + 3}")
        rows.append(f"web-1 10.0.1.10 192.0.2.7 443 {40000 + n} 6 +{n} +{n + 3}")
    random.Random(1).shuffle(rows)
    topology = world(tmp_path, WORLD)
    log = lines(tmp_path, "interface-id srcaddr dstaddr srcport dstport protocol start end", *rows)
    summary, found = judged(topology, log)
    assert set(brief(found, "verdict")) == {("allow",)}
    assert summary.reordered == 0
    monkeypatch.setattr("sgsim.flowrecords.timeline.MOST", 64)
    monkeypatch.setattr(Timeline.__init__, "__defaults__", (64,))
    monkeypatch.setattr("sgsim.captures.flowlogs.text.BATCH", 16)
    summary, found = judged(topology, log)
    assert summary.judged == 400
    assert summary.reordered > 0


MEMORY = """
import resource, sys
from pathlib import Path
from sgsim.flowlogs import flowlogs
from sgsim.sources import load_topology
topology = load_topology(sys.argv[1])
def used():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
flowlogs(topology, [sys.argv[2]])
before = used()
summary = flowlogs(topology, [sys.argv[3]])
print(summary.judged, used() - before)
"""


def test_memory_is_bounded(tmp_path):
    """A log ten times as long, of 350 MB, takes no more than the tables of connections grow by."""
    (tmp_path / "scenario.yaml").write_text(WORLD)
    for name, count in (("short.log", 600_000), ("long.log", 6_000_000)):
        with (tmp_path / name).open("w") as file:
            file.write("interface-id srcaddr dstaddr srcport dstport protocol start end\n")
            part = [f"web-1 192.0.2.{n % 250} 10.0.1.10 {n % 9973} 443 17 %d %d\n" for n in range(20_000)]
            for second in range(count // len(part)):
                file.write("".join(part).replace("%d", str(1_700_000_000 + second)))
    paths = [str(tmp_path / name) for name in ("scenario.yaml", "short.log", "long.log")]
    command = [sys.executable, "-c", MEMORY, *paths]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    judged_records, kilobytes = map(int, result.stdout.split())
    assert judged_records == 6_000_000
    assert kilobytes < 100_000
