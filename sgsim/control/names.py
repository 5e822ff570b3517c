"""What people call resources: their Name tags, in the model's records."""

from __future__ import annotations

from dataclasses import replace

from sgsim.control.call import Call


def name_interface(call: Call, interface_id: str) -> None:
    """Its Name tag; without one, an instance's primary interface is called what the instance is."""
    interface = call.draft.interfaces[interface_id]
    name = call.tags(interface_id).get("Name", "")
    if not name and interface.device_index == 0 and interface.instance_id is not None:
        name = call.tags(interface.instance_id).get("Name", "")
    if name != interface.name:
        call.draft.interfaces[interface_id] = replace(interface, name=name)


def name_instance(call: Call, instance_id: str) -> None:
    """What that means for its primary interface."""
    for interface in call.interfaces_of(instance_id):
        name_interface(call, interface.interface_id)
