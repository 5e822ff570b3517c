"""The table of calls, held against the service model of EC2 that boto3 works from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from sgsim.sources.changes.calls import CALLS
from sgsim.sources.changes.signatures import Kind, Member

KINDS = {"string": Kind.TEXT, "integer": Kind.NUMBER, "long": Kind.NUMBER, "boolean": Kind.BOOLEAN}
INSTANCES_INTERFACE = {  # an instance's interface is written as any interface
    *("AvailabilityZone", "RequesterId", "RequesterManaged", "TagSet", "Attachment.InstanceId"),
    "Attachment.InstanceOwnerId",
}


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    """The model of each call."""
    model = boto3.client("ec2", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x").meta.service_model
    return {name: model.operation_model(name) for name in CALLS}


def wrong(members: tuple[Member, ...], shape: Any, path: str = "") -> Iterator[str]:
    """What differs between members and a shape of the model. The model may have more: AWS adds some every month."""
    known = {member.name: member for member in members}
    for name in set(known) - set(shape.members):
        yield f"{path}{name} is not there"
    for name, inner in shape.members.items():
        member = known.get(name)
        if member is None or member.kind is Kind.ANYTHING:
            continue
        wire = inner.serialization.get("name", name).lower()
        if wire not in member.wire:
            yield f"{path}{name}: {wire} is none of {member.wire}"
        is_list, item = inner.type_name == "list", getattr(inner, "member", inner)
        structure = item.type_name == "structure"
        kind = (Kind.STRUCTURES if is_list else Kind.STRUCTURE) if structure else Kind.TEXTS if is_list else None
        if member.kind is not (kind or KINDS.get(inner.type_name)):
            yield f"{path}{name} is {member.kind.value}"
        elif structure:
            yield from wrong(member.members, item, f"{path}{name}.")


@pytest.mark.parametrize("call", CALLS)
def test_a_call_takes_what_the_model_says(operations, call) -> None:
    """By the names that it has on the wire."""
    assert list(wrong(CALLS[call].takes, operations[call].input_shape)) == []


@pytest.mark.parametrize("call", [name for name, call in CALLS.items() if call.answer])
def test_a_call_answers_what_the_model_says(operations, call) -> None:
    """Some of it."""
    found = list(wrong(CALLS[call].answers, operations[call].output_shape))
    allowed = {f"Instances.NetworkInterfaces.{name} is not there" for name in INSTANCES_INTERFACE}
    assert set(found) <= (allowed if call == "RunInstances" else set())
