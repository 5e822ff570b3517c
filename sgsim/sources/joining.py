"""Several files of describe output, joined key by key: each record once, two versions of one refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from sgsim.sources.places import Document, Notes, Place
from sgsim.sources.shapes import Reply

Record = TypeVar("Record")
#: Records by id, in the order of files and of each file's list, with the place of each.
Joined = dict[str, tuple[Place, Record]]


def typed_replies(documents: Iterable[Document], notes: Notes) -> list[tuple[Place, Reply]]:
    """Check the shapes. Raises InputError with the JSON path of the first value that has the wrong one."""
    replies = []
    for document in documents:
        place = Place(document.file)
        try:
            reply = msgspec.convert(document.data, Reply)
        except msgspec.ValidationError as error:
            problem, _, path = str(error).partition(" - at `$")
            raise Place(document.file, path.rstrip("`").lstrip(".")).refusal(
                f"does not look like describe output: {problem[:1].lower()}{problem[1:]}",
                "save the command's output unmodified",
            ) from error
        if reply.next_token:
            problem = "is set: the snapshot is incomplete"
            notes.doubt(place.at("NextToken").refusal(problem, "fetch all pages; the AWS CLI does without --max-items"))
        replies.append((place, reply))
    return replies


def joined(replies: Iterable[tuple[Place, Reply]], field: str, key: str, identifier: str) -> Joined[Any]:
    """The records of one top-level key by id; ``field`` and ``identifier`` are attributes, ``key`` the key's name.

    Raises InputError naming both places of an id with different content (as far as sgsim reads it).
    """
    found: Joined[Any] = {}
    for file, reply in replies:
        for number, record in enumerate(getattr(reply, field) or ()):
            add(found, getattr(record, identifier), file.at(key).at(number), record)
    return found


def add(
    found: Joined[Any], name: str, place: Place, record: Any, merge: Callable[[Any, Any], Any | None] | None = None
) -> None:
    """Add a record. One that is there already must be equal, or merge with it (``merge`` gives None where not)."""
    if name not in found:
        found[name] = (place, record)
        return
    first_place, first = found[name]
    if record == first:
        return
    together = merge(first, record) if merge else None
    if together is None:
        other = first_place.path if first_place.file == place.file else f"{first_place.file}: {first_place.path}"
        raise place.refusal(f"{name} has other content than in {other}", "keep the one that is up to date")
    found[name] = (first_place, together)


def completed(first: Any, second: Any) -> Any | None:
    """Two records that each lack (None) what the other has, as one; None where they contradict each other."""
    values = {}
    for field in first.__struct_fields__:
        one, other = getattr(first, field), getattr(second, field)
        if one is not None and other is not None and one != other:
            return None
        values[field] = other if one is None else one
    return type(first)(**values)
