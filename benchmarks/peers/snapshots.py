"""A topology as the JSON that ``aws ec2 describe-...`` would print, so that whole processes can be measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from sgsim.model import (
    ANY_PROTOCOL,
    GroupReference,
    Interface,
    PrefixListReference,
    Rule,
    SecurityGroup,
    Topology,
)


def write_snapshot(topology: Topology, path: Path) -> Path:
    """Groups and interfaces in one file; a rule is an IpPermission of its own, so that order and names stay."""
    reply = {
        "SecurityGroups": [_group(group) for group in topology.groups.values()],
        "NetworkInterfaces": [_interface(interface) for interface in topology.interfaces.values()],
    }
    path.write_bytes(msgspec.json.encode(reply))
    return path


def _group(group: SecurityGroup) -> dict[str, Any]:
    return {
        "GroupId": group.group_id,
        "GroupName": group.name,
        "VpcId": group.vpc_id,
        "IpPermissions": [_permission(rule) for rule in group.ingress],
        "IpPermissionsEgress": [_permission(rule) for rule in group.egress],
    }


def _permission(rule: Rule) -> dict[str, Any]:
    protocol = "-1" if rule.protocol == ANY_PROTOCOL else str(rule.protocol)
    permission: dict[str, Any] = {"IpProtocol": protocol}
    if rule.from_port is not None:
        permission |= {"FromPort": rule.from_port, "ToPort": rule.to_port}
    peer = rule.peer
    if isinstance(peer, GroupReference):
        permission["UserIdGroupPairs"] = [{"GroupId": peer.group_id}]
    elif isinstance(peer, PrefixListReference):
        permission["PrefixListIds"] = [{"PrefixListId": peer.prefix_list_id}]
    elif peer.version == 4:
        permission["IpRanges"] = [{"CidrIp": str(peer)}]
    else:
        permission["Ipv6Ranges"] = [{"CidrIpv6": str(peer)}]
    return permission


def _interface(interface: Interface) -> dict[str, Any]:
    four = [str(address) for address in interface.addresses if address.version == 4]
    return {
        "NetworkInterfaceId": interface.interface_id,
        "VpcId": interface.vpc_id,
        "Groups": [{"GroupId": group_id} for group_id in interface.group_ids],
        "PrivateIpAddress": four[0] if four else None,
        "PrivateIpAddresses": [{"PrivateIpAddress": text, "Primary": text == four[0]} for text in four],
        "Ipv4Prefixes": [{"Ipv4Prefix": str(each)} for each in interface.prefixes if each.version == 4],
        "Ipv6Addresses": [{"Ipv6Address": str(a)} for a in interface.addresses if a.version == 6],
    }
