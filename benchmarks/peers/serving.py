"""The Python side of ``processes.Server``: the same conversation as that of the C programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.measuring import UnavailableError


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def peak_memory() -> int:
    """The most that this process has held, bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise UnavailableError("the kernel does not say how much memory a process held")


def serve(
    about: dict[str, Any],
    orders: dict[str, Callable[[], Any]],
    answers: Callable[[], NDArray[np.int32]] | None = None,
) -> None:
    """Say that everything is ready, then time one order after the other."""
    say(about)
    for line in sys.stdin:
        order = line.rstrip("\n")
        if order.startswith("answers ") and answers is not None:
            answers().astype(np.int32).tofile(order.removeprefix("answers "))
            say({})
        else:
            say({"seconds": timed(orders[order])})


def or_unavailable(start: Callable[[], None]) -> None:
    """Run a server; if it cannot be had here, say why, in place of being ready."""
    try:
        start()
    except UnavailableError as reason:
        say({"unavailable": str(reason)})
