"""Describe output's interfaces, prefix lists, VPCs, and what only shows over the whole snapshot."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from ipaddress import ip_address as ip
from typing import Any

import pytest

from sgsim.model import GroupVpcAssociation, PrefixList, Subnet, Vpc, VpcPeeringConnection
from sgsim.sources import load_topology

ANY = [{"CidrIp": "0.0.0.0/0"}]


def group(name: str = "sg-1", vpc: str = "vpc-1", **peers: Any) -> dict[str, Any]:
    """A group, with one ingress rule for all protocols where a peer is given."""
    permissions = [{"IpProtocol": "-1", **peers}] if peers else []
    return {"GroupId": name, "VpcId": vpc, "IpPermissions": permissions, "IpPermissionsEgress": []}


def eni(
    number: int = 1, address: str | None = None, groups: tuple[str, ...] = ("sg-1",), **more: Any
) -> dict[str, Any]:
    base = {"NetworkInterfaceId": f"eni-{number}", "VpcId": "vpc-1", "Groups": [{"GroupId": name} for name in groups]}
    return base | {"PrivateIpAddress": address or f"10.0.0.{number}"} | more


def snapshot(*enis: dict[str, Any], groups: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    return {"SecurityGroups": groups or [group()], "NetworkInterfaces": list(enis), **more}


def test_everything_of_an_interface(load) -> None:
    """Addresses with the primary first, IPv6 after; prefixes; public addresses once; groups as listed; timeouts."""
    record = eni(
        groups=("sg-2", "sg-1"),
        SubnetId="subnet-1",
        InterfaceType="interface",
        PrivateIpAddresses=[
            {"PrivateIpAddress": "10.0.0.9", "Primary": False, "Association": {"PublicIp": "198.51.100.2"}},
            {"PrivateIpAddress": "10.0.0.1", "Primary": True, "Association": {"PublicIp": "198.51.100.1"}},
        ],
        Ipv6Addresses=[{"Ipv6Address": "2001:db8::2"}, {"Ipv6Address": "2001:db8::1", "IsPrimaryIpv6": True}],
        Ipv4Prefixes=[{"Ipv4Prefix": "10.0.1.0/28"}],
        Ipv6Prefixes=[{"Ipv6Prefix": "2001:db8:1::/80"}],
        Association={"PublicIp": "198.51.100.1", "CarrierIp": "203.0.113.1"},
        Attachment={"InstanceId": "i-1", "DeviceIndex": 0},
        ConnectionTrackingConfiguration={"TcpEstablishedTimeout": 60, "UdpTimeout": 30, "UdpStreamTimeout": 60},
        TagSet=[{"Key": "Env", "Value": "x"}, {"Key": "Name", "Value": "web-1"}],
    )
    topology = load(snapshot(record, groups=[group("sg-1"), group("sg-2")]))
    found = topology.interfaces["eni-1"]
    assert found.addresses == (ip("10.0.0.1"), ip("10.0.0.9"), ip("2001:db8::1"), ip("2001:db8::2"))
    assert found.prefixes == (IPv4Network("10.0.1.0/28"), IPv6Network("2001:db8:1::/80"))
    assert found.public_addresses == (ip("198.51.100.1"), ip("203.0.113.1"), ip("198.51.100.2"))
    assert found.group_ids == ("sg-2", "sg-1")
    assert (found.tcp_established_timeout, found.udp_timeout, found.udp_stream_timeout) == (60, 30, 60)
    assert (found.name, found.instance_id, found.device_index) == ("web-1", "i-1", 0)
    assert (found.vpc_id, found.subnet_id, found.interface_type) == ("vpc-1", "subnet-1", "interface")
    assert topology.warnings == ()


def test_instances_carry_interfaces(load) -> None:
    """describe-instances knows interfaces too: their instance, and its Name for the primary one."""
    instance = {
        "InstanceId": "i-1",
        "Tags": [{"Key": "Name", "Value": "web"}],
        "NetworkInterfaces": [eni(1, Attachment={"DeviceIndex": 0}), eni(2, Attachment={"DeviceIndex": 1})],
    }
    topology = load(snapshot(Reservations=[{"Instances": [instance]}]))
    assert [(i.instance_id, i.device_index, i.name) for i in topology.interfaces.values()] == [
        ("i-1", 0, "web"),
        ("i-1", 1, ""),
    ]


def test_interface_in_both_replies(load) -> None:
    """describe-network-interfaces wins, describe-instances completes it."""
    first = eni(1, "10.0.0.1", Attachment={"InstanceId": "i-1"}, ConnectionTrackingConfiguration={"UdpTimeout": 45})
    second = eni(1, "10.0.0.2", SubnetId="subnet-1", Attachment={"DeviceIndex": 0})
    reservations = [{"Instances": [{"InstanceId": "i-1", "NetworkInterfaces": [second]}]}]
    found = load(snapshot(first, Reservations=reservations)).interfaces["eni-1"]
    assert found.addresses == (ip("10.0.0.1"),)
    assert (found.subnet_id, found.instance_id, found.device_index) == ("subnet-1", "i-1", 0)
    assert found.udp_timeout == 45


@pytest.mark.parametrize(
    ("key", "seconds", "accepted"),
    [
        ("TcpEstablishedTimeout", 59, False),
        ("TcpEstablishedTimeout", 432_000, True),
        ("TcpEstablishedTimeout", 432_001, False),
        ("UdpTimeout", 29, False),
        ("UdpTimeout", 60, True),
        ("UdpTimeout", 61, False),
        ("UdpStreamTimeout", 59, False),
        ("UdpStreamTimeout", 180, True),
        ("UdpStreamTimeout", 181, False),
    ],
)
def test_timeouts_in_range(load, refused, key: str, seconds: int, accepted: bool) -> None:
    """A configured timeout out of AWS's range is an input error."""
    content = snapshot(eni(ConnectionTrackingConfiguration={key: seconds}))
    if accepted:
        assert load(content).warnings == ()
    else:
        place = f"NetworkInterfaces[0].ConnectionTrackingConfiguration.{key}"
        assert f"{place}: {seconds} s is out of range (AWS takes " in refused(content)


@pytest.mark.parametrize("address", ["224.0.0.5", "0.0.0.0", "127.0.0.1", "10.0.0.256", "10.0.0.01", "2001:db8::1"])
def test_addresses_no_interface_can_have(refused, address: str) -> None:
    """Multicast, unspecified, loopback, junk and the other family are refused."""
    assert f"NetworkInterfaces[0].PrivateIpAddress: '{address}' is " in refused(snapshot(eni(1, address)))


def test_two_owners_of_one_address(load, refused) -> None:
    """Two interfaces of one VPC cannot own one address; those of two VPCs can."""
    line = refused(snapshot(eni(1, "10.0.0.1"), eni(2, "10.0.0.1")))
    assert "NetworkInterfaces[1]: eni-2 owns the address 10.0.0.1, and so does eni-1 in the same VPC" in line
    assert len(load(snapshot(eni(1, "10.0.0.1"), eni(2, "10.0.0.1", VpcId="vpc-2"))).interfaces) == 2


def test_overlapping_prefixes(load, refused) -> None:
    """Prefixes of two interfaces may not overlap; an exact address within another's prefix is fine."""
    one = eni(1, Ipv4Prefixes=[{"Ipv4Prefix": "10.0.1.0/24"}, {"Ipv4Prefix": "10.0.1.0/28"}])
    line = refused(snapshot(one, eni(2, Ipv4Prefixes=[{"Ipv4Prefix": "10.0.1.64/28"}])))
    assert "eni-2 owns the prefix 10.0.1.64/28 (within 10.0.1.0/24), and so does eni-1" in line
    assert load(snapshot(one, eni(2, "10.0.1.7"))).warnings == ()


def test_interface_with_an_unknown_group(refused) -> None:
    """A group that the snapshot's groups lack makes the interface impossible to judge."""
    line = refused(snapshot(eni(groups=("sg-1", "sg-7"))))
    assert "NetworkInterfaces[0]: eni-1 has the security group sg-7, not in the snapshot" in line
    assert "aws ec2 describe-security-groups" in line


def test_snapshot_without_groups(load, refused) -> None:
    """Interfaces alone load, with one warning that names the missing command; strict loading refuses them."""
    topology = load({"NetworkInterfaces": [eni(1), eni(2)]})
    assert topology.interfaces["eni-1"].group_ids == ("sg-1",)
    assert topology.groups == {}
    (warning,) = topology.warnings
    assert "holds no security groups: nothing can be judged" in warning
    assert "describe-security-groups" in refused({"NetworkInterfaces": [eni(1)]}, strict=True)


def test_interface_without_groups(load, refused) -> None:
    """Only AWS's own kinds of interface may have none."""
    assert "eni-1 has no security groups: it filters nothing" in load(snapshot(eni(groups=()))).warnings[0]
    assert "eni-1 has no security groups" in refused(snapshot(eni(groups=(), InterfaceType="interface")), strict=True)
    assert load(snapshot(eni(groups=(), InterfaceType="nat_gateway")), strict=True).warnings == ()


def test_vpcs_subnets_peerings_associations(load) -> None:
    """The rest of the topology; only associations in effect count."""
    topology = load(
        {
            "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "Tags": [{"Key": "Name", "Value": "main"}]}],
            "Subnets": [
                {"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24"},
                {"SubnetId": "subnet-6"},
            ],
            "VpcPeeringConnections": [
                {
                    "VpcPeeringConnectionId": "pcx-1",
                    "Status": {"Code": "active"},
                    "RequesterVpcInfo": {"VpcId": "vpc-1", "Region": "eu-west-1"},
                    "AccepterVpcInfo": {"VpcId": "vpc-2"},
                }
            ],
            "SecurityGroupVpcAssociations": [
                {"GroupId": "sg-1", "VpcId": "vpc-2", "State": "associated"},
                {"GroupId": "sg-1", "VpcId": "vpc-3", "State": "disassociating"},
            ],
        }
    )
    assert topology.vpcs == {"vpc-1": Vpc("vpc-1", IPv4Network("10.0.0.0/16"), "main")}
    assert topology.subnets["subnet-1"] == Subnet("subnet-1", "vpc-1", IPv4Network("10.0.1.0/24"))
    assert topology.subnets["subnet-6"] == Subnet("subnet-6")
    assert topology.peerings["pcx-1"] == VpcPeeringConnection("pcx-1", "vpc-1", "vpc-2", "active", "eu-west-1", None)
    assert topology.associations == (GroupVpcAssociation("sg-1", "vpc-2"),)


def test_prefix_lists_in_all_their_forms(folder) -> None:
    """Cidrs and Entries inside, both commands on one list, entries in a file named after the list."""
    root = folder(
        {
            "lists.json": {
                "PrefixLists": [
                    {"PrefixListId": "pl-a", "AddressFamily": "IPv4", "Entries": [{"Cidr": "10.0.0.0/8"}]},
                    {"PrefixListId": "pl-b", "PrefixListName": "s3", "Cidrs": ["52.0.0.0/8"]},
                    {"PrefixListId": "pl-c", "AddressFamily": "IPv6", "PrefixListName": "six"},
                    {"PrefixListId": "pl-d", "AddressFamily": "IPv6"},
                ]
            },
            "managed.json": {"PrefixLists": [{"PrefixListId": "pl-b", "AddressFamily": "IPv4"}]},
            "pl-c.json": {"Entries": [{"Cidr": "2001:db8::/32"}]},
            "pl-c.page2.json": {"Entries": [{"Cidr": "2001:db9::/32"}]},
            "pl-e.json": {"Entries": []},
        }
    )
    assert load_topology(root, strict=True).prefix_lists == {
        "pl-a": PrefixList("pl-a", "", 4, (IPv4Network("10.0.0.0/8"),)),
        "pl-b": PrefixList("pl-b", "s3", 4, (IPv4Network("52.0.0.0/8"),)),
        "pl-c": PrefixList("pl-c", "six", 6, (IPv6Network("2001:db8::/32"), IPv6Network("2001:db9::/32"))),
        "pl-d": PrefixList("pl-d", "", 6, None),
        "pl-e": PrefixList("pl-e", "", None, ()),
    }


def test_entries_of_an_unnamed_list(load, refused) -> None:
    """Entries in a file that does not name their list are passed over, with a warning."""
    content = {"Entries": [{"Cidr": "10.0.0.0/8"}]}
    assert load(content).prefix_lists == {}
    assert "Entries: the file's name does not say which prefix list these are" in load(content).warnings[0]
    assert "name the file after its list" in refused(content, strict=True)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"AddressFamily": "IPv4", "Cidrs": ["::/0"]}, "PrefixLists[0].Cidrs[0]: '::/0' is an IPv6 CIDR where IPv4"),
        ({"Entries": [{"Cidr": "10.0.0.0/8"}, {"Cidr": "::/0"}]}, "PrefixLists[0].Entries[1].Cidr: '::/0' is an IPv6"),
        ({"AddressFamily": "IPv5"}, "PrefixLists[0].AddressFamily: 'IPv5' is neither IPv4 nor IPv6"),
    ],
)
def test_a_prefix_list_has_one_family(refused, record: dict[str, Any], expected: str) -> None:
    """Entries of two families, or of another than AddressFamily, are refused."""
    assert expected in refused({"PrefixLists": [{"PrefixListId": "pl-1"} | record]})


def peering(status: str) -> dict[str, Any]:
    ends = {"RequesterVpcInfo": {"VpcId": "vpc-1"}, "AccepterVpcInfo": {"VpcId": "vpc-9"}}
    return {"VpcPeeringConnections": [{"VpcPeeringConnectionId": "pcx-1", "Status": {"Code": status}, **ends}]}


@pytest.mark.parametrize(
    ("pair", "more", "warning"),
    [
        ({}, {}, "the security group sg-9 is not in the snapshot"),
        ({"PeeringStatus": "active", "VpcId": "vpc-9"}, {}, "the security group sg-9 is not in the snapshot"),
        ({"PeeringStatus": "deleted", "VpcId": "vpc-9"}, {}, ""),
        ({"VpcPeeringConnectionId": "pcx-1"}, {}, "the peering of the security group sg-9 is not in the snapshot"),
        ({"VpcPeeringConnectionId": "pcx-1"}, peering("deleted"), ""),
        ({"VpcPeeringConnectionId": "pcx-1"}, peering("active"), "the security group sg-9 is not in the snapshot"),
        ({"VpcId": "vpc-9"}, {}, "the peering of the security group sg-9 is not in the snapshot"),
        ({"VpcId": "vpc-9"}, peering("active"), "the security group sg-9 is not in the snapshot"),
        ({"VpcId": "vpc-9"}, peering("expired"), ""),
    ],
)
def test_unresolved_and_stale_references(
    load, refused, pair: dict[str, Any], more: dict[str, Any], warning: str
) -> None:
    """Unresolved references are warned of once and refused by strict loading; stale ones are AWS's own affair."""
    pairs = {"UserIdGroupPairs": [{"GroupId": "sg-9"} | pair]}
    content = snapshot(eni(), groups=[group(**pairs), group("sg-2", **pairs)], **more)
    if not warning:
        assert load(content, strict=True).warnings == ()
        return
    (found,) = load(content).warnings
    assert f"sg-1/ingress/0: {warning}: rules that refer to it match nothing" in found
    assert warning in refused(content, strict=True)


def test_reference_to_an_associated_group_is_resolved(load) -> None:
    """A group of another VPC that is associated with this one needs no peering."""
    groups = [group(UserIdGroupPairs=[{"GroupId": "sg-2"}]), group("sg-2", "vpc-2")]
    associations = [{"GroupId": "sg-2", "VpcId": "vpc-1", "State": "associated"}]
    enis = (eni(1), eni(2, groups=("sg-2",)))
    assert load(snapshot(*enis, groups=groups, SecurityGroupVpcAssociations=associations), strict=True).warnings == ()
    assert "the peering of the security group sg-2" in load(snapshot(*enis, groups=groups)).warnings[0]


def test_group_without_an_interface(load) -> None:
    """A referenced group that nobody has is told of once, and is no doubt; one that only refers to itself is not."""
    pairs = {"UserIdGroupPairs": [{"GroupId": "sg-2"}]}
    groups = [
        group(**pairs),
        group("sg-3", **pairs),
        group("sg-2"),
        group("sg-4", UserIdGroupPairs=[{"GroupId": "sg-4"}]),
    ]
    (warning,) = load(snapshot(eni(), groups=groups), strict=True).warnings
    assert "the security group sg-2 has no interface: rules that refer to it match nothing" in warning


def test_unknown_entries_of_a_prefix_list(load, refused) -> None:
    """A list without known entries is warned of once, whether it is listed or not; an empty one is known."""
    content = snapshot(eni(), groups=[group(PrefixListIds=[{"PrefixListId": "pl-1"}] * 2)])
    warnings = load(content).warnings
    assert "the prefix list pl-1 is not in the snapshot" in warnings[-1]
    assert "saved as pl-1.json" in warnings[-1]
    assert sum("the prefix list" in warning for warning in warnings) == 1
    content = snapshot(eni(), groups=[group(PrefixListIds=[{"PrefixListId": "pl-1"}])])
    assert "has no known entries" in refused(content | {"PrefixLists": [{"PrefixListId": "pl-1"}]}, strict=True)
    assert load(content | {"PrefixLists": [{"PrefixListId": "pl-1", "Cidrs": []}]}, strict=True).warnings == ()
