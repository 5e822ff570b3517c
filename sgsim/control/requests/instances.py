"""Instances."""

from __future__ import annotations

from typing import Any

from sgsim.control.requests.base import OpenRequest, Paged, Part, Request, TagSpecification
from sgsim.control.requests.interfaces import AttributeBooleanValue, AttributeValue, Ipv6Address, NewInterface

Members = dict[str, Any]  # a structure that is shown as it was given


class InstanceInterface(NewInterface, frozen=True, kw_only=True):
    """An interface that RunInstances makes, or one that is there already."""

    device_index: int | None = None
    network_card_index: int = 0
    network_interface_id: str | None = None
    delete_on_termination: bool | None = None
    associate_public_ip_address: bool | None = None
    primary_ipv6: bool = False


class RunInstances(OpenRequest, frozen=True, kw_only=True):
    image_id: str | None = None
    instance_type: str = "m1.small"
    min_count: int | None = None
    max_count: int | None = None
    subnet_id: str | None = None
    security_group_ids: list[str] = []
    security_groups: list[str] = []
    private_ip_address: str | None = None
    ipv6_addresses: list[Ipv6Address] = []
    ipv6_address_count: int | None = None
    enable_primary_ipv6: bool = False
    network_interfaces: list[InstanceInterface] = []
    key_name: str | None = None
    user_data: str | None = None
    placement: Members = {}
    monitoring: Members = {}
    iam_instance_profile: Members = {}
    metadata_options: Members = {}
    cpu_options: Members = {}
    capacity_reservation_specification: Members = {}
    enclave_options: Members = {}
    hibernation_options: Members = {}
    maintenance_options: Members = {}
    private_dns_name_options: Members = {}
    credit_specification: Members = {}
    ebs_optimized: bool = False
    disable_api_termination: bool = False
    disable_api_stop: bool = False
    instance_initiated_shutdown_behavior: str = "stop"
    client_token: str | None = None
    tag_specifications: list[TagSpecification] = []


class _Instances(OpenRequest, frozen=True, kw_only=True):
    """How an instance is started and stopped is not modelled."""

    instance_ids: list[str] = []


class StartInstances(_Instances, frozen=True, kw_only=True):
    pass


class StopInstances(_Instances, frozen=True, kw_only=True):
    pass


class RebootInstances(_Instances, frozen=True, kw_only=True):
    pass


class TerminateInstances(_Instances, frozen=True, kw_only=True):
    pass


class DescribeInstances(Paged, frozen=True, kw_only=True):
    instance_ids: list[str] = []
    include_managed_resources: bool = False


class DescribeInstanceStatus(DescribeInstances, frozen=True, kw_only=True):
    include_all_instances: bool = False


class DescribeInstanceCreditSpecifications(DescribeInstances, frozen=True, kw_only=True):
    pass


class BlobAttributeValue(Part, frozen=True, kw_only=True):
    value: bytes | None = None


class ModifyInstanceAttribute(Request, frozen=True, kw_only=True):
    instance_id: str | None = None
    attribute: str | None = None
    value: str | None = None
    groups: list[str] | None = None
    source_dest_check: AttributeBooleanValue | None = None
    disable_api_termination: AttributeBooleanValue | None = None
    disable_api_stop: AttributeBooleanValue | None = None
    ebs_optimized: AttributeBooleanValue | None = None
    ena_support: AttributeBooleanValue | None = None
    instance_type: AttributeValue | None = None
    kernel: AttributeValue | None = None
    ramdisk: AttributeValue | None = None
    instance_initiated_shutdown_behavior: AttributeValue | None = None
    sriov_net_support: AttributeValue | None = None
    user_data: BlobAttributeValue | None = None
    block_device_mappings: list[Members] | None = None
    enclave_options: Members | None = None


class DescribeInstanceAttribute(Request, frozen=True, kw_only=True):
    instance_id: str | None = None
    attribute: str | None = None
