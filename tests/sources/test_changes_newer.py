"""CloudTrail's events of EC2's newer calls: under their names, what is repeated by its singular."""

from __future__ import annotations

import pytest

from tests.sources.trailevents import PEERING, PEERING_READ, newer

PREFIX_LIST = {"prefixListId": "pl-1", "addressFamily": "IPv4", "maxEntries": 10, "version": 1, "tagSet": ""}
PREFIX_LIST_READ = {"PrefixListId": "pl-1", "AddressFamily": "IPv4", "MaxEntries": 10, "Version": 1}

NEWER = [
    (
        newer(
            "ModifySecurityGroupRules",
            {
                "GroupId": "sg-1",
                "SecurityGroupRule": {
                    "SecurityGroupRuleId": "sgr-1",
                    "SecurityGroupRule": {
                        "IpProtocol": "tcp",
                        "FromPort": 443,
                        "ToPort": "443",
                        "CidrIpv4": "10.0.0.0/8",
                        "Description": "",
                    },
                    "tag": 1,
                },
            },
            {"return": True},
        ),
        {
            "GroupId": "sg-1",
            "SecurityGroupRules": [
                {
                    "SecurityGroupRuleId": "sgr-1",
                    "SecurityGroupRule": {
                        "IpProtocol": "tcp",
                        "FromPort": 443,
                        "ToPort": 443,
                        "CidrIpv4": "10.0.0.0/8",
                        "Description": "",
                    },
                }
            ],
        },
        {"Return": True},
    ),
    (
        newer(
            "ModifySecurityGroupRules",
            {
                "GroupId": "sg-1",
                "SecurityGroupRule": [
                    {"SecurityGroupRuleId": "sgr-1", "SecurityGroupRule": {"ReferencedGroupId": "sg-2"}, "tag": 1},
                    {"SecurityGroupRuleId": "sgr-2", "SecurityGroupRule": {"PrefixListId": "pl-1"}, "tag": 2},
                ],
            },
            {"return": "true"},
        ),
        {
            "GroupId": "sg-1",
            "SecurityGroupRules": [
                {"SecurityGroupRuleId": "sgr-1", "SecurityGroupRule": {"ReferencedGroupId": "sg-2"}},
                {"SecurityGroupRuleId": "sgr-2", "SecurityGroupRule": {"PrefixListId": "pl-1"}},
            ],
        },
        {"Return": True},
    ),
    (
        newer(
            "CreateManagedPrefixList",
            {
                "PrefixListName": "offices",
                "AddressFamily": "IPv4",
                "MaxEntries": 10,
                "Entry": [{"Cidr": "10.1.0.0/16", "tag": 1}, {"Cidr": "10.2.0.0/16", "Description": "two", "tag": 2}],
                "TagSpecification": {
                    "ResourceType": "prefix-list",
                    "Tag": {"Key": "k", "Value": "v", "tag": 1},
                    "tag": 1,
                },
                "ClientToken": "t",
            },
            {"prefixList": PREFIX_LIST},
        ),
        {
            "PrefixListName": "offices",
            "AddressFamily": "IPv4",
            "MaxEntries": 10,
            "Entries": [{"Cidr": "10.1.0.0/16"}, {"Cidr": "10.2.0.0/16", "Description": "two"}],
            "TagSpecifications": [{"ResourceType": "prefix-list", "Tags": [{"Key": "k", "Value": "v"}]}],
            "ClientToken": "t",
        },
        {"PrefixList": PREFIX_LIST_READ},
    ),
    (
        newer(
            "ModifyManagedPrefixList",
            {
                "PrefixListId": "pl-1",
                "CurrentVersion": 1,
                "AddEntry": {"Cidr": "10.3.0.0/16", "tag": 1},
                "RemoveEntry": [{"Cidr": "10.1.0.0/16", "tag": 1}, {"Cidr": "10.2.0.0/16", "tag": 2}],
            },
            {"prefixList": PREFIX_LIST},
        ),
        {
            "PrefixListId": "pl-1",
            "CurrentVersion": 1,
            "AddEntries": [{"Cidr": "10.3.0.0/16"}],
            "RemoveEntries": [{"Cidr": "10.1.0.0/16"}, {"Cidr": "10.2.0.0/16"}],
        },
        {"PrefixList": PREFIX_LIST_READ},
    ),
    (
        newer("RestoreManagedPrefixListVersion", {"PrefixListId": "pl-1", "PreviousVersion": 1, "CurrentVersion": 2}),
        {"PrefixListId": "pl-1", "PreviousVersion": 1, "CurrentVersion": 2},
        None,
    ),
    (newer("DeleteManagedPrefixList", {"PrefixListId": "pl-1"}), {"PrefixListId": "pl-1"}, None),
    (
        newer("AssociateSecurityGroupVpc", {"GroupId": "sg-1", "VpcId": "vpc-2"}, {"state": "associating"}),
        {"GroupId": "sg-1", "VpcId": "vpc-2"},
        {"State": "associating"},
    ),
    (
        newer("DisassociateSecurityGroupVpc", {"GroupId": "sg-1", "VpcId": "vpc-2"}),
        {"GroupId": "sg-1", "VpcId": "vpc-2"},
        None,
    ),
    (
        newer(
            "AssignIpv6Addresses",
            {
                "NetworkInterfaceId": "eni-1",
                "Ipv6Addresses": [{"tag": 1, "content": "2001:db8::5"}, {"tag": 2, "content": "2001:db8::6"}],
            },
            {
                "networkInterfaceId": "eni-1",
                "assignedIpv6Addresses": {"item": ["2001:db8::5", "2001:db8::6"]},
                "assignedIpv6PrefixSet": {"item": "2001:db8:1::/80"},
            },
        ),
        {"NetworkInterfaceId": "eni-1", "Ipv6Addresses": ["2001:db8::5", "2001:db8::6"]},
        {
            "NetworkInterfaceId": "eni-1",
            "AssignedIpv6Addresses": ["2001:db8::5", "2001:db8::6"],
            "AssignedIpv6Prefixes": ["2001:db8:1::/80"],
        },
    ),
    (
        newer(
            "UnassignIpv6Addresses",
            {
                "NetworkInterfaceId": "eni-1",
                "Ipv6Addresses": {"tag": 1, "content": "2001:db8::5"},
                "Ipv6Prefix": {"tag": 1, "content": "2001:db8:1::/80"},
            },
        ),
        {"NetworkInterfaceId": "eni-1", "Ipv6Addresses": ["2001:db8::5"], "Ipv6Prefixes": ["2001:db8:1::/80"]},
        None,
    ),
    (
        newer(
            "AssociateVpcCidrBlock",
            {"VpcId": "vpc-1", "AmazonProvidedIpv6CidrBlock": True},
            {
                "vpcId": "vpc-1",
                "ipv6CidrBlockAssociation": {"associationId": "vpc-cidr-assoc-1", "ipv6CidrBlock": "2001:db8::/56"},
            },
        ),
        {"VpcId": "vpc-1", "AmazonProvidedIpv6CidrBlock": True},
        {
            "VpcId": "vpc-1",
            "Ipv6CidrBlockAssociation": {"AssociationId": "vpc-cidr-assoc-1", "Ipv6CidrBlock": "2001:db8::/56"},
        },
    ),
    (
        newer("DisassociateVpcCidrBlock", {"AssociationId": "vpc-cidr-assoc-1"}, {"vpcId": "vpc-1"}),
        {"AssociationId": "vpc-cidr-assoc-1"},
        {"VpcId": "vpc-1"},
    ),
    (
        newer("AcceptVpcPeeringConnection", {"VpcPeeringConnectionId": "pcx-1"}, {"vpcPeeringConnection": PEERING}),
        {"VpcPeeringConnectionId": "pcx-1"},
        {"VpcPeeringConnection": PEERING_READ},
    ),
    (
        newer("RejectVpcPeeringConnection", {"VpcPeeringConnectionId": "pcx-1"}, {"return": True}),
        {"VpcPeeringConnectionId": "pcx-1"},
        {"Return": True},
    ),
    (
        newer("DeleteVpcPeeringConnection", {"VpcPeeringConnectionId": "pcx-1"}, {"return": True}),
        {"VpcPeeringConnectionId": "pcx-1"},
        {"Return": True},
    ),
    (
        newer(
            "ModifyNetworkInterfaceAttribute",
            {
                "NetworkInterfaceId": "eni-1",
                "SecurityGroupId": [{"tag": 1, "content": "sg-1"}, {"tag": 2, "content": "sg-2"}],
                "ConnectionTrackingSpecification": {"UdpTimeout": "60"},
                "SourceDestCheck": {"Value": "false"},
            },
            {"return": True},
        ),
        {
            "NetworkInterfaceId": "eni-1",
            "Groups": ["sg-1", "sg-2"],
            "ConnectionTrackingSpecification": {"UdpTimeout": 60},
            "SourceDestCheck": {"Value": False},
        },
        None,
    ),
]


@pytest.mark.parametrize(("record", "params", "answer"), NEWER, ids=[record["eventName"] for record, _, _ in NEWER])
def test_the_events_of_a_call(one_event, record, params, answer) -> None:
    """Parameters and answer in boto3's shape."""
    change = one_event(record)
    assert change.call == record["eventName"]
    assert change.params == params
    assert change.answer == answer
