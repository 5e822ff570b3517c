"""What describe calls share: filters with wildcards, and pages."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from sgsim.control.errors import ApiError, invalid, missing
from sgsim.control.requests.base import Filter

Record = TypeVar("Record")
#: What a filter looks at: the values of a record, any of which may match.
Values = Callable[[Record], Iterable[str | None]]

_MOST_FILTER_VALUES = 200


def filtered(
    records: Iterable[Record],
    filters: Sequence[Filter],
    known: Mapping[str, Values[Record]],
    tags: Callable[[Record], Mapping[str, str]] | None = None,
) -> list[Record]:
    """The records that match every filter, each with any of its values; ``tag:KEY`` and ``tag-key`` look at tags.

    ``*`` is any text, ``?`` any character, a backslash before them (or before itself) makes them plain; case counts.
    Source: EC2 user guide, "List and filter your resources".

    Raises ApiError for a filter that the operation does not have, and for more than 200 values in all.
    """
    if sum(len(each.values) for each in filters) > _MOST_FILTER_VALUES:
        most = _MOST_FILTER_VALUES
        raise ApiError("FilterLimitExceeded", f"The maximum number of filter values specified on a call is {most}")
    found = list(records)
    for each in filters:
        values = _values(each, known, tags)
        wanted = _pattern(each.values)
        found = [r for r in found if any(wanted.match(value) for value in values(r) if value is not None)]
    return found


def _values(
    each: Filter, known: Mapping[str, Values[Record]], tags: Callable[[Record], Mapping[str, str]] | None
) -> Values[Record]:
    name = each.name
    if name is None:
        raise missing("Filter.Name")
    if tags is not None and name == "tag-key":
        return lambda record: tags(record)
    if tags is not None and name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda record: (tags(record)[key],) if key in tags(record) else ()
    if name not in known:
        raise invalid(f"The filter '{name}' is invalid")
    return known[name]


def _pattern(values: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?:{_regular(value)})\Z" for value in values) or r"(?!)", re.DOTALL)


def _regular(value: str) -> str:
    """What is between two stars is looked for once, where it comes first: a value of many stars takes no longer."""
    parts = re.findall(r"\\[*?\\]|\\|\*|\?|[^\\*?]+", value)
    pieces = [""]
    for part in parts:
        if part == "*":
            pieces.append("")
        else:
            pieces[-1] += "." if part == "?" else re.escape(re.sub(r"\\([*?\\])", r"\1", part))
    first, *middle = pieces
    if not middle:
        return first
    return first + "".join(f"(?>.*?{piece})" for piece in middle[:-1] if piece) + ".*" + middle[-1]


def page(
    records: Sequence[Record], max_results: int | None, next_token: str | None, least: int = 5, most: int = 1000
) -> tuple[list[Record], str | None]:
    """One page of the records and the token of the next; all of them where no page size is asked for.

    Raises ApiError: a size out of range, a token that no page had.
    """
    if max_results is not None and not least <= max_results <= most:
        raise invalid(
            f"Value ( {max_results} ) for parameter maxResults is invalid. "
            f"Expecting a value between {least} and {most}."
        )
    begin = _offset(next_token, len(records))
    end = len(records) if max_results is None else begin + max_results
    token = urlsafe_b64encode(f"page {end}".encode()).decode() if end < len(records) else None
    return list(records[begin:end]), token


def _offset(token: str | None, count: int) -> int:
    if token is None:
        return 0
    try:
        word, _, number = urlsafe_b64decode(token.encode()).decode().partition(" ")
        if word == "page" and number.isascii() and number.isdecimal():
            return min(int(number), count)
    except ValueError:
        pass
    raise ApiError("InvalidNextToken", f"The token '{token}' is invalid")


def answer(name: str, records: Sequence[object], token: str | None) -> dict[str, object]:
    """The reply of a describe call."""
    return {name: list(records)} | ({"NextToken": token} if token else {})
