"""The compiled engine and the plain-Python judge say the same of every record, in worlds drawn at random."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sgsim.captures.flowlogs import parse_format
from sgsim.engine import Simulator
from sgsim.flowlogs import RecordOutputs, flowlogs
from sgsim.model import Midstream, Settings
from tests.differential.worlds import columns_of, hosts_of, stream_of, topology_of
from tests.flowlogs.aggregate import V5, FlowLog, add_batch
from tests.flowlogs.plain import V2

ROOT = Path(__file__).resolve().parents[2]
FIELDS = list(parse_format(V5))


def compared(seed: int, folder: Path) -> set[str]:
    """Judge a random log in a random world by both; returns the verdicts and reasons met."""
    rng = random.Random(seed)
    hosts = hosts_of(rng)
    topology = topology_of(rng, hosts)
    log = FlowLog(rng.choice((5, 60, 600)))
    add_batch(log, Simulator(topology, Settings(open_loop=True)), columns_of(_in_time(stream_of(rng, hosts, 400))))
    names = rng.choice((V2, FIELDS, [name for name in FIELDS if name not in rng.sample(FIELDS, 4) or name in V2]))
    order = list(range(len(log.lines)))
    if rng.random() < 0.5:
        rng.shuffle(order)
    path = log.write(folder / f"{seed}.log", names, order)
    settings = Settings(
        open_loop=rng.random() < 0.3, midstream=rng.choice(tuple(Midstream)), auto_tracked=topology.auto_tracked
    )
    outcomes = [_outcome(topology, path, settings, engine) for engine in ("fast", "reference")]
    assert outcomes[0][0] == outcomes[1][0]
    assert outcomes[0][1] == outcomes[1][1]
    return {f"{record['verdict']} {record['reason']}" for record in map(json.loads, outcomes[0][1])}


def _in_time(packets: list[Any]) -> list[Any]:
    """Times as logs have them: the streams' own may be before 1970."""
    first = min(packet.time_ns for packet in packets)
    made = [replace(packet, time_ns=packet.time_ns - first + 10**18) for packet in packets]
    return [packet for packet in made if packet.time_ns < 8 * 10**18]


def _outcome(topology: Any, path: Path, settings: Settings, engine: str) -> tuple[dict[str, Any], list[str]]:
    out = path.with_suffix(f".{engine}.ndjson")
    summary = flowlogs(topology, [path], settings=settings, engine=engine, outputs=RecordOutputs([str(out)])).as_json()
    for changing in ("seconds", "records_per_second"):
        del summary[changing]
    return summary, out.read_text().splitlines()


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_both_engines_say_the_same(first, tmp_path):
    """Records and summary, but for the time it took."""
    met = set()
    for seed in range(first, first + 20):
        met |= compared(seed, tmp_path)
    assert {"allow rule", "allow tracked", "drop no_rule", "possible rule", "possible tracked"} <= met


SAMPLE = """
import sys
from pathlib import Path
from tests.flowlogs.test_differential import compared
for seed in range(int(sys.argv[2])):
    compared(seed, Path(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("switch", "seeds"), [("NUMBA_DISABLE_JIT", 3), ("NUMBA_BOUNDSCHECK", 12)], ids=["plain Python", "bounds-checked"]
)
def test_in_the_modes_that_find_mistakes(switch, seeds, tmp_path):
    """As plain Python, and with every index looked at."""
    command = [sys.executable, "-W", "ignore::RuntimeWarning", "-c", SAMPLE, str(tmp_path), str(seeds)]
    environment = os.environ | {switch: "1", "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path / "numba")}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
