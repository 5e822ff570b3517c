"""RunInstances: instances, as far as groups need them, with their interfaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sgsim.control.answers import Shown
from sgsim.control.call import Answer, Call, handles, named, tags_for
from sgsim.control.errors import ApiError, combination, invalid
from sgsim.control.instanceanswers import reservations, shown_instance, shown_state
from sgsim.control.interfaceanswers import WANTS_PUBLIC
from sgsim.control.memberships import ON_RUN, interface_groups
from sgsim.control.operations.attachments import attach
from sgsim.control.operations.interfaces import forget_interface, make_interface, set_primary_ipv6
from sgsim.control.peers import group_named
from sgsim.control.public import give_public
from sgsim.control.requests.base import TagSpecification
from sgsim.control.requests.instances import InstanceInterface, RunInstances
from sgsim.control.store import Instance
from sgsim.model import Subnet

_TAGGED = ("instance", "volume", "network-interface", "spot-instances-request", "elastic-gpu")
_FULL = "InsufficientFreeAddressesInSubnet"

#: What AWS fills in for a plain Linux instance.
_PLAIN_LINUX: Shown = {
    "Architecture": "x86_64",
    "BlockDeviceMappings": [],
    "EnaSupport": True,
    "Hypervisor": "xen",
    "PlatformDetails": "Linux/UNIX",
    "ProductCodes": [],
    "RootDeviceName": "/dev/xvda",
    "RootDeviceType": "ebs",
    "StateTransitionReason": "",
    "UsageOperation": "RunInstances",
    "VirtualizationType": "hvm",
}
_METADATA: Shown = {
    "HttpEndpoint": "enabled",
    "HttpProtocolIpv6": "disabled",
    "HttpPutResponseHopLimit": 1,
    "HttpTokens": "optional",
    "InstanceMetadataTags": "disabled",
    "State": "applied",
}
_HOSTNAMES: Shown = {
    "EnableResourceNameDnsAAAARecord": False,
    "EnableResourceNameDnsARecord": False,
    "HostnameType": "ip-name",
}


class _Plan(NamedTuple):
    """An interface of each instance: one to make in ``subnet``, or one that is there."""

    given: InstanceInterface
    device_index: int
    subnet: Subnet | None
    groups: tuple[str, ...]
    public: bool


@handles(RunInstances)
def run_instances(call: Call, request: RunInstances) -> Answer:
    """As many as there are addresses for, up to MaxCount, and none if these are less than MinCount.

    They are running at the next describe.
    """
    _check_image(named(request.image_id, "ImageId"))
    least, most = named(request.min_count, "MinCount"), named(request.max_count, "MaxCount")
    if not 1 <= least <= most:
        raise invalid(f"Value ({least}) for parameter minCount is invalid. It must be between 1 and MaxCount.")
    limit = call.quotas.interfaces_per_region  # each instance has one at least
    if most > limit:
        message = f"You have requested more instances ({most}) than your current instance limit of {limit} allows for."
        raise ApiError("InstanceLimitExceeded", message)
    tags = _tags("instance", request.tag_specifications)
    interface_tags = _tags("network-interface", request.tag_specifications)
    plans = _plans(call, request)
    reservation_id = call.ids.new("r")
    made: list[Instance] = []
    for index in range(most):
        try:
            interface_ids = _interfaces(call, plans, interface_tags)
        except ApiError as error:
            if index < least or error.code != _FULL:
                raise
            break
        made.append(_launch(call, request, plans, interface_ids, index, reservation_id, tags))
    shown = [(each, _shown_pending(call, each)) for each in made]
    return reservations(call, shown)[0]


def _shown_pending(call: Call, instance: Instance) -> Shown:
    shown = shown_instance(call, instance, call.interfaces_of(instance.instance_id))
    return shown | {"State": shown_state("pending")}


def _check_image(image_id: str) -> None:
    if not image_id.startswith(("ami-", "resolve:ssm:")):
        raise ApiError("InvalidAMIID.Malformed", f'Invalid id: "{image_id}" (expecting "ami-...")')


def _tags(kind: str, specifications: Sequence[TagSpecification]) -> dict[str, str]:
    """The tags for one kind of what is made. Raises ApiError: for a kind that is not made here."""
    return tags_for(
        kind, [each for each in specifications if each.resource_type == kind or each.resource_type not in _TAGGED]
    )


# --- which interfaces ---------------------------------------------------------------------------------------------


def _plans(call: Call, request: RunInstances) -> list[_Plan]:
    """The primary interface first. Raises ApiError."""
    if not request.network_interfaces:
        return [_plan(call, request, _of_instance(call, request), 0)]
    for what, given in (
        ("subnet ID", request.subnet_id),
        ("security groups", request.security_group_ids or request.security_groups),
        ("private IP address", request.private_ip_address),
        ("IPv6 addresses", request.ipv6_addresses or request.ipv6_address_count),
    ):
        if given:
            raise combination(
                f"Network interfaces and an instance-level {what} may not be specified on the same request"
            )
    plans = [
        _plan(call, request, each, named(each.device_index, "NetworkInterface.DeviceIndex"))
        for each in request.network_interfaces
    ]
    plans.sort(key=lambda plan: plan.device_index)
    indexes = [plan.device_index for plan in plans]
    if indexes[0] != 0 or len(set(indexes)) < len(indexes):
        raise invalid("Each network interface requires a unique device index, and one of them must be 0.")
    return plans


def _of_instance(call: Call, request: RunInstances) -> InstanceInterface:
    """The only interface, by the members of the request itself."""
    if request.subnet_id is not None and request.security_groups:
        raise combination("The parameter groupName cannot be used with the parameter subnet")
    names = [group_named(call, name).group_id for name in request.security_groups]
    return InstanceInterface(
        subnet_id=request.subnet_id,
        groups=[*request.security_group_ids, *names],
        private_ip_address=request.private_ip_address,
        ipv6_addresses=request.ipv6_addresses,
        ipv6_address_count=request.ipv6_address_count,
        primary_ipv6=request.enable_primary_ipv6,
    )


def _plan(call: Call, request: RunInstances, given: InstanceInterface, device_index: int) -> _Plan:
    if given.network_interface_id is not None:
        call.interface(given.network_interface_id)
        for what, value in (
            ("a subnet ID", given.subnet_id),
            ("security groups", given.groups),
            ("a public IP address", given.associate_public_ip_address),
        ):
            if value:
                raise combination(f"A network interface may not specify both a network interface ID and {what}")
        return _Plan(given, device_index, None, (), False)
    subnet = _default_subnet(call, request) if given.subnet_id is None else call.subnet(given.subnet_id)
    groups = interface_groups(call, given.groups, subnet.vpc_id, subnet.subnet_id, ON_RUN)
    return _Plan(given, device_index, subnet, groups, _is_public(call, request, given, subnet, device_index))


def _is_public(call: Call, request: RunInstances, given: InstanceInterface, subnet: Subnet, device_index: int) -> bool:
    """Source: EC2 user guide, "Amazon EC2 instance IP addressing": only where there is one interface."""
    several = len(request.network_interfaces) > 1
    if given.associate_public_ip_address and several:
        raise combination(
            "The associatePublicIPAddress parameter cannot be specified when launching with multiple network "
            "interfaces."
        )
    if given.associate_public_ip_address is not None:
        return given.associate_public_ip_address
    of_subnet = call.papers(subnet.subnet_id).fields.get("MapPublicIpOnLaunch")
    return bool(of_subnet) and device_index == 0 and not several


def _default_subnet(call: Call, request: RunInstances) -> Subnet:
    """Of the Availability Zone of the request, if it names one. Raises ApiError where there is none."""
    vpc = call.default_vpc()
    if vpc is None:
        raise ApiError("VPCIdNotSpecified", "No default VPC for this user")
    zone = request.placement.get("AvailabilityZone")
    for subnet in call.own(call.draft.subnets).values():
        fields = call.papers(subnet.subnet_id).fields
        if (
            subnet.vpc_id == vpc.vpc_id
            and fields.get("DefaultForAz")
            and zone in (None, fields.get("AvailabilityZone"))
        ):
            return subnet
    raise ApiError("MissingInput", f"No subnets found for the default VPC '{vpc.vpc_id}'. Please specify a subnet.")


# --- what is made -------------------------------------------------------------------------------------------------


def _interfaces(call: Call, plans: Sequence[_Plan], tags: dict[str, str]) -> list[str]:
    """The interfaces of one instance, all or none of them. Raises ApiError."""
    made: list[str] = []
    found: list[str] = []
    try:
        for plan in plans:
            if plan.subnet is None:
                found.append(named(plan.given.network_interface_id, "NetworkInterfaceId"))
            else:
                made.append(make_interface(call, plan.subnet, plan.given, plan.groups, tags))
                found.append(made[-1])
    except ApiError:
        for interface_id in made:
            forget_interface(call, interface_id)
        raise
    return found


def _launch(
    call: Call,
    request: RunInstances,
    plans: Sequence[_Plan],
    interface_ids: Sequence[str],
    index: int,
    reservation_id: str,
    tags: dict[str, str],
) -> Instance:
    instance = Instance(call.ids.new("i"), "running")
    call.draft.instances[instance.instance_id] = instance
    zone = call.papers(interface_ids[0]).fields.get("AvailabilityZone")
    call.file(instance.instance_id, _fields(call, request, index, reservation_id, zone), tags)
    for plan, interface_id in zip(plans, interface_ids, strict=True):
        is_new = plan.subnet is not None
        attach(
            call,
            interface_id,
            instance.instance_id,
            plan.device_index,
            network_card_index=plan.given.network_card_index,
            delete_on_termination=is_new
            if plan.given.delete_on_termination is None
            else plan.given.delete_on_termination,
        )
        if plan.given.primary_ipv6:
            set_primary_ipv6(call, interface_id)
        if plan.public:
            call.refile(interface_id, **{WANTS_PUBLIC: True})
            give_public(call, interface_id)
    return instance


def _fields(call: Call, request: RunInstances, index: int, reservation_id: str, zone: str | None) -> dict[str, Any]:
    """What describe shows beside its interfaces, and attributes that it does not show."""
    fields: dict[str, Any] = {
        **_PLAIN_LINUX,
        "AmiLaunchIndex": index,
        "CapacityReservationSpecification": request.capacity_reservation_specification
        or {"CapacityReservationPreference": "open"},
        "ClientToken": request.client_token or "",
        "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2} | request.cpu_options,
        "CreditSpecification": request.credit_specification or None,
        "DisableApiStop": request.disable_api_stop,
        "DisableApiTermination": request.disable_api_termination,
        "EbsOptimized": request.ebs_optimized,
        "EnclaveOptions": {"Enabled": False} | request.enclave_options,
        "HibernationOptions": {"Configured": False} | request.hibernation_options,
        "IamInstanceProfile": _profile(call, request),
        "ImageId": request.image_id,
        "InstanceInitiatedShutdownBehavior": request.instance_initiated_shutdown_behavior,
        "InstanceType": request.instance_type,
        "KeyName": request.key_name,
        "LaunchTime": call.now,
        "MaintenanceOptions": {"AutoRecovery": "default"} | request.maintenance_options,
        "MetadataOptions": _METADATA | request.metadata_options,
        "Monitoring": {"State": "enabled" if request.monitoring.get("Enabled") else "disabled"},
        "Placement": {"GroupName": "", "Tenancy": "default"} | request.placement | {"AvailabilityZone": zone},
        "PrivateDnsNameOptions": _HOSTNAMES | request.private_dns_name_options,
        "ReservationId": reservation_id,
        "UserData": request.user_data,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _profile(call: Call, request: RunInstances) -> Shown | None:
    given = request.iam_instance_profile
    if not given:
        return None
    return {"Arn": given.get("Arn") or f"arn:aws:iam::{call.caller.account}:instance-profile/{given.get('Name')}"}
