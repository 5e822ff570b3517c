"""Changes in the order of time."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sgsim.sources.changes import ApiChange, ChangeTime, in_order
from sgsim.sources.places import Place

S = 10**9


def change(
    name: str, at: ChangeTime, call: str = "DeleteVpc", params: Any = None, answer: Any = None, recorded: bool = True
) -> ApiChange:
    return ApiChange(at, call, params or {}, Place(name), answer, recorded=recorded)


def names(changes: list[ApiChange], first: int = 0) -> str:
    return " ".join(each.place.file for _, each in in_order(changes, first))


def test_relative_and_absolute_times_in_one_list() -> None:
    """Relative ones count from the first packet; what is before it keeps its time."""
    changes = [
        change("late", ChangeTime(5 * S, relative=True)),
        change("early", ChangeTime(90 * S)),
        change("middle", ChangeTime(102 * S)),
    ]
    assert [(time_ns, each.place.file) for time_ns, each in in_order(changes, 100 * S)] == [
        (90 * S, "early"),
        (102 * S, "middle"),
        (105 * S, "late"),
    ]
    assert names(changes, 0) == "late early middle"


@given(st.lists(st.integers(0, 5), max_size=20))
def test_equal_times_keep_the_order_given(times: list[int]) -> None:
    """The order is stable."""
    changes = [change(str(number), ChangeTime(time)) for number, time in enumerate(times)]
    wanted = sorted(range(len(times)), key=lambda number: times[number])
    assert names(changes) == " ".join(map(str, wanted))


GROUP = {"GroupId": "sg-1"}
RULES = {"SecurityGroupRules": [{"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-1"}]}
AUTHORIZE = ("AuthorizeSecurityGroupIngress", {"GroupId": "sg-1"}, RULES)
CREATE = ("CreateSecurityGroup", {"GroupName": "web", "VpcId": "vpc-1"}, GROUP)
REVOKE = ("RevokeSecurityGroupIngress", {"GroupId": "sg-1", "SecurityGroupRuleIds": ["sgr-1"]}, None)


def test_what_made_something_comes_before_what_names_it() -> None:
    """Of one time, and however deep; others stay where they are."""
    now = ChangeTime(S)
    changes = [
        change("other", now),
        change("revoke", now, *REVOKE),
        change("authorize", now, *AUTHORIZE),
        change("create", now, *CREATE),
        change("last", now),
    ]
    assert names(changes) == "other create authorize revoke last"


def test_what_is_named_was_not_made() -> None:
    """A launch that attaches an interface answers with its id, but did not make it."""
    now = ChangeTime(S)
    interfaces = [{"NetworkInterfaceId": "eni-1"}]
    made = ("CreateNetworkInterface", {"SubnetId": "subnet-1"}, {"NetworkInterface": interfaces[0]})
    launched = ("RunInstances", {"NetworkInterfaces": interfaces}, {"Instances": [{"NetworkInterfaces": interfaces}]})
    modified = change("modify", now, "ModifyNetworkInterfaceAttribute", interfaces[0])
    changes = [change("create", now, *made), modified, change("launch", now, *launched)]
    assert names(changes) == "create modify launch"


def test_times_go_before_what_names_what() -> None:
    """An earlier change is earlier, whatever it names."""
    changes = [change("authorize", ChangeTime(S), *AUTHORIZE), change("create", ChangeTime(2 * S), *CREATE)]
    assert names(changes) == "authorize create"


def test_changes_by_hand_stay_as_they_were_written() -> None:
    """Who writes them knows their order."""
    now = ChangeTime(S)
    changes = [change("authorize", now, *AUTHORIZE, recorded=False), change("create", now, *CREATE, recorded=False)]
    assert names(changes) == "authorize create"


def test_circles_end() -> None:
    """Two events that name what the other made: AWS does not write them, but a file may."""
    now = ChangeTime(S)
    pairs = [("sg-1", "sg-2"), ("sg-2", "sg-1")]
    changes = [
        change(made, now, "CreateSecurityGroup", {"Description": named}, {"GroupId": made}) for made, named in pairs
    ]
    assert names(changes) == "sg-2 sg-1"


def test_a_long_chain_is_no_recursion() -> None:
    """Ten thousand events of one second, each naming what the next one made."""
    now = ChangeTime(S)
    count = 10_000
    changes = [
        change(
            str(number), now, "CreateSecurityGroup", {"Description": f"sg-{number + 1}"}, {"GroupId": f"sg-{number}"}
        )
        for number in range(count)
    ]
    assert names(changes) == " ".join(map(str, reversed(range(count))))
