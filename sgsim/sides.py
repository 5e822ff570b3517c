"""Who is meant by one side of a question: an interface, or all of a group, of a tag, of a CIDR.

A CIDR is cut into parts whose addresses no rule, interface or exemption of the snapshot tells apart: one address speaks
for its part, so that what is said of all of them is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network, summarize_address_range

from sgsim.errors import SelectionError
from sgsim.model import Address, Interface, Network, PrefixListReference, Topology
from sgsim.query import End, find_end
from sgsim.reference.judge import MANY
from sgsim.reference.rules import DHCP_REMOTES, DHCPV6_REMOTES, NEVER_FILTERED
from sgsim.selection import address_owners, check_vpc, nearest_names

_TAG = "tag:"
MOST_PARTS = 20_000  # of a CIDR; as many pairs are judged in some ten seconds


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a side that behaves as one: ``end`` speaks for all addresses from ``first`` to ``last`` (None: it is an
    interface, or one address)."""

    end: End
    first: Address | None = None
    last: Address | None = None

    def names(self) -> list[str]:
        """What to call it: an interface's id, an address, or CIDRs."""
        if self.first is None or self.last is None:
            return [self.end.interface.interface_id if self.end.interface else self.end.who]
        if self.first == self.last:
            return [str(self.first)]
        return [str(network) for network in summarize_address_range(self.first, self.last)]


@dataclass(frozen=True, slots=True)
class Side:
    """``kind``: "one", "group", "tag" or "cidr"."""

    who: str
    kind: str
    parts: tuple[Part, ...]

    @property
    def version(self) -> int | None:
        """Of a CIDR, its IP version."""
        first = self.parts[0].first
        return first.version if first else None


def find_sides(
    topology: Topology,
    source: str,
    destination: str,
    vpc_id: str | None = None,
    auto_tracked: Iterable[Network] = (),
) -> tuple[Side, Side]:
    """Both sides; each may be what ``sgsim.query.find_end`` takes, a group's id or name, ``tag:Name=VALUE``, a CIDR.

    ``auto_tracked``: those of the settings that the question is judged with, which tell addresses apart too.

    Raises SelectionError where one is not known, or an address is in use in several VPCs.
    """
    if vpc_id is not None:
        check_vpc(topology, vpc_id)
    found = [_network(who) or _members(topology, who, vpc_id) for who in (source, destination)]
    cuts = _cuts(topology, auto_tracked) if any(not isinstance(each, Side) for each in found) else {}
    one, other = (
        each if isinstance(each, Side) else Side(who, "cidr", tuple(_parts(topology, each, cuts, vpc_id)))
        for who, each in zip((source, destination), found, strict=True)
    )
    return one, other


def _network(who: str) -> Network | None:
    """The CIDR that is meant; one of a single address is that address."""
    if "/" not in who:
        return None
    try:
        found = ip_network(who)
    except ValueError:
        try:
            wider = ip_network(who, strict=False)
        except ValueError:
            return None
        raise SelectionError(f"{who} has host bits set: write {wider}, or the address alone") from None
    return found


def _members(topology: Topology, who: str, vpc_id: str | None) -> Side:
    interfaces = [i for i in topology.interfaces.values() if vpc_id in (None, i.vpc_id)]
    if who.startswith(_TAG):
        key, _, value = who.removeprefix(_TAG).partition("=")
        if key != "Name" or not value:
            raise SelectionError(f"{who}: of an interface's tags its Name is kept: write tag:Name={value or '...'}")
        near = nearest_names(value, {i.name for i in interfaces if i.name})
        nobody = f"no interface has the Name {value}{near}"
        return _all_of(who, "tag", [i for i in interfaces if i.name == value], nobody)
    known = any(who in (i.interface_id, i.name, i.instance_id) for i in topology.interfaces.values())
    if not known and not _is_address(who):
        groups = [g.group_id for g in topology.groups.values() if who in (g.group_id, g.name)]
        if groups:
            having = [i for i in interfaces if set(groups) & set(i.group_ids)]
            return _all_of(who, "group", having, f"no interface has the security group {who}")
    try:
        return Side(who, "one", (Part(find_end(topology, who, vpc_id)),))
    except SelectionError:
        if known or _is_address(who):
            raise
        names = {g.name for g in topology.groups.values()} | set(topology.groups)
        names |= {n for i in topology.interfaces.values() for n in (i.interface_id, i.name, i.instance_id) if n}
        problem = "no interface, Name tag, instance or security group of the snapshot, and no address or CIDR"
        raise SelectionError(f"{who}: {problem}{nearest_names(who, names)}") from None


def _all_of(who: str, kind: str, interfaces: list[Interface], nobody: str) -> Side:
    if not interfaces:
        raise SelectionError(f"{who}: {nobody}")
    return Side(who, kind, tuple(Part(End(each.interface_id, each)) for each in interfaces))


def _is_address(who: str) -> bool:
    try:
        ip_address(who)
    except ValueError:
        return False
    return True


# --- the parts of a CIDR ----------------------------------------------------------------------------------------------


def _parts(topology: Topology, network: Network, cuts: dict[int, list[int]], vpc_id: str | None) -> Iterator[Part]:
    first, last = int(network.network_address), int(network.broadcast_address)
    starts = [first, *(cut for cut in cuts[network.version] if first < cut <= last)]
    if len(starts) > MOST_PARTS:
        raise SelectionError(f"{network} falls into {len(starts):,} parts, more than can be judged: ask about less")
    address = type(network.network_address)
    owners = _Owners(topology)
    for begin, following in zip(starts, [*starts[1:], last + 1], strict=True):
        low, high = address(begin), address(following - 1)
        yield Part(owners.end(low, vpc_id), low, high)


class _Owners:
    """Who owns an address, as ``sgsim.query.find_end`` says it, for many addresses."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._exact: dict[Address, list[Interface]] = {}
        for interface in topology.interfaces.values():
            for address in interface.addresses:
                self._exact.setdefault(address, []).append(interface)
        self._with_prefixes = [i for i in topology.interfaces.values() if i.prefixes]

    def end(self, address: Address, vpc_id: str | None) -> End:
        """Raises SelectionError: an address of several interfaces that ``vpc_id`` does not tell apart."""
        owners = self._exact.get(address) or address_owners(self._with_prefixes, address)
        if len(owners) > 1:
            return find_end(self._topology, str(address), vpc_id)
        return End(str(address), owners[0] if owners else None, address)


def _cuts(topology: Topology, auto_tracked: Iterable[Network]) -> dict[int, list[int]]:
    """Where, on each family's line of addresses, something of the snapshot or of section 4 begins or ends."""
    cuts: dict[int, set[int]] = {4: set(), 6: set()}
    for network in (*_networks(topology), *auto_tracked):
        cuts[network.version] |= {int(network.network_address), int(network.broadcast_address) + 1}
    return {version: sorted(found) for version, found in cuts.items()}


def _networks(topology: Topology) -> Iterator[Network]:
    yield from _static()
    yield from topology.auto_tracked
    for rule in topology.rules():
        if isinstance(rule.peer, PrefixListReference):
            listed = topology.prefix_lists.get(rule.peer.prefix_list_id)
            yield from (listed.entries if listed else None) or ()
        elif isinstance(rule.peer, IPv4Network | IPv6Network):
            yield rule.peer
    for interface in topology.interfaces.values():
        yield from interface.prefixes
        yield from map(_alone, interface.addresses)
    yield from (_alone(vpc.resolver) for vpc in topology.vpcs.values() if vpc.resolver)
    yield from (_alone(subnet.router) for subnet in topology.subnets.values() if subnet.router)


def _static() -> Iterable[Network]:
    """The blocks that decide something whatever the rules are: sections 2 and 4 of the semantics."""
    return (*NEVER_FILTERED, *DHCP_REMOTES, *DHCPV6_REMOTES, *MANY)


def _alone(address: Address) -> Network:
    return ip_network(address)
