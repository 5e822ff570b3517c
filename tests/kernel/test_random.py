"""Random rules and random frames: the kernel and both of sgsim's engines agree about every one of them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from . import drawing
from .network import Network
from .trial import load, outcome, run

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("seed", range(12))
def test_strays(network: Network, seed: int) -> None:
    """Two hundred unrelated frames, ICMP errors about earlier ones among them where all flows are tracked."""
    rng = random.Random(f"strays {seed}")
    untracked_too = seed % 2 == 0  # Linux tracks those too, and then knows what an error is about
    group = drawing.group(rng, everywhere=untracked_too)
    frames = drawing.strays(rng, 200, errors=not untracked_too)
    run(network, frames, group).agreed()


@pytest.mark.parametrize("seed", range(8))
def test_conversations(network: Network, seed: int) -> None:
    """Thirty TCP conversations at once. Their ends are real: who hears nothing says nothing more."""
    rng = random.Random(f"conversations {seed}")
    group = drawing.group(rng, everywhere=rng.random() < 0.5)
    going = drawing.conversations(rng, 30)
    results: list[tuple[Any, bool]] = []
    load(network, group)
    while going:
        heard = network.exchange([talk[0] for talk in going])
        results += heard
        going = [talk[1:] for talk, (_, arrived) in zip(going, heard, strict=True) if arrived and talk[1:]]
        rng.shuffle(going)
    outcome(results, group).agreed()
