"""VPCs, subnets, peerings, prefix lists and associations of groups with other VPCs."""

from __future__ import annotations

from ipaddress import IPv4Network

from sgsim.model import GroupVpcAssociation, Network, PrefixList, Subnet, Vpc, VpcPeeringConnection
from sgsim.sources.checks import ipv4_network, network
from sgsim.sources.cloudformation.groups import identity
from sgsim.sources.cloudformation.template import Template
from sgsim.sources.infrastructure.drafts import Doubts, Drafts
from sgsim.sources.infrastructure.values import Unknown, Value

_FAMILIES = {"IPv4": 4, "IPv6": 6}
_REGION = "AWS::Region"


def read_networks(template: Template, drafts: Drafts, doubts: Doubts) -> None:
    """Everything goes by its logical id; what is made elsewhere, by the expression that names it."""
    for resource in template.resources("AWS::EC2::VPC"):
        cidr = _cidr(resource.value("CidrBlock"), doubts)
        drafts.vpcs[resource.name] = Vpc(resource.name, cidr, name_tag(resource.value("Tags")))
    for resource in template.resources("AWS::EC2::VPCCidrBlock"):
        vpc_id = identity(resource.value("VpcId"))
        provided = resource.value("AmazonProvidedIpv6CidrBlock").flag() not in (None, False)
        if vpc_id and (provided or any(resource.value(key) for key in ("Ipv6CidrBlock", "Ipv6IpamPoolId", "Ipv6Pool"))):
            drafts.ipv6_vpcs.add(vpc_id)
    for resource in template.resources("AWS::EC2::Subnet"):
        vpc_id = identity(resource.value("VpcId"))
        drafts.subnets[resource.name] = Subnet(resource.name, vpc_id, _cidr(resource.value("CidrBlock"), doubts))
        if vpc_id and (resource.value("Ipv6CidrBlock") or resource.value("Ipv6IpamPoolId")):
            drafts.ipv6_vpcs.add(vpc_id)
    for resource in template.resources("AWS::EC2::PrefixList"):
        drafts.prefix_lists[resource.name] = _prefix_list(resource.name, resource.properties, drafts, doubts)
    for resource in template.resources("AWS::EC2::VPCPeeringConnection"):
        ends = [identity(resource.value(key)) or "" for key in ("VpcId", "PeerVpcId")]
        here, there = template.evaluator.parameters[_REGION], resource.value("PeerRegion").text()
        regions = [each.name if isinstance(each, Unknown) else each for each in (here, there or here)]
        drafts.peerings[resource.name] = VpcPeeringConnection(resource.name, ends[0], ends[1], "active", *regions)
    for resource in template.resources("AWS::EC2::SecurityGroupVpcAssociation"):
        group_id, vpc_id = identity(resource.value("GroupId")), identity(resource.value("VpcId"))
        if group_id and vpc_id:
            drafts.associations.append(GroupVpcAssociation(group_id, vpc_id))


def name_tag(tags: Value) -> str:
    """The value of the Name tag, "" where there is none or it is not known."""
    for tag in tags.items():
        if isinstance(tag.raw, dict) and tag.raw.get("Key") == "Name":
            return tag.at("Value").word()
    return ""


def _cidr(value: Value, doubts: Doubts) -> IPv4Network | None:
    text = value.word()
    return ipv4_network(text, value.place, doubts.notes) if text else None


def _prefix_list(name: str, properties: Value, drafts: Drafts, doubts: Doubts) -> PrefixList:
    family = _FAMILIES.get(properties.at("AddressFamily").word())
    known: list[Network] = []
    for entry in properties.at("Entries").items():
        cidr = entry.at("Cidr")
        text = cidr.text()
        if isinstance(text, Unknown):
            doubts.unknown(cidr.place, text, "what only this entry might admit is unresolved")
            drafts.incomplete_lists.add(name)
        elif text:
            known.append(network(text, family, cidr.place, doubts.notes))
            family = known[-1].version
    return PrefixList(name, properties.at("PrefixListName").word() or name, family, tuple(dict.fromkeys(known)))
