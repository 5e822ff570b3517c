"""The networks that the tests share; where the machine cannot make them the tests are skipped, or fail if required."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from .network import Network


def _made(gates: int) -> Iterator[Network]:
    reason = None
    if os.geteuid() != 0:
        reason = "the kernel comparison needs root, to make network namespaces"
    elif missing := [tool for tool in ("ip", "nft") if shutil.which(tool) is None]:
        reason = f"the kernel comparison needs {' and '.join(missing)}: install iproute2 and nftables"
    if reason is None:
        try:
            with Network(gates) as network:
                network.load(["flush ruleset"] * gates)
                yield network
                return
        except (OSError, subprocess.CalledProcessError) as error:
            reason = f"network namespaces cannot be made here: {getattr(error, 'stderr', None) or error}"
    if os.environ.get("SGSIM_REQUIRE_KERNEL"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    """A client and a server, and one gate that guards the server."""
    yield from _made(1)


@pytest.fixture(scope="session")
def chain() -> Iterator[Network]:
    """A client and a server, each with a gate of its own."""
    yield from _made(2)
