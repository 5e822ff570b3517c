"""Managed prefix lists: created, modified version by version, deleted, described."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sgsim.control.answers import Shown
from sgsim.control.call import Answer, Call, handles, named, tags_for
from sgsim.control.cidrs import cidr
from sgsim.control.errors import ApiError, combination, invalid, invalid_for, unknown_id
from sgsim.control.listing import Values, answer, filtered, page
from sgsim.control.prefixlists import (
    VERSIONS,
    Entries,
    current_entries,
    current_version,
    entries_of,
    shown_entries,
    shown_list,
    write_version,
)
from sgsim.control.references import using_list
from sgsim.control.requests.prefixlists import (
    AddPrefixListEntry,
    CreateManagedPrefixList,
    DeleteManagedPrefixList,
    DescribeManagedPrefixLists,
    DescribePrefixLists,
    GetManagedPrefixListAssociations,
    GetManagedPrefixListEntries,
    ModifyManagedPrefixList,
    RemovePrefixListEntry,
    RestoreManagedPrefixListVersion,
)
from sgsim.control.weights import is_too_heavy
from sgsim.model import Direction, Network, PrefixList, PrefixListReference, SecurityGroup

_FAMILIES = {"IPv4": 4, "IPv6": 6}
_MOST_IN_A_CALL = 100
_MOST_CHARACTERS = 255
_MOST_NAMED = 10  # groups in the message of what they stand against


@handles(CreateManagedPrefixList)
def create_managed_prefix_list(call: Call, request: CreateManagedPrefixList) -> Answer:
    name = _name(named(request.prefix_list_name, "PrefixListName"))
    given_family = named(request.address_family, "AddressFamily")
    most = _size(call, named(request.max_entries, "MaxEntries"))
    tags = tags_for("prefix-list", request.tag_specifications)
    if given_family not in _FAMILIES:
        raise invalid_for(given_family, "AddressFamily", "It must be IPv4 or IPv6.")
    family = _FAMILIES[given_family]
    added = _added(family, request.entries)
    entries = dict(added)
    _check_number(entries, most)
    if len(call.own(call.draft.prefix_lists)) >= call.quotas.prefix_lists_per_region:
        raise ApiError("PrefixListLimitExceeded", "The maximum number of prefix lists has been reached.")
    prefix_list_id = call.ids.new("pl")
    listed = PrefixList(prefix_list_id, name, family, tuple(entries))
    call.draft.prefix_lists[prefix_list_id] = listed
    fields: dict[str, Any] = {
        "State": "create-complete",
        "MaxEntries": most,
        "Version": 1,
        VERSIONS: [{"Version": 1, "Entries": shown_entries(entries)}],
    }
    call.file(prefix_list_id, fields, tags)
    return {"PrefixList": shown_list(call, listed) | {"State": "create-in-progress"}}


@handles(ModifyManagedPrefixList)
def modify_managed_prefix_list(call: Call, request: ModifyManagedPrefixList) -> Answer:
    """Entries and size are not changed in one call; other entries make a new version, another name or size does not."""
    listed = _changeable(call, request.prefix_list_id)
    entries_change = bool(request.add_entries or request.remove_entries)
    if not entries_change and request.max_entries is None and request.prefix_list_name is None:
        raise ApiError("InvalidRequest", "The request received was invalid.")
    if entries_change and request.max_entries is not None:
        raise combination(
            "You cannot modify the entries and the maximum entries for the prefix list in the same request."
        )
    _check_version(call, listed, request.current_version)
    before = {"PrefixList": shown_list(call, listed) | {"State": "modify-in-progress"}}
    name = listed.name if request.prefix_list_name is None else _name(request.prefix_list_name)
    if request.max_entries is not None and not _resize(call, listed, request.max_entries):
        return before
    listed = call.draft.prefix_lists[listed.prefix_list_id] = replace(listed, name=name)
    if entries_change:
        entries = _changed(call, listed, request.add_entries, request.remove_entries)
        write_version(call, listed, entries, "modify-complete")
    else:
        call.refile(listed.prefix_list_id, State="modify-complete", StateMessage=None)
    return before


@handles(RestoreManagedPrefixListVersion)
def restore_managed_prefix_list_version(call: Call, request: RestoreManagedPrefixListVersion) -> Answer:
    """A new version with the entries of an earlier one."""
    listed = _changeable(call, request.prefix_list_id)
    previous = named(request.previous_version, "PreviousVersion")
    _check_version(call, listed, named(request.current_version, "CurrentVersion"))
    entries = entries_of(call, listed, previous)
    _check_number(entries, _most(call, listed))
    before = {"PrefixList": shown_list(call, listed) | {"State": "restore-in-progress"}}
    write_version(call, listed, entries, "restore-complete")
    return before


@handles(DeleteManagedPrefixList)
def delete_managed_prefix_list(call: Call, request: DeleteManagedPrefixList) -> Answer:
    """Not while a group has a rule for it: AWS takes the call, and the list then says that it failed."""
    listed = _changeable(call, request.prefix_list_id)
    before = {"PrefixList": shown_list(call, listed) | {"State": "delete-in-progress"}}
    using = [group.group_id for group in using_list(call, listed.prefix_list_id)]
    if using:
        message = f"The following resources refer to the prefix list: {', '.join(using[:_MOST_NAMED])}"
        call.refile(listed.prefix_list_id, State="delete-failed", StateMessage=message)
        return before
    del call.draft.prefix_lists[listed.prefix_list_id]
    del call.draft.papers[listed.prefix_list_id]
    return before


def _changeable(call: Call, given: str | None) -> PrefixList:
    listed = call.prefix_list(named(given, "PrefixListId"))
    if call.is_of_aws(listed.prefix_list_id):
        raise ApiError("OperationNotPermitted", f"The prefix list '{listed.prefix_list_id}' is managed by AWS.")
    return listed


def _check_version(call: Call, listed: PrefixList, given: int | None) -> None:
    if given not in (None, current_version(call, listed)):
        raise ApiError("PrefixListVersionMismatch", "The prefix list has the incorrect version number.")


# --- names, sizes, entries ----------------------------------------------------------------------------------------


def _name(text: str) -> str:
    if not 0 < len(text) <= _MOST_CHARACTERS:
        raise invalid_for(text, "PrefixListName", f"It must have between 1 and {_MOST_CHARACTERS} characters.")
    if text.startswith("com.amazonaws"):
        raise invalid_for(text, "PrefixListName", "It cannot start with com.amazonaws.")
    return text


def _size(call: Call, given: int) -> int:
    most = call.quotas.entries_per_prefix_list
    if not 1 <= given <= most:
        raise invalid(f"Must specify a max size between 1 and {most}")
    return given


def _most(call: Call, listed: PrefixList) -> int:
    """MaxEntries; what was loaded without one has as many as AWS lets it."""
    return int(call.papers(listed.prefix_list_id).fields.get("MaxEntries") or call.quotas.entries_per_prefix_list)


def _check_number(entries: Entries, most: int) -> None:
    if len(entries) > most:
        raise ApiError(
            "PrefixListMaxEntriesExceeded",
            f"The prefix list may have at most {most} entries, these are {len(entries)}.",
        )


def _resize(call: Call, listed: PrefixList, given: int) -> bool:
    """Another size. Where groups would then be over their quota, the list says so and stays as it is: False.

    Raises ApiError: a size that no list has, or too small for the entries.
    """
    _check_number(current_entries(call, listed), _size(call, given))
    before = call.papers(listed.prefix_list_id).fields.get("MaxEntries")
    call.refile(listed.prefix_list_id, MaxEntries=given)
    if given <= (before or 0):
        return True
    using = using_list(call, listed.prefix_list_id)
    over = [group.group_id for group in using if _is_over(call, group, listed.prefix_list_id)]
    if not over:
        return True
    message = f"The following resources do not support the maximum size {given}: {', '.join(over[:_MOST_NAMED])}"
    call.refile(listed.prefix_list_id, MaxEntries=before, State="modify-failed", StateMessage=message)
    return False


def _is_over(call: Call, group: SecurityGroup, prefix_list_id: str) -> bool:
    """Whether the group has too many rules in a direction in which it uses the list."""
    peer = PrefixListReference(prefix_list_id)
    return any(
        is_too_heavy(call, group, direction)
        for direction in Direction
        if any(rule.peer == peer for rule in group.rules(direction))
    )


def _changed(
    call: Call, listed: PrefixList, adding: Sequence[AddPrefixListEntry], removing: Sequence[RemovePrefixListEntry]
) -> Entries:
    """The entries after a change. An entry that is added with another description gets that."""
    if listed.entries is None:
        raise ApiError("OperationNotPermitted", f"The entries of '{listed.prefix_list_id}' are not known here.")
    family = listed.family or 4
    entries = dict(current_entries(call, listed))
    added = _added(family, adding)
    removed = _networks(family, removing)
    for network in removed:
        if network in added:
            raise invalid(
                f"Request cannot contain Cidr {network} in both AddPrefixListEntries and RemovePrefixListEntries"
            )
        if network not in entries:
            raise _not_possible(f"There is no entry with the CIDR ({network}).")
        del entries[network]
    for network, description in added.items():
        if entries.get(network) == description:
            raise _not_possible(f"An entry with the CIDR ({network}) and description ({description}) already exists.")
    entries |= added
    _check_number(entries, _most(call, listed))
    return entries


def _not_possible(message: str) -> ApiError:
    return ApiError("InvalidPrefixListModification", message)


def _added(family: int, given: Sequence[AddPrefixListEntry]) -> dict[Network, str]:
    for each in given:
        if len(each.description or "") > _MOST_CHARACTERS:
            raise invalid_for(each.description or "", "Description", f"It may have {_MOST_CHARACTERS} characters.")
    descriptions = [each.description or "" for each in given]
    return dict(zip(_networks(family, given), descriptions, strict=True))


def _networks(family: int, given: Sequence[AddPrefixListEntry | RemovePrefixListEntry]) -> list[Network]:
    """Canonical, each once. Raises ApiError: more than a call may have, a CIDR of the other family, one twice."""
    if len(given) > _MOST_IN_A_CALL:
        raise invalid(f"The number of entries per request cannot exceeds limit ({_MOST_IN_A_CALL}).")
    found: dict[Network, None] = {}
    for each in given:
        network = cidr(named(each.cidr, "Cidr"), family)
        if network in found:
            raise invalid(f"Request cannot contain Cidr {network} more than once")
        found[network] = None
    return list(found)


# --- describe -----------------------------------------------------------------------------------------------------


@handles(DescribeManagedPrefixLists)
def describe_managed_prefix_lists(call: Call, request: DescribeManagedPrefixLists) -> Answer:
    """The caller's own and AWS's."""
    lists = [call.prefix_list(each) for each in dict.fromkeys(request.prefix_list_ids)] or [
        listed for name, listed in call.draft.prefix_lists.items() if call.sees(name) or call.is_of_aws(name)
    ]
    known = _known() | {"owner-id": lambda listed: (call.papers(listed.prefix_list_id).owner,)}
    lists = filtered(lists, request.filters, known, lambda listed: call.tags(listed.prefix_list_id))
    shown, token = page(lists, request.max_results, request.next_token, least=1, most=100)
    return answer("PrefixLists", [shown_list(call, listed) for listed in shown], token)


@handles(DescribePrefixLists)
def describe_prefix_lists(call: Call, request: DescribePrefixLists) -> Answer:
    """AWS's lists only."""
    lists = [listed for name, listed in call.draft.prefix_lists.items() if call.is_of_aws(name)]
    if request.prefix_list_ids:
        by_id = {listed.prefix_list_id: listed for listed in lists}
        for name in request.prefix_list_ids:
            if name not in by_id:
                raise unknown_id("pl", name)
        lists = [by_id[name] for name in dict.fromkeys(request.prefix_list_ids)]
    lists = filtered(lists, request.filters, _known())
    shown, token = page(lists, request.max_results, request.next_token)
    return answer("PrefixLists", [_shown_service(listed) for listed in shown], token)


def _known() -> dict[str, Values[PrefixList]]:
    return {
        "prefix-list-id": lambda listed: (listed.prefix_list_id,),
        "prefix-list-name": lambda listed: (listed.name,),
    }


def _shown_service(listed: PrefixList) -> Shown:
    return {
        "Cidrs": [str(network) for network in listed.entries or ()],
        "PrefixListId": listed.prefix_list_id,
        "PrefixListName": listed.name,
    }


@handles(GetManagedPrefixListEntries)
def get_managed_prefix_list_entries(call: Call, request: GetManagedPrefixListEntries) -> Answer:
    listed = call.prefix_list(named(request.prefix_list_id, "PrefixListId"))
    entries = shown_entries(entries_of(call, listed, request.target_version))
    shown, token = page(entries, request.max_results, request.next_token, least=1, most=100)
    return answer("Entries", shown, token)


@handles(GetManagedPrefixListAssociations)
def get_managed_prefix_list_associations(call: Call, request: GetManagedPrefixListAssociations) -> Answer:
    listed = call.prefix_list(named(request.prefix_list_id, "PrefixListId"))
    groups = [group.group_id for group in using_list(call, listed.prefix_list_id) if call.sees(group.group_id)]
    shown, token = page(groups, request.max_results, request.next_token, least=5, most=255)
    found = [{"ResourceId": each, "ResourceOwner": call.papers(each).owner} for each in shown]
    return answer("PrefixListAssociations", found, token)
