"""Who refers to a group from beyond a peering connection, and which references have become stale."""

from __future__ import annotations

from collections.abc import Iterable

from sgsim.control.answers import Shown, permissions
from sgsim.control.call import Answer, Call, handles, named
from sgsim.control.errors import missing
from sgsim.control.listing import answer, page
from sgsim.control.references import referring, stale_rules
from sgsim.control.requests.groups import DescribeSecurityGroupReferences, DescribeStaleSecurityGroups
from sgsim.model import Direction, GroupReference, Rule, SecurityGroup


@handles(DescribeStaleSecurityGroups)
def describe_stale_security_groups(call: Call, request: DescribeStaleSecurityGroups) -> Answer:
    vpc = call.vpc(named(request.vpc_id, "VpcId"))
    found = [
        shown
        for group in call.own(call.draft.groups).values()
        if group.vpc_id == vpc.vpc_id and (shown := _stale(call, group)) is not None
    ]
    shown_now, token = page(found, request.max_results, request.next_token)
    return answer("StaleSecurityGroupSet", shown_now, token)


def _stale(call: Call, group: SecurityGroup) -> Shown | None:
    stale = {direction: list(stale_rules(call, group, direction)) for direction in Direction}
    if not any(stale.values()):
        return None
    return {
        "Description": call.papers(group.group_id).fields.get("Description", ""),
        "GroupId": group.group_id,
        "GroupName": group.name,
        "StaleIpPermissions": _stale_permissions(call, stale[Direction.INGRESS]),
        "StaleIpPermissionsEgress": _stale_permissions(call, stale[Direction.EGRESS]),
        "VpcId": group.vpc_id,
    }


def _stale_permissions(call: Call, rules: Iterable[Rule]) -> list[Shown]:
    """A StaleIpPermission has no Ipv6Ranges, and its other ranges are texts: none of them can be stale."""
    names = ("IpProtocol", "FromPort", "ToPort", "UserIdGroupPairs")
    shown = [{name: each[name] for name in names if name in each} for each in permissions(rules, call.draft.papers)]
    for permission in shown:
        permission["UserIdGroupPairs"] = [_stale_pair(call, pair) for pair in permission["UserIdGroupPairs"]]
    return shown


def _stale_pair(call: Call, pair: Shown) -> Shown:
    """With the status of the connection: where it is active, what is gone is the group."""
    shown = {name: value for name, value in pair.items() if name != "UserId"}
    connection = call.draft.peerings.get(pair.get("VpcPeeringConnectionId", ""))
    return shown if connection is None else shown | {"PeeringStatus": connection.status}


@handles(DescribeSecurityGroupReferences)
def describe_security_group_references(call: Call, request: DescribeSecurityGroupReferences) -> Answer:
    if not request.group_id:
        raise missing("GroupId")
    found: dict[tuple[str, str | None, str], Shown] = {}
    for group_id in request.group_id:
        call.group(group_id)
        for by, rule in referring(call, group_id):
            assert isinstance(rule.peer, GroupReference)
            peering_id = rule.peer.vpc_peering_connection_id
            if peering_id is None:
                continue  # only references from the other side of a connection are told
            shown = {"GroupId": group_id, "ReferencingVpcId": by.vpc_id, "VpcPeeringConnectionId": peering_id}
            found.setdefault((group_id, by.vpc_id, peering_id), shown)
    return answer("SecurityGroupReferenceSet", list(found.values()), None)
