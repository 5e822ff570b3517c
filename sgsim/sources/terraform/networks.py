"""VPCs, subnets, peerings, prefix lists and associations of groups with other VPCs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Network

from sgsim.model import GroupVpcAssociation, Network, PrefixList, Subnet, Vpc, VpcPeeringConnection
from sgsim.sources.checks import ipv4_network, network
from sgsim.sources.infrastructure.drafts import Doubts, Drafts
from sgsim.sources.infrastructure.values import Unknown, Value
from sgsim.sources.terraform.names import GROUP, PEERING, PREFIX_LIST, SUBNET, VPC, Names
from sgsim.sources.terraform.resources import Resource

_FAMILIES = {"IPv4": 4, "IPv6": 6}
_LIST_ENTRY = "aws_ec2_managed_prefix_list_entry"
_ACCEPTER = "aws_vpc_peering_connection_accepter"
_ASSOCIATION = "aws_vpc_security_group_vpc_association"
_PEERING = "aws_vpc_peering_connection"
NETWORK_TYPES = frozenset(
    {*VPC.types, *SUBNET.types, *PREFIX_LIST.types, _LIST_ENTRY, _PEERING, _ACCEPTER, _ASSOCIATION}
)


def read_networks(
    resources: Iterable[Resource], names: Names, drafts: Drafts, doubts: Doubts, replaced: Iterable[Resource] = ()
) -> None:
    """``replaced``: what is managed before a plan; entries of prefix lists among it are no longer their lists'."""
    of: dict[str, list[Resource]] = defaultdict(list)
    for resource in resources:
        of[resource.type].append(resource)
    for resource in (each for kind in VPC.types for each in of[kind]):
        cidr = _cidr(resource.value("cidr_block"), doubts)
        drafts.vpcs.setdefault(names.own(resource), Vpc(names.own(resource), cidr, name_tag(resource)))
        default = resource.value("default_security_group_id").word()
        if default:
            names.default_groups[names.own(resource)] = default
    for resource in of["aws_default_security_group"]:
        vpc_id = names.one(resource, VPC, "vpc_id")
        if isinstance(vpc_id, str):
            names.default_groups[vpc_id] = names.own(resource)
    for resource in (each for kind in SUBNET.types for each in of[kind]):
        subnet_id, vpc_id = names.own(resource), names.one(resource, VPC, "vpc_id")
        cidr = _cidr(resource.value("cidr_block"), doubts)
        drafts.subnets.setdefault(subnet_id, Subnet(subnet_id, vpc_id if isinstance(vpc_id, str) else None, cidr))
    _read_peerings(of, names, drafts, doubts)
    _read_lists(of, names, drafts, doubts, replaced)
    for resource in of[_ASSOCIATION]:
        group_id = names.one(resource, GROUP, "security_group_id")
        vpc_id = names.one(resource, VPC, "vpc_id")
        if not isinstance(group_id, str) or not isinstance(vpc_id, str):
            problem = f"which group is in which VPC is known only {doubts.when}: passed over"
            doubts.notes.doubt(resource.place.refusal(problem))
        elif resource.value("state").word() in ("", "associated"):
            drafts.associations.append(GroupVpcAssociation(group_id, vpc_id))


def name_tag(resource: Resource) -> str:
    """The Name tag, "" without one. Tags that all resources of a provider have are in ``tags_all`` only."""
    for key in ("tags", "tags_all"):
        tags = resource.value(key)
        if isinstance(tags.raw, dict) and tags.at("Name").word():
            return tags.at("Name").word()
    return ""


def _cidr(value: Value, doubts: Doubts) -> IPv4Network | None:
    text = value.word()
    return ipv4_network(text, value.place, doubts.notes) if text else None


# --- peerings ---------------------------------------------------------------------------------------------------------


def _read_peerings(of: dict[str, list[Resource]], names: Names, drafts: Drafts, doubts: Doubts) -> None:
    """A connection that a plan makes is active if one of its sides accepts it by itself."""
    accepted: dict[str, str] = {}
    for resource in of[_ACCEPTER]:
        accepts = names.one(resource, PEERING, "vpc_peering_connection_id")
        if isinstance(accepts, str):
            accepted[accepts] = _status(resource)
    for resource in of[_PEERING]:
        ends = [names.one(resource, VPC, key) for key in ("vpc_id", "peer_vpc_id")]
        connection = names.own(resource)
        if not isinstance(ends[0], str) or not isinstance(ends[1], str):
            unknown = next((end.name for end in ends if isinstance(end, Unknown)), resource.address)
            doubts.unknown(resource.place, Unknown(unknown), "references over this peering are unresolved")
            continue
        status = resource.value("accept_status").word() or accepted.get(connection, "") or _status(resource)
        regions = _region(resource), resource.value("peer_region").word() or _region(resource)
        if None in regions and regions[0] != regions[1]:
            problem = "whether both VPCs are in one Region is not known: taken for it"
            doubts.notes.doubt(resource.value("peer_region").place.refusal(problem))
        drafts.peerings[connection] = VpcPeeringConnection(connection, ends[0], ends[1], status, *regions)


def _status(resource: Resource) -> str:
    known = resource.value("accept_status").word()
    return known or ("active" if resource.value("auto_accept").flag() is True else "pending-acceptance")


def _region(resource: Resource) -> str | None:
    return resource.value("region").word() or None


# --- prefix lists -----------------------------------------------------------------------------------------------------


def _read_lists(
    of: dict[str, list[Resource]], names: Names, drafts: Drafts, doubts: Doubts, replaced: Iterable[Resource]
) -> None:
    """Entries are written in a list, or resources by themselves, of lists made elsewhere too."""
    apart: dict[str, list[Value]] = defaultdict(list)
    for resource in of[_LIST_ENTRY]:
        list_id = names.one(resource, PREFIX_LIST, "prefix_list_id")
        if isinstance(list_id, str):
            apart[list_id].append(resource.value("cidr"))
        else:
            place = resource.value("prefix_list_id").place
            doubts.unknown(place, Unknown(place.path), "any list that is made with it might have this entry")
            drafts.incomplete_lists.update(names.new_of(PREFIX_LIST))
    gone = {
        (names.one(each, PREFIX_LIST, "prefix_list_id"), each.value("cidr").word())
        for each in replaced
        if each.type == _LIST_ENTRY
    }
    for resource in (each for kind in PREFIX_LIST.types for each in of[kind]):
        list_id = resource.value("prefix_list_id").word() or names.own(resource)
        written = _written(resource, names)
        if not names.is_set(resource, "entry"):  # it lists what others made, as it was before the plan
            written = [cidr for cidr in written if (list_id, cidr.raw) not in gone]
        family = _FAMILIES.get(resource.value("address_family").word())
        blank = PrefixList(list_id, resource.value("name").word(), family, None)
        drafts.prefix_lists.setdefault(list_id, blank)
        _fill(drafts, list_id, [*written, *apart.pop(list_id, ())], doubts)
    for list_id, cidrs in apart.items():
        drafts.prefix_lists[list_id] = PrefixList(list_id, "", None, None)
        drafts.incomplete_lists.add(list_id)
        _fill(drafts, list_id, cidrs, doubts)
        problem = (
            f"is an entry of {list_id}, whose other entries are not known: what only they might admit is unresolved"
        )
        doubts.notes.doubt(cidrs[0].place.refusal(problem))


def _written(resource: Resource, names: Names) -> list[Value]:
    """The CIDRs written in a list, each known or not. A list that a plan makes has none if it names none."""
    if resource.type == "aws_prefix_list" or resource.mode == "data":
        return [
            *resource.value("cidr_blocks").items(),
            *(each.at("cidr") for each in resource.value("entries").items()),
        ]
    value = resource.value("entry")
    if isinstance(value.raw, Unknown) and resource.created and names.is_set(resource, "entry") is False:
        return []
    return [entry.at("cidr") for entry in value.items()]


def _fill(drafts: Drafts, list_id: str, cidrs: list[Value], doubts: Doubts) -> None:
    listed = drafts.prefix_lists[list_id]
    known, family = list[Network](listed.entries or ()), listed.family
    for cidr in cidrs:
        text = cidr.text()
        if isinstance(text, Unknown):
            doubts.unknown(cidr.place, text, "what only this entry might admit is unresolved")
            drafts.incomplete_lists.add(list_id)
        elif text:
            known.append(network(text, family, cidr.place, doubts.notes))
            family = known[-1].version
    drafts.prefix_lists[list_id] = replace(listed, family=family, entries=tuple(dict.fromkeys(known)))
