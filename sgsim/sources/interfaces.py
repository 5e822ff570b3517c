"""NetworkInterfaces and the instances of Reservations -> interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from sgsim.model import Address, Interface, Network
from sgsim.sources import shapes
from sgsim.sources.checks import address, interface_address, network, timeout
from sgsim.sources.joining import Joined, add, completed, joined
from sgsim.sources.places import Notes, Place


def interfaces(
    replies: list[tuple[Place, shapes.Reply]], notes: Notes
) -> tuple[dict[str, Interface], dict[str, Place]]:
    """Interfaces and their places: those of describe-network-interfaces, then those only describe-instances has.

    Where both have one, the former counts and the latter completes it. A primary interface (device index 0) without
    a Name tag takes its instance's.
    """
    found = joined(replies, "network_interfaces", "NetworkInterfaces", "network_interface_id")
    of_instances: Joined[shapes.NetworkInterface] = {}
    names: dict[str, str] = {}
    for place, instance in _instances(replies):
        names[instance.instance_id] = name_tag(instance.tags)
        for number, record in enumerate(instance.network_interfaces or ()):
            here = place.at("NetworkInterfaces").at(number)
            add(of_instances, record.network_interface_id, here, _attached(record, instance.instance_id))
    for interface_id, (place, record) in of_instances.items():
        if interface_id in found:
            first_place, first = found[interface_id]
            found[interface_id] = first_place, _filled(first, record)
        else:
            found[interface_id] = place, record
    return (
        {name: _interface(record, place, names, notes) for name, (place, record) in found.items()},
        {name: place for name, (place, _) in found.items()},
    )


def name_tag(tags: Iterable[shapes.Tag] | None) -> str:
    return next((tag.value or "" for tag in tags or () if tag.key == "Name"), "")


def _instances(replies: list[tuple[Place, shapes.Reply]]) -> Iterator[tuple[Place, shapes.Instance]]:
    for file, reply in replies:
        for number, reservation in enumerate(reply.reservations or ()):
            for position, instance in enumerate(reservation.instances or ()):
                yield file.at("Reservations").at(number).at("Instances").at(position), instance


def _attached(record: shapes.NetworkInterface, instance_id: str) -> shapes.NetworkInterface:
    """An instance's interface does not repeat the instance's id in its attachment."""
    index = record.attachment.device_index if record.attachment else None
    return msgspec.structs.replace(record, attachment=shapes.Attachment(instance_id, index))


def _filled(first: shapes.NetworkInterface, second: shapes.NetworkInterface) -> shapes.NetworkInterface:
    """``first``, with what it lacks from ``second``; the attachment is filled field by field."""
    lacking = {
        field: getattr(second, field)
        for field in first.__struct_fields__
        if getattr(first, field) is None and getattr(second, field) is not None
    }
    if first.attachment and second.attachment:
        lacking["attachment"] = completed(first.attachment, second.attachment) or first.attachment
    return msgspec.structs.replace(first, **lacking)


def _interface(record: shapes.NetworkInterface, place: Place, names: dict[str, str], notes: Notes) -> Interface:
    attachment = record.attachment or shapes.Attachment()
    name = name_tag(record.tag_set)
    if not name and attachment.device_index == 0 and attachment.instance_id:
        name = names.get(attachment.instance_id, "")
    groups = tuple(dict.fromkeys(group.group_id for group in record.groups or ()))
    warn_if_unfiltered(record.network_interface_id, record.interface_type, groups, place, notes)
    tracking = record.connection_tracking_configuration or shapes.ConnectionTracking()
    here = place.at("ConnectionTrackingConfiguration")
    tcp = timeout(tracking.tcp_established_timeout, "tcp_established_timeout", here.at("TcpEstablishedTimeout"))
    return Interface(
        interface_id=record.network_interface_id,
        name=name,
        vpc_id=record.vpc_id,
        subnet_id=record.subnet_id,
        interface_type=record.interface_type,
        instance_id=attachment.instance_id,
        device_index=attachment.device_index,
        addresses=_addresses(record, place),
        prefixes=_prefixes(record, place, notes),
        public_addresses=_public_addresses(record, place),
        group_ids=groups,
        tcp_established_timeout=tcp,
        udp_timeout=timeout(tracking.udp_timeout, "udp_timeout", here.at("UdpTimeout")),
        udp_stream_timeout=timeout(tracking.udp_stream_timeout, "udp_stream_timeout", here.at("UdpStreamTimeout")),
    )


def warn_if_unfiltered(name: str, kind: str | None, groups: tuple[str, ...], place: Place, notes: Notes) -> None:
    """Only AWS's own interfaces (NAT gateways, ...) may have no groups; such an interface filters nothing."""
    if not groups and kind in (None, "interface"):
        problem = f"{name} has no security groups: it filters nothing"
        notes.doubt(place.refusal(problem, "name its groups, or its InterfaceType if it is one of AWS's own"))


def _addresses(record: shapes.NetworkInterface, place: Place) -> tuple[Address, ...]:
    found: list[Address] = []
    listed = list(enumerate(record.private_ip_addresses or ()))
    for number, private in sorted(listed, key=lambda item: not item[1].primary):
        where = place.at(f"PrivateIpAddresses[{number}].PrivateIpAddress")
        found.append(interface_address(private.private_ip_address, 4, where))
    if not listed and record.private_ip_address:
        found.append(interface_address(record.private_ip_address, 4, place.at("PrivateIpAddress")))
    for number, ipv6 in sorted(enumerate(record.ipv6_addresses or ()), key=lambda item: not item[1].is_primary_ipv6):
        where = place.at(f"Ipv6Addresses[{number}].Ipv6Address")
        found.append(interface_address(ipv6.ipv6_address, 6, where))
    return tuple(dict.fromkeys(found))


def _prefixes(record: shapes.NetworkInterface, place: Place, notes: Notes) -> tuple[Network, ...]:
    found: list[Network] = []
    for number, prefix4 in enumerate(record.ipv4_prefixes or ()):
        found.append(network(prefix4.ipv4_prefix, 4, place.at(f"Ipv4Prefixes[{number}].Ipv4Prefix"), notes))
    for number, prefix6 in enumerate(record.ipv6_prefixes or ()):
        found.append(network(prefix6.ipv6_prefix, 6, place.at(f"Ipv6Prefixes[{number}].Ipv6Prefix"), notes))
    return tuple(dict.fromkeys(found))


def _public_addresses(record: shapes.NetworkInterface, place: Place) -> tuple[Address, ...]:
    found: dict[Address, None] = {}
    associations = [("Association", record.association)]
    for number, private in enumerate(record.private_ip_addresses or ()):
        associations.append((f"PrivateIpAddresses[{number}].Association", private.association))
    for path, association in associations:
        if association is None:
            continue
        for key, text in (("PublicIp", association.public_ip), ("CarrierIp", association.carrier_ip)):
            if text:
                found[address(text, 4, place.at(path).at(key))] = None
    return tuple(found)
