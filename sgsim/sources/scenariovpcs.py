"""The VPCs, subnets and peerings of a scenario, and who is in which VPC."""

from __future__ import annotations

from collections.abc import Iterable

from sgsim.model import Subnet, Vpc, VpcPeeringConnection
from sgsim.sources.checks import ipv4_network
from sgsim.sources.places import Notes
from sgsim.sources.scenariotree import Node, near

_SUBNET_KEYS = ("cidr", "vpc")
_PEERING_KEYS = ("between", "status")


class ScenarioVpcs:
    """``vpcs``, ``subnets`` and ``peerings`` by name, as the model has them.

    A scenario without ``vpcs`` may still name VPCs; what is in none is in one and the same.
    """

    def __init__(self, keys: dict[str, Node], notes: Notes) -> None:
        self.vpcs: dict[str, Vpc] = {}
        self.subnets: dict[str, Subnet] = {}
        self.peerings: dict[str, VpcPeeringConnection] = {}
        for name, node in (keys["vpcs"].named() if "vpcs" in keys else {}).items():
            cidr = None if node.value is None else ipv4_network(node.text(), node.place, notes)
            self.vpcs[name] = Vpc(name, cidr, name)
        for name, node in (keys["subnets"].named() if "subnets" in keys else {}).items():
            members = node.members(_SUBNET_KEYS)
            if "cidr" not in members:
                raise node.place.refusal("has no cidr", "write {cidr: 10.0.1.0/24, vpc: NAME}")
            cidr = ipv4_network(members["cidr"].text(), members["cidr"].place, notes)
            self.subnets[name] = Subnet(name, self.of(members.get("vpc"), node), cidr)
        for node in keys["peerings"].items() if "peerings" in keys else ():
            self._add_peering(node)

    def of(self, given: Node | None, owner: Node) -> str | None:
        """The VPC that ``owner`` says it is in, or the only one; None in a scenario without ``vpcs``."""
        if given is not None:
            return self._known(given)
        if len(self.vpcs) > 1:
            raise owner.place.refusal("does not say in which vpc it is", f"vpc: one of {', '.join(sorted(self.vpcs))}")
        return next(iter(self.vpcs), None)

    def of_interface(self, keys: dict[str, Node], owner: Node, group_vpcs: Iterable[str | None]) -> str | None:
        """An interface's VPC: its own, its subnet's, its groups' or the only one; they must not contradict."""
        found = self._known(keys["vpc"]) if "vpc" in keys else None
        subnet_vpc = self._subnet(keys["subnet"]).vpc_id if "subnet" in keys else None
        for vpc in (subnet_vpc, *group_vpcs):
            if vpc is not None and found is not None and vpc != found:
                problem = f"is in the vpc {found}, but its groups or its subnet are in {vpc}"
                raise owner.place.refusal(problem, "an interface's groups and subnet are of its own vpc")
            found = found or vpc
        return found if found is not None else self.of(None, owner)

    def peering(self, one: str, other: str) -> str | None:
        """The name of the peering between two VPCs, an active one where there are several."""
        between = [peering for peering in self.peerings.values() if peering.joins(one, other)]
        between.sort(key=lambda peering: peering.status != "active")
        return between[0].vpc_peering_connection_id if between else None

    def _known(self, node: Node) -> str:
        name = node.text()
        if self.vpcs and name not in self.vpcs:
            raise node.place.refusal(f"there is no vpc {name!r}", near(name, self.vpcs))
        return name

    def _subnet(self, node: Node) -> Subnet:
        name = node.text()
        if name not in self.subnets:
            raise node.place.refusal(f"there is no subnet {name!r}", near(name, self.subnets) or "declare it: subnets:")
        return self.subnets[name]

    def _add_peering(self, node: Node) -> None:
        members = node.members(_PEERING_KEYS)
        ends = [self._known(end) for end in members["between"].items()] if "between" in members else []
        if len(ends) != 2 or ends[0] == ends[1]:
            raise node.place.refusal("is not between two VPCs", "write {between: [main, other], status: active}")
        status = members["status"].text() if "status" in members else "active"
        name = f"pcx-{ends[0]}-{ends[1]}"
        if name in self.peerings:
            raise node.place.refusal(f"{ends[0]} and {ends[1]} are peered twice", "remove one")
        self.peerings[name] = VpcPeeringConnection(name, ends[0], ends[1], status)
