"""Every golden case, line by line: by the plain judge, by the compiled engine, and from the bytes of a capture."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sgsim import load_topology
from sgsim.captures import open_capture
from sgsim.engine import Engine, ReferenceEngine, Simulator
from sgsim.layout import EGRESS, MIDSTREAM, OPENED, REASONS, REPLACED, SKIPS, TRACKED, PacketColumns, Verdicts
from sgsim.model import Topology
from tests.differential.compare import copied
from tests.differential.worlds import columns_of
from tests.golden.cases import HERE, Case, Change, case_names, read_case
from tests.golden.frames import write_capture
from tests.golden.lines import Line

ENGINES: dict[str, Callable[..., Engine]] = {"reference": ReferenceEngine, "compiled": Simulator}
CAPTURE = "capture"  # the compiled engine behind the decoder
SECTIONS = range(1, 12)  # of the rules of judging; capture formats are tested elsewhere


@pytest.mark.parametrize("way", [*ENGINES, CAPTURE])
@pytest.mark.parametrize("name", case_names())
def test_case(name: str, way: str, tmp_path: Path) -> None:
    """Each observation of each line is what the case says, and so are the totals."""
    case = read_case(name)
    engine = ENGINES.get(way, Simulator)(load_topology(case.snapshot), case.settings, case.select)
    columns = columns_through_a_capture(case.lines, tmp_path) if way == CAPTURE else columns_of_lines(case.lines)
    seen: list[tuple[str, ...]] = []
    flags = []
    for change, piece in pieces(case, columns):
        if change is not None:
            engine.change(changed_topology(change, tmp_path))
        verdicts = engine.judge_columns(piece)
        seen += observations(engine, piece, verdicts)
        flags.append(verdicts.flags.copy())
    if wrong := differences(case, seen):
        pytest.fail(f"{case.what}\n" + "\n".join(wrong), pytrace=False)
    found = totals(engine, np.concatenate(flags))
    assert {key: found[key] for key in case.totals} == case.totals


@pytest.mark.parametrize("name", case_names())
def test_loading(name: str, tmp_path: Path) -> None:
    """Loading the snapshots warns of what the case names, once each, and of nothing else."""
    case = read_case(name)
    loaded = [(load_topology(case.snapshot), case.warnings)]
    loaded += [(changed_topology(change, tmp_path), change.warnings) for change in case.changes]
    for topology, parts in loaded:
        assert len(topology.warnings) == len(parts), topology.warnings
        for part in parts:
            assert sum(part in warning for warning in topology.warnings) == 1, (part, topology.warnings)


@pytest.mark.parametrize("name", case_names())
def test_wording(name: str) -> None:
    """A case gives its source and says in one sentence what it shows."""
    case = read_case(name)
    assert case.source == "choice" or re.match(r"https://|RFC \d+|EC2 API reference", case.source), case.source
    for what in (case.what, *(change.what for change in case.changes)):
        assert re.match(r"[^.]+\S.*\.\Z", what, re.DOTALL), what


def test_sections() -> None:
    """Every section of the rules has a folder of cases."""
    numbers = {int(name[:2]) for name in case_names()}
    assert numbers == set(SECTIONS)
    assert all(path.is_dir() for path in HERE.glob("[0-9]*"))


def pieces(case: Case, columns: PacketColumns) -> Iterator[tuple[Change | None, PacketColumns]]:
    """What is changed, and the packets that come then and before the next change; at first there is no change."""
    times = [line.packet.time_ns for line in case.lines]
    begins = [0, *(bisect_left(times, change.time_ns) for change in case.changes), len(times)]
    for change, (begin, end) in zip([None, *case.changes], pairwise(begins), strict=True):
        yield change, columns._replace(heads=columns.heads[begin:end], bodies=columns.bodies[begin:end])


def changed_topology(change: Change, folder: Path) -> Topology:
    path = folder / "changed.json"  # JSON is YAML: a scenario is known by its content
    path.write_text(json.dumps(change.snapshot), encoding="utf-8")
    return load_topology(path)


def columns_of_lines(lines: list[Line]) -> PacketColumns:
    """The lines' packets as the decoder would deliver them."""
    columns = columns_of([line.packet for line in lines])
    for row, line in enumerate(lines):
        if line.skip is not None:
            columns.skip[row] = 1 + SKIPS.index(line.skip)
            columns.flow[row] = 0
    return columns


def columns_through_a_capture(lines: list[Line], folder: Path) -> PacketColumns:
    """The lines' packets as bytes, read and decoded."""
    path = folder / "case.pcap"
    write_capture(path, lines)
    with open_capture(str(path)) as capture:
        (batch,) = capture.batches(len(lines))
        return copied(batch.columns)


def observations(engine: Engine, columns: PacketColumns, verdicts: Verdicts) -> list[tuple[str, ...]]:
    """What was found about each packet, in the words of the lines."""
    found: list[list[str]] = [[f"skip {SKIPS[skip - 1]}"] if skip else [] for skip in columns.skip.tolist()]
    for packet, interface, direction, reason, rule, flags in zip(*(c.tolist() for c in verdicts[:-1]), strict=True):
        words = [
            engine.interfaces[interface].interface_id,
            "egress" if direction == EGRESS else "ingress",
            REASONS[reason].verdict,
            REASONS[reason],
            engine.rules[rule].rule_id if rule >= 0 else "",
            "tracked" if flags & TRACKED else "",
        ]
        found[packet].append(" ".join(word for word in words if word))
    return [tuple(texts) for texts in found]


def totals(engine: Engine, flags: NDArray[np.uint8]) -> dict[str, int]:
    """The numbers of the summary that do not show in single observations."""
    counts = {"opened": OPENED, "replaced": REPLACED, "midstream_flows": MIDSTREAM}
    found = {key: int(np.count_nonzero(flags & bit)) for key, bit in counts.items()}
    return found | {
        "live": engine.live_entries(),
        "reordered": engine.reordered,
        "jumped": int(engine.jumped is not None),
    }


def differences(case: Case, found: list[tuple[str, ...]]) -> list[str]:
    """For each line that came out otherwise: the line, and beneath it what came out."""
    texts = []
    for line, got in zip(case.lines, found, strict=True):
        if line.observations != got:
            texts += [f"  expected  {line.text}", f"  got       {'':{line.text.find('|')}}| {' | '.join(got)}"]
    return texts
