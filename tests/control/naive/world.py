"""What the model remembers: tables of dicts, as plain as can be; and how it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from sgsim.control import Quotas

Record = dict[str, Any]

#: Prefix of an id -> the codes of one that is malformed and of one that nothing has; patterns of fnmatch.
UNKNOWN = {
    "sg": ("InvalidGroupId.Malformed", "InvalidGroup.NotFound"),
    "sgr": ("InvalidSecurityGroupRuleId.Malformed", "InvalidSecurityGroupRuleId.NotFound"),
    "vpc": ("InvalidVpcID.Malformed", "InvalidVpcID.NotFound"),
    "subnet": ("InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound"),
    "eni": ("InvalidNetworkInterfaceI?.Malformed", "InvalidNetworkInterfaceID.NotFound"),
    "i": ("InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound"),
    "pl": ("InvalidPrefixListI?.Malformed", "InvalidPrefixListID.NotFound"),
    "pcx": ("InvalidVpcPeeringConnectionI?.Malformed", "InvalidVpcPeeringConnectionID.NotFound"),
}
RESOURCE_TYPES = {
    "sg": "security-group",
    "sgr": "security-group-rule",
    "vpc": "vpc",
    "subnet": "subnet",
    "eni": "network-interface",
    "i": "instance",
    "pl": "prefix-list",
    "pcx": "vpc-peering-connection",
}


class Refused(Exception):  # noqa: N818 - as a call is
    """The call cannot succeed. ``codes`` are those of everything that is wrong with it, as patterns of fnmatch:
    EC2 tells one, and its documentation does not say which."""

    def __init__(self, *codes: str) -> None:
        self.codes = set(codes)
        super().__init__(", ".join(sorted(codes)))


class Chosen:
    """What the control plane itself chose in a call that succeeded: ids, addresses, IPv6 blocks. Here it is nothing."""

    def id(self, kind: str, **look: Any) -> str:
        """The id of the new resource of this kind that looks like this."""
        return f"{kind}-none"

    def addresses(self) -> list[str]:
        """Those of a new interface."""
        return []

    def zone(self) -> str:
        """That of a new subnet."""
        return "us-east-1a"

    def subnet(self, possible: list[str]) -> str:
        """Where an instance is that was launched without a subnet."""
        return possible[0]

    def instance(self, number: int) -> Chosen:
        """What was chosen for this one of the new instances."""
        return self

    def block(self) -> tuple[str, str]:
        """A new IPv6 block of a VPC: its association's id and itself."""
        return "vpc-cidr-assoc-none", "2001:db8:ffff::/56"


class World:
    """``rules`` holds those of all groups. ``tags`` are by account and resource: a peering has those of both sides."""

    def __init__(self, quotas: Quotas) -> None:
        self.quotas = quotas
        self.now_ns = 0
        self.vpcs: dict[str, Record] = {}
        self.subnets: dict[str, Record] = {}
        self.groups: dict[str, Record] = {}
        self.rules: dict[str, Record] = {}
        self.lists: dict[str, Record] = {}
        self.peerings: dict[str, Record] = {}
        self.interfaces: dict[str, Record] = {}
        self.instances: dict[str, Record] = {}
        self.associations: list[tuple[str, str]] = []  # group, VPC
        self.tags: dict[tuple[str, str], dict[str, str]] = {}
        self.gone: set[str] = set()  # ids of what was deleted

    def table(self, kind: str) -> dict[str, Record]:
        return {
            "sg": self.groups,
            "sgr": self.rules,
            "vpc": self.vpcs,
            "subnet": self.subnets,
            "eni": self.interfaces,
            "i": self.instances,
            "pl": self.lists,
            "pcx": self.peerings,
        }[kind]

    def owners(self, kind: str, name: str) -> set[str]:
        """The accounts that see it."""
        record = self.table(kind)[name]
        if kind == "pcx":
            return {record["requester"]["account"], record["accepter"]["account"]}
        if kind == "sgr":
            return {self.groups[record["group"]]["account"]}
        return {record["account"]}

    def get(self, kind: str, account: str, name: str | None, *, of_aws: bool = False) -> Record:
        """What the account has under this id. Raises Refused."""
        if name in self.table(kind) and (self.owners(kind, name) & ({account, "AWS"} if of_aws else {account})):
            return self.table(kind)[name]
        raise Refused(*unknown(kind, name))

    def remove(self, kind: str, name: str) -> None:
        for account in self.owners(kind, name):
            self.tags.pop((account, name), None)
        del self.table(kind)[name]
        self.gone.add(name)

    def rules_of(self, group: str, egress: bool | None = None) -> dict[str, Record]:
        return {
            name: rule
            for name, rule in self.rules.items()
            if rule["group"] == group and egress in (None, rule["egress"])
        }

    def default_vpc(self, account: str) -> str | None:
        found = [name for name, vpc in self.vpcs.items() if vpc["account"] == account and vpc["default"]]
        return found[0] if found else None


def unknown(kind: str, name: str | None) -> set[str]:
    """What is said of an id that nothing has."""
    if name is None:
        return {"MissingParameter"}
    return {UNKNOWN[kind][bool(re.fullmatch(kind + "-[0-9a-f]+", name))]}


def network_of(text: Any, family: int) -> str | None:
    """The block as AWS writes it: without host bits, IPv6 short; None for what is no block of the family."""
    if not isinstance(text, str) or not re.fullmatch(r"[0-9a-fA-F.:]+/\d{1,3}", text):
        return None
    try:
        block = ip_network(text, strict=False)
    except ValueError:
        return None
    return str(block) if block.version == family else None


def overlap(some: Iterable[str], others: Iterable[str]) -> bool:
    pairs = [(ip_network(one), ip_network(other)) for one in some for other in others]
    return any(_same_family_overlap(one, other) for one, other in pairs)


def _same_family_overlap(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    return one.version == other.version and one.overlaps(other)  # type: ignore[arg-type]
