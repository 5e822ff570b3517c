"""Groups and their associations with VPCs. Source: aws-facts.md 3.2, 3.6, 3.9 and 3.10."""

from __future__ import annotations

import re

from tests.control.naive.rules import DESCRIPTION, add_rule, group_of
from tests.control.naive.tags import given_tags
from tests.control.naive.world import Chosen, Record, Refused, World

NAME = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")


def everything(group: str, family: int, *, egress: bool = True) -> Record:
    """The rule for every protocol to everywhere, or from the group itself."""
    rule = {"group": group, "egress": egress, "protocol": "-1", "from": None, "to": None, "way": "here"}
    rule |= {"there": None, "description": None}
    here = ("IpRanges", "0.0.0.0/0") if family == 4 else ("Ipv6Ranges", "::/0")
    return rule | {"peer": here if egress else ("UserIdGroupPairs", group)}


def add_group(world: World, account: str, vpc: str, name: str, description: str, chosen: Chosen) -> str:
    """With the rules that a group begins with."""
    group = chosen.id("sg", account=account, vpc=vpc, name=name)
    world.groups[group] = {
        "account": account,
        "vpc": vpc,
        "name": name,
        "description": description,
        "outbound_changed": False,
    }
    if name == "default":
        add_rule(world, everything(group, 4, egress=False), chosen)
    add_rule(world, everything(group, 4), chosen)
    if world.vpcs[vpc]["blocks6"]:
        add_rule(world, everything(group, 6), chosen)
    return group


def usable(world: World, vpc: str) -> list[str]:
    """The groups that interfaces of the VPC may have."""
    own = [name for name, group in world.groups.items() if group["vpc"] == vpc]
    return own + [group for group, other in world.associations if other == vpc]


def is_taken(world: World, vpc: str, name: str) -> bool:
    return any(world.groups[group]["name"].lower() == name.lower() for group in usable(world, vpc))


def is_full(world: World, account: str) -> bool:
    number = sum(group["account"] == account for group in world.groups.values())
    return number >= world.quotas.security_groups_per_region


def create(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    tags, wrong = given_tags(params, "sg")
    name, description = params.get("GroupName"), params.get("Description")
    if name is None or description is None:
        wrong.add("MissingParameter")
    name = (name or "").rstrip(" ")
    if params.get("GroupName") is not None and (not NAME.fullmatch(name) or name.startswith("sg-")):
        wrong.add("InvalidParameterValue")
    if description == "" or not DESCRIPTION.fullmatch(description or ""):
        wrong.add("InvalidParameterValue")
    if name.lower() == "default":
        wrong.add("InvalidGroup.Reserved")
    vpc = params.get("VpcId") or world.default_vpc(account)
    try:
        if vpc is None:
            raise Refused("VPCIdNotSpecified")
        world.get("vpc", account, vpc)
        if is_taken(world, vpc, name):
            wrong.add("InvalidGroup.Duplicate")
    except Refused as refused:
        wrong |= refused.codes
    if is_full(world, account):
        wrong.add("SecurityGroupLimitExceeded")
    if wrong:
        raise Refused(*wrong)
    group = add_group(world, account, str(vpc), name, str(description), chosen)
    world.tags[account, group] = tags
    return {"GroupId": group}


def delete(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    name = group_of(world, account, params)
    group = world.groups[name]
    wrong = set()
    if group["name"] == "default":
        wrong.add("CannotDelete")
    if any(name in interface["groups"] for interface in world.interfaces.values()):
        wrong.add("DependencyViolation")
    if any(group_id == name for group_id, _ in world.associations):
        wrong.add("DependencyViolation")
    for rule in world.rules.values():
        here = world.groups[rule["group"]]["vpc"] == group["vpc"]
        if here and rule["group"] != name and rule["peer"] == ("UserIdGroupPairs", name):
            wrong.add("DependencyViolation")
    if wrong:
        raise Refused(*wrong)
    remove_group(world, name)
    return {"Return": True, "GroupId": name}


def remove_group(world: World, name: str) -> None:
    for rule in world.rules_of(name):
        world.remove("sgr", rule)
    world.remove("sg", name)


def _association(world: World, account: str, params: Record) -> tuple[str, str]:
    wrong = set()
    for kind, key in (("sg", "GroupId"), ("vpc", "VpcId")):
        try:
            world.get(kind, account, params.get(key))
        except Refused as refused:
            wrong |= refused.codes
    if wrong:
        raise Refused(*wrong)
    return params["GroupId"], params["VpcId"]


def associate(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    """EC2 documents what is refused, not with which codes."""
    group, vpc = _association(world, account, params)
    known = world.groups[group]
    if known["name"] == "default" or world.vpcs[vpc]["default"] or known["vpc"] == vpc:
        raise Refused("*")
    if (group, vpc) in world.associations:
        raise Refused("*")
    if is_taken(world, vpc, known["name"]):
        raise Refused("InvalidGroup.Duplicate")
    world.associations.append((group, vpc))
    return {"State": "associating"}


def disassociate(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    group, vpc = _association(world, account, params)
    if (group, vpc) not in world.associations:
        raise Refused("*")
    if any(vpc == interface["vpc"] and group in interface["groups"] for interface in world.interfaces.values()):
        raise Refused("DependencyViolation")
    world.associations.remove((group, vpc))
    return {"State": "disassociating"}
