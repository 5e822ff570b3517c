"""The page about flow logs: its blocks are executed, and it names every cause."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sgsim.flowlogs import flowlogs
from sgsim.reports.flowlogs.disagreements import Cause
from sgsim.reports.flowlogs.records import FIELDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/flowlogs.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.M | re.S)
TIME = re.compile(r"^[0-9.]+ s, [0-9.,]+ (M )?records/s$", re.M)


def consoles() -> list[tuple[str, str]]:
    """(command, what the page says it prints)."""
    split = [text.partition("\n") for name, text in BLOCKS if name == "console"]
    return [(command.removeprefix("$ "), printed) for command, _, printed in split]


@pytest.mark.parametrize(("command", "printed"), consoles(), ids=lambda text: text[-40:])
def test_a_console_block_prints_what_the_page_says(command, printed):
    """But for the time that it took."""
    words = shlex.split(command)
    assert words[0] == "sgsim"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    result = subprocess.run(
        [sys.executable, "-m", "sgsim", *words[1:]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert TIME.sub("", result.stdout) == TIME.sub("", printed)


def test_the_python_block_prints_what_the_page_says(monkeypatch):
    """The API."""
    monkeypatch.chdir(ROOT)
    code = next(text for name, text in BLOCKS if name == "python")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "flowlogs.md", "exec"), {})
    assert out.getvalue() == next(text for name, text in BLOCKS if name == "text")


def test_every_cause_is_explained():
    """In the order of the report."""
    assert re.findall(r"^\| `(\w+)` \| ", PAGE, re.M) == [str(cause) for cause in Cause]


def test_the_example_log_is_what_its_script_makes(tmp_path):
    """Run again, make_logs.py makes the same bytes."""
    script = tmp_path / "make_logs.py"
    script.write_bytes((ROOT / "examples/flow-logs/make_logs.py").read_bytes())
    subprocess.run([sys.executable, str(script)], check=True, cwd=tmp_path)
    assert (tmp_path / "flow.log").read_bytes() == (ROOT / "examples/flow-logs/flow.log").read_bytes()


def test_the_interface_page_names_every_field():
    """Its tables of records and summary, in the order of what is written."""
    page = (ROOT / "docs/interface.md").read_text()
    sections = {part.split("\n", 1)[0]: re.findall(r"^\| `(\w+)` \|", part, re.M) for part in page.split("\n## ")}
    summary = flowlogs(ROOT / "examples/three-tier/scenario.yaml", [ROOT / "examples/flow-logs/flow.log"])
    assert sections["A flow log record (`flowlogs -o`)"] == FIELDS
    assert sections["The summary of flow logs (`flowlogs --json`)"] == list(summary.as_json())
