"""Requests that are refused, whose they are, and which service they are for."""

from __future__ import annotations

import json
import re

import pytest

from sgsim.endpoint import StateFile, serve
from sgsim.endpoint.credentials import Scope, scope
from tests.endpoint.clients import ACCOUNT, REGION, Plain, authorization, client


def test_every_answer_has_one_request_id(plain):
    """In its header and in its document, and another each time."""
    good, bad = plain.call("DescribeVpcs"), plain.call("Nothing")
    assert good.all("requestId") == [good.request_id]
    assert bad.all("RequestID") == [bad.request_id]
    assert good.request_id != bad.request_id
    assert re.fullmatch("[0-9a-f-]{36}", good.request_id)


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ("", 400, "MissingAction", "The request is missing an action or operation parameter."),
        ("Action=", 400, "MissingAction", None),
        ("Action=DescribeFoo", 400, "InvalidAction", "The action DescribeFoo is not valid for this web service."),
        ("Action=%3Cb%3E", 400, "InvalidAction", "The action ... is not valid for this web service."),
        ("Action=DescribeVpcs&Version=yesterday", 400, "NoSuchVersion", None),
        ("Action=DescribeVpcs&Color=red", 400, "UnknownParameter", "The parameter Color is not recognized"),
        ("Action=DescribeVpcs&MaxResults=ten", 400, "InvalidParameterValue", None),
        ("Action=DeleteVpc", 400, "MissingParameter", "The request must contain the parameter VpcId"),
        ("Action=DescribeVpcs&VpcId.1=vpc-0", 400, "InvalidVpcID.NotFound", None),
        ("Action=DescribeVpcs&Action=DescribeVpcs", 400, "InvalidHttpRequest", None),
        (b"Action=DescribeVpcs&\xff", 400, "InvalidHttpRequest", None),
        ("Action=DescribeVpcs&DryRun=true", 412, "DryRunOperation", None),
        ("Action=DescribeReservedInstancesModifications", 400, "UnsupportedOperation", None),
        ("Action=CreateRouteTable&Colour=red&VpcId=vpc-0", 400, "UnknownParameter", None),
        ("Action=CreateRouteTable", 400, "MissingParameter", "The request must contain the parameter VpcId"),
    ],
)
def test_bad_requests_are_refused_in_ec2s_words(plain, body, status, code, message):
    """Code and message, for the cloud's operations and for moto's alike."""
    answer = plain.post(body)
    assert (answer.status, answer.code) == (status, code), answer
    assert message in (None, answer.message)


@pytest.mark.parametrize(
    ("given", "status", "code", "message"),
    [
        (None, 400, "MissingParameter", "The request must contain the parameter AWSAccessKeyId"),
        ("", 401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
        ("Basic dXNlcjpwYXNz", 401, "AuthFailure", None),
        ("AWS4-HMAC-SHA256 Credential=a/b/c", 401, "AuthFailure", None),
        (
            authorization(region="mars"),
            401,
            "AuthFailure",
            "Credential should be scoped to a valid Region, not 'mars'.",
        ),
        (authorization(region="us-east-1<"), 401, "AuthFailure", None),
        (authorization(service="rds"), 400, "UnsupportedOperation", "sgsim serve does not offer the service rds"),
    ],
)
def test_who_does_not_say_who_they_are_is_refused(plain, given, status, code, message):
    """Unsigned requests, other signatures, Regions that are none, services that are not served."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if given is not None:
        headers["Authorization"] = given
    answer = plain.post("Action=DescribeVpcs", headers)
    assert (answer.status, answer.code) == (status, code), answer
    assert message in (None, answer.message)


def test_a_query_string_is_no_signature(plain):
    """A web page in a browser could send one; it cannot send the header."""
    plain.headers.clear()
    query = f"Action=DescribeVpcs&X-Amz-Credential={ACCOUNT}%2F20260101%2F{REGION}%2Fec2%2Faws4_request"
    assert plain.get(f"/?{query}").code == "MissingParameter"
    assert plain.post("Action=DescribeVpcs&AWSAccessKeyId=a", {}).code == "MissingParameter"


@pytest.mark.parametrize(
    "given",
    [
        "AWS4-HMAC-SHA256 Credential=KEY/20260101/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=KEY/20260101/eu-west-1/ec2/aws4_request,SignedHeaders=host,Signature=0",
        "AWS4-HMAC-SHA256 SignedHeaders=host, Credential=KEY/20260101/eu-west-1/ec2/aws4_request, Signature=0",
        "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0, Credential=KEY/20260101/eu-west-1/ec2/aws4_request",
    ],
)
def test_a_credential_is_read_wherever_it_stands(given):
    """Clients order the parts of the header as they like."""
    assert scope({"authorization": given}) == Scope("KEY", "eu-west-1", "ec2")


def test_a_key_of_twelve_digits_is_an_account(server):
    """Each has its own default VPC in each Region; any other key is of the cloud's own account."""
    found = {}
    for account, region in ((ACCOUNT, REGION), (ACCOUNT, "eu-west-1"), ("210987654321", REGION), ("AKIAANY", REGION)):
        with_key = client(server.url, account=account, region=region)
        found[account, region] = with_key.describe_vpcs()["Vpcs"]
        with_key.close()
    assert all(len(vpcs) == 1 for vpcs in found.values())
    assert found["AKIAANY", REGION] == found[ACCOUNT, REGION]
    assert found["210987654321", REGION][0]["OwnerId"] == "210987654321"
    assert len({vpcs[0]["VpcId"] for vpcs in found.values()}) == 3


def test_get_and_post_are_the_same(plain):
    """EC2 takes its parameters from a query string as well, the cloud's operations and moto's."""
    assert plain.get("/?Action=DescribeVpcs&Version=2016-11-15").all("vpcId")
    assert plain.get("/?Action=DescribeRegions&Version=2016-11-15").all("regionName")


def test_sts_knows_the_account(server):
    """Under the same port, by the credential's scope."""
    sts = client(server.url, "sts", account="210987654321")
    assert sts.get_caller_identity()["Account"] == "210987654321"
    sts.close()


def test_a_role_of_another_account_acts_there(server):
    """What STS hands out is an access key of the role's account."""
    sts = client(server.url, "sts")
    role = sts.assume_role(RoleArn="arn:aws:iam::210987654321:role/any", RoleSessionName="any")["Credentials"]
    sts.close()
    there = client(server.url, account=role["AccessKeyId"])
    assert there.describe_vpcs()["Vpcs"][0]["OwnerId"] == "210987654321"
    there.close()


@pytest.mark.parametrize(
    ("service", "headers", "read"),
    [
        ("iam", {"Content-Type": "application/x-www-form-urlencoded"}, None),
        ("kms", {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService.Nothing"}, json.loads),
    ],
)
def test_other_services_are_refused_in_their_own_protocol(plain, service, headers, read):
    """Query's error document, or JSON's."""
    answer = plain.post("{}" if read else "Action=Nothing", headers | {"Authorization": authorization(service=service)})
    assert answer.status == 400
    if read is None:
        assert answer.body.startswith("<ErrorResponse>")
        assert answer.code == "UnsupportedOperation"
    else:
        assert read(answer.body)["__type"] == "UnsupportedOperation"


def test_nothing_is_answered_that_is_not_kept(cloud, tmp_path, monkeypatch, capfd):
    """Where the state cannot be written, a call is an internal error, one line says why, and the server stays up."""
    file = StateFile(tmp_path / "state.json")
    server = serve(cloud, file=file)
    with Plain(server.url) as plain:
        assert plain.call("CreateVpc", CidrBlock="10.0.0.0/16").status == 200
        with monkeypatch.context() as patched:
            patched.setattr("os.replace", _refuse)
            assert plain.call("CreateVpc", CidrBlock="10.1.0.0/16").code == "InternalError"
        before = (tmp_path / "state.json").read_text()
        assert "10.0.0.0/16" in before
        assert "10.1.0.0/16" not in before
        assert plain.call("DescribeVpcs").status == 200
    assert "10.1.0.0/16" in (tmp_path / "state.json").read_text()
    server.close()
    file.close()
    assert capfd.readouterr().err.count("state.json: the state cannot be written: it is full\n") == 1


def _refuse(*_: object) -> None:
    raise OSError(28, "it is full")
