"""Assertions for test suites: this packet passes, that one does not, with the explanation where it is otherwise.

They take whatever tells what the groups are: the path of a snapshot (describe output, a scenario, a Terraform plan, a
CloudFormation template), a Topology, or a boto3 session or EC2 client, mocked or real, which is then asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sgsim.model import Topology, Verdict
from sgsim.query import Answer, query
from sgsim.reports.answer import answer_text
from sgsim.sources import load_topology

__all__ = ["assert_allowed", "assert_dropped", "topology_of"]


def assert_allowed(
    snapshot: Any, source: str, destination: str, protocol: str | int, port: int | None = None, **more: Any
) -> Answer:
    """The packet passes at both gates; the arguments are those of ``sgsim.query``, ``plan_before`` beside them.

    Raises AssertionError with the explanation; SgsimError as ``sgsim.query`` does.
    """
    __tracebackhide__ = True
    return _asserted(Verdict.ALLOW, snapshot, source, destination, protocol, port, **more)


def assert_dropped(
    snapshot: Any, source: str, destination: str, protocol: str | int, port: int | None = None, **more: Any
) -> Answer:
    """The packet is dropped at one of its gates; else as ``assert_allowed``."""
    __tracebackhide__ = True
    return _asserted(Verdict.DROP, snapshot, source, destination, protocol, port, **more)


def _asserted(wanted: Verdict, snapshot: Any, *packet: Any, plan_before: bool = False, **more: Any) -> Answer:
    __tracebackhide__ = True
    topology = topology_of(snapshot, plan_before=plan_before)
    answer = query(topology, *packet, **more)
    if answer.verdict is not wanted:
        raise AssertionError(f"expected {wanted}:\n{answer_text(answer, topology)}")
    return answer


def topology_of(snapshot: Any, *, plan_before: bool = False) -> Topology:
    """The topology that a path, a Topology, or a boto3 session or EC2 client stands for.

    Raises TypeError for anything else, SgsimError for what cannot be read.
    """
    if isinstance(snapshot, Topology):
        return snapshot
    if isinstance(snapshot, str | Path):
        return load_topology(snapshot, plan_before=plan_before)
    client = snapshot.client("ec2") if hasattr(snapshot, "client") else snapshot
    if not hasattr(client, "describe_security_groups"):
        raise TypeError(f"no snapshot, Topology, boto3 session or EC2 client: {type(snapshot).__name__}")
    from sgsim.pulling import topology_of_client

    return topology_of_client(client)
