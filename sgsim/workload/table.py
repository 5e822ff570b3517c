"""The workloads by name: benchmarks measure them, tests hold engine and reference together on small ones of them.

A name stands for a version: what it makes does not change, so that numbers stay comparable.
"""

from __future__ import annotations

from sgsim.workload.acl import Acl
from sgsim.workload.vpc import Workload

#: Rule sets with a stream.
STREAMS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload(),
        Workload(name="vpc-v2-1000", rules=1_000),
        Workload(name="vpc-v2-region", interfaces=5_000, lists=2_500, list_lengths=(1,)),  # 2,500 groups of 60 rules
    )
}

#: Rule sets of one gate, to match alone.
RULE_SETS: dict[str, Acl] = {
    acl.name: acl
    for acl in (
        *(Acl(name=f"acl-v1-{rules}", rules=rules) for rules in (10, 60, 300, 1_000, 10_000, 100_000)),
        Acl(name="acl-v1-groups", rules=1_000, references=200, members=100_000),
    )
}
