"""Answers in XML, written by the service model: what botocore reads is what went in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from botocore.parsers import EC2QueryParser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sgsim.control import Cloud
from sgsim.endpoint.answers import failure, success
from sgsim.endpoint.service import ec2
from tests.endpoint.shapes import values

OPERATIONS = sorted({*Cloud.OPERATIONS, "DescribeInstances", "DescribeNetworkInterfaces", "RunInstances"})


def read(name: str, body: bytes) -> dict:
    """As a client of botocore's reads an answer."""
    operation = ec2().operation_model(name)
    found = EC2QueryParser().parse({"body": body, "headers": {}, "status_code": 200}, operation.output_shape)
    assert found.pop("ResponseMetadata")["RequestId"] == "a-request"
    return found


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_is_written_botocore_reads(data):
    """botocore's parser is the other side."""
    shaped = [name for name in OPERATIONS if ec2().operation_model(name).output_shape is not None]
    operation = ec2().operation_model(data.draw(st.sampled_from(shaped)))
    result = data.draw(values(operation.output_shape, depth=7))
    assert read(operation.name, success(operation, result, "a-request")) == result


def test_empty_lists_and_absent_members_are_told_apart():
    """A group without rules has an empty set of them; a None is not there."""
    operation = ec2().operation_model("DescribeSecurityGroups")
    groups = {"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": [], "VpcId": None}]}
    found = read("DescribeSecurityGroups", success(operation, groups, "a-request"))
    assert found == {"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": []}]}


def test_an_operation_that_returns_nothing_returns_true():
    """As EC2 answers DeleteVpc."""
    body = success(ec2().operation_model("DeleteVpc"), {}, "a-request").decode()
    assert "<requestId>a-request</requestId><return>true</return></DeleteVpcResponse>" in body.replace("\n", "")


def test_times_are_in_utc_with_milliseconds():
    """Whatever zone they were given in."""
    operation = ec2().operation_model("DescribeInstances")
    noon = datetime(2026, 1, 2, 12, 0, 0, 5999, timezone(timedelta(hours=2)))
    body = success(operation, {"Reservations": [{"Instances": [{"LaunchTime": noon}]}]}, "r").decode()
    assert "<launchTime>2026-01-02T10:00:00.005Z</launchTime>" in body
    naive = datetime(2026, 1, 2, tzinfo=UTC).replace(tzinfo=None)
    body = success(operation, {"Reservations": [{"Instances": [{"LaunchTime": naive}]}]}, "r").decode()
    assert "<launchTime>2026-01-02T00:00:00.000Z</launchTime>" in body


def test_a_member_that_the_model_does_not_have_is_an_error_of_ours():
    """It would be lost on the way."""
    with pytest.raises(KeyError):
        success(ec2().operation_model("DescribeVpcs"), {"Colour": "red"}, "r")


def test_an_error_is_what_clients_read():
    """Code, message and request id, with what XML would take for its own."""
    parsed = EC2QueryParser().parse(
        {"body": failure("InvalidGroup.NotFound", "no '<sg>' & co", "a-request"), "headers": {}, "status_code": 400},
        ec2().operation_model("DescribeVpcs").output_shape,
    )
    assert parsed["Error"] == {"Code": "InvalidGroup.NotFound", "Message": "no '<sg>' & co"}
    assert parsed["ResponseMetadata"]["RequestId"] == "a-request"
