"""Managed prefix lists: versions, sizes, references, and what the judges get of them."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from sgsim.control import Cloud
from tests.control.calling import ACCOUNT, HOME, OTHER, Account, account


def make(call: Account, *cidrs: str, most: int = 10, family: str = "IPv4", name: str = "corp") -> str:
    entries = [{"Cidr": each, "Description": f"at {each}"} for each in cidrs]
    made = call("CreateManagedPrefixList", PrefixListName=name, AddressFamily=family, MaxEntries=most, Entries=entries)
    return str(made["PrefixList"]["PrefixListId"])


def shown(call: Account, prefix_list_id: str) -> dict[str, Any]:
    return dict(call("DescribeManagedPrefixLists", PrefixListIds=[prefix_list_id])["PrefixLists"][0])


def entries(call: Account, prefix_list_id: str, **more: Any) -> list[str]:
    found = call("GetManagedPrefixListEntries", PrefixListId=prefix_list_id, **more)["Entries"]
    return [each["Cidr"] for each in found]


def modify(call: Account, prefix_list_id: str, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> None:
    call(
        "ModifyManagedPrefixList",
        PrefixListId=prefix_list_id,
        CurrentVersion=shown(call, prefix_list_id)["Version"],
        AddEntries=[{"Cidr": each} for each in add],
        RemoveEntries=[{"Cidr": each} for each in remove],
    )


def allow(call: Account, group: str, *prefix_list_ids: str) -> None:
    lists = [{"PrefixListId": each} for each in prefix_list_ids]
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": lists}
    call("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[permission])


@pytest.fixture
def call() -> Account:
    return account()


def test_snapshot_has_current_entries(call: Account) -> None:
    """Canonical, in the order in which they were added; topologies that were taken before stay as they were."""
    name = make(call, "10.0.0.0/8", "192.0.2.77/24")
    before = call.snapshot
    modify(call, name, add=("198.51.100.0/24",), remove=("10.0.0.0/8",))
    networks = [ip_network(each) for each in ("10.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24")]
    assert before.prefix_lists[name].entries == tuple(networks[:2])
    after = call.snapshot.prefix_lists[name]
    assert (after.name, after.family, after.entries) == ("corp", 4, tuple(networks[1:]))


def test_versions(call: Account) -> None:
    """Each change of entries is one, a restored one too; a name or a size is none."""
    name = make(call, "10.0.0.0/8")
    modify(call, name, add=("192.0.2.0/24",))
    call("ModifyManagedPrefixList", PrefixListId=name, PrefixListName="renamed", CurrentVersion=2)
    call("ModifyManagedPrefixList", PrefixListId=name, MaxEntries=20)
    assert (shown(call, name)["Version"], shown(call, name)["State"]) == (2, "modify-complete")
    assert call.snapshot.prefix_lists[name].name == "renamed"
    call("RestoreManagedPrefixListVersion", PrefixListId=name, PreviousVersion=1, CurrentVersion=2)
    assert (shown(call, name)["Version"], shown(call, name)["State"]) == (3, "restore-complete")
    assert [entries(call, name, TargetVersion=n) for n in (1, 2, 3)] == [
        ["10.0.0.0/8"],
        ["10.0.0.0/8", "192.0.2.0/24"],
        ["10.0.0.0/8"],
    ]
    assert call.snapshot.prefix_lists[name].entries == (ip_network("10.0.0.0/8"),)


def test_oldest_versions_go() -> None:
    call = account(versions_per_prefix_list=2)
    name = make(call, "10.0.0.0/8")
    for n in range(2):
        modify(call, name, add=(f"192.0.{n}.0/24",))
    assert len(entries(call, name, TargetVersion=2)) == 2
    for operation, more in (
        ("GetManagedPrefixListEntries", {"TargetVersion": 1}),
        ("RestoreManagedPrefixListVersion", {"PreviousVersion": 1, "CurrentVersion": 3}),
    ):
        assert call.refused(operation, PrefixListId=name, **more).code == "InvalidPrefixListVersion.NotFound"


def test_description_is_changed(call: Account) -> None:
    """By adding the entry with another one; with the same one there is nothing to change."""
    name = make(call, "10.0.0.0/8")
    change: dict[str, Any] = {"PrefixListId": name, "AddEntries": [{"Cidr": "10.0.0.0/8", "Description": "new"}]}
    call("ModifyManagedPrefixList", CurrentVersion=1, **change)
    found = call("GetManagedPrefixListEntries", PrefixListId=name)["Entries"]
    assert found == [{"Cidr": "10.0.0.0/8", "Description": "new"}]
    error = call.refused("ModifyManagedPrefixList", CurrentVersion=2, **change)
    assert error.code == "InvalidPrefixListModification"
    assert error.message == "An entry with the CIDR (10.0.0.0/8) and description (new) already exists."


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "InvalidRequest"),
        ({"AddEntries": [{"Cidr": "192.0.2.0/24"}], "CurrentVersion": 2}, "PrefixListVersionMismatch"),
        ({"PrefixListName": "x", "CurrentVersion": 2}, "PrefixListVersionMismatch"),
        ({"AddEntries": [{"Cidr": "192.0.2.0/24"}], "MaxEntries": 20}, "InvalidParameterCombination"),
        ({"RemoveEntries": [{"Cidr": "192.0.2.0/24"}]}, "InvalidPrefixListModification"),
        ({"AddEntries": [{"Cidr": "2001:db8::/32"}]}, "InvalidParameterValue"),
        ({"AddEntries": [{"Cidr": "192.0.2.0/24"}, {"Cidr": "192.0.2.1/24"}]}, "InvalidParameterValue"),
        (
            {"AddEntries": [{"Cidr": "10.0.0.0/8"}], "RemoveEntries": [{"Cidr": "10.0.0.0/8"}]},
            "InvalidParameterValue",
        ),
        ({"AddEntries": [{"Cidr": f"192.0.{n}.0/24"} for n in range(10)]}, "PrefixListMaxEntriesExceeded"),
        ({"AddEntries": [{"Cidr": f"192.0.{n}.0/24"} for n in range(101)]}, "InvalidParameterValue"),
        ({"RemoveEntries": [{"Cidr": f"192.0.{n}.0/24"} for n in range(101)]}, "InvalidParameterValue"),
        ({"MaxEntries": 0}, "InvalidParameterValue"),
        ({"MaxEntries": 1001}, "InvalidParameterValue"),
        ({"PrefixListName": "com.amazonaws.mine"}, "InvalidParameterValue"),
        ({"PrefixListName": ""}, "InvalidParameterValue"),
    ],
)
def test_what_is_refused(call: Account, given: dict[str, Any], code: str) -> None:
    """Nothing of such a request is done."""
    assert call.refused("ModifyManagedPrefixList", PrefixListId=make(call, "10.0.0.0/8"), **given).code == code


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"PrefixListName": None}, "MissingParameter"),
        ({"AddressFamily": None}, "MissingParameter"),
        ({"MaxEntries": None}, "MissingParameter"),
        ({"AddressFamily": "IPv5"}, "InvalidParameterValue"),
        ({"MaxEntries": 1001}, "InvalidParameterValue"),
        ({"PrefixListName": "x" * 256}, "InvalidParameterValue"),
        ({"Entries": [{"Cidr": f"10.{n}.0.0/16"} for n in range(3)]}, "PrefixListMaxEntriesExceeded"),
        ({"Entries": [{"Cidr": "10.0.0.0/8", "Description": "x" * 256}]}, "InvalidParameterValue"),
        ({"Entries": [{}]}, "MissingParameter"),
    ],
)
def test_lists_that_there_cannot_be(call: Account, given: dict[str, Any], code: str) -> None:
    whole = {"PrefixListName": "corp", "AddressFamily": "IPv4", "MaxEntries": 2} | given
    whole = {name: value for name, value in whole.items() if value is not None}
    assert call.refused("CreateManagedPrefixList", **whole).code == code


def test_lists_that_there_can_just_be(call: Account) -> None:
    """As many entries as the list and the call may have, described with as many characters as there may be."""
    most = [{"Cidr": f"10.0.{n}.0/24", "Description": "x" * 255} for n in range(100)]
    given = {"PrefixListName": "x" * 255, "AddressFamily": "IPv4", "MaxEntries": 100, "Entries": most}
    name = call("CreateManagedPrefixList", **given)["PrefixList"]["PrefixListId"]
    gone = [{"Cidr": each["Cidr"]} for each in most]
    call("ModifyManagedPrefixList", PrefixListId=name, RemoveEntries=gone)
    assert call.snapshot.prefix_lists[name].entries == ()


def test_quota_of_lists() -> None:
    """AWS's own do not count."""
    call = account(prefix_lists_per_region=1)
    make(call)
    given = {"PrefixListName": "more", "AddressFamily": "IPv4", "MaxEntries": 1}
    assert call.refused("CreateManagedPrefixList", **given).code == "PrefixListLimitExceeded"


def test_what_cannot_be_restored(call: Account) -> None:
    """Over a version that is not the current one; more than the list may have now."""
    name = make(call, "10.0.0.0/8", "192.0.2.0/24")
    modify(call, name, remove=("10.0.0.0/8",))
    call("ModifyManagedPrefixList", PrefixListId=name, MaxEntries=1)
    given: dict[str, Any] = {"PrefixListId": name, "PreviousVersion": 1}
    error = call.refused("RestoreManagedPrefixListVersion", CurrentVersion=1, **given)
    assert error.code == "PrefixListVersionMismatch"
    error = call.refused("RestoreManagedPrefixListVersion", CurrentVersion=2, **given)
    assert error.code == "PrefixListMaxEntriesExceeded"


def test_size_below_entries(call: Account) -> None:
    name = make(call, "10.0.0.0/8", "192.0.2.0/24")
    assert (
        call.refused("ModifyManagedPrefixList", PrefixListId=name, MaxEntries=1).code == "PrefixListMaxEntriesExceeded"
    )


def test_size_that_groups_do_not_support(call: Account) -> None:
    """Every rule weighs the size of its list: the list says which groups would be over their quota, and stays."""
    vpc = call.vpc()
    name, other = make(call, "10.0.0.0/8"), make(call, most=45, name="other")
    groups = [call.group(vpc, f"group-{n}") for n in range(12)]
    for group in groups:
        allow(call, group, name, other)
    allowed = call("ModifyManagedPrefixList", PrefixListId=name, MaxEntries=15)["PrefixList"]
    assert allowed["State"] == "modify-in-progress"
    assert (shown(call, name)["State"], shown(call, name)["MaxEntries"]) == ("modify-complete", 15)
    call("ModifyManagedPrefixList", PrefixListId=name, MaxEntries=16, PrefixListName="never")
    found = shown(call, name)
    assert (found["State"], found["MaxEntries"], found["PrefixListName"]) == ("modify-failed", 15, "corp")
    assert all(group in found["StateMessage"] for group in groups[:10])
    assert not any(group in found["StateMessage"] for group in groups[10:])
    change = {"PrefixListId": name, "MaxEntries": 16, "PrefixListName": "com.amazonaws.mine"}
    assert call.refused("ModifyManagedPrefixList", **change).code == "InvalidParameterValue"
    modify(call, name, add=("192.0.2.0/24",))
    assert shown(call, name)["State"] == "modify-complete"
    assert "StateMessage" not in shown(call, name)


def test_quota_of_a_direction(call: Account) -> None:
    """A group that has more rules in the one than a lowered quota grants may get others in the other one."""
    group = call.group(call.vpc())
    permission = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": f"10.{n}.0.0/16"} for n in range(3)]}
    call("AuthorizeSecurityGroupEgress", GroupId=group, IpPermissions=[permission])
    call.cloud.quotas = call.cloud.quotas.adjusted(rules_per_security_group=3)
    name = make(call, most=2)
    allow(call, group, name)
    call("ModifyManagedPrefixList", PrefixListId=name, MaxEntries=3)
    assert (shown(call, name)["State"], shown(call, name)["MaxEntries"]) == ("modify-complete", 3)


def test_list_that_is_used(call: Account) -> None:
    """It stays until the last rule for it is gone, also with its group."""
    name, group = make(call, "10.0.0.0/8"), call.group(call.vpc())
    allow(call, group, name)
    found = call("GetManagedPrefixListAssociations", PrefixListId=name)["PrefixListAssociations"]
    assert found == [{"ResourceId": group, "ResourceOwner": ACCOUNT}]
    assert call("DeleteManagedPrefixList", PrefixListId=name)["PrefixList"]["State"] == "delete-in-progress"
    assert shown(call, name)["State"] == "delete-failed"
    assert group in shown(call, name)["StateMessage"]
    call("DeleteSecurityGroup", GroupId=group)
    assert call("DeleteManagedPrefixList", PrefixListId=name)["PrefixList"]["State"] == "delete-in-progress"
    assert name not in call.snapshot.prefix_lists


def test_others_do_not_see_it(call: Account) -> None:
    name, other = make(call), Account(call.cloud, OTHER)
    group = other.group(other.vpc())
    permission = {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": name}]}
    error = other.refused("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[permission])
    assert error.code == "InvalidPrefixListID.NotFound"
    assert other.refused("DescribeManagedPrefixLists", PrefixListIds=[name]).code == error.code


def test_lists_of_aws(call: Account) -> None:
    """Each Region has them; rules may refer to them and nobody changes them. Their entries are not known."""
    abroad = Account(call.cloud, ACCOUNT, "eu-west-1")
    ids = {}
    for each in (call, abroad):
        name = f"com.amazonaws.{each.caller.region}.s3"
        found = each("DescribePrefixLists", Filters=[{"Name": "prefix-list-name", "Values": [name]}])["PrefixLists"]
        ids[each.caller.region] = found[0]["PrefixListId"]
    assert call.refused("DescribePrefixLists", PrefixListIds=[ids["eu-west-1"]]).code == "InvalidPrefixListID.NotFound"
    ours = ids[HOME]
    assert shown(call, ours)["PrefixListArn"] == f"arn:aws:ec2:us-east-1:aws:prefix-list/{ours}"
    assert call.snapshot.prefix_lists[ours].entries is None
    allow(call, call.group(call.vpc()), ours)
    for operation, more in (("ModifyManagedPrefixList", {"PrefixListName": "x"}), ("DeleteManagedPrefixList", {})):
        assert call.refused(operation, PrefixListId=ours, **more).code == "OperationNotPermitted"
    assert [each["PrefixListId"] for each in call("DescribePrefixLists")["PrefixLists"]].count(ours) == 1
    own = make(call)
    assert call.refused("DescribePrefixLists", PrefixListIds=[own]).code == "InvalidPrefixListID.NotFound"


def test_pages_and_filters(call: Account) -> None:
    made = [make(call, name=f"list-{n}") for n in range(3)]
    own = [{"Name": "owner-id", "Values": [ACCOUNT]}]
    first = call("DescribeManagedPrefixLists", MaxResults=2, Filters=own)
    rest = call("DescribeManagedPrefixLists", MaxResults=2, Filters=own, NextToken=first["NextToken"])
    found = [each["PrefixListId"] for page in (first, rest) for each in page["PrefixLists"]]
    assert found == made
    many = make(call, *(f"10.{n}.0.0/16" for n in range(3)))
    assert len(entries(call, many, MaxResults=1)) == 1
    assert (
        call.refused("GetManagedPrefixListEntries", PrefixListId=many, MaxResults=101).code == "InvalidParameterValue"
    )


def test_state_is_loaded_again(call: Account, tmp_path: Path) -> None:
    """With its versions, so that one of them can be restored."""
    name = make(call, "10.0.0.0/8")
    modify(call, name, add=("192.0.2.0/24",))
    file = tmp_path / "state.json"
    file.write_bytes(call.cloud.state()[1])
    loaded = Account(Cloud.load(file, ACCOUNT, HOME, strict=True))
    assert loaded.snapshot.prefix_lists == call.snapshot.prefix_lists
    assert shown(loaded, name) == shown(call, name)
    loaded("RestoreManagedPrefixListVersion", PrefixListId=name, PreviousVersion=1, CurrentVersion=2)
    found = loaded("GetManagedPrefixListEntries", PrefixListId=name)["Entries"]
    assert found == [{"Cidr": "10.0.0.0/8", "Description": "at 10.0.0.0/8"}]


def test_loaded_from_describe_output(tmp_path: Path) -> None:
    """The first change keeps what was loaded as the version before; unknown entries are not guessed."""
    (tmp_path / "lists.json").write_text(
        '{"PrefixLists": [{"PrefixListId": "pl-0a", "PrefixListName": "known", "AddressFamily": "IPv4", "Version": 7,'
        ' "MaxEntries": 5, "Entries": [{"Cidr": "10.0.0.0/8", "Description": "ten"}]},'
        ' {"PrefixListId": "pl-0b", "PrefixListName": "unknown", "AddressFamily": "IPv4", "Version": 1,'
        ' "MaxEntries": 5},'
        ' {"PrefixListId": "pl-0c", "PrefixListName": "com.amazonaws.us-east-1.s3", "Cidrs": ["192.0.2.0/24"]}]}'
    )
    loaded = Account(Cloud.load(tmp_path, ACCOUNT, HOME))
    modify(loaded, "pl-0a", add=("192.0.2.0/24",))
    assert shown(loaded, "pl-0a")["Version"] == 8
    found = loaded("GetManagedPrefixListEntries", PrefixListId="pl-0a", TargetVersion=7)["Entries"]
    assert found == [{"Cidr": "10.0.0.0/8", "Description": "ten"}]
    change: dict[str, Any] = {"PrefixListId": "pl-0b", "AddEntries": [{"Cidr": "10.0.0.0/8"}]}
    assert loaded.refused("ModifyManagedPrefixList", **change).code == "OperationNotPermitted"
    services = loaded("DescribePrefixLists")["PrefixLists"]
    assert [(each["PrefixListId"], each["Cidrs"]) for each in services] == [("pl-0c", ["192.0.2.0/24"])]
