"""What the API shows of network interfaces."""

from __future__ import annotations

from typing import Any

from sgsim.control.answers import Shown, tag_list
from sgsim.control.call import Call
from sgsim.control.store import Papers
from sgsim.control.tracking import shown_tracking
from sgsim.model import Interface

#: In the papers of an interface, not in describe output: whether it gets a public address when its instance starts.
WANTS_PUBLIC = "AssociatePublicIpAddress"


def shown_interface(call: Call, interface: Interface) -> Shown:
    """As DescribeNetworkInterfaces shows it."""
    papers = call.papers(interface.interface_id)
    private = shown_private(interface, papers)
    shown = {
        **papers.fields,
        "NetworkInterfaceId": interface.interface_id,
        "OwnerId": papers.owner,
        "VpcId": interface.vpc_id,
        "SubnetId": interface.subnet_id,
        "InterfaceType": interface.interface_type or "interface",
        "Status": status(call, interface),
        "SourceDestCheck": papers.fields.get("SourceDestCheck", True),
        "Groups": group_identifiers(call, interface),
        "Attachment": shown_attachment(call, interface),
        "Association": (private[0].get("Association") if private else None) or papers.fields.get("Association"),
        "PrivateDnsName": private[0]["PrivateDnsName"] if private else None,
        "PrivateIpAddress": private[0]["PrivateIpAddress"] if private else None,
        "PrivateIpAddresses": private,
        "Ipv6Addresses": shown_ipv6(interface, papers),
        "Ipv4Prefixes": prefixes(interface, 4) or None,
        "Ipv6Prefixes": prefixes(interface, 6) or None,
        "ConnectionTrackingConfiguration": shown_tracking(interface) or None,
        "TagSet": tag_list(papers.tags),
    }
    return {name: value for name, value in shown.items() if value is not None and name != WANTS_PUBLIC}


def group_identifiers(call: Call, interface: Interface) -> list[Shown]:
    groups = call.draft.groups
    return [
        {"GroupId": group_id, "GroupName": groups[group_id].name if group_id in groups else ""}
        for group_id in interface.group_ids
    ]


def status(call: Call, interface: Interface) -> str:
    """Interfaces of AWS's own services are attached to no instance that is seen; their papers tell."""
    told = call.papers(interface.interface_id).fields.get("Status")
    return str(told) if told else "available" if interface.instance_id is None else "in-use"


def attachment(call: Call, interface: Interface) -> Shown:
    """What the papers say of its attachment; empty where it has none."""
    return dict(call.papers(interface.interface_id).fields.get("Attachment") or {})


def shown_attachment(call: Call, interface: Interface) -> Shown | None:
    shown = attachment(call, interface)
    if interface.instance_id is not None:
        shown["InstanceId"] = interface.instance_id
    if interface.device_index is not None:
        shown["DeviceIndex"] = interface.device_index
    return shown or None


def shown_private(interface: Interface, papers: Papers) -> list[Shown]:
    """Its private IPv4 addresses, the primary one first."""
    details = _by_address(papers, "PrivateIpAddresses", "PrivateIpAddress")
    shown: list[Shown] = []
    for address in interface.addresses:
        if address.version == 4:
            text = str(address)
            more = {"PrivateDnsName": private_dns_name(text, papers.region)} | details.get(text, {})
            shown.append({**more, "PrivateIpAddress": text, "Primary": not shown})
    return shown


def shown_ipv6(interface: Interface, papers: Papers) -> list[Shown]:
    details = _by_address(papers, "Ipv6Addresses", "Ipv6Address")
    texts = [str(address) for address in interface.addresses if address.version == 6]
    return [{"IsPrimaryIpv6": False} | details.get(text, {}) | {"Ipv6Address": text} for text in texts]


def _by_address(papers: Papers, key: str, member: str) -> dict[str, dict[str, Any]]:
    return {each[member]: each for each in papers.fields.get(key, ())}


def prefixes(interface: Interface, version: int) -> list[Shown]:
    return [{f"Ipv{version}Prefix": str(each)} for each in interface.prefixes if each.version == version]


def private_dns_name(address: str, region: str) -> str:
    """Source: EC2 user guide, "EC2 instance hostnames, DNS names, and domains"."""
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{address.replace('.', '-')}.{domain}"
