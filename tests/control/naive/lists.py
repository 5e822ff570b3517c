"""Managed prefix lists. Source: aws-facts.md 3.11, and the EC2 API reference.

A list's entries are a dict, block -> description, for each version.
"""

from __future__ import annotations

from tests.control.naive.rules import too_many
from tests.control.naive.tags import given_tags
from tests.control.naive.world import Chosen, Record, Refused, World, network_of

MOST_AT_ONCE = 100


def _entries(given: list[Record], family: int) -> tuple[dict[str, str | None], set[str]]:
    entries: dict[str, str | None] = {}
    wrong = set()
    if len(given) > MOST_AT_ONCE:
        wrong.add("InvalidParameterValue")
    for item in given:
        block = network_of(item.get("Cidr"), family)
        if block is None:
            wrong.add("MissingParameter" if item.get("Cidr") is None else "InvalidParameterValue")
            continue
        if block in entries:
            wrong.add("InvalidParameterValue")
        if len(item.get("Description") or "") > 255:
            wrong.add("InvalidParameterValue")
        entries[block] = item.get("Description") or None
    return entries, wrong


def _wrong_name(name: str | None) -> bool:
    return name is not None and (not 1 <= len(name) <= 255 or name.startswith("com.amazonaws"))


def _wrong_size(world: World, most: int | None) -> bool:
    return most is not None and not 1 <= most <= world.quotas.entries_per_prefix_list


def create(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    tags, wrong = given_tags(params, "pl")
    name, family, most = params.get("PrefixListName"), params.get("AddressFamily"), params.get("MaxEntries")
    if name is None or family is None or most is None:
        wrong.add("MissingParameter")
    if _wrong_name(name) or family not in (None, "IPv4", "IPv6") or _wrong_size(world, most):
        wrong.add("InvalidParameterValue")
    entries, more = _entries(params.get("Entries", []), 6 if family == "IPv6" else 4)
    wrong |= more
    if most is not None and len(entries) > most:
        wrong.add("PrefixListMaxEntriesExceeded")
    if sum(each["account"] == account for each in world.lists.values()) >= world.quotas.prefix_lists_per_region:
        wrong.add("PrefixListLimitExceeded")
    if wrong:
        raise Refused(*wrong)
    listed = chosen.id("pl")
    world.lists[listed] = {
        "account": account,
        "name": name,
        "family": int(str(family)[-1]),
        "most": most,
        "state": "create-complete",
        "message": None,
        "version": 1,
        "versions": {1: entries},
    }
    world.tags[account, listed] = tags
    return {"PrefixList": {"PrefixListId": listed, "State": "create-in-progress", "Version": 1}}


def _own(world: World, account: str, params: Record) -> Record:
    listed = world.get("pl", account, params.get("PrefixListId"), of_aws=True)
    if listed["account"] == "AWS":
        raise Refused("OperationNotPermitted")
    return listed


def _add_version(world: World, listed: Record, entries: dict[str, str | None]) -> None:
    listed["version"] += 1
    listed["versions"][listed["version"]] = entries
    while len(listed["versions"]) > world.quotas.versions_per_prefix_list:
        del listed["versions"][min(listed["versions"])]


def modify(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    listed = _own(world, account, params)
    name, most, version = params.get("PrefixListName"), params.get("MaxEntries"), params.get("CurrentVersion")
    adding, wrong = _entries(params.get("AddEntries", []), listed["family"])
    removing, more = _entries(params.get("RemoveEntries", []), listed["family"])
    wrong |= more
    if name is None and most is None and not adding and not removing:
        wrong.add("InvalidRequest")
    if version not in (None, listed["version"]):
        wrong.add("PrefixListVersionMismatch")
    if _wrong_name(name):
        wrong.add("InvalidParameterValue")
    if most is not None and (adding or removing):
        wrong.add("InvalidParameterCombination")
    if set(adding) & set(removing):
        wrong.add("InvalidParameterValue")
    before = listed["versions"][listed["version"]]
    if not set(removing) <= set(before) or any(before.get(block, "none") == what for block, what in adding.items()):
        wrong.add("InvalidPrefixListModification")
    entries = {block: what for block, what in before.items() if block not in removing} | adding
    if _wrong_size(world, most):
        wrong.add("InvalidParameterValue")
    if len(entries) > (listed["most"] if most is None else most):
        wrong.add("PrefixListMaxEntriesExceeded")
    if wrong:
        raise Refused(*wrong)
    crowded = _crowded(world, params["PrefixListId"], most)
    if crowded:
        listed |= {"state": "modify-failed", "message": crowded}
        return {"PrefixList": {"PrefixListId": params["PrefixListId"]}}
    listed |= {"state": "modify-complete", "message": None}
    listed["name"] = listed["name"] if name is None else name
    listed["most"] = listed["most"] if most is None else most
    if adding or removing:
        _add_version(world, listed, entries)
    return {"PrefixList": {"PrefixListId": params["PrefixListId"]}}


def _crowded(world: World, name: str, most: int | None) -> list[str]:
    """The groups that would have too many rules if the list had that size."""
    before = world.lists[name]["most"]
    if most is None or most <= before:
        return []
    world.lists[name]["most"] = most
    crowded = [
        group
        for group in users(world, name)
        if any(
            too_many(world, list(rules.values()))
            for rules in (world.rules_of(group, egress) for egress in (False, True))
            if any(rule["peer"] == ("PrefixListIds", name) for rule in rules.values())
        )
    ]
    world.lists[name]["most"] = before
    return crowded


def restore(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    listed = _own(world, account, params)
    previous, current = params.get("PreviousVersion"), params.get("CurrentVersion")
    if previous is None or current is None:
        raise Refused("MissingParameter")
    wrong = set()
    if current != listed["version"]:
        wrong.add("PrefixListVersionMismatch")
    if previous not in listed["versions"]:
        wrong.add("InvalidPrefixListVersion.NotFound")
    elif len(listed["versions"][previous]) > listed["most"]:
        wrong.add("PrefixListMaxEntriesExceeded")
    if wrong:
        raise Refused(*wrong)
    listed |= {"state": "restore-complete", "message": None}
    _add_version(world, listed, dict(listed["versions"][previous]))
    return {"PrefixList": {"PrefixListId": params["PrefixListId"]}}


def users(world: World, name: str) -> list[str]:
    return sorted({rule["group"] for rule in world.rules.values() if rule["peer"] == ("PrefixListIds", name)})


def delete(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    """The call succeeds; what refers to the list makes the deletion fail."""
    listed, name = _own(world, account, params), params["PrefixListId"]
    if users(world, name):
        listed |= {"state": "delete-failed", "message": users(world, name)}
    else:
        world.remove("pl", name)
    return {"PrefixList": {"PrefixListId": name, "State": "delete-in-progress"}}
