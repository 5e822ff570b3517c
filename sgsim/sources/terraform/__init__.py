"""Terraform -> Topology: the output of ``terraform show -json`` for a plan or a state, and state files.

A plan has two sides: what there is before it is applied, and what is left after.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sgsim.model import Topology
from sgsim.sources.infrastructure.assembly import assemble
from sgsim.sources.infrastructure.drafts import Doubts, Drafts
from sgsim.sources.infrastructure.values import Unknown, Value
from sgsim.sources.places import Document, Notes, Place
from sgsim.sources.terraform.configuration import Configuration
from sgsim.sources.terraform.groups import GROUP_TYPES, STANDALONE, Groups
from sgsim.sources.terraform.interfaces import (
    ATTACHMENT,
    GROUP_ATTACHMENT,
    INSTANCE_TYPE,
    INTERFACE_TYPE,
    TAG,
    Interfaces,
)
from sgsim.sources.terraform.names import GROUP, Names
from sgsim.sources.terraform.networks import NETWORK_TYPES, read_networks
from sgsim.sources.terraform.plan import resources_after, resources_before
from sgsim.sources.terraform.resources import Resource
from sgsim.sources.terraform.state import shown_resources, stored_resources

__all__ = ["is_plan", "terraform_topology"]

_READ = frozenset(
    {*GROUP_TYPES, *STANDALONE, *NETWORK_TYPES, INTERFACE_TYPE, INSTANCE_TYPE, ATTACHMENT, GROUP_ATTACHMENT, TAG}
)
_DEEPEST = 8  # levels of a resource at which lists of groups are looked for


def is_plan(data: Any) -> bool:
    return isinstance(data, dict) and ("resource_changes" in data or "planned_values" in data)


def terraform_topology(document: Document, notes: Notes, *, before: bool = False) -> Topology:
    """The topology of a state, or of a plan as it will be or (``before``) as it is.

    Raises InputError: output that Terraform did not write, no resource that sgsim reads, a state before version 4,
    ``before`` where there is no plan.
    """
    root = Value(document.data, Place(document.file))
    if before and not is_plan(document.data):
        raise root.place.refusal("is no Terraform plan: it has no state before", "leave out --plan-before")
    doubts = Doubts(document.file, notes, "after apply")
    plan = is_plan(document.data)
    if not plan:
        stored = "resources" in document.data or "modules" in document.data
        resources = list(stored_resources(root) if stored else shown_resources(root.at("values").at("root_module")))
        _refuse_nothing(root, resources)
        return _topology(resources, None, [], doubts)
    old, new = resources_before(root), resources_after(root)
    _refuse_nothing(root, old + new)
    _doubt_incomplete(root, doubts)
    if before:
        return _topology(old, None, [], doubts)
    return _topology(new, Configuration(root), old, doubts)


def _topology(
    resources: list[Resource], configuration: Configuration | None, replaced: list[Resource], doubts: Doubts
) -> Topology:
    drafts, names = Drafts(), Names(resources, configuration, doubts)
    managed = [each for each in replaced if each.mode == "managed"]
    read_networks(resources, names, drafts, doubts, managed)
    Groups(names, drafts, doubts, [each for each in managed if each.type in STANDALONE]).read(resources)
    Interfaces(names, drafts, doubts, [each for each in managed if each.type == GROUP_ATTACHMENT]).read(resources)
    _note_carriers(resources, names, drafts)
    return assemble(drafts, doubts)


def _refuse_nothing(root: Value, resources: list[Resource]) -> None:
    if any(resource.type in _READ for resource in resources):
        return
    kinds = ", ".join(dict.fromkeys(resource.type for resource in resources[:6])) or "none"
    problem = f"has no security group, interface or VPC of AWS's provider among its resources ({kinds})"
    raise root.place.refusal(problem, "give the plan or state that they are in")


def _doubt_incomplete(plan: Value, doubts: Doubts) -> None:
    if plan.at("errored").flag() is True:
        problem = "is the plan of a run that failed: it is incomplete"
        doubts.notes.doubt(plan.place.refusal(problem, "mend the configuration and plan again"))
    deferred = [item.at("resource_change").at("address").word() for item in plan.at("deferred_changes").items()]
    for address in deferred:
        doubts.notes.doubt(Place(plan.place.file, address).refusal("is deferred to a later plan: it is not known"))


def _note_carriers(resources: list[Resource], names: Names, drafts: Drafts) -> None:
    """Load balancers, functions, databases, ...: whatever else has a list of groups has interfaces that AWS makes."""
    for resource in resources:
        if resource.mode != "managed" or resource.type in _READ or not resource.type.startswith("aws_"):
            continue
        found = list(_group_lists(resource.values.raw, (), 0))
        if found:
            drafts.carriers.append(resource.address)
        for keys in found:
            drafts.carried.update(each for each in names.several(resource, GROUP, *keys) if isinstance(each, str))


def _group_lists(raw: Any, keys: tuple[int | str, ...], depth: int) -> Iterator[tuple[int | str, ...]]:
    """Where a resource has lists of groups that are not empty."""
    if depth > _DEEPEST:
        return
    members = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    for key, inner in members:
        listed = isinstance(key, str) and key.endswith(("security_groups", "security_group_ids"))
        if (
            listed
            and inner
            and all(
                isinstance(item, str | Unknown) or item is None
                for item in (inner if isinstance(inner, list) else [inner])
            )
        ):
            yield (*keys, key)
        elif isinstance(inner, dict | list):
            yield from _group_lists(inner, (*keys, key), depth + 1)
