"""Tags. Source: EC2 user guide, "Tag your Amazon EC2 resources", tag restrictions."""

from __future__ import annotations

from typing import Any

from tests.control.naive.world import RESOURCE_TYPES, UNKNOWN, Record, Refused, World

MOST = 50


def wrong_tags(given: list[Record], *, new: bool = True) -> set[str]:
    """``new``: they are to be there."""
    wrong = set()
    keys = [tag.get("Key") for tag in given]
    if None in keys:
        wrong.add("MissingParameter")
    if new and len(set(keys)) > MOST:
        wrong.add("TagLimitExceeded")
    if new and len(set(keys)) < len(keys):
        wrong.add("InvalidParameterValue")
    if any(key is not None and key.startswith("aws:") for key in keys):
        wrong.add("InvalidParameterValue")
    for tag in given if new else ():
        if tag.get("Key") == "" or len(tag.get("Key") or "") > 128 or len(tag.get("Value") or "") > 256:
            wrong.add("InvalidParameterValue")
    return wrong


def given_tags(params: Record, kind: str) -> tuple[dict[str, str], set[str]]:
    """The tags that a new resource gets, and what is wrong with them."""
    wrong, tags = set(), []
    for specification in params.get("TagSpecifications", []):
        if specification.get("ResourceType") != RESOURCE_TYPES[kind]:
            wrong.add("InvalidParameterValue")
        tags += specification.get("Tags", [])
    wrong |= wrong_tags(tags)
    return {tag.get("Key"): tag.get("Value") or "" for tag in tags}, wrong


def _resources(world: World, account: str, params: Record) -> list[str]:
    if not params.get("Resources"):
        raise Refused("MissingParameter")
    codes = set()
    for name in params["Resources"]:
        kind = name.rpartition("-")[0]
        if kind not in UNKNOWN:
            codes.add("InvalidID")
            continue
        try:
            record = world.get(kind, account, name, of_aws=True)
        except Refused as refused:
            codes |= refused.codes
        else:
            if record.get("account") == "AWS":
                codes.add("OperationNotPermitted")
    if codes:
        raise Refused(*codes)
    return list(params["Resources"])


def create_tags(world: World, account: str, params: Record, chosen: Any) -> Record:
    wrong = wrong_tags(params.get("Tags", [])) | ({"MissingParameter"} if not params.get("Tags") else set())
    try:
        resources = _resources(world, account, params)
    except Refused as refused:
        raise Refused(*refused.codes, *wrong) from None
    tags = {tag.get("Key"): tag.get("Value") or "" for tag in params.get("Tags", [])}
    for name in resources:
        if len({**world.tags.get((account, name), {}), **tags}) > MOST:
            wrong.add("TagLimitExceeded")
    if wrong:
        raise Refused(*wrong)
    for name in resources:
        world.tags.setdefault((account, name), {}).update(tags)
    return {}


def delete_tags(world: World, account: str, params: Record, chosen: Any) -> Record:
    """Without tags all of them; without a value whatever it is; with one only the tag that has it."""
    wrong = wrong_tags(params.get("Tags", []), new=False)
    try:
        resources = _resources(world, account, params)
    except Refused as refused:
        raise Refused(*refused.codes, *wrong) from None
    if wrong:
        raise Refused(*wrong)
    for name in resources:
        tags = world.tags.get((account, name), {})
        for key in list(tags) if not params.get("Tags") else []:
            del tags[key]
        for tag in params.get("Tags", []):
            if tag["Key"] in tags and tag.get("Value") in (None, tags[tag["Key"]]):
                del tags[tag["Key"]]
    return {}
