"""What the cloud holds, and a draft of it: a call writes to its draft, which becomes true as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sgsim.model import (
    GroupVpcAssociation,
    Interface,
    Network,
    PrefixList,
    SecurityGroup,
    Subnet,
    Topology,
    Vpc,
    VpcPeeringConnection,
)

Value = TypeVar("Value")
Fields = Mapping[str, Any]  # members of a reply of describe, in its shape


def _nothing() -> Fields:
    return {}


@dataclass(frozen=True, slots=True)
class Papers:
    """What the API shows of a resource that decides nothing about packets.

    ``fields`` are members of its describe reply that the model's record does not hold, by their names there.
    """

    owner: str
    region: str
    tags: Mapping[str, str] = field(default_factory=_nothing)
    fields: Fields = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance as far as groups need it; the rest of what describe shows is in its papers.

    ``state`` is the name of its state ("running", "stopped", ...); its interfaces are those that say so.
    """

    instance_id: str
    state: str


@dataclass(slots=True)
class Store:
    """Everything the cloud holds. Records are frozen and shared with topologies; a change replaces them."""

    groups: dict[str, SecurityGroup] = field(default_factory=dict)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    prefix_lists: dict[str, PrefixList] = field(default_factory=dict)
    vpcs: dict[str, Vpc] = field(default_factory=dict)
    subnets: dict[str, Subnet] = field(default_factory=dict)
    peerings: dict[str, VpcPeeringConnection] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    associations: dict[tuple[str, str], GroupVpcAssociation] = field(default_factory=dict)  # by group and VPC
    papers: dict[str, Papers] = field(default_factory=dict)  # of all of the above by id, and of rules that have tags
    rule_groups: dict[str, str] = field(default_factory=dict)  # the group of each rule, by id
    settled: set[tuple[str, str]] | None = None  # accounts and Regions that got their default VPC; None: none gets one
    auto_tracked: tuple[Network, ...] = ()
    warnings: tuple[str, ...] = ()
    ids_made: int = 0  # how many new resources have been named, when it was written; see Ids

    def topology(self) -> Topology:
        """What it says about packets; stays as it is when the store goes on."""
        return Topology(
            groups=dict(self.groups),
            interfaces=dict(self.interfaces),
            prefix_lists=dict(self.prefix_lists),
            vpcs=dict(self.vpcs),
            subnets=dict(self.subnets),
            peerings=dict(self.peerings),
            associations=tuple(a for a in self.associations.values() if a.state == "associated"),
            auto_tracked=self.auto_tracked,
            warnings=self.warnings,
        )


class _Gone:
    pass


_GONE = _Gone()

Key = TypeVar("Key")


class Table(MutableMapping[Key, Value], Generic[Key, Value]):
    """A table of the store with what a call has written so far; the store's own is not touched before ``commit``."""

    def __init__(self, base: dict[Key, Value]) -> None:
        self._base = base
        self._written: dict[Key, Value | _Gone] = {}

    def __getitem__(self, key: Key) -> Value:
        found = self._written.get(key)
        if found is None:
            return self._base[key]
        if isinstance(found, _Gone):
            raise KeyError(key)
        return found

    def __setitem__(self, key: Key, value: Value) -> None:
        self._written[key] = value

    def __delitem__(self, key: Key) -> None:
        if key not in self:
            raise KeyError(key)
        self._written[key] = _GONE

    def __iter__(self) -> Iterator[Key]:
        if not self._written:
            yield from self._base
            return
        for key in self._base:
            if self._written.get(key) is not _GONE:
                yield key
        for key, value in list(self._written.items()):
            if value is not _GONE and key not in self._base:
                yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, key: object) -> bool:
        found = self._written.get(key)  # type: ignore[arg-type]
        return key in self._base if found is None else found is not _GONE

    def changed(self) -> set[Key]:
        return set(self._written)

    def commit(self) -> None:
        for key, value in self._written.items():
            if isinstance(value, _Gone):
                self._base.pop(key, None)
            else:
                self._base[key] = value
        self._written = {}


class Draft:
    """A store as one call sees and changes it."""

    def __init__(self, store: Store) -> None:
        self.groups = Table(store.groups)
        self.interfaces = Table(store.interfaces)
        self.prefix_lists = Table(store.prefix_lists)
        self.vpcs = Table(store.vpcs)
        self.subnets = Table(store.subnets)
        self.peerings = Table(store.peerings)
        self.instances = Table(store.instances)
        self.associations = Table(store.associations)
        self.papers = Table(store.papers)
        self.rule_groups = Table(store.rule_groups)

    def _tables(self) -> tuple[Table[Any, Any], ...]:
        return tuple(vars(self).values())

    def changed(self) -> set[Any]:
        """The keys of all records that the call wrote or deleted."""
        return set().union(*(table.changed() for table in self._tables()))

    def commit(self) -> None:
        """Make it true. Cannot fail."""
        for table in self._tables():
            table.commit()
