"""Fixtures for check files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sgsim.cli import cli

WORLD = """
vpcs: {main: 10.0.0.0/16}
security_groups:
  web: {egress: [tcp 5432 to db, tcp 80 to any]}
  db: {ingress: [tcp 5432 from web, icmp 8 from web]}
interfaces:
  web-1: {addresses: [10.0.1.10], groups: [web], tcp_established_timeout: 350}
  db-1: {addresses: [10.0.2.20], groups: [db], tcp_established_timeout: 350}
  web-2: {addresses: [10.0.1.11], groups: [web]}
  db-2: {addresses: [10.0.2.21], groups: [db]}
"""
TO_DB = "from: web-1, to: db-1, protocol: tcp, port: 5432"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A check file beside the snapshot world.yaml, which it names unless told otherwise."""
    (tmp_path / "world.yaml").write_text(WORLD)

    def written(text: str, name: str = "a.sgtest.yaml", head: str = "snapshot: world.yaml\n") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + text)
        return path

    return written


@pytest.fixture
def check() -> Callable[..., Result]:
    """Run ``sgsim test`` in this process."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(cli, ["test", *map(str, arguments)], catch_exceptions=False)

    return run
