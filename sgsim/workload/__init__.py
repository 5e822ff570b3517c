"""Seeded rule sets and traffic, shared by benchmarks, tests and ``sgsim bench``.

A workload is named and versioned: changing what it makes means a new version, so that numbers stay comparable.
"""

from sgsim.workload.acl import GUARDED, HITS, MISSES, Acl, acl_topology, gate_packets
from sgsim.workload.flows import Flows, Traffic, draw_flows
from sgsim.workload.live import LIVE, live_topology, meeting, opening
from sgsim.workload.stream import write_stream
from sgsim.workload.table import RULE_SETS, STREAMS
from sgsim.workload.trace import Header, trace_flows, trace_packets
from sgsim.workload.vpc import Workload, topology

__all__ = [
    "GUARDED",
    "HITS",
    "LIVE",
    "MISSES",
    "RULE_SETS",
    "STREAMS",
    "Acl",
    "Flows",
    "Header",
    "Traffic",
    "Workload",
    "acl_topology",
    "draw_flows",
    "gate_packets",
    "live_topology",
    "meeting",
    "opening",
    "topology",
    "trace_flows",
    "trace_packets",
    "write_stream",
]
