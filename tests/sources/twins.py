"""A topology said in another way: as a Terraform state, as a CloudFormation template. It must be judged alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from sgsim.model import (
    Direction,
    GroupReference,
    Interface,
    Packet,
    Peer,
    PrefixList,
    PrefixListReference,
    Rule,
    SecurityGroup,
    Settings,
    Subnet,
    Topology,
    UnknownPeer,
)
from sgsim.reference import ReferenceJudge
from tests.sources.terraforming import permission, state

Json = dict[str, Any]

SUBNETS = {"vpc-1": IPv4Network("10.0.1.0/24"), "vpc-2": IPv4Network("10.1.1.0/24")}


def sayable(topology: Topology, interface: Callable[[Interface], Interface]) -> Topology:
    """The topology without what infrastructure code cannot say: it knows no statuses of references, no lists without
    entries, and every interface has a group and a subnet, which tells its VPC. ``interface`` takes away the rest."""
    groups = {name: _numbered(group) for name, group in topology.groups.items()}
    interfaces = {}
    for name, owner in topology.interfaces.items():
        vpc_id = owner.vpc_id or "vpc-1"
        named = owner.group_ids or ("sg-0",)
        owner = replace(owner, vpc_id=vpc_id, subnet_id=f"subnet-{vpc_id}", group_ids=named, name="")
        interfaces[name] = interface(owner)
    subnets = {f"subnet-{vpc_id}": Subnet(f"subnet-{vpc_id}", vpc_id, cidr) for vpc_id, cidr in SUBNETS.items()}
    lists: dict[str, PrefixList] = {n: each for n, each in topology.prefix_lists.items() if each.entries is not None}
    bridges = tuple(each for each in topology.associations if each.state == "associated")
    return replace(
        topology,
        groups=groups,
        interfaces=interfaces,
        subnets=subnets,
        prefix_lists=lists,
        associations=bridges,
        auto_tracked=(),
    )


def _numbered(group: SecurityGroup) -> SecurityGroup:
    made = []
    for direction in Direction:
        rules: dict[object, Rule] = {}
        for rule in group.rules(direction):
            if isinstance(rule.peer, UnknownPeer):
                continue
            peer = GroupReference(rule.peer.group_id) if isinstance(rule.peer, GroupReference) else rule.peer
            named = replace(rule, rule_id=f"{group.group_id}/{direction}/{len(rules)}", peer=peer)
            rules.setdefault((rule.protocol, rule.from_port, rule.to_port, peer), named)
        made.append(tuple(rules.values()))
    return replace(group, ingress=made[0], egress=made[1])


def with_references(topology: Topology, rng: random.Random) -> Topology:
    """Most rules refer to groups, and many admit everything: else references between VPCs decide next to nothing."""

    def bent(rule: Rule) -> Rule:
        if rng.random() < 0.6:
            rule = replace(rule, peer=GroupReference(rng.choice([*topology.groups])))
        return replace(rule, protocol=-1, from_port=None, to_port=None) if rng.random() < 0.5 else rule

    return replace(
        topology,
        groups={
            name: replace(group, ingress=tuple(map(bent, group.ingress)), egress=tuple(map(bent, group.egress)))
            for name, group in topology.groups.items()
        },
    )


def assert_judged_alike(one: Topology, other: Topology, settings: Settings, packets: Sequence[Packet]) -> None:
    """Every decision about every packet, rules by their ids."""
    judges = ReferenceJudge(one, settings), ReferenceJudge(other, settings)
    assert [each.interface_id for each in judges[0].interfaces] == [each.interface_id for each in judges[1].interfaces]
    for packet in packets:
        first, second = (_outcome(judge.judge(packet)) for judge in judges)
        assert first == second, packet


def _outcome(decisions: object) -> object:
    if not isinstance(decisions, list):
        return decisions
    return [replace(each, rule=each.rule and replace(each.rule, description="")) for each in decisions]


# --- Terraform --------------------------------------------------------------------------------------------------------


def terraform_twin(topology: Topology, rng: random.Random) -> Json:
    """A state, each group's rules in one of the three forms that Terraform has for them."""
    values: dict[str, Json] = {}
    for n, vpc in enumerate(topology.vpcs.values()):
        values[f"aws_vpc.v{n}"] = {"id": vpc.vpc_id, "cidr_block": str(vpc.cidr)}
    for n, subnet in enumerate(topology.subnets.values()):
        values[f"aws_subnet.s{n}"] = {"id": subnet.subnet_id, "vpc_id": subnet.vpc_id, "cidr_block": str(subnet.cidr)}
    for n, listed in enumerate(topology.prefix_lists.values()):
        entries = [{"cidr": str(entry)} for entry in listed.entries or ()]
        family = f"IPv{listed.family}"
        values[f"aws_ec2_managed_prefix_list.l{n}"] = {
            "id": listed.prefix_list_id,
            "address_family": family,
            "entry": entries,
        }
    for n, joined in enumerate(topology.peerings.values()):
        values[f"aws_vpc_peering_connection.p{n}"] = {
            "id": joined.vpc_peering_connection_id,
            "vpc_id": joined.requester_vpc_id,
            "peer_vpc_id": joined.accepter_vpc_id,
            "accept_status": joined.status,
            "region": joined.requester_region,
            "peer_region": joined.accepter_region,
        }
    for n, bridge in enumerate(topology.associations):
        values[f"aws_vpc_security_group_vpc_association.a{n}"] = {
            "security_group_id": bridge.group_id,
            "vpc_id": bridge.vpc_id,
            "state": "associated",
        }
    for n, group in enumerate(topology.groups.values()):
        values |= _terraform_group(f"g{n}", group, rng)
    for n, interface in enumerate(topology.interfaces.values()):
        values[f"aws_network_interface.i{n}"] = _terraform_interface(interface, rng)
    return state(values)


def _terraform_group(name: str, group: SecurityGroup, rng: random.Random) -> dict[str, Json]:
    body: Json = {"id": group.group_id, "name": group.name, "vpc_id": group.vpc_id, "ingress": [], "egress": []}
    values = {f"aws_security_group.{name}": body}
    for direction in Direction:
        form = rng.choice(("inline", "legacy", "modern"))
        for n, rule in enumerate(group.rules(direction)):
            if form == "inline":
                body[direction].append(_permission(rule))
            elif form == "legacy":
                values[f"aws_security_group_rule.{name}_{direction}_{n}"] = _legacy(rule)
            else:
                values[f"aws_vpc_security_group_{direction}_rule.{name}_{n}"] = _modern(rule)
    return values


def _permission(rule: Rule) -> Json:
    return permission(str(rule.protocol), rule.from_port or 0, rule.to_port or 0, **_lists(rule))


def _lists(rule: Rule) -> Json:
    peer = rule.peer
    if isinstance(peer, GroupReference):
        return {"self": True} if peer.group_id == rule.group_id else {"security_groups": [peer.group_id]}
    if isinstance(peer, PrefixListReference):
        return {"prefix_list_ids": [peer.prefix_list_id]}
    return {"cidr_blocks" if _version(peer) == 4 else "ipv6_cidr_blocks": [str(peer)]}


def _legacy(rule: Rule) -> Json:
    lists = _lists(rule)
    lists["source_security_group_id"] = lists.pop("security_groups", [None])[0]
    return _ends(rule) | {"type": str(rule.direction), "protocol": str(rule.protocol)} | lists


def _modern(rule: Rule) -> Json:
    peer = rule.peer
    if isinstance(peer, GroupReference):
        named: Json = {"referenced_security_group_id": f"123456789012/{peer.group_id}"}
    elif isinstance(peer, PrefixListReference):
        named = {"prefix_list_id": peer.prefix_list_id}
    else:
        named = {f"cidr_ipv{_version(peer)}": str(peer)}
    return _ends(rule) | {"ip_protocol": str(rule.protocol)} | named


def _ends(rule: Rule) -> Json:
    names = {"security_group_id": rule.group_id, "security_group_rule_id": rule.rule_id}
    return names | {"from_port": rule.from_port, "to_port": rule.to_port}


def _version(peer: Peer) -> int:
    version: int = getattr(peer, "version", 0)
    return version


def _terraform_interface(interface: Interface, rng: random.Random) -> Json:
    v4 = [str(each) for each in interface.addresses if each.version == 4]
    shuffled = rng.sample(v4, len(v4))
    attached = [{"instance": interface.instance_id, "device_index": 1}] if interface.instance_id else []
    return {
        "id": interface.interface_id,
        "subnet_id": interface.subnet_id,
        "interface_type": interface.interface_type,
        "private_ip": v4[0] if v4 else "",
        "private_ips": shuffled,
        "ipv6_addresses": [str(each) for each in interface.addresses if each.version == 6],
        "ipv4_prefixes": [str(each) for each in interface.prefixes if each.version == 4],
        "ipv6_prefixes": [str(each) for each in interface.prefixes if each.version == 6],
        "security_groups": list(interface.group_ids),
        "attachment": attached,
    }


# --- CloudFormation ---------------------------------------------------------------------------------------------------

PORTS = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmpv6"}


def logical(topology: Topology) -> Topology:
    """The topology with ids that may be logical ids: letters and digits. A rule goes by its group's, or by its own."""
    return _renamed(topology, lambda name: name.replace("-", "").capitalize())


def _renamed(topology: Topology, new: Callable[[str], str]) -> Topology:
    def rule(old: Rule) -> Rule:
        peer = old.peer
        if isinstance(peer, GroupReference):
            peer = GroupReference(new(peer.group_id))
        elif isinstance(peer, PrefixListReference):
            peer = PrefixListReference(new(peer.prefix_list_id))
        number = old.rule_id.rpartition("/")[2]
        return replace(
            old, rule_id=f"{new(old.group_id)}/{old.direction}/{number}", group_id=new(old.group_id), peer=peer
        )

    groups = [
        SecurityGroup(
            new(group.group_id),
            new(group.name),
            group.vpc_id and new(group.vpc_id),
            tuple(map(rule, group.ingress)),
            tuple(map(rule, group.egress)),
        )
        for group in topology.groups.values()
    ]
    interfaces = [
        replace(
            each,
            interface_id=new(each.interface_id),
            vpc_id=each.vpc_id and new(each.vpc_id),
            subnet_id=each.subnet_id and new(each.subnet_id),
            instance_id=each.instance_id and new(each.instance_id),
            group_ids=tuple(map(new, each.group_ids)),
        )
        for each in topology.interfaces.values()
    ]
    lists = [replace(each, prefix_list_id=new(each.prefix_list_id)) for each in topology.prefix_lists.values()]
    vpcs = [replace(each, vpc_id=new(each.vpc_id)) for each in topology.vpcs.values()]
    subnets = [
        replace(each, subnet_id=new(each.subnet_id), vpc_id=each.vpc_id and new(each.vpc_id))
        for each in topology.subnets.values()
    ]
    joined = [
        replace(
            each,
            vpc_peering_connection_id=new(each.vpc_peering_connection_id),
            requester_vpc_id=new(each.requester_vpc_id),
            accepter_vpc_id=new(each.accepter_vpc_id),
            status="active",
        )
        for each in topology.peerings.values()
    ]
    return replace(
        topology,
        groups={each.group_id: each for each in groups},
        interfaces={each.interface_id: each for each in interfaces},
        prefix_lists={each.prefix_list_id: each for each in lists},
        vpcs={each.vpc_id: each for each in vpcs},
        subnets={each.subnet_id: each for each in subnets},
        peerings={each.vpc_peering_connection_id: each for each in joined},
        associations=tuple(
            replace(each, group_id=new(each.group_id), vpc_id=new(each.vpc_id)) for each in topology.associations
        ),
    )


def cloudformation_twin(topology: Topology, rng: random.Random) -> Json:
    """A template. Values are written out, or are parameters, Ref, Fn::GetAtt, Fn::Sub, Fn::If; rules are in their
    groups. A group without egress rules cannot be said: it has one to an address that nobody has."""
    said = _Saying(topology, rng)
    resources: Json = {}
    for vpc in topology.vpcs.values():
        resources[vpc.vpc_id] = _resource("VPC", CidrBlock=said.text(str(vpc.cidr)))
    for subnet in topology.subnets.values():
        own = said.id(subnet.vpc_id or "")
        resources[subnet.subnet_id] = _resource("Subnet", VpcId=own, CidrBlock=said.text(str(subnet.cidr)))
    for listed in topology.prefix_lists.values():
        entries = [{"Cidr": said.text(str(entry))} for entry in listed.entries or ()]
        names = {"PrefixListName": listed.name or "list", "AddressFamily": f"IPv{listed.family}"}
        resources[listed.prefix_list_id] = _resource("PrefixList", Entries=entries, **names)
    for joined in topology.peerings.values():
        ends = {"VpcId": said.id(joined.requester_vpc_id), "PeerVpcId": said.id(joined.accepter_vpc_id)}
        if joined.accepter_region != joined.requester_region and joined.accepter_region:
            ends["PeerRegion"] = joined.accepter_region
        resources[joined.vpc_peering_connection_id] = _resource("VPCPeeringConnection", **ends)
    for n, bridge in enumerate(topology.associations):
        ends = {"GroupId": said.id(bridge.group_id), "VpcId": said.id(bridge.vpc_id)}
        resources[f"Bridge{n}"] = _resource("SecurityGroupVpcAssociation", **ends)
    for group in topology.groups.values():
        ingress = [said.rule(rule) for rule in group.ingress]
        egress = [said.rule(rule) for rule in group.egress]
        egress = egress or [{"IpProtocol": "icmp", "FromPort": 252, "ToPort": 86, "CidrIp": "255.255.255.255/32"}]
        body = {"GroupDescription": "x", "VpcId": said.id(group.vpc_id or "")}
        resources[group.group_id] = _resource(
            "SecurityGroup", SecurityGroupIngress=ingress, SecurityGroupEgress=egress, **body
        )
    for interface in topology.interfaces.values():
        resources[interface.interface_id] = said.interface(interface)
    parameters = {name: {"Type": "String", "Default": text} for name, text in said.parameters.items()}
    conditions = {"Yes": {"Fn::Equals": ["a", "a"]}, "No": {"Fn::Not": [{"Condition": "Yes"}]}}
    return {"Parameters": parameters, "Conditions": conditions, "Resources": resources}


def _resource(kind: str, **properties: Any) -> Json:
    return {"Type": f"AWS::EC2::{kind}", "Properties": properties}


class _Saying:
    """Says ids and texts in one of the ways that templates have for them."""

    def __init__(self, topology: Topology, rng: random.Random) -> None:
        self._rng = rng
        self._made = {*topology.groups, *topology.vpcs, *topology.subnets, *topology.prefix_lists}
        self._groups = set(topology.groups)
        self.parameters: dict[str, str] = {}

    def id(self, name: str) -> Any:
        if name not in self._made:
            return self.text(name)
        ways: list[Any] = [{"Ref": name}, {"Fn::Sub": f"${{{name}}}"}, {"Fn::If": ["No", "nobody", {"Ref": name}]}]
        if name in self._groups:
            ways.append({"Fn::GetAtt": [name, "GroupId"]})
        return self._rng.choice(ways)

    def text(self, text: str) -> Any:
        way = self._rng.randrange(4)
        if way == 0:
            name = f"Text{len(self.parameters)}"
            self.parameters[name] = text
            return {"Ref": name}
        if way == 1:
            return {"Fn::Join": ["", [text[:3], text[3:]]]}
        return {"Fn::If": ["Yes", text, {"Ref": "AWS::NoValue"}]} if way == 2 else text

    def rule(self, rule: Rule) -> Json:
        end = "Source" if rule.direction is Direction.INGRESS else "Destination"
        peer = rule.peer
        if isinstance(peer, GroupReference):
            named = {f"{end}SecurityGroupId": self.id(peer.group_id)}
        elif isinstance(peer, PrefixListReference):
            named = {f"{end}PrefixListId": self.id(peer.prefix_list_id)}
        else:
            named = {"CidrIp" if _version(peer) == 4 else "CidrIpv6": self.text(str(peer))}
        ports = {} if rule.from_port is None else {"FromPort": str(rule.from_port), "ToPort": rule.to_port}
        protocol: Any = self._rng.choice((PORTS.get(rule.protocol, rule.protocol), str(rule.protocol)))
        return {"IpProtocol": protocol} | ports | named

    def interface(self, interface: Interface) -> Json:
        v4 = [str(each) for each in interface.addresses if each.version == 4]
        listed = [{"PrivateIpAddress": self.text(each), "Primary": str(each == v4[0]).lower()} for each in v4]
        self._rng.shuffle(listed)
        v6 = [{"Ipv6Address": str(each)} for each in interface.addresses if each.version == 6]
        tracking = {
            "TcpEstablishedTimeout": interface.tcp_established_timeout,
            "UdpTimeout": interface.udp_timeout,
            "UdpStreamTimeout": interface.udp_stream_timeout,
        }
        return _resource(
            "NetworkInterface",
            SubnetId=self.id(interface.subnet_id or ""),
            GroupSet=[self.id(group_id) for group_id in interface.group_ids],
            PrivateIpAddresses=listed,
            Ipv6Addresses=v6,
            Ipv4Prefixes=[{"Ipv4Prefix": str(each)} for each in interface.prefixes if each.version == 4],
            ConnectionTrackingSpecification={key: value for key, value in tracking.items() if value is not None},
        )
