"""Records -> what the API shows of them: the shapes of groups, rules and permissions in replies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sgsim.control.permissions import peer_kind
from sgsim.control.services import protocol_name
from sgsim.control.store import Papers
from sgsim.model import Direction, GroupReference, PrefixListReference, Rule, SecurityGroup, UnknownPeer

Shown = dict[str, Any]
AllPapers = Mapping[str, Papers]

_PEER_LISTS = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")


def tag_list(tags: Mapping[str, str]) -> list[Shown]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def arn(papers: Papers, kind: str, resource_id: str) -> str:
    owner = papers.owner.lower()  # AWS's own prefix lists are of "aws" there
    return f"arn:aws:ec2:{papers.region}:{owner}:{kind}/{resource_id}"


def shown_group(group: SecurityGroup, all_papers: AllPapers) -> Shown:
    """As DescribeSecurityGroups shows it."""
    papers = all_papers[group.group_id]
    return {
        "GroupId": group.group_id,
        "GroupName": group.name,
        "Description": papers.fields.get("Description", ""),
        "OwnerId": papers.owner,
        "VpcId": group.vpc_id,
        "SecurityGroupArn": arn(papers, "security-group", group.group_id),
        "IpPermissions": permissions(group.ingress, all_papers),
        "IpPermissionsEgress": permissions(group.egress, all_papers),
        "Tags": tag_list(papers.tags),
    }


def permissions(rules: Iterable[Rule], all_papers: AllPapers) -> list[Shown]:
    """Rules of one direction; those of equal protocol and ports are one IpPermission. What is not known is left out."""
    found: dict[tuple[int, int | None, int | None], Shown] = {}
    for rule in rules:
        if isinstance(rule.peer, UnknownPeer):
            continue
        key = rule.protocol, rule.from_port, rule.to_port
        if key not in found:
            found[key] = {"IpProtocol": protocol_name(rule.protocol), **_ports(rule)}
            found[key] |= {name: [] for name in _PEER_LISTS}
        found[key][_PEER_LISTS[peer_kind(rule.peer)]].append(_peer(rule, all_papers))
    return list(found.values())


def _ports(rule: Rule) -> Shown:
    return {} if rule.from_port is None else {"FromPort": rule.from_port, "ToPort": rule.to_port}


def _peer(rule: Rule, all_papers: AllPapers) -> Shown:
    described = {"Description": rule.description} if rule.description else {}
    peer = rule.peer
    if isinstance(peer, GroupReference):
        return referenced(peer, rule, all_papers) | described
    if isinstance(peer, PrefixListReference):
        return {"PrefixListId": peer.prefix_list_id} | described
    assert not isinstance(peer, UnknownPeer)
    return {"CidrIp" if peer.version == 4 else "CidrIpv6": str(peer)} | described


def referenced(peer: GroupReference, rule: Rule, all_papers: AllPapers) -> Shown:
    """A UserIdGroupPair, or a ReferencedGroupInfo: both have these members.

    Of a group in another VPC that is gone, the account is not told (EC2 API reference, UserIdGroupPair).
    """
    there = all_papers.get(peer.group_id)
    if there is None and peer.vpc_id is None:
        there = all_papers[rule.group_id]
    more = {
        "VpcId": peer.vpc_id,
        "VpcPeeringConnectionId": peer.vpc_peering_connection_id,
        "PeeringStatus": peer.peering_status,
    }
    owner = {} if there is None else {"UserId": there.owner}
    return {"GroupId": peer.group_id} | owner | {k: v for k, v in more.items() if v is not None}


def shown_rule(rule: Rule, all_papers: AllPapers) -> Shown:
    """As DescribeSecurityGroupRules shows it: -1 where ports do not apply."""
    papers = all_papers[rule.group_id]
    own = all_papers.get(rule.rule_id)
    return {
        "SecurityGroupRuleId": rule.rule_id,
        "GroupId": rule.group_id,
        "GroupOwnerId": papers.owner,
        "IsEgress": rule.direction is Direction.EGRESS,
        "IpProtocol": protocol_name(rule.protocol),
        "FromPort": -1 if rule.from_port is None else rule.from_port,
        "ToPort": -1 if rule.to_port is None else rule.to_port,
        **_rule_peer(rule, all_papers),
        **({"Description": rule.description} if rule.description else {}),
        "Tags": tag_list(own.tags if own else {}),
        "SecurityGroupRuleArn": arn(papers, "security-group-rule", rule.rule_id),
    }


def _rule_peer(rule: Rule, all_papers: AllPapers) -> Shown:
    peer = rule.peer
    if isinstance(peer, GroupReference):
        return {"ReferencedGroupInfo": referenced(peer, rule, all_papers)}
    if isinstance(peer, PrefixListReference):
        return {"PrefixListId": peer.prefix_list_id}
    if isinstance(peer, UnknownPeer):
        return {}
    return {"CidrIpv4" if peer.version == 4 else "CidrIpv6": str(peer)}


def shown_revoked(rule: Rule, all_papers: AllPapers) -> Shown:
    """As RevokeSecurityGroupIngress shows what it revoked."""
    shown = shown_rule(rule, all_papers)
    for name in ("GroupOwnerId", "Tags", "SecurityGroupRuleArn"):
        del shown[name]
    if "ReferencedGroupInfo" in shown:
        shown["ReferencedGroupId"] = shown.pop("ReferencedGroupInfo")["GroupId"]
    return shown
