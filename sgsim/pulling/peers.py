"""What of other VPCs a VPC's snapshot needs: all that its interfaces, and theirs in turn, are judged by.

A group reference stands for the addresses of the interfaces that have the group, wherever they are. So for one VPC
its references are followed: to groups of peered VPCs, to the interfaces that have those, to the other groups of
these, and so on until nothing new is named. What is left out no rule of the snapshot can tell from nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor

from sgsim.pulling.calls import (
    ASSOCIATIONS,
    INSTANCES,
    NETWORK_INTERFACES,
    PEERINGS,
    PREFIX_LISTS,
    SECURITY_GROUP_RULES,
    SECURITY_GROUPS,
    SUBNETS,
    VPCS,
    Call,
    Record,
)
from sgsim.pulling.reader import Reader, each

#: What tells the records that are followed to; a group's interfaces are asked for by the group.
_FILTERS = {SECURITY_GROUPS: "group-id", NETWORK_INTERFACES: "group-id", INSTANCES: "instance-id"}


def follow(readers: Sequence[Reader], vpc_ids: Collection[str], pool: Executor) -> None:
    """Take the groups, interfaces and instances of other VPCs that those of ``vpc_ids`` need, all in one Region; each
    account is asked for what another one refers to. Raises PullError (see ``Reader.take``)."""
    asked: dict[Call, set[str]] = {call: set() for call in _FILTERS}
    while True:
        new = {call: names - asked[call] for call, names in _wanted(readers, vpc_ids).items()}
        if not any(new.values()):
            return
        _ask(readers, new, pool)
        for call, names in new.items():
            asked[call] |= names


def _wanted(readers: Sequence[Reader], vpc_ids: Collection[str]) -> dict[Call, set[str]]:
    """The groups that are named and not there, the groups whose interfaces may be elsewhere, the instances likewise."""
    groups = _group_records(readers)
    bridges = list(_records(readers, ASSOCIATIONS))
    associated = {bridge["GroupId"] for bridge in bridges if bridge["VpcId"] in vpc_ids}
    referenced = set(_references(groups.values()))
    elsewhere = {name for name, group in groups.items() if group.get("VpcId") not in vpc_ids}
    elsewhere |= {bridge["GroupId"] for bridge in bridges}
    attachments = [interface.get("Attachment") or {} for interface in _interfaces(readers)]
    hosts = {attachment["InstanceId"] for attachment in attachments if attachment.get("InstanceId")}
    return {
        SECURITY_GROUPS: (_group_ids_in_use(readers) | referenced | associated) - groups.keys(),
        NETWORK_INTERFACES: referenced & groups.keys() & elsewhere,
        INSTANCES: hosts - {record["Instances"][0]["InstanceId"] for record in _records(readers, INSTANCES)},
    }


def _ask(readers: Sequence[Reader], names: dict[Call, set[str]], pool: Executor) -> None:
    def take(reader: Reader) -> None:
        for call, filter_name in _FILTERS.items():
            reader.take(call, filter_name, names[call])

    each(pool, readers, take)


def take_surroundings(readers: Sequence[Reader], vpc_ids: Collection[str], pool: Executor) -> None:
    """What else is needed for the groups and interfaces that were taken, all in one Region: their rules, VPCs, subnets
    and peerings, the prefix lists that they refer to; of the associations, those of their groups stay."""
    groups = _group_records(readers)
    names = groups.keys() | _group_ids_in_use(readers)
    vpcs = {record["VpcId"] for record in (*groups.values(), *_interfaces(readers)) if record.get("VpcId")}
    vpcs |= set(vpc_ids)

    def take(reader: Reader) -> None:
        reader.take(SECURITY_GROUP_RULES, "group-id", names)
        reader.take(VPCS, "vpc-id", vpcs)
        reader.take(SUBNETS, "vpc-id", vpcs)
        for side in ("requester", "accepter"):
            reader.take(PEERINGS, f"{side}-vpc-info.vpc-id", vpcs)
        reader.keep(ASSOCIATIONS, lambda record: record["GroupId"] in names)

    each(pool, readers, take)
    lists = set(_prefix_lists(groups.values(), _records(readers, SECURITY_GROUP_RULES)))
    each(pool, readers, lambda reader: reader.take(PREFIX_LISTS, "prefix-list-id", lists))


def _group_records(readers: Iterable[Reader]) -> dict[str, Record]:
    return {record["GroupId"]: record for record in _records(readers, SECURITY_GROUPS)}


def _interfaces(readers: Sequence[Reader]) -> Iterator[Record]:
    """All interfaces, those that stand in an instance's record too."""
    yield from _records(readers, NETWORK_INTERFACES)
    for record in _records(readers, INSTANCES):
        yield from record["Instances"][0].get("NetworkInterfaces") or ()


def _group_ids_in_use(readers: Sequence[Reader]) -> set[str]:
    """The groups that interfaces have."""
    return {group["GroupId"] for interface in _interfaces(readers) for group in interface.get("Groups") or ()}


def _references(groups: Iterable[Record]) -> Iterator[str]:
    """The groups that rules refer to."""
    for permission in _permissions(groups):
        for pair in permission.get("UserIdGroupPairs") or ():
            if "GroupId" in pair:
                yield pair["GroupId"]


def _prefix_lists(groups: Iterable[Record], rules: Iterable[Record]) -> Iterator[str]:
    for permission in _permissions(groups):
        for reference in permission.get("PrefixListIds") or ():
            yield reference["PrefixListId"]
    for rule in rules:
        if rule.get("PrefixListId"):
            yield rule["PrefixListId"]


def _permissions(groups: Iterable[Record]) -> Iterator[Record]:
    for group in groups:
        yield from group.get("IpPermissions") or ()
        yield from group.get("IpPermissionsEgress") or ()


def _records(readers: Iterable[Reader], call: Call) -> Iterator[Record]:
    for reader in readers:
        yield from reader.records.get(call.key, {}).values()
