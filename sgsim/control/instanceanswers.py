"""What the API shows of instances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sgsim.control.answers import Shown, tag_list
from sgsim.control.call import Call
from sgsim.control.interfaceanswers import group_identifiers, shown_interface
from sgsim.control.store import Instance
from sgsim.model import Interface

#: Source: EC2 API reference, InstanceState.
STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

#: In the papers of an instance, shown by DescribeInstanceAttribute and others, not by DescribeInstances.
UNSHOWN = (
    "CreditSpecification",
    "DisableApiStop",
    "DisableApiTermination",
    "InstanceInitiatedShutdownBehavior",
    "UserData",
)
#: What an instance's interfaces tell: a snapshot may show it too, and without them it is no more.
OF_INTERFACES = (
    "Ipv6Address",
    "PrivateDnsName",
    "PrivateIpAddress",
    "PublicDnsName",
    "PublicIpAddress",
    "SourceDestCheck",
    "SubnetId",
    "VpcId",
)

_MEMBERS = (  # of an interface, where an instance shows it
    "Association",
    "Attachment",
    "ConnectionTrackingConfiguration",
    "Description",
    "Groups",
    "InterfaceType",
    "Ipv4Prefixes",
    "Ipv6Addresses",
    "Ipv6Prefixes",
    "MacAddress",
    "NetworkInterfaceId",
    "OwnerId",
    "PrivateDnsName",
    "PrivateIpAddress",
    "PrivateIpAddresses",
    "SourceDestCheck",
    "Status",
    "SubnetId",
    "VpcId",
)
_OF_ATTACHMENT = ("AttachTime", "AttachmentId", "DeleteOnTermination", "DeviceIndex", "NetworkCardIndex", "Status")


def shown_state(name: str) -> Shown:
    return {"Code": STATES[name], "Name": name}


def shown_instance(call: Call, instance: Instance, interfaces: Sequence[Interface]) -> Shown:
    """As DescribeInstances shows it; ``interfaces`` are its own, by device index."""
    papers = call.papers(instance.instance_id)
    primary = interfaces[0] if interfaces else None
    shown = {
        **papers.fields,
        "PrivateDnsName": papers.fields.get("PrivateDnsName") or "",
        "PublicDnsName": papers.fields.get("PublicDnsName") or "",
        "InstanceId": instance.instance_id,
        "State": shown_state(instance.state),
        "NetworkInterfaces": [_shown_interface(call, each) for each in interfaces],
        "SecurityGroups": [] if primary is None else group_identifiers(call, primary),
        "Tags": tag_list(papers.tags),
    }
    if primary is not None:
        of_primary = shown_interface(call, primary)
        shown |= {name: of_primary[name] for name in OF_INTERFACES if name in of_primary}
        shown["PublicIpAddress"] = of_primary.get("Association", {}).get("PublicIp")
        shown["Ipv6Address"] = next((each["Ipv6Address"] for each in of_primary["Ipv6Addresses"]), None)
    return {
        name: value
        for name, value in shown.items()
        if value is not None and name != "ReservationId" and name not in UNSHOWN
    }


def _shown_interface(call: Call, interface: Interface) -> Shown:
    shown = shown_interface(call, interface)
    members = {name: shown[name] for name in _MEMBERS if name in shown}
    attachment = shown.get("Attachment", {})
    return members | {"Attachment": {name: attachment[name] for name in _OF_ATTACHMENT if name in attachment}}


def reservations(call: Call, instances: Iterable[tuple[Instance, Shown]]) -> list[Shown]:
    """Instances that were launched together are shown together."""
    found: dict[str, dict[str, Any]] = {}
    for instance, shown in instances:
        papers = call.papers(instance.instance_id)
        name = papers.fields.get("ReservationId")
        known = {} if name is None else {"ReservationId": name}
        reservation = found.setdefault(
            name or instance.instance_id, {**known, "OwnerId": papers.owner, "Groups": [], "Instances": []}
        )
        reservation["Instances"].append(shown)
    return list(found.values())


def interfaces_by_instance(call: Call) -> dict[str, list[Interface]]:
    """The interfaces of all instances, by device index."""
    found: dict[str, list[Interface]] = {}
    for interface in sorted(call.draft.interfaces.values(), key=lambda each: each.device_index or 0):
        if interface.instance_id is not None:
            found.setdefault(interface.instance_id, []).append(interface)
    return found
