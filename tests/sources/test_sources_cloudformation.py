"""CloudFormation templates: every kind of resource, in YAML with short tags and in JSON."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
import yaml

from sgsim.model import GroupReference, PrefixListReference, UnknownPeer

GROUP = "{{A: {{Type: AWS::EC2::SecurityGroup, Properties: {{{}}}}}}}"
EVERYWHERE = IPv4Network("0.0.0.0/0")
HEAD = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  VpcId: {Type: "AWS::EC2::VPC::Id"}
  Office: {Type: String}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16, Tags: [{Key: Name, Value: main}]}}
"""


def rules(topology, group_id):
    """(id, protocol, from, to, peer) of all rules of a group."""
    group = topology.groups[group_id]
    return [(r.rule_id, r.protocol, r.from_port, r.to_port, r.peer) for r in group.ingress + group.egress]


def test_a_group_in_yaml_and_in_json(load) -> None:
    """Short tags are functions; ports may be texts; groups, VPCs and lists go by their logical ids."""
    template = (
        HEAD
        + """
  Corp:
    Type: AWS::EC2::PrefixList
    Properties: {PrefixListName: corp, AddressFamily: IPv4, MaxEntries: 2, Entries: [{Cidr: 198.51.100.0/24}]}
  Web:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: web servers
      GroupName: web
      VpcId: !Ref Vpc
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: "443", ToPort: "443", CidrIp: 0.0.0.0/0, Description: the world}
        - {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIpv6: "::/0"}
        - {IpProtocol: icmp, FromPort: 8, ToPort: -1, SourcePrefixListId: !Ref Corp}
        - {IpProtocol: -1, SourceSecurityGroupId: !GetAtt Db.GroupId}
      SecurityGroupEgress:
        - {IpProtocol: "47", DestinationSecurityGroupId: !GetAtt [Db, GroupId]}
        - {IpProtocol: udp, FromPort: 53, ToPort: 53, DestinationPrefixListId: pl-1234}
  Db:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: databases, VpcId: !GetAtt Web.VpcId}
"""
    )
    topology = load(template)
    assert (topology.groups["Web"].name, topology.groups["Web"].vpc_id) == ("web", "Vpc")
    assert (topology.groups["Db"].name, topology.groups["Db"].vpc_id) == ("Db", "Vpc")
    assert (topology.vpcs["Vpc"].name, topology.vpcs["Vpc"].cidr) == ("main", IPv4Network("10.0.0.0/16"))
    assert topology.prefix_lists["Corp"].entries == (IPv4Network("198.51.100.0/24"),)
    assert rules(topology, "Web") == [
        ("Web/ingress/0", 6, 443, 443, EVERYWHERE),
        ("Web/ingress/1", 6, 443, 443, IPv6Network("::/0")),
        ("Web/ingress/2", 1, 8, -1, PrefixListReference("Corp")),
        ("Web/ingress/3", -1, None, None, GroupReference("Db")),
        ("Web/egress/0", 47, None, None, GroupReference("Db")),
        ("Web/egress/1", 17, 53, 53, PrefixListReference("pl-1234")),
    ]
    assert topology.groups["Web"].ingress[0].description == "the world"
    written_out = yaml.load(template, _Tagged)
    assert load(written_out).groups == topology.groups


class _Tagged(yaml.SafeLoader):
    """Short tags written out, as JSON has them, by another parser than sgsim's."""


def _written_out(loader, suffix, node):
    kind = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: loader.construct_sequence}
    value = kind.get(type(node), loader.construct_mapping)(
        node, *(() if isinstance(node, yaml.ScalarNode) else (True,))
    )
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Tagged.add_multi_constructor("!", _written_out)


def test_awss_own_egress_rule_stays_without_one_in_the_group(load) -> None:
    """A rule that is a resource does not take it away; AWS adds one for IPv6 where the VPC has an IPv6 CIDR."""
    group = "Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: x, VpcId: !Ref "
    template = (
        HEAD
        + f"""
  A: {{{group} VpcId}}}}
  B: {{{group} Vpc}}}}
  Empty: {{{group} Vpc, SecurityGroupEgress: []}}}}
  Own: {{{group} Vpc, SecurityGroupEgress: [{{IpProtocol: -1, CidrIp: 127.0.0.1/32}}]}}}}
  Out:
    Type: AWS::EC2::SecurityGroupEgress
    Properties: {{GroupId: !Ref A, IpProtocol: tcp, FromPort: 1, ToPort: 1, CidrIp: 10.0.0.0/8}}
"""
    )
    topology = load(template)
    assert rules(topology, "A") == [
        ("A/egress/0", -1, None, None, EVERYWHERE),
        ("Out", 6, 1, 1, IPv4Network("10.0.0.0/8")),
    ]
    for name in ("B", "Empty"):
        assert rules(topology, name) == [(f"{name}/egress/0", -1, None, None, EVERYWHERE)]
    assert rules(topology, "Own") == [("Own/egress/0", -1, None, None, IPv4Network("127.0.0.1/32"))]
    both = [EVERYWHERE, IPv6Network("::/0")]
    block = "\n  Six: {Type: AWS::EC2::VPCCidrBlock, Properties: {VpcId: !Ref Vpc, AmazonProvidedIpv6CidrBlock: true}}"
    assert [rule[-1] for rule in rules(load(template + block), "B")] == both
    assert [rule[-1] for rule in rules(load(template + block), "A")] == [EVERYWHERE, IPv4Network("10.0.0.0/8")]
    eni = """
  Eni:
    Type: AWS::EC2::NetworkInterface
    Properties: {SubnetId: subnet-1, GroupSet: [!Ref A], Ipv6Addresses: [{Ipv6Address: "2001:db8::1"}]}
"""
    assert [rule[-1] for rule in rules(load(template + eni), "A")][:2] == both


def test_rules_that_are_resources(load) -> None:
    """They go by their logical ids; groups are named by id, by name, or by an expression that deployment will tell."""
    template = (
        HEAD
        + """
  Web: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: x, GroupName: web, VpcId: !Ref Vpc}}
  ById:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !GetAtt Web.GroupId, IpProtocol: tcp, FromPort: 1, ToPort: 2, CidrIp: !Ref Office}
  ByName:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupName: web, IpProtocol: tcp, FromPort: 3, ToPort: 3, SourceSecurityGroupName: web}
  Elsewhere:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !ImportValue base-group, IpProtocol: tcp, FromPort: 4, ToPort: 4, CidrIpv6: "::/0"}
"""
    )
    topology = load(template)
    assert rules(topology, "Web")[:2] == [
        ("ById", 6, 1, 2, UnknownPeer("Office", 4)),
        ("ByName", 6, 3, 3, GroupReference("web")),
    ]
    assert [rule[0] for rule in rules(topology, "Fn::ImportValue base-group")] == [
        "Fn::ImportValue base-group/ingress/unknown",
        "Elsewhere",
        "Fn::ImportValue base-group/egress/unknown",
    ]
    assert topology.warnings[0].endswith(
        "Resources.ById.Properties.CidrIp: Office is known only at deployment: "
        "what only this rule might admit is unresolved"
    )


def test_interfaces_and_instances(load) -> None:
    """Interfaces of their own, an instance's one, those in its list, and attachments."""
    topology = load(
        HEAD
        + """
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24}}
  Web: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: x, GroupName: web, VpcId: !Ref Vpc}}
  Eni:
    Type: AWS::EC2::NetworkInterface
    Properties:
      SubnetId: !Ref Subnet
      GroupSet: [!Ref Web]
      PrivateIpAddresses: [{PrivateIpAddress: 10.0.1.5, Primary: false}, {PrivateIpAddress: 10.0.1.4, Primary: "true"}]
      Ipv6Addresses: [{Ipv6Address: "2001:db8::4"}]
      Ipv4Prefixes: [{Ipv4Prefix: 10.0.1.16/28}]
      ConnectionTrackingSpecification: {UdpTimeout: 60, TcpEstablishedTimeout: 350}
      Tags: [{Key: Name, Value: edge}]
  Spare:
    Type: AWS::EC2::NetworkInterface
    Properties: {SubnetId: !Ref Subnet, PrivateIpAddress: 10.0.1.7, GroupSet: [!Ref Web]}
  One:
    Type: AWS::EC2::Instance
    Properties:
      SubnetId: !Ref Subnet
      SecurityGroupIds: [!Ref Web]
      PrivateIpAddress: 10.0.1.8
      Tags: [{Key: Name, Value: one}]
  Two:
    Type: AWS::EC2::Instance
    Properties:
      Tags: [{Key: Name, Value: two}]
      NetworkInterfaces:
        - {DeviceIndex: "0", NetworkInterfaceId: !Ref Eni}
        - {DeviceIndex: "1", SubnetId: !Ref Subnet, GroupSet: [!GetAtt Web.GroupId], PrivateIpAddress: 10.0.1.9}
  Attached:
    Type: AWS::EC2::NetworkInterfaceAttachment
    Properties: {InstanceId: !Ref One, NetworkInterfaceId: !Ref Spare, DeviceIndex: "1"}
  Classic: {Type: AWS::EC2::Instance, Properties: {SecurityGroups: [web], PrivateIpAddress: 10.0.1.10}}
""",
        strict=True,
    )
    assert list(topology.interfaces) == ["Eni", "Spare", "One", "Two/1", "Classic"]
    eni, spare, one, second, classic = topology.interfaces.values()
    assert eni.addresses == (IPv4Address("10.0.1.4"), IPv4Address("10.0.1.5"), IPv6Address("2001:db8::4"))
    assert eni.prefixes == (IPv4Network("10.0.1.16/28"),)
    assert (eni.name, eni.vpc_id, eni.subnet_id, eni.instance_id, eni.device_index) == (
        "edge",
        "Vpc",
        "Subnet",
        "Two",
        0,
    )
    assert (eni.udp_timeout, eni.tcp_established_timeout, eni.udp_stream_timeout) == (60, 350, None)
    assert (spare.instance_id, spare.device_index) == ("One", 1)
    assert (one.name, one.instance_id, one.device_index, one.group_ids) == ("one", "One", 0, ("Web",))
    assert (second.instance_id, second.device_index, second.group_ids) == ("Two", 1, ("Web",))
    assert (classic.group_ids, classic.vpc_id) == (("Web",), "Vpc")


def test_the_default_group_of_a_vpc_that_the_template_makes(load) -> None:
    """Interfaces without a word about groups have it: all from itself, all to anywhere. Another VPC's is unknown."""
    topology = load(
        HEAD
        + """
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24}}
  Other: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref VpcId, CidrBlock: 10.9.1.0/24}}
  One: {Type: AWS::EC2::Instance, Properties: {SubnetId: !Ref Subnet, PrivateIpAddress: 10.0.1.4}}
  Two:
    Type: AWS::EC2::NetworkInterface
    Properties: {SubnetId: !Ref Subnet, PrivateIpAddress: 10.0.1.5, GroupSet: [!GetAtt Vpc.DefaultSecurityGroup]}
  Far: {Type: AWS::EC2::Instance, Properties: {SubnetId: !Ref Other, PrivateIpAddress: 10.9.1.4}}
  Launched:
    Type: AWS::EC2::Instance
    Properties: {LaunchTemplate: {LaunchTemplateId: lt-1}, PrivateIpAddress: 10.9.1.5}
"""
    )
    default = "Vpc.DefaultSecurityGroup"
    assert [each.group_ids for each in topology.interfaces.values()] == [
        (default,),
        (default,),
        ("VpcId.DefaultSecurityGroup",),
        ("Launched.LaunchTemplate",),
    ]
    assert rules(topology, default) == [
        (f"{default}/ingress/0", -1, None, None, GroupReference(default)),
        (f"{default}/egress/0", -1, None, None, EVERYWHERE),
    ]
    assert rules(topology, "VpcId.DefaultSecurityGroup")[0][-1] == UnknownPeer("VpcId.DefaultSecurityGroup")
    assert sum("which security groups" in warning for warning in topology.warnings) == 2


def test_unknown_addresses_and_groups(load) -> None:
    """Addresses that AWS will choose are noted; a list of groups that is a parameter is unknown as a whole."""
    topology = load(
        HEAD.replace("Resources:", "  Groups: {Type: List<AWS::EC2::SecurityGroup::Id>}\nResources:")
        + """
  Web:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: x
      VpcId: !Ref VpcId
      SecurityGroupIngress:
        - {IpProtocol: -1, SourceSecurityGroupId: !Ref Web}
        - {IpProtocol: "6", FromPort: 1, ToPort: !Ref Office, CidrIp: 10.0.0.0/8}
  One: {Type: AWS::EC2::Instance, Properties: {SecurityGroupIds: [!Ref Web]}}
  Two: {Type: AWS::EC2::Instance, Properties: {SecurityGroupIds: !Ref Groups, PrivateIpAddress: 10.0.1.4}}
"""
    )
    assert rules(topology, "Web")[:3] == [
        ("Web/ingress/0", -1, None, None, GroupReference("Web")),
        ("Web/ingress/0/unknown", -1, None, None, UnknownPeer("Web")),
        ("Web/ingress/1", 6, 0, 65535, UnknownPeer("Office", 4)),
    ]
    assert topology.interfaces["Two"].group_ids == ("Groups",)
    assert any("addresses that are known only at deployment: One: no packet is theirs" in w for w in topology.warnings)
    assert topology.groups["Web"].vpc_id == topology.interfaces["One"].vpc_id == "VpcId"


def test_interfaces_of_other_resources_are_noted_once(load) -> None:
    """Load balancers, functions, launch templates: references to their groups stand for more than is known."""
    topology = load(
        HEAD
        + """
  Lb: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: x, VpcId: !Ref Vpc}}
  App:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: x
      VpcId: !Ref Vpc
      SecurityGroupIngress: [{IpProtocol: -1, SourceSecurityGroupId: !Ref Lb}]
  Front: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {SecurityGroups: [!Ref Lb]}}
  Fn: {Type: AWS::Lambda::Function, Properties: {VpcConfig: {SecurityGroupIds: [!GetAtt App.GroupId]}}}
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties: {LaunchTemplateData: {NetworkInterfaces: [{DeviceIndex: 0, Groups: [!Ref App]}]}}
  User: {Type: AWS::IAM::User, Properties: {Groups: [admins]}}
""",
        strict=True,
    )
    assert [rule[0] for rule in rules(topology, "App")][:2] == ["App/ingress/0", "App/ingress/0/unknown"]
    (warning,) = topology.warnings
    assert warning.endswith(
        "the interfaces of these are not here: Front (ElasticLoadBalancingV2::LoadBalancer), Fn (Lambda::Function), "
        "Template (EC2::LaunchTemplate): no packet is judged at them"
    )


def test_peerings_associations_and_lists_with_unknown_entries(load) -> None:
    """A peering that a stack makes is active; with another Region's VPC groups do not refer to each other."""
    topology = load(
        HEAD
        + """
  Near: {Type: AWS::EC2::VPCPeeringConnection, Properties: {VpcId: !Ref Vpc, PeerVpcId: !Ref VpcId}}
  Same:
    Type: AWS::EC2::VPCPeeringConnection
    Properties: {VpcId: !Ref Vpc, PeerVpcId: vpc-2, PeerRegion: !Ref "AWS::Region"}
  Far: {Type: AWS::EC2::VPCPeeringConnection, Properties: {VpcId: !Ref Vpc, PeerVpcId: vpc-3, PeerRegion: eu-west-1}}
  Bridge: {Type: AWS::EC2::SecurityGroupVpcAssociation, Properties: {GroupId: sg-1, VpcId: !Ref Vpc}}
  Corp:
    Type: AWS::EC2::PrefixList
    Properties: {PrefixListName: c, AddressFamily: IPv4, Entries: [{Cidr: 10.0.0.0/8}, {Cidr: !Ref Office}]}
  Web:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: x
      VpcId: !Ref Vpc
      SecurityGroupIngress: [{IpProtocol: -1, SourcePrefixListId: !Ref Corp}]
"""
    )
    regions = {name: (each.requester_region, each.accepter_region) for name, each in topology.peerings.items()}
    assert regions == {
        "Near": ("AWS::Region", "AWS::Region"),
        "Same": ("AWS::Region", "AWS::Region"),
        "Far": ("AWS::Region", "eu-west-1"),
    }
    assert topology.peerings["Near"].status == "active"
    assert topology.peerings["Near"].joins("Vpc", "VpcId")
    assert [(each.group_id, each.vpc_id) for each in topology.associations] == [("sg-1", "Vpc")]
    assert [rule[0] for rule in rules(topology, "Web")][:2] == ["Web/ingress/0", "Web/ingress/0/unknown"]


def test_conditions_of_resources(load) -> None:
    """One that does not hold: no resource; one that is unknown: a rule is unresolved, a group is there."""
    template = HEAD.replace(
        "Resources:",
        """  Stage: {Type: String, Default: dev}
Conditions:
  Never: !Equals [!Ref Stage, prod]
  Perhaps: !Equals [!Ref Office, ""]
Resources:""",
    )
    rule = "IpProtocol: tcp, FromPort: 1, ToPort: 1, CidrIp: 10.0.0.0/8"
    topology = load(
        template
        + f"""
  Gone: {{Type: AWS::EC2::SecurityGroup, Condition: Never, Properties: {{GroupDescription: x}}}}
  Web: {{Type: AWS::EC2::SecurityGroup, Condition: Perhaps, Properties: {{GroupDescription: x, VpcId: !Ref Vpc}}}}
  No: {{Type: AWS::EC2::SecurityGroupIngress, Condition: Never, Properties: {{GroupId: !Ref Web, {rule}}}}}
  Maybe: {{Type: AWS::EC2::SecurityGroupIngress, Condition: Perhaps, Properties: {{GroupId: !Ref Web, {rule}}}}}
"""
    )
    assert list(topology.groups) == ["Web"]
    assert rules(topology, "Web")[0] == ("Maybe", 6, 1, 1, UnknownPeer("Perhaps", 4))
    assert any("Perhaps is known only at deployment: the group is taken to be made" in w for w in topology.warnings)


def test_values_for_parameters(load, refused) -> None:
    """What is given decides conditions and CIDRs; pseudo parameters too; a name that is none is an error."""
    template = (
        HEAD.replace(
            "Resources:",
            """  Cidrs: {Type: CommaDelimitedList}
Conditions:
  Home: !Equals [!Ref "AWS::Region", eu-west-1]
Resources:""",
        )
        + """
  Web:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: x
      VpcId: !Ref VpcId
      SecurityGroupIngress:
        - {IpProtocol: -1, CidrIp: !If [Home, !Ref Office, !Select [1, !Ref Cidrs]]}
"""
    )
    given = {"Office": "192.0.2.0/24", "Cidrs": "10.0.0.0/8, 172.16.0.0/12", "AWS::Region": "eu-west-1"}
    assert rules(load(template, parameters=given), "Web")[0][-1] == IPv4Network("192.0.2.0/24")
    given["AWS::Region"] = "us-east-1"
    assert rules(load(template, parameters=given), "Web")[0][-1] == IPv4Network("172.16.0.0/12")
    assert "has no parameter Offise (did you mean Office?)" in refused(template, parameters={"Offise": "x"})
    assert "no CloudFormation template (leave out --parameter)" in refused("security_groups: {}", parameters=given)


def test_what_makes_resources_is_named(load) -> None:
    """Transforms, macros, modules, loops and stacks of their own: never silence."""
    topology = load(
        """
Transform: [AWS::Serverless-2016-10-31, MyMacro]
Resources:
  Web: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: x, VpcId: !Ref MadeByMacro}}
  Net: {Type: "Some::Thing::Vpc::MODULE"}
  Nested: {Type: AWS::CloudFormation::Stack}
  Fn::ForEach::Loop: [X, [a, b], {"G${X}": {Type: AWS::EC2::SecurityGroup}}]
"""
    )
    told = "\n".join(topology.warnings)
    for part in (
        "the transform AWS::Serverless-2016-10-31 is not applied",
        "the transform MyMacro is not applied",
        "Resources.Net: is not evaluated: the resources that it makes are not here",
        "Nested is a stack of its own: its template is not read",
        "Resources.Fn::ForEach::Loop: is not evaluated",
    ):
        assert part in told
    assert topology.groups["Web"].vpc_id == "MadeByMacro"


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (
            "{B: {Type: AWS::S3::Bucket}}",
            "has no security group, interface or VPC among its resources (AWS::S3::Bucket)",
        ),
        ("[]", "Resources: a list where an object belongs"),
        ("{A: {Type: AWS::EC2::VPC, Properties: [1]}}", "Resources.A.Properties: a list where an object belongs"),
        (GROUP.format("SecurityGroupIngress: x"), "'x' where a list belongs"),
        (
            GROUP.format("SecurityGroupIngress: [{CidrIp: 10.0.0.0/8}]"),
            "SecurityGroupIngress[0].IpProtocol: has no protocol",
        ),
        (
            GROUP.format("SecurityGroupIngress: [{IpProtocol: tcp, FromPort: a}]"),
            "SecurityGroupIngress[0].FromPort: 'a' where a whole number belongs",
        ),
        (
            GROUP.format("SecurityGroupIngress: [{IpProtocol: tcp, CidrIp: 1.0.0.0/8}]"),
            "SecurityGroupIngress[0].FromPort: tcp and udp need FromPort and ToPort",
        ),
        (
            GROUP.format("SecurityGroupEgress: [{IpProtocol: -1, CidrIp: 1.2.3}]"),
            "SecurityGroupEgress[0].CidrIp: '1.2.3' is no CIDR",
        ),
        (
            "{A: {Type: AWS::EC2::SecurityGroupIngress, Properties: {IpProtocol: -1}}}",
            "Resources.A.Properties: names no group",
        ),
        ("{A: {Type: AWS::EC2::VPC, Condition: C}}", "Resources.A.Condition: 'C' is no condition of the template"),
        ("{A: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref B}}}", "'B' is no parameter and no resource"),
        (
            "{A: {Type: AWS::EC2::NetworkInterface, Properties: {ConnectionTrackingSpecification: {UdpTimeout: 5}}}}",
            "UdpTimeout: 5 s is out of range",
        ),
    ],
)
def test_what_cloudformation_would_refuse_is_refused(refused, resources, message) -> None:
    """One line that names the place."""
    assert message in refused(f"AWSTemplateFormatVersion: '2010-09-09'\nResources: {resources}\n")


def test_templates_in_a_folder_are_named(folder, tmp_path) -> None:
    """A folder is for describe output: the template is to be given itself."""
    from sgsim.errors import InputError
    from sgsim.sources import load_topology

    root = folder({"stack.yaml": HEAD})
    with pytest.raises(InputError, match=r"stack\.yaml is a CloudFormation template: give that file itself"):
        load_topology(root)
    (root / "stack.json").write_text(json.dumps({"Resources": {"A": {"Type": "AWS::EC2::VPC"}}}))
    assert list(load_topology(root / "stack.json").vpcs) == ["A"]


def test_the_output_of_get_template(load) -> None:
    """The command puts the template into its reply: as an object, or as text where it was YAML."""
    body = HEAD + "  Web: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: x, VpcId: !Ref Vpc}}\n"
    assert list(load({"TemplateBody": body, "StagesAvailable": ["Original"]}).groups) == ["Web"]
    assert list(load({"TemplateBody": yaml.load(body, _Tagged)}).groups) == ["Web"]
