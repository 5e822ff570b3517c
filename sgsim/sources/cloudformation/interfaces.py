"""Network interfaces: resources by themselves, and the ones that instances bring along.

Source: CloudFormation user guide, AWS::EC2::NetworkInterface, AWS::EC2::Instance, NetworkInterface property type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sgsim.model import Address, Interface, Network
from sgsim.sources.checks import interface_address, network, timeout
from sgsim.sources.cloudformation.groups import identity
from sgsim.sources.cloudformation.networks import name_tag
from sgsim.sources.cloudformation.template import Resource, Template
from sgsim.sources.infrastructure.drafts import Doubts, Drafts, InterfaceDraft
from sgsim.sources.infrastructure.values import Unknown, Value

_TIMEOUTS = {
    "tcp_established_timeout": "TcpEstablishedTimeout",
    "udp_timeout": "UdpTimeout",
    "udp_stream_timeout": "UdpStreamTimeout",
}
_COUNTS = ("SecondaryPrivateIpAddressCount", "Ipv6AddressCount")


class Interfaces:
    """Reads interfaces into drafts; they go by their logical ids, an instance's primary one by the instance's."""

    def __init__(self, template: Template, drafts: Drafts, doubts: Doubts) -> None:
        self._template, self._drafts, self._doubts = template, drafts, doubts
        self._by_name = {group.name: name for name, group in drafts.groups.items()}

    def read(self) -> None:
        for resource in self._template.resources("AWS::EC2::NetworkInterface"):
            self._note_maybe(resource)
            kind = resource.value("InterfaceType").word() or "interface"
            interface = Interface(resource.name, name_tag(resource.value("Tags")), interface_type=kind)
            self._add(interface, resource.properties, self._groups(resource.properties, "GroupSet"))
        for resource in self._template.resources("AWS::EC2::Instance"):
            self._note_maybe(resource)
            self._read_instance(resource)
        for resource in self._template.resources("AWS::EC2::NetworkInterfaceAttachment"):
            instance = identity(resource.value("InstanceId"))
            if instance:
                self._attach(resource.properties, instance, "")

    def _note_maybe(self, resource: Resource) -> None:
        if resource.maybe is not None:
            self._doubts.unknown(resource.place, resource.maybe, "the interface is taken to be made")

    def _read_instance(self, resource: Resource) -> None:
        """Either interfaces, each given or described, or the properties of the primary one."""
        name = name_tag(resource.value("Tags"))
        listed = resource.value("NetworkInterfaces")
        if isinstance(listed.raw, Unknown):
            self._doubts.unknown(listed.place, listed.raw, "the instance is taken to have no other interface")
            return
        for number, item in enumerate(listed.items()):
            index = item.at("DeviceIndex").integer()
            place = number if not isinstance(index, int) else index
            if item.at("NetworkInterfaceId"):
                self._attach(item, resource.name, name if place == 0 else "")
                continue
            own = resource.name if place == 0 else f"{resource.name}/{place}"
            interface = Interface(own, name if place == 0 else "", instance_id=resource.name, device_index=place)
            groups = self._groups(item, "GroupSet")
            self._add(replace(interface, interface_type="interface"), item, groups)
        if listed.items():
            return
        properties = resource.properties
        key = "SecurityGroupIds" if properties.at("SecurityGroupIds") else "SecurityGroups"
        if properties.at(key) or not properties.at("LaunchTemplate"):
            groups = self._groups(properties, key)
        else:
            groups = [Unknown(f"{resource.name}.LaunchTemplate")]
        interface = Interface(
            resource.name, name, interface_type="interface", instance_id=resource.name, device_index=0
        )
        self._add(interface, properties, groups)

    def _attach(self, item: Value, instance: str, name: str) -> None:
        """An interface that is a resource becomes an instance's."""
        draft = self._drafts.interfaces.get(identity(item.at("NetworkInterfaceId")) or "")
        index = item.at("DeviceIndex").integer()
        if draft is not None:
            known = index if isinstance(index, int) else None
            named = draft.interface.name or name
            draft.interface = replace(draft.interface, instance_id=instance, device_index=known, name=named)

    def _add(self, interface: Interface, properties: Value, groups: list[str | Unknown]) -> None:
        owned = tuple(dict.fromkeys(self._addresses(properties)))
        prefixes = tuple(self._prefixes(properties))
        tracking = properties.at("ConnectionTrackingSpecification")
        interface = replace(
            interface,
            subnet_id=identity(properties.at("SubnetId")),
            addresses=owned,
            prefixes=prefixes,
            tcp_established_timeout=self._timeout(tracking, "tcp_established_timeout"),
            udp_timeout=self._timeout(tracking, "udp_timeout"),
            udp_stream_timeout=self._timeout(tracking, "udp_stream_timeout"),
        )
        counted = any(properties.at(key).integer() not in (None, 0) for key in _COUNTS)
        addressed = bool(owned or prefixes) and not counted and not self._hidden(properties)
        name = interface.interface_id
        self._drafts.interfaces[name] = InterfaceDraft(properties.place, interface, groups, addressed)

    # --- properties -----------------------------------------------------------------------------------------------

    def _groups(self, properties: Value, key: str) -> list[str | Unknown]:
        """Groups by id or name; without a word about them, the default group of the subnet's VPC."""
        listed = properties.at(key)
        found: list[str | Unknown] = []
        for item in listed.items() if isinstance(listed.raw, list) else [listed]:
            text = item.text()
            if isinstance(text, Unknown):
                found.append(text)
            elif text:
                found.append(self._by_name.get(text, text))
        if found:
            return found
        subnet = self._drafts.subnets.get(identity(properties.at("SubnetId")) or "")
        return [Unknown(f"{subnet.vpc_id}.DefaultSecurityGroup" if subnet and subnet.vpc_id else listed.place.path)]

    def _given(self, properties: Value) -> Iterator[tuple[int, Value]]:
        """The addresses that are given, the primary one first, each with its IP version."""
        yield 4, properties.at("PrivateIpAddress")
        private = properties.at("PrivateIpAddresses").items()
        for item in sorted(private, key=lambda item: item.at("Primary").flag() is not True):
            yield 4, item.at("PrivateIpAddress")
        for item in properties.at("Ipv6Addresses").items():
            yield 6, item.at("Ipv6Address")

    def _addresses(self, properties: Value) -> Iterator[Address]:
        for version, value in self._given(properties):
            if value.word():
                yield interface_address(value.word(), version, value.place)

    def _hidden(self, properties: Value) -> bool:
        return any(isinstance(value.raw, Unknown) for _, value in self._given(properties))

    def _prefixes(self, properties: Value) -> Iterator[Network]:
        for version in (4, 6):
            for item in properties.at(f"Ipv{version}Prefixes").items():
                prefix = item.at(f"Ipv{version}Prefix")
                if prefix.word():
                    yield network(prefix.word(), version, prefix.place, self._doubts.notes)

    def _timeout(self, tracking: Value, name: str) -> int | None:
        value = tracking.at(_TIMEOUTS[name])
        seconds = value.integer()
        if isinstance(seconds, Unknown):
            self._doubts.unknown(value.place, seconds, "taken for AWS's default")
            return None
        return timeout(seconds, name, value.place)
