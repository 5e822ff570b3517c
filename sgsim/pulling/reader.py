"""One account's view of one Region: the calls that were answered, page by page, and those that were not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from datetime import datetime
from typing import Any, NamedTuple

from sgsim.errors import PullError
from sgsim.pulling.calls import PREFIX_LIST_ENTRIES, PREFIX_LISTS, Call, Identity, Record
from sgsim.pulling.faults import CALL_ERRORS, Unanswered, failure, unanswered, unreadable

MOST_FILTER_VALUES = 200  # EC2 API reference, request quotas of filters
MOST_NAMED = 3


def credentials_of(profile: str | None) -> str:
    """What messages call a profile's credentials, or those of none."""
    return f"profile {profile}" if profile else "the default credentials"


class View(NamedTuple):
    """Whose view of which Region. ``profile`` is None for credentials of no profile, ``account`` where STS does not
    say whose they are."""

    profile: str | None
    region: str
    account: str | None

    @property
    def whose(self) -> str:
        """Who is looking, for messages."""
        return credentials_of(self.profile)

    def __str__(self) -> str:
        return f"{self.whose} in {self.region}"


class Reader:
    """Takes records through one boto3 client and keeps each once, by key of the snapshot and by identity.

    ``doubts`` has a line for each call that was not answered: such a call is not made again. A key is in ``records``
    only where its call was answered.
    """

    def __init__(self, client: Any, view: View) -> None:
        self.view = view
        self.records: dict[str, dict[Identity, Record]] = {}
        self.doubts: list[str] = []
        self._client = client
        self._refused: set[Call] = set()

    def take(self, call: Call, filter_name: str | None = None, values: Iterable[str] = ()) -> None:
        """Take all records of a call, or those with one of the values; of a record that is there, the first stays.

        Raises PullError: credentials, network, throttling, whatever else leaves nothing more to be expected.
        """
        for filters in _filters(filter_name, values):
            found = self._answer(call, filters)
            if found is None:
                return
            kept = self.records.setdefault(call.key, {})
            try:
                for record in found:
                    kept.setdefault(call.identity(record), record)
            except KeyError as error:
                problem = f"the endpoint sent {call.key} without {error.args[0]}"
                raise PullError(f"{self.view}: {call.action}", problem, "is its URL right?") from error
        self.records.setdefault(call.key, {})

    def keep(self, call: Call, wanted: Callable[[Record], bool]) -> None:
        """Let go of the records that are not wanted after all."""
        if call.key in self.records:
            self.records[call.key] = {name: record for name, record in self.records[call.key].items() if wanted(record)}

    def take_entries(self) -> None:
        """The entries of all prefix lists that were taken, AWS's own too, into their lists."""
        call = PREFIX_LIST_ENTRIES
        failed: dict[Unanswered, list[str]] = {}
        for (name,), prefix_list in self.records.get(PREFIX_LISTS.key, {}).items():
            try:
                prefix_list[call.key] = self._pages(call, {"PrefixListId": name})
            except CALL_ERRORS as error:
                fault = unanswered(error, call, True) or unreadable(error, call)
                if fault is None:
                    raise failure(f"{self.view}: {call.action}", error) from error
                failed.setdefault(fault, []).append(name)
        for fault, names in failed.items():
            self._doubt(call, fault, f"{call.key} of {some(names)} are missing")

    def _answer(self, call: Call, filters: dict[str, Any]) -> list[Record] | None:
        """None where the call is not answered, which is told once."""
        if call in self._refused:
            return None
        try:
            return self._pages(call, filters)
        except CALL_ERRORS as error:
            fault = unanswered(error, call, bool(self.records))
            if fault is None:
                raise failure(f"{self.view}: {call.action}", error) from error
        self._refused.add(call)
        self._doubt(call, fault, f"{call.key} are missing")
        return None

    def _pages(self, call: Call, arguments: dict[str, Any]) -> list[Record]:
        if not hasattr(self._client, call.operation):  # a boto3 older than the call
            raise NotImplementedError(call.operation)
        pages = self._client.get_paginator(call.operation).paginate(
            **arguments, PaginationConfig={"PageSize": call.page}
        )
        return [
            _plain(record)
            for page in pages
            for listed in page.get(call.key) or ()
            for record in _instances_apart(listed)
        ]

    def _doubt(self, call: Call, fault: Unanswered, loss: str) -> None:
        self.doubts.append(f"{self.view}: {call.action}: {fault.reason}: {loss} ({fault.remedy})")


def each(pool: Executor, readers: Iterable[Reader], work: Callable[[Reader], None]) -> None:
    """Let every reader work, several at a time. Raises the first one's error, in the readers' order."""
    list(pool.map(work, readers))


def _filters(name: str | None, values: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The arguments of as many calls as the values need: one without a filter, none without a value."""
    if name is None:
        yield {}
        return
    wanted = sorted(values)
    for start in range(0, len(wanted), MOST_FILTER_VALUES):
        yield {"Filters": [{"Name": name, "Values": wanted[start : start + MOST_FILTER_VALUES]}]}


def _instances_apart(record: Record) -> Iterator[Record]:
    """A reservation as one for each of its instances, whatever pages and filters left in it; else the record."""
    if "Instances" not in record:
        yield record
        return
    for instance in record["Instances"]:
        yield {**record, "Instances": [instance]}


def _plain(value: Any) -> Any:
    """Times as the AWS CLI writes them: ISO 8601 with the offset."""
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return value.isoformat() if isinstance(value, datetime) else value


def some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
