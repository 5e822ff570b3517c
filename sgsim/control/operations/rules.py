"""Rules of security groups: authorised, revoked, modified, described."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from sgsim.control.answers import shown_revoked, shown_rule
from sgsim.control.call import Answer, Call, handles, named, tags_for
from sgsim.control.cidrs import cidr4, cidr6
from sgsim.control.errors import ApiError, combination, invalid, missing, unknown_id
from sgsim.control.listing import Values, answer, filtered, page
from sgsim.control.operations.groups import OUTBOUND_CHANGED, keep_group, meant_group
from sgsim.control.peers import prefix_list_peer, reference
from sgsim.control.permissions import Wanted, identity, peer_kind, placed, rule_text, wanted_rules
from sgsim.control.requests.groups import (
    AuthorizeSecurityGroupEgress,
    AuthorizeSecurityGroupIngress,
    DescribeSecurityGroupRules,
    IpPermission,
    IpRange,
    ModifySecurityGroupRules,
    RevokeSecurityGroupEgress,
    RevokeSecurityGroupIngress,
    SecurityGroupRuleRequest,
    UpdateSecurityGroupRuleDescriptionsEgress,
    UpdateSecurityGroupRuleDescriptionsIngress,
    UserIdGroupPair,
)
from sgsim.control.services import service
from sgsim.control.texts import rule_description
from sgsim.control.weights import check_rules_quota
from sgsim.model import Direction, Peer, Rule, SecurityGroup

_KINDS = ("IPv4 CIDR", "IPv6 CIDR", "prefix list", "security group")
_PEER_MEMBERS = ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId")


def _direction(egress: bool) -> Direction:
    return Direction.EGRESS if egress else Direction.INGRESS


def _changed(call: Call, group: SecurityGroup, direction: Direction, rules: Iterable[Rule]) -> SecurityGroup:
    """The group with other rules in one direction, written to the draft."""
    group = group.with_rules(direction, rules)
    if direction is Direction.EGRESS:
        call.refile(group.group_id, **{OUTBOUND_CHANGED: True})
    keep_group(call, group)
    return group


# --- authorise ----------------------------------------------------------------------------------------------------


@handles(AuthorizeSecurityGroupIngress)
@handles(AuthorizeSecurityGroupEgress)
def authorize(call: Call, request: AuthorizeSecurityGroupIngress) -> Answer:
    """All rules of the request are added, or none."""
    direction = _direction(isinstance(request, AuthorizeSecurityGroupEgress))
    group = meant_group(call, request.group_id, request.group_name)
    tags = tags_for("security-group-rule", request.tag_specifications)
    wanted = wanted_rules(call, group, direction, _permissions(request, direction))
    there = {identity(rule) for rule in group.rules(direction)}
    for each in wanted:
        if each.identity in there:
            raise ApiError("InvalidPermission.Duplicate", f'the specified rule "{rule_text(each)}" already exists')
    rules = [each.rule(call.ids.new("sgr"), group.group_id) for each in wanted]
    after = group.rules(direction)
    for rule in rules:
        after = placed(after, rule)
        if tags:
            call.file(rule.rule_id, tags=tags)
    check_rules_quota(call, _changed(call, group, direction, after), direction)
    return {"Return": True, "SecurityGroupRules": [shown_rule(rule, call.draft.papers) for rule in rules]}


def _permissions(
    request: AuthorizeSecurityGroupIngress | RevokeSecurityGroupIngress, direction: Direction
) -> Sequence[IpPermission]:
    """IpPermissions, or the one that the flat members of an ingress request make."""
    flat = (
        request.ip_protocol,
        request.from_port,
        request.to_port,
        request.cidr_ip,
        request.source_security_group_name,
        request.source_security_group_owner_id,
    )
    given = any(member is not None for member in flat)
    if request.ip_permissions:
        if given:
            raise combination("The parameter ipPermissions may not be used with the members of a single permission")
        return request.ip_permissions
    if not given:
        return ()
    if direction is Direction.EGRESS:
        raise missing("ipPermissions")  # "Not supported. Use IP permissions instead." (EC2 API reference)
    name, owner = request.source_security_group_name, request.source_security_group_owner_id
    return (
        IpPermission(
            ip_protocol="-1" if name is not None and request.ip_protocol is None else request.ip_protocol,
            from_port=request.from_port,
            to_port=request.to_port,
            ip_ranges=[] if request.cidr_ip is None else [IpRange(cidr_ip=request.cidr_ip)],
            user_id_group_pairs=[] if name is None else [UserIdGroupPair(group_name=name, user_id=owner)],
        ),
    )


# --- revoke -------------------------------------------------------------------------------------------------------


@handles(RevokeSecurityGroupIngress)
@handles(RevokeSecurityGroupEgress)
def revoke(call: Call, request: RevokeSecurityGroupIngress) -> Answer:
    """By ids or by value. By value, a rule that is not there is told in a default VPC, and an error in others."""
    direction = _direction(isinstance(request, RevokeSecurityGroupEgress))
    group = meant_group(call, request.group_id, request.group_name)
    unknown: list[Wanted] = []
    if request.security_group_rule_ids:
        if request.ip_permissions:
            raise combination("The parameters SecurityGroupRuleIds and IpPermissions may not be used together")
        gone = [_rule_of(group, direction, rule_id) for rule_id in dict.fromkeys(request.security_group_rule_ids)]
    else:
        wanted = wanted_rules(call, group, direction, _permissions(request, direction), known=False)
        gone, unknown = _by_value(group, direction, wanted)
        if unknown and not call.is_default_vpc(group.vpc_id):
            raise _no_such_rule()
    if gone:
        left = [rule for rule in group.rules(direction) if rule not in gone]
        shown = [shown_revoked(rule, call.draft.papers) for rule in gone]
        _changed(call, group, direction, left)
    else:
        shown = []
    return {
        "Return": True,
        "UnknownIpPermissions": [_shown_unknown(each) for each in unknown],
        "RevokedSecurityGroupRules": shown,
    }


def _no_such_rule() -> ApiError:
    return ApiError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")


def _rule_of(group: SecurityGroup, direction: Direction, rule_id: str) -> Rule:
    for rule in group.rules(direction):
        if rule.rule_id == rule_id:
            return rule
    raise unknown_id("sgr", rule_id)


def _by_value(group: SecurityGroup, direction: Direction, wanted: Iterable[Wanted]) -> tuple[list[Rule], list[Wanted]]:
    """The group's rules that are wanted, and what has none."""
    there = {identity(rule): rule for rule in group.rules(direction)}
    found, unknown = [], []
    for each in wanted:
        if each.identity in there:
            found.append(there[each.identity])
        else:
            unknown.append(each)
    return found, unknown


def _shown_unknown(wanted: Wanted) -> dict[str, object]:
    given = wanted.permission
    ports = {"FromPort": given.from_port, "ToPort": given.to_port}
    pairs = [{"GroupId": pair.group_id} for pair in given.user_id_group_pairs]
    return {
        "IpProtocol": given.ip_protocol,
        **{name: port for name, port in ports.items() if port is not None},
        "IpRanges": [{"CidrIp": each.cidr_ip} for each in given.ip_ranges],
        "Ipv6Ranges": [{"CidrIpv6": each.cidr_ipv6} for each in given.ipv6_ranges],
        "PrefixListIds": [{"PrefixListId": each.prefix_list_id} for each in given.prefix_list_ids],
        "UserIdGroupPairs": pairs,
    }


# --- modify -------------------------------------------------------------------------------------------------------


@handles(ModifySecurityGroupRules)
def modify_security_group_rules(call: Call, request: ModifySecurityGroupRules) -> Answer:
    """Each rule becomes what the request says of it, whole; its id, direction and kind of peer stay."""
    group = call.group(named(request.group_id, "GroupId"))
    if not request.security_group_rules:
        raise missing("SecurityGroupRule")
    ids = [named(each.security_group_rule_id, "SecurityGroupRuleId") for each in request.security_group_rules]
    if len(set(ids)) < len(ids):
        raise invalid("The same security group rule ID must not appear multiple times")
    before = {rule.rule_id: rule for rule in (*group.ingress, *group.egress)}
    changed = []
    for rule_id, each in zip(ids, request.security_group_rules, strict=True):
        if rule_id not in before:
            raise unknown_id("sgr", rule_id)
        changed.append(_modified(call, group, before[rule_id], each.security_group_rule))
    for direction in Direction:
        new = [rule for rule in changed if rule.direction is direction]
        if new:
            group = _changed(call, group, direction, _with(group.rules(direction), new))
            check_rules_quota(call, group, direction)
    return {"Return": True}


def _modified(call: Call, group: SecurityGroup, rule: Rule, request: SecurityGroupRuleRequest) -> Rule:
    return Rule(
        rule.rule_id,
        rule.group_id,
        rule.direction,
        *service(request.ip_protocol, request.from_port, request.to_port, "Invalid value for portRange. {}"),
        _modified_peer(call, group, rule, request),
        rule_description(request.description),
    )


def _modified_peer(call: Call, group: SecurityGroup, rule: Rule, request: SecurityGroupRuleRequest) -> Peer:
    members = (request.cidr_ipv4, request.cidr_ipv6, request.prefix_list_id, request.referenced_group_id)
    given = [(kind, text) for kind, text in enumerate(members) if text is not None]
    if not given:
        message = "The request must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId"
        raise ApiError("MissingParameter", message)
    if len(given) > 1:
        raise combination("Only one of cidrIp, cidrIpv6, prefixListId, or referencedGroupId can be specified")
    kind, text = given[0]
    if kind != peer_kind(rule.peer):
        raise invalid(
            f"Invalid rule type for security group rule '{rule.rule_id}'. "
            f"You may not specify {_PEER_MEMBERS[kind]} for an existing {_KINDS[peer_kind(rule.peer)]} rule."
        )
    makers: tuple[Callable[[], Peer], ...] = (
        lambda: cidr4(text),
        lambda: cidr6(text),
        lambda: prefix_list_peer(call, text, known=True),
        lambda: reference(call, group, text),
    )
    return makers[kind]()


def _with(rules: Iterable[Rule], changed: list[Rule]) -> tuple[Rule, ...]:
    """The rules with some in place of those of their ids; one whose protocol or ports are others moves.

    Raises ApiError where two would be the same.
    """
    by_id = {rule.rule_id: rule for rule in changed}
    after: tuple[Rule, ...] = ()
    for rule in rules:
        new = by_id.pop(rule.rule_id, rule)
        if any(identity(new) == identity(other) for other in after):
            raise ApiError("InvalidPermission.Duplicate", f'the specified rule "{rule_text(new)}" already exists')
        after = placed(after, new)
    return after


# --- descriptions -------------------------------------------------------------------------------------------------


@handles(UpdateSecurityGroupRuleDescriptionsIngress)
@handles(UpdateSecurityGroupRuleDescriptionsEgress)
def update_descriptions(call: Call, request: UpdateSecurityGroupRuleDescriptionsIngress) -> Answer:
    """Without a description in the request, a rule loses its own."""
    direction = _direction(isinstance(request, UpdateSecurityGroupRuleDescriptionsEgress))
    group = meant_group(call, request.group_id, request.group_name)
    texts: dict[str, str] = {}
    if request.security_group_rule_descriptions:
        if request.ip_permissions:
            raise combination("The parameters ipPermissions and SecurityGroupRuleDescriptions may not be used together")
        for each in request.security_group_rule_descriptions:
            rule_id = named(each.security_group_rule_id, "SecurityGroupRuleId")
            texts[_rule_of(group, direction, rule_id).rule_id] = rule_description(each.description)
    else:
        there = {identity(rule): rule for rule in group.rules(direction)}
        for wanted in wanted_rules(call, group, direction, request.ip_permissions, known=False):
            if wanted.identity not in there:
                raise _no_such_rule()
            texts[there[wanted.identity].rule_id] = wanted.description
    after = (
        replace(rule, description=texts[rule.rule_id]) if rule.rule_id in texts else rule
        for rule in group.rules(direction)
    )
    keep_group(call, group.with_rules(direction, after))
    return {"Return": True}


# --- describe -----------------------------------------------------------------------------------------------------


@handles(DescribeSecurityGroupRules)
def describe_security_group_rules(call: Call, request: DescribeSecurityGroupRules) -> Answer:
    rules = [rule for group in call.own(call.draft.groups).values() for rule in (*group.ingress, *group.egress)]
    if request.security_group_rule_ids:
        by_id = {rule.rule_id: rule for rule in rules}
        for rule_id in request.security_group_rule_ids:
            if rule_id not in by_id:
                raise unknown_id("sgr", rule_id)
        rules = [by_id[rule_id] for rule_id in dict.fromkeys(request.security_group_rule_ids)]
    known: dict[str, Values[Rule]] = {
        "group-id": lambda rule: (rule.group_id,),
        "security-group-rule-id": lambda rule: (rule.rule_id,),
    }
    rules = filtered(rules, request.filters, known, lambda rule: call.tags(rule.rule_id))
    shown, token = page(rules, request.max_results, request.next_token)
    return answer("SecurityGroupRules", [shown_rule(rule, call.draft.papers) for rule in shown], token)
