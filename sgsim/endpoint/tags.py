"""Tags of resources, some of which the cloud holds and some moto."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sgsim.control.listing import filtered, page
from sgsim.control.requests.base import Filter

Tag = dict[str, Any]  # one tag as DescribeTags lists it

_OURS = frozenset({"sg", "sgr", "vpc", "subnet", "eni", "i", "pl", "pcx"})  # prefixes of the ids that the cloud gives
_ID = re.compile("([a-z]+(?:-[a-z]+)*)-[0-9a-f]{8,17}")


def split(resources: Sequence[str]) -> tuple[list[str], list[str]]:
    """The resources that are for the cloud, and those whose ids are of another kind. In a scenario ids are names."""
    others = [name for name in resources if (found := _ID.fullmatch(name)) and found[1] not in _OURS]
    return [name for name in resources if name not in others], others


def matching(tags: Iterable[Tag], params: dict[str, Any]) -> list[Tag]:
    """Those that match all filters of a DescribeTags call. Raises ApiError for a filter that it does not have."""
    filters = [Filter(name=each.get("Name"), values=each.get("Values", [])) for each in params.get("Filters", ())]
    return filtered(tags, filters, _FILTERS, lambda tag: {tag["Key"]: tag["Value"]})


def answer(tags: Sequence[Tag], params: dict[str, Any]) -> dict[str, Any]:
    """The page of the tags that a DescribeTags call asks for. Raises ApiError for a page that there is not."""
    found, token = page(tags, params.get("MaxResults"), params.get("NextToken"))
    return {"Tags": found} | ({"NextToken": token} if token else {})


_FILTERS: dict[str, Callable[[Tag], Iterable[str | None]]] = {
    "key": lambda tag: (tag["Key"],),
    "value": lambda tag: (tag["Value"],),
    "resource-id": lambda tag: (tag["ResourceId"],),
    "resource-type": lambda tag: (tag["ResourceType"],),
}
