"""The page about pages: its blocks are executed, it names every interval, and its picture is small."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/report.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder that has the examples."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", [text for name, text in BLOCKS if name == "console"], ids=lambda text: text[:30])
def test_a_console_block_prints_what_the_page_says(block, elsewhere):
    """And writes what it names."""
    command, _, printed = block.partition("\n")
    words = shlex.split(command.removeprefix("$ "))
    result = subprocess.run(
        [sys.executable, "-m", "sgsim", *words[1:]],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == printed
    assert (elsewhere / words[words.index("-o") + 1]).read_text().startswith("<!DOCTYPE html>")
    assert "--png" not in words or (elsewhere / "plots/over-time.png").exists()


def test_the_python_block(elsewhere, capsys):
    """It runs."""
    (code,) = (text for name, text in BLOCKS if name == "python")
    exec(compile(code, "docs/report.md", "exec"), {})
    assert capsys.readouterr().out.split()[0] == "29"


def test_the_picture():
    """Below 200 kB."""
    assert "](report.png)" in PAGE
    assert (ROOT / "docs/report.png").stat().st_size < 200_000
