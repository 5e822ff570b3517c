"""sgsim: what would AWS VPC security groups have done with these packets, at which interface, by which rule?"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Loaded on first use (PEP 562): `import sgsim` costs nothing, and only the engine brings numpy and numba.
_HOMES = {
    "Simulator": "sgsim.engine",
    "Observations": "sgsim.reports.observations",
    "load_topology": "sgsim.sources",
    "observations": "sgsim.replay",
    "open_capture": "sgsim.captures",
    "ReferenceJudge": "sgsim.reference",
    "SgsimError": "sgsim.errors",
    "Settings": "sgsim.model",
    "Topology": "sgsim.model",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
