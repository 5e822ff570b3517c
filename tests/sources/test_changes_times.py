"""When a change takes effect: every form of a time, exact to the nanosecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgsim.errors import InputError
from sgsim.sources.changes import ChangeTime
from sgsim.sources.changes.records import Fraction
from sgsim.sources.changes.times import change_time
from sgsim.sources.places import Place

HERE = Place("f.yaml", "[0].at", 1)
S = 10**9
NOON = 1_777_896_000 * S  # 2026-05-04T12:00:00Z


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("+0s", 0),
        ("+12.5s", 12_500_000_000),
        ("+2m", 120 * S),
        ("+1h30m", 5_400 * S),
        ("+500ms", 500_000_000),
        ("+1d2h3m4s5ms6us7ns", 93_784 * S + 5_006_007),
        ("+0.000000001s", 1),
        ("+1.500000us", 1_500),
    ],
)
def test_from_the_first_packet_on(text: str, ns: int) -> None:
    """A plus sign, and units with the largest first."""
    assert change_time(text, HERE) == ChangeTime(ns, relative=True)
    assert change_time(text, HERE).since_epoch(1_000) == ns + 1_000


@pytest.mark.parametrize(
    ("value", "ns"),
    [
        ("2026-05-04T12:00:00Z", NOON),
        ("2026-05-04 12:00:00", NOON),
        ("2026-05-04T12:00", NOON),
        ("2026-05-04t14:00:00.25+02:00", NOON + 250_000_000),
        ("2026-05-04T06:30:00,000000001-0530", NOON + 1),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
        (1_777_896_000, NOON),
        ("1777896000", NOON),
        ("1777896000.123456789", NOON + 123_456_789),
        (Fraction("1777896000.123456789"), NOON + 123_456_789),
        ("1777896000123456789ns", NOON + 123_456_789),
        (0, 0),
    ],
)
def test_since_the_epoch(value: object, ns: int) -> None:
    """Calendar times with and without a zone (UTC then), seconds, and other units."""
    assert change_time(value, HERE) == ChangeTime(ns)
    assert change_time(value, HERE).since_epoch(1_000) == ns


@given(st.datetimes(datetime(1700, 1, 2), datetime(2262, 1, 1), timezones=st.just(UTC)), st.integers(-14 * 60, 14 * 60))
def test_calendar_times_are_those_of_the_standard_library(time: datetime, offset: int) -> None:
    """Any day, in any zone."""
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    wanted = (since.days * 86_400 + since.seconds) * S + since.microseconds * 1_000
    text = time.astimezone(timezone(timedelta(minutes=offset))).isoformat()
    assert change_time(text, HERE) == ChangeTime(wanted)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("+5", "'+5' is no time"),
        ("12.5 s", "'12.5 s' is no time"),
        ("-5s", "'-5s' is no time"),
        ("+1m1h", "'+1m1h' is no time"),
        ("+1s1s", "'+1s1s' is no time"),
        ("+", "'+' is no time"),
        ("", "'' is no time"),
        ("2026-05-04", "'2026-05-04' is no time"),
        ("1e9", "'1e9' is no time"),
        (Fraction("1e9"), "'1e9' is no time"),
        ("tomorrow", "'tomorrow' is no time"),
        (None, "nothing is no time"),
        (True, "True is no time"),
        ([], "a list is no time"),
        ("+0.5ns", "'+0.5ns' is finer than a nanosecond"),
        ("2026-05-04T12:00:00.0000000001Z", "is finer than a nanosecond"),
        ("2026-02-29T12:00:00Z", "there is no such day"),
        ("0000-01-01T00:00:00Z", "there is no such day"),
        ("2026-05-04T24:00:00Z", "there is no such time of day"),
        ("2026-05-04T12:00:60Z", "there is no such time of day"),
        ("2300-01-01T00:00:00Z", "is beyond what 64 bits of nanoseconds hold"),
        (1_777_896_000_123, "is beyond what 64 bits of nanoseconds hold (the year 2262) (numbers are seconds"),
        ("+99999999999999999999d", "is beyond what 64 bits of nanoseconds hold"),
    ],
)
def test_what_is_no_time(value: object, problem: str) -> None:
    """The line says what was written and what may be."""
    with pytest.raises(InputError, match=r"^f\.yaml: \[0\]\.at, line 1: ") as caught:
        change_time(value, HERE)
    assert problem in str(caught.value)
