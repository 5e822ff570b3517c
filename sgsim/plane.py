"""The control plane of a replay: a cloud made of the snapshot, which is told of changes as AWS was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from sgsim.control import ApiError, Caller, Cloud
from sgsim.control.call import AWS
from sgsim.model import Topology
from sgsim.sources.changes import ApiChange
from sgsim.sources.changes.asked import asked, by_value
from sgsim.sources.changes.order import texts
from sgsim.sources.places import Snapshot

_ID = re.compile(r"(?:sg|sgr|eni|eni-attach|i|pl|pcx|vpc|subnet|vpc-cidr-assoc)-")
_SOMEBODY = Caller("123456789012", "us-east-1")  # where neither snapshot nor changes name an account and a Region


class Plane:
    """Carries out changes on the cloud of a snapshot."""

    def __init__(self, snapshot: Snapshot, changes: Sequence[ApiChange]) -> None:
        home = _home(changes, snapshot.topology)
        self._cloud = Cloud.of(snapshot, *(home or _SOMEBODY))
        told = _told(self._cloud) if home is None else _SOMEBODY
        if told != _SOMEBODY:  # what tells neither belongs to who owns the rest
            self._cloud = Cloud.of(snapshot, *told)

    def snapshot(self) -> Topology:
        return self._cloud.snapshot()

    def knows(self, change: ApiChange) -> bool:
        """Whether a change is about something that there is. One that names no id may be about anything."""
        store = self._cloud.store
        names = {name for name in texts(change.params) if _ID.match(name)}
        if not names or any(name in store.papers for name in names):
            return True
        if change.call != "DetachNetworkInterface":
            return False
        attachments = (papers.fields.get("Attachment") for papers in store.papers.values())
        return any(each.get("AttachmentId") in names for each in attachments if isinstance(each, Mapping))

    def refusal(self, change: ApiChange, now_ns: int) -> tuple[str, str] | None:
        """Carry out a change at that time (nanoseconds since the epoch); the code and message if EC2 refuses it."""
        try:
            self._carry_out(change, now_ns)
        except ApiError as error:
            return error.code, error.message
        return None

    def _carry_out(self, change: ApiChange, now_ns: int) -> None:
        caller = self._caller(change)
        for each in asked(change):
            try:
                self._cloud.call(each.call, each.params, caller=caller, now_ns=now_ns, given_ids=each.given_ids)
            except ApiError as error:
                instead = by_value(change) if error.code == "InvalidSecurityGroupRuleId.NotFound" else None
                if instead is None:
                    raise
                self._cloud.call(instead.call, instead.params, caller=caller, now_ns=now_ns)

    def _caller(self, change: ApiChange) -> Caller:
        """Who makes the call: as the change says; else who owns what it names; else the owner of the snapshot."""
        papers = (self._cloud.store.papers.get(name) for name in texts(change.params))
        owner = next((Caller(each.owner, each.region) for each in papers if each is not None), self._cloud.home)
        return Caller(change.account or owner.account, change.region or owner.region)


def _home(changes: Sequence[ApiChange], topology: Topology) -> Caller | None:
    """The account and Region of what the snapshot does not tell: those of the first event about something in it, else
    of the first event."""
    tables = (topology.groups, topology.interfaces, topology.prefix_lists, topology.vpcs, topology.subnets)
    first = None
    for change in changes:
        if change.account and change.region:
            caller = Caller(change.account, change.region)
            first = first or caller
            if any(name in table for name in texts(change.params) for table in tables):
                return caller
    return first


def _told(cloud: Cloud) -> Caller:
    """The account and the Region that most of a snapshot's records tell, which was loaded as nobody's."""
    papers = cloud.store.papers.values()
    accounts = Counter(each.owner for each in papers if each.owner not in (AWS, _SOMEBODY.account))
    regions = Counter(each.region for each in papers if each.region != _SOMEBODY.region)
    account, region = (next(iter(each.most_common(1)), None) for each in (accounts, regions))
    return Caller(account[0] if account else _SOMEBODY.account, region[0] if region else _SOMEBODY.region)
