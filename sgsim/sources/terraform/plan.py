"""The two sides of a plan: the resources that there are before it is applied, and those after.

Source: Terraform documentation, "JSON output format", plan representation and change representation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sgsim.sources.infrastructure.values import Value
from sgsim.sources.places import Place
from sgsim.sources.terraform.addresses import module_steps
from sgsim.sources.terraform.resources import Resource, with_unknowns
from sgsim.sources.terraform.state import required, shown_resources


def resources_before(plan: Value) -> list[Resource]:
    """The prior state; what only changes tell of it (a plan without its state) is added."""
    found = {resource.address: resource for resource in _prior(plan)}
    for change in plan.at("resource_changes").items():
        if change.at("change").at("before").raw is None:
            continue
        names = {required(change.at("address")), change.at("previous_address").word()}
        deposed = change.at("deposed").word()
        if deposed:
            names = {f"{required(change.at('address'))} (deposed {deposed})"}
        if not names & found.keys():
            resource = _side(change, "before")
            found[resource.address] = resource
    return list(found.values())


def resources_after(plan: Value) -> list[Resource]:
    """What the changes leave, with data sources and with what a plan for some resources (-target) does not mention.

    Resources that are only forgotten (``removed`` blocks) go on existing. ``planned_values`` alone tells of no unknown
    values: it counts where a plan was stripped of its changes.
    """
    found: dict[str, Resource] = {}
    gone: set[str] = set()
    for change in plan.at("resource_changes").items():
        address, actions = required(change.at("address")), change.at("change").at("actions").raw
        gone |= {address, change.at("previous_address").word()}
        if change.at("deposed"):
            continue
        if change.at("change").at("after").raw is not None:
            found[address] = _side(change, "after")
        elif actions == ["forget"]:
            found[address] = _side(change, "before")
    for resource in _prior(plan):
        if resource.address not in gone:
            found.setdefault(resource.address, resource)
    for resource in shown_resources(plan.at("planned_values").at("root_module")):
        if resource.address not in gone:
            found.setdefault(resource.address, replace(resource, created=True, trimmed=True))
    return list(found.values())


def _prior(plan: Value) -> Iterator[Resource]:
    return shown_resources(plan.at("prior_state").at("values").at("root_module"))


def _side(change: Value, side: str) -> Resource:
    address, inner = required(change.at("address")), change.at("change")
    if side == "before" and change.at("deposed"):
        address += f" (deposed {change.at('deposed').word()})"
    place = Place(change.place.file, address)
    raw = inner.at(side).members_raw()
    if side == "after":
        raw = with_unknowns(raw, inner.at("after_unknown").raw, place)
    index = change.at("index").raw
    return Resource(
        address,
        module_steps(change.at("module_address").word()),
        change.at("mode").word() or "managed",
        required(change.at("type")),
        required(change.at("name")),
        index if isinstance(index, int | str) else None,
        Value(raw, place),
        created=side == "after" and inner.at("before").raw is None,
    )
