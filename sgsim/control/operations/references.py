"""Who refers to a group from beyond a peering connection, and which references have become stale."""

from __future__ import annotations

from sgsim.control.answers import Shown, permissions
from sgsim.control.call import Answer, Call, handles, named
from sgsim.control.errors import missing
from sgsim.control.listing import answer, page
from sgsim.control.references import referring, stale_rules
from sgsim.control.requests.groups import DescribeSecurityGroupReferences, DescribeStaleSecurityGroups
from sgsim.model import Direction, GroupReference, SecurityGroup


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
        "StaleIpPermissions": _without_empty(permissions(stale[Direction.INGRESS], call.draft.papers)),
        "StaleIpPermissionsEgress": _without_empty(permissions(stale[Direction.EGRESS], call.draft.papers)),
        "VpcId": group.vpc_id,
    }


def _without_empty(shown: list[Shown]) -> list[Shown]:
    """A StaleIpPermission has no Ipv6Ranges, and its other ranges are texts: none of them can be stale."""
    names = ("IpProtocol", "FromPort", "ToPort", "UserIdGroupPairs")
    return [{name: each[name] for name in names if name in each} for each in shown]


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
