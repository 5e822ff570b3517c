"""Groups and prefix lists as peers of rules: which may be referred to from where."""

from __future__ import annotations

from sgsim.control.call import Call
from sgsim.control.errors import ApiError, invalid, missing, unknown_id
from sgsim.control.requests.groups import UserIdGroupPair
from sgsim.model import GroupReference, PrefixListReference, SecurityGroup, VpcPeeringConnection

# The status of references of stale rules: the group or the connection is gone; the group is associated no more.
DELETED, DISASSOCIATED = "deleted", "disassociated"


def prefix_list_peer(call: Call, prefix_list_id: str, known: bool) -> PrefixListReference:
    """Raises ApiError where the caller has no such list."""
    if known:
        call.prefix_list(prefix_list_id)
    return PrefixListReference(prefix_list_id)


def group_peer(call: Call, group: SecurityGroup, pair: UserIdGroupPair, known: bool) -> GroupReference:
    """The reference from a rule of ``group`` to the group that the pair names.

    A group may be named by its name in a default VPC alone; the other one must be of the same VPC, be associated with
    it, or be of one with an active peering; one of another account only goes with that account (VPC peering guide,
    "Update your security groups to reference peer security groups"). Raises ApiError.
    """
    name = pair.group_id
    if name is None:
        name = _by_name(call, group, pair.group_name)
    if not known:
        return GroupReference(name)
    if name in call.draft.groups and call.papers(name).owner != (pair.user_id or call.caller.account):
        raise unknown_id("sg", name)
    return reference(call, group, name, pair.vpc_peering_connection_id)


def _by_name(call: Call, group: SecurityGroup, name: str | None) -> str:
    if name is None:
        raise missing("GroupId")
    if not call.is_default_vpc(group.vpc_id):
        raise invalid(
            f"Invalid value '{name}' for groupName. You may not reference Amazon VPC security groups by name. "
            "Please use the corresponding id for this operation."
        )
    return group_named(call, name).group_id


def group_named(call: Call, name: str) -> SecurityGroup:
    """A group of the default VPC by its name.

    Raises ApiError: ``VPCIdNotSpecified`` without a default VPC, ``InvalidGroup.NotFound``.
    """
    vpc = call.default_vpc()
    if vpc is None:
        raise no_default_vpc()
    for group in call.own(call.draft.groups).values():
        if group.vpc_id == vpc.vpc_id and group.name.lower() == name.lower():
            return group
    raise ApiError("InvalidGroup.NotFound", f"The security group '{name}' does not exist in default VPC '{vpc.vpc_id}'")


def no_default_vpc() -> ApiError:
    """What a name of a group is answered with where there is no default VPC to look for it in."""
    message = "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC."
    return ApiError("VPCIdNotSpecified", message)


def reference(call: Call, group: SecurityGroup, name: str, peering_id: str | None = None) -> GroupReference:
    """Source: VPC peering guide, "Update your security groups to reference peer security groups"."""
    peer = call.draft.groups.get(name)
    if peer is None:
        raise unknown_id("sg", name)
    if peer.vpc_id == group.vpc_id or (name, group.vpc_id) in call.draft.associations:
        return GroupReference(name)
    for connection in call.draft.peerings.values():
        if _usable(connection, group.vpc_id, peer.vpc_id, peering_id):
            return GroupReference(name, peer.vpc_id, connection.vpc_peering_connection_id, connection.status)
    if not call.sees(name):
        raise unknown_id("sg", name)
    raise ApiError("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")


def _usable(connection: VpcPeeringConnection, here: str | None, there: str | None, name: str | None) -> bool:
    """Across Regions groups cannot be referred to (VPC peering guide, "Limitations")."""
    regions = {connection.requester_region, connection.accepter_region} - {None}
    return (
        connection.status == "active"
        and connection.joins(here, there)
        and len(regions) < 2
        and name in (None, connection.vpc_peering_connection_id)
    )
