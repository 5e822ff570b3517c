"""Network interfaces: those that are resources, and the ones that instances bring along.

Source: AWS provider documentation, aws_network_interface, aws_instance, aws_network_interface_sg_attachment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from sgsim.model import Address, Interface, Network
from sgsim.sources.checks import address, interface_address, network
from sgsim.sources.infrastructure.drafts import Doubts, Drafts, InterfaceDraft
from sgsim.sources.infrastructure.values import Unknown, Value
from sgsim.sources.terraform.addresses import Index
from sgsim.sources.terraform.names import ANYTHING, GROUP, INSTANCE, INTERFACE, SUBNET, Kind, Names
from sgsim.sources.terraform.networks import name_tag
from sgsim.sources.terraform.resources import Resource

INTERFACE_TYPE = "aws_network_interface"
INSTANCE_TYPE = "aws_instance"
ATTACHMENT = "aws_network_interface_attachment"
GROUP_ATTACHMENT = "aws_network_interface_sg_attachment"
TAG = "aws_ec2_tag"

_PRIMARY = "primary_network_interface_id"


class Interfaces:
    """Reads interfaces into drafts. ``replaced``: resources of GROUP_ATTACHMENT as they are before a plan."""

    def __init__(self, names: Names, drafts: Drafts, doubts: Doubts, replaced: Iterable[Resource] = ()) -> None:
        self._names, self._drafts, self._doubts = names, drafts, doubts
        self._replaced = {
            (each.value("network_interface_id").word(), each.value("security_group_id").word()) for each in replaced
        }
        self._others: dict[str, str] = {}  # other names of interfaces: an instance's for its primary one
        self._instances: dict[str, str] = {}  # Name tags of instances by id

    def read(self, resources: Iterable[Resource]) -> None:
        of: dict[str, list[Resource]] = defaultdict(list)
        for resource in resources:
            of[resource.type].append(resource)
        for resource in of[INSTANCE_TYPE]:
            self._instances[self._names.own(resource)] = name_tag(resource)
        for resource in of[INTERFACE_TYPE]:
            self._read_interface(resource)
        for resource in of[INSTANCE_TYPE]:
            self._read_instance(resource)
        for resource in of[ATTACHMENT]:
            instance = self._names.one(resource, INSTANCE, "instance_id")
            name = self._names.one(resource, INTERFACE, "network_interface_id")
            self._attach(name, instance, resource.value("device_index"))
        for resource in of[GROUP_ATTACHMENT]:
            self._add_group(resource)
        for resource in of[TAG]:
            self._tag(resource)
        for name, draft in self._drafts.interfaces.items():
            if not draft.interface.name and draft.interface.device_index == 0:
                tag = self._instances.get(draft.interface.instance_id or "", "")
                draft.interface = replace(draft.interface, name=tag)
            if not draft.interface.name and draft.place.path != name:
                draft.interface = replace(draft.interface, name=draft.place.path)

    # --- resources ------------------------------------------------------------------------------------------------

    def _read_interface(self, resource: Resource) -> None:
        name = self._names.own(resource)
        owned, missing = self._addresses(
            resource, ("private_ip", "private_ip_list", "private_ips"), ("ipv6_address_list", "ipv6_addresses")
        )
        prefixes = self._prefixes(resource)
        kind = resource.value("interface_type").word() or None
        interface = Interface(
            name,
            name=name_tag(resource),
            subnet_id=self._id(resource, SUBNET, "subnet_id"),
            interface_type=kind,
            addresses=owned,
            prefixes=prefixes,
            public_addresses=self._public(resource),
        )
        groups = self._groups(resource, "security_groups", always=kind in (None, "interface", "efa"))
        self._add(resource, interface, groups, bool(owned or prefixes) and not missing)
        for number, attached in enumerate(resource.value("attachment").items()):
            if isinstance(attached.raw, dict):
                instance = self._names.one(resource, INSTANCE, "attachment", number, "instance")
                self._attach(name, instance, attached.at("device_index"))

    def _read_instance(self, resource: Resource) -> None:
        """An instance's primary interface, unless it is given a resource for it, and those that it is given."""
        instance_id = self._names.own(resource)
        own: str | Unknown | None = resource.value(_PRIMARY).word() or resource.address
        for block in ("network_interface", "primary_network_interface"):
            for number, attached in enumerate(self._blocks(resource, block)):
                name = self._names.one(resource, INTERFACE, block, number, "network_interface_id")
                index = attached.at("device_index").integer() if block == "network_interface" else 0
                self._attach(name, instance_id, Value(index, attached.place))
                own = own if index else name
        if not isinstance(own, str):
            place = resource.value(_PRIMARY).place
            self._doubts.unknown(place, Unknown(place.path), "the instance is taken to have no other interface")
            return
        self._others[f"{resource.address}.{_PRIMARY}"] = own
        if own in self._drafts.interfaces:
            self._attach(own, instance_id, Value(0, resource.place))
            return
        owned, missing = self._addresses(resource, ("private_ip", "secondary_private_ips"), ("ipv6_addresses",))
        interface = Interface(
            own,
            name=name_tag(resource),
            subnet_id=self._id(resource, SUBNET, "subnet_id"),
            interface_type="interface",
            instance_id=instance_id,
            device_index=0,
            addresses=owned,
            public_addresses=self._public(resource),
        )
        groups = self._by_name(resource) or self._groups(resource, "vpc_security_group_ids", always=True)
        self._add(resource, interface, groups, bool(owned) and not missing)

    def _blocks(self, resource: Resource, key: str) -> list[Value]:
        """Blocks that are there; one that AWS's provider computes is not."""
        value = resource.value(key)
        if isinstance(value.raw, Unknown):
            return [] if not self._names.is_set(resource, key) else [value]
        return value.items()

    # --- attributes -----------------------------------------------------------------------------------------------

    def _add(self, resource: Resource, interface: Interface, groups: list[str | Unknown], addressed: bool) -> None:
        name = interface.interface_id
        if name in self._drafts.interfaces:
            if resource.mode == "managed":
                first = self._drafts.interfaces[name].place.path
                self._doubts.notes.doubt(resource.place.refusal(f"{name} is read already, as {first}", "remove one"))
            return
        self._drafts.interfaces[name] = InterfaceDraft(resource.place, interface, groups, addressed)

    def _groups(self, resource: Resource, key: str, *, always: bool) -> list[str | Unknown]:
        """The groups that are given, else its VPC's default group; ``always``: it has some."""
        groups = self._names.several(resource, GROUP, key)
        if not self._names.is_set(resource, key):  # they are those of before the plan
            name = resource.value(_PRIMARY if resource.type == INSTANCE_TYPE else "id").word()
            groups = [each for each in groups if (name, each) not in self._replaced]
        if self._left_out(resource, key) and not self._blocks(resource, "launch_template"):
            subnet = self._drafts.subnets.get(self._id(resource, SUBNET, "subnet_id") or "")
            default = self._names.default_groups.get((subnet.vpc_id if subnet else None) or "")
            if default is not None:
                return [default]
        return groups or ([Unknown(resource.value(key).place.path)] if always else [])

    def _by_name(self, resource: Resource) -> list[str | Unknown]:
        """``security_groups`` of an instance in a default VPC, where they are given: names of groups, or ids."""
        if self._left_out(resource, "security_groups") or not self._left_out(resource, "vpc_security_group_ids"):
            return []
        by_name = {group.name: name for name, group in self._drafts.groups.items()}
        found = self._names.several(resource, GROUP, "security_groups")
        return [by_name.get(each, each) if isinstance(each, str) else each for each in found]

    def _left_out(self, resource: Resource, key: str) -> bool:
        """Whether an attribute is not given, so that AWS or its provider chooses."""
        value = resource.value(key)
        return not value or (isinstance(value.raw, Unknown) and self._names.is_set(resource, key) is False)

    def _addresses(
        self, resource: Resource, private: tuple[str, ...], ipv6: tuple[str, ...]
    ) -> tuple[tuple[Address, ...], bool]:
        """The addresses, the primary one first, and whether some that are given are not known."""
        found: dict[Address, None] = {}
        missing = False
        for version, keys in ((4, private), (6, ipv6)):
            for key in keys:
                value = resource.value(key)
                for item in value.items() if isinstance(value.raw, list) else [value]:
                    text = item.text()
                    if isinstance(text, Unknown):
                        missing |= bool(self._names.is_set(resource, key))
                    elif text:
                        found[interface_address(text, version, item.place)] = None
        return tuple(found), missing

    def _prefixes(self, resource: Resource) -> tuple[Network, ...]:
        found: list[Network] = []
        for version, key in ((4, "ipv4_prefixes"), (6, "ipv6_prefixes")):
            items = [item for item in resource.value(key).items() if item.word()]
            found += [network(item.word(), version, item.place, self._doubts.notes) for item in items]
        return tuple(dict.fromkeys(found))

    def _public(self, resource: Resource) -> tuple[Address, ...]:
        text = resource.value("public_ip")
        return (address(text.word(), 4, text.place),) if text.word() else ()

    def _id(self, resource: Resource, kind: Kind, *keys: Index) -> str | None:
        found = self._names.one(resource, kind, *keys)
        return found if isinstance(found, str) else None

    # --- what other resources say of them -------------------------------------------------------------------------

    def _known(self, name: str | Unknown | None) -> InterfaceDraft | None:
        if not isinstance(name, str):
            return None
        return self._drafts.interfaces.get(self._others.get(name, name))

    def _attach(self, name: str | Unknown | None, instance: str | Unknown | None, index: Value) -> None:
        draft, number = self._known(name), index.integer()
        if draft is not None and isinstance(instance, str):
            known = number if isinstance(number, int) else draft.interface.device_index
            draft.interface = replace(draft.interface, instance_id=instance, device_index=known)

    def _add_group(self, resource: Resource) -> None:
        name = self._names.one(resource, INTERFACE, "network_interface_id")
        group = self._names.one(resource, GROUP, "security_group_id")
        draft = self._known(name)
        if draft is None:
            problem = "adds a group to an interface that is not here: passed over"
            self._doubts.notes.doubt(resource.value("network_interface_id").place.refusal(problem))
        elif group is not None and group not in draft.groups:
            draft.groups.append(group)

    def _tag(self, resource: Resource) -> None:
        """A Name tag that is a resource by itself."""
        if resource.value("key").word() != "Name":
            return
        name, tag = self._names.one(resource, ANYTHING, "resource_id"), resource.value("value").word()
        draft = self._known(name)
        if draft is not None:
            draft.interface = replace(draft.interface, name=tag)
        elif isinstance(name, str) and name in self._instances:
            self._instances[name] = tag
        elif isinstance(name, str) and name in self._drafts.vpcs:
            self._drafts.vpcs[name] = replace(self._drafts.vpcs[name], name=tag)
