"""The blocks of the README and of the pages are executed, and every option is documented."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sgsim.cli import VERBS

ROOT = Path(__file__).resolve().parents[1]
# Need an endpoint (tests/endpoint, tests/pull), or print times (tests/cli/test_cli_bench.py, tests/flowlogs).
ELSEWHERE = {"docs/serve.md", "docs/howto/groups.md", "docs/pull.md", "docs/bench.md", "docs/flowlogs.md"}
PAGES = ("README.md", *sorted({str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md")} - ELSEWHERE))


def blocks(page: str) -> list[tuple[str, str]]:
    """(language, text) of each block of a page."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / page).read_text(), re.M | re.S)


BLOCKS = blocks("README.md")


def console(language: str = "console") -> list[tuple[str, str]]:
    """(command, what the page says it prints) of each console block."""
    found = []
    for name, text in (block for page in PAGES for block in blocks(page)):
        if name == language:
            command, _, printed = text.partition("\n")
            found.append((command.removeprefix("$ "), printed))
    return found


@pytest.mark.parametrize(("command", "printed"), console(), ids=lambda text: text[:40])
def test_a_console_block_prints_what_the_page_says(command, printed, tmp_path):
    """Run as written, from a folder that has the examples."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    words = shlex.split(command)
    assert words[0] == "sgsim"
    result = subprocess.run(
        [sys.executable, "-m", "sgsim", *words[1:]],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode in (0, 1), result.stderr
    if words[1] == "replay" and "--changes" in words and printed:  # of the summary, the part that is the same each time
        assert printed.count("\n") > 2
        assert f"\n{printed}\n" in result.stdout
    elif printed:
        assert result.stdout == printed
    else:
        assert result.stdout


@pytest.mark.parametrize("page", [page for page in PAGES if any(name == "python" for name, _ in blocks(page))])
def test_the_python_block_prints_what_the_page_says(monkeypatch, tmp_path, page):
    """The API example, and the text block behind it; run from a folder that has the examples."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    code = next(text for name, text in blocks(page) if name == "python")
    expected = next(text for name, text in blocks(page) if name == "text")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, page, "exec"), {})
    assert out.getvalue() == expected


def test_the_two_commands_are_one_line_each():
    """One installs and runs the main job, one installs and runs the tests."""
    lines = [text.strip() for name, text in BLOCKS if name == "sh" and text.startswith("python3 -m venv")]
    assert len(lines) == 2
    assert all("\n" not in line for line in lines)
    assert "sgsim replay examples/" in lines[0]
    assert "pytest" in lines[1]


def test_the_example_capture_is_what_its_script_makes(tmp_path):
    """Run again, make_traffic.py makes the same bytes."""
    script = tmp_path / "make_traffic.py"
    script.write_bytes((ROOT / "examples/three-tier/make_traffic.py").read_bytes())
    subprocess.run([sys.executable, str(script)], check=True, cwd=tmp_path)
    assert (tmp_path / "traffic.pcap").read_bytes() == (ROOT / "examples/three-tier/traffic.pcap").read_bytes()


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_has_a_help_text(verb):
    """An option without a word about it is a bug."""
    import click

    from sgsim.cli import cli

    command = cli.get_command(click.Context(cli), verb)
    assert all(getattr(option, "help", "") for option in command.params if isinstance(option, click.Option))


def test_the_interface_page_names_every_field(tmp_path):
    """The tables of records and summary list what a run writes, in its order."""
    page = (ROOT / "docs/interface.md").read_text()
    sections = {part.split("\n", 1)[0]: re.findall(r"^\| `(\w+)` \|", part, re.M) for part in page.split("\n## ")}
    example = ROOT / "examples/three-tier"
    command = [sys.executable, "-m", "sgsim", "replay", str(example / "scenario.yaml"), str(example / "traffic.pcap")]
    command += ["--changes", str(example / "changes.yaml")]
    records, flows = tmp_path / "records.csv", tmp_path / "flows.csv"
    command += ["--json", "-o", str(records), "--flows", str(flows)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert sections["An observation (`-o`)"] == records.read_text().split("\n", 1)[0].strip().split(",")
    assert sections["A flow (`--flows`)"] == flows.read_text().split("\n", 1)[0].strip().split(",")
    summary = json.loads(result.stdout)
    assert sections["The summary (`--json`)"] == list(summary)
    assert sections["A change (in the summary)"] == list(summary["changes"][0])


def test_the_changes_by_hand_of_the_page_can_be_read(tmp_path):
    """The YAML block is what ``--changes`` takes."""
    from sgsim.sources.changes import read_changes

    (tmp_path / "c.yaml").write_text(next(text for name, text in blocks("docs/changes.md") if name == "yaml"))
    assert len(read_changes([tmp_path / "c.yaml"], strict=True).changes) == 2


def test_the_check_file_of_the_page_holds(tmp_path):
    """The first YAML block is a check file beside the examples' own."""
    from sgsim.checks import check

    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "checks").mkdir()
    text = next(text for name, text in blocks("docs/checks.md") if name == "yaml")
    text = text.replace("../three-tier", "../examples/three-tier")
    (tmp_path / "checks/page.sgtest.yaml").write_text(text)
    assert [outcome.passed for outcome in check([str(tmp_path / "checks")])] == [True, True]
