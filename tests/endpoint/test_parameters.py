"""Requests of the Query protocol, read by the service model: what botocore writes is what comes out."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

import pytest
from botocore.serialize import EC2Serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sgsim.control import ApiError, Cloud
from sgsim.endpoint import parameters
from sgsim.endpoint.parameters import form, typed
from sgsim.endpoint.service import ec2
from tests.endpoint.shapes import TEXT, values

OPERATIONS = sorted({*Cloud.OPERATIONS, "RunInstances", "CreateTags", "CreateRoute", "GetConsoleOutput", "CreateFleet"})
INGRESS = ec2().operation_model("AuthorizeSecurityGroupIngress").input_shape


def refused(read) -> tuple[str, str]:
    with pytest.raises(ApiError) as error:
        read()
    return error.value.code, error.value.message


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_botocore_writes_is_read(data):
    """botocore's serialiser is the other side: its parameters, through a request body, are the same again."""
    operation = ec2().operation_model(data.draw(st.sampled_from(OPERATIONS)))
    params = data.draw(values(operation.input_shape))
    body = EC2Serializer().serialize_to_request(params, operation)["body"]
    assert typed(operation.input_shape, form("", urlencode(body).encode())) == params


@settings(deadline=None)
@given(st.dictionaries(st.text(st.sampled_from("GroupId.IpPermissions.1.29FromPort"), max_size=40), TEXT, max_size=8))
def test_any_form_is_read_or_refused(fields):
    """Whatever the names are, parameters come out or an error of EC2's."""
    with suppress(ApiError):
        assert set(typed(INGRESS, form("", urlencode(fields).encode()))) <= set(INGRESS.members)


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ("Colour=red", "UnknownParameter", "The parameter Colour is not recognized"),
        ("IpPermissions.1.Colour=red", "UnknownParameter", "The parameter Colour is not recognized"),
        ("IpPermissions.x.FromPort=1", "UnknownParameter", "The parameter x is not recognized"),
        ("IpPermissions.0.FromPort=1", "UnknownParameter", "The parameter 0 is not recognized"),
        ("IpPermissions=1", "UnknownParameter", "The parameter IpPermissions is not recognized"),
        ("GroupId.1=sg-1", "UnknownParameter", "The parameter 1 is not recognized"),
        ("GroupId=sg-1&GroupId.1=sg-1", "UnknownParameter", "The parameter 1 is not recognized"),
        ("GroupId.1=sg-1&GroupId=sg-1", "UnknownParameter", "The parameter GroupId is not recognized"),
        (
            "IpPermissions.1.FromPort=http",
            "InvalidParameterValue",
            "Value (http) for parameter IpPermissions.1.FromPort is invalid. It must be an integer.",
        ),
        ("FromPort=2147483648", "InvalidParameterValue", None),
        ("FromPort=1_000", "InvalidParameterValue", None),
        ("FromPort=%C2%B2", "InvalidParameterValue", None),
        ("DryRun=perhaps", "InvalidParameterValue", None),
        ("GroupId=%00", "InvalidParameterValue", "Value for parameter GroupId has invalid characters."),
        ("GroupId=%ED%A0%80", "InvalidHttpRequest", None),
        ("GroupId=%FF", "InvalidHttpRequest", None),
        ("GroupId=a&GroupId=b", "InvalidHttpRequest", None),
    ],
)
def test_a_bad_parameter_is_named(fields, code, message):
    """In EC2's code, with the parameter's name."""
    found = refused(lambda: typed(INGRESS, form("", fields.encode())))
    assert found[0] == code
    assert message in (None, found[1])


def test_a_required_parameter_is_named_as_the_request_would_name_it():
    """boto3's Description is GroupDescription on the wire."""
    shape = ec2().operation_model("CreateSecurityGroup").input_shape
    message = "The request must contain the parameter GroupDescription"
    assert refused(lambda: typed(shape, {"GroupName": "a"})) == ("MissingParameter", message)


def test_lists_are_read_in_the_order_of_their_numbers():
    """Written in any order, with gaps, and past nine."""
    fields = {"IpPermissions.10.IpProtocol": "c", "IpPermissions.2.IpProtocol": "b", "IpPermissions.1.IpProtocol": "a"}
    assert [each["IpProtocol"] for each in typed(INGRESS, fields)["IpPermissions"]] == ["a", "b", "c"]


def test_an_empty_list_can_be_written():
    """As its name without a value."""
    assert typed(INGRESS, form("", b"IpPermissions=")) == {"IpPermissions": []}


def test_the_parameters_of_every_request_are_no_operations():
    """Action, Version and what else is common."""
    fields = "Action=A&Version=2016-11-15&X-Amz-Date=now&Timestamp=t&GroupId=sg-1"
    assert typed(INGRESS, form("", fields.encode())) == {"GroupId": "sg-1"}


def test_query_string_and_body_are_one_form():
    """A GET has all in the one, a POST in the other."""
    assert form("GroupId=a%20b", b"") == form("", b"GroupId=a+b") == {"GroupId": "a b"}


def test_the_cost_of_a_form_is_bounded(monkeypatch):
    """Parameters are counted, and so are the dots of a name."""
    monkeypatch.setattr(parameters, "MOST_FIELDS", 10)
    assert refused(lambda: form("", b"&".join(b"a%d=" % n for n in range(11))))[0] == "InvalidHttpRequest"
    assert refused(lambda: typed(INGRESS, {"IpPermissions" + ".1" * 1_000_000: ""}))[0] == "UnknownParameter"


def test_long_values_are_cut_in_messages():
    """A megabyte of text is not sent back."""
    assert len(refused(lambda: typed(INGRESS, {"FromPort": "9" * 1_000_000}))[1]) < 300
