"""Whatever parameters come, what comes out is an answer or an error of the API, and an error changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec.inspect as shapes
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sgsim.control import ApiError, Caller, Cloud
from sgsim.control.call import HANDLERS
from tests.control.calling import ACCOUNT, HOME, Account, account

CODE = re.compile(r"[A-Z][A-Za-z0-9]+(\.[A-Z][A-Za-z]+)?")
OURS = {"InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable", "Unavailable"}

TEXTS = (
    "",
    " ",
    "x" * 300,
    "x" * 70_000,
    "\ud800",
    "\0",
    "a\nb",
    "für alle \U0001f600",
    "١٠.0.0.0/٨",
    "²",
    "5" * 5_000,
    "-1",
    "tcp",
    "10.0.0.0/16",
    "10.0.0.0/255.0.0.0",
    "10.0.1.9",
    "0.0.0.0/0",
    "::/0",
    "::ffff:10.0.0.1/96",
    "fe80::1%eth0",
    "true",
    "default",
    "*",
    "*a" * 40 + "b",
    "\\",
    "[(",
    "sg-",
    "sg-0123456789abcdef0",
    "eni-0123456789abcdef0",
    "IPv4",
    "ami-0123456789abcdef0",
    "cGFnZSAxMA==",
    "__class__",
    "{}",
    "%s",
)
NUMBERS = (-(2**70), -(2**31), -2, -1, 0, 1, 5, 255, 256, 65_535, 65_536, 2**31, 2**63, 2**64, 2**70, 10**5_000)


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


THINGS: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: True,
    lambda: 1.5,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: b"\xff",
    list,
    dict,
    lambda: {"": ""},
    lambda: {1: 2},
    lambda: {"DryRun": {"DryRun": []}},
    lambda: {"\ud800": 1},
    lambda: [None, [], "x", 1],
    lambda: {1, 2},
    lambda: 1j,
    object,
    lambda: nested(50_000),
    lambda: ["x"] * 2_000,
)


def hostile(rng: Random, ids: list[str]) -> Any:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(THINGS)()
    if kind == 1:
        return rng.choice(NUMBERS)
    return rng.choice(TEXTS) if kind == 2 else rng.choice(ids)


def shaped(rng: Random, shape: shapes.Type, ids: list[str]) -> Any:
    """A value with the shape that the operation expects, or not; what is in it is hostile, or of something there is."""
    if rng.random() < 0.05:
        return hostile(rng, ids)
    if isinstance(shape, shapes.UnionType):
        kinds = [each for each in shape.types if not isinstance(each, shapes.NoneType)]
        return shaped(rng, rng.choice(kinds), ids)
    if isinstance(shape, shapes.StructType):
        found = {}
        for field in shape.fields:
            if rng.random() < 0.4:
                found[field.encode_name] = shaped(rng, field.type, ids)
        return found | ({rng.choice(TEXTS): 1} if rng.random() < 0.02 else {})
    if isinstance(shape, shapes.ListType):
        return [shaped(rng, shape.item_type, ids) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    if isinstance(shape, shapes.DictType):
        return {rng.choice(("a", "AvailabilityZone", "State")): hostile(rng, ids) for _ in range(rng.choice((0, 1, 2)))}
    if isinstance(shape, shapes.BoolType):
        return rng.random() < 0.5
    if isinstance(shape, shapes.IntType):
        return rng.choice(NUMBERS)
    if isinstance(shape, shapes.StrType):
        return rng.choice(ids) if rng.random() < 0.5 else rng.choice(TEXTS)
    return hostile(rng, ids)


def populated() -> Account:
    """With something of every kind."""
    call = account()
    first, second = call.vpc(AmazonProvidedIpv6CidrBlock=True), call.vpc("10.1.0.0/16")
    subnet, group = call.subnet(first), call.group(first)
    peering = call("CreateVpcPeeringConnection", VpcId=first, PeerVpcId=second)["VpcPeeringConnection"]
    call("AcceptVpcPeeringConnection", VpcPeeringConnectionId=peering["VpcPeeringConnectionId"])
    entries = [{"Cidr": "10.0.0.0/8", "Description": "ten"}]
    made = call("CreateManagedPrefixList", PrefixListName="a", AddressFamily="IPv4", MaxEntries=2, Entries=entries)
    pair = {"GroupId": call.group(second, "db")}
    call("AssociateSecurityGroupVpc", GroupId=group, VpcId=second)
    lists = [{"PrefixListId": made["PrefixList"]["PrefixListId"]}]
    permission = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "PrefixListIds": lists, "UserIdGroupPairs": [pair]}
    call("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[permission])
    call("CreateSecurityGroup", GroupName="long", Description="a" * 255, VpcId=first)
    call("RunInstances", ImageId="ami-0", MinCount=1, MaxCount=1, SubnetId=subnet)
    call("CreateTags", Resources=[group, first, subnet], Tags=[{"Key": "Name", "Value": "a"}])
    interface = call.interface(subnet, Groups=[group], SecondaryPrivateIpAddressCount=1)
    call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, AssociatePublicIpAddress=True)
    return call


def ids_of(text: bytes) -> list[str]:
    return sorted(set(re.findall(r'"([a-z]+-(?:[a-z]+-)*[0-9a-f]{8,17}|[0-9a-f.:]+(?:/[0-9]+)?)"', text.decode())))


def refusal(cloud: Cloud, operation: str, params: dict[str, Any]) -> ApiError | None:
    try:
        cloud.call(operation, params, caller=Caller(ACCOUNT, HOME))
    except ApiError as error:
        return error
    return None


@pytest.mark.parametrize("operation", sorted(Cloud.OPERATIONS))
def test_hostile_parameters(operation: str, tmp_path: Path) -> None:
    """The state stays one that can be written and loaded."""
    cloud = populated().cloud
    shape = shapes.type_info(HANDLERS[operation][0])
    file = tmp_path / "state.json"

    @settings(max_examples=settings.default.max_examples // 4, deadline=None, suppress_health_check=list(HealthCheck))
    @given(rng=st.randoms(use_true_random=False))
    def hold(rng: Random) -> None:
        before = cloud.state()
        params = shaped(rng, shape, ids_of(before[1]))
        if not isinstance(params, dict):
            params = {rng.choice(TEXTS): params}
        error = refusal(cloud, operation, params)
        after = cloud.state()
        if error is not None:
            assert CODE.fullmatch(error.code), error.code
            assert error.code not in OURS
            assert 400 <= error.status < 500
            error.message.encode()
            assert after == before
        elif after != before:
            file.write_bytes(after[1])
            assert json.loads(Cloud.load(file, ACCOUNT, HOME).state()[1]) == json.loads(after[1])

    hold()
