"""What the control plane is asked for a change: the call, with all that AWS decided itself written out.

Where an answer is known, addresses and groups that AWS chose stand in the parameters, and new things get AWS's ids, so
that later changes find them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_network
from typing import Any, NamedTuple

from sgsim.sources.changes.records import ApiChange

Params = dict[str, Any]


class Asked(NamedTuple):
    """One call of the control plane. ``given_ids`` are for what it makes, each kind of id in the order of making."""

    call: str
    params: Params
    given_ids: tuple[str, ...] = ()


def asked(change: ApiChange) -> list[Asked]:
    """The calls that do what AWS did: one, or one for each instance of a launch."""
    answer = change.answer or {}
    if change.call == "RunInstances" and answer.get("Instances"):
        return [_launch(change.params, instance) for instance in answer["Instances"]]
    pin = _PINS.get(change.call)
    params, ids = pin(change.params, answer) if pin and answer else (change.params, ())
    return [Asked(change.call, params, tuple(ids))]


def by_value(change: ApiChange) -> Asked | None:
    """A revocation by the ids of rules, as one by what the rules were; None where the answer does not tell that.

    A snapshot without the output of describe-security-group-rules does not know the ids.
    """
    revoked = (change.answer or {}).get("RevokedSecurityGroupRules")
    if not revoked or "SecurityGroupRuleIds" not in change.params:
        return None
    others = {name: value for name, value in change.params.items() if name != "SecurityGroupRuleIds"}
    return Asked(change.call, others | {"IpPermissions": [_permission(rule) for rule in revoked]})


# --- rules --------------------------------------------------------------------------------------------------------

_PEERS = (  # of an IpPermission: its lists in the order of rules, and the member of an item; of a rule: the same
    ("IpRanges", "CidrIp", "CidrIpv4"),
    ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
    ("PrefixListIds", "PrefixListId", "PrefixListId"),
    ("UserIdGroupPairs", "GroupId", "ReferencedGroupId"),
)
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_PORTED = ("tcp", "udp", "icmp", "icmpv6")
_Named = tuple[str, object, object, str]  # protocol, ports, peer


def _permission(rule: Mapping[str, Any]) -> Params:
    permission = {name: rule[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in rule}
    for listed, member, of_rule in _PEERS:
        if of_rule in rule:
            permission[listed] = [{member: rule[of_rule]}]
    return permission


def _authorized(params: Params, answer: Mapping[str, Any]) -> tuple[Params, list[str]]:
    """The ids of the new rules in the order in which the request names them, where each can be told."""
    rules = [rule for rule in answer.get("SecurityGroupRules", ()) if "SecurityGroupRuleId" in rule]
    ids: dict[_Named, list[str]] = defaultdict(list)
    for rule in rules:
        peers = [rule[of_rule] for _, _, of_rule in _PEERS if of_rule in rule]
        peers += [rule["ReferencedGroupInfo"]["GroupId"]] if "GroupId" in rule.get("ReferencedGroupInfo", {}) else []
        ids[_named(rule, peers[0] if peers else "")].append(rule["SecurityGroupRuleId"])
    wanted = list(_wanted(params))
    if len(wanted) == len(rules) and all(ids.get(each) for each in wanted):
        return params, [ids[each].pop(0) for each in wanted]
    return params, [rule["SecurityGroupRuleId"] for rule in rules]


def _wanted(params: Params) -> Iterator[_Named]:
    for permission in params.get("IpPermissions") or [params]:
        if "CidrIp" in permission:
            yield _named(permission, permission["CidrIp"])
        for listed, member, _ in _PEERS:
            for item in permission.get(listed, ()):
                yield _named(permission, item.get(member, ""))


def _named(rule: Mapping[str, Any], peer: str) -> _Named:
    """A rule as AWS names it: protocols by name, ports where they count, CIDRs without host bits."""
    given = str(rule.get("IpProtocol", "")).lower()
    protocol = _PROTOCOLS.get(given, given)
    ports = (rule.get("FromPort", -1), rule.get("ToPort", -1)) if protocol in _PORTED else (-1, -1)
    with suppress(ValueError):  # a group, a list, or something that the control plane will refuse
        peer = str(ip_network(peer, strict=False))
    return protocol, *ports, peer


# --- interfaces ---------------------------------------------------------------------------------------------------


_REPLACES = {  # what else a request may say about what the answer tells
    "PrivateIpAddresses": ("PrivateIpAddress", "SecondaryPrivateIpAddressCount"),
    "Ipv6Addresses": ("Ipv6AddressCount",),
    "Ipv4Prefixes": ("Ipv4PrefixCount",),
    "Ipv6Prefixes": ("Ipv6PrefixCount",),
}
_OF_ATTACHMENT = ("DeviceIndex", "NetworkCardIndex", "DeleteOnTermination")
_OF_INTERFACES = (
    *("NetworkInterfaces", "SubnetId", "SecurityGroupIds", "SecurityGroups", "EnablePrimaryIpv6", "Ipv6Addresses"),
    *(name for names in _REPLACES.values() for name in names),
)


def _with(params: Params, told: Params) -> Params:
    """The parameters, with what an answer tells in the place of what they say about it."""
    replaced = {name for each in told for name in _REPLACES.get(each, ())}
    return {name: value for name, value in params.items() if name not in replaced} | told


def _made_interface(params: Params, answer: Mapping[str, Any]) -> tuple[Params, list[str]]:
    made = answer.get("NetworkInterface", {})
    return _with(params, _chosen(made)), _ids(made, "NetworkInterfaceId")


def _launch(params: Params, instance: Mapping[str, Any]) -> Asked:
    """One instance, with the interfaces that it got: new ones, or those that the request names."""
    ids, interfaces = _ids(instance, "InstanceId"), []
    for made in instance.get("NetworkInterfaces", ()):
        attachment = made.get("Attachment", {})
        specification = _only(attachment, *_OF_ATTACHMENT)
        wanted = [each for each in params.get("NetworkInterfaces", ()) if _is_of(each, made)]
        if wanted and "NetworkInterfaceId" in wanted[0]:
            specification |= wanted[0]
        else:
            told = _chosen(made) | _only(made, "SubnetId") | specification
            specification = _with(wanted[0] if wanted else {}, told)
            ids += _ids(made, "NetworkInterfaceId")
        ids += _ids(attachment, "AttachmentId")
        interfaces.append(specification)
    own = {"MinCount": 1, "MaxCount": 1}
    if not interfaces:
        return Asked("RunInstances", params | own, tuple(ids))
    others = {name: value for name, value in params.items() if name not in _OF_INTERFACES}
    return Asked("RunInstances", others | own | {"NetworkInterfaces": interfaces}, tuple(ids))


def _is_of(specification: Params, made: Mapping[str, Any]) -> bool:
    """Whether a request's specification is that of an interface in the answer."""
    if "NetworkInterfaceId" in specification:
        return bool(specification["NetworkInterfaceId"] == made.get("NetworkInterfaceId"))
    return bool(specification.get("DeviceIndex", 0) == made.get("Attachment", {}).get("DeviceIndex", 0))


def _chosen(made: Mapping[str, Any]) -> Params:
    """What AWS gave an interface: addresses, prefixes, groups."""
    addresses = made.get("PrivateIpAddresses") or [
        {"PrivateIpAddress": made[name], "Primary": True} for name in ("PrivateIpAddress",) if name in made
    ]
    found: Params = {
        "Groups": [each["GroupId"] for each in made.get("Groups", ()) if "GroupId" in each],
        "PrivateIpAddresses": [_only(each, "PrivateIpAddress", "Primary") for each in addresses],
        "Ipv6Addresses": [_only(each, "Ipv6Address", "IsPrimaryIpv6") for each in made.get("Ipv6Addresses", ())],
        "Ipv4Prefixes": made.get("Ipv4Prefixes", []),
        "Ipv6Prefixes": made.get("Ipv6Prefixes", []),
    }
    return {name: value for name, value in found.items() if value}


def _only(record: Mapping[str, Any], *names: str) -> Params:
    return {name: record[name] for name in names if name in record}


def _assigned4(params: Params, answer: Mapping[str, Any]) -> tuple[Params, list[str]]:
    addresses = [each["PrivateIpAddress"] for each in answer.get("AssignedPrivateIpAddresses", ())]
    prefixes = [each["Ipv4Prefix"] for each in answer.get("AssignedIpv4Prefixes", ())]
    return _assigned(params, {"PrivateIpAddresses": addresses, "Ipv4Prefixes": prefixes})


def _assigned6(params: Params, answer: Mapping[str, Any]) -> tuple[Params, list[str]]:
    addresses, prefixes = answer.get("AssignedIpv6Addresses", []), answer.get("AssignedIpv6Prefixes", [])
    return _assigned(params, {"Ipv6Addresses": addresses, "Ipv6Prefixes": prefixes})


def _assigned(params: Params, given: dict[str, list[str]]) -> tuple[Params, list[str]]:
    return _with(params, {name: value for name, value in given.items() if value}), []


# --- the rest -----------------------------------------------------------------------------------------------------


def _ids(record: Mapping[str, Any], *names: str) -> list[str]:
    return [record[name] for name in names if name in record]


def _makes(*path: str) -> Callable[[Params, Mapping[str, Any]], tuple[Params, list[str]]]:
    """Only the id of what it makes is AWS's choice: where that stands in the answer."""

    def pin(params: Params, answer: Mapping[str, Any]) -> tuple[Params, list[str]]:
        for name in path[:-1]:
            answer = answer.get(name, {})
        return params, _ids(answer, path[-1])

    return pin


def _associated(params: Params, answer: Mapping[str, Any]) -> tuple[Params, list[str]]:
    made = answer.get("CidrBlockAssociation") or answer.get("Ipv6CidrBlockAssociation", {})
    return params, _ids(made, "AssociationId")


_PINS: dict[str, Callable[[Params, Mapping[str, Any]], tuple[Params, list[str]]]] = {
    "AuthorizeSecurityGroupIngress": _authorized,
    "AuthorizeSecurityGroupEgress": _authorized,
    "CreateNetworkInterface": _made_interface,
    "AssignPrivateIpAddresses": _assigned4,
    "AssignIpv6Addresses": _assigned6,
    "CreateSecurityGroup": _makes("GroupId"),
    "AttachNetworkInterface": _makes("AttachmentId"),
    "CreateManagedPrefixList": _makes("PrefixList", "PrefixListId"),
    "CreateVpcPeeringConnection": _makes("VpcPeeringConnection", "VpcPeeringConnectionId"),
    "CreateVpc": _makes("Vpc", "VpcId"),
    "CreateDefaultVpc": _makes("Vpc", "VpcId"),
    "CreateSubnet": _makes("Subnet", "SubnetId"),
    "AssociateVpcCidrBlock": _associated,
}
