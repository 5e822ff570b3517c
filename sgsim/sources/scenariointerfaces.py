"""The interfaces of a scenario."""

from __future__ import annotations

from sgsim.model import Interface, SecurityGroup
from sgsim.sources.checks import TIMEOUT_RANGES, address, interface_address, network, timeout
from sgsim.sources.interfaces import warn_if_unfiltered
from sgsim.sources.places import Notes, Place
from sgsim.sources.scenariotree import Node, near
from sgsim.sources.scenariovpcs import ScenarioVpcs

_KEYS = (
    "addresses",
    "prefixes",
    "groups",
    "vpc",
    "subnet",
    "type",
    "instance",
    "public_addresses",
    *TIMEOUT_RANGES,
)


def scenario_interfaces(
    node: Node | None, groups: dict[str, SecurityGroup], vpcs: ScenarioVpcs, notes: Notes
) -> tuple[dict[str, Interface], dict[str, Place]]:
    """Interfaces by name, and their places."""
    nodes = node.named() if node else {}
    return (
        {name: _interface(name, entry, groups, vpcs, notes) for name, entry in nodes.items()},
        {name: entry.place for name, entry in nodes.items()},
    )


def _interface(name: str, node: Node, groups: dict[str, SecurityGroup], vpcs: ScenarioVpcs, notes: Notes) -> Interface:
    keys = node.members(_KEYS)
    owned = _items(keys, "addresses")
    if not owned and not _items(keys, "prefixes"):
        raise node.place.refusal(f"the interface {name} has no addresses", "write addresses: [10.0.1.10]")
    group_ids = tuple(dict.fromkeys(_group(item, groups) for item in _items(keys, "groups")))
    kind = _text(keys, "type")
    warn_if_unfiltered(name, kind, group_ids, node.place, notes)
    timeouts = {
        key: timeout(keys[key].integer(), key, keys[key].place) if key in keys else None for key in TIMEOUT_RANGES
    }
    public = _items(keys, "public_addresses")
    return Interface(
        interface_id=name,
        name=name,
        vpc_id=vpcs.of_interface(keys, node, [groups[group_id].vpc_id for group_id in group_ids]),
        subnet_id=_text(keys, "subnet"),
        interface_type=kind,
        instance_id=_text(keys, "instance"),
        addresses=tuple(dict.fromkeys(interface_address(item.text(), None, item.place) for item in owned)),
        prefixes=tuple(
            dict.fromkeys(network(item.text(), None, item.place, notes) for item in _items(keys, "prefixes"))
        ),
        public_addresses=tuple(dict.fromkeys(address(item.text(), None, item.place) for item in public)),
        group_ids=group_ids,
        **timeouts,
    )


def _items(keys: dict[str, Node], key: str) -> list[Node]:
    return keys[key].items() if key in keys else []


def _text(keys: dict[str, Node], key: str) -> str | None:
    return keys[key].text() if key in keys else None


def _group(node: Node, groups: dict[str, SecurityGroup]) -> str:
    name = node.text()
    if name not in groups:
        raise node.place.refusal(f"there is no security group {name!r}", near(name, groups))
    return name
