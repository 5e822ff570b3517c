"""What keeps an internet gateway from a VPC."""

from __future__ import annotations

import pytest

from sgsim.control import ApiError, Caller
from tests.control.calling import HOME, OTHER, account


def test_default_group_of_2009() -> None:
    """It must go first; in another VPC it does not matter."""
    call = account()
    vpc, other = call.vpc(), call.vpc("10.1.0.0/16")
    call.cloud.check_internet_gateway(vpc, call.caller)
    group = call.group(vpc, "2009-07-15-default")
    with pytest.raises(ApiError) as caught:
        call.cloud.check_internet_gateway(vpc, call.caller)
    assert caught.value.code == "DependencyViolation"
    assert group in caught.value.message
    call.cloud.check_internet_gateway(other, call.caller)
    call("DeleteSecurityGroup", GroupId=group)
    call.cloud.check_internet_gateway(vpc, call.caller)


def test_vpc_of_another_account() -> None:
    call = account()
    with pytest.raises(ApiError, match=r"InvalidVpcID\.NotFound"):
        call.cloud.check_internet_gateway(call.vpc(), Caller(OTHER, HOME))
