"""What numbers were measured on."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.peers.processes import run

PACKAGES = ("sgsim", "numpy", "numba", "llvmlite", "scapy", "pytricia", "pyarrow", "awscli")
TOOLS = {"tcpdump": ["tcpdump", "--version"], "nft": ["nft", "--version"], "cc": ["cc", "--version"]}


def machine() -> dict[str, Any]:
    return {
        "processor": _fact("/proc/cpuinfo", "model name") or platform.processor(),
        "flags": [flag for flag in _fact("/proc/cpuinfo", "flags").split() if flag.startswith(("avx", "sse4"))],
        "cores": len(os.sched_getaffinity(0)),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()}",
        "load": os.getloadavg()[0],  # before the first measurement: what else was going on
    }


def versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    for name, command in TOOLS.items():
        if shutil.which(command[0]) is None:
            found[name] = "not installed"
        else:
            ended = run(command)
            found[name] = (ended.output + ended.problems).strip().splitlines()[0]
    if shutil.which("pkg-config") and not (dpdk := run(["pkg-config", "--modversion", "libdpdk"])).code:
        found["dpdk"] = dpdk.output.strip()
    else:
        found["dpdk"] = "not installed"
    return found


def _fact(path: str, name: str) -> str:
    """The first line of that name in a file of the kernel's."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")
