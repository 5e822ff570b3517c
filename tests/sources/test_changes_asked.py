"""What the control plane is asked for a change: what AWS decided stands in the parameters, and its ids are told."""

from __future__ import annotations

from typing import Any

import pytest

from sgsim.sources.changes import ApiChange, ChangeTime
from sgsim.sources.changes.asked import Asked, asked, by_value
from sgsim.sources.places import Place


def change(call: str, params: Any, answer: Any = None) -> ApiChange:
    return ApiChange(ChangeTime(0), call, params, Place("f"), answer, recorded=True)


def rule(rule_id: str, protocol: str, first: int, last: int, **peer: Any) -> dict[str, Any]:
    return {"SecurityGroupRuleId": rule_id, "IpProtocol": protocol, "FromPort": first, "ToPort": last, **peer}


def test_without_an_answer_nothing_is_added() -> None:
    """A change by hand is asked as it was written."""
    params = {"GroupName": "web", "Description": "d", "VpcId": "vpc-1"}
    assert asked(change("CreateSecurityGroup", params)) == [Asked("CreateSecurityGroup", params)]


@pytest.mark.parametrize(
    ("call", "answer", "ids"),
    [
        ("CreateSecurityGroup", {"GroupId": "sg-1"}, ("sg-1",)),
        ("AttachNetworkInterface", {"AttachmentId": "eni-attach-1"}, ("eni-attach-1",)),
        ("CreateManagedPrefixList", {"PrefixList": {"PrefixListId": "pl-1"}}, ("pl-1",)),
        ("CreateVpcPeeringConnection", {"VpcPeeringConnection": {"VpcPeeringConnectionId": "pcx-1"}}, ("pcx-1",)),
        ("CreateVpc", {"Vpc": {"VpcId": "vpc-1"}}, ("vpc-1",)),
        ("CreateDefaultVpc", {"Vpc": {"VpcId": "vpc-1"}}, ("vpc-1",)),
        ("CreateSubnet", {"Subnet": {"SubnetId": "subnet-1"}}, ("subnet-1",)),
        ("AssociateVpcCidrBlock", {"CidrBlockAssociation": {"AssociationId": "vpc-a-1"}}, ("vpc-a-1",)),
        ("AssociateVpcCidrBlock", {"Ipv6CidrBlockAssociation": {"AssociationId": "vpc-a-2"}}, ("vpc-a-2",)),
        ("CreateVpc", {"Return": True}, ()),
        ("DeleteSecurityGroup", {"Return": True}, ()),
    ],
)  # fmt: skip
def test_the_ids_of_what_was_made(call, answer, ids) -> None:
    """Only the id is AWS's choice; the parameters stay."""
    assert asked(change(call, {"X": "y"}, answer)) == [Asked(call, {"X": "y"}, ids)]


PERMISSIONS = [
    {
        "IpProtocol": "6",
        "FromPort": 443,
        "ToPort": 443,
        "UserIdGroupPairs": [{"GroupId": "sg-2"}],
        "PrefixListIds": [{"PrefixListId": "pl-1"}],
        "Ipv6Ranges": [{"CidrIpv6": "2001:DB8::/32"}],
        "IpRanges": [{"CidrIp": "10.0.0.9/8"}, {"CidrIp": "192.0.2.0/24"}],
    },
    {"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
]
IN_ORDER = [
    rule("sgr-1", "tcp", 443, 443, CidrIpv4="10.0.0.0/8"),
    rule("sgr-2", "tcp", 443, 443, CidrIpv4="192.0.2.0/24"),
    rule("sgr-3", "tcp", 443, 443, CidrIpv6="2001:db8::/32"),
    rule("sgr-4", "tcp", 443, 443, PrefixListId="pl-1"),
    rule("sgr-5", "tcp", 443, 443, ReferencedGroupInfo={"GroupId": "sg-2"}),
    rule("sgr-6", "-1", -1, -1, CidrIpv4="10.0.0.0/8"),
]


@pytest.mark.parametrize("answered", [IN_ORDER, IN_ORDER[::-1], IN_ORDER[3:] + IN_ORDER[:3]])
def test_the_ids_of_new_rules_are_in_the_order_of_the_request(answered) -> None:
    """Whatever the order of the answer: each id goes to the rule that it was given to."""
    (found,) = asked(
        change("AuthorizeSecurityGroupIngress", {"IpPermissions": PERMISSIONS}, {"SecurityGroupRules": answered})
    )
    assert found.given_ids == tuple(f"sgr-{number}" for number in range(1, 7))


def test_a_rule_in_the_flat_form() -> None:
    """An ingress rule may be written without IpPermissions."""
    params = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
    answer = {"SecurityGroupRules": [rule("sgr-1", "tcp", 22, 22, CidrIpv4="0.0.0.0/0")]}
    assert asked(change("AuthorizeSecurityGroupIngress", params, answer))[0].given_ids == ("sgr-1",)


def test_ids_that_fit_no_rule_are_in_the_order_of_the_answer() -> None:
    """Where request and answer do not agree, the answer's order is the best that is known."""
    answer = {
        "SecurityGroupRules": [rule("sgr-2", "udp", 1, 1, CidrIpv4="0.0.0.0/0"), {"SecurityGroupRuleId": "sgr-1"}]
    }
    found = asked(change("AuthorizeSecurityGroupEgress", {"IpPermissions": PERMISSIONS}, answer))
    assert found[0].given_ids == ("sgr-2", "sgr-1")


def test_a_revocation_by_value() -> None:
    """What was revoked stands in the answer: for snapshots that know no rule ids."""
    rules = [
        rule("sgr-1", "tcp", 443, 443, CidrIpv4="10.0.0.0/8", IsEgress=False),
        rule("sgr-2", "-1", -1, -1, ReferencedGroupId="sg-2"),
        {"SecurityGroupRuleId": "sgr-3", "IpProtocol": "50", "CidrIpv6": "::/0"},
    ]
    params = {"GroupId": "sg-1", "SecurityGroupRuleIds": ["sgr-1", "sgr-2", "sgr-3"]}
    found = by_value(change("RevokeSecurityGroupIngress", params, {"RevokedSecurityGroupRules": rules}))
    assert found == Asked(
        "RevokeSecurityGroupIngress",
        {
            "GroupId": "sg-1",
            "IpPermissions": [
                {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
                {"IpProtocol": "-1", "FromPort": -1, "ToPort": -1, "UserIdGroupPairs": [{"GroupId": "sg-2"}]},
                {"IpProtocol": "50", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
            ],
        },
    )
    assert by_value(change("RevokeSecurityGroupIngress", params, {"Return": True})) is None
    assert (
        by_value(change("RevokeSecurityGroupIngress", {"GroupId": "sg-1"}, {"RevokedSecurityGroupRules": rules}))
        is None
    )


INTERFACE = {
    "NetworkInterfaceId": "eni-1",
    "SubnetId": "subnet-1",
    "PrivateIpAddress": "10.0.0.5",
    "PrivateIpAddresses": [
        {"PrivateIpAddress": "10.0.0.5", "Primary": True, "Association": {"PublicIp": "192.0.2.1"}},
        {"PrivateIpAddress": "10.0.0.6", "Primary": False},
    ],
    "Ipv6Addresses": [{"Ipv6Address": "2001:db8::5"}],
    "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.1.0/28"}],
    "Groups": [{"GroupId": "sg-1", "GroupName": "default"}],
}
CHOSEN = {
    "Groups": ["sg-1"],
    "PrivateIpAddresses": [
        {"PrivateIpAddress": "10.0.0.5", "Primary": True},
        {"PrivateIpAddress": "10.0.0.6", "Primary": False},
    ],
    "Ipv6Addresses": [{"Ipv6Address": "2001:db8::5"}],
    "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.1.0/28"}],
}


def test_a_new_interface_has_what_aws_gave_it() -> None:
    """Addresses that were asked for by number, and the default group."""
    params = {"SubnetId": "subnet-1", "SecondaryPrivateIpAddressCount": 1, "Ipv6AddressCount": 1, "Description": "d"}
    (found,) = asked(change("CreateNetworkInterface", params, {"NetworkInterface": INTERFACE}))
    assert found == Asked("CreateNetworkInterface", {"SubnetId": "subnet-1", "Description": "d"} | CHOSEN, ("eni-1",))
    only = {"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.5"}
    (found,) = asked(change("CreateNetworkInterface", {"SubnetId": "subnet-1"}, {"NetworkInterface": only}))
    assert found.params["PrivateIpAddresses"] == [{"PrivateIpAddress": "10.0.0.5", "Primary": True}]


def test_what_an_answer_does_not_tell_stays_as_it_was_asked_for() -> None:
    """An answer by hand may hold an id alone."""
    params = {"SubnetId": "subnet-1", "PrivateIpAddress": "10.0.0.5", "Ipv6AddressCount": 1}
    (found,) = asked(change("CreateNetworkInterface", params, {"NetworkInterface": {"NetworkInterfaceId": "eni-1"}}))
    assert found == Asked("CreateNetworkInterface", params, ("eni-1",))
    params = {"MinCount": 1, "MaxCount": 1, "SubnetId": "subnet-1", "SecurityGroupIds": ["sg-1"]}
    (found,) = asked(change("RunInstances", params, {"Instances": [{"InstanceId": "i-1"}]}))
    assert found == Asked("RunInstances", params, ("i-1",))
    specification = {"DeviceIndex": 0, "SubnetId": "subnet-1", "Groups": ["sg-1"], "PrivateIpAddress": "10.0.0.5"}
    params = {"NetworkInterfaces": [specification], "MinCount": 1, "MaxCount": 1}
    instance = {"InstanceId": "i-1", "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}]}
    (found,) = asked(change("RunInstances", params, {"Instances": [instance]}))
    assert found == Asked("RunInstances", params, ("i-1", "eni-1"))


def test_a_launch_is_one_call_for_each_instance() -> None:
    """Each with its own addresses; an interface that was there before is attached, not made."""
    params = {
        "MinCount": 1,
        "MaxCount": 2,
        "ImageId": "ami-1",
        "SubnetId": "subnet-1",
        "SecurityGroupIds": ["sg-1"],
        "NetworkInterfaces": [{"DeviceIndex": 1, "NetworkInterfaceId": "eni-9"}],
    }
    attachment = {"AttachmentId": "eni-attach-1", "DeviceIndex": 0, "DeleteOnTermination": True, "Status": "attaching"}
    first = {
        "InstanceId": "i-1",
        "NetworkInterfaces": [
            INTERFACE | {"Attachment": attachment},
            {"NetworkInterfaceId": "eni-9", "Attachment": {"AttachmentId": "eni-attach-9", "DeviceIndex": 1}},
        ],
    }
    found = asked(change("RunInstances", params, {"Instances": [first, {"InstanceId": "i-2"}]}))
    assert found == [
        Asked(
            "RunInstances",
            {
                "MinCount": 1,
                "MaxCount": 1,
                "ImageId": "ami-1",
                "NetworkInterfaces": [
                    {"DeviceIndex": 0, "DeleteOnTermination": True, "SubnetId": "subnet-1"} | CHOSEN,
                    {"DeviceIndex": 1, "NetworkInterfaceId": "eni-9"},
                ],
            },
            ("i-1", "eni-1", "eni-attach-1", "eni-attach-9"),
        ),
        Asked("RunInstances", params | {"MaxCount": 1}, ("i-2",)),
    ]


def test_addresses_that_aws_assigned() -> None:
    """Asked for by number, they are named."""
    params = {"NetworkInterfaceId": "eni-1", "SecondaryPrivateIpAddressCount": 1}
    answer = {"AssignedPrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.9"}]}
    (found,) = asked(change("AssignPrivateIpAddresses", params, answer))
    assert found.params == {"NetworkInterfaceId": "eni-1", "PrivateIpAddresses": ["10.0.0.9"]}
    (found,) = asked(change("AssignPrivateIpAddresses", params, {"Return": True}))
    assert found.params == params
    params = {"NetworkInterfaceId": "eni-1", "Ipv6PrefixCount": 1}
    answer = {"AssignedIpv6Prefixes": ["2001:db8:1::/80"]}
    (found,) = asked(change("AssignIpv6Addresses", params, answer))
    assert found.params == {"NetworkInterfaceId": "eni-1", "Ipv6Prefixes": ["2001:db8:1::/80"]}
