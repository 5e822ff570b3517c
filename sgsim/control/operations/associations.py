"""Security groups in other VPCs of their Region: associated, dissociated, and which groups a VPC may use.

Source: VPC user guide, "Associate security groups with multiple VPCs".
"""

from __future__ import annotations

from sgsim.control.answers import Shown, tag_list
from sgsim.control.call import Answer, Call, handles, named
from sgsim.control.errors import ApiError, invalid
from sgsim.control.listing import answer, filtered, page
from sgsim.control.operations.groups import check_name, usable_groups
from sgsim.control.peers import DISASSOCIATED
from sgsim.control.references import by_association, with_peer, with_status
from sgsim.control.requests.groups import (
    AssociateSecurityGroupVpc,
    DescribeSecurityGroupVpcAssociations,
    DisassociateSecurityGroupVpc,
    GetSecurityGroupsForVpc,
)
from sgsim.control.texts import DEFAULT
from sgsim.model import GroupReference, GroupVpcAssociation, SecurityGroup


@handles(AssociateSecurityGroupVpc)
def associate_security_group_vpc(call: Call, request: AssociateSecurityGroupVpc) -> Answer:
    """Rules of the VPC that the end of an earlier association made stale are so no longer."""
    group = call.group(named(request.group_id, "GroupId"))
    vpc = call.vpc(named(request.vpc_id, "VpcId"))
    if group.name == DEFAULT:
        raise invalid(f"The default security group '{group.group_id}' cannot be associated with a VPC.")
    if call.is_default_vpc(vpc.vpc_id):
        raise invalid(f"Security groups cannot be associated with the default VPC '{vpc.vpc_id}'.")
    if group.vpc_id == vpc.vpc_id:
        raise invalid(f"The security group '{group.group_id}' belongs to the VPC '{vpc.vpc_id}'.")
    if (group.group_id, vpc.vpc_id) in call.draft.associations:
        raise ApiError(
            "ResourceAlreadyAssociated",
            f"The security group '{group.group_id}' is already associated with the VPC '{vpc.vpc_id}'",
        )
    check_name(call, group.name, vpc.vpc_id)
    call.draft.associations[group.group_id, vpc.vpc_id] = GroupVpcAssociation(group.group_id, vpc.vpc_id)
    for rule in by_association(call, group.group_id, vpc.vpc_id):
        with_peer(call, rule, GroupReference(group.group_id))
    return {"State": "associating"}


@handles(DisassociateSecurityGroupVpc)
def disassociate_security_group_vpc(call: Call, request: DisassociateSecurityGroupVpc) -> Answer:
    """Rules of the VPC that refer to the group become stale, but for those that do so over a peering connection."""
    group = call.group(named(request.group_id, "GroupId"))
    vpc = call.vpc(named(request.vpc_id, "VpcId"))
    if (group.group_id, vpc.vpc_id) not in call.draft.associations:
        raise ApiError(
            "InvalidSecurityGroupVpcAssociation.NotFound",
            f"The security group '{group.group_id}' is not associated with the VPC '{vpc.vpc_id}'",
        )
    if any(i.vpc_id == vpc.vpc_id and group.group_id in i.group_ids for i in call.draft.interfaces.values()):
        raise ApiError("DependencyViolation", f"resource {group.group_id} has a dependent object")
    del call.draft.associations[group.group_id, vpc.vpc_id]
    for rule in by_association(call, group.group_id, vpc.vpc_id):
        with_status(call, rule, DISASSOCIATED, group.vpc_id)
    return {"State": "disassociating"}


@handles(DescribeSecurityGroupVpcAssociations)
def describe_security_group_vpc_associations(call: Call, request: DescribeSecurityGroupVpcAssociations) -> Answer:
    own = [each for each in call.draft.associations.values() if call.sees(each.group_id) or call.sees(each.vpc_id)]
    known = {
        "group-id": lambda each: (each.group_id,),
        "group-owner-id": lambda each: (call.papers(each.group_id).owner,),
        "state": lambda each: (each.state,),
        "vpc-id": lambda each: (each.vpc_id,),
        "vpc-owner-id": lambda each: (call.papers(each.vpc_id).owner,),
    }
    found = filtered(own, request.filters, known)
    shown, token = page(found, request.max_results, request.next_token)
    return answer("SecurityGroupVpcAssociations", [shown_association(call, each) for each in shown], token)


def shown_association(call: Call, association: GroupVpcAssociation) -> Shown:
    return {
        "GroupId": association.group_id,
        "VpcId": association.vpc_id,
        "VpcOwnerId": call.papers(association.vpc_id).owner,
        "State": association.state,
        "GroupOwnerId": call.papers(association.group_id).owner,
    }


@handles(GetSecurityGroupsForVpc)
def get_security_groups_for_vpc(call: Call, request: GetSecurityGroupsForVpc) -> Answer:
    vpc = call.vpc(named(request.vpc_id, "VpcId"))
    known = {
        "description": lambda group: (call.papers(group.group_id).fields.get("Description", ""),),
        "group-id": lambda group: (group.group_id,),
        "group-name": lambda group: (group.name,),
        "owner-id": lambda group: (call.papers(group.group_id).owner,),
        "primary-vpc-id": lambda group: (group.vpc_id,),
    }
    groups = filtered(usable_groups(call, vpc.vpc_id), request.filters, known, lambda group: call.tags(group.group_id))
    shown, token = page(groups, request.max_results, request.next_token)
    return answer("SecurityGroupForVpcs", [_for_vpc(call, group) for group in shown], token)


def _for_vpc(call: Call, group: SecurityGroup) -> Shown:
    papers = call.papers(group.group_id)
    return {
        "Description": papers.fields.get("Description", ""),
        "GroupName": group.name,
        "OwnerId": papers.owner,
        "GroupId": group.group_id,
        "Tags": tag_list(papers.tags),
        "PrimaryVpcId": group.vpc_id,
    }
