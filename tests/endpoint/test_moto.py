"""What moto answers: it is shown the cloud's VPCs and subnets, and makes nothing that the cloud should hold."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from sgsim.control import Caller, Cloud
from tests.endpoint.clients import ACCOUNT, REGION, client

HOME = Caller(ACCOUNT, REGION)


def code(call, **params) -> str:
    """What a call is refused with."""
    with pytest.raises(ClientError) as error:
        call(**params)
    return str(error.value.response["Error"]["Code"])


@pytest.fixture
def vpc(ec2) -> str:
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def subnet(ec2, vpc) -> str:
    return ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]


@pytest.fixture
def default_vpc(ec2) -> str:
    return ec2.describe_vpcs()["Vpcs"][0]["VpcId"]


def of_vpc(vpc_id: str) -> list[dict]:
    return [{"Name": "vpc-id", "Values": [vpc_id]}]


def local_routes(ec2, vpc_id: str) -> set[str]:
    """The destinations of the main route table's local routes."""
    (table,) = ec2.describe_route_tables(Filters=of_vpc(vpc_id))["RouteTables"]
    return {
        route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"]
        for route in table["Routes"]
        if route.get("GatewayId") == "local"
    }


def test_the_public_facts_are_answered(ec2):
    """Zones, Regions, images, instance types, account attributes."""
    assert {zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]} >= {"us-east-1a"}
    assert ec2.describe_regions()["Regions"]
    assert ec2.describe_images(Owners=["amazon"])["Images"]
    types = ec2.describe_instance_types(InstanceTypes=["t3.micro"])["InstanceTypes"]
    assert types[0]["VCpuInfo"]["DefaultVCpus"] == 2
    assert ec2.describe_account_attributes()["AccountAttributes"]


def test_a_vpc_has_its_plumbing(ec2, vpc, subnet):
    """Main route table, default network ACL with the subnet, attributes; as the AWS CLI and Terraform look for them."""
    (table,) = ec2.describe_route_tables(Filters=of_vpc(vpc))["RouteTables"]
    assert table["Associations"][0]["Main"] is True
    (acl,) = ec2.describe_network_acls(Filters=of_vpc(vpc))["NetworkAcls"]
    assert [each["SubnetId"] for each in acl["Associations"]] == [subnet]
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"] is True
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    shown = ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")
    assert shown["EnableDnsHostnames"]["Value"] is True


def test_route_tables_follow_the_blocks_of_their_vpc(ec2, vpc):
    """A block that comes or goes brings or takes its local route."""
    assert local_routes(ec2, vpc) == {"10.0.0.0/16"}
    second = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]
    ipv6 = ec2.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)["Ipv6CidrBlockAssociation"]
    assert local_routes(ec2, vpc) == {"10.0.0.0/16", "10.1.0.0/16", ipv6["Ipv6CidrBlock"]}
    ec2.disassociate_vpc_cidr_block(AssociationId=second["AssociationId"])
    ec2.disassociate_vpc_cidr_block(AssociationId=ipv6["AssociationId"])
    assert local_routes(ec2, vpc) == {"10.0.0.0/16"}


def test_a_way_to_the_internet(ec2, vpc, subnet):
    """Gateway, route table, route and association are made, hold their VPC fast, and go."""
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    (shown,) = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
    assert shown["Attachments"] == [{"State": "available", "VpcId": vpc}]
    ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_subnet(SubnetId=subnet)
    assert code(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    ec2.delete_route_table(RouteTableId=table)
    assert code(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_vpc(VpcId=vpc)
    assert not ec2.describe_route_tables(Filters=of_vpc(vpc))["RouteTables"]
    assert not ec2.describe_network_acls(Filters=of_vpc(vpc))["NetworkAcls"]


def test_a_nat_gateway_holds_its_subnet(ec2, subnet):
    """It has an address of its own; its interface has no groups, and is in no snapshot."""
    address = ec2.allocate_address(Domain="vpc")
    made = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address["AllocationId"])["NatGateway"]
    (shown,) = ec2.describe_nat_gateways(NatGatewayIds=[made["NatGatewayId"]])["NatGateways"]
    assert shown["NatGatewayAddresses"][0]["PublicIp"] == address["PublicIp"]
    assert code(ec2.delete_subnet, SubnetId=subnet) == "DependencyViolation"
    assert not ec2.describe_network_interfaces()["NetworkInterfaces"]
    ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    ec2.delete_subnet(SubnetId=subnet)
    assert "AssociationId" not in ec2.describe_addresses()["Addresses"][0]
    ec2.release_address(AllocationId=address["AllocationId"])
    assert code(ec2.delete_nat_gateway, NatGatewayId="nat-00000000000000000") == "NatGatewayNotFound"


def test_an_elastic_ip_address_of_an_interface_would_be_in_no_snapshot(ec2, subnet):
    """Rules are matched with private addresses, but a snapshot shows public ones too: it is refused."""
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    refused = {"AllocationId": address, "NetworkInterfaceId": interface}
    assert code(ec2.associate_address, **refused) == "UnsupportedOperation"


def test_a_group_of_old_vpcs_keeps_internet_gateways_out(ec2, vpc):
    """``2009-07-15-default`` must be deleted first."""
    group = ec2.create_security_group(GroupName="2009-07-15-default", Description="as of old", VpcId=vpc)["GroupId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    assert code(ec2.attach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc) == "DependencyViolation"
    ec2.delete_security_group(GroupId=group)
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)


def test_moto_holds_nothing_that_the_cloud_should(ec2, server, subnet, default_vpc):
    """Calls that would make groups, interfaces or instances in moto are refused, and there are none."""
    group = ec2.create_security_group(GroupName="web", Description="of the web")["GroupId"]
    refused = {
        "request_spot_instances": {"LaunchSpecification": {"ImageId": "ami-03cf127a", "SubnetId": subnet}},
        "create_vpc_endpoint": {
            "VpcId": default_vpc,
            "VpcEndpointType": "Interface",
            "ServiceName": "com.amazonaws.us-east-1.ssm",
            "SecurityGroupIds": [group],
        },
    }
    for name, params in refused.items():
        assert code(getattr(ec2, name), **params) == "UnsupportedOperation", name
    moto = server.answer.__self__.moto.plumbing(HOME)
    assert not any(moto.groups.values())
    assert not moto.enis
    assert not moto.reservations


def test_moto_is_as_it_was_for_others(ec2):
    """A program that serves a cloud may use moto itself: its own VPCs have groups."""
    ec2.describe_internet_gateways()
    with mock_aws():
        own = boto3.client("ec2", REGION, aws_access_key_id="any", aws_secret_access_key="any")
        assert own.describe_security_groups()["SecurityGroups"]
        own.close()


def test_what_moto_cannot_know_is_not_said_to_be_missing(ec2, subnet):
    """A volume for an instance of the cloud's: moto would say that the instance does not exist."""
    run = {"ImageId": "ami-03cf127a", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet}
    instance = ec2.run_instances(**run)["Instances"][0]["InstanceId"]
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    attach = {"VolumeId": volume, "InstanceId": instance, "Device": "/dev/sdh"}
    assert code(ec2.attach_volume, **attach) == "UnsupportedOperation"
    assert code(ec2.monitor_instances, InstanceIds=[instance]) == "UnsupportedOperation"


def test_routes_lead_to_what_the_cloud_has(ec2, vpc, subnet, default_vpc):
    """Interfaces, instances and peerings; what is not there is refused in the cloud's words."""
    run = {"ImageId": "ami-03cf127a", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet}
    peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=default_vpc)["VpcPeeringConnection"]
    targets = {
        "NetworkInterfaceId": ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"],
        "InstanceId": ec2.run_instances(**run)["Instances"][0]["InstanceId"],
        "VpcPeeringConnectionId": peering["VpcPeeringConnectionId"],
    }
    codes = {
        "NetworkInterfaceId": "InvalidNetworkInterfaceID.NotFound",
        "InstanceId": "InvalidInstanceID.NotFound",
        "VpcPeeringConnectionId": "InvalidVpcPeeringConnectionID.NotFound",
    }
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    for number, (name, target) in enumerate(targets.items()):
        route = {"RouteTableId": table, "DestinationCidrBlock": f"192.0.2.{number}/32"}
        missing = f"{target.rpartition('-')[0]}-00000000000000000"
        assert code(ec2.create_route, **{name: missing}, **route) == codes[name]
        ec2.create_route(**{name: target}, **route)
        (shown,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        assert target in {each.get(name) for each in shown["Routes"]}
        ec2.replace_route(**{name: target}, **route)


def test_accounts_and_regions_are_apart(server, ec2):
    """A gateway is where it was made."""
    ec2.create_internet_gateway()
    for account, region in (("210987654321", REGION), (ACCOUNT, "eu-west-1")):
        elsewhere = client(server.url, account=account, region=region)
        assert not elsewhere.describe_internet_gateways()["InternetGateways"]
        assert len(elsewhere.describe_route_tables()["RouteTables"]) == 1
        elsewhere.close()


def test_a_region_that_moto_does_not_know_has_groups_all_the_same(server):
    """The cloud takes any name of a Region's form; what would be moto's is refused."""
    abroad = client(server.url, region="eu-north-9")
    assert abroad.describe_security_groups()["SecurityGroups"]
    assert code(abroad.describe_internet_gateways) == "UnsupportedOperation"
    abroad.close()


def test_a_snapshot_without_blocks_or_zones_has_plumbing(tmp_path):
    """Groups alone say no more of their VPC than its id."""
    from sgsim.endpoint import serve

    path = tmp_path / "scenario.yaml"
    path.write_text("security_groups: {web: {ingress: [tcp 443 from any]}}\n")
    server = serve(Cloud.load(path, ACCOUNT, REGION))
    ec2 = client(server.url)
    assert [table["VpcId"] for table in ec2.describe_route_tables()["RouteTables"]] == ["vpc-scenario"]
    ec2.create_tags(Resources=["web"], Tags=[{"Key": "a", "Value": "1"}])
    assert tagged(ec2) == {("web", "a", "1")}
    ec2.close()
    server.close()


def tagged(ec2, **params) -> set[tuple[str, str, str]]:
    """What DescribeTags lists."""
    found = ec2.describe_tags(**params)["Tags"]
    return {(tag["ResourceId"], tag["Key"], tag["Value"]) for tag in found}


def test_tags_of_the_cloud_and_of_moto_are_one(ec2, vpc):
    """One call may tag resources of both, and all are listed together."""
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.create_tags(Resources=[vpc, gateway], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    both = {(name, key, value) for name in (vpc, gateway) for key, value in (("a", "1"), ("b", "2"))}
    assert tagged(ec2) == both
    (shown,) = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
    assert {"Key": "a", "Value": "1"} in shown["Tags"]
    (shown,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert {"Key": "a", "Value": "1"} in shown["Tags"]
    ec2.delete_tags(Resources=[vpc, gateway], Tags=[{"Key": "a"}])
    assert tagged(ec2) == {(vpc, "b", "2"), (gateway, "b", "2")}
    ec2.delete_tags(Resources=[gateway])
    assert tagged(ec2) == {(vpc, "b", "2")}


def test_tags_of_both_are_filtered_and_paged(ec2, vpc):
    """As if one store held them."""
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    tags = [{"Key": f"key-{number}", "Value": str(number)} for number in range(4)]
    ec2.create_tags(Resources=[vpc, gateway], Tags=tags)
    kind = [{"Name": "resource-type", "Values": ["internet-gateway"]}]
    assert {name for name, _, _ in tagged(ec2, Filters=kind)} == {gateway}
    assert len(tagged(ec2, Filters=[{"Name": "key", "Values": ["key-?"]}])) == 8
    assert len(tagged(ec2, Filters=[{"Name": "tag:key-1", "Values": ["1"]}])) == 2
    pages = list(ec2.get_paginator("describe_tags").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Tags"]) for page in pages] == [5, 3]


def test_tags_are_given_to_all_or_none(ec2, vpc):
    """Whoever does not have a resource says so before anything is tagged."""
    tags = [{"Key": "a", "Value": "1"}]
    missing = "igw-00000000000000000"
    assert code(ec2.create_tags, Resources=[vpc, missing], Tags=tags) == "InvalidInternetGatewayID.NotFound"
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    assert code(ec2.create_tags, Resources=["vpc-00000000000000000", gateway], Tags=tags) == "InvalidVpcID.NotFound"
    assert code(ec2.create_tags, Resources=[vpc, gateway], Tags=tags, DryRun=True) == "DryRunOperation"
    assert code(ec2.create_tags, Resources=["nonsense", vpc], Tags=tags) == "InvalidID"
    assert code(ec2.create_tags, Resources=[], Tags=tags) == "MissingParameter"
    assert not tagged(ec2)
