"""VPCs: created with their default group, given further blocks, deleted, described."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Any

from sgsim.control.answers import Shown, tag_list
from sgsim.control.call import Answer, Call, handles, named, tags_for
from sgsim.control.cidrs import cidr4, cidr6
from sgsim.control.errors import ApiError
from sgsim.control.listing import Values, answer, filtered, page
from sgsim.control.operations.groups import (
    DEFAULT_DESCRIPTION,
    add_ipv6_egress,
    check_groups_quota,
    forget_group,
    has_ipv6,
    make_group,
)
from sgsim.control.operations.peerings import ACTIVE, PENDING, end_peering, of_now
from sgsim.control.operations.subnets import make_subnet
from sgsim.control.requests.vpcs import (
    AssociateVpcCidrBlock,
    CreateDefaultVpc,
    CreateVpc,
    DeleteVpc,
    DescribeVpcs,
    DisassociateVpcCidrBlock,
)
from sgsim.control.store import Fields
from sgsim.control.texts import DEFAULT
from sgsim.model import Vpc

_DEFAULT_BLOCK = IPv4Network("172.31.0.0/16")
_AMAZON_IPV6 = IPv6Network("2600:1f00::/24")  # whence blocks that Amazon provides are taken
_ZONES = "abc"


@handles(CreateVpc)
def create_vpc(call: Call, request: CreateVpc) -> Answer:
    block = vpc_block(named(request.cidr_block, "CidrBlock"))
    tags = tags_for("vpc", request.tag_specifications)
    _check_quota(call)
    vpc_id = _make_vpc(call, block, default=False, tags=tags)
    if request.amazon_provided_ipv6_cidr_block or request.ipv6_cidr_block is not None:
        _add_ipv6(call, vpc_id, request.ipv6_cidr_block)
    return {"Vpc": _new_vpc(call, vpc_id)}


@handles(CreateDefaultVpc)
def create_default_vpc(call: Call, request: CreateDefaultVpc) -> Answer:
    if call.default_vpc() is not None:
        raise ApiError("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
    _check_quota(call)
    return {"Vpc": _new_vpc(call, make_default_vpc(call))}


def _new_vpc(call: Call, vpc_id: str) -> Shown:
    """As the answers of creating show it: on its way, and so is its IPv6 block."""
    shown = shown_vpc(call, call.vpc(vpc_id))
    blocks = [_on_its_way("Ipv6", each) for each in shown["Ipv6CidrBlockAssociationSet"]]
    return {**shown, "State": "pending", "Ipv6CidrBlockAssociationSet": blocks}


def _on_its_way(family: str, association: Shown) -> Shown:
    return {**association, f"{family}CidrBlockState": {"State": "associating"}}


def make_default_vpc(call: Call) -> str:
    """A default VPC: 172.31.0.0/16, a default subnet in each of three zones, a default group.

    Source: VPC user guide, "Default VPCs".
    """
    vpc_id = _make_vpc(call, _DEFAULT_BLOCK, default=True, tags={})
    for zone, block in zip(_ZONES, _DEFAULT_BLOCK.subnets(new_prefix=20), strict=False):
        make_subnet(call, vpc_id, block, f"{call.caller.region}{zone}", default=True)
    return vpc_id


def vpc_block(text: str) -> IPv4Network:
    """Source: VPC user guide, "VPC CIDR blocks": /16 to /28. Raises ApiError."""
    block = cidr4(text)
    if not 16 <= block.prefixlen <= 28:
        raise ApiError("InvalidVpc.Range", f"The CIDR '{text}' is invalid.")
    return block


def _check_quota(call: Call) -> None:
    if len(call.own(call.draft.vpcs)) >= call.quotas.vpcs_per_region:
        raise ApiError("VpcLimitExceeded", "The maximum number of VPCs has been reached.")


def _make_vpc(call: Call, block: IPv4Network, default: bool, tags: dict[str, str]) -> str:
    vpc_id = call.ids.new("vpc")
    check_groups_quota(call, vpc_id)
    call.draft.vpcs[vpc_id] = Vpc(vpc_id, block, tags.get("Name", ""))
    association = {
        "AssociationId": call.ids.new("vpc-cidr-assoc"),
        "CidrBlock": str(block),
        "CidrBlockState": {"State": "associated"},
    }
    fields: dict[str, Any] = {
        "DhcpOptionsId": "default",
        "State": "available",
        "InstanceTenancy": "default",
        "CidrBlockAssociationSet": [association],
        "Ipv6CidrBlockAssociationSet": [],
        "IsDefault": default,
    }
    call.file(vpc_id, fields, tags)
    make_group(call, vpc_id, DEFAULT, DEFAULT_DESCRIPTION)
    return vpc_id


@handles(AssociateVpcCidrBlock)
def associate_vpc_cidr_block(call: Call, request: AssociateVpcCidrBlock) -> Answer:
    vpc = call.vpc(named(request.vpc_id, "VpcId"))
    if request.amazon_provided_ipv6_cidr_block or request.ipv6_cidr_block is not None:
        association = _add_ipv6(call, vpc.vpc_id, request.ipv6_cidr_block)
        return {"VpcId": vpc.vpc_id, "Ipv6CidrBlockAssociation": _on_its_way("Ipv6", association)}
    block = vpc_block(named(request.cidr_block, "CidrBlock"))
    known = call.papers(vpc.vpc_id).fields.get("CidrBlockAssociationSet", ())
    if any(block.overlaps(IPv4Network(each["CidrBlock"])) for each in known):
        raise ApiError("InvalidVpc.Range", f"The CIDR '{block}' conflicts with another of the VPC.")
    association = {
        "AssociationId": call.ids.new("vpc-cidr-assoc"),
        "CidrBlock": str(block),
        "CidrBlockState": {"State": "associated"},
    }
    call.refile(vpc.vpc_id, CidrBlockAssociationSet=[*known, association])
    return {"VpcId": vpc.vpc_id, "CidrBlockAssociation": _on_its_way("", association)}


def _add_ipv6(call: Call, vpc_id: str, text: str | None) -> Shown:
    first = not has_ipv6(call, vpc_id)
    known = call.papers(vpc_id).fields.get("Ipv6CidrBlockAssociationSet", ())
    block = cidr6(text) if text is not None else _next_ipv6(call)
    association = {
        "AssociationId": call.ids.new("vpc-cidr-assoc"),
        "Ipv6CidrBlock": str(block),
        "Ipv6CidrBlockState": {"State": "associated"},
        "NetworkBorderGroup": call.caller.region,
        "Ipv6Pool": "Amazon",
    }
    call.refile(vpc_id, Ipv6CidrBlockAssociationSet=[*known, association])
    if first:
        add_ipv6_egress(call, vpc_id)
    return association


def _next_ipv6(call: Call) -> IPv6Network:
    """A /56 that no VPC has."""
    taken = {
        each["Ipv6CidrBlock"]
        for vpc_id in call.draft.vpcs
        for each in call.papers(vpc_id).fields.get("Ipv6CidrBlockAssociationSet", ())
    }
    return next(block for block in _AMAZON_IPV6.subnets(new_prefix=56) if str(block) not in taken)


@handles(DisassociateVpcCidrBlock)
def disassociate_vpc_cidr_block(call: Call, request: DisassociateVpcCidrBlock) -> Answer:
    name = named(request.association_id, "AssociationId")
    for vpc_id, vpc in call.own(call.draft.vpcs).items():
        for family, key in (("Ipv6", "Ipv6CidrBlockAssociationSet"), ("", "CidrBlockAssociationSet")):
            known = call.papers(vpc_id).fields.get(key, ())
            gone = [each for each in known if each["AssociationId"] == name]
            if not gone:
                continue
            if not family and gone[0]["CidrBlock"] == str(vpc.cidr):
                message = f"The vpc CIDR block with association ID {name} may not be removed."
                raise ApiError("OperationNotPermitted", message)
            call.refile(vpc_id, **{key: [each for each in known if each is not gone[0]]})
            return {"VpcId": vpc_id, f"{family}CidrBlockAssociation": gone[0]}
    message = f"The vpc CIDR block association ID '{name}' does not exist"
    raise ApiError("InvalidVpcCidrBlockAssociationID.NotFound", message)


@handles(DeleteVpc)
def delete_vpc(call: Call, request: DeleteVpc) -> Answer:
    """Its default group goes with it, and peerings that were not accepted end; subnets, interfaces, other groups and
    active peerings must have gone before."""
    vpc = call.vpc(named(request.vpc_id, "VpcId"))
    draft = call.draft
    groups = [group for group in draft.groups.values() if group.vpc_id == vpc.vpc_id]
    kept = any(group.name != DEFAULT for group in groups)
    used = any(each.vpc_id == vpc.vpc_id for table in (draft.subnets, draft.interfaces) for each in table.values())
    peerings = [each for each in draft.peerings.values() if vpc.vpc_id in (each.requester_vpc_id, each.accepter_vpc_id)]
    peered = any(each.status == ACTIVE for each in peerings)
    associated = any(vpc_id == vpc.vpc_id for _, vpc_id in draft.associations)
    if kept or used or peered or associated:
        raise ApiError("DependencyViolation", f"The vpc '{vpc.vpc_id}' has dependencies and cannot be deleted.")
    for connection in peerings:
        if of_now(call, connection).status == PENDING:
            end_peering(call, connection)
    for group in groups:
        forget_group(call, group)
    del draft.vpcs[vpc.vpc_id]
    del draft.papers[vpc.vpc_id]
    return {}


@handles(DescribeVpcs)
def describe_vpcs(call: Call, request: DescribeVpcs) -> Answer:
    vpcs = [call.vpc(name) for name in request.vpc_ids] or list(call.own(call.draft.vpcs).values())

    def fields(vpc: Vpc) -> Fields:
        return call.papers(vpc.vpc_id).fields

    def blocks(family: str, member: str) -> Values[Vpc]:
        return lambda vpc: [each[member] for each in fields(vpc).get(f"{family}CidrBlockAssociationSet", ())]

    known: dict[str, Values[Vpc]] = {
        "cidr": lambda vpc: (str(vpc.cidr),),
        "cidr-block": lambda vpc: (str(vpc.cidr),),
        "cidrBlock": lambda vpc: (str(vpc.cidr),),
        "cidr-block-association.association-id": blocks("", "AssociationId"),
        "cidr-block-association.cidr-block": blocks("", "CidrBlock"),
        "ipv6-cidr-block-association.association-id": blocks("Ipv6", "AssociationId"),
        "ipv6-cidr-block-association.ipv6-cidr-block": blocks("Ipv6", "Ipv6CidrBlock"),
        "dhcp-options-id": lambda vpc: (fields(vpc).get("DhcpOptionsId"),),
        "is-default": lambda vpc: (str(call.is_default_vpc(vpc.vpc_id)).lower(),),
        "isDefault": lambda vpc: (str(call.is_default_vpc(vpc.vpc_id)).lower(),),
        "owner-id": lambda vpc: (call.papers(vpc.vpc_id).owner,),
        "state": lambda vpc: (fields(vpc).get("State", "available"),),
        "vpc-id": lambda vpc: (vpc.vpc_id,),
    }
    vpcs = filtered(vpcs, request.filters, known, lambda vpc: call.tags(vpc.vpc_id))
    shown, token = page(vpcs, request.max_results, request.next_token)
    return answer("Vpcs", [shown_vpc(call, vpc) for vpc in shown], token)


def shown_vpc(call: Call, vpc: Vpc) -> Shown:
    papers = call.papers(vpc.vpc_id)
    cidr = {} if vpc.cidr is None else {"CidrBlock": str(vpc.cidr)}
    return {**papers.fields, **cidr, "VpcId": vpc.vpc_id, "OwnerId": papers.owner, "Tags": tag_list(papers.tags)}
