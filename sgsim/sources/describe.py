"""Describe output -> Topology: every record checked, joined over files, in the snapshot's order."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from ipaddress import IPv4Network

from sgsim.model import (
    GroupVpcAssociation,
    Interface,
    Network,
    PrefixList,
    SecurityGroup,
    Subnet,
    Topology,
    Vpc,
    VpcPeeringConnection,
)
from sgsim.sources import shapes
from sgsim.sources.checks import ipv4_network, network
from sgsim.sources.interfaces import interfaces, name_tag
from sgsim.sources.joining import Joined, add, completed, joined, typed_replies
from sgsim.sources.permissions import security_groups
from sgsim.sources.places import Document, Notes, Place
from sgsim.sources.references import check_references, refuse_shared_addresses

_Replies = list[tuple[Place, shapes.Reply]]
_LIST_IN_NAME = re.compile(r"pl-[0-9A-Za-z]+")
_FAMILIES = {"IPv4": 4, "IPv6": 6}


def describe_topology(source: str, documents: list[Document], notes: Notes) -> Topology:
    """The topology that describe output makes; ``source`` names the whole snapshot in messages.

    Raises InputError: see ``sgsim.sources.load_topology``.
    """
    replies = typed_replies(documents, notes)
    listed = _listed_rules(replies)
    groups = security_groups(joined(replies, "security_groups", "SecurityGroups", "group_id"), listed, notes)
    found, places = interfaces(replies, notes)
    _check_groups(source, found, places, groups, notes)
    topology = Topology(
        groups=groups,
        interfaces=found,
        prefix_lists=_prefix_lists(replies, notes),
        vpcs=_vpcs(replies, notes),
        subnets=_subnets(replies, notes),
        peerings=_peerings(replies),
        associations=_associations(replies),
        auto_tracked=_auto_tracked(replies, notes),
    )
    refuse_shared_addresses(found, places)
    check_references(source, topology, notes)
    return replace(topology, warnings=notes.warnings)


def _listed_rules(replies: _Replies) -> Joined[shapes.SecurityGroupRule]:
    """SecurityGroupRules by id; those without one (trimmed output) by their place."""
    found: Joined[shapes.SecurityGroupRule] = {}
    for file, reply in replies:
        for number, record in enumerate(reply.security_group_rules or ()):
            place = file.at("SecurityGroupRules").at(number)
            add(found, record.security_group_rule_id or f"{place.file}: {place}", place, record)
    return found


def _check_groups(
    source: str,
    found: dict[str, Interface],
    places: dict[str, Place],
    groups: dict[str, SecurityGroup],
    notes: Notes,
) -> None:
    """Every group of every interface must be known, unless the snapshot holds no groups at all."""
    remedy = "add the output of aws ec2 describe-security-groups"
    for name, interface in found.items():
        unknown = next((group_id for group_id in interface.group_ids if group_id not in groups), None)
        if unknown is None:
            continue
        if groups:
            raise places[name].refusal(f"{name} has the security group {unknown}, not in the snapshot", remedy)
        problem = "holds no security groups: nothing can be judged at its interfaces"
        notes.doubt(Place(source).refusal(problem, remedy))
        return


def _prefix_lists(replies: _Replies, notes: Notes) -> dict[str, PrefixList]:
    records: Joined[shapes.PrefixList] = {}
    for file, reply in replies:
        for number, record in enumerate(reply.prefix_lists or ()):
            # describe-prefix-lists has the CIDRs, describe-managed-prefix-lists the family: both may be here.
            add(records, record.prefix_list_id, file.at("PrefixLists").at(number), record, completed)
    entries: dict[str, list[tuple[Place, str]]] = {}
    for prefix_list_id, (place, record) in records.items():
        if record.cidrs is not None or record.entries is not None:
            inside = entries[prefix_list_id] = []
            for number, cidr in enumerate(record.cidrs or ()):
                inside.append((place.at(f"Cidrs[{number}]"), cidr))
            for number, entry in enumerate(record.entries or ()):
                inside.append((place.at(f"Entries[{number}].Cidr"), entry.cidr))
    _add_entries_files(replies, records, entries, notes)
    return {
        prefix_list_id: _prefix_list(place, record, entries.get(prefix_list_id), notes)
        for prefix_list_id, (place, record) in records.items()
    }


def _add_entries_files(
    replies: _Replies,
    records: Joined[shapes.PrefixList],
    entries: dict[str, list[tuple[Place, str]]],
    notes: Notes,
) -> None:
    """get-managed-prefix-list-entries does not say which list it is about: the file's name does. Pages are joined."""
    for file, reply in replies:
        if reply.entries is None:
            continue
        name = _LIST_IN_NAME.search(os.path.basename(file.file))
        if name is None:
            problem = "the file's name does not say which prefix list these are: passed over"
            notes.doubt(file.at("Entries").refusal(problem, "name the file after its list, pl-….json"))
            continue
        records.setdefault(name[0], (file, shapes.PrefixList(name[0])))
        listed = entries.setdefault(name[0], [])
        for number, entry in enumerate(reply.entries):
            listed.append((file.at(f"Entries[{number}].Cidr"), entry.cidr))


def _prefix_list(
    place: Place, record: shapes.PrefixList, entries: list[tuple[Place, str]] | None, notes: Notes
) -> PrefixList:
    """A list's family is AddressFamily, or its entries'; they must agree (a list has one, EC2 API reference)."""
    family = None
    if record.address_family is not None:
        family = _FAMILIES.get(record.address_family)
        if family is None:
            raise place.at("AddressFamily").refusal(f"{record.address_family!r} is neither IPv4 nor IPv6")
    networks = []
    for where, text in entries or ():
        networks.append(network(text, family, where, notes))
        family = networks[-1].version
    known = None if entries is None else tuple(dict.fromkeys(networks))
    return PrefixList(record.prefix_list_id, record.prefix_list_name or "", family, known)


def _vpcs(replies: _Replies, notes: Notes) -> dict[str, Vpc]:
    found = {}
    for vpc_id, (place, record) in joined(replies, "vpcs", "Vpcs", "vpc_id").items():
        found[vpc_id] = Vpc(vpc_id, _cidr(record.cidr_block, place, notes), name_tag(record.tags))
    return found


def _subnets(replies: _Replies, notes: Notes) -> dict[str, Subnet]:
    found = {}
    for subnet_id, (place, record) in joined(replies, "subnets", "Subnets", "subnet_id").items():
        found[subnet_id] = Subnet(subnet_id, record.vpc_id, _cidr(record.cidr_block, place, notes))
    return found


def _cidr(text: str | None, place: Place, notes: Notes) -> IPv4Network | None:
    """CidrBlock, the (primary) IPv4 CIDR; a subnet for IPv6 only has none."""
    return ipv4_network(text, place.at("CidrBlock"), notes) if text else None


def _peerings(replies: _Replies) -> dict[str, VpcPeeringConnection]:
    records = joined(replies, "vpc_peering_connections", "VpcPeeringConnections", "vpc_peering_connection_id")
    return {
        name: VpcPeeringConnection(
            name,
            record.requester_vpc_info.vpc_id,
            record.accepter_vpc_info.vpc_id,
            record.status.code,
            record.requester_vpc_info.region,
            record.accepter_vpc_info.region,
        )
        for name, (_, record) in records.items()
    }


def _auto_tracked(replies: _Replies, notes: Notes) -> tuple[Network, ...]:
    """What AWS does not show and a scenario says: kept where sgsim writes describe output itself."""
    return tuple(
        network(text, None, file.at(f"Sgsim.AutoTracked[{number}]"), notes)
        for file, reply in replies
        for number, text in enumerate((reply.sgsim.auto_tracked if reply.sgsim else None) or ())
    )


def _associations(replies: _Replies) -> tuple[GroupVpcAssociation, ...]:
    """Only those in effect: not the ones on their way in or out, or failed."""
    found = {
        GroupVpcAssociation(record.group_id, record.vpc_id): None
        for _, reply in replies
        for record in reply.security_group_vpc_associations or ()
        if record.state == "associated"
    }
    return tuple(found)
