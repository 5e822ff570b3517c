"""What verdicts point into: interfaces and rules, each with a number that no change of the topology takes from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from sgsim.model import Interface, Topology
from sgsim.selection import check_groups, check_owners

Selected = Iterable[str] | Callable[[Interface], bool] | None


def chooser(selected: Selected) -> Callable[[Interface], bool]:
    """Which interfaces are guarded: those with these ids, those of which it is true, or (None) all."""
    if selected is None or callable(selected):
        return selected or (lambda _: True)
    ids = frozenset(selected)
    return lambda interface: interface.interface_id in ids


class Catalogue:
    """The guarded interfaces (see ``chooser``) and the rules of all groups, as the topology has them and
    as earlier ones had them.

    ``interfaces`` and ``rules`` only ever grow: what is gone keeps its number and the record that it had last. An
    interface is known by its id, a rule by its group's and its own. ``numbers`` says which of ``rules`` each of
    ``topology.rules()`` is.

    Raises SelectionError where an interface has a group that the topology does not, or two own one address.
    """

    def __init__(self, topology: Topology, selected: Selected = None) -> None:
        self.topology = topology
        self._selected = chooser(selected)
        self.interfaces = [i for i in topology.interfaces.values() if self._selected(i)]
        self._guarded = {interface.interface_id: interface for interface in self.interfaces}
        check_groups(topology, self.interfaces)
        check_owners(self.interfaces)
        self.rules = topology.rules()
        self.numbers: NDArray[np.int64] = np.arange(len(self.rules))
        self._names: dict[str, dict[str, int]] = {}  # numbers by rule id, of each group that was ever another

    def after(self, topology: Topology) -> Catalogue:
        """The catalogue when another topology holds; this one stays what it is. Raises SelectionError as above."""
        later = Catalogue(topology, self._selected)
        guarded = dict(later._guarded)
        known = [guarded.pop(each.interface_id, each) for each in self.interfaces]
        later.interfaces = [*known, *guarded.values()]
        later._number_after(self)
        return later

    def present(self) -> list[Interface]:
        """By number; in the place of one that is gone, or no longer selected, one that nobody has."""
        return [self._guarded.get(i.interface_id, Interface("")) for i in self.interfaces]

    def staying(self, later: Catalogue) -> NDArray[np.bool_]:
        """By number, of a later catalogue: whether the interface was guarded, and is still, on the same instance.

        Another instance, or none, means that it was detached (section 11).
        """
        before, now = self._guarded, later._guarded
        stays = np.zeros(len(later.interfaces), dtype=np.bool_)
        stays[: len(self.interfaces)] = [
            name in before and name in now and before[name].instance_id == now[name].instance_id
            for name in (each.interface_id for each in self.interfaces)
        ]
        return stays

    def _number_after(self, before: Catalogue) -> None:
        """Give rules that were there the numbers that they had, and new ones those that follow."""
        self._names = dict(before._names)
        rules = before.rules.copy()
        parts = [np.zeros(0, dtype=np.int64)]
        old = before._by_group()
        for group in self.topology.groups.values():
            numbers = old.pop(group.group_id, parts[0])
            earlier = before.topology.groups.get(group.group_id)
            if group is not earlier:  # the same record is the same group: 300,000 rules are not named again for one
                names = before._names_in(group.group_id, numbers)
                numbers = np.zeros(len(group.ingress) + len(group.egress), dtype=np.int64)
                for place, rule in enumerate((*group.ingress, *group.egress)):
                    numbers[place] = names.setdefault(rule.rule_id, len(rules))
                    rules[numbers[place] : numbers[place] + 1] = [rule]
                self._names[group.group_id] = names
            parts.append(numbers)
        for group_id, numbers in old.items():  # gone, and may come back
            self._names[group_id] = before._names_in(group_id, numbers)
        self.rules, self.numbers = rules, np.concatenate(parts)

    def _by_group(self) -> dict[str, NDArray[np.int64]]:
        """The numbers of each group's rules, ingress before egress."""
        found, at = {}, 0
        for group in self.topology.groups.values():
            end = at + len(group.ingress) + len(group.egress)
            found[group.group_id] = self.numbers[at:end]
            at = end
        return found

    def _names_in(self, group_id: str, numbers: NDArray[np.int64]) -> dict[str, int]:
        """The numbers of all rules that the group ever had, by their ids: of equal ids the first one's."""
        return self._names.get(group_id, {}) | {self.rules[n].rule_id: n for n in reversed(numbers.tolist())}
