"""What only shows over the whole topology: references that lead nowhere, addresses with two owners."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sgsim.errors import InputError
from sgsim.model import Address, GroupReference, Interface, Network, PrefixListReference, Rule, SecurityGroup, Topology
from sgsim.sources.places import Notes, Place


def refuse_shared_addresses(interfaces: Mapping[str, Interface], places: Mapping[str, Place]) -> None:
    """Raise InputError where two interfaces of one VPC own one address, or prefixes that overlap."""
    owners: dict[tuple[str | None, Address], str] = {}
    prefixes: dict[tuple[str | None, int], list[tuple[Network, str]]] = {}
    for name, interface in interfaces.items():
        for address in interface.addresses:
            first = owners.setdefault((interface.vpc_id, address), name)
            if first != name:
                raise _shared(places[name], name, first, f"the address {address}")
        for prefix in interface.prefixes:
            prefixes.setdefault((interface.vpc_id, prefix.version), []).append((prefix, name))
    for delegated in prefixes.values():
        _refuse_overlaps(delegated, places)


def _refuse_overlaps(delegated: list[tuple[Network, str]], places: Mapping[str, Place]) -> None:
    """CIDRs nest or are apart: sorted, an overlap shows against the last one that is in no other."""
    outer: tuple[Network, str] | None = None
    for prefix, owner in sorted(delegated, key=lambda item: (int(item[0].network_address), item[0].prefixlen)):
        if outer is None or prefix.network_address not in outer[0]:
            outer = prefix, owner
        elif owner != outer[1]:
            raise _shared(places[owner], owner, outer[1], f"the prefix {prefix} (within {outer[0]})")


def _shared(place: Place, one: str, other: str, what: str) -> InputError:
    problem = f"{one} owns {what}, and so does {other} in the same VPC"
    return place.refusal(problem, "remove the one that is out of date")


def check_references(
    source: str,
    topology: Topology,
    notes: Notes,
    *,
    remedy: str | None = None,
    joinable: Collection[str] = (),
) -> None:
    """Warn, once for each, of references and prefix lists that are unresolved, and of groups without an interface.

    ``remedy`` is said where there is no describe output to add; the groups in ``joinable`` have interfaces that the
    snapshot does not show.

    Stale references are no fault of the snapshot: AWS itself lists them. A group that only refers to itself and has
    no interface is judged nowhere, so nothing is said of it.
    """
    used = {group_id for interface in topology.interfaces.values() for group_id in interface.group_ids}
    told: set[str] = set()
    for group, rule in _rules(topology):
        peer = rule.peer
        if isinstance(peer, PrefixListReference):
            name, problem, addition = _prefix_list_problem(peer, topology)
        elif isinstance(peer, GroupReference):
            name, problem, addition = _group_problem(peer, group, topology)
            empty = name in topology.groups and name not in used and name != group.group_id and name not in joinable
            if not problem and empty and name not in told:
                told.add(name)
                problem = f"the security group {name} has no interface: rules that refer to it match nothing"
                notes.note(Place(source, rule.rule_id).refusal(problem))
                continue
        else:
            continue
        if problem and name not in told:
            told.add(name)
            problem = f"{problem}: rules that refer to it match nothing"
            notes.doubt(Place(source, rule.rule_id).refusal(problem, addition if remedy is None else remedy))


def _rules(topology: Topology) -> Iterator[tuple[SecurityGroup, Rule]]:
    for group in topology.groups.values():
        for rule in group.ingress:
            yield group, rule
        for rule in group.egress:
            yield group, rule


def _prefix_list_problem(peer: PrefixListReference, topology: Topology) -> tuple[str, str, str]:
    name = peer.prefix_list_id
    listed = topology.prefix_lists.get(name)
    if listed is not None and listed.entries is not None:
        return name, "", ""
    problem = f"the prefix list {name} " + ("has no known entries" if listed else "is not in the snapshot")
    return name, problem, f"add its entries: aws ec2 get-managed-prefix-list-entries, saved as {name}.json"


def _group_problem(peer: GroupReference, group: SecurityGroup, topology: Topology) -> tuple[str, str, str]:
    """The peer's name, and why it is unresolved ("" where it is not, or is stale)."""
    name = peer.group_id
    known = topology.groups.get(name)
    there = known.vpc_id if known else peer.vpc_id
    status: str | None = "active"
    if peer.peering_status:
        status = peer.peering_status
    elif peer.vpc_peering_connection_id or _crosses(name, group.vpc_id, there, topology):
        status = _connection_status(peer, group.vpc_id, there, topology)
    if status is None:
        problem = f"the peering of the security group {name} is not in the snapshot"
        return name, problem, "add the output of aws ec2 describe-vpc-peering-connections"
    if status == "active" and known is None:
        problem = f"the security group {name} is not in the snapshot"
        return name, problem, "add it from the output of aws ec2 describe-security-groups"
    return name, "", ""


def _crosses(name: str, here: str | None, there: str | None, topology: Topology) -> bool:
    """True for a group of another VPC that is not associated with this one."""
    if here is None or there is None or here == there:
        return False
    return not any(bridge.group_id == name and bridge.vpc_id == here for bridge in topology.associations)


def _connection_status(peer: GroupReference, here: str | None, there: str | None, topology: Topology) -> str | None:
    """The status of the pair's connection, or (without an id) of one between the two VPCs; None where unknown."""
    if peer.vpc_peering_connection_id:
        peering = topology.peerings.get(peer.vpc_peering_connection_id)
        return peering.status if peering else None
    between = [peering.status for peering in topology.peerings.values() if peering.joins(here, there)]
    return "active" if "active" in between else between[0] if between else None
