"""Calls for network interfaces and instances."""

from __future__ import annotations

from random import Random

from tests.control.calling import ACCOUNT, OTHER
from tests.control.naive import Record, World
from tests.control.naive.groups import usable
from tests.control.offers.picking import Offer, an_account, an_id, chosen, known, one_of, owner, seldom, with_tags
from tests.control.offers.values import NAMES


def some_groups(rng: Random, world: World, vpc: str) -> list[str]:
    names = usable(world, vpc) if vpc in world.vpcs else []
    foreign = [group for group, other in world.associations if other == vpc]
    if foreign and rng.random() < 0.5:
        names = foreign
    return [an_id(rng, world, "sg", names) for _ in range(rng.choice((1, 1, 2, 2, 3)))]


def timeouts(rng: Random) -> Record:
    values = {"TcpEstablishedTimeout": (60, 350, 432_000), "UdpTimeout": (30, 60), "UdpStreamTimeout": (60, 180)}
    key = rng.choice(list(values))
    return {key: one_of(rng, values[key], (0, 29, 432_001))}


def create_interface(rng: Random, world: World) -> Offer:
    subnets = known(world, "subnet")
    used = [name for name in subnets if not world.vpcs[world.subnets[name]["vpc"]]["default"]] or subnets
    name = an_id(rng, world, "subnet", used if rng.random() < 0.9 else subnets)
    account = owner(rng, world, "subnet", name)
    params: Record = {"SubnetId": name} | with_tags(rng, "network-interface")
    if rng.random() < 0.8:
        params["Groups"] = some_groups(rng, world, world.subnets.get(name, {}).get("vpc", ""))
    if rng.random() < 0.2:
        params["Description"] = "An interface"
    if rng.random() < 0.1:
        params["ConnectionTrackingSpecification"] = timeouts(rng)
    return account, "CreateNetworkInterface", params


def change_interface(rng: Random, world: World) -> Offer:
    name, account = chosen(rng, world, "eni")
    vpc = world.interfaces.get(name, {}).get("vpc", "")
    changes: Record = {
        "Groups": some_groups(rng, world, vpc),
        "Description": {"Value": "Changed"},
        "SourceDestCheck": {"Value": rng.random() < 0.5},
        "ConnectionTrackingSpecification": timeouts(rng),
    }
    if seldom(rng):
        changes["Groups"] = rng.choice(([], [""], ["web"]))
    keys = ["Groups"] if rng.random() < 0.7 else rng.sample(list(changes), rng.choice((1, 1, 1, 2)))
    return account, "ModifyNetworkInterfaceAttribute", {"NetworkInterfaceId": name} | {k: changes[k] for k in keys}


def delete_interface(rng: Random, world: World) -> Offer:
    name, account = chosen(rng, world, "eni")
    return account, "DeleteNetworkInterface", {"NetworkInterfaceId": name}


def run_instances(rng: Random, world: World) -> Offer:
    account = an_account(rng)
    params: Record = {"ImageId": "ami-0abcdef1234567890", "MinCount": 1, "MaxCount": one_of(rng, [1, 1, 1, 2], [0])}
    way = rng.random()
    free = [name for name in known(world, "eni", account) if world.interfaces[name]["instance"] is None]
    subnet = an_id(rng, world, "subnet", known(world, "subnet", account))
    groups = some_groups(rng, world, world.subnets.get(subnet, {}).get("vpc", ""))
    if way < 0.15 and free:
        params["NetworkInterfaces"] = [{"DeviceIndex": 0, "NetworkInterfaceId": an_id(rng, world, "eni", free)}]
    elif way < 0.3:
        params["NetworkInterfaces"] = [{"DeviceIndex": 0, "SubnetId": subnet, "Groups": groups}]
    elif way < 0.45:
        names = [group["name"] for group in world.groups.values() if group["vpc"] == world.default_vpc(account)]
        params |= {"SecurityGroups": [one_of(rng, names, NAMES)]} if rng.random() < 0.6 else {}
    else:
        params |= {"SubnetId": subnet} | ({"SecurityGroupIds": groups} if rng.random() < 0.8 else {})
    if seldom(rng):
        params |= rng.choice(({"SecurityGroups": ["default"]}, {"SecurityGroupIds": groups}))
    return account, "RunInstances", params | with_tags(rng, "instance")


def change_instance(rng: Random, world: World) -> Offer:
    """Its state, or the groups of its only interface."""
    alive = [name for name, each in world.instances.items() if each["state"] != "terminated"]
    name = an_id(rng, world, "i", alive if alive and rng.random() < 0.9 else known(world, "i"))
    account = owner(rng, world, "i", name)
    if rng.random() < 0.4:
        vpcs = [each["vpc"] for each in world.interfaces.values() if each["instance"] == name]
        groups = one_of(rng, [some_groups(rng, world, vpcs[0] if vpcs else "")], [[]])
        return account, "ModifyInstanceAttribute", {"InstanceId": name, "Groups": groups}
    operation = rng.choice(("Start", "Stop", "Terminate"))
    return account, f"{operation}Instances", {"InstanceIds": [name]}


def attach_interface(rng: Random, world: World) -> Offer:
    attached = [each for each in world.interfaces.values() if each["device"]]
    if attached and rng.random() < 0.5:
        interface = rng.choice(attached)
        account = one_of(rng, [interface["account"]], [ACCOUNT, OTHER])
        return account, "DetachNetworkInterface", {"AttachmentId": interface["attachment"]}
    if seldom(rng):
        primary = [each["attachment"] for each in world.interfaces.values() if each["device"] == 0]
        return an_account(rng), "DetachNetworkInterface", {"AttachmentId": one_of(rng, primary, ["eni-attach-0", "x"])}
    free = [name for name in known(world, "eni") if world.interfaces[name]["instance"] is None]
    name = an_id(rng, world, "eni", free or known(world, "eni"))
    account = owner(rng, world, "eni", name)
    zone = world.subnets[world.interfaces[name]["subnet"]]["zone"] if name in world.interfaces else ""
    near = [
        other["instance"]
        for other in world.interfaces.values()
        if other["instance"] and other["account"] == account and world.subnets[other["subnet"]]["zone"] == zone
    ]
    params = {"NetworkInterfaceId": name, "DeviceIndex": one_of(rng, [1, 2], [0])}
    params["InstanceId"] = an_id(rng, world, "i", near if near and not seldom(rng, 0.1) else known(world, "i"))
    return account, "AttachNetworkInterface", params
