"""The shapes of describe output, as far as sgsim reads it (EC2 API reference). Unknown keys are passed over.

Everything that a reply may lack is None then; so is what other tools write as null.
"""

from __future__ import annotations

import msgspec


class _Shape(msgspec.Struct, rename="pascal"):
    pass


class Tag(_Shape):
    key: str | None = None
    value: str | None = None


class IpRange(_Shape):
    cidr_ip: str
    description: str | None = None


class Ipv6Range(_Shape):
    cidr_ipv6: str
    description: str | None = None


class PrefixListId(_Shape):
    prefix_list_id: str
    description: str | None = None


class UserIdGroupPair(_Shape):
    group_id: str
    description: str | None = None
    vpc_id: str | None = None
    vpc_peering_connection_id: str | None = None
    peering_status: str | None = None


class IpPermission(_Shape):
    ip_protocol: str | int
    from_port: int | None = None
    to_port: int | None = None
    ip_ranges: list[IpRange] | None = None
    ipv6_ranges: list[Ipv6Range] | None = None
    prefix_list_ids: list[PrefixListId] | None = None
    user_id_group_pairs: list[UserIdGroupPair] | None = None


class SecurityGroup(_Shape):
    group_id: str
    group_name: str | None = None
    vpc_id: str | None = None
    ip_permissions: list[IpPermission] | None = None
    ip_permissions_egress: list[IpPermission] | None = None


class ReferencedGroup(_Shape):
    group_id: str
    vpc_id: str | None = None
    vpc_peering_connection_id: str | None = None
    peering_status: str | None = None


class SecurityGroupRule(_Shape):
    group_id: str
    is_egress: bool
    ip_protocol: str | int
    security_group_rule_id: str | None = None
    from_port: int | None = None
    to_port: int | None = None
    cidr_ipv4: str | None = None
    cidr_ipv6: str | None = None
    prefix_list_id: str | None = None
    referenced_group_info: ReferencedGroup | None = None
    description: str | None = None


class GroupIdentifier(_Shape):
    group_id: str


class Association(_Shape):
    public_ip: str | None = None
    carrier_ip: str | None = None


class PrivateIpAddress(_Shape):
    private_ip_address: str
    primary: bool | None = None
    association: Association | None = None


class Ipv6Address(_Shape):
    ipv6_address: str
    is_primary_ipv6: bool | None = None


class Ipv4Prefix(_Shape):
    ipv4_prefix: str


class Ipv6Prefix(_Shape):
    ipv6_prefix: str


class Attachment(_Shape):
    instance_id: str | None = None
    device_index: int | None = None


class ConnectionTracking(_Shape):
    tcp_established_timeout: int | None = None
    udp_timeout: int | None = None
    udp_stream_timeout: int | None = None


class NetworkInterface(_Shape):
    network_interface_id: str
    vpc_id: str | None = None
    subnet_id: str | None = None
    interface_type: str | None = None
    groups: list[GroupIdentifier] | None = None
    private_ip_address: str | None = None
    private_ip_addresses: list[PrivateIpAddress] | None = None
    ipv6_addresses: list[Ipv6Address] | None = None
    ipv4_prefixes: list[Ipv4Prefix] | None = None
    ipv6_prefixes: list[Ipv6Prefix] | None = None
    association: Association | None = None
    attachment: Attachment | None = None
    connection_tracking_configuration: ConnectionTracking | None = None
    tag_set: list[Tag] | None = None


class Instance(_Shape):
    instance_id: str
    network_interfaces: list[NetworkInterface] | None = None
    tags: list[Tag] | None = None


class Reservation(_Shape):
    instances: list[Instance] | None = None


class PrefixListEntry(_Shape):
    cidr: str


class PrefixList(_Shape):
    prefix_list_id: str
    prefix_list_name: str | None = None
    address_family: str | None = None
    cidrs: list[str] | None = None
    entries: list[PrefixListEntry] | None = None


class PeeringStatus(_Shape):
    code: str


class PeeringVpc(_Shape):
    vpc_id: str
    region: str | None = None


class VpcPeeringConnection(_Shape):
    vpc_peering_connection_id: str
    status: PeeringStatus
    requester_vpc_info: PeeringVpc
    accepter_vpc_info: PeeringVpc


class Vpc(_Shape):
    vpc_id: str
    cidr_block: str | None = None
    tags: list[Tag] | None = None


class Subnet(_Shape):
    subnet_id: str
    vpc_id: str | None = None
    cidr_block: str | None = None


class GroupVpcAssociation(_Shape):
    group_id: str
    vpc_id: str
    state: str | None = None


class Own(_Shape):
    """What sgsim itself adds to describe output that it writes."""

    account: str | None = None
    region: str | None = None
    auto_tracked: list[str] | None = None


class Reply(_Shape):
    """One file of describe output: any of the top-level keys, each a list."""

    security_groups: list[SecurityGroup] | None = None
    security_group_rules: list[SecurityGroupRule] | None = None
    network_interfaces: list[NetworkInterface] | None = None
    reservations: list[Reservation] | None = None
    prefix_lists: list[PrefixList] | None = None
    entries: list[PrefixListEntry] | None = None
    vpc_peering_connections: list[VpcPeeringConnection] | None = None
    vpcs: list[Vpc] | None = None
    subnets: list[Subnet] | None = None
    security_group_vpc_associations: list[GroupVpcAssociation] | None = None
    next_token: str | None = None
    sgsim: Own | None = None
