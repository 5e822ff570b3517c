"""Security groups: created, deleted, described."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network
from itertools import chain

from sgsim.control.answers import arn, shown_group, tag_list
from sgsim.control.call import Answer, Call, handles, named, tags_for
from sgsim.control.errors import ApiError, dependency, missing
from sgsim.control.listing import Values, answer, filtered, page
from sgsim.control.peers import DELETED, group_named, no_default_vpc
from sgsim.control.references import referring, with_status
from sgsim.control.requests.groups import CreateSecurityGroup, DeleteSecurityGroup, DescribeSecurityGroups
from sgsim.control.services import protocol_name
from sgsim.control.texts import DEFAULT, group_description, group_name
from sgsim.model import ANY_PROTOCOL, EVERYWHERE, Direction, GroupReference, PrefixListReference, Rule, SecurityGroup

OUTBOUND_CHANGED = "OutboundChanged"  # in the papers of a group whose egress rules are no longer those AWS gave it
DEFAULT_DESCRIPTION = "default VPC security group"


@handles(CreateSecurityGroup)
def create_security_group(call: Call, request: CreateSecurityGroup) -> Answer:
    name = group_name(named(request.group_name, "GroupName"))
    description = group_description(named(request.description, "GroupDescription"))
    tags = tags_for("security-group", request.tag_specifications)
    vpc_id = request.vpc_id
    if vpc_id is None:
        vpc = call.default_vpc()
        if vpc is None:
            raise ApiError("VPCIdNotSpecified", "No default VPC for this user")
        vpc_id = vpc.vpc_id
    call.vpc(vpc_id)
    check_name(call, name, vpc_id)
    check_groups_quota(call, vpc_id)
    group_id = make_group(call, vpc_id, name, description, tags)
    return {
        "GroupId": group_id,
        "Tags": tag_list(tags),
        "SecurityGroupArn": arn(call.papers(group_id), "security-group", group_id),
    }


def usable_groups(call: Call, vpc_id: str) -> list[SecurityGroup]:
    """The VPC's own groups and those associated with it."""
    return [
        group
        for group in call.draft.groups.values()
        if group.vpc_id == vpc_id or (group.group_id, vpc_id) in call.draft.associations
    ]


def check_name(call: Call, name: str, vpc_id: str) -> None:
    """Groups that a VPC may use have different names, whatever the case. Raises ApiError InvalidGroup.Duplicate."""
    if any(group.name.lower() == name.lower() for group in usable_groups(call, vpc_id)):
        message = f"The security group '{name}' already exists for VPC '{vpc_id}'"
        raise ApiError("InvalidGroup.Duplicate", message)


def check_groups_quota(call: Call, vpc_id: str) -> None:
    """Whether the account may have another group, for this VPC. Default groups count. Raises ApiError."""
    if len(call.own(call.draft.groups)) >= call.quotas.security_groups_per_region:
        message = f"The maximum number of security groups for VPC '{vpc_id}' has been reached."
        raise ApiError("SecurityGroupLimitExceeded", message)


def make_group(call: Call, vpc_id: str, name: str, description: str, tags: dict[str, str] | None = None) -> str:
    """A new group with AWS's default egress rules, and for the VPC's default group the ingress rule from itself.

    Source: VPC user guide, "Security groups" and "Default security groups".
    """
    group_id = call.ids.new("sg")
    everywhere = [EVERYWHERE[4], EVERYWHERE[6]] if has_ipv6(call, vpc_id) else [EVERYWHERE[4]]
    group = SecurityGroup(group_id, name, vpc_id, (), tuple(_all_to(call, group_id, each) for each in everywhere))
    if name == DEFAULT:
        rule_id = call.ids.new("sgr")
        itself = GroupReference(group_id)
        rule = Rule(rule_id, group_id, Direction.INGRESS, ANY_PROTOCOL, None, None, itself)
        group = SecurityGroup(group_id, name, vpc_id, (rule,), group.egress)
    call.file(group_id, {"Description": description}, tags)
    keep_group(call, group)
    return group_id


def _all_to(call: Call, group_id: str, network: IPv4Network | IPv6Network) -> Rule:
    return Rule(call.ids.new("sgr"), group_id, Direction.EGRESS, ANY_PROTOCOL, None, None, network)


def has_ipv6(call: Call, vpc_id: str) -> bool:
    associations = call.papers(vpc_id).fields.get("Ipv6CidrBlockAssociationSet", ())
    return any(each["Ipv6CidrBlockState"]["State"] == "associated" for each in associations)


def add_ipv6_egress(call: Call, vpc_id: str) -> None:
    """What comes with a VPC's first IPv6 block: all to ::/0 for groups whose outbound rules were never changed.

    Source: VPC user guide, "Security groups".
    """
    for group in list(call.draft.groups.values()):
        egress = [rule.peer for rule in group.egress]
        if group.vpc_id == vpc_id and not outbound_changed(call, group) and EVERYWHERE[6] not in egress:
            rules = (*group.egress, _all_to(call, group.group_id, EVERYWHERE[6]))
            keep_group(call, group.with_rules(Direction.EGRESS, rules))


def outbound_changed(call: Call, group: SecurityGroup) -> bool:
    return bool(call.papers(group.group_id).fields.get(OUTBOUND_CHANGED))


def keep_group(call: Call, group: SecurityGroup) -> None:
    """Write a group, new or changed, and where its rules are found."""
    draft = call.draft
    before = draft.groups.get(group.group_id)
    new = {rule.rule_id for rule in (*group.ingress, *group.egress)}
    for rule in (*before.ingress, *before.egress) if before else ():
        if rule.rule_id not in new:
            del draft.rule_groups[rule.rule_id]
            draft.papers.pop(rule.rule_id, None)
    for rule_id in new:
        if rule_id not in draft.rule_groups:
            draft.rule_groups[rule_id] = group.group_id
    draft.groups[group.group_id] = group


@handles(DeleteSecurityGroup)
def delete_security_group(call: Call, request: DeleteSecurityGroup) -> Answer:
    group = meant_group(call, request.group_id, request.group_name)
    if group.name == DEFAULT:
        raise ApiError(
            "CannotDelete", f'the specified group: "{group.group_id}" name: "{DEFAULT}" cannot be deleted by a user'
        )
    draft = call.draft
    used = any(group.group_id in interface.group_ids for interface in draft.interfaces.values())
    associated = any(group_id == group.group_id for group_id, _ in draft.associations)
    others = [by for by, _ in referring(call, group.group_id) if by.group_id != group.group_id]
    if used or associated or any(by.vpc_id == group.vpc_id for by in others):
        raise dependency(group.group_id)
    forget_group(call, group)
    return {"Return": True, "GroupId": group.group_id}


def forget_group(call: Call, group: SecurityGroup) -> None:
    """Delete it; rules of peer VPCs that refer to it become stale."""
    for by, rule in referring(call, group.group_id):
        if by.group_id != group.group_id:
            with_status(call, rule, DELETED, group.vpc_id)
    keep_group(call, SecurityGroup(group.group_id, group.name, group.vpc_id, (), ()))
    del call.draft.groups[group.group_id]
    del call.draft.papers[group.group_id]


def meant_group(call: Call, group_id: str | None, name: str | None) -> SecurityGroup:
    """The group of a request that takes an id or, in a default VPC, a name.

    The id counts where both are given; but a name needs a default VPC even then. Raises ApiError.
    """
    if name is not None and call.default_vpc() is None:
        raise no_default_vpc()
    if group_id is not None:
        return call.group(group_id)
    if name is not None:
        return group_named(call, name)
    raise missing("GroupId")


@handles(DescribeSecurityGroups)
def describe_security_groups(call: Call, request: DescribeSecurityGroups) -> Answer:
    groups = list(call.own(call.draft.groups).values())
    if request.group_ids:
        wanted = {call.group(group_id).group_id for group_id in request.group_ids}
        groups = [group for group in groups if group.group_id in wanted]
    if request.group_names:
        wanted = {group_named(call, name).group_id for name in request.group_names}
        groups = [group for group in groups if group.group_id in wanted]
    groups = filtered(groups, request.filters, group_filters(call), lambda group: call.tags(group.group_id))
    shown, token = page(groups, request.max_results, request.next_token)
    return answer("SecurityGroups", [shown_group(group, call.draft.papers) for group in shown], token)


def group_filters(call: Call) -> dict[str, Values[SecurityGroup]]:
    """The filters of DescribeSecurityGroups. Several about rules may be met by different rules of a group."""
    known: dict[str, Values[SecurityGroup]] = {
        "description": lambda group: (call.papers(group.group_id).fields.get("Description", ""),),
        "group-id": lambda group: (group.group_id,),
        "group-name": lambda group: (group.name,),
        "owner-id": lambda group: (call.papers(group.group_id).owner,),
        "vpc-id": lambda group: (group.vpc_id,),
    }
    for name, value in _rule_filters(call).items():
        known[f"ip-permission.{name}"] = _of_rules(value, Direction.INGRESS)
        known[f"egress.ip-permission.{name}"] = _of_rules(value, Direction.EGRESS)
    return known


def _of_rules(value: Callable[[Rule], Iterable[str | None]], direction: Direction) -> Values[SecurityGroup]:
    return lambda group: chain.from_iterable(value(rule) for rule in group.rules(direction))


def _rule_filters(call: Call) -> dict[str, Callable[[Rule], Iterable[str | None]]]:
    def reference(rule: Rule) -> GroupReference | None:
        return rule.peer if isinstance(rule.peer, GroupReference) else None

    def group_names(rule: Rule) -> Iterable[str]:
        peer = reference(rule)
        found = call.draft.groups.get(peer.group_id) if peer else None
        return (found.name,) if found else ()

    def users(rule: Rule) -> Iterable[str]:
        peer = reference(rule)
        found = call.draft.papers.get(peer.group_id) if peer else None
        return (found.owner,) if found else ()

    def network(version: int) -> Callable[[Rule], Iterable[str]]:
        return lambda rule: (str(rule.peer),) if getattr(rule.peer, "version", 0) == version else ()

    return {
        "cidr": network(4),
        "ipv6-cidr": network(6),
        "from-port": lambda rule: () if rule.from_port is None else (str(rule.from_port),),
        "to-port": lambda rule: () if rule.to_port is None else (str(rule.to_port),),
        "group-id": lambda rule: (peer.group_id,) if (peer := reference(rule)) else (),
        "group-name": group_names,
        "prefix-list-id": lambda rule: (
            (rule.peer.prefix_list_id,) if isinstance(rule.peer, PrefixListReference) else ()
        ),
        "protocol": lambda rule: (protocol_name(rule.protocol), str(rule.protocol)),
        "user-id": users,
    }
