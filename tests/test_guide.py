"""The guide is built without a warning: every page is in its contents, every link and anchor leads somewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sgsim.cli import VERBS
from sgsim.model import Reason

ROOT = Path(__file__).resolve().parents[1]
needs_mkdocs = pytest.mark.skipif(importlib.util.find_spec("material") is None, reason="needs mkdocs-material")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The guide as a site."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 'not included in the "nav"' not in done.stderr
    return folder


@needs_mkdocs
def test_nothing_is_fetched_from_elsewhere(site):
    """Neither fonts nor scripts nor pictures: the guide is read where there is no network."""
    for page in site.rglob("*.html"):
        text = page.read_text()
        fetched = re.findall(r"<(?:script|img|iframe)[^>]* src=\"(https?:[^\"]*)", text)
        fetched += re.findall(r"<link[^>]* rel=\"(?:stylesheet|preconnect)\"[^>]* href=\"(https?:[^\"]*)", text)
        assert not fetched, page


@needs_mkdocs
def test_the_reference_has_every_verb_reason_and_public_name(site):
    """It is made from the code."""
    verbs = (site / "reference/verbs/index.html").read_text()
    assert all(f"sgsim {verb}" in verbs for verb in VERBS)
    reasons = (site / "reference/reasons/index.html").read_text()
    assert all(f"<code>{reason}</code>" in reasons for reason in Reason)
    python = (site / "reference/python/index.html").read_text()
    assert all(f">{name}" in python for name in ("Simulator", "load_topology", "Cloud", "assert_allowed"))
