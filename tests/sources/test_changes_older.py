"""CloudTrail's events of EC2's older calls: names in lower case, lists under items."""

from __future__ import annotations

import pytest

from tests.sources.trailevents import ACCOUNT, PEERING, PEERING_READ, RETURNED, event

GROUPS = {"items": [{"groupId": "sg-1", "groupName": "web"}, {"groupId": "sg-2", "groupName": "db"}]}
INTERFACE = {
    "networkInterfaceId": "eni-1",
    "subnetId": "subnet-1",
    "vpcId": "vpc-1",
    "ownerId": ACCOUNT,
    "requesterManaged": False,
    "status": "pending",
    "interfaceType": "interface",
    "macAddress": "0a:00:00:00:00:01",
    "privateIpAddress": "10.0.0.5",
    "sourceDestCheck": True,
    "groupSet": GROUPS,
    "privateIpAddressesSet": {"item": [{"privateIpAddress": "10.0.0.5", "primary": True}]},
    "ipv6AddressesSet": {},
    "ipv4PrefixSet": {"item": [{"ipv4Prefix": "10.0.1.0/28"}]},
    "tagSet": {"items": [{"key": "Name", "value": "web-1"}]},
}
INTERFACE_READ = {
    "NetworkInterfaceId": "eni-1",
    "SubnetId": "subnet-1",
    "VpcId": "vpc-1",
    "OwnerId": ACCOUNT,
    "RequesterManaged": False,
    "Status": "pending",
    "InterfaceType": "interface",
    "PrivateIpAddress": "10.0.0.5",
    "SourceDestCheck": True,
    "Groups": [{"GroupId": "sg-1", "GroupName": "web"}, {"GroupId": "sg-2", "GroupName": "db"}],
    "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.5", "Primary": True}],
    "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.1.0/28"}],
    "TagSet": [{"Key": "Name", "Value": "web-1"}],
}
TAG_SPECIFICATIONS = {"items": [{"resourceType": "x", "tags": [{"key": "Name", "value": "web-1"}]}]}
TAG_SPECIFICATIONS_READ = [{"ResourceType": "x", "Tags": [{"Key": "Name", "Value": "web-1"}]}]
OLDER = [
    (
        event(
            "CreateSecurityGroup",
            {"groupName": "web", "groupDescription": "for web", "vpcId": "vpc-1", "tagSpecificationSet": {}},
            RETURNED | {"groupId": "sg-1"},
        ),
        {"GroupName": "web", "Description": "for web", "VpcId": "vpc-1"},
        {"GroupId": "sg-1"},
    ),
    (event("DeleteSecurityGroup", {"groupId": "sg-1"}, RETURNED), {"GroupId": "sg-1"}, None),
    (
        event(
            "AuthorizeSecurityGroupIngress",
            {"groupId": "sg-1", "ipPermissions": {}, "ipProtocol": "tcp", "fromPort": 0, "toPort": 9, "cidrIp": "::/0"},
            RETURNED,
        ),
        {"GroupId": "sg-1", "IpProtocol": "tcp", "FromPort": 0, "ToPort": 9, "CidrIp": "::/0"},
        {"Return": True},
    ),
    (
        event(
            "AuthorizeSecurityGroupEgress",
            {"groupId": "sg-1", "ipPermissions": {"items": [{"ipProtocol": "-1", "ipRanges": {}}]}},
            RETURNED,
        ),
        {"GroupId": "sg-1", "IpPermissions": [{"IpProtocol": "-1"}]},
        {"Return": True},
    ),
    (
        event(
            "RevokeSecurityGroupIngress",
            {
                "groupId": "sg-1",
                "ipPermissions": {},
                "securityGroupRuleIds": {"items": [{"securityGroupRuleId": "sgr-1"}, {"securityGroupRuleId": "sgr-2"}]},
            },
            RETURNED | {"unknownIpPermissionSet": {}, "revokedSecurityGroupRuleSet": {}},
        ),
        {"GroupId": "sg-1", "SecurityGroupRuleIds": ["sgr-1", "sgr-2"]},
        {"Return": True},
    ),
    (
        event("RevokeSecurityGroupEgress", {"groupId": "sg-1", "securityGroupRuleIds": {"items": ["sgr-1"]}}, RETURNED),
        {"GroupId": "sg-1", "SecurityGroupRuleIds": ["sgr-1"]},
        {"Return": True},
    ),
    (
        event(
            "UpdateSecurityGroupRuleDescriptionsIngress",
            {
                "groupId": "sg-1",
                "ipPermissions": {
                    "items": [
                        {"ipProtocol": "udp", "ipRanges": {"items": [{"cidrIp": "10.0.0.0/8", "description": ""}]}}
                    ]
                },
            },
            RETURNED,
        ),
        {
            "GroupId": "sg-1",
            "IpPermissions": [{"IpProtocol": "udp", "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": ""}]}],
        },
        {"Return": True},
    ),
    (
        event(
            "CreateNetworkInterface",
            {
                "subnetId": "subnet-1",
                "description": "",
                "groupSet": {"items": [{"groupId": "sg-1"}, {"groupId": "sg-2"}]},
                "privateIpAddressesSet": {"item": [{"privateIpAddress": "10.0.0.5", "primary": True}]},
                "ipv6AddressCount": 1,
                "tagSpecificationSet": TAG_SPECIFICATIONS,
            },
            {"requestId": "1-2", "networkInterface": INTERFACE},
        ),
        {
            "SubnetId": "subnet-1",
            "Description": "",
            "Groups": ["sg-1", "sg-2"],
            "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.5", "Primary": True}],
            "Ipv6AddressCount": 1,
            "TagSpecifications": TAG_SPECIFICATIONS_READ,
        },
        {"NetworkInterface": INTERFACE_READ},
    ),
    (event("DeleteNetworkInterface", {"networkInterfaceId": "eni-1"}, RETURNED), {"NetworkInterfaceId": "eni-1"}, None),
    (
        event(
            "AttachNetworkInterface",
            {"networkInterfaceId": "eni-1", "instanceId": "i-1", "deviceIndex": 1},
            {"requestId": "1-2", "attachmentId": "eni-attach-1"},
        ),
        {"NetworkInterfaceId": "eni-1", "InstanceId": "i-1", "DeviceIndex": 1},
        {"AttachmentId": "eni-attach-1"},
    ),
    (
        event("DetachNetworkInterface", {"attachmentId": "eni-attach-1", "force": False}, RETURNED),
        {"AttachmentId": "eni-attach-1", "Force": False},
        None,
    ),
    (
        event(
            "ModifyNetworkInterfaceAttribute",
            {"networkInterfaceId": "eni-1", "groupSet": {"items": [{"groupId": "sg-1"}]}},
            RETURNED,
        ),
        {"NetworkInterfaceId": "eni-1", "Groups": ["sg-1"]},
        None,
    ),
    (
        event("ModifyInstanceAttribute", {"instanceId": "i-1", "groupSet": {"items": [{"groupId": "sg-1"}]}}, RETURNED),
        {"InstanceId": "i-1", "Groups": ["sg-1"]},
        None,
    ),
    (
        event(
            "AssignPrivateIpAddresses",
            {"networkInterfaceId": "eni-1", "privateIpAddressesSet": {"item": [{"privateIpAddress": "10.0.0.9"}]}},
            RETURNED
            | {
                "networkInterfaceId": "eni-1",
                "assignedPrivateIpAddressesSet": {
                    "assignedPrivateIpAddressSetType": [{"privateIpAddress": "10.0.0.9"}]
                },
            },
        ),
        {"NetworkInterfaceId": "eni-1", "PrivateIpAddresses": ["10.0.0.9"]},
        {"NetworkInterfaceId": "eni-1", "AssignedPrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.9"}]},
    ),
    (
        event(
            "UnassignPrivateIpAddresses",
            {"networkInterfaceId": "eni-1", "privateIpAddressesSet": {"item": [{"privateIpAddress": "10.0.0.9"}]}},
            RETURNED,
        ),
        {"NetworkInterfaceId": "eni-1", "PrivateIpAddresses": ["10.0.0.9"]},
        None,
    ),
    (
        event(
            "TerminateInstances",
            {"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}},
            {"requestId": "1-2", "instancesSet": {"items": [{"instanceId": "i-1", "currentState": {"code": 32}}]}},
        ),
        {"InstanceIds": ["i-1", "i-2"]},
        None,
    ),
    (
        event(
            "CreateVpcPeeringConnection",
            {"vpcId": "vpc-1", "peerVpcId": "vpc-2", "peerOwnerId": "444455556666"},
            {"requestId": "1-2", "vpcPeeringConnection": PEERING},
        ),
        {"VpcId": "vpc-1", "PeerVpcId": "vpc-2", "PeerOwnerId": "444455556666"},
        {"VpcPeeringConnection": PEERING_READ},
    ),
    (
        event(
            "CreateVpc",
            {"cidrBlock": "10.0.0.0/16", "instanceTenancy": "default", "amazonProvidedIpv6CidrBlock": False},
            {"requestId": "1-2", "vpc": {"vpcId": "vpc-1", "state": "pending", "cidrBlock": "10.0.0.0/16"}},
        ),
        {"CidrBlock": "10.0.0.0/16", "InstanceTenancy": "default", "AmazonProvidedIpv6CidrBlock": False},
        {"Vpc": {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}},
    ),
    (
        event("CreateDefaultVpc", None, {"requestId": "1-2", "vpc": {"vpcId": "vpc-1", "isDefault": True}}),
        {},
        {"Vpc": {"VpcId": "vpc-1", "IsDefault": True}},
    ),
    (event("DeleteVpc", {"vpcId": "vpc-1"}, RETURNED), {"VpcId": "vpc-1"}, None),
    (
        event(
            "CreateSubnet",
            {"vpcId": "vpc-1", "cidrBlock": "10.0.1.0/24", "availabilityZone": "eu-central-1a"},
            {"requestId": "1-2", "subnet": {"subnetId": "subnet-1", "vpcId": "vpc-1", "cidrBlock": "10.0.1.0/24"}},
        ),
        {"VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-central-1a"},
        {"Subnet": {"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"}},
    ),
    (event("DeleteSubnet", {"subnetId": "subnet-1"}, RETURNED), {"SubnetId": "subnet-1"}, None),
    (
        event(
            "CreateTags",
            {
                "resourcesSet": {"items": [{"resourceId": "eni-1"}, {"resourceId": "vol-1"}]},
                "tagSet": {"items": [{"key": "Name", "value": "web-1"}]},
            },
            RETURNED,
        ),
        {"Resources": ["eni-1"], "Tags": [{"Key": "Name", "Value": "web-1"}]},
        None,
    ),
    (
        event(
            "DeleteTags",
            {"resourcesSet": {"items": [{"resourceId": "sg-1"}]}, "tagSet": {"items": [{"key": "Name"}]}},
            RETURNED,
        ),
        {"Resources": ["sg-1"], "Tags": [{"Key": "Name"}]},
        None,
    ),
]


@pytest.mark.parametrize(("record", "params", "answer"), OLDER, ids=[record["eventName"] for record, _, _ in OLDER])
def test_the_events_of_a_call(one_event, record, params, answer) -> None:
    """Parameters and answer in boto3's shape."""
    change = one_event(record)
    assert change.call == record["eventName"]
    assert change.params == params
    assert change.answer == answer


def test_a_launch(one_event) -> None:
    """How many of which image stands under instancesSet; the answer has the interfaces that were made."""
    request = {
        "instancesSet": {"items": [{"imageId": "ami-1", "minCount": 1, "maxCount": 2, "keyName": "k"}]},
        "groupSet": {"items": [{"groupId": "sg-1"}, {"groupName": "web"}]},
        "instanceType": "t3.micro",
        "blockDeviceMapping": {},
        "monitoring": {"enabled": False},
        "networkInterfaceSet": {
            "items": [
                {
                    "deviceIndex": 0,
                    "subnetId": "subnet-1",
                    "associatePublicIpAddress": True,
                    "groupSet": {"items": [{"groupId": "sg-1"}]},
                    "privateIpAddressesSet": {},
                }
            ]
        },
        "tagSpecificationSet": TAG_SPECIFICATIONS,
    }
    instance = {
        "instanceId": "i-1",
        "imageId": "ami-1",
        "instanceType": "t3.micro",
        "launchTime": 1777896000000,
        "placement": {"availabilityZone": "eu-central-1a"},
        "subnetId": "subnet-1",
        "vpcId": "vpc-1",
        "privateIpAddress": "10.0.0.5",
        "groupSet": GROUPS,
        "tagSet": {"items": [{"key": "Name", "value": "web-1"}]},
        "networkInterfaceSet": {
            "items": [INTERFACE | {"attachment": {"attachmentId": "eni-attach-1", "deviceIndex": 0, "attachTime": 1}}]
        },
    }
    answer = {"requestId": "1-2", "reservationId": "r-1", "ownerId": ACCOUNT, "instancesSet": {"items": [instance]}}
    change = one_event(event("RunInstances", request, answer))
    assert change.params == {
        "MinCount": 1,
        "MaxCount": 2,
        "ImageId": "ami-1",
        "KeyName": "k",
        "InstanceType": "t3.micro",
        "SecurityGroupIds": ["sg-1"],
        "SecurityGroups": ["web"],
        "NetworkInterfaces": [
            {"DeviceIndex": 0, "SubnetId": "subnet-1", "Groups": ["sg-1"], "AssociatePublicIpAddress": True}
        ],
        "TagSpecifications": TAG_SPECIFICATIONS_READ,
    }
    attachment = {"AttachmentId": "eni-attach-1", "DeviceIndex": 0}
    assert change.answer == {
        "ReservationId": "r-1",
        "OwnerId": ACCOUNT,
        "Instances": [
            {
                "InstanceId": "i-1",
                "ImageId": "ami-1",
                "InstanceType": "t3.micro",
                "SubnetId": "subnet-1",
                "VpcId": "vpc-1",
                "PrivateIpAddress": "10.0.0.5",
                "NetworkInterfaces": [INTERFACE_READ | {"Attachment": attachment}],
                "Tags": [{"Key": "Name", "Value": "web-1"}],
            }
        ],
    }
