"""Events as CloudTrail writes them -> changes: those of EC2's that AWS carried out and that sgsim models."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import msgspec

from sgsim.sources.changes.calls import CALLS, Call
from sgsim.sources.changes.records import ApiChange, PassedOver
from sgsim.sources.changes.times import change_time
from sgsim.sources.changes.wire import from_wire, unwrapped
from sgsim.sources.places import Notes, Place

_EC2 = "ec2.amazonaws.com"
_API_CALL = "AwsApiCall"
_READ_ONLY = re.compile(r"(?:Describe|Get|List|Search)[A-Z]")
_TAGGED = re.compile(r"(?:sg|eni|i|pl|pcx|vpc|subnet)-")  # tags of rules nobody looks at


class _Identity(msgspec.Struct, rename="camel"):
    account_id: str | None = None


class _Event(msgspec.Struct, rename="camel"):
    """A record of CloudTrail's, as far as sgsim reads it (CloudTrail user guide, "CloudTrail record contents")."""

    event_time: str
    event_name: str
    aws_region: str | None = None
    error_code: str | None = None
    read_only: bool | str | None = None
    request_parameters: Any = None
    response_elements: Any = None
    recipient_account_id: str | None = None
    user_identity: _Identity | None = None


def is_event(data: Any) -> bool:
    """Whether it looks like an event of CloudTrail's, and not like a change that someone wrote."""
    return isinstance(data, dict) and "call" not in data and ("eventName" in data or "eventSource" in data)


class TrailReader:
    """Reads events one after another: one that was there before, in another file or account's, counts once."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._seen: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._unmodelled: Counter[str] = Counter()

    @property
    def passed_over(self) -> PassedOver:
        return PassedOver(**self._counts, unmodelled=dict(+self._unmodelled))

    def change(self, data: dict[str, Any], place: Place) -> ApiChange | None:
        """The change that an event is, None where it is none. Raises InputError: no event of CloudTrail's."""
        if data.get("eventSource") != _EC2 or data.get("eventType", _API_CALL) != _API_CALL:
            self._counts["other_services"] += 1
            return None
        if self._was_seen(data):
            self._counts["repeated"] += 1
            return None
        event = _typed(data, place)
        if event.read_only in (True, "true") or _READ_ONLY.match(event.event_name):
            self._counts["read_only"] += 1
            return None
        if event.error_code or _declined(event.response_elements, event.event_name):
            self._counts["failed"] += 1
            return None
        change = self._modelled(event, place) if event.event_name in CALLS else None
        self._unmodelled[event.event_name] += change is None
        return change

    def _modelled(self, event: _Event, place: Place) -> ApiChange | None:
        """None where the event says nothing about what is judged."""
        call = CALLS[event.event_name]
        where = place.at("requestParameters")
        asked = unwrapped(event.request_parameters, f"{event.event_name}Request")
        if asked is None and len(call.takes) == 1:
            asked = {}  # it takes DryRun alone
        if not isinstance(asked, dict) or asked.get("omitted") is True:
            problem = f"{event.event_name} without its parameters: what it changed is not known"
            self._notes.doubt(where.refusal(problem, "write the change by hand, or take a later snapshot"))
            return None
        if event.event_name == "RunInstances":
            asked = _with_first_instance(asked)
        params = from_wire(call.takes, asked, where)
        if event.event_name in ("CreateTags", "DeleteTags"):
            params["Resources"] = [each for each in params.get("Resources", ()) if _TAGGED.match(each)]
        if not _concerns(call, params):
            return None
        answered = unwrapped(event.response_elements, f"{event.event_name}Response")
        return ApiChange(
            change_time(event.event_time, place.at("eventTime")),
            event.event_name,
            params,
            place,
            from_wire(call.answers, answered, place.at("responseElements")) or None,
            (event.user_identity and event.user_identity.account_id) or event.recipient_account_id,
            event.aws_region,
            recorded=True,
        )

    def _was_seen(self, data: dict[str, Any]) -> bool:
        name = data.get("sharedEventID") or data.get("eventID")
        if not isinstance(name, str):
            return False
        seen = name in self._seen
        self._seen.add(name)
        return seen


def _typed(data: dict[str, Any], place: Place) -> _Event:
    try:
        return msgspec.convert(data, _Event)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        where = place.at(path.rstrip("`").lstrip(".")) if path else place
        problem = f"does not look like an event of CloudTrail's: {problem[:1].lower()}{problem[1:]}"
        raise where.refusal(problem, "save the event unmodified") from error


def _declined(response: Any, name: str) -> bool:
    answered = unwrapped(response, f"{name}Response")
    return isinstance(answered, dict) and any(answered.get(key) in (False, "false") for key in ("_return", "return"))


def _concerns(call: Call, params: dict[str, Any]) -> bool:
    if "Resources" in params:
        return bool(params["Resources"])
    return not call.about or any(name in params for name in call.about)


def _with_first_instance(asked: dict[str, Any]) -> dict[str, Any]:
    """RunInstances says under ``instancesSet`` how many instances of which image there are to be."""
    listed = asked.get("instancesSet")
    items = listed.get("items") if isinstance(listed, dict) else None
    first = items[0] if isinstance(items, list) and items else None
    return first | asked if isinstance(first, dict) else asked
