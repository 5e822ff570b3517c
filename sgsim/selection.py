"""Who is guarded: the interfaces that were chosen, and the checks that they can be judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sgsim.errors import SelectionError
from sgsim.model import Address, Interface, Network, Topology

MOST_NAMES = 3


def nearest_names(wrong: str, known: Iterable[str]) -> str:
    """The end of an error line: the known names that look most like the wrong one, or all of a few."""
    names = sorted(known)
    if not names:
        return " (it has none)"
    import difflib  # 5 ms that only an error pays

    near = difflib.get_close_matches(wrong, names, n=MOST_NAMES, cutoff=0.5) or names[:MOST_NAMES]
    more = "" if len(names) <= len(near) else f" and {len(names) - len(near)} more"
    return f" (there is {', '.join(near)}{more})"


def known_interface(topology: Topology, interface_id: str, option: str) -> Interface:
    """The interface of that id. Raises SelectionError that begins with ``option`` and names the nearest ones."""
    if interface_id in topology.interfaces:
        return topology.interfaces[interface_id]
    named = [i.interface_id for i in topology.interfaces.values() if i.name == interface_id]
    hint = f" (it is the Name tag of {', '.join(named)})" if named else nearest_names(interface_id, topology.interfaces)
    raise SelectionError(f"{option}: no interface {interface_id} in the snapshot{hint}")


def select(topology: Topology, enis: Sequence[str] = (), vpc_id: str | None = None) -> list[str]:
    """The ids of the interfaces that are guarded, in snapshot order: those named, those of the VPC, or all.

    With both, an interface has to be named and in the VPC. Raises SelectionError: unknown names, a selection that
    is empty or that leaves an address with two owners, an interface whose groups the snapshot does not describe.
    """
    chosen = choose(topology, enis, vpc_id)
    check_groups(topology, chosen)
    check_owners(chosen)
    return [i.interface_id for i in chosen]


def choose(topology: Topology, enis: Sequence[str] = (), vpc_id: str | None = None) -> list[Interface]:
    """The interfaces that the options name, in snapshot order. Raises SelectionError: unknown names, none chosen."""
    for eni in enis:
        known_interface(topology, eni, f"--eni {eni}")
    chosen = [i for i in topology.interfaces.values() if not enis or i.interface_id in enis]
    if vpc_id is not None:
        check_vpc(topology, vpc_id)
        chosen = [i for i in chosen if i.vpc_id == vpc_id]
    if not chosen:
        where = f"--vpc-id {vpc_id}: no interface" if vpc_id is not None else "the snapshot has no interfaces"
        of = f" of {', '.join(enis)} is in that VPC" if enis else " there" if vpc_id is not None else ""
        raise SelectionError(f"{where}{of}: nothing to judge (add describe-network-interfaces output)")
    return chosen


def check_vpc(topology: Topology, vpc_id: str) -> None:
    """Raises SelectionError where neither a VPC nor an interface of the snapshot has that id."""
    known = {i.vpc_id for i in topology.interfaces.values() if i.vpc_id} | set(topology.vpcs)
    if vpc_id not in known:
        raise SelectionError(f"--vpc-id {vpc_id}: no such VPC in the snapshot{nearest_names(vpc_id, known)}")


def check_groups(topology: Topology, interfaces: Iterable[Interface]) -> None:
    """Raises SelectionError where the snapshot does not describe a group of one of the interfaces."""
    for interface in interfaces:
        for group_id in interface.group_ids:
            if group_id not in topology.groups:
                raise SelectionError(
                    f"{interface.interface_id} has the group {group_id}, which the snapshot does not describe: "
                    "add describe-security-groups output"
                )


def check_owners(interfaces: Iterable[Interface]) -> None:
    """Raises SelectionError where two interfaces own one address, or have overlapping prefixes."""
    owners: dict[Address, Interface] = {}
    chosen = list(interfaces)
    for interface in chosen:
        for address in interface.addresses:
            if address in owners and owners[address] is not interface:
                raise _two_owners(str(address), owners[address], interface)
            owners[address] = interface
    _check_prefixes(chosen)


def _check_prefixes(interfaces: list[Interface]) -> None:
    blocks = [(prefix, interface) for interface in interfaces for prefix in interface.prefixes]
    blocks.sort(key=lambda block: (block[0].version, int(block[0].network_address), block[0].prefixlen))
    widest: tuple[Network, Interface] | None = None  # CIDR blocks nest or are apart: the last outer one tells
    for prefix, interface in blocks:
        inside = (
            widest is not None
            and widest[0].version == prefix.version
            and int(prefix.network_address) <= int(widest[0].broadcast_address)
        )
        if widest is None or not inside:
            widest = (prefix, interface)
        elif widest[1] is not interface:
            raise _two_owners(str(prefix), widest[1], interface)


def _two_owners(what: str, one: Interface, other: Interface) -> SelectionError:
    first, second = (f"{i.interface_id} ({i.vpc_id})" if i.vpc_id else i.interface_id for i in (one, other))
    option = "--vpc-id or --eni" if one.vpc_id != other.vpc_id else "--eni"
    return SelectionError(f"{what} is owned by {first} and by {second}: choose with {option}")


def address_owners(interfaces: Iterable[Interface], address: Address) -> list[Interface]:
    """The interfaces that own the address: exactly, or, where none does, by a delegated prefix."""
    every = list(interfaces)
    exact = [i for i in every if address in i.addresses]
    return exact or [i for i in every if any(address in prefix for prefix in i.prefixes)]
