"""Security groups and their rules.

Source: CloudFormation user guide, AWS::EC2::SecurityGroup, ::SecurityGroupIngress, ::SecurityGroupEgress.
"""

from __future__ import annotations

from collections.abc import Iterator

from sgsim.model import Direction, GroupReference, Peer, PrefixListReference
from sgsim.sources.cloudformation.template import Resource, Template
from sgsim.sources.infrastructure.drafts import Doubts, Drafts, GroupDraft, RuleDraft
from sgsim.sources.infrastructure.rules import UNRESOLVED, networks, rule_draft, service, unknown_rules
from sgsim.sources.infrastructure.values import Unknown, Value

GROUP = "AWS::EC2::SecurityGroup"
RULES = {"AWS::EC2::SecurityGroupIngress": Direction.INGRESS, "AWS::EC2::SecurityGroupEgress": Direction.EGRESS}

_ENDS = {Direction.INGRESS: "Source", Direction.EGRESS: "Destination"}


def read_groups(template: Template, drafts: Drafts, doubts: Doubts) -> None:
    """Groups go by their logical ids. AWS's own egress rules stay unless the group has an egress rule of its own; one
    that is a resource by itself does not take them away."""
    names = {}
    for resource in template.resources(GROUP):
        name = resource.value("GroupName").word()
        draft = GroupDraft(resource.place, resource.name, name or resource.name, identity(resource.value("VpcId")))
        drafts.groups[resource.name] = draft
        names[name] = resource.name
        if resource.maybe is not None:
            doubts.unknown(resource.place, resource.maybe, "the group is taken to be made")
        for direction in Direction:
            listed = resource.value(f"SecurityGroup{direction.capitalize()}")
            items = [listed] if isinstance(listed.raw, dict) else listed.items()
            for item in items:
                draft.rules.append(_rule(item, resource.name, direction, doubts))
            draft.open_egress = direction is Direction.EGRESS and not items
    for resource in template.resources(*RULES):
        group_id = identity(resource.value("GroupId")) or _by_name(resource.value("GroupName"), names)
        if not group_id:
            raise resource.place.refusal("names no group", "give its GroupId")
        rule = _rule(resource.properties, group_id, RULES[resource.type], doubts, resource)
        drafts.rules.append((group_id, rule))


def identity(value: Value) -> str | None:
    """An id: a text, or the name of a value that is not known yet, which is an id all the same; None for none."""
    text = value.text()
    return text.name if isinstance(text, Unknown) else text or None


def _by_name(value: Value, names: dict[str, str]) -> str | None:
    name = identity(value)
    return names.get(name, name) if name else None


def _rule(
    item: Value, group_id: str, direction: Direction, doubts: Doubts, resource: Resource | None = None
) -> RuleDraft:
    """A permission, written in a group or a resource. One that may not be made is unresolved."""
    name = resource.name if resource else ""
    if isinstance(item.raw, Unknown):
        doubts.unknown(item.place, item.raw, UNRESOLVED)
        return unknown_rules(direction, item.raw, name)
    asked = service(item.at("IpProtocol"), item.at("FromPort"), item.at("ToPort"), doubts)
    if resource is not None and resource.maybe is not None:
        doubts.unknown(resource.place, resource.maybe, UNRESOLVED)
        asked = asked._replace(unknown=asked.unknown or resource.maybe)
    peers = [*networks(item.at("CidrIp"), 4, doubts), *networks(item.at("CidrIpv6"), 6, doubts)]
    peers += _references(item, _ENDS[direction])
    if len(peers) > 1:
        problem = "has several peers: AWS refuses such a rule"
        doubts.notes.doubt(item.place.refusal(problem, "name one in each rule"))
    return rule_draft(
        item.place, direction, asked, peers, doubts, description=item.at("Description").word(), rule_id=name
    )


def _references(item: Value, end: str) -> Iterator[Peer]:
    """Prefix lists and groups: those that are not made here are unresolved, by whatever name they go."""
    listed = identity(item.at(f"{end}PrefixListId"))
    if listed:
        yield PrefixListReference(listed)
    group = identity(item.at(f"{end}SecurityGroupId")) or identity(item.at(f"{end}SecurityGroupName"))
    if group:
        yield GroupReference(group)
