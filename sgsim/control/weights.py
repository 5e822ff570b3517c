"""How much of the quota of rules a group's rules take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sgsim.control.call import Call
from sgsim.control.errors import ApiError
from sgsim.model import Direction, GroupReference, PrefixListReference, Rule, SecurityGroup, UnknownPeer

#: AWS's own lists by the end of their names. VPC user guide, "AWS-managed prefix list weight" (2023).
_AWS_LISTS: Mapping[str, int] = {
    "cloudfront.origin-facing": 55,
    "ec2-instance-connect": 2,
    "groundstation": 5,
    "route53-healthchecks": 25,
    "s3": 1,
    "dynamodb": 1,
    "vpc-lattice": 10,
}


def check_rules_quota(call: Call, group: SecurityGroup, direction: Direction) -> None:
    """Rules count for each direction and each family: a reference in both, a prefix list with the most entries it may
    have (AWS's own: with its published weight). Raises ApiError RulesPerSecurityGroupLimitExceeded."""
    if is_too_heavy(call, group, direction):
        raise ApiError(
            "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."
        )


def is_too_heavy(call: Call, group: SecurityGroup, direction: Direction) -> bool:
    return max(weights(call, group.rules(direction))) > call.quotas.rules_per_security_group


def weights(call: Call, rules: Iterable[Rule]) -> tuple[int, int]:
    """What the rules weigh in IPv4 and in IPv6."""
    total = {4: 0, 6: 0}
    for rule in rules:
        if isinstance(rule.peer, GroupReference):
            total[4] += 1
            total[6] += 1
        elif isinstance(rule.peer, PrefixListReference):
            family, weight = _of_list(call, rule.peer.prefix_list_id)
            total[family] += weight
        elif not isinstance(rule.peer, UnknownPeer):
            total[rule.peer.version] += 1
    return total[4], total[6]


def _of_list(call: Call, prefix_list_id: str) -> tuple[int, int]:
    """Its family and what a reference to it weighs; a list of unknown size weighs one."""
    listed = call.draft.prefix_lists.get(prefix_list_id)
    if listed is None:
        return 4, 1
    family = listed.family or 4
    for end, weight in _AWS_LISTS.items():
        if listed.name.startswith("com.amazonaws.") and listed.name.endswith("." + end):
            return family, weight
    most = call.papers(prefix_list_id).fields.get("MaxEntries")
    return family, int(most) if most is not None else len(listed.entries or (None,))
