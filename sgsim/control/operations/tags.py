"""Tags: created, deleted, described, of everything that the cloud holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from sgsim.control.call import Answer, Call, check_tags, handles, named, tags_by_key
from sgsim.control.errors import ApiError, invalid, missing, unknown_id
from sgsim.control.listing import Values, answer, filtered, page
from sgsim.control.names import name_instance, name_interface
from sgsim.control.requests.tags import CreateTags, DeleteTags, DescribeTags
from sgsim.control.store import Draft

_MOST_RESOURCES = 1000
_OF_AWS = "aws:"


class _Kind(NamedTuple):
    """A kind of resource: what DescribeTags calls it, where it is kept, and how it is looked up (or refused)."""

    name: str
    table: Callable[[Draft], Mapping[str, object]]
    look_up: Callable[[Call, str], object]


def _rule(call: Call, rule_id: str) -> None:
    group_id = call.draft.rule_groups.get(rule_id)
    if group_id is None or not call.sees(group_id):
        raise unknown_id("sgr", rule_id)


def _own_list(call: Call, prefix_list_id: str) -> None:
    call.prefix_list(prefix_list_id)
    if call.is_of_aws(prefix_list_id):
        raise ApiError("OperationNotPermitted", f"The prefix list '{prefix_list_id}' is managed by AWS.")


#: By the prefix of their ids.
_KINDS: dict[str, _Kind] = {
    "sg": _Kind("security-group", lambda draft: draft.groups, Call.group),
    "sgr": _Kind("security-group-rule", lambda draft: draft.rule_groups, _rule),
    "eni": _Kind("network-interface", lambda draft: draft.interfaces, Call.interface),
    "i": _Kind("instance", lambda draft: draft.instances, Call.instance),
    "vpc": _Kind("vpc", lambda draft: draft.vpcs, Call.vpc),
    "subnet": _Kind("subnet", lambda draft: draft.subnets, Call.subnet),
    "pl": _Kind("prefix-list", lambda draft: draft.prefix_lists, _own_list),
    "pcx": _Kind("vpc-peering-connection", lambda draft: draft.peerings, Call.peering),
}


def _kind(call: Call, resource_id: str) -> _Kind:
    """By the table that has it: in a scenario ids have no prefix. Raises ApiError for an id of no kind."""
    for kind in _KINDS.values():
        if resource_id in kind.table(call.draft):
            return kind
    kind_of_prefix = _KINDS.get(resource_id.rpartition("-")[0])
    if kind_of_prefix is None:
        raise ApiError("InvalidID", f"The ID '{resource_id}' is not valid")
    return kind_of_prefix


@handles(CreateTags)
def create_tags(call: Call, request: CreateTags) -> Answer:
    """On all resources or on none."""
    given = tags_by_key(request.tags)
    if not given:
        raise missing("Tag")
    for resource_id in _resources(call, request):
        before = call.tags(resource_id)
        check_tags({key: value for key, value in before.items() if not key.startswith(_OF_AWS)} | given)
        _write(call, resource_id, {**before, **given})
    return {}


@handles(DeleteTags)
def delete_tags(call: Call, request: DeleteTags) -> Answer:
    """A tag with a value goes only where it has that value; without any tags all go that are not AWS's own."""
    for tag in request.tags:
        if named(tag.key, "Tag.Key").startswith(_OF_AWS):
            raise invalid(f"Tag keys starting with '{_OF_AWS}' are reserved for internal use")
    for resource_id in _resources(call, request):
        before = call.tags(resource_id)
        gone = {tag.key for tag in request.tags if tag.value in (None, before.get(tag.key or ""))}
        if not request.tags:
            gone = {key for key in before if not key.startswith(_OF_AWS)}
        _write(call, resource_id, {key: value for key, value in before.items() if key not in gone})
    return {}


def _resources(call: Call, request: CreateTags) -> list[str]:
    """Each once. Raises ApiError: none, too many, one that is not there."""
    found = list(dict.fromkeys(request.resources))
    if not found:
        raise missing("ResourceId")
    if len(found) > _MOST_RESOURCES:
        raise invalid(f"The maximum number of resources in a request is {_MOST_RESOURCES}.")
    for resource_id in found:
        _kind(call, resource_id).look_up(call, resource_id)
    return found


def _write(call: Call, resource_id: str, tags: dict[str, str]) -> None:
    """And what the resource is called in the model, where it has a name there."""
    call.retag(resource_id, tags)
    draft = call.draft
    if resource_id in draft.vpcs:
        draft.vpcs[resource_id] = replace(draft.vpcs[resource_id], name=tags.get("Name", ""))
    elif resource_id in draft.interfaces:
        name_interface(call, resource_id)
    elif resource_id in draft.instances:
        name_instance(call, resource_id)


# --- describe -----------------------------------------------------------------------------------------------------


class _Tagged(NamedTuple):
    resource_id: str
    kind: str
    key: str
    value: str

    def shown(self) -> dict[str, Any]:
        return {"Key": self.key, "ResourceId": self.resource_id, "ResourceType": self.kind, "Value": self.value}


@handles(DescribeTags)
def describe_tags(call: Call, request: DescribeTags) -> Answer:
    known: dict[str, Values[_Tagged]] = {
        "key": lambda each: (each.key,),
        "resource-id": lambda each: (each.resource_id,),
        "resource-type": lambda each: (each.kind,),
        "value": lambda each: (each.value,),
    }
    tags = filtered(_all(call), request.filters, known, lambda each: {each.key: each.value})
    shown, token = page(tags, request.max_results, request.next_token)
    return answer("Tags", [each.shown() for each in shown], token)


def _all(call: Call) -> Iterator[_Tagged]:
    """The tags that the caller sees, kind by kind."""
    for kind in _KINDS.values():
        for resource_id in kind.table(call.draft):
            connection = call.draft.peerings.get(resource_id)
            if call.sees(resource_id) or (connection and call.caller in call.sides(connection)):
                for key, value in call.tags(resource_id).items():
                    yield _Tagged(resource_id, kind.name, key, value)
