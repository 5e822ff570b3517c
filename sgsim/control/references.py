"""Rules that refer to groups and prefix lists: who refers to whom, and which references are stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sgsim.control.call import Call
from sgsim.control.peers import DELETED, DISASSOCIATED
from sgsim.model import (
    Direction,
    GroupReference,
    PrefixListReference,
    Rule,
    SecurityGroup,
    VpcPeeringConnection,
)


def referring(call: Call, group_id: str) -> list[tuple[SecurityGroup, Rule]]:
    """The rules that refer to a group, of any account, with their groups."""
    return [
        (group, rule)
        for group in call.draft.groups.values()
        for rule in (*group.ingress, *group.egress)
        if isinstance(rule.peer, GroupReference) and rule.peer.group_id == group_id
    ]


def using_list(call: Call, prefix_list_id: str) -> list[SecurityGroup]:
    """The groups that have a rule for a prefix list."""
    peer = PrefixListReference(prefix_list_id)
    return [
        group
        for group in call.draft.groups.values()
        if any(rule.peer == peer for rule in (*group.ingress, *group.egress))
    ]


def crossing(call: Call, peering_id: str) -> list[Rule]:
    """The rules whose references go through a peering connection."""
    return [
        rule
        for group in call.draft.groups.values()
        for rule in (*group.ingress, *group.egress)
        if isinstance(rule.peer, GroupReference) and rule.peer.vpc_peering_connection_id == peering_id
    ]


def by_association(call: Call, group_id: str, vpc_id: str) -> list[Rule]:
    """The rules of a VPC that refer to a group of another one without a peering connection."""
    return [
        rule
        for by, rule in referring(call, group_id)
        if by.vpc_id == vpc_id
        and isinstance(rule.peer, GroupReference)
        and rule.peer.vpc_peering_connection_id is None
        and rule.peer.peering_status in (None, DISASSOCIATED)
    ]


def with_status(call: Call, rule: Rule, status: str, vpc_id: str | None = None) -> None:
    """Write a rule's reference with another status; ``vpc_id`` is the other group's VPC, where it is not yet said."""
    assert isinstance(rule.peer, GroupReference)
    with_peer(call, rule, replace(rule.peer, peering_status=status, vpc_id=rule.peer.vpc_id or vpc_id))


def with_peer(call: Call, rule: Rule, peer: GroupReference) -> None:
    """Write a rule with another reference."""
    group = call.draft.groups[rule.group_id]
    after = (replace(rule, peer=peer) if each is rule else each for each in group.rules(rule.direction))
    call.draft.groups[rule.group_id] = group.with_rules(rule.direction, after)


def revive(call: Call, connection: VpcPeeringConnection) -> None:
    """Rules that became stale when an earlier connection of the two VPCs was deleted refer over this one.

    Source: VPC peering guide, "Work with stale security group rules".
    """
    for group in list(call.draft.groups.values()):
        for rule in (*group.ingress, *group.egress):
            peer = rule.peer
            if not isinstance(peer, GroupReference) or peer.vpc_peering_connection_id is None:
                continue
            other = call.draft.groups.get(peer.group_id)
            if peer.peering_status == DELETED and other and connection.joins(group.vpc_id, other.vpc_id):
                over = connection.vpc_peering_connection_id
                with_peer(call, rule, GroupReference(peer.group_id, other.vpc_id, over, connection.status))


def stale_rules(call: Call, group: SecurityGroup, direction: Direction) -> Iterator[Rule]:
    """Rules of the group that refer to a group that is gone, or over what joins the two VPCs no more.

    Source: VPC peering guide, "Identify and delete stale security group rules".
    """
    for rule in group.rules(direction):
        if isinstance(rule.peer, GroupReference) and _is_stale(call, group, rule.peer):
            yield rule


def _is_stale(call: Call, group: SecurityGroup, peer: GroupReference) -> bool:
    if peer.peering_status is not None:
        return peer.peering_status != "active"
    other = call.draft.groups.get(peer.group_id)
    there = other.vpc_id if other else peer.vpc_id
    if there in (None, group.vpc_id) or (peer.group_id, group.vpc_id) in call.draft.associations:
        return False
    joining = [each.status for each in call.draft.peerings.values() if each.joins(group.vpc_id, there)]
    return bool(joining) and "active" not in joining
