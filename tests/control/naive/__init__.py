"""An independent model of the control plane: plain dicts and lists, written from AWS's documentation and not from the
control plane's code, with the whole world walked for every question. Slow, and easy to read.

A call takes the world, the account, the parameters and what the control plane itself chose (``Chosen``), changes the
world and returns what the answer holds; or raises ``Refused`` and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.control.naive import groups, instances, interfaces, lists, networks, rules, tags
from tests.control.naive.tags import given_tags
from tests.control.naive.world import Chosen, Record, Refused, World

__all__ = ["OPERATIONS", "Chosen", "Record", "Refused", "World", "call"]

_CALLS: dict[str, Callable[[World, str, Record, Chosen], Record]] = {
    "CreateSecurityGroup": groups.create,
    "DeleteSecurityGroup": groups.delete,
    "AssociateSecurityGroupVpc": groups.associate,
    "DisassociateSecurityGroupVpc": groups.disassociate,
    "AuthorizeSecurityGroupIngress": partial(rules.authorize, egress=False),
    "AuthorizeSecurityGroupEgress": partial(rules.authorize, egress=True),
    "RevokeSecurityGroupIngress": partial(rules.revoke, egress=False),
    "RevokeSecurityGroupEgress": partial(rules.revoke, egress=True),
    "ModifySecurityGroupRules": rules.modify,
    "UpdateSecurityGroupRuleDescriptionsIngress": partial(rules.describe, egress=False),
    "UpdateSecurityGroupRuleDescriptionsEgress": partial(rules.describe, egress=True),
    "CreateManagedPrefixList": lists.create,
    "ModifyManagedPrefixList": lists.modify,
    "RestoreManagedPrefixListVersion": lists.restore,
    "DeleteManagedPrefixList": lists.delete,
    "CreateVpc": networks.create_vpc,
    "DeleteVpc": networks.delete_vpc,
    "AssociateVpcCidrBlock": networks.add_block,
    "DisassociateVpcCidrBlock": networks.remove_block,
    "CreateSubnet": networks.create_subnet,
    "DeleteSubnet": networks.delete_subnet,
    "CreateVpcPeeringConnection": networks.create_peering,
    "AcceptVpcPeeringConnection": networks.accept_peering,
    "RejectVpcPeeringConnection": networks.reject_peering,
    "DeleteVpcPeeringConnection": networks.delete_peering,
    "CreateNetworkInterface": interfaces.create,
    "ModifyNetworkInterfaceAttribute": interfaces.modify,
    "DeleteNetworkInterface": interfaces.delete,
    "RunInstances": instances.run,
    "StartInstances": partial(instances.change_state, to="running"),
    "StopInstances": partial(instances.change_state, to="stopped"),
    "TerminateInstances": partial(instances.change_state, to="terminated"),
    "ModifyInstanceAttribute": instances.modify,
    "AttachNetworkInterface": instances.attach,
    "DetachNetworkInterface": instances.detach,
    "CreateTags": tags.create_tags,
    "DeleteTags": tags.delete_tags,
}

#: The kinds of what these make, which may get tags.
_TAGGED = {
    "CreateSecurityGroup": "sg",
    "AuthorizeSecurityGroupIngress": "sgr",
    "AuthorizeSecurityGroupEgress": "sgr",
    "CreateManagedPrefixList": "pl",
    "CreateVpc": "vpc",
    "CreateSubnet": "subnet",
    "CreateVpcPeeringConnection": "pcx",
    "CreateNetworkInterface": "eni",
    "RunInstances": "i",
}


def call(world: World, account: str, operation: str, params: Record, chosen: Chosen) -> Record:
    """Do the call. Raises Refused."""
    try:
        return _CALLS[operation](world, account, params, chosen)
    except Refused as refused:
        wrong = given_tags(params, _TAGGED[operation])[1] if operation in _TAGGED else set()
        raise Refused(*refused.codes, *wrong) from None


OPERATIONS = _CALLS.keys()
