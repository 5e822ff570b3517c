"""Security groups and their rules."""

from __future__ import annotations

from sgsim.control.requests.base import Paged, Part, Request, TagSpecification


class IpRange(Part, frozen=True, kw_only=True):
    cidr_ip: str | None = None
    description: str | None = None


class Ipv6Range(Part, frozen=True, kw_only=True):
    cidr_ipv6: str | None = None
    description: str | None = None


class PrefixListId(Part, frozen=True, kw_only=True):
    prefix_list_id: str | None = None
    description: str | None = None


class UserIdGroupPair(Part, frozen=True, kw_only=True):
    group_id: str | None = None
    group_name: str | None = None
    user_id: str | None = None
    vpc_id: str | None = None
    vpc_peering_connection_id: str | None = None
    peering_status: str | None = None
    description: str | None = None


class IpPermission(Part, frozen=True, kw_only=True):
    ip_protocol: str | None = None
    from_port: int | None = None
    to_port: int | None = None
    ip_ranges: list[IpRange] = []
    ipv6_ranges: list[Ipv6Range] = []
    prefix_list_ids: list[PrefixListId] = []
    user_id_group_pairs: list[UserIdGroupPair] = []


class CreateSecurityGroup(Request, frozen=True, kw_only=True):
    group_name: str | None = None
    description: str | None = None
    vpc_id: str | None = None
    tag_specifications: list[TagSpecification] = []


class DeleteSecurityGroup(Request, frozen=True, kw_only=True):
    group_id: str | None = None
    group_name: str | None = None


class DescribeSecurityGroups(Paged, frozen=True, kw_only=True):
    group_ids: list[str] = []
    group_names: list[str] = []


class DescribeSecurityGroupRules(Paged, frozen=True, kw_only=True):
    security_group_rule_ids: list[str] = []


class _Flat(Request, frozen=True, kw_only=True):
    """One permission in members of the request itself."""

    group_id: str | None = None
    group_name: str | None = None
    ip_permissions: list[IpPermission] = []
    ip_protocol: str | None = None
    from_port: int | None = None
    to_port: int | None = None
    cidr_ip: str | None = None
    source_security_group_name: str | None = None
    source_security_group_owner_id: str | None = None


class AuthorizeSecurityGroupIngress(_Flat, frozen=True, kw_only=True):
    tag_specifications: list[TagSpecification] = []


class AuthorizeSecurityGroupEgress(AuthorizeSecurityGroupIngress, frozen=True, kw_only=True):
    pass


class RevokeSecurityGroupIngress(_Flat, frozen=True, kw_only=True):
    security_group_rule_ids: list[str] = []


class RevokeSecurityGroupEgress(RevokeSecurityGroupIngress, frozen=True, kw_only=True):
    pass


class SecurityGroupRuleRequest(Part, frozen=True, kw_only=True):
    ip_protocol: str | None = None
    from_port: int | None = None
    to_port: int | None = None
    cidr_ipv4: str | None = None
    cidr_ipv6: str | None = None
    prefix_list_id: str | None = None
    referenced_group_id: str | None = None
    description: str | None = None


class SecurityGroupRuleUpdate(Part, frozen=True, kw_only=True):
    security_group_rule_id: str | None = None
    security_group_rule: SecurityGroupRuleRequest = SecurityGroupRuleRequest()


class ModifySecurityGroupRules(Request, frozen=True, kw_only=True):
    group_id: str | None = None
    security_group_rules: list[SecurityGroupRuleUpdate] = []


class SecurityGroupRuleDescription(Part, frozen=True, kw_only=True):
    security_group_rule_id: str | None = None
    description: str | None = None


class UpdateSecurityGroupRuleDescriptionsIngress(Request, frozen=True, kw_only=True):
    group_id: str | None = None
    group_name: str | None = None
    ip_permissions: list[IpPermission] = []
    security_group_rule_descriptions: list[SecurityGroupRuleDescription] = []


class UpdateSecurityGroupRuleDescriptionsEgress(UpdateSecurityGroupRuleDescriptionsIngress, frozen=True, kw_only=True):
    pass


class DescribeStaleSecurityGroups(Request, frozen=True, kw_only=True):
    vpc_id: str | None = None
    max_results: int | None = None
    next_token: str | None = None


class DescribeSecurityGroupReferences(Request, frozen=True, kw_only=True):
    group_id: list[str] = []


class GetSecurityGroupsForVpc(Paged, frozen=True, kw_only=True):
    vpc_id: str | None = None


class AssociateSecurityGroupVpc(Request, frozen=True, kw_only=True):
    group_id: str | None = None
    vpc_id: str | None = None


class DisassociateSecurityGroupVpc(AssociateSecurityGroupVpc, frozen=True, kw_only=True):
    pass


class DescribeSecurityGroupVpcAssociations(Paged, frozen=True, kw_only=True):
    pass
