"""Calls for VPCs, subnets and peering connections."""

from __future__ import annotations

from ipaddress import ip_network
from random import Random

from tests.control.calling import ACCOUNT, OTHER
from tests.control.naive import Record, World
from tests.control.offers.picking import Offer, an_account, an_id, chosen, known, one_of, owner, with_tags
from tests.control.offers.values import PLACES


def create_vpc(rng: Random, world: World) -> Offer:
    params: Record = {"CidrBlock": one_of(rng, PLACES, ["10.0.0.0/15", "10.0.0.0/29", "nonsense"])}
    if rng.random() < 0.4:
        params["AmazonProvidedIpv6CidrBlock"] = True
    return an_account(rng), "CreateVpc", params | with_tags(rng, "vpc")


def change_blocks(rng: Random, world: World) -> Offer:
    name, account = chosen(rng, world, "vpc")
    blocks = world.vpcs.get(name, {}).get("blocks6")
    if blocks and rng.random() < 0.7:
        return account, "DisassociateVpcCidrBlock", {"AssociationId": next(iter(blocks))}
    return account, "AssociateVpcCidrBlock", {"VpcId": name, "AmazonProvidedIpv6CidrBlock": True}


def delete_vpc(rng: Random, world: World) -> Offer:
    """Mostly one that has no group of its own; its subnets may have to go first."""
    bare = [name for name in known(world, "vpc") if sum(group["vpc"] == name for group in world.groups.values()) == 1]
    name = an_id(rng, world, "vpc", bare if rng.random() < 0.8 else known(world, "vpc"))
    account = owner(rng, world, "vpc", name)
    subnets = [subnet for subnet, each in world.subnets.items() if each["vpc"] == name]
    if subnets and rng.random() < 0.7:
        return account, "DeleteSubnet", {"SubnetId": subnets[0]}
    return account, "DeleteVpc", {"VpcId": name}


def create_subnet(rng: Random, world: World) -> Offer:
    name, account = chosen(rng, world, "vpc")
    place = ip_network(world.vpcs[name]["blocks"][0] if name in world.vpcs else PLACES[0])
    inside = [str(block) for block, _ in zip(place.subnets(new_prefix=24), range(3), strict=False)]
    params = {"VpcId": name, "CidrBlock": one_of(rng, inside, ["192.168.0.0/24", "nonsense"])}
    return account, "CreateSubnet", params | with_tags(rng, "subnet")


def delete_subnet(rng: Random, world: World) -> Offer:
    name, account = chosen(rng, world, "subnet")
    return account, "DeleteSubnet", {"SubnetId": name}


def create_peering(rng: Random, world: World) -> Offer:
    own = [name for name in known(world, "vpc") if not world.vpcs[name]["default"]] or known(world, "vpc")
    here = an_id(rng, world, "vpc", own)
    account = owner(rng, world, "vpc", here)
    there = an_id(rng, world, "vpc", [name for name in own if name != here])
    used = {rule["way"] for rule in world.rules.values()}
    ended = [each for name, each in world.peerings.items() if each["status"] == "deleted" and name in used]
    if ended and rng.random() < 0.7:
        before = rng.choice(ended)
        here, there, account = before["requester"]["vpc"], before["accepter"]["vpc"], before["requester"]["account"]
    other = world.vpcs[there]["account"] if there in world.vpcs else account
    params = {"VpcId": here, "PeerVpcId": there} | with_tags(rng, "vpc-peering-connection")
    if other != account or rng.random() < 0.3:
        params["PeerOwnerId"] = one_of(rng, [other], [ACCOUNT, OTHER])
    return account, "CreateVpcPeeringConnection", params


def answer_peering(rng: Random, world: World) -> Offer:
    """Mostly what can be done with it now, by whom it can be done; mostly to those that rules refer over."""
    pending = [name for name, each in world.peerings.items() if each["status"] == "pending-acceptance"]
    if pending and rng.random() < 0.8:
        name = rng.choice(pending)
        account = one_of(rng, [world.peerings[name]["accepter"]["account"]], [ACCOUNT, OTHER])
        operation = rng.choice(("Accept", "Accept", "Accept", "Reject", "Delete"))
    else:
        used = [rule["way"] for rule in world.rules.values() if rule["way"] in world.peerings]
        name = an_id(rng, world, "pcx", used if used and rng.random() < 0.6 else known(world, "pcx"))
        account = owner(rng, world, "pcx", name)
        operation = rng.choice(("Delete", "Delete", "Accept", "Reject"))
    return account, f"{operation}VpcPeeringConnection", {"VpcPeeringConnectionId": name}
