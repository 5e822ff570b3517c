"""What users have -> Topology: describe output, hand-written scenarios, Terraform, CloudFormation. All input checks
live in this package.

``load_topology`` is the door. Parsers are imported when a file asks for them: a shell prompt waits for ``sgsim query``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sgsim.errors import InputError
from sgsim.model import Topology

if TYPE_CHECKING:
    from sgsim.sources.places import Snapshot

__all__ = ["load_topology", "read_snapshot"]


def load_topology(
    path: str | Path,
    *,
    strict: bool = False,
    plan_before: bool = False,
    parameters: Mapping[str, str] | None = None,
) -> Topology:
    """Read a snapshot: a directory of ``aws ec2 describe-…`` output, one such file, a YAML scenario, what
    ``terraform show -json`` prints of a state or a plan, or a CloudFormation template.

    The kind is recognised by content. Of a plan it is what there will be after it; with ``plan_before``, what there is
    before. ``parameters`` are values for a template's parameters. Everything keeps the snapshot's order, which is the
    order of credit: an interface's groups, a group's rules (within one IpPermission: IpRanges, Ipv6Ranges,
    PrefixListIds, UserIdGroupPairs). What is doubtful is in ``Topology.warnings``, one line each.

    An interface may name a group that is not in ``Topology.groups`` only where the snapshot holds no groups at all
    (a warning says so): such an interface cannot be judged, and judges refuse to.

    Raises:
        InputError: input that AWS could not have produced or that cannot be read; with ``strict``, doubtful input too
            (an incomplete page, an unresolved reference, a rule listed twice, ...).
    """
    return read_snapshot(path, strict=strict, plan_before=plan_before, parameters=parameters).topology


def read_snapshot(
    path: str | Path,
    *,
    strict: bool = False,
    plan_before: bool = False,
    parameters: Mapping[str, str] | None = None,
) -> Snapshot:
    """The topology, and the describe output that it was made from. See ``load_topology``."""
    from sgsim.sources.places import Notes, Snapshot
    from sgsim.sources.recognise import Kind, recognise

    notes = Notes(strict)
    kind, documents = recognise(Path(path), notes)
    if parameters and kind is not Kind.CLOUDFORMATION:
        raise InputError(str(path), "", f"is a {kind.value}, no CloudFormation template", "leave out --parameter")
    if kind is Kind.TERRAFORM:
        from sgsim.sources.terraform import terraform_topology

        return Snapshot(terraform_topology(documents[0], notes, before=plan_before), name=str(path))
    if plan_before:
        raise InputError(str(path), "", f"is a {kind.value}, no Terraform plan", "leave out --plan-before")
    if kind is Kind.CLOUDFORMATION:
        from sgsim.sources.cloudformation import cloudformation_topology

        return Snapshot(cloudformation_topology(documents[0], notes, parameters or {}), name=str(path))
    if kind is Kind.SCENARIO:
        from sgsim.sources.scenario import scenario_topology

        return Snapshot(scenario_topology(documents[0], notes), name=str(path))
    from sgsim.sources.describe import describe_topology

    return Snapshot(describe_topology(str(path), documents, notes), documents, str(path))
