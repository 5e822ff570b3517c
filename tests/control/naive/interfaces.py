"""Network interfaces: their groups, and what they keep. Source: aws-facts.md 3.1, 3.7 and 2.5."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from tests.control.naive.groups import usable
from tests.control.naive.tags import given_tags
from tests.control.naive.world import Chosen, Record, Refused, World

TIMEOUTS = {"TcpEstablishedTimeout": (60, 432_000), "UdpTimeout": (30, 60), "UdpStreamTimeout": (60, 180)}


def wanted_groups(world: World, account: str, vpc: str, given: list[str], too_many: str) -> tuple[list[str], set[str]]:
    """Each once, in the order given; none is the default group of the VPC."""
    wrong = set()
    if not given:
        given = [name for name, each in world.groups.items() if (each["vpc"], each["name"]) == (vpc, "default")]
    for name in given:
        if name == "":
            wrong.add("InvalidParameterValue")
            continue
        try:
            world.get("sg", account, name)
            if name not in usable(world, vpc):
                wrong |= {"InvalidGroup.NotFound", "InvalidParameter"}
        except Refused as refused:
            wrong |= refused.codes
    groups = list(dict.fromkeys(given))
    if len(groups) > world.quotas.security_groups_per_interface:
        wrong.add(too_many)
    return groups, wrong


def _timeouts(given: Record) -> set[str]:
    for key, (least, most) in TIMEOUTS.items():
        if key in given and not least <= given[key] <= most:
            return {"InvalidParameterValue"}
    return set()


def create(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    subnet = world.get("subnet", account, params.get("SubnetId"))
    tags, wrong = given_tags(params, "eni")
    groups, more = wanted_groups(world, account, subnet["vpc"], params.get("Groups", []), "InvalidParameterValue")
    wrong |= more | _timeouts(params.get("ConnectionTrackingSpecification", {})) | check_room(world, account, 1)
    if wrong:
        raise Refused(*wrong)
    name = add_interface(world, account, params["SubnetId"], groups, chosen)
    world.interfaces[name] |= {
        "description": params.get("Description", ""),
        "timeouts": dict(params.get("ConnectionTrackingSpecification", {})),
    }
    world.tags[account, name] = tags
    return {"NetworkInterface": {"NetworkInterfaceId": name}}


def check_room(world: World, account: str, number: int) -> set[str]:
    own = [each for each in world.interfaces.values() if each["account"] == account]
    full = len(own) + number > world.quotas.interfaces_per_region
    return {"NetworkInterfaceLimitExceeded"} if full else set()


def add_interface(world: World, account: str, subnet: str, groups: list[str], chosen: Chosen) -> str:
    addresses = chosen.addresses()
    _check(world, world.subnets[subnet], addresses)
    name = chosen.id("eni")
    world.interfaces[name] = {
        "account": account,
        "vpc": world.subnets[subnet]["vpc"],
        "subnet": subnet,
        "groups": groups,
        "addresses": addresses,
        "description": "",
        "check": True,
        "timeouts": {},
        "instance": None,
        "device": None,
        "attachment": None,
        "ends": False,
    }
    return name


def _check(world: World, subnet: Record, addresses: list[str]) -> None:
    """Those that the control plane chose are of the subnet, are nobody's, and are not kept by AWS."""
    block = ip_network(subnet["block"])
    kept = {*list(block)[:4], block.broadcast_address} if block.prefixlen >= 20 else set()
    taken = {
        address for each in world.interfaces.values() if each["vpc"] == subnet["vpc"] for address in each["addresses"]
    }
    for address in addresses:
        assert ip_address(address) in block, address
        assert ip_address(address) not in kept, address
        assert address not in taken, address


def modify(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    """One attribute in a call; groups replace those there were."""
    interface = world.get("eni", account, params.get("NetworkInterfaceId"))
    changes = [key for key in params if key != "NetworkInterfaceId"]
    wrong = set() if len(changes) == 1 else {"InvalidParameterCombination"}
    after = {}
    if "Groups" in params:
        too_many = "SecurityGroupsPerInterfaceLimitExceeded"
        after["groups"], more = wanted_groups(world, account, interface["vpc"], params["Groups"], too_many)
        wrong |= more
        if not params["Groups"]:
            wrong.add("MissingParameter")
    if "Description" in params:
        after["description"] = params["Description"]["Value"]
    if "SourceDestCheck" in params:
        after["check"] = params["SourceDestCheck"]["Value"]
    if "ConnectionTrackingSpecification" in params:
        wrong |= _timeouts(params["ConnectionTrackingSpecification"])
        after["timeouts"] = interface["timeouts"] | params["ConnectionTrackingSpecification"]
    if wrong:
        raise Refused(*wrong)
    interface |= after
    return {}


def delete(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    if world.get("eni", account, params.get("NetworkInterfaceId"))["instance"] is not None:
        raise Refused("InvalidNetworkInterface.InUse", "InvalidParameterValue")
    world.remove("eni", params["NetworkInterfaceId"])
    return {}
