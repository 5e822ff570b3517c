"""Fixtures for reading captures that a test has made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.captures.layouts import Reading, read_file


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Reading]:
    """Write the bytes of a capture to a file and read it; keywords as of ``read_file``."""

    def read(content: bytes, *, strict: bool = False, packets: int = 8192) -> Reading:
        path = tmp_path / "capture"
        path.write_bytes(content)
        return read_file(path, strict=strict, packets=packets)

    return read
