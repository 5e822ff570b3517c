"""Attributes of instances: modified and described, one in a call."""

from __future__ import annotations

from base64 import b64encode
from typing import NamedTuple

from sgsim.control.call import Answer, Call, handles, named
from sgsim.control.errors import ApiError, combination, invalid
from sgsim.control.interfaceanswers import group_identifiers
from sgsim.control.operations.attributes import set_groups
from sgsim.control.requests.instances import DescribeInstanceAttribute, ModifyInstanceAttribute
from sgsim.control.store import Instance
from sgsim.model import Interface


class _Kept(NamedTuple):
    """An attribute that is kept as it is given."""

    attribute: str
    member: str  # of papers and of answers
    when_stopped: bool = True  # it is changed only then
    otherwise: str | bool | None = None  # where nothing is kept


#: By the attribute of the request that gives them.
_KEPT: dict[str, _Kept] = {
    "disable_api_stop": _Kept("disableApiStop", "DisableApiStop", False, False),
    "disable_api_termination": _Kept("disableApiTermination", "DisableApiTermination", False, False),
    "ebs_optimized": _Kept("ebsOptimized", "EbsOptimized", otherwise=False),
    "ena_support": _Kept("enaSupport", "EnaSupport", otherwise=False),
    "instance_initiated_shutdown_behavior": _Kept(
        "instanceInitiatedShutdownBehavior", "InstanceInitiatedShutdownBehavior", False, "stop"
    ),
    "instance_type": _Kept("instanceType", "InstanceType"),
    "kernel": _Kept("kernel", "KernelId"),
    "ramdisk": _Kept("ramdisk", "RamdiskId"),
    "sriov_net_support": _Kept("sriovNetSupport", "SriovNetSupport"),
    "user_data": _Kept("userData", "UserData"),
}
_BY_ATTRIBUTE = {kept.attribute: kept for kept in _KEPT.values()} | {
    "rootDeviceName": _Kept("rootDeviceName", "RootDeviceName"),
}
#: What may be given as Attribute and Value (EC2 API reference, ModifyInstanceAttribute).
_AS_TEXT = ("kernel", "ramdisk", "userData", "disableApiTermination", "instanceInitiatedShutdownBehavior")


@handles(ModifyInstanceAttribute)
def modify_instance_attribute(call: Call, request: ModifyInstanceAttribute) -> Answer:
    instance = call.instance(named(request.instance_id, "InstanceId"))
    members = ("groups", "source_dest_check", "block_device_mappings", "enclave_options", *_KEPT)
    given = [name for name in members if getattr(request, name) is not None]
    if request.value is not None:
        given.append("value")
    if not given:
        raise combination("No attributes specified.")
    if len(given) > 1:
        raise combination("Fields for multiple attribute types specified.")
    name = given[0]
    if request.groups is not None:
        set_groups(call, _only_interface(call, instance), request.groups)
    elif request.source_dest_check is not None:
        check = named(request.source_dest_check.value, "SourceDestCheck.Value")
        call.refile(_only_interface(call, instance).interface_id, SourceDestCheck=check)
    elif request.enclave_options is not None:
        call.refile(instance.instance_id, EnclaveOptions=request.enclave_options)
    elif request.value is not None:
        _keep(call, instance, *_as_text(named(request.attribute, "Attribute"), request.value))
    elif name in _KEPT:
        value = named(getattr(request, name).value, f"{_KEPT[name].member}.Value")
        _keep(call, instance, _KEPT[name], b64encode(value).decode() if isinstance(value, bytes) else value)
    return {}


def _as_text(attribute: str, value: str) -> tuple[_Kept, str | bool]:
    if attribute not in _AS_TEXT:
        raise invalid(f"Value ({attribute}) for parameter attribute is invalid. It cannot be given with a value.")
    kept = _BY_ATTRIBUTE[attribute]
    return kept, value == "true" if isinstance(kept.otherwise, bool) else value


def _keep(call: Call, instance: Instance, kept: _Kept, value: str | bool) -> None:
    if kept.when_stopped and instance.state != "stopped":
        message = f"The instance '{instance.instance_id}' is not in the 'stopped' state."
        raise ApiError("IncorrectInstanceState", message)
    call.refile(instance.instance_id, **{kept.member: value})


def _only_interface(call: Call, instance: Instance) -> Interface:
    """The primary interface, where it is the only one. Raises ApiError."""
    if instance.state not in ("running", "stopped"):
        message = f"The instance '{instance.instance_id}' is not in the 'running' or 'stopped' state."
        raise ApiError("IncorrectInstanceState", message)
    interfaces = call.interfaces_of(instance.instance_id)
    if len(interfaces) > 1:
        raise ApiError(
            "InvalidInstanceID",
            f"There are multiple interfaces attached to instance '{instance.instance_id}'. "
            "Please specify an interface ID for the operation instead.",
        )
    if not interfaces:
        raise ApiError("InvalidInstanceID", f"There is no interface attached to instance '{instance.instance_id}'.")
    return interfaces[0]


@handles(DescribeInstanceAttribute)
def describe_instance_attribute(call: Call, request: DescribeInstanceAttribute) -> Answer:
    instance = call.instance(named(request.instance_id, "InstanceId"))
    fields = call.papers(instance.instance_id).fields
    shown: Answer = {"InstanceId": instance.instance_id}
    attribute = named(request.attribute, "Attribute")
    if attribute in _BY_ATTRIBUTE:
        kept = _BY_ATTRIBUTE[attribute]
        value = fields.get(kept.member, kept.otherwise)
        return shown | {kept.member: {} if value is None else {"Value": value}}
    interfaces = call.interfaces_of(instance.instance_id)
    match attribute:
        case "groupSet":
            shown["Groups"] = group_identifiers(call, interfaces[0]) if interfaces else []
        case "sourceDestCheck":
            checks = [call.papers(each.interface_id).fields.get("SourceDestCheck", True) for each in interfaces]
            shown["SourceDestCheck"] = {"Value": checks[0]} if checks else {}
        case "blockDeviceMapping":
            shown["BlockDeviceMappings"] = fields.get("BlockDeviceMappings", [])
        case "productCodes":
            shown["ProductCodes"] = fields.get("ProductCodes", [])
        case "enclaveOptions":
            shown["EnclaveOptions"] = fields.get("EnclaveOptions", {"Enabled": False})
        case _:
            raise invalid(f"Value ({attribute}) for parameter attribute is invalid. Unknown attribute")
    return shown
