"""Every golden case, line by line: by the plain judge, by the compiled engine, and from the bytes of a capture."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sgsim import load_topology
from sgsim.captures import open_capture
from sgsim.engine import Engine, ReferenceEngine, Simulator
from sgsim.layout import EGRESS, MIDSTREAM, OPENED, REASONS, REPLACED, SKIPS, TRACKED, PacketColumns, Verdicts
from tests.differential.compare import copied
from tests.differential.worlds import columns_of
from tests.golden.cases import HERE, Case, case_names, read_case
from tests.golden.frames import write_capture
from tests.golden.lines import Line

ENGINES: dict[str, Callable[..., Engine]] = {"reference": ReferenceEngine, "compiled": Simulator}
CAPTURE = "capture"  # the compiled engine behind the decoder
SECTIONS = range(1, 11)  # of the rules of judging; rule changes and capture formats are tested elsewhere


@pytest.mark.parametrize("way", [*ENGINES, CAPTURE])
@pytest.mark.parametrize("name", case_names())
def test_case(name: str, way: str, tmp_path: Path) -> None:
    """Each observation of each line is what the case says, and so are the totals."""
    case = read_case(name)
    engine = ENGINES.get(way, Simulator)(load_topology(case.snapshot), case.settings, case.select)
    columns = columns_through_a_capture(case.lines, tmp_path) if way == CAPTURE else columns_of_lines(case.lines)
    verdicts = engine.judge_columns(columns)
    if wrong := differences(case, observations(engine, columns, verdicts)):
        pytest.fail(f"{case.what}\n" + "\n".join(wrong), pytrace=False)
    found = totals(engine, verdicts)
    assert {key: found[key] for key in case.totals} == case.totals


@pytest.mark.parametrize("name", case_names())
def test_loading(name: str) -> None:
    """Loading the snapshot warns of what the case names, once each, and of nothing else."""
    case = read_case(name)
    warnings = load_topology(case.snapshot).warnings
    assert len(warnings) == len(case.warnings), warnings
    for part in case.warnings:
        assert sum(part in warning for warning in warnings) == 1, (part, warnings)


@pytest.mark.parametrize("name", case_names())
def test_wording(name: str) -> None:
    """A case gives its source and says in one sentence what it shows."""
    case = read_case(name)
    assert case.source == "choice" or re.match(r"https://|RFC \d+|EC2 API reference", case.source), case.source
    assert re.match(r"[^.]+\S.*\.\Z", case.what, re.DOTALL), case.what


def test_sections() -> None:
    """Every section of the rules has a folder of cases."""
    numbers = {int(name[:2]) for name in case_names()}
    assert numbers == set(SECTIONS)
    assert all(path.is_dir() for path in HERE.glob("[0-9]*"))


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


def totals(engine: Engine, verdicts: Verdicts) -> dict[str, int]:
    """The numbers of the summary that do not show in single observations."""
    counts = {"opened": OPENED, "replaced": REPLACED, "midstream_flows": MIDSTREAM}
    found = {key: int(np.count_nonzero(verdicts.flags & bit)) for key, bit in counts.items()}
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
