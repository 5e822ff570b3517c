"""The endpoint, once for each module of tests that asks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.control.served import Served, start


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A cloud behind HTTP; tests take an account of their own each."""
    pytest.importorskip("sgsim.endpoint")
    found = start()
    yield found
    found.server.close()
