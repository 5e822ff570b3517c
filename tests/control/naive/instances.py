"""Instances, as far as their groups and interfaces go. Source: aws-facts.md 3.7, and the EC2 API reference."""

from __future__ import annotations

from typing import Any

from tests.control.naive.interfaces import add_interface, check_room, wanted_groups
from tests.control.naive.rules import by_name
from tests.control.naive.tags import given_tags
from tests.control.naive.world import Chosen, Record, Refused, World


def interfaces_of(world: World, instance: str) -> dict[str, Record]:
    return {name: each for name, each in world.interfaces.items() if each["instance"] == instance}


def run(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    """One interface each: a new one in the subnet (or in a default one), or one that was there."""
    tags, wrong = given_tags(params, "i")
    least, most = params.get("MinCount"), params.get("MaxCount")
    if least is None or most is None or params.get("ImageId") is None:
        wrong.add("MissingParameter")
    elif not 1 <= least <= most:
        wrong.add("InvalidParameterValue")
    described = params.get("NetworkInterfaces", [])
    given = described[0] if described else params
    if described and ("SecurityGroupIds" in params or "SecurityGroups" in params or "SubnetId" in params):
        wrong.add("InvalidParameterCombination")
    existing, subnet = given.get("NetworkInterfaceId"), given.get("SubnetId")
    if "SecurityGroups" in params and subnet is not None:
        wrong.add("InvalidParameterCombination")
    groups: list[str] = []
    try:
        if existing is not None:
            world.get("eni", account, existing)
            if world.interfaces[existing]["instance"] is not None:
                wrong.add("InvalidNetworkInterface.InUse")
            if (most or 1) > 1:
                wrong |= {"InvalidParameterCombination", "InvalidParameterValue", "InvalidNetworkInterface.InUse"}
        else:
            vpc = _vpc(world, account, subnet)
            names = given.get("Groups", given.get("SecurityGroupIds", []))
            if "SecurityGroups" in params:
                names = [*names, *(by_name(world, account, name) for name in params["SecurityGroups"])]
            groups, more = wanted_groups(world, account, vpc, names, "SecurityGroupsPerInstanceLimitExceeded")
            wrong |= more | check_room(world, account, most or 1)
    except Refused as refused:
        wrong |= refused.codes
    if wrong:
        raise Refused(*wrong)
    made = []
    for number in range(int(most or 1)):
        one = chosen.instance(number)
        name = one.id("i")
        world.instances[name] = {"account": account, "state": "running"}
        world.tags[account, name] = dict(tags)
        where = subnet or (one.subnet(_default_subnets(world, account)) if existing is None else "")
        interface = existing or add_interface(world, account, where, groups, one)
        attach_to(world, interface, name, 0, one.id("eni-attach"), ends=existing is None)
        made.append(name)
    return {"instances": made}


def _vpc(world: World, account: str, subnet: str | None) -> str:
    if subnet is not None:
        return str(world.get("subnet", account, subnet)["vpc"])
    default = world.default_vpc(account)
    if default is None:
        raise Refused("VPCIdNotSpecified", "MissingInput")
    if not _default_subnets(world, account):
        raise Refused("MissingInput", "InvalidSubnet*")
    return default


def _default_subnets(world: World, account: str) -> list[str]:
    return [name for name, each in world.subnets.items() if each["account"] == account and each["default"]]


def attach_to(world: World, interface: str, instance: str, device: int, attachment: str, *, ends: bool) -> None:
    """``ends``: it is deleted with the instance."""
    attached = {"instance": instance, "device": device, "attachment": attachment, "ends": ends}
    world.interfaces[interface] |= attached


def detach_from(world: World, interface: str) -> None:
    world.interfaces[interface] |= {"instance": None, "device": None, "attachment": None, "ends": False}


def attach(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    wrong = set()
    for kind, key in (("eni", "NetworkInterfaceId"), ("i", "InstanceId")):
        try:
            world.get(kind, account, params.get(key))
        except Refused as refused:
            wrong |= refused.codes
    if wrong:
        raise Refused(*wrong)
    interface, instance = world.interfaces[params["NetworkInterfaceId"]], params["InstanceId"]
    there = interfaces_of(world, instance)
    if interface["instance"] is not None:
        wrong.add("InvalidNetworkInterface.InUse")
    if world.instances[instance]["state"] not in ("running", "stopped"):
        wrong |= {"IncorrectState", "IncorrectInstanceState"}
    if any(each["device"] == params["DeviceIndex"] for each in there.values()):
        wrong.add("InvalidParameterValue")
    zone = world.subnets[interface["subnet"]]["zone"]
    if any(world.subnets[each["subnet"]]["zone"] != zone for each in there.values()):
        wrong.add("InvalidParameterCombination")
    if wrong:
        raise Refused(*wrong)
    attachment = chosen.id("eni-attach")
    attach_to(world, params["NetworkInterfaceId"], instance, params["DeviceIndex"], attachment, ends=False)
    return {"AttachmentId": attachment}


def detach(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    for name, interface in world.interfaces.items():
        if interface["account"] == account and interface["attachment"] == params["AttachmentId"]:
            if interface["device"] == 0:
                raise Refused("OperationNotPermitted")
            detach_from(world, name)
            return {}
    raise Refused("InvalidAttachmentID.NotFound", "InvalidAttachmentId.Malformed")


def modify(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    """Other groups for the only interface."""
    instance = world.get("i", account, params.get("InstanceId"))
    there = list(interfaces_of(world, params["InstanceId"]).values())
    if instance["state"] == "terminated":
        raise Refused("*")
    wrong = {"InvalidInstanceID"} if len(there) > 1 else set()
    too_many = "SecurityGroupsPerI*LimitExceeded"
    groups, more = wanted_groups(world, account, there[0]["vpc"], params["Groups"], too_many)
    wrong |= more
    if not params["Groups"]:
        wrong |= {"MissingParameter", "InvalidParameterValue"}
    if wrong:
        raise Refused(*wrong)
    there[0]["groups"] = groups
    return {}


def change_state(world: World, account: str, params: Record, chosen: Chosen, *, to: str) -> Record:
    """A terminated instance takes with it the interfaces that end with it; the others are left."""
    wrong: set[Any] = set() if params.get("InstanceIds") else {"MissingParameter"}
    for name in params.get("InstanceIds", []):
        try:
            if world.get("i", account, name)["state"] == "terminated" and to != "terminated":
                wrong.add("IncorrectInstanceState")
        except Refused as refused:
            wrong |= refused.codes
    if wrong:
        raise Refused(*wrong)
    for name in params["InstanceIds"]:
        world.instances[name]["state"] = to
        for interface, each in interfaces_of(world, name).items() if to == "terminated" else ():
            if each["ends"]:
                world.remove("eni", interface)
            else:
                detach_from(world, interface)
    return {}
