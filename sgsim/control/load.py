"""A snapshot -> what a cloud holds: the records that the judges take, and the papers that only the API shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sgsim.control.call import AWS, Caller
from sgsim.control.store import Fields, Instance, Papers, Store
from sgsim.errors import InputError
from sgsim.model import Interface, Topology, UnknownPeer, Vpc
from sgsim.sources import read_snapshot
from sgsim.sources.places import Document, Snapshot

SCENARIO_VPC = "vpc-scenario"  # of a scenario that names no VPC; a default one, so that groups have names there

_OF_ZONE = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]+")  # also of a Local Zone, us-west-2-lax-1a
_Reply = Mapping[str, Any]


def load_store(path: str | Path, home: Caller, *, strict: bool = False) -> Store:
    """Read a snapshot of any kind (see ``sgsim.sources.load_topology``) for a cloud.

    ``home`` is the account and Region of what does not tell its own. What only the API shows (descriptions, tags,
    owners, attachments, ...) is taken as it stands in describe output.

    Raises InputError: as ``load_topology``; a group without a VPC; a rule whose peer is not known before it is applied,
    which the API could not show.
    """
    snapshot = read_snapshot(path, strict=strict)
    for rule in snapshot.topology.rules():
        if isinstance(rule.peer, UnknownPeer):
            problem = "is not known before it is applied, and a cloud knows its rules"
            raise InputError(str(path), rule.peer.address, problem, "give the state after apply, or describe output")
    return store_of(snapshot, home)


def store_of(snapshot: Snapshot, home: Caller) -> Store:
    """What a snapshot says, in a store; without describe output there are no descriptions and no tags.

    Raises InputError: a group without a VPC.
    """
    papers = {name: found for document in snapshot.documents for name, found in _papers(document, home)}
    store = _store(snapshot.name, snapshot.topology, papers, home)
    owns = [_own(document) for document in snapshot.documents]
    store.ids_made = max((made for own in owns if isinstance(made := own.get("IdsMade"), int)), default=0)
    for settled in (own["Settled"] for own in owns if isinstance(own.get("Settled"), list)):
        store.settled = (store.settled or set()) | {(str(each[0]), str(each[1])) for each in settled if len(each) == 2}
    return store


def _own(document: Document) -> _Reply:
    """What a written state tells of itself."""
    own = document.data.get("Sgsim") if isinstance(document.data, dict) else None
    return own if isinstance(own, dict) else {}


def _store(source: str, topology: Topology, papers: dict[str, Papers], home: Caller) -> Store:
    topology = _with_vpcs(source, topology)
    store = Store(
        groups=dict(topology.groups),
        interfaces=dict(topology.interfaces),
        prefix_lists=dict(topology.prefix_lists),
        vpcs=dict(topology.vpcs),
        subnets=dict(topology.subnets),
        peerings=dict(topology.peerings),
        associations={(each.group_id, each.vpc_id): each for each in topology.associations},
        auto_tracked=topology.auto_tracked,
        warnings=topology.warnings,
    )
    store.papers = papers
    for interface in topology.interfaces.values():
        if interface.instance_id is not None:
            papers.setdefault(interface.instance_id, Papers(home.account, home.region, {}, {}))
    for name, found in papers.items():
        if name.startswith("i-"):
            store.instances[name] = Instance(name, _state(found.fields))
    for table in (
        store.groups,
        store.interfaces,
        store.prefix_lists,
        store.vpcs,
        store.subnets,
        store.peerings,
    ):
        for name, record in table.items():
            if name not in papers:
                tags = {"Name": record.name} if isinstance(record, Interface | Vpc) and record.name else {}
                papers[name] = Papers(home.account, home.region, tags)
    if SCENARIO_VPC in store.vpcs:
        papers[SCENARIO_VPC] = Papers(home.account, home.region, {}, {"IsDefault": True, "State": "available"})
    for group in store.groups.values():
        for rule in (*group.ingress, *group.egress):
            store.rule_groups[rule.rule_id] = group.group_id
    return store


def _state(fields: Fields) -> str:
    return str(fields.get("State", {}).get("Name", "running"))


def _with_vpcs(source: str, topology: Topology) -> Topology:
    """With a record for every VPC that something is in; a scenario's only one, where it names none."""
    groups, interfaces = topology.groups, topology.interfaces
    vpcs = dict(topology.vpcs)
    homeless = [name for name, group in groups.items() if group.vpc_id is None]
    if homeless and len(homeless) < len(groups):
        raise InputError(source, homeless[0], "has no VpcId: groups of EC2-Classic are no more", "name its VPC")
    if homeless:
        groups = {name: replace(group, vpc_id=SCENARIO_VPC) for name, group in groups.items()}
        interfaces = {
            name: interface if interface.vpc_id else replace(interface, vpc_id=SCENARIO_VPC)
            for name, interface in interfaces.items()
        }
    named = [each.vpc_id for table in (groups, interfaces, topology.subnets) for each in table.values()]
    for vpc_id in named:
        if vpc_id is not None and vpc_id not in vpcs:
            vpcs[vpc_id] = Vpc(vpc_id)
    return replace(topology, groups=groups, interfaces=interfaces, vpcs=vpcs)


# --- papers -------------------------------------------------------------------------------------------------------

#: Of each key of describe output: the member that is the id, and the members that are the model's own or the papers'.
_MODELLED: dict[str, tuple[str, frozenset[str]]] = {
    "SecurityGroups": ("GroupId", frozenset({"GroupName", "VpcId", "IpPermissions", "IpPermissionsEgress"})),
    "SecurityGroupRules": ("SecurityGroupRuleId", frozenset()),
    "NetworkInterfaces": (
        "NetworkInterfaceId",
        frozenset(
            {
                "VpcId",
                "SubnetId",
                "InterfaceType",
                "Groups",
                "PrivateIpAddress",
                "Ipv4Prefixes",
                "Ipv6Prefixes",
                "ConnectionTrackingConfiguration",
            }
        ),
    ),
    "PrefixLists": ("PrefixListId", frozenset({"PrefixListName", "AddressFamily", "Cidrs"})),
    "VpcPeeringConnections": ("VpcPeeringConnectionId", frozenset()),
    "Vpcs": ("VpcId", frozenset({"CidrBlock"})),
    "Subnets": ("SubnetId", frozenset({"VpcId", "CidrBlock"})),
}
_OFFICIAL = frozenset({"OwnerId", "Region", "Tags", "TagSet", "SecurityGroupArn", "SubnetArn", "PrefixListArn"})


def _papers(document: Document, home: Caller) -> Iterator[tuple[str, Papers]]:
    data: _Reply = document.data if isinstance(document.data, dict) else {}
    for key, (identifier, modelled) in _MODELLED.items():
        for item in data.get(key) or ():
            if item.get(identifier):
                fields = {} if key == "SecurityGroupRules" else _rest(item, {identifier} | modelled)
                yield item[identifier], _papers_of(item, home, fields)
    for reservation in data.get("Reservations") or ():
        for item in reservation.get("Instances") or ():
            fields = _rest(item, {"InstanceId", "NetworkInterfaces", "SecurityGroups"})
            told = {"OwnerId": reservation.get("OwnerId")} | item
            fields["ReservationId"] = item.get("ReservationId") or reservation.get("ReservationId")
            yield item["InstanceId"], _papers_of(told, home, fields)


def _rest(item: _Reply, known: set[str] | frozenset[str]) -> dict[str, Any]:
    return {name: _timed(name, value) for name, value in item.items() if name not in known and name not in _OFFICIAL}


def _timed(name: str, value: Any) -> Any:
    """Members named ...Time are times, at any depth; what is none stays as it is."""
    if isinstance(value, dict):
        return {key: _timed(key, member) for key, member in value.items()}
    if isinstance(value, list):
        return [_timed(name, member) for member in value]
    if name.endswith("Time") and isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value


def _papers_of(item: _Reply, home: Caller, fields: Fields) -> Papers:
    tags = {
        tag["Key"]: tag.get("Value") or "" for tag in item.get("Tags") or item.get("TagSet") or () if tag.get("Key")
    }
    of_aws = str(item.get("PrefixListName", "")).startswith("com.amazonaws.")  # describe-prefix-lists tells no owner
    told = item.get("OwnerId") or item.get("GroupOwnerId") or _requester(item).get("OwnerId")
    owner = told or (AWS if of_aws else home.account)
    return Papers(owner, _region(item) or home.region, tags, fields)


def _requester(item: _Reply) -> Mapping[str, Any]:
    return item.get("RequesterVpcInfo") or {}


def _zone_region(zone: object) -> str | None:
    found = _OF_ZONE.match(zone) if isinstance(zone, str) else None
    return found[0] if found else None


def _region(item: _Reply) -> str | None:
    """The Region that a record tells: its own, of its ARN, of its Availability Zone, of a connection's requester."""
    tellers: tuple[Callable[[], str | None], ...] = (
        lambda: item.get("Region"),
        lambda: next((item[arn].split(":")[3] for arn in _OFFICIAL if arn.endswith("Arn") and item.get(arn)), None),
        lambda: _zone_region(item.get("AvailabilityZone")),
        lambda: _requester(item).get("Region"),
    )
    return next((region for tell in tellers if (region := tell())), None)
