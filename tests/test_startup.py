"""Start-up is a feature: what a verb does not need is not imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("numpy", "numba", "scapy", "rich", "boto3", "botocore", "matplotlib")
SCENARIO = "examples/three-tier/scenario.yaml"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["replay", "--help"],
        ["report", "--help"],
        ["query", "--help"],
        ["bench", "--help"],
        ["pull", "--help"],
        ["serve", "--help"],
        ["query", SCENARIO, "--from", "app-1", "--to", "db-1", "--protocol", "tcp", "--port", "5432"],
        ["query", SCENARIO, "--from", "app", "--to", "10.0.2.30/32", "--protocol", "tcp", "--port", "5432"],
        ["show", SCENARIO],
        ["test", "examples/checks/three-tier.sgtest.yaml"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_light_verbs_stay_light(arguments):
    """Neither numpy nor numba nor scapy nor boto3 is imported where nothing is replayed or pulled."""
    code = (
        "import sys\nfrom sgsim.cli import cli\n"
        f"try:\n    cli.main({arguments!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\nassert not loaded, loaded\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_one_to_one_needs_no_more_than_it_did():
    """What only groups, tags and CIDRs need is not imported for a question about two ends."""
    code = (
        "import sys\nfrom sgsim.cli import cli\ntry:\n"
        f"    cli.main(['query', {SCENARIO!r}, *'--from app-1 --to db-1 --protocol tcp --port 5432'.split()])\n"
        "except SystemExit:\n    pass\n"
        "later = {'sgsim.reach', 'sgsim.reports.reach', 'sgsim.effective', 'sgsim.checks'}\n"
        "loaded = later & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_package_itself_imports_nothing():
    """`import sgsim` costs nothing; its names load what they need."""
    code = "import sys, sgsim; assert not any(n.startswith('sgsim.') for n in sys.modules); sgsim.Topology"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_every_public_name_is_there():
    """What the package promises, it has."""
    import sgsim

    assert all(getattr(sgsim, name) is not None for name in sgsim.__all__)
