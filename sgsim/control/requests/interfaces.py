"""Network interfaces: their addresses, groups and attachments."""

from __future__ import annotations

from sgsim.control.requests.base import OpenRequest, Paged, Part, Request, TagSpecification


class PrivateIpAddress(Part, frozen=True, kw_only=True):
    private_ip_address: str | None = None
    primary: bool = False


class Ipv6Address(Part, frozen=True, kw_only=True):
    ipv6_address: str | None = None
    is_primary_ipv6: bool = False


class Ipv4Prefix(Part, frozen=True, kw_only=True):
    ipv4_prefix: str | None = None


class Ipv6Prefix(Part, frozen=True, kw_only=True):
    ipv6_prefix: str | None = None


class ConnectionTracking(Part, frozen=True, kw_only=True):
    tcp_established_timeout: int | None = None
    udp_timeout: int | None = None
    udp_stream_timeout: int | None = None


class NewInterface(OpenRequest, frozen=True, kw_only=True):
    """What CreateNetworkInterface says of an interface, and RunInstances of each."""

    subnet_id: str | None = None
    groups: list[str] = []
    description: str | None = None
    private_ip_address: str | None = None
    private_ip_addresses: list[PrivateIpAddress] = []
    secondary_private_ip_address_count: int | None = None
    ipv6_addresses: list[Ipv6Address] = []
    ipv6_address_count: int | None = None
    ipv4_prefixes: list[Ipv4Prefix] = []
    ipv4_prefix_count: int | None = None
    ipv6_prefixes: list[Ipv6Prefix] = []
    ipv6_prefix_count: int | None = None
    interface_type: str | None = None
    connection_tracking_specification: ConnectionTracking = ConnectionTracking()


class CreateNetworkInterface(NewInterface, frozen=True, kw_only=True, forbid_unknown_fields=True):
    enable_primary_ipv6: bool = False
    client_token: str | None = None
    tag_specifications: list[TagSpecification] = []


class DeleteNetworkInterface(Request, frozen=True, kw_only=True):
    network_interface_id: str | None = None


class DescribeNetworkInterfaces(Paged, frozen=True, kw_only=True):
    network_interface_ids: list[str] = []
    include_managed_resources: bool = False


class AttachNetworkInterface(Request, frozen=True, kw_only=True):
    network_interface_id: str | None = None
    instance_id: str | None = None
    device_index: int | None = None
    network_card_index: int = 0


class DetachNetworkInterface(Request, frozen=True, kw_only=True):
    attachment_id: str | None = None
    force: bool = False


class AttributeValue(Part, frozen=True, kw_only=True):
    value: str | None = None


class AttributeBooleanValue(Part, frozen=True, kw_only=True):
    value: bool | None = None


class NetworkInterfaceAttachmentChanges(Part, frozen=True, kw_only=True):
    attachment_id: str | None = None
    delete_on_termination: bool | None = None


class ModifyNetworkInterfaceAttribute(Request, frozen=True, kw_only=True):
    network_interface_id: str | None = None
    groups: list[str] | None = None
    description: AttributeValue | None = None
    source_dest_check: AttributeBooleanValue | None = None
    connection_tracking_specification: ConnectionTracking | None = None
    attachment: NetworkInterfaceAttachmentChanges | None = None
    associate_public_ip_address: bool | None = None
    enable_primary_ipv6: bool | None = None


class DescribeNetworkInterfaceAttribute(Request, frozen=True, kw_only=True):
    network_interface_id: str | None = None
    attribute: str | None = None


class AssignPrivateIpAddresses(Request, frozen=True, kw_only=True):
    network_interface_id: str | None = None
    private_ip_addresses: list[str] = []
    secondary_private_ip_address_count: int | None = None
    ipv4_prefixes: list[str] = []
    ipv4_prefix_count: int | None = None
    allow_reassignment: bool = False


class UnassignPrivateIpAddresses(Request, frozen=True, kw_only=True):
    network_interface_id: str | None = None
    private_ip_addresses: list[str] = []
    ipv4_prefixes: list[str] = []


class AssignIpv6Addresses(Request, frozen=True, kw_only=True):
    network_interface_id: str | None = None
    ipv6_addresses: list[str] = []
    ipv6_address_count: int | None = None
    ipv6_prefixes: list[str] = []
    ipv6_prefix_count: int | None = None


class UnassignIpv6Addresses(Request, frozen=True, kw_only=True):
    network_interface_id: str | None = None
    ipv6_addresses: list[str] = []
    ipv6_prefixes: list[str] = []
