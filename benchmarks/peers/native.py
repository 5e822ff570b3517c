"""Our own small C programs around the peers' libraries, built into the run's folder, never by an install."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from benchmarks.peers.measuring import UnavailableError

HERE = Path(__file__).parent
_PACKAGES = {"libdpdk": "libdpdk-dev (Debian: apt-get install libdpdk-dev dpdk-dev pkg-config gcc)"}


def build(name: str, folder: Path, library: str | None = None) -> Path:
    """The program ``name``.c, compiled for this processor. Raises UnavailableError with what is missing."""
    program = folder / name
    newest = max(path.stat().st_mtime for path in (*HERE.glob("*.c"), *HERE.glob("*.h")))
    if program.exists() and program.stat().st_mtime > newest:
        return program
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise UnavailableError("no C compiler: install gcc")
    flags = [] if library is None else _flags(library, "--cflags")
    libraries = [] if library is None else _flags(library, "--libs")
    source = HERE / f"{name}.c"
    command = [compiler, "-O3", "-march=native", *flags, str(source), "-o", str(program), *libraries]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        raise UnavailableError(f"{source.name} does not compile: {errors[0] if errors else done.stderr}")
    return program


def _flags(library: str, kind: str) -> list[str]:
    if shutil.which("pkg-config") is None:
        raise UnavailableError("no pkg-config: install pkg-config")
    done = subprocess.run(["pkg-config", kind, library], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"{library} is not installed: install {_PACKAGES.get(library, library)}")
    return done.stdout.split()
