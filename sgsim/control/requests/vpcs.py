"""VPCs and subnets."""

from __future__ import annotations

from sgsim.control.requests.base import OpenRequest, Paged, Request, TagSpecification


class CreateVpc(OpenRequest, frozen=True, kw_only=True):
    cidr_block: str | None = None
    amazon_provided_ipv6_cidr_block: bool = False
    ipv6_cidr_block: str | None = None
    instance_tenancy: str | None = None
    tag_specifications: list[TagSpecification] = []


class CreateDefaultVpc(Request, frozen=True, kw_only=True):
    pass


class DeleteVpc(Request, frozen=True, kw_only=True):
    vpc_id: str | None = None


class DescribeVpcs(Paged, frozen=True, kw_only=True):
    vpc_ids: list[str] = []


class AssociateVpcCidrBlock(OpenRequest, frozen=True, kw_only=True):
    vpc_id: str | None = None
    cidr_block: str | None = None
    amazon_provided_ipv6_cidr_block: bool = False
    ipv6_cidr_block: str | None = None


class DisassociateVpcCidrBlock(Request, frozen=True, kw_only=True):
    association_id: str | None = None


class CreateSubnet(OpenRequest, frozen=True, kw_only=True):
    vpc_id: str | None = None
    cidr_block: str | None = None
    ipv6_cidr_block: str | None = None
    ipv6_native: bool = False
    availability_zone: str | None = None
    availability_zone_id: str | None = None
    tag_specifications: list[TagSpecification] = []


class DeleteSubnet(Request, frozen=True, kw_only=True):
    subnet_id: str | None = None


class DescribeSubnets(Paged, frozen=True, kw_only=True):
    subnet_ids: list[str] = []
