"""What infrastructure code says, resource by resource, before it is put together."""

from __future__ import annotations

from dataclasses import dataclass, field

from sgsim.model import (
    Direction,
    GroupVpcAssociation,
    Interface,
    Peer,
    PrefixList,
    Subnet,
    Vpc,
    VpcPeeringConnection,
)
from sgsim.sources.infrastructure.values import Unknown
from sgsim.sources.places import Notes, Place


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """One permission: a rule for each peer, in AWS's order. ``rule_id`` is AWS's id or the name that the code has for
    it; "" is numbered within its group."""

    direction: Direction
    protocol: int
    from_port: int | None
    to_port: int | None
    peers: tuple[Peer, ...]
    description: str = ""
    rule_id: str = ""


@dataclass(slots=True)
class GroupDraft:
    """``rules`` are the group's own; those that are resources by themselves are in Drafts. ``vpc_id`` is None where it
    is not known. ``whole`` is False where the code does not tell all rules; ``open_egress``: it has AWS's own rules,
    all to anywhere."""

    place: Place
    group_id: str
    name: str = ""
    vpc_id: str | None = None
    rules: list[RuleDraft] = field(default_factory=list)
    whole: bool = True
    open_egress: bool = False


@dataclass(slots=True)
class InterfaceDraft:
    """``interface`` but for its groups, each an id or what is not known. ``addressed`` is False where it will have
    addresses that are not known."""

    place: Place
    interface: Interface
    groups: list[str | Unknown]
    addressed: bool = True


@dataclass(slots=True)
class Drafts:
    """Records by id. An id is AWS's, or the name that the code has for what does not exist yet."""

    groups: dict[str, GroupDraft] = field(default_factory=dict)
    rules: list[tuple[str, RuleDraft]] = field(default_factory=list)  # resources by themselves, with their group's id
    interfaces: dict[str, InterfaceDraft] = field(default_factory=dict)
    prefix_lists: dict[str, PrefixList] = field(default_factory=dict)
    incomplete_lists: set[str] = field(default_factory=set)  # their entries are not all known
    vpcs: dict[str, Vpc] = field(default_factory=dict)
    ipv6_vpcs: set[str] = field(default_factory=set)  # have an IPv6 CIDR
    subnets: dict[str, Subnet] = field(default_factory=dict)
    peerings: dict[str, VpcPeeringConnection] = field(default_factory=dict)
    associations: list[GroupVpcAssociation] = field(default_factory=list)
    carriers: list[str] = field(default_factory=list)  # names of resources whose interfaces the code does not show
    carried: set[str] = field(default_factory=set)  # the ids of their groups


class Doubts:
    """Says what is not known. ``source`` names the snapshot, ``when`` the time that will tell."""

    def __init__(self, source: str, notes: Notes, when: str) -> None:
        self.source, self.notes, self.when = source, notes, when

    def unknown(self, place: Place, unknown: Unknown, consequence: str) -> None:
        """A doubt about one value: ``consequence`` is what becomes of it."""
        subject = "is" if unknown.name == place.path else f"{unknown.name} is"
        self.notes.doubt(place.refusal(f"{subject} known only {self.when}: {consequence}"))
