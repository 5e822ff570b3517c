"""Which security groups an interface may have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sgsim.control.call import Call
from sgsim.control.errors import ApiError
from sgsim.control.texts import DEFAULT


class Refusals(NamedTuple):
    """How an operation says what is wrong with the groups of an interface."""

    too_many: Callable[[Call], ApiError]
    elsewhere: Callable[[str, str | None], ApiError]  # of a group, and of a subnet whose VPC may not use it


def _different_networks(_group_id: str, _subnet_id: str | None) -> ApiError:
    return ApiError("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")


ON_CREATE = Refusals(
    lambda call: ApiError(
        "InvalidParameterValue",
        f"user {call.caller.account} exceeded limit {call.quotas.security_groups_per_interface} "
        "on the number of interface security group memberships",
    ),
    _different_networks,
)
ON_MODIFY = Refusals(
    lambda _: ApiError(
        "SecurityGroupsPerInterfaceLimitExceeded",
        "The maximum number of security groups per interface has been reached.",
    ),
    _different_networks,
)
ON_RUN = Refusals(
    lambda _: ApiError(
        "SecurityGroupsPerInstanceLimitExceeded",
        "The maximum number of security groups per instance has been reached.",
    ),
    lambda group_id, subnet_id: ApiError(
        "InvalidParameter", f"Security group {group_id} and subnet {subnet_id} belong to different networks."
    ),
)


def interface_groups(
    call: Call, group_ids: Sequence[str], vpc_id: str | None, subnet_id: str | None, refusals: Refusals
) -> tuple[str, ...]:
    """The groups that a request gives to an interface, each once, in its order: of its VPC or associated with that.

    Without any it is the VPC's default group (VPC user guide, "Default security groups").

    Raises ApiError: one that is not there or that the VPC may not use; more than an interface may have.
    """
    if not group_ids:
        return (default_group(call, vpc_id),)
    found = tuple(dict.fromkeys(call.group(group_id).group_id for group_id in group_ids))
    for group_id in found:
        if call.draft.groups[group_id].vpc_id != vpc_id and (group_id, vpc_id or "") not in call.draft.associations:
            raise refusals.elsewhere(group_id, subnet_id)
    if len(found) > call.quotas.security_groups_per_interface:
        raise refusals.too_many(call)
    return found


def default_group(call: Call, vpc_id: str | None) -> str:
    """Raises ApiError where the VPC has none, as in a snapshot that shows only some groups."""
    for group in call.draft.groups.values():
        if group.vpc_id == vpc_id and group.name == DEFAULT:
            return group.group_id
    raise ApiError("InvalidGroup.NotFound", f"The security group '{DEFAULT}' does not exist in VPC '{vpc_id}'")
