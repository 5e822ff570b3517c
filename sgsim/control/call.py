"""One call on its way: who calls, what it may see, what it writes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from sgsim.control.errors import ApiError, invalid_for, missing, unknown_id
from sgsim.control.ids import Ids
from sgsim.control.quotas import Quotas
from sgsim.control.requests.base import OpenRequest, Part, Request, Tag, TagSpecification
from sgsim.control.store import Draft, Fields, Instance, Papers
from sgsim.model import Interface, PrefixList, SecurityGroup, Subnet, Vpc, VpcPeeringConnection

Answer = dict[str, Any]
Handler = Callable[["Call", Any], Answer]
Given = TypeVar("Given")

AWS = "AWS"  # the owner of AWS's own prefix lists
ACCEPTER_TAGS = "AccepterTags"  # in the papers of a peering connection

_MOST_TAGS = 50
_PARAMETERS = {  # how AWS's messages call the ids of resources
    "sg": "groupId",
    "vpc": "vpcId",
    "subnet": "subnetId",
    "eni": "networkInterfaceId",
    "i": "instanceId",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Caller(NamedTuple):
    """The account and the Region that a call is made in."""

    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Call:
    """What the handler of an operation works with. All it writes goes to the draft; ``now_ns`` is the call's time."""

    draft: Draft
    caller: Caller
    ids: Ids
    quotas: Quotas
    now_ns: int

    # --- what the caller sees -------------------------------------------------------------------------------------

    def sees(self, resource_id: str) -> bool:
        """Whether the resource is the caller's own, in the Region of the call."""
        papers = self.draft.papers.get(resource_id)
        return papers is not None and (papers.owner, papers.region) == self.caller

    def own(self, table: Mapping[str, Given]) -> dict[str, Given]:
        """The records of a table that the caller sees, in its order."""
        return {name: record for name, record in table.items() if self.sees(name)}

    def group(self, group_id: str) -> SecurityGroup:
        return self._seen(self.draft.groups, "sg", group_id)

    def vpc(self, vpc_id: str) -> Vpc:
        return self._seen(self.draft.vpcs, "vpc", vpc_id)

    def subnet(self, subnet_id: str) -> Subnet:
        return self._seen(self.draft.subnets, "subnet", subnet_id)

    def interface(self, interface_id: str) -> Interface:
        return self._seen(self.draft.interfaces, "eni", interface_id)

    def instance(self, instance_id: str) -> Instance:
        return self._seen(self.draft.instances, "i", instance_id)

    def prefix_list(self, prefix_list_id: str) -> PrefixList:
        """One of the caller's, or one of AWS's own."""
        found = self.draft.prefix_lists.get(prefix_list_id)
        if found is None or not (self.sees(prefix_list_id) or self.is_of_aws(prefix_list_id)):
            raise unknown_id("pl", prefix_list_id)
        return found

    def is_of_aws(self, prefix_list_id: str) -> bool:
        """Whether it is one of AWS's own in the Region of the call."""
        papers = self.papers(prefix_list_id)
        return papers.owner == AWS and papers.region == self.caller.region

    def interfaces_of(self, instance_id: str) -> list[Interface]:
        """The interfaces that are attached to an instance, by device index."""
        found = [each for each in self.draft.interfaces.values() if each.instance_id == instance_id]
        return sorted(found, key=lambda each: each.device_index or 0)

    def peering(self, peering_id: str) -> VpcPeeringConnection:
        """One that the caller asked for, or that somebody asked the caller for."""
        found = self.draft.peerings.get(peering_id)
        if found is None or self.caller not in self.sides(found):
            raise unknown_id("pcx", peering_id)
        return found

    def sides(self, connection: VpcPeeringConnection) -> tuple[Caller, Caller]:
        """The requester, whose its papers are, and the accepter. Both see the connection."""
        papers = self.papers(connection.vpc_peering_connection_id)
        accepter = papers.fields.get("AccepterVpcInfo", {}).get("OwnerId", papers.owner)
        return (
            Caller(papers.owner, connection.requester_region or papers.region),
            Caller(accepter, connection.accepter_region or papers.region),
        )

    def _seen(self, table: Mapping[str, Given], kind: str, name: str) -> Given:
        if not name:
            raise invalid_for("", _PARAMETERS[kind], "The value cannot be empty")
        if name not in table or not self.sees(name):
            raise unknown_id(kind, name)
        return table[name]

    def papers(self, resource_id: str) -> Papers:
        return self.draft.papers[resource_id]

    def tags(self, resource_id: str) -> Mapping[str, str]:
        """The tags that the caller gave it: each side of a peering connection has its own."""
        papers = self.draft.papers.get(resource_id)
        if papers is None:
            return {}
        connection = self.draft.peerings.get(resource_id)
        if connection is not None and self.caller != self.sides(connection)[0]:
            return papers.fields.get(ACCEPTER_TAGS, {})  # type: ignore[no-any-return]
        return papers.tags

    def default_vpc(self) -> Vpc | None:
        """The caller's default VPC in the Region, if it has one."""
        return next((vpc for name, vpc in self.own(self.draft.vpcs).items() if self.is_default_vpc(name)), None)

    def is_default_vpc(self, vpc_id: str | None) -> bool:
        papers = self.draft.papers.get(vpc_id or "")
        return papers is not None and bool(papers.fields.get("IsDefault"))

    @property
    def now(self) -> datetime:
        """The call's time as replies show times: in UTC, to the second."""
        return _EPOCH + timedelta(seconds=self.now_ns // 10**9)

    # --- what it writes -------------------------------------------------------------------------------------------

    def file(self, resource_id: str, fields: Fields | None = None, tags: Mapping[str, str] | None = None) -> None:
        """Papers for a new resource of the caller."""
        self.draft.papers[resource_id] = Papers(self.caller.account, self.caller.region, tags or {}, fields or {})

    def refile(self, resource_id: str, **fields: object) -> None:
        """Other values for some fields of its papers."""
        papers = self.papers(resource_id)
        self.draft.papers[resource_id] = replace(papers, fields={**papers.fields, **fields})

    def retag(self, resource_id: str, tags: Mapping[str, str]) -> None:
        """All its tags. A rule has papers for them alone."""
        connection = self.draft.peerings.get(resource_id)
        group_id = self.draft.rule_groups.get(resource_id)
        if connection is not None and self.caller != self.sides(connection)[0]:
            self.refile(resource_id, **{ACCEPTER_TAGS: dict(tags)})
        elif group_id is None:
            self.draft.papers[resource_id] = replace(self.papers(resource_id), tags=tags)
        elif tags:
            self.draft.papers[resource_id] = replace(self.papers(group_id), tags=tags, fields={})
        else:
            self.draft.papers.pop(resource_id, None)


def named(value: Given | None, parameter: str) -> Given:
    """A member that the request must have."""
    if value is None:
        raise missing(parameter)
    return value


def tags_for(kind: str, specifications: Iterable[TagSpecification]) -> dict[str, str]:
    """The tags that a request gives to what it makes. Raises ApiError: another resource type, a bad tag."""
    given: list[Tag] = []
    for specification in specifications:
        if specification.resource_type != kind:
            raise ApiError(
                "InvalidParameterValue",
                f"'{specification.resource_type}' is not a valid taggable resource type for this operation.",
            )
        given += specification.tags
    found = tags_by_key(given)
    check_tags(found)
    return found


def tags_by_key(given: Iterable[Tag]) -> dict[str, str]:
    """Raises ApiError: a tag without a key, a key twice."""
    found: dict[str, str] = {}
    for tag in given:
        key = named(tag.key, "Tag.Key")
        if key in found:
            raise ApiError("InvalidParameterValue", f"Duplicate tag key '{key}' specified.")
        found[key] = tag.value or ""
    return found


def check_tags(tags: Mapping[str, str]) -> None:
    """EC2 user guide, "Tag restrictions": keys to 128 characters, values to 256, 50 tags, no aws: in front."""
    if len(tags) > _MOST_TAGS:
        raise ApiError("TagLimitExceeded", f"The maximum number of Tags for a resource has been reached: {_MOST_TAGS}")
    for key, value in tags.items():
        if not key or len(key) > 128:
            raise ApiError("InvalidParameterValue", "Tag key must be between 1 and 128 characters long.")
        if len(value) > 256:
            raise ApiError("InvalidParameterValue", "Tag value exceeds the maximum length of 256 characters.")
        if key.lower().startswith("aws:"):
            raise ApiError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")


#: The handlers by operation, and the class of its request.
HANDLERS: dict[str, tuple[type[Request | OpenRequest], Handler]] = {}


def handles(request: type[Part | OpenRequest]) -> Callable[[Handler], Handler]:
    """The function answers the operation that the class of its request is named after."""

    def register(handler: Handler) -> Handler:
        HANDLERS[request.__name__] = (request, handler)  # type: ignore[assignment]
        return handler

    return register
