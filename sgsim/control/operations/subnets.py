"""Subnets: created, deleted, described."""

from __future__ import annotations

import re
from ipaddress import IPv4Network

from sgsim.control.addresses import RESERVED
from sgsim.control.answers import Shown, arn, tag_list
from sgsim.control.call import Answer, Call, handles, named, tags_for
from sgsim.control.cidrs import cidr4, cidr6
from sgsim.control.errors import ApiError
from sgsim.control.listing import Values, answer, filtered, page
from sgsim.control.requests.vpcs import CreateSubnet, DeleteSubnet, DescribeSubnets
from sgsim.model import Interface, Subnet

_ZONE = re.compile(r"([a-z]+)-([a-z-]+)-([0-9]+)([a-z])\Z")


@handles(CreateSubnet)
def create_subnet(call: Call, request: CreateSubnet) -> Answer:
    vpc = call.vpc(named(request.vpc_id, "VpcId"))
    tags = tags_for("subnet", request.tag_specifications)
    block = None if request.ipv6_native else cidr4(named(request.cidr_block, "CidrBlock"))
    siblings = [each for each in call.draft.subnets.values() if each.vpc_id == vpc.vpc_id]
    if len(siblings) >= call.quotas.subnets_per_vpc:
        raise ApiError("SubnetLimitExceeded", f"The maximum number of subnets has been reached for VPC {vpc.vpc_id}")
    if block is not None:
        blocks = [each["CidrBlock"] for each in call.papers(vpc.vpc_id).fields.get("CidrBlockAssociationSet", ())]
        within = [IPv4Network(text) for text in blocks] or ([vpc.cidr] if vpc.cidr else [])
        if not 16 <= block.prefixlen <= 28 or (within and not any(block.subnet_of(each) for each in within)):
            raise ApiError("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")
        if any(each.cidr is not None and each.cidr.overlaps(block) for each in siblings):
            raise ApiError("InvalidSubnet.Conflict", f"The CIDR '{block}' conflicts with another subnet")
    zone = request.availability_zone or f"{call.caller.region}a"
    subnet_id = make_subnet(call, vpc.vpc_id, block, zone, tags=tags)
    if request.ipv6_cidr_block is not None:
        _add_ipv6(call, subnet_id, request.ipv6_cidr_block)
    return {"Subnet": shown_subnet(call, call.subnet(subnet_id))}


def make_subnet(
    call: Call,
    vpc_id: str,
    block: IPv4Network | None,
    zone: str,
    default: bool = False,
    tags: dict[str, str] | None = None,
) -> str:
    subnet_id = call.ids.new("subnet")
    call.draft.subnets[subnet_id] = Subnet(subnet_id, vpc_id, block)
    fields = {
        "AvailabilityZone": zone,
        "AvailabilityZoneId": _zone_id(zone),
        "AssignIpv6AddressOnCreation": False,
        "DefaultForAz": default,
        "EnableDns64": False,
        "Ipv6CidrBlockAssociationSet": [],
        "Ipv6Native": block is None,
        "MapPublicIpOnLaunch": default,
        "State": "available",
    }
    call.file(subnet_id, fields, tags)
    return subnet_id


def _zone_id(zone: str) -> str:
    """As AWS forms them: ``use1-az1`` for us-east-1a, ``apse2-az3`` for ap-southeast-2c."""
    parts = _ZONE.match(zone)
    if parts is None:
        return zone
    continent, places, number, letter = parts.groups()
    words = re.findall("north|south|east|west|[a-z]+", places)
    return f"{continent}{''.join(word[0] for word in words)}{number}-az{ord(letter) - ord('a') + 1}"


def _add_ipv6(call: Call, subnet_id: str, text: str) -> None:
    block = cidr6(text)
    vpc_id = call.subnet(subnet_id).vpc_id or ""
    within = [each["Ipv6CidrBlock"] for each in call.papers(vpc_id).fields.get("Ipv6CidrBlockAssociationSet", ())]
    if not any(block.subnet_of(cidr6(each)) for each in within):
        raise ApiError("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")
    association = {
        "AssociationId": call.ids.new("subnet-cidr-assoc"),
        "Ipv6CidrBlock": str(block),
        "Ipv6CidrBlockState": {"State": "associated"},
    }
    call.refile(subnet_id, Ipv6CidrBlockAssociationSet=[association])


@handles(DeleteSubnet)
def delete_subnet(call: Call, request: DeleteSubnet) -> Answer:
    subnet = call.subnet(named(request.subnet_id, "SubnetId"))
    if any(each.subnet_id == subnet.subnet_id for each in call.draft.interfaces.values()):
        message = f"The subnet '{subnet.subnet_id}' has dependencies and cannot be deleted."
        raise ApiError("DependencyViolation", message)
    del call.draft.subnets[subnet.subnet_id]
    del call.draft.papers[subnet.subnet_id]
    return {}


@handles(DescribeSubnets)
def describe_subnets(call: Call, request: DescribeSubnets) -> Answer:
    subnets = [call.subnet(name) for name in request.subnet_ids] or list(call.own(call.draft.subnets).values())

    def field(name: str) -> Values[Subnet]:
        return lambda subnet: (str(call.papers(subnet.subnet_id).fields.get(name)),)

    def flag(name: str) -> Values[Subnet]:
        return lambda subnet: (str(bool(call.papers(subnet.subnet_id).fields.get(name))).lower(),)

    known: dict[str, Values[Subnet]] = {
        "availability-zone": field("AvailabilityZone"),
        "availabilityZone": field("AvailabilityZone"),
        "availability-zone-id": field("AvailabilityZoneId"),
        "cidr": lambda subnet: (str(subnet.cidr),),
        "cidr-block": lambda subnet: (str(subnet.cidr),),
        "cidrBlock": lambda subnet: (str(subnet.cidr),),
        "default-for-az": flag("DefaultForAz"),
        "defaultForAz": flag("DefaultForAz"),
        "ipv6-native": flag("Ipv6Native"),
        "map-public-ip-on-launch": flag("MapPublicIpOnLaunch"),
        "owner-id": lambda subnet: (call.papers(subnet.subnet_id).owner,),
        "state": field("State"),
        "subnet-id": lambda subnet: (subnet.subnet_id,),
        "vpc-id": lambda subnet: (subnet.vpc_id,),
    }
    subnets = filtered(subnets, request.filters, known, lambda subnet: call.tags(subnet.subnet_id))
    shown, token = page(subnets, request.max_results, request.next_token)
    return answer("Subnets", [shown_subnet(call, subnet) for subnet in shown], token)


def shown_subnet(call: Call, subnet: Subnet) -> Shown:
    papers = call.papers(subnet.subnet_id)
    shown: Shown = {
        **papers.fields,
        "SubnetId": subnet.subnet_id,
        "VpcId": subnet.vpc_id,
        "OwnerId": papers.owner,
        "SubnetArn": arn(papers, "subnet", subnet.subnet_id),
        "Tags": tag_list(papers.tags),
    }
    if subnet.cidr is not None:
        inside = sum(_held(each) for each in call.draft.interfaces.values() if each.subnet_id == subnet.subnet_id)
        shown |= {
            "CidrBlock": str(subnet.cidr),
            "AvailableIpAddressCount": max(subnet.cidr.num_addresses - RESERVED - inside, 0),
        }
    return shown


def _held(interface: Interface) -> int:
    """How many IPv4 addresses it keeps from others."""
    prefixes = sum(each.num_addresses for each in interface.prefixes if each.version == 4)
    return sum(each.version == 4 for each in interface.addresses) + prefixes
