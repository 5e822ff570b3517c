"""Network interfaces: attached to instances, detached from them."""

from __future__ import annotations

from dataclasses import replace

from sgsim.control.call import Answer, Call, handles, named
from sgsim.control.errors import ApiError, combination, invalid, unknown_id
from sgsim.control.interfaceanswers import attachment, status
from sgsim.control.names import name_interface
from sgsim.control.requests.interfaces import AttachNetworkInterface, DetachNetworkInterface
from sgsim.model import Interface


@handles(AttachNetworkInterface)
def attach_network_interface(call: Call, request: AttachNetworkInterface) -> Answer:
    interface = call.interface(named(request.network_interface_id, "NetworkInterfaceId"))
    instance = call.instance(named(request.instance_id, "InstanceId"))
    device_index = named(request.device_index, "DeviceIndex")
    if instance.state not in ("running", "stopped"):
        raise ApiError("IncorrectState", f"Instance '{instance.instance_id}' is not 'running' or 'stopped'.")
    zones = {
        call.papers(each.interface_id).fields.get("AvailabilityZone")
        for each in (interface, *call.interfaces_of(instance.instance_id))
    }
    if len(zones - {None}) > 1:
        raise combination(
            "You may not attach a network interface to an instance if they are not in the same availability zone"
        )
    card = request.network_card_index
    attachment_id = attach(call, interface.interface_id, instance.instance_id, device_index, network_card_index=card)
    return {"AttachmentId": attachment_id, "NetworkCardIndex": card}


def attach(
    call: Call,
    interface_id: str,
    instance_id: str,
    device_index: int,
    *,
    network_card_index: int = 0,
    delete_on_termination: bool = False,
) -> str:
    """The id of the new attachment. Raises ApiError: the interface is in use, the instance has one at the index."""
    interface = call.draft.interfaces[interface_id]
    if status(call, interface) != "available":
        raise ApiError("InvalidNetworkInterface.InUse", f"Interface: [{interface_id}] in use.")
    if any(each.device_index == device_index for each in call.interfaces_of(instance_id)):
        raise invalid(f"Instance '{instance_id}' already has an interface attached at device index '{device_index}'.")
    attachment_id = call.ids.new("eni-attach")
    papers = {
        "AttachTime": call.now,
        "AttachmentId": attachment_id,
        "DeleteOnTermination": delete_on_termination,
        "InstanceOwnerId": call.caller.account,
        "NetworkCardIndex": network_card_index,
        "Status": "attached",
    }
    call.refile(interface_id, Attachment=papers, Status="in-use")
    call.draft.interfaces[interface_id] = replace(interface, instance_id=instance_id, device_index=device_index)
    name_interface(call, interface_id)
    return attachment_id


@handles(DetachNetworkInterface)
def detach_network_interface(call: Call, request: DetachNetworkInterface) -> Answer:
    interface = attached_by(call, named(request.attachment_id, "AttachmentId"))
    if interface.instance_id is None:
        kind = (request.attachment_id or "").rpartition("-")[0]
        raise ApiError("OperationNotPermitted", f"You are not allowed to manage '{kind}' attachments.")
    if interface.device_index == 0:
        raise ApiError("OperationNotPermitted", "The network interface at device index 0 cannot be detached.")
    detach(call, interface.interface_id)
    return {}


def attached_by(call: Call, attachment_id: str) -> Interface:
    """The interface that has the attachment. Raises ApiError."""
    for interface in call.own(call.draft.interfaces).values():
        if attachment(call, interface).get("AttachmentId") == attachment_id:
            return interface
    raise unknown_id("eni-attach", attachment_id)


def detach(call: Call, interface_id: str) -> None:
    interface = call.draft.interfaces[interface_id]
    call.refile(interface_id, Attachment=None, Status="available")
    call.draft.interfaces[interface_id] = replace(interface, instance_id=None, device_index=None)
    name_interface(call, interface_id)
