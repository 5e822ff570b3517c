"""The pytest plugin: *.sgtest.yaml are collected, failing cases explain, bad files are collection errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks.conftest import TO_DB

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "numba", "scapy", "boto3", "botocore", "moto", "yaml", "msgspec")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest in a process of its own, with this plugin and no other."""
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-p", "sgsim.pytest_plugin", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_each_case_is_a_test(write, tmp_path):
    """Those of both endings, with their names and lines; a failing one shows gates and the nearest rule, no frames."""
    cases = f"cases:\n  - {{name: to db, {TO_DB}, expect: allow}}\n  - {{name: 'x::[y]', {TO_DB}, expect: drop}}\n"
    write(cases)
    write(cases, "b.sgtest.yml")
    write("nonsense: [", "c.yaml")
    ended = run(tmp_path, "-v")
    assert ended.returncode == 1
    assert "a.sgtest.yaml::to db PASSED" in ended.stdout
    assert "b.sgtest.yml::x::[y] FAILED" in ended.stdout
    assert "line 4: expected drop, found allow rule web/egress/0 at web-1 (egress), then allow rule" in ended.stdout
    assert "Ingress to db-1: ALLOW, one rule admits it" in ended.stdout
    assert "runtest" not in ended.stdout
    assert "2 failed, 2 passed" in ended.stdout


def test_one_case_can_be_chosen(write, tmp_path):
    write(f"cases:\n  - {{name: one, {TO_DB}, expect: allow}}\n  - {{name: two, {TO_DB}, expect: drop}}\n")
    assert "1 passed" in run(tmp_path, "a.sgtest.yaml::one").stdout
    assert "1 passed, 1 deselected" in run(tmp_path, "-k", "one").stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cases: [", "a.sgtest.yaml: line 3 column 1: is no YAML"),
        ("cases: []", "a.sgtest.yaml: line 1: has no cases"),
        (
            f"cases: [{{{TO_DB}, expect: alow}}]",
            "a.sgtest.yaml: cases[0].expect, line 2: 'alow' is none of allow, drop",
        ),
    ],
)
def test_a_bad_file_is_a_collection_error_of_one_line(write, tmp_path, text, message):
    """What is wrong and where, without frames; other files are collected."""
    write(text)
    write(f"cases: [{{name: fine, {TO_DB}, expect: allow}}]", "b.sgtest.yaml")
    ended = run(tmp_path, "--continue-on-collection-errors")
    assert "ERROR collecting a.sgtest.yaml" in ended.stdout
    assert message in ended.stdout
    assert "Traceback" not in ended.stdout
    assert "sgsim/checks" not in ended.stdout
    assert "1 passed, 1 error" in ended.stdout


def test_a_change_that_ec2_would_refuse_is_one_line(write, tmp_path):
    """It is found when the case runs."""
    change = "{at: 0s, call: DeleteSecurityGroup, params: {GroupId: db}}"
    write(f"cases: [{{changes: [{change}], {TO_DB}, expect: allow}}]")
    ended = run(tmp_path)
    assert "EC2 would refuse DeleteSecurityGroup: DependencyViolation" in ended.stdout
    assert "runtest" not in ended.stdout


def test_doubts_about_a_snapshot_are_warnings(write, tmp_path):
    """As -W error makes them, they are errors of the file, told without frames."""
    doubtful = (tmp_path / "world.yaml").read_text().replace("tcp 80 to any", "tcp 80 to 10.0.0.1/8")
    (tmp_path / "doubt.yaml").write_text(doubtful)
    write(f"cases: [{{{TO_DB}, expect: allow}}]", head="snapshot: doubt.yaml\n")
    ended = run(tmp_path)
    assert "PytestWarning: sgsim: " in ended.stdout
    assert "host bits set" in ended.stdout
    assert "1 passed, 1 warning" in ended.stdout
    ended = run(tmp_path, "-W", "error")
    assert "host bits set" in ended.stdout
    assert "1 error" in ended.stdout


def test_pytest_starts_as_fast_as_without(tmp_path):
    """The plugin loads nothing of sgsim's but itself until there is a check file, and then nothing heavy."""
    (tmp_path / "test_a.py").write_text(
        f"import sys\n\ndef test_a():\n    assert not [name for name in {HEAVY!r} if name in sys.modules]\n"
        "    assert {n for n in sys.modules if n.split('.')[0] == 'sgsim'} == {'sgsim', 'sgsim.pytest_plugin'}\n"
    )
    ended = run(tmp_path)
    assert "1 passed" in ended.stdout, ended.stdout


def test_cases_load_nothing_heavy(write, tmp_path):
    """Judging by hand needs neither numpy nor numba."""
    write(f"cases: [{{{TO_DB}, expect: allow}}]", "a.sgtest.yaml")
    (tmp_path / "test_z.py").write_text(
        "import sys\n\ndef test_z():\n"
        "    assert not [n for n in ('numpy', 'numba', 'scapy', 'boto3') if n in sys.modules]\n"
    )
    ended = run(tmp_path)
    assert "2 passed" in ended.stdout, ended.stdout


def test_pytest_finds_the_plugin_by_itself():
    """The entry point is declared."""
    from importlib.metadata import entry_points

    assert [each.value for each in entry_points(group="pytest11", name="sgsim")] == ["sgsim.pytest_plugin"]
