"""VPC peering connections."""

from __future__ import annotations

from sgsim.control.requests.base import OpenRequest, Paged, Request, TagSpecification


class CreateVpcPeeringConnection(OpenRequest, frozen=True, kw_only=True):
    vpc_id: str | None = None
    peer_vpc_id: str | None = None
    peer_owner_id: str | None = None
    peer_region: str | None = None
    tag_specifications: list[TagSpecification] = []


class AcceptVpcPeeringConnection(Request, frozen=True, kw_only=True):
    vpc_peering_connection_id: str | None = None


class RejectVpcPeeringConnection(AcceptVpcPeeringConnection, frozen=True, kw_only=True):
    pass


class DeleteVpcPeeringConnection(AcceptVpcPeeringConnection, frozen=True, kw_only=True):
    pass


class DescribeVpcPeeringConnections(Paged, frozen=True, kw_only=True):
    vpc_peering_connection_ids: list[str] = []


class ModifyVpcPeeringConnectionOptions(Request, frozen=True, kw_only=True):
    vpc_peering_connection_id: str | None = None
    requester_peering_connection_options: dict[str, bool | str] | None = None
    accepter_peering_connection_options: dict[str, bool | str] | None = None
