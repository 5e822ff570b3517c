"""When a change takes effect: text or a number -> ChangeTime, exact to the nanosecond."""

from __future__ import annotations

import re
from datetime import date

from sgsim.sources.changes.records import ChangeTime, Fraction
from sgsim.sources.places import Place
from sgsim.sources.scenariotree import shown

_UNITS = {"d": 86_400 * 10**9, "h": 3_600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_PART = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?(d|h|ms|m|s|us|ns)")
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?\Z")
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,20}))?)?"
    r" ?(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?\Z"
)
_EPOCH = date(1970, 1, 1).toordinal()
_MOST = (1 << 63) - 1
_FORMS = 'write "+12.5s" (from the first packet), "2026-05-04T12:00:00Z", or seconds since the epoch'


def change_time(value: object, place: Place) -> ChangeTime:
    """``+1h30m``, ``+12.5s``, ``+500ms``: from the first packet on; units d h m s ms us ns, the largest first.
    ``2026-05-04T12:00:00.25+02:00``: a time, UTC where no zone is given. A number: seconds since the epoch, or with
    units as above (``1777888800000000000ns``).

    Raises InputError for anything else, for less than a nanosecond, and for what does not fit into 64 bits.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Fraction):
        raise place.refusal(f"{shown(value)} is no time", _FORMS)
    text = str(value).strip()
    relative = text.startswith("+")
    if match := _ISO.match(text):
        found = _calendar(match, place)
    elif not relative and _NUMBER.match(text):
        found = _duration(text + "s", text, place)
    else:
        found = _duration(text[relative:], text, place)
    if not -_MOST <= found <= _MOST:
        remedy = "numbers are seconds: write 1777888800000000000ns for nanoseconds"
        raise place.refusal(f"{text[:60]!r} is beyond what 64 bits of nanoseconds hold (the year 2262)", remedy)
    return ChangeTime(found, relative)


def _duration(parts: str, text: str, place: Place) -> int:
    total, at, before = 0, 0, ""
    while at < len(parts) or not before:
        match = _PART.match(parts, at)
        if match is None or (before and _UNITS[before] <= _UNITS[match[3]]):
            raise place.refusal(f"{text[:60]!r} is no time", _FORMS)
        total += _scaled(match[1], match[2], _UNITS[match[3]], text, place)
        at, before = match.end(), match[3]
    return total


def _scaled(whole: str, fraction: str | None, unit: int, text: str, place: Place) -> int:
    digits = (fraction or "").rstrip("0")
    part, rest = divmod(int(digits or "0") * unit, int("1" + "0" * len(digits)))
    if rest:
        raise place.refusal(f"{text[:60]!r} is finer than a nanosecond", "leave out the digits beyond")
    return int(whole) * unit + part


def _calendar(match: re.Match[str], place: Place) -> int:
    text = match[0]
    hour, minute, second = int(match[4]), int(match[5]), int(match[6] or "0")
    offset_hour, offset_minute = int(match[10] or "0"), int(match[11] or "0")
    try:
        days = date(int(match[1]), int(match[2]), int(match[3])).toordinal() - _EPOCH
    except ValueError:
        raise place.refusal(f"{text[:60]!r}: there is no such day") from None
    if hour > 23 or minute > 59 or second > 59 or offset_hour > 23 or offset_minute > 59:
        remedy = "hours are 00 to 23, minutes and seconds 00 to 59"
        raise place.refusal(f"{text[:60]!r}: there is no such time of day", remedy)
    offset = (offset_hour * 60 + offset_minute) * (-1 if match[9] == "-" else 1)
    minutes = (days * 24 + hour) * 60 + minute - offset
    return minutes * _UNITS["m"] + _scaled(str(second), match[7], _UNITS["s"], text, place)
