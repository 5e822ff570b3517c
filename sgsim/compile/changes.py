"""What two topologies that follow one another have in common, as far as tables of rules are concerned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sgsim.compile.peers import Span
from sgsim.model import Direction, GroupReference, Interface, PrefixListReference, Rule, Topology

Owned = Mapping[str, Sequence[Span]]  # the addresses of each interface


class _Changed(NamedTuple):
    """Groups that may stand for other addresses now (None: any may), and prefix lists that do."""

    groups: set[str] | None
    prefix_lists: set[str]

    def concerns(self, rules: Sequence[Rule]) -> bool:
        """Whether a rule refers to one of them."""
        for rule in rules:
            peer = rule.peer
            if isinstance(peer, GroupReference):
                if self.groups is None or peer.group_id in self.groups:
                    return True
            elif isinstance(peer, PrefixListReference) and peer.prefix_list_id in self.prefix_lists:
                return True
        return False


def same_owners(before: Topology, after: Topology) -> bool:
    """Whether all addresses decide what they did, rules apart."""
    return before.interfaces == after.interfaces and before.auto_tracked == after.auto_tracked


def unchanged_rules(before: Topology, after: Topology, owned: Owned, owned_after: Owned) -> set[tuple[str, Direction]]:
    """Groups and directions with the very same tuple of rules, none of which refers to what has changed.

    The same tuple, not an equal one: to compare 300,000 rules takes as long as to compile them.
    """
    changed = _Changed(_changed_groups(before, after, owned, owned_after), _changed_prefix_lists(before, after))
    anything = changed.groups is None or changed.groups or changed.prefix_lists
    found = set()
    for group_id, group in after.groups.items():
        earlier = before.groups.get(group_id)
        if earlier is None or earlier.vpc_id != group.vpc_id:
            continue
        for direction in Direction:
            rules = group.rules(direction)
            if rules is earlier.rules(direction) and not (anything and changed.concerns(rules)):
                found.add((group_id, direction))
    return found


def _changed_groups(before: Topology, after: Topology, owned: Owned, owned_after: Owned) -> set[str] | None:
    """Those that are new, gone or in another VPC, and those of interfaces that are, or own other addresses."""
    if (before.peerings, before.associations) != (after.peerings, after.associations):
        return None
    found = {
        group_id
        for group_id in before.groups.keys() | after.groups.keys()
        if group_id not in before.groups
        or group_id not in after.groups
        or before.groups[group_id].vpc_id != after.groups[group_id].vpc_id
    }
    if before.interfaces == after.interfaces:
        return found
    for name in before.interfaces.keys() | after.interfaces.keys():
        was, now = before.interfaces.get(name), after.interfaces.get(name)
        if was is None or now is None or _member(was, owned) != _member(now, owned_after):
            found |= {group_id for interface in (was, now) if interface for group_id in interface.group_ids}
    return found


def _member(interface: Interface, owned: Owned) -> tuple[object, ...]:
    """What counts of an interface for those who refer to its groups."""
    return interface.group_ids, interface.vpc_id, owned[interface.interface_id]


def _changed_prefix_lists(before: Topology, after: Topology) -> set[str]:
    lists = before.prefix_lists, after.prefix_lists
    return {name for name in lists[0].keys() | lists[1].keys() if lists[0].get(name) != lists[1].get(name)}
