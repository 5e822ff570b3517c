"""Attributes of network interfaces: modified and described, one in a call."""

from __future__ import annotations

from dataclasses import replace

from sgsim.control.call import Answer, Call, handles, named
from sgsim.control.errors import combination, invalid, invalid_for, missing
from sgsim.control.interfaceanswers import WANTS_PUBLIC, attachment, group_identifiers, shown_attachment
from sgsim.control.memberships import ON_MODIFY, interface_groups
from sgsim.control.operations.attachments import attached_by
from sgsim.control.operations.interfaces import set_primary_ipv6
from sgsim.control.public import give_public, release_public
from sgsim.control.requests.interfaces import (
    DescribeNetworkInterfaceAttribute,
    ModifyNetworkInterfaceAttribute,
    NetworkInterfaceAttachmentChanges,
)
from sgsim.control.tracking import with_tracking
from sgsim.model import Interface


@handles(ModifyNetworkInterfaceAttribute)
def modify_network_interface_attribute(call: Call, request: ModifyNetworkInterfaceAttribute) -> Answer:
    interface = call.interface(named(request.network_interface_id, "NetworkInterfaceId"))
    given = (
        request.groups,
        request.description,
        request.source_dest_check,
        request.connection_tracking_specification,
        request.attachment,
        request.associate_public_ip_address,
        request.enable_primary_ipv6,
    )
    if all(each is None for each in given):
        raise combination("No attributes specified.")
    if sum(each is not None for each in given) > 1:
        raise combination("Fields for multiple attribute types specified.")
    interface_id = interface.interface_id
    if request.groups is not None:
        set_groups(call, interface, request.groups)
    elif request.description is not None:
        call.refile(interface_id, Description=request.description.value or "")
    elif request.source_dest_check is not None:
        call.refile(interface_id, SourceDestCheck=named(request.source_dest_check.value, "SourceDestCheck.Value"))
    elif request.connection_tracking_specification is not None:
        call.draft.interfaces[interface_id] = with_tracking(interface, request.connection_tracking_specification)
    elif request.attachment is not None:
        _change_attachment(call, interface, request.attachment)
    elif request.associate_public_ip_address is not None:
        _associate_public(call, interface_id, request.associate_public_ip_address)
    elif request.enable_primary_ipv6:
        set_primary_ipv6(call, interface_id)
    else:
        raise combination("A primary IPv6 address cannot be disabled.")
    return {}


def set_groups(call: Call, interface: Interface, group_ids: list[str]) -> None:
    """These groups in place of all that it has. Raises ApiError: none, or some that it may not have."""
    if not group_ids:
        raise missing("SecurityGroupId")
    groups = interface_groups(call, group_ids, interface.vpc_id, interface.subnet_id, ON_MODIFY)
    call.draft.interfaces[interface.interface_id] = replace(interface, group_ids=groups)


def _change_attachment(call: Call, interface: Interface, changes: NetworkInterfaceAttachmentChanges) -> None:
    attachment_id = named(changes.attachment_id, "Attachment.AttachmentId")
    if attached_by(call, attachment_id).interface_id != interface.interface_id:
        raise invalid_for(attachment_id, "attachmentId", f"It is not of the interface {interface.interface_id}.")
    delete = named(changes.delete_on_termination, "Attachment.DeleteOnTermination")
    changed = attachment(call, interface) | {"DeleteOnTermination": delete}
    call.refile(interface.interface_id, Attachment=changed)


def _associate_public(call: Call, interface_id: str, wanted: bool) -> None:
    call.refile(interface_id, **{WANTS_PUBLIC: wanted})
    if wanted:
        give_public(call, interface_id)
    else:
        release_public(call, interface_id)


@handles(DescribeNetworkInterfaceAttribute)
def describe_network_interface_attribute(call: Call, request: DescribeNetworkInterfaceAttribute) -> Answer:
    interface = call.interface(named(request.network_interface_id, "NetworkInterfaceId"))
    fields = call.papers(interface.interface_id).fields
    shown: Answer = {"NetworkInterfaceId": interface.interface_id}
    match named(request.attribute, "Attribute"):
        case "description":
            shown["Description"] = {"Value": fields.get("Description", "")}
        case "groupSet":
            shown["Groups"] = group_identifiers(call, interface)
        case "sourceDestCheck":
            shown["SourceDestCheck"] = {"Value": fields.get("SourceDestCheck", True)}
        case "attachment":
            found = shown_attachment(call, interface)
            if found is not None:
                shown["Attachment"] = found
        case "associatePublicIpAddress":
            shown["AssociatePublicIpAddress"] = bool(fields.get(WANTS_PUBLIC))
        case other:
            raise invalid(f"Value ({other}) for parameter attribute is invalid. Unknown network interface attribute")
    return shown
