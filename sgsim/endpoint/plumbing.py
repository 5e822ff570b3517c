"""EC2 as moto keeps it, without anything that the cloud is the truth about.

Gateways, route tables and network ACLs hang on VPCs and subnets, so moto is shown those, bare, before each call. It
can make no group, no network interface and no instance of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NoReturn

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend, Zone
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC
from moto.ec2.responses import EC2Response
from moto.ec2.utils import random_eni_id, random_private_ip

from sgsim.control import ApiError

#: A describe call of the cloud, made for the account and Region of one ``Plumbing``.
Ask = Callable[[str, dict[str, Any]], dict[str, Any]]
Record = Mapping[str, Any]


def _refuse(what: str) -> NoReturn:
    raise EC2ClientError("UnsupportedOperation", f"sgsim serve does not offer this: {what}")


class Plumbing(EC2Backend):  # type: ignore[misc]
    """What moto knows of one account and Region. ``ask`` is set before each call."""

    ask: Ask
    _is_leading = False  # while a route is made

    # --- what moto must not make ----------------------------------------------------------------------------------

    def create_default_vpc(self) -> None:
        """The default VPC is the cloud's."""

    def create_security_group(self, *_: Any, **__: Any) -> NoReturn:
        _refuse("it would make a security group that no snapshot shows")

    def run_instances(self, *_: Any, **__: Any) -> NoReturn:
        _refuse("it would start instances that no snapshot shows")

    def create_network_interface(self, *_: Any, **__: Any) -> SimpleNamespace:
        """A NAT gateway's: it has no groups, so no packet is judged at it, and it is not among the interfaces."""
        return SimpleNamespace(
            id=random_eni_id(),
            private_ip_address=random_private_ip(),
            public_ip=None,
            owner_id=self.account_id,
            instance=None,
            is_gateway=True,
        )

    def delete_nat_gateway(self, nat_gateway_id: str) -> Any:
        """Its Elastic IP address is free again."""
        if nat_gateway_id not in self.nat_gateways:
            raise EC2ClientError("NatGatewayNotFound", f"NatGateway {nat_gateway_id} was not found")
        deleted = super().delete_nat_gateway(nat_gateway_id)
        for address in self.addresses:
            if address.eni is deleted._eni:
                address.eni = address.association_id = None
        return deleted

    def create_vpc_endpoint(self, *given: Any, **more: Any) -> Any:
        kind = more.get("endpoint_type") or "Gateway"
        if kind.lower() != "gateway":
            _refuse(f"a VPC endpoint of type {kind} has network interfaces that no snapshot shows")
        return super().create_vpc_endpoint(*given, **more)

    def associate_address(self, instance: Any = None, eni: Any = None, **more: Any) -> Any:
        if not getattr(eni, "is_gateway", False):
            _refuse("an Elastic IP address goes to a NAT gateway only, not to an instance or a network interface")
        return super().associate_address(eni=eni, **more)

    # --- what a route may lead to: the cloud says whether it is there, and its id is all that is shown --------------

    def create_route(self, *given: Any, **more: Any) -> Any:
        prefix_list = more.get("destination_prefix_list_id")
        if prefix_list is not None and prefix_list not in self.managed_prefix_lists:
            _refuse("a route to a customer-managed prefix list")
        with self._leading():
            return super().create_route(*given, **more)

    def replace_route(self, *given: Any, **more: Any) -> Any:
        with self._leading():
            return super().replace_route(*given, **more)

    @contextmanager
    def _leading(self) -> Iterator[None]:
        self._is_leading = True
        try:
            yield
        finally:
            self._is_leading = False

    def get_network_interface(self, eni_id: str) -> SimpleNamespace:
        return self._target("DescribeNetworkInterfaces", "NetworkInterfaceIds", eni_id)

    def get_instance(self, instance_id: str) -> SimpleNamespace:
        return self._target("DescribeInstances", "InstanceIds", instance_id)

    def get_vpc_peering_connection(self, vpc_pcx_id: str) -> SimpleNamespace:
        return self._target("DescribeVpcPeeringConnections", "VpcPeeringConnectionIds", vpc_pcx_id)

    def _target(self, operation: str, parameter: str, name: str) -> SimpleNamespace:
        if not self._is_leading:
            _refuse(f"{name} is not moto's to change")
        self.ask(operation, {parameter: [name]})
        return SimpleNamespace(id=name)

    # --- what it is shown -----------------------------------------------------------------------------------------

    def show(self) -> None:
        """Make moto's VPCs and subnets those of the cloud."""
        vpcs = {record["VpcId"]: record for record in self.ask("DescribeVpcs", {})["Vpcs"]}
        subnets = {record["SubnetId"]: record for record in self.ask("DescribeSubnets", {})["Subnets"]}
        shown = {name: zone for zone, found in self.subnets.items() for name in found}
        for name in shown.keys() - subnets.keys():
            del self.subnets[shown[name]][name]
            self._forget_subnet(name)
        for name in self.vpcs.keys() - vpcs.keys():
            self._forget_vpc(self.vpcs.pop(name))
        for name, record in vpcs.items():
            if name not in self.vpcs:
                self._show_vpc(record)
            self._show_ranges(self.vpcs[name], record)
        for name, record in subnets.items():
            if name not in shown and record.get("VpcId") in self.vpcs:
                self._show_subnet(record)

    def _show_vpc(self, record: Record) -> None:
        vpc = VPC(self, record["VpcId"], record.get("CidrBlock", "0.0.0.0/0"), bool(record.get("IsDefault")))
        vpc._cidr_block_association_set = {}  # with ids of moto's own: they come from the cloud
        self.vpcs[vpc.id] = vpc
        self.create_route_table(vpc.id, main=True)
        self.create_network_acl(vpc.id, default=True)

    def _show_ranges(self, vpc: Any, record: Record) -> None:
        """Its CIDR blocks, each with the local route that every route table of the VPC has."""
        wanted = {
            each["AssociationId"]: each[block]
            for block in ("CidrBlock", "Ipv6CidrBlock")
            for each in record.get(f"{block}AssociationSet", ())
            if each.get(f"{block}State", {}).get("State", "associated") == "associated"
        }
        if not wanted and "CidrBlock" in record:
            wanted["vpc-cidr-assoc-of-" + vpc.id] = record["CidrBlock"]  # a snapshot need not list its blocks
        ranges = vpc._cidr_block_association_set
        tables = [table for table in self.route_tables.values() if table.vpc_id == vpc.id]
        for gone in ranges.keys() - wanted.keys():
            block = ranges.pop(gone)["cidr_block"]
            for table in tables:
                for route in [route for route in table.routes if route.local and block in _destinations(route)]:
                    del table._routes[route.id]
        for association, block in wanted.items():
            if association not in ranges:
                state = {"state": "associated", "StatusMessage": None}
                ranges[association] = {"association_id": association, "cidr_block": block, "cidr_block_state": state}
                for table in tables:
                    is_ipv6 = ":" in block
                    self.create_route(
                        table.id,
                        None if is_ipv6 else block,
                        destination_ipv6_cidr_block=block if is_ipv6 else None,
                        local=True,
                    )

    def _show_subnet(self, record: Record) -> None:
        ipv6 = next((each["Ipv6CidrBlock"] for each in record.get("Ipv6CidrBlockAssociationSet", ())), None)
        if not record.get("CidrBlock") and ipv6 is None:
            return  # moto has none without addresses
        name = record.get("AvailabilityZone") or f"{self.region_name}a"
        zones = RegionsAndZonesBackend.zones.get(self.region_name, [])
        subnet = Subnet(
            self,
            record["SubnetId"],
            record["VpcId"],
            record.get("CidrBlock"),
            ipv6,
            next((zone for zone in zones if zone.name == name), None) or Zone(name, self.region_name, name),
            bool(record.get("DefaultForAz")),
            bool(record.get("MapPublicIpOnLaunch")),
        )
        self.subnets[name][subnet.id] = subnet
        self.associate_default_network_acl_with_subnet(subnet.id, subnet.vpc_id)

    def _forget_subnet(self, name: str) -> None:
        for table in self.route_tables.values():
            _drop(table._associations, lambda target: target == name)
        for acl in self.network_acls.values():
            _drop(acl._associations, lambda association: association.subnet_id == name)

    def _forget_vpc(self, vpc: Any) -> None:
        for held in (self.route_tables, self.network_acls, self.vpc_end_points, self.egress_only_internet_gateways):
            _drop(held, lambda resource: resource.vpc_id == vpc.id)
        for gateway in self.internet_gateways.values():
            if gateway.vpc is vpc:
                gateway.vpc = None

    # --- what hangs on it -----------------------------------------------------------------------------------------

    def check_vpc_deletion(self, vpc_id: str) -> None:
        """Raises ApiError where gateways, route tables or the like would be left without their VPC."""
        if (
            any(gateway.vpc is not None and gateway.vpc.id == vpc_id for gateway in self.internet_gateways.values())
            or any(t.vpc_id == vpc_id and t.main_association_id is None for t in self.route_tables.values())
            or any(acl.vpc_id == vpc_id and not acl.default for acl in self.network_acls.values())
            or any(gateway.vpc_id == vpc_id for gateway in self.egress_only_internet_gateways.values())
            or any(endpoint.vpc_id == vpc_id for endpoint in self.vpc_end_points.values())
            or any(gateway.vpc_id == vpc_id and gateway.state != "deleted" for gateway in self.nat_gateways.values())
            or any(vpc_id in gateway.attachments for gateway in self.vpn_gateways.values())
        ):
            raise ApiError("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")

    def check_subnet_deletion(self, subnet_id: str) -> None:
        """Raises ApiError where a NAT gateway is in the subnet."""
        if any(each.subnet_id == subnet_id and each.state != "deleted" for each in self.nat_gateways.values()):
            raise ApiError("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")


def _destinations(route: Any) -> tuple[str | None, str | None]:
    return route.destination_cidr_block, route.destination_ipv6_cidr_block


def _drop(held: dict[str, Any], is_gone: Callable[[Any], bool]) -> None:
    for name in [name for name, each in held.items() if is_gone(each)]:
        del held[name]


class PlumbingResponse(EC2Response):  # type: ignore[misc]
    """Answers one request from one ``Plumbing``: moto's own would look for the account's in its global store."""

    def __init__(self, plumbing: Plumbing) -> None:
        super().__init__()
        self._plumbing = plumbing

    @property
    def ec2_backend(self) -> Plumbing:
        return self._plumbing
