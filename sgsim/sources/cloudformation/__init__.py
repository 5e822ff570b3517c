"""CloudFormation templates -> Topology: JSON, or YAML with short tags, as they will be deployed.

Everything goes by its logical id. A parameter without a value, and whatever else only deployment tells, is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sgsim.model import Direction, GroupReference, Topology
from sgsim.sources.cloudformation.groups import read_groups
from sgsim.sources.cloudformation.interfaces import Interfaces
from sgsim.sources.cloudformation.networks import read_networks
from sgsim.sources.cloudformation.template import READ, Template
from sgsim.sources.infrastructure.assembly import assemble
from sgsim.sources.infrastructure.drafts import Doubts, Drafts, GroupDraft, RuleDraft
from sgsim.sources.infrastructure.values import Unknown, Value
from sgsim.sources.places import Document, Notes, Place

__all__ = ["cloudformation_topology"]

_GROUP_LIST = re.compile(r"SecurityGroups\Z|SecurityGroupIds\Z|NetworkInterfaces\[[0-9]+\]\.Groups\Z")
_DEEPEST = 8  # levels of a resource at which lists of groups are looked for
_DEFAULT = ".DefaultSecurityGroup"


def cloudformation_topology(document: Document, notes: Notes, parameters: Mapping[str, str]) -> Topology:
    """The topology of a template; ``parameters`` are values by name, of pseudo parameters too.

    Raises InputError: no resource that sgsim reads, a function that CloudFormation would refuse, a name in
    ``parameters`` that the template has not.
    """
    root = Value(document.data, Place(document.file))
    doubts = Doubts(document.file, notes, "at deployment")
    template = Template(root, parameters, doubts)
    kinds = {template.type(name) for name in template.evaluator.resources}
    if not kinds & READ.keys():
        shown = ", ".join(sorted(kinds - {""})[:6]) or "none"
        problem = f"has no security group, interface or VPC among its resources ({shown})"
        raise root.place.refusal(problem, "give the template that they are in")
    drafts = Drafts()
    read_networks(template, drafts, doubts)
    read_groups(template, drafts, doubts)
    Interfaces(template, drafts, doubts).read()
    _note_carriers(template, drafts)
    _add_default_groups(drafts, doubts)
    return assemble(drafts, doubts)


def _add_default_groups(drafts: Drafts, doubts: Doubts) -> None:
    """The default groups of VPCs made here, where something is in them: all from itself, all to anywhere (VPC user
    guide, "Default security groups")."""
    used = {
        group.name if isinstance(group, Unknown) else group for d in drafts.interfaces.values() for group in d.groups
    }
    used |= {group_id for group_id, _ in drafts.rules}
    for vpc_id in drafts.vpcs:
        name = vpc_id + _DEFAULT
        if name in used and name not in drafts.groups:
            itself = RuleDraft(Direction.INGRESS, -1, None, None, (GroupReference(name),))
            place = Place(doubts.source, name)
            drafts.groups[name] = GroupDraft(place, name, "default", vpc_id, [itself], open_egress=True)


def _note_carriers(template: Template, drafts: Drafts) -> None:
    """Load balancers, functions, databases, launch templates, ...: what else has groups has interfaces that are not
    in the template."""
    for name in template.made:
        kind = template.type(name)
        if kind in READ or not kind.startswith("AWS::"):
            continue
        found = list(_group_lists(template.properties(name), 0))
        if found:
            drafts.carriers.append(f"{name} ({kind.removeprefix('AWS::')})")
        for listed in found:
            value = template.evaluator.value(listed)
            for item in value.items() if isinstance(value.raw, list) else [value]:
                if isinstance(item.raw, Unknown):
                    drafts.carried.add(item.raw.name)
                elif isinstance(item.raw, str):
                    drafts.carried.add(item.raw)


def _group_lists(value: Value, depth: int) -> Iterator[Value]:
    raw: Any = value.raw
    if depth > _DEEPEST or not isinstance(raw, dict | list):
        return
    for key, inner in raw.items() if isinstance(raw, dict) else enumerate(raw):
        member = Value(inner, value.place.at(key))
        if inner and _GROUP_LIST.search(member.place.path):
            yield member
        else:
            yield from _group_lists(member, depth + 1)
