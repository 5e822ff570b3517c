"""What several accounts saw of several Regions, as one snapshot: each record once, the owner's where it differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from sgsim.errors import PullError
from sgsim.pulling.calls import (
    CALLS,
    INSTANCES,
    NETWORK_INTERFACES,
    PREFIX_LIST_ENTRIES,
    PREFIX_LISTS,
    SECURITY_GROUP_RULES,
    SECURITY_GROUPS,
    VPCS,
    Call,
    Identity,
    Record,
    Snapshot,
)
from sgsim.pulling.reader import Reader, View, some


@dataclass(frozen=True, slots=True)
class Pulled:
    """A merged snapshot, each list in the order of ids, and whose views of which Regions it is made of."""

    snapshot: Snapshot
    views: tuple[View, ...]


class _Seen(NamedTuple):
    record: Record
    view: View

    def is_owned(self, call: Call) -> bool:
        """Whether the account that sees the record owns it."""
        return self.view.account is not None and self.record.get(call.owner) == self.view.account


def merge(readers: Sequence[Reader], vpc_ids: Sequence[str]) -> tuple[Pulled, str]:
    """The snapshot, and a line about the interfaces that had to be left out of it ("" where none had).

    Raises PullError: a VPC that no one sees, one id with different content.
    """
    views = tuple(reader.view for reader in readers)
    snapshot = {call.key: _joined(readers, call) for call in CALLS if any(call.key in r.records for r in readers)}
    _check_vpcs(snapshot, vpc_ids, views)
    left_out = _leave_out_unjudgeable(snapshot)
    if INSTANCES.key in snapshot:
        snapshot[INSTANCES.key] = _reservations(snapshot[INSTANCES.key])
    return Pulled(snapshot, views), left_out


def _joined(readers: Sequence[Reader], call: Call) -> list[Record]:
    found: dict[Identity, _Seen] = {}
    for reader in readers:
        for identity, record in reader.records.get(call.key, {}).items():
            seen = _Seen(record, reader.view)
            found[identity] = _settled(call, identity, found[identity], seen) if identity in found else seen
    return [found[identity].record for identity in sorted(found)]


def _settled(call: Call, identity: Identity, first: _Seen, second: _Seen) -> _Seen:
    """One of two records of an id. Its owner knows best: others do not see its tags, nor all of what it refers to."""
    if call is PREFIX_LISTS:
        for one, other in ((first, second), (second, first)):  # not everyone may be allowed to read the entries
            if PREFIX_LIST_ENTRIES.key in other.record:
                one.record.setdefault(PREFIX_LIST_ENTRIES.key, other.record[PREFIX_LIST_ENTRIES.key])
    owned = [seen.is_owned(call) for seen in (first, second)]
    if owned[0] != owned[1]:
        return first if owned[0] else second
    if _as_read(call, first.record, all(owned)) != _as_read(call, second.record, all(owned)):
        problem = f"{call.key}: {'/'.join(identity)} has other content than for {first.view}"
        raise PullError(str(second.view), problem, "it changed in between, or they are not one AWS: pull again")
    return first


def _as_read(call: Call, record: Record, with_tags: bool) -> Any:
    """What sgsim reads of a record. Tags are each account's own: they do not count among those that own nothing."""
    without = {} if with_tags else {"Tags": None, "TagSet": None}
    try:
        return msgspec.convert(record | without, call.shape)
    except msgspec.ValidationError:
        return record | without


def _check_vpcs(snapshot: Snapshot, vpc_ids: Sequence[str], views: tuple[View, ...]) -> None:
    """A VPC is known by itself or by what is in it: each has a group, ``default``."""
    asked = [call.key for call in (VPCS, SECURITY_GROUPS, NETWORK_INTERFACES) if call.key in snapshot]
    known = {record.get("VpcId") for key in asked for record in snapshot[key]}
    for vpc_id in vpc_ids:
        if asked and vpc_id not in known:
            where = some([str(view) for view in views])
            raise PullError(f"--vpc-id {vpc_id}", f"no such VPC for {where}", "check the id, --region and --profile")


def _leave_out_unjudgeable(snapshot: Snapshot) -> str:
    """Drop the interfaces with groups that no one sees, where any groups are seen: no judge would take such a snapshot.

    The owner of a shared VPC sees the interfaces of its participants so, and whoever is denied the groups of one of
    several accounts.
    """
    described = (SECURITY_GROUPS, SECURITY_GROUP_RULES)
    groups = {record["GroupId"] for call in described for record in snapshot.get(call.key, ())}
    if not groups:
        return ""
    left_out: dict[str, str] = {}

    def judgeable(interface: Record) -> bool:
        unseen = [group["GroupId"] for group in interface.get("Groups") or () if group["GroupId"] not in groups]
        if unseen:
            left_out[interface["NetworkInterfaceId"]] = f"{unseen[0]} of account {interface.get('OwnerId', 'unknown')}"
        return not unseen

    if NETWORK_INTERFACES.key in snapshot:
        snapshot[NETWORK_INTERFACES.key] = [each for each in snapshot[NETWORK_INTERFACES.key] if judgeable(each)]
    for reservation in snapshot.get(INSTANCES.key, ()):
        for instance in reservation["Instances"]:
            if instance.get("NetworkInterfaces"):
                instance["NetworkInterfaces"] = [each for each in instance["NetworkInterfaces"] if judgeable(each)]
    if not left_out:
        return ""
    return (
        f"{some(sorted(left_out))}: left out: no one sees all the security groups, such as "
        f"{next(iter(left_out.values()))} (pull that account too, or pull again)"
    )


def _reservations(records: list[Record]) -> list[Record]:
    """Reservations of one instance each, put together again; the instances in the order of ids."""
    found: dict[str, Record] = {}
    for record in records:
        whole = found.setdefault(record["ReservationId"], {**record, "Instances": []})
        whole["Instances"] += record["Instances"]
    return [found[name] for name in sorted(found)]
