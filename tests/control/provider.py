"""How Terraform's AWS provider asks: errors that it tolerates, waiters, and what it looks for by id.

Source: hashicorp/terraform-provider-aws, internal/service/ec2, find.go and wait.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from botocore.exceptions import ClientError

MOST_POLLS = 5  # of a waiter: what is made by the endpoint is there at the next look


def tolerant(call: Callable[..., Any], *codes: str, **params: Any) -> Any | None:
    """The answer of a call, None if it is refused with one of the codes that the provider tolerates."""
    try:
        return call(**params)
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
        return None


def code_of(call: Callable[..., Any], **params: Any) -> str:
    """The code that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**params)
    return refused.value.response["Error"]["Code"]


def polled(look: Callable[[], str | None], pending: Iterable[str], target: str | None) -> None:
    """A waiter of the provider: a state that is neither pending nor the target is an error."""
    for _ in range(MOST_POLLS):
        state = look()
        if state == target:
            return
        assert state in pending, state
    pytest.fail(f"never {target}")


def found_group(ec2: Any, group_id: str) -> dict[str, Any] | None:
    """The one group of that id, None if it is not found."""
    answer = tolerant(
        ec2.describe_security_groups, "InvalidGroup.NotFound", "InvalidSecurityGroupID.NotFound", GroupIds=[group_id]
    )
    if answer is None:
        return None
    (group,) = answer["SecurityGroups"]
    assert group["GroupId"] == group_id
    return group


def found_rule(ec2: Any, rule_id: str, *, egress: bool) -> dict[str, Any] | None:
    """The one rule of that id and direction, None if it is not found."""
    answer = tolerant(
        ec2.describe_security_group_rules, "InvalidSecurityGroupRuleId.NotFound", SecurityGroupRuleIds=[rule_id]
    )
    if answer is None:
        return None
    (rule,) = answer["SecurityGroupRules"]
    return rule if rule["IsEgress"] is egress else None


def tags_of(resource_type: str, **tags: str) -> list[dict[str, Any]]:
    """Tags as the provider gives them to what it makes."""
    return [{"ResourceType": resource_type, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]
