"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

#: Twenty times as many random calls of the control plane: ``pytest --hypothesis-profile=thorough``.
settings.register_profile("thorough", max_examples=20 * settings.default.max_examples)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of shared test data: ``$SGSIM_TEST_DATA``, or ``shared/data`` beside the repository.

    Absent data skips a test, unless ``SGSIM_REQUIRE_DATA`` is set: then it fails.
    """
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    found = Path(os.environ.get("SGSIM_TEST_DATA") or beside)
    if found.is_dir():
        return found
    reason = f"no test data in {found}: set SGSIM_TEST_DATA"
    if os.environ.get("SGSIM_REQUIRE_DATA"):
        pytest.fail(reason)
    pytest.skip(reason)
