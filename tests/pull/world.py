"""Two accounts in two Regions, in describe shape: what each of them sees.

In eu-west-1 account A has the VPC ``main``, peered with B's ``data``, which is peered with B's ``deep``; ``lone`` is
A's too and named by nothing. ``main`` refers to a group of ``data``, whose interface has a group that refers to one
of ``deep``. The group ``sg-shared`` of ``lone`` is associated with ``main`` and used there.
"""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]

A, B = "111111111111", "222222222222"
IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
KEYS = (
    "SecurityGroups",
    "SecurityGroupRules",
    "NetworkInterfaces",
    "Reservations",
    "PrefixLists",
    "VpcPeeringConnections",
    "Vpcs",
    "Subnets",
    "SecurityGroupVpcAssociations",
)


def vpc(name: str, owner: str, number: int) -> Record:
    return {
        "VpcId": f"vpc-{name}",
        "OwnerId": owner,
        "CidrBlock": f"10.{number}.0.0/16",
        "State": "available",
        "Tags": [{"Key": "Name", "Value": name}],
    }


def subnet(name: str, owner: str, number: int) -> Record:
    return {
        "SubnetId": f"subnet-{name}",
        "VpcId": f"vpc-{name}",
        "OwnerId": owner,
        "CidrBlock": f"10.{number}.1.0/24",
        "MapPublicIpOnLaunch": False,
    }


def permission(port: int, *peers: str, peering: str | None = None) -> Record:
    """tcp and one port; each peer is a CIDR, a prefix list or a group (with the peering, in the peered VPC)."""
    found: Record = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    for key in ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"):
        found[key] = []
    for peer in peers:
        if peer.startswith("pl-"):
            found["PrefixListIds"].append({"PrefixListId": peer})
        elif peer.startswith("sg-"):
            pair = {"GroupId": peer, "UserId": A}
            if peering:
                pair |= {"VpcPeeringConnectionId": peering, "PeeringStatus": "active"}
            found["UserIdGroupPairs"].append(pair)
        else:
            found["IpRanges"].append({"CidrIp": peer, "Description": "früher"})
    return found


def group(name: str, vpc_name: str, owner: str, *permissions: Record) -> Record:
    return {
        "GroupId": f"sg-{name}",
        "GroupName": name,
        "Description": name,
        "OwnerId": owner,
        "VpcId": f"vpc-{vpc_name}",
        "IpPermissions": list(permissions),
        "IpPermissionsEgress": [
            {
                "IpProtocol": "-1",
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [],
            }
        ],
    }


def interface(name: str, vpc_name: str, owner: str, address: str, *groups: str) -> Record:
    return {
        "NetworkInterfaceId": f"eni-{name}",
        "OwnerId": owner,
        "VpcId": f"vpc-{vpc_name}",
        "SubnetId": f"subnet-{vpc_name}",
        "InterfaceType": "interface",
        "PrivateIpAddress": address,
        "PrivateIpAddresses": [{"PrivateIpAddress": address, "Primary": True}],
        "Groups": [{"GroupId": f"sg-{each}", "GroupName": each} for each in groups],
        "Attachment": {
            "AttachTime": "2024-03-05T06:07:08+00:00",
            "DeviceIndex": 0,
            "InstanceId": f"i-{name}",
            "InstanceOwnerId": owner,
        },
        "TagSet": [],
    }


def reservation(number: int, owner: str, vpc_name: str, *names: str) -> Record:
    return {
        "ReservationId": f"r-{number}",
        "OwnerId": owner,
        "Groups": [],
        "Instances": [
            {
                "InstanceId": f"i-{name}",
                "LaunchTime": "2024-03-05T06:07:08+00:00",
                "VpcId": f"vpc-{vpc_name}",
                "Tags": [{"Key": "Name", "Value": name}],
            }
            for name in names
        ],
    }


def rules_of(groups: list[Record]) -> list[Record]:
    """What describe-security-group-rules says of groups."""
    found = []
    for each in groups:
        for key, egress in (("IpPermissions", False), ("IpPermissionsEgress", True)):
            for item in each[key]:
                for peer in _peers(item):
                    found.append(
                        {
                            "SecurityGroupRuleId": f"sgr-{each['GroupName']}-{len(found)}",
                            "GroupId": each["GroupId"],
                            "GroupOwnerId": each["OwnerId"],
                            "IsEgress": egress,
                            "IpProtocol": item["IpProtocol"],
                            "FromPort": item.get("FromPort", -1),
                            "ToPort": item.get("ToPort", -1),
                            **peer,
                        }
                    )
    return found


def _peers(item: Record) -> list[Record]:
    return [
        *({"CidrIpv4": each["CidrIp"]} for each in item["IpRanges"]),
        *({"PrefixListId": each["PrefixListId"]} for each in item["PrefixListIds"]),
        *({"ReferencedGroupInfo": each} for each in item["UserIdGroupPairs"]),
    ]


def peering(name: str, requester: tuple[str, str], accepter: tuple[str, str], region: str = IRELAND) -> Record:
    sides = {
        f"{side}VpcInfo": {"VpcId": f"vpc-{vpc_name}", "OwnerId": owner, "Region": region}
        for side, (vpc_name, owner) in (("Requester", requester), ("Accepter", accepter))
    }
    return {
        "VpcPeeringConnectionId": f"pcx-{name}",
        "Status": {"Code": "active", "Message": "Active"},
        **sides,
    }


def prefix_list(name: str, owner: str, *cidrs: str) -> Record:
    return {
        "PrefixListId": f"pl-{name}",
        "PrefixListName": name,
        "AddressFamily": "IPv4",
        "OwnerId": owner,
        "State": "create-complete",
        "Entries": [{"Cidr": cidr, "Description": "x"} for cidr in cidrs],
    }


def seen(groups: list[Record], **lists: list[Record]) -> dict[str, list[Record]]:
    """A view with its groups' rules, and every key."""
    found = {key: lists.get(key, []) for key in KEYS}
    return found | {"SecurityGroups": groups, "SecurityGroupRules": rules_of(groups)}


AWS_LIST = prefix_list("aws1", "AWS", "198.51.100.0/24", "203.0.113.0/24")
MAIN_DATA = peering("maindata", ("main", A), ("data", B))


def ireland_of_a() -> dict[str, list[Record]]:
    groups = [
        group("web", "main", A, permission(443, "0.0.0.0/0"), permission(22, "pl-corp1")),
        group("app", "main", A, permission(8080, "sg-web"), permission(9000, "sg-data", peering="pcx-maindata")),
        group("shared", "lone", A, permission(9100, "sg-shared")),
        group("lone", "lone", A, permission(80, "pl-aws1")),
    ]
    return seen(
        groups,
        NetworkInterfaces=[
            interface("web1", "main", A, "10.1.1.10", "web"),
            interface("web2", "main", A, "10.1.1.11", "web", "shared"),
            interface("app1", "main", A, "10.1.1.20", "app"),
            interface("lone1", "lone", A, "10.4.1.10", "lone"),
            interface("lone2", "lone", A, "10.4.1.11", "shared"),
        ],
        Reservations=[
            reservation(1, A, "main", "web1", "web2", "app1"),
            reservation(2, A, "lone", "lone1", "lone2"),
        ],
        PrefixLists=[prefix_list("corp1", A, "192.0.2.0/24"), AWS_LIST, prefix_list("spare1", A)],
        VpcPeeringConnections=[MAIN_DATA],
        Vpcs=[vpc("main", A, 1), vpc("lone", A, 4)],
        Subnets=[subnet("main", A, 1), subnet("lone", A, 4)],
        SecurityGroupVpcAssociations=[
            {"GroupId": "sg-shared", "VpcId": "vpc-main", "VpcOwnerId": A, "GroupOwnerId": A, "State": "associated"}
        ],
    )


def ireland_of_b() -> dict[str, list[Record]]:
    groups = [
        group("data", "data", B, permission(5432, "sg-app", peering="pcx-maindata")),
        group("ops", "data", B, permission(22, "sg-deep", peering="pcx-datadeep")),
        group("deep", "deep", B, permission(22, "sg-deep")),
        group("idle", "data", B),
    ]
    return seen(
        groups,
        NetworkInterfaces=[
            interface("data1", "data", B, "10.2.1.10", "data", "ops"),
            interface("idle1", "data", B, "10.2.1.11", "idle"),
            interface("deep1", "deep", B, "10.3.1.10", "deep"),
        ],
        Reservations=[reservation(3, B, "data", "data1", "idle1"), reservation(4, B, "deep", "deep1")],
        PrefixLists=[AWS_LIST],
        VpcPeeringConnections=[MAIN_DATA, peering("datadeep", ("data", B), ("deep", B))],
        Vpcs=[vpc("data", B, 2), vpc("deep", B, 3)],
        Subnets=[subnet("data", B, 2), subnet("deep", B, 3)],
    )


def virginia_of_a() -> dict[str, list[Record]]:
    groups = [group("far", "far", A, permission(80, "0.0.0.0/0"))]
    return seen(
        groups,
        NetworkInterfaces=[interface("far1", "far", A, "10.1.1.10", "far")],
        Reservations=[reservation(5, A, "far", "far1")],
        Vpcs=[vpc("far", A, 1)],
        Subnets=[subnet("far", A, 1)],
    )


def union(*views: dict[str, list[Record]]) -> dict[str, list[Record]]:
    """What several see, as one snapshot; equal records once."""
    found: dict[str, list[Record]] = {key: [] for key in KEYS}
    for view in views:
        for key, records in view.items():
            found[key] += [record for record in records if record not in found[key]]
    return found
