"""Changes that someone wrote by hand: their keys, calls and parameters, and the errors people will meet."""

from __future__ import annotations

import pytest

from sgsim.sources.changes import ApiChange, ChangeTime
from sgsim.sources.changes.calls import CALLS
from sgsim.sources.changes.signatures import Kind, Member, signature

PERMISSION = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def test_a_change_as_yaml(changes) -> None:
    """A list of them; the place has the line, a protocol and an account may be written as numbers."""
    text = (
        "# what the release did\n"
        "- at: +12.5s\n"
        "  call: RevokeSecurityGroupIngress\n"
        "  params:\n"
        "    GroupId: sg-1\n"
        "    IpPermissions: [{IpProtocol: 6, FromPort: 22, ToPort: 22, UserIdGroupPairs: [{UserId: 123456789012}]}]\n"
        "- {at: 2026-05-04T12:00:00Z, call: DeleteSecurityGroup, params: {GroupId: sg-2, DryRun: false}}\n"
    )
    first, second = changes(text).changes
    pairs = [{"UserId": "123456789012"}]
    assert first.at == ChangeTime(12_500_000_000, relative=True)
    assert first.call == "RevokeSecurityGroupIngress"
    assert first.params == {
        "GroupId": "sg-1",
        "IpPermissions": [{"IpProtocol": "6", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": pairs}],
    }
    assert (first.answer, first.account, first.region, first.recorded) == (None, None, None, False)
    assert str(first.place) == "[0], line 2"
    assert second.params == {"GroupId": "sg-2", "DryRun": False}
    assert str(second.place) == "[1], line 7"


def test_what_was_made_may_be_given_its_ids(changes) -> None:
    """``answer`` holds what AWS answered (members that are of no use are passed over), so that a later change can name
    it; ``account`` and ``region`` say who asked."""
    made = {"at": "+1s", "call": "CreateSecurityGroup", "params": {"GroupName": "new", "Description": "d"}}
    answer = {"GroupId": "sg-new", "SecurityGroupArn": "arn:...", "ResponseMetadata": {"HTTPStatusCode": 200}}
    (change,) = changes([made | {"answer": answer, "account": 123456789012, "region": "eu-west-1"}]).changes
    assert change.answer == {"GroupId": "sg-new"}
    assert (change.account, change.region) == ("123456789012", "eu-west-1")


def test_what_is_not_looked_at_is_handed_on(changes) -> None:
    """A launch has many parameters that say nothing about interfaces and groups; the control plane may know them."""
    params = {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1, "MetadataOptions": {"HttpTokens": "required"}}
    (change,) = changes([{"at": 0, "call": "RunInstances", "params": params}]).changes
    assert change.params == params


def test_a_call_without_parameters(changes) -> None:
    """The control plane says what is missing, as AWS does."""
    assert changes([{"at": 0, "call": "DeleteVpc"}]).changes[0].params == {}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"call": "DeleteVpc"}, "[0]: has no 'at' (write {at: "),
        ({"at": 0}, "[0]: has no 'call' (write {at: "),
        ({"at": 0, "cal": "DeleteVpc"}, "[0].cal: unknown key 'cal' (did you mean call?)"),
        ({"at": 0, "call": 3}, "[0].call: 3 where text belongs"),
        (
            {"at": 0, "call": "RevokeSecurityGroupIngres"},
            "[0].call: 'RevokeSecurityGroupIngres' is no call that changes what is judged "
            "(did you mean RevokeSecurityGroupIngress?)",
        ),
        ({"at": 0, "call": "CreateVolume"}, "[0].call: 'CreateVolume' is no call that changes what is judged ("),
        ({"at": 0, "call": "DeleteVpc", "params": []}, "[0].params: a list where NAME: ... belongs"),
        (
            {"at": 0, "call": "DeleteVpc", "params": {"VpcID": "vpc-1"}},
            "[0].params.VpcID: unknown parameter 'VpcID' (did you mean VpcId?)",
        ),
        (
            {"at": 0, "call": "AuthorizeSecurityGroupIngress", "params": {"IpPermissions": [{"Protocol": "tcp"}]}},
            "[0].params.IpPermissions[0].Protocol: unknown parameter 'Protocol' (did you mean IpProtocol?)",
        ),
        (
            {"at": 0, "call": "AuthorizeSecurityGroupIngress", "params": {"IpPermissions": PERMISSION}},
            "[0].params.IpPermissions: a mapping where a list belongs",
        ),
        (
            {"at": 0, "call": "AuthorizeSecurityGroupIngress", "params": {"IpPermissions": ["tcp"]}},
            "[0].params.IpPermissions[0]: 'tcp' where NAME: ... belongs",
        ),
        ({"at": 0, "call": "AuthorizeSecurityGroupIngress", "params": {"FromPort": "22"}}, "'22' where a whole number"),
        ({"at": 0, "call": "AuthorizeSecurityGroupIngress", "params": {"FromPort": 22.5}}, "22.5 where a whole number"),
        ({"at": 0, "call": "AuthorizeSecurityGroupIngress", "params": {"FromPort": 1 << 63}}, "where a whole number"),
        ({"at": 0, "call": "DeleteVpc", "params": {"DryRun": "yes"}}, "[0].params.DryRun: 'yes' where true or false"),
        ({"at": 0, "call": "DeleteVpc", "params": {"VpcId": None}}, "[0].params.VpcId: nothing where text belongs"),
        ({"at": 0, "call": "DeleteVpc", "params": {"VpcId": True}}, "[0].params.VpcId: True where text belongs"),
        ({"at": 0, "call": "DeleteVpc", "params": {"VpcId": "\ud800"}}, "[0].params.VpcId: holds half of a character"),
        (
            {"at": 0, "call": "CreateSecurityGroup", "answer": {"GroupId": ["sg-1"]}},
            "[0].answer.GroupId: a list where text belongs",
        ),
        ("DeleteVpc", "[0]: 'DeleteVpc' where NAME: ... belongs"),
    ],
)
def test_mistakes(no_changes, change, line) -> None:
    """The line names the file, the place and what it should have been."""
    assert line in no_changes([change, {"at": 0, "call": "DeleteVpc"}])


def test_the_line_in_yaml_is_named(no_changes) -> None:
    """Where the parser tells lines, the error does."""
    text = "- at: +1s\n  call: DeleteSecurityGroup\n  params:\n    GroupIds: sg-1\n"
    wanted = "changes.yaml: [0].params.GroupIds, line 4: unknown parameter 'GroupIds' (did you mean GroupId?)"
    assert no_changes(text) == wanted


def test_every_signature_can_be_read() -> None:
    """Of each call what it takes and what it answers; every member has one name on the wire that no other has."""
    for name, call in CALLS.items():
        assert call.takes, name
        for members in (call.takes, call.answers):
            _check(name, members)


def _check(where: str, members: tuple[Member, ...]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for member in members:
        for wire in set(member.wire):
            assert seen.setdefault((wire, member.key), member.name) == member.name, f"{where}: {wire}"
        _check(f"{where}.{member.name}", member.members)


def test_the_notation_of_signatures() -> None:
    """Each mark, and the names of CloudTrail's that follow from a name."""
    text, number, flag, unread, structure, texts, structures = signature(
        "Text Number# Flag? Unread* Structure(Inner) Entries=other[.key] Structures[Inner#]"
    )
    assert (text.kind, number.kind, flag.kind, unread.kind) == (Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN, Kind.ANYTHING)
    assert (structure.kind, structure.members[0].name) == (Kind.STRUCTURE, "Inner")
    assert (texts.kind, texts.key, texts.wire[-1]) == (Kind.TEXTS, "key", "other")
    assert {"entries", "entry", "entriesset", "entryset"} <= set(texts.wire)
    assert (structures.kind, structures.members[0].kind) == (Kind.STRUCTURES, Kind.NUMBER)
    assert text.wire == ("text",)


def test_records_are_frozen(changes) -> None:
    """A change is a value."""
    (change,) = changes([{"at": 0, "call": "DeleteVpc"}]).changes
    assert isinstance(change, ApiChange)
    with pytest.raises(AttributeError):
        change.call = "CreateVpc"
