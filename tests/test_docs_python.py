"""The page about Python: its blocks are executed, one after the other, and print what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from sgsim.captures import traffic
from sgsim.layout import Verdicts

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/python.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.M | re.S)


def test_every_block_prints_what_the_page_says(monkeypatch: pytest.MonkeyPatch):
    """In one session, from the repository's folder; behind each block stands what it prints."""
    monkeypatch.chdir(ROOT)
    session: dict[str, Any] = {}
    assert [name for name, _ in BLOCKS] == ["python", "text"] * (len(BLOCKS) // 2)
    for (_, code), (_, printed) in zip(BLOCKS[::2], BLOCKS[1::2], strict=True):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, "python.md", "exec"), session)
        assert out.getvalue() == printed, code


def test_every_kind_of_traffic_is_in_the_table():
    """What the module offers, and nothing else."""
    names = re.findall(r"^\| `(\w+)\(", PAGE, re.M)
    public = [name for name, each in vars(traffic).items() if callable(each) and each.__module__ == traffic.__name__]
    assert names == [name for name in public if not name.startswith("_")]


def test_every_field_of_verdicts_is_in_the_table():
    """In their order, but for the records that they are views of."""
    section = PAGE.split("`Verdicts` are arrays")[1]
    assert re.findall(r"^\| `(\w+)` \|", section, re.M) == list(Verdicts._fields[:-1])
