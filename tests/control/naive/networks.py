"""VPCs, subnets and peering connections. Source: aws-facts.md 1.3, 3.1 and 3.10, VPC user guide and peering guide."""

from __future__ import annotations

from ipaddress import ip_network

from tests.control.naive.groups import add_group, everything, is_full, remove_group
from tests.control.naive.rules import add_rule, revive, same
from tests.control.naive.tags import given_tags
from tests.control.naive.world import Chosen, Record, Refused, World, network_of, overlap, unknown

MOST_BLOCKS6 = 5
WEEK = 7 * 86_400 * 10**9  # ns: what a request of a peering lasts


def create_vpc(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    tags, wrong = given_tags(params, "vpc")
    block = network_of(params.get("CidrBlock"), 4)
    if params.get("CidrBlock") is None:
        wrong.add("MissingParameter")
    elif block is None:
        wrong.add("InvalidParameterValue")
    elif not 16 <= ip_network(block).prefixlen <= 28:
        wrong.add("InvalidVpc.Range")
    if sum(vpc["account"] == account for vpc in world.vpcs.values()) >= world.quotas.vpcs_per_region:
        wrong.add("VpcLimitExceeded")
    if is_full(world, account):
        wrong.add("SecurityGroupLimitExceeded")
    if wrong:
        raise Refused(*wrong)
    name = chosen.id("vpc")
    vpc = {"account": account, "blocks": [block], "blocks6": {}, "default": False}
    world.vpcs[name] = vpc
    world.tags[account, name] = tags
    if params.get("AmazonProvidedIpv6CidrBlock"):
        vpc["blocks6"] = dict([chosen.block()])
    add_group(world, account, name, "default", "default VPC security group", chosen)
    return {"Vpc": {"VpcId": name}}


def add_block(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    """AssociateVpcCidrBlock, of IPv6: groups whose outbound rules nobody changed let everything of it out."""
    name = params["VpcId"]
    vpc = world.get("vpc", account, name)
    if len(vpc["blocks6"]) >= MOST_BLOCKS6:
        raise Refused("*")
    vpc["blocks6"] |= dict([chosen.block()])
    for group_id, group in world.groups.items():
        rule = everything(group_id, 6)
        there = any(same(rule, other) for other in world.rules_of(group_id).values())
        if group["vpc"] == name and not group["outbound_changed"] and not there:
            add_rule(world, rule, chosen)
    return {"VpcId": name}


def remove_block(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    """DisassociateVpcCidrBlock, of IPv6; not while a subnet has a part of it."""
    for name, vpc in world.vpcs.items():
        if vpc["account"] == account and params["AssociationId"] in vpc["blocks6"]:
            if any(subnet["vpc"] == name and subnet["block6"] for subnet in world.subnets.values()):
                raise Refused("*")
            del vpc["blocks6"][params["AssociationId"]]
            return {"VpcId": name}
    raise Refused("InvalidVpcCidrBlockAssociationID.NotFound", "InvalidVpcCidrBlockAssociation*")


def delete_vpc(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    name = params["VpcId"]
    world.get("vpc", account, name)
    own = [group_id for group_id, group in world.groups.items() if group["vpc"] == name]
    used = any(subnet["vpc"] == name for subnet in world.subnets.values())
    used |= any(world.groups[group_id]["name"] != "default" for group_id in own)
    used |= any(vpc == name for _, vpc in world.associations)
    peerings = [peering for peering in world.peerings.values() if name in peering["between"]]
    if used or any(peering["status"] == "active" for peering in peerings):
        raise Refused("DependencyViolation")
    for peering in peerings:
        if peering["status"] == "pending-acceptance":
            peering["status"] = "deleted"
    for group_id in own:
        remove_group(world, group_id)
    world.remove("vpc", name)
    return {}


def create_subnet(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    tags, wrong = given_tags(params, "subnet")
    vpc = world.get("vpc", account, params.get("VpcId"))
    block = network_of(params.get("CidrBlock"), 4)
    taken = [subnet["block"] for subnet in world.subnets.values() if subnet["vpc"] == params["VpcId"]]
    if block is None:
        wrong.add("InvalidParameterValue")
    elif not any(ip_network(block).subnet_of(ip_network(other)) for other in vpc["blocks"]):  # type: ignore[arg-type]
        wrong.add("InvalidSubnet.Range")
    elif overlap([block], taken):
        wrong.add("InvalidSubnet.Conflict")
    if len(taken) >= world.quotas.subnets_per_vpc:
        wrong.add("SubnetLimitExceeded")
    if wrong:
        raise Refused(*wrong)
    name = chosen.id("subnet")
    known = {"account": account, "vpc": params["VpcId"], "zone": chosen.zone(), "default": False}
    world.subnets[name] = known | {"block": block, "block6": params.get("Ipv6CidrBlock")}
    world.tags[account, name] = tags
    return {"Subnet": {"SubnetId": name}}


def delete_subnet(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    world.get("subnet", account, params["SubnetId"])
    if any(interface["subnet"] == params["SubnetId"] for interface in world.interfaces.values()):
        raise Refused("DependencyViolation")
    world.remove("subnet", params["SubnetId"])
    return {}


def _active(world: World, vpcs: set[str]) -> int:
    """The connections of these VPCs that are active: of one all, of two those that join them."""
    return sum(each["status"] == "active" and vpcs <= each["between"] for each in world.peerings.values())


def _overlapping(world: World, vpcs: set[str]) -> bool:
    one, other = (world.vpcs[vpc] for vpc in vpcs)
    return overlap([*one["blocks"], *one["blocks6"].values()], [*other["blocks"], *other["blocks6"].values()])


def create_peering(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    """Of a VPC of one's own with another one. What is wrong with somebody else's VPC is not told: it fails."""
    tags, wrong = given_tags(params, "pcx")
    here, there = params.get("VpcId"), params.get("PeerVpcId")
    world.get("vpc", account, here)
    other = params.get("PeerOwnerId", account)
    exists = there in world.vpcs and world.vpcs[there]["account"] == other
    between = {here, there}
    if len(between) == 2 and _active(world, between):
        wrong.add("VpcPeeringConnectionAlreadyExists")
    if not exists and other == account:
        wrong |= unknown("vpc", there)
    if any(_active(world, {vpc}) >= world.quotas.peerings_per_vpc for vpc in between):
        wrong.add("ActiveVpcPeeringConnectionPerVpcLimitExceeded")
    if wrong:
        raise Refused(*wrong)
    failed = not exists or len(between) == 1 or _overlapping(world, between)
    name = chosen.id("pcx")
    world.peerings[name] = {
        "between": between,
        "requester": {"account": account, "vpc": here},
        "accepter": {"account": other, "vpc": there},
        "status": "failed" if failed else "pending-acceptance",
        "expires": world.now_ns + WEEK,
    }
    world.tags[account, name] = tags
    return {"VpcPeeringConnection": {"VpcPeeringConnectionId": name}}


def expire(world: World) -> None:
    """Requests that nobody answered in time."""
    for peering in world.peerings.values():
        if peering["status"] == "pending-acceptance" and peering["expires"] <= world.now_ns:
            peering["status"] = "expired"


def _answer_peering(world: World, account: str, params: Record) -> Record:
    """A request that only the accepter answers."""
    peering = world.get("pcx", account, params["VpcPeeringConnectionId"])
    wrong = set()
    if peering["accepter"]["account"] != account:
        wrong.add("OperationNotPermitted")
    if peering["status"] != "pending-acceptance":
        wrong.add("InvalidStateTransition")
    if wrong:
        raise Refused(*wrong)
    return peering


def accept_peering(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    peering = _answer_peering(world, account, params)
    wrong = set()
    if _active(world, peering["between"]):
        wrong.add("VpcPeeringConnectionAlreadyExists")
    if any(_active(world, {vpc}) >= world.quotas.peerings_per_vpc for vpc in peering["between"]):
        wrong.add("ActiveVpcPeeringConnectionPerVpcLimitExceeded")
    if wrong:
        raise Refused(*wrong)
    if _overlapping(world, peering["between"]):
        peering["status"] = "failed"
        return {}
    peering["status"] = "active"
    revive(world, params["VpcPeeringConnectionId"])
    return {}


def reject_peering(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    _answer_peering(world, account, params)["status"] = "rejected"
    return {"Return": True}


def delete_peering(world: World, account: str, params: Record, chosen: Chosen) -> Record:
    peering = world.get("pcx", account, params["VpcPeeringConnectionId"])
    requested = peering["status"] == "pending-acceptance" and peering["requester"]["account"] == account
    if peering["status"] != "active" and not requested:
        raise Refused("InvalidStateTransition")
    peering["status"] = "deleted"
    return {"Return": True}
