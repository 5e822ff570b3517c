"""Whatever is wrong with a call: either it alone is named and the rest is taken, or one line says what to do."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from boto3 import Session

from sgsim.pulling.calls import CALLS
from sgsim.sources import load_topology
from tests.pull.conftest import Ended
from tests.pull.endpoint import Endpoint, Reply, refusal
from tests.pull.world import IRELAND, KEYS, B, interface

Pull = Callable[..., Ended]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.key)
def test_a_missing_permission_is_named_and_the_rest_taken(pull: Pull, endpoint: Endpoint, tmp_path: Path, call):
    """The action, the profile, the Region, in one line; the key is not there, as what it would hold is unknown."""
    endpoint.refuse(call.operation_name, "UnauthorizedOperation", message="You are not.", status=403)
    ended = pull()
    assert ended.code == 0
    assert ended.warnings == [
        f"profile a in eu-west-1: {call.action}: not allowed (UnauthorizedOperation): {call.key} are missing "
        f"(allow {call.action})"
    ]
    assert list(json.loads((tmp_path / "snapshot.json").read_bytes())) == [key for key in KEYS if key != call.key]
    load_topology(tmp_path / "snapshot.json")


def test_entries_that_may_not_be_read_are_named_in_one_line(pull: Pull, endpoint: Endpoint, tmp_path: Path):
    """The lists stay, without entries: rules that refer to them are unresolved, not without effect."""
    endpoint.refuse("GetManagedPrefixListEntries", "UnauthorizedOperation", status=403)
    ended = pull()
    assert ended.warnings == [
        "profile a in eu-west-1: ec2:GetManagedPrefixListEntries: not allowed (UnauthorizedOperation): "
        "Entries of pl-corp1, pl-aws1, pl-spare1 are missing (allow ec2:GetManagedPrefixListEntries)"
    ]
    lists = load_topology(tmp_path / "snapshot.json").prefix_lists
    assert {name: each.entries for name, each in lists.items()} == dict.fromkeys(["pl-aws1", "pl-corp1", "pl-spare1"])


def test_a_list_that_is_gone_by_now_is_named(pull: Pull, endpoint: Endpoint):
    """The others' entries are taken."""
    endpoint.answers["GetManagedPrefixListEntries"] = lambda asked: (
        refusal("InvalidPrefixListID.NotFound") if asked.parameters["PrefixListId"] == "pl-spare1" else None
    )
    assert pull().warnings == [
        "profile a in eu-west-1: ec2:GetManagedPrefixListEntries: refused (InvalidPrefixListID.NotFound): "
        "Entries of pl-spare1 are missing (the rest was taken)"
    ]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (refusal("InvalidAction"), "unknown to this endpoint (InvalidAction)"),
        (refusal("InternalFailure", status=501), "unknown to this endpoint (InternalFailure)"),
        (Reply(404, "<!doctype html><p>None"), "unknown to this endpoint, which sent no EC2 reply"),
    ],
)
def test_an_operation_that_the_endpoint_does_not_know(pull: Pull, endpoint: Endpoint, reply: Reply, said: str):
    """Stand-ins say so as EC2 does, with a status of their own, or by a web page."""
    endpoint.answers["DescribeSecurityGroupVpcAssociations"] = lambda asked: reply
    ended = pull()
    assert ended.code == 0
    assert ended.warnings == [
        f"profile a in eu-west-1: ec2:DescribeSecurityGroupVpcAssociations: {said}: "
        "SecurityGroupVpcAssociations are missing (the rest was taken)"
    ]


def test_an_operation_that_boto3_does_not_know(pull: Pull, monkeypatch: pytest.MonkeyPatch):
    """An older boto3 lacks the newest call."""
    made = Session.client

    def client_of_an_older_one(session: Session, service: str, **options: object) -> object:
        client = made(session, service, **options)
        if service == "ec2":
            monkeypatch.delattr(type(client), "describe_security_group_vpc_associations")
        return client

    monkeypatch.setattr(Session, "client", client_of_an_older_one)
    (line,) = pull().warnings
    assert "ec2:DescribeSecurityGroupVpcAssociations: unknown to this endpoint: " in line


def test_one_account_may_lack_what_another_has(pull: Pull, endpoint: Endpoint, tmp_path: Path):
    """The key is there with what was seen; the interfaces whose groups no one sees are left out, or no judge would
    take the snapshot."""
    for action in ("DescribeSecurityGroups", "DescribeSecurityGroupRules"):
        endpoint.answers[action] = lambda asked: refusal("AccessDenied") if asked.access_key == "KEYB" else None
    ended = pull("--profile", "a", "--profile", "b")
    assert ended.code == 0
    assert len(ended.warnings) == 3
    assert all("profile b in eu-west-1: " in line and "(AccessDenied)" in line for line in ended.warnings[:2])
    assert ended.warnings[2] == (
        "eni-data1, eni-deep1, eni-idle1: left out: no one sees all the security groups, such as sg-data of account "
        "222222222222 (pull that account too, or pull again)"
    )
    assert all(each.vpc_id != "vpc-data" for each in load_topology(tmp_path / "snapshot.json").interfaces.values())


def test_interfaces_of_instances_are_left_out_likewise(pull: Pull, endpoint: Endpoint, tmp_path: Path):
    """An instance's record has its interfaces once more."""
    stranger = interface("x1", "main", B, "10.1.1.99", "unseen")
    view = endpoint.sees["KEYA", IRELAND]
    view["NetworkInterfaces"].append(stranger)
    view["Reservations"][0]["Instances"][0]["NetworkInterfaces"] = [stranger]
    (line,) = pull().warnings
    assert line.startswith("eni-x1: left out: ")
    assert "eni-x1" not in (tmp_path / "snapshot.json").read_text()


def test_without_any_groups_the_interfaces_stay(pull: Pull, endpoint: Endpoint, tmp_path: Path):
    """Loading says that nothing can be judged; what the interfaces are is there all the same."""
    for action in ("DescribeSecurityGroups", "DescribeSecurityGroupRules"):
        endpoint.refuse(action, "UnauthorizedOperation")
    assert len(pull().warnings) == 2
    assert len(load_topology(tmp_path / "snapshot.json").interfaces) == 5


def test_strict_names_all_that_is_missing_and_writes_nothing(pull: Pull, endpoint: Endpoint, tmp_path: Path):
    """All lines come before the error, so that one run says what has to be allowed."""
    endpoint.refuse("DescribeSubnets", "UnauthorizedOperation")
    endpoint.refuse("DescribeVpcs", "UnauthorizedOperation")
    ended = pull("--strict")
    assert len(ended.warnings) == 2
    assert ended.error == "--strict: the snapshot is incomplete (2 warnings): nothing was written"
    assert not list(tmp_path.iterdir())


def test_strict_is_content_with_everything(pull: Pull):
    """Nothing missing: as without it."""
    assert pull("--strict").code == 0


def test_no_answer_at_all_is_an_error(pull: Pull, endpoint: Endpoint, tmp_path: Path):
    """An empty snapshot is no snapshot."""
    for call in CALLS:
        endpoint.refuse(call.operation_name, "UnauthorizedOperation")
    ended = pull()
    assert len(ended.warnings) == len(CALLS)
    assert ended.error == "profile a in eu-west-1: no call was answered (the warnings say why)"
    assert not list(tmp_path.iterdir())


WHERE = "profile a in eu-west-1: ec2:DescribeSubnets: "
CREDENTIALS = "(renew or correct the credentials; a Region may have to be enabled for the account first)"


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (
            refusal("RequestLimitExceeded", status=503),
            "throttled (RequestLimitExceeded) in spite of 2 tries (try again later, or set AWS_MAX_ATTEMPTS higher)",
        ),
        (
            refusal("InternalError", "An internal error.", status=500),
            "DescribeSubnets was refused: InternalError: An internal error. (try again later)",
        ),
        (refusal("RequestExpired", "Expired."), f"DescribeSubnets was refused: RequestExpired: Expired. {CREDENTIALS}"),
        (refusal("AuthFailure", "No.", 401), f"DescribeSubnets was refused: AuthFailure: No. {CREDENTIALS}"),
        (refusal("InvalidParameterValue", "Bad."), "DescribeSubnets was refused: InvalidParameterValue: Bad."),
    ],
    ids=lambda value: "" if isinstance(value, Reply) else value.split("(")[0],
)
def test_what_ends_a_pull(pull: Pull, endpoint: Endpoint, tmp_path: Path, reply: Reply, line: str):
    """In the middle of it: one line that says where and what to do, exit code 2, nothing written."""
    endpoint.answers["DescribeSubnets"] = lambda asked: reply
    assert pull().error == WHERE + line
    assert not list(tmp_path.iterdir())


def test_throttling_that_ends_is_not_seen(pull: Pull, endpoint: Endpoint):
    """boto3 tries again."""
    replies = [refusal("RequestLimitExceeded", status=503)]
    endpoint.answers["DescribeSubnets"] = lambda asked: replies.pop() if replies else None
    assert (pull().code, replies) == (0, [])


def test_entries_are_throttled_too(pull: Pull, endpoint: Endpoint):
    """That is no matter of one list."""
    endpoint.refuse("GetManagedPrefixListEntries", "Throttling")
    assert "ec2:GetManagedPrefixListEntries: throttled (Throttling) in spite of 2 tries" in pull().error


def test_what_breaks_one_account_ends_the_pull(pull: Pull, endpoint: Endpoint, tmp_path: Path):
    """No snapshot of half the accounts."""
    endpoint.answers["DescribeVpcs"] = lambda asked: refusal("AuthFailure") if asked.access_key == "KEYB" else None
    assert pull("--profile", "a", "--profile", "b").error.startswith("profile b in eu-west-1: ec2:DescribeVpcs: ")
    assert not list(tmp_path.iterdir())


def test_a_role_that_may_not_be_assumed_is_no_missing_ec2_permission(
    pull: Pull, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
):
    """STS's AccessDenied means that there are no credentials."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
    error = "<Error><Code>AccessDenied</Code><Message>Not you.</Message></Error>"
    endpoint.answers["AssumeRole"] = lambda asked: Reply(403, f"<ErrorResponse>{error}</ErrorResponse>")
    line = pull("--profile", "role").error
    assert line.startswith(
        "profile role in eu-west-1: ec2:DescribeNetworkInterfaces: AssumeRole was refused: AccessDenied"
    )
    assert line.endswith(CREDENTIALS)


def test_an_endpoint_that_is_none(pull: Pull, endpoint: Endpoint):
    """A web server answers, but not as EC2 does."""
    for call in CALLS:
        endpoint.answers[call.operation_name] = lambda asked: Reply(200, "<!doctype html><p>Welcome")
    problem = "the endpoint's reply is no EC2 reply (is its URL right?)"
    assert pull().error == f"profile a in eu-west-1: ec2:DescribeNetworkInterfaces: {problem}"


def test_records_without_an_id(pull: Pull, endpoint: Endpoint):
    """So is a stand-in that leaves out what names a record."""
    del endpoint.sees["KEYA", IRELAND]["Vpcs"][0]["VpcId"]
    assert pull().error == (
        "profile a in eu-west-1: ec2:DescribeVpcs: the endpoint sent Vpcs without VpcId (is its URL right?)"
    )


def test_a_connection_that_is_refused(sgsim: Callable[..., Ended], tmp_path: Path):
    """Nothing listens there."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        ended = sgsim("pull", "-o", tmp_path / "s.json", "--profile", "a", "--endpoint-url", url)
    assert ended.error == (
        "profile a in eu-west-1: ec2:DescribeNetworkInterfaces: Could not connect to the endpoint URL: "
        f"\"{url}/\" (check the Region's name, the endpoint's URL and the network)"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            ["--profile", "prod"],
            "profile prod: no such profile in the AWS configuration (there is role and 7 more)",
        ),
        (["--profile", "half"], "profile half: Partial credentials found in shared-credentials-file, missing: "),
        (["--profile", "nowhere"], "profile nowhere: no Region (give --region, or set AWS_REGION or the profile's"),
        (["--profile", "a", "--region", "eu west"], "profile a in eu west: that is no Region's name (write it like"),
        ([], "the default credentials: no credentials (configure them as for the AWS CLI: aws configure, AWS_PROFILE,"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_found_before_any_call(
    sgsim: Callable[..., Ended], endpoint: Endpoint, tmp_path: Path, options: list[str], line: str
):
    """Credentials and Regions that are not there."""
    ended = sgsim("pull", "-o", tmp_path / "s.json", *options, "--endpoint-url", endpoint.url)
    assert ended.error.startswith(line)
    assert {asked.action for asked in endpoint.asked} <= {"GetCallerIdentity"}
    assert not list(tmp_path.iterdir())


def test_an_impossible_url_in_the_environment(sgsim: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch):
    """boto3 takes endpoints from there too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", "localhost:5000")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "localhost:5000")
    ended = sgsim("pull", "-o", "-", "--profile", "a")
    assert ended.error.startswith("profile a in eu-west-1: Invalid endpoint: localhost:5000 (write it like http://")


@pytest.mark.parametrize("url", ["localhost:5000", "ftp://x", "http://", "http://[::1", "http://x:99999"])
def test_an_impossible_url(sgsim: Callable[..., Ended], url: str):
    """Wrong usage, found before anything else."""
    line = sgsim("pull", "-o", "-", "--endpoint-url", url).error
    assert f"{url!r} is no URL of an endpoint: write it like http://127.0.0.1:5000; see sgsim pull --help" in line


def test_the_output_must_be_named(sgsim: Callable[..., Ended]):
    """There is no default for where a snapshot goes."""
    assert "Missing option '-o'; see sgsim pull --help" in sgsim("pull").error


def test_without_boto3_one_line_says_what_to_install(sgsim: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch):
    """boto3 is an extra."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setitem(sys.modules, "botocore", None)
    assert sgsim("pull", "-o", "-").error == "reading from AWS needs an extra library: pip install 'sgsim[aws]'"
