"""What a shell prompt waits for."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.measuring import Contender, Plan, UnavailableError, gather, measure
from benchmarks.peers.processes import python, ran, run
from benchmarks.peers.results import US, Row
from benchmarks.peers.slopes import replay
from benchmarks.peers.vpc import Stream, stream
from sgsim.sources import load_topology
from sgsim.workload import Flows, Workload, draw_flows, write_stream

HALF = "<= 0.5"  # x `aws --version`
WARM = "<= 2.5"  # x importing numpy and numba
FIRST = "<= 12"  # seconds
NUMBA = "python -c 'import numpy, numba'"


def rows(plan: Plan) -> Iterator[Row]:
    made = _ten_packets(stream(plan.folder, Workload(packets=20, flows=20, interfaces=50, lists=50, list_lengths=(1,))))
    work = {"packets": 0, "groups": 50, "rules": made.work["rules"], "seed": made.work["seed"], "threads": 1}
    rounds = plan.rounds if plan.quick else 2 * plan.rounds
    query = ["--from", "eni-0001", "--to", "eni-0002", "--protocol", "tcp", "--port", "443"]
    for name, command in (
        ("sgsim --help", python("sgsim", "--help")),
        ("sgsim query", python("sgsim", "query", str(made.snapshot), *query)),
    ):
        row = Row("start-up", name, "s", work)
        makers = {US: lambda _, command=command: _timed(US, command), "aws --version": _aws}
        makers["python -c pass"] = lambda _: _timed("python -c pass", [sys.executable, "-c", "pass"])
        yield measure(row, gather(row, ExitStack(), makers), rounds, {"aws --version": HALF})
    row = Row("start-up", "warm replay of ten packets", "s", {**work, "packets": made.packets})
    command = [*replay(made), str(made.capture)]
    ran(command)  # compiled before it is measured
    imports = [sys.executable, "-c", "import numpy, numba"]
    makers = {US: lambda _: _timed(US, command), NUMBA: lambda _: _timed(NUMBA, imports)}
    yield measure(row, gather(row, ExitStack(), makers), rounds, {NUMBA: WARM})
    yield _first(plan, made, {**work, "packets": made.packets})


def _ten_packets(made: Stream) -> Stream:
    flows = draw_flows(Workload(packets=20, flows=20, interfaces=50, lists=50), load_topology(str(made.snapshot)))
    one_each = flows._replace(packets=np.ones_like(flows.packets))
    packets = write_stream(made.capture, Flows._make(column[:10] for column in one_each), seed=1)
    return made._replace(packets=packets)


def _first(plan: Plan, made: Stream, work: dict[str, Any]) -> Row:
    """Nothing compiled yet: caches of their own, empty each time."""
    row = Row("start-up", "first replay ever, nothing compiled", "s", work, mark=FIRST)

    def first() -> float:
        with tempfile.TemporaryDirectory(dir=plan.folder) as empty:
            caches = {"NUMBA_CACHE_DIR": f"{empty}/numba", "XDG_CACHE_HOME": empty}
            return ran([*replay(made), str(made.capture)], caches).seconds

    return measure(row, [Contender(US, first, {})], 1 if plan.quick else 3)


def _timed(who: str, command: list[str]) -> Contender:
    """A query that says no exits with 1, and is as good as one that says yes."""

    def seconds() -> float:
        ended = run(command)
        assert ended.code in (0, 1), ended.output
        return ended.seconds

    return Contender(who, seconds, {})


def _aws(_: ExitStack) -> Contender:
    """The AWS CLI itself: a version manager's shim before it would count for it."""
    beside = Path(sys.executable).with_name("aws")
    found = str(beside) if beside.exists() else shutil.which("aws")
    if found is not None and "shims" in found and shutil.which("pyenv"):
        found = run(["pyenv", "which", "aws"]).output.strip()
    if found is None:
        raise UnavailableError("the AWS CLI is not installed: pip install 'sgsim[bench]'")
    return _timed("aws --version", [found, "--version"])
