"""The EC2 calls that a snapshot is made of, and what each record is known by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from sgsim.sources import shapes

#: One record as boto3 gives it, its times as text.
Record = dict[str, Any]
#: The records of each top-level key, as ``sgsim.sources`` reads them.
Snapshot = dict[str, list[Record]]
#: What tells a record from all others of its kind, in every account and Region.
Identity = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """``operation`` is boto3's name, ``key`` the list in the reply, ``identifiers`` the fields that name a record,
    ``shape`` what sgsim reads of one, ``page`` the most records that one page may have (EC2 API reference)."""

    operation: str
    key: str
    identifiers: tuple[str, ...]
    shape: type[msgspec.Struct]
    owner: str = "OwnerId"
    page: int = 1000

    @property
    def operation_name(self) -> str:
        """EC2's name of the operation."""
        return "".join(part.capitalize() for part in self.operation.split("_"))

    @property
    def action(self) -> str:
        """The IAM action that allows the call."""
        return f"ec2:{self.operation_name}"

    @property
    def file(self) -> str:
        """The name of a file with the output of the AWS CLI's command."""
        return self.operation.removeprefix("describe_").replace("_", "-") + ".json"

    def identity(self, record: Record) -> Identity:
        """What the record is known by. A reservation here has one instance, which is what pages and accounts share."""
        if self.key == "Reservations":
            record = record["Instances"][0]
        return tuple(record[field] for field in self.identifiers)


SECURITY_GROUPS = Call("describe_security_groups", "SecurityGroups", ("GroupId",), shapes.SecurityGroup)
SECURITY_GROUP_RULES = Call(
    "describe_security_group_rules",
    "SecurityGroupRules",
    ("GroupId", "SecurityGroupRuleId"),
    shapes.SecurityGroupRule,
    owner="GroupOwnerId",
)
NETWORK_INTERFACES = Call(
    "describe_network_interfaces", "NetworkInterfaces", ("NetworkInterfaceId",), shapes.NetworkInterface
)
INSTANCES = Call("describe_instances", "Reservations", ("InstanceId",), shapes.Reservation)
PREFIX_LISTS = Call("describe_managed_prefix_lists", "PrefixLists", ("PrefixListId",), shapes.PrefixList, page=100)
PREFIX_LIST_ENTRIES = Call("get_managed_prefix_list_entries", "Entries", ("Cidr",), shapes.PrefixListEntry, page=100)
PEERINGS = Call(
    "describe_vpc_peering_connections",
    "VpcPeeringConnections",
    ("VpcPeeringConnectionId",),
    shapes.VpcPeeringConnection,
)
VPCS = Call("describe_vpcs", "Vpcs", ("VpcId",), shapes.Vpc)
SUBNETS = Call("describe_subnets", "Subnets", ("SubnetId",), shapes.Subnet)
ASSOCIATIONS = Call(
    "describe_security_group_vpc_associations",
    "SecurityGroupVpcAssociations",
    ("GroupId", "VpcId"),
    shapes.GroupVpcAssociation,
    owner="GroupOwnerId",
)

#: Those whose lists are the snapshot's, in the order of its keys. The entries stand inside their prefix lists.
CALLS = (
    SECURITY_GROUPS,
    SECURITY_GROUP_RULES,
    NETWORK_INTERFACES,
    INSTANCES,
    PREFIX_LISTS,
    PEERINGS,
    VPCS,
    SUBNETS,
    ASSOCIATIONS,
)
