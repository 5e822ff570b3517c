"""Seeded rule sets and traffic, shared by benchmarks, tests and ``sgsim bench``.

A workload is named and versioned: changing what it makes means a new version, so that numbers stay comparable.
"""

from sgsim.workload.flows import Flows, draw_flows
from sgsim.workload.stream import write_stream
from sgsim.workload.vpc import Workload, topology

__all__ = ["Flows", "Workload", "draw_flows", "topology", "write_stream"]
