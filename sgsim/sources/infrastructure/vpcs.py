"""In which VPCs groups and interfaces are, where the code says it of some of them only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from sgsim.model import GroupReference
from sgsim.sources.infrastructure.drafts import Doubts, Drafts
from sgsim.sources.infrastructure.values import Unknown
from sgsim.sources.places import Place


def place_in_vpcs(drafts: Drafts, doubts: Doubts) -> None:
    """Fill in VPCs: an interface is in its subnet's, its groups are in the same, and so is a group that a rule names.

    What is left is in the only VPC that there is; where there are several, a doubt names it.
    """
    abroad = {(bridge.group_id, bridge.vpc_id) for bridge in drafts.associations}
    for draft in drafts.interfaces.values():
        subnet = drafts.subnets.get(draft.interface.subnet_id or "")
        if draft.interface.vpc_id is None and subnet is not None:
            draft.interface = replace(draft.interface, vpc_id=subnet.vpc_id)
    _spread(drafts, abroad)
    known = _known(drafts)
    left = [name for name, group in drafts.groups.items() if group.vpc_id is None]
    left += [name for name, draft in drafts.interfaces.items() if draft.interface.vpc_id is None]
    if len(known) == 1:
        _settle(drafts, known.pop())
    elif known and left:
        names = ", ".join(left[:10]) + (f" and {len(left) - 10} more" if len(left) > 10 else "")
        problem = f"in which VPC these are is known only {doubts.when}: {names}: taken for one of their own"
        doubts.notes.doubt(Place(doubts.source).refusal(problem))


def _known(drafts: Drafts) -> set[str]:
    found = {group.vpc_id for group in drafts.groups.values()} | set(drafts.vpcs)
    found |= {draft.interface.vpc_id for draft in drafts.interfaces.values()}
    found |= {subnet.vpc_id for subnet in drafts.subnets.values()}
    return {vpc_id for vpc_id in found if vpc_id is not None}


def _spread(drafts: Drafts, abroad: set[tuple[str, str]]) -> None:
    """From what is in a known VPC to what must be in the same one, as far as it goes."""
    neighbours: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for one, other in _ties(drafts):
        neighbours[one].append(other)
        neighbours[other].append(one)
    reached = [key for key in neighbours if _vpc(drafts, key) is not None]
    while reached:
        here = reached.pop()
        vpc_id = _vpc(drafts, here)
        assert vpc_id is not None
        for there in neighbours[here]:
            group_id = here[1] if here[0] == "group" else there[1]
            if _vpc(drafts, there) is None and (group_id, vpc_id) not in abroad:
                _put(drafts, there, vpc_id)
                reached.append(there)


def _ties(drafts: Drafts) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Pairs that are in one VPC, each a kind ("group", "interface") and an id."""
    for name, draft in drafts.interfaces.items():
        for group in draft.groups:
            group_id = group.name if isinstance(group, Unknown) else group
            if group_id in drafts.groups:
                yield ("interface", name), ("group", group_id)
    listed = [(name, rule) for name, group in drafts.groups.items() for rule in group.rules]
    for name, rule in listed + drafts.rules:
        for peer in rule.peers:
            if isinstance(peer, GroupReference) and peer.group_id in drafts.groups and name in drafts.groups:
                yield ("group", name), ("group", peer.group_id)


def _vpc(drafts: Drafts, key: tuple[str, str]) -> str | None:
    kind, name = key
    return drafts.groups[name].vpc_id if kind == "group" else drafts.interfaces[name].interface.vpc_id


def _put(drafts: Drafts, key: tuple[str, str], vpc_id: str) -> None:
    kind, name = key
    if kind == "group":
        drafts.groups[name].vpc_id = vpc_id
    else:
        draft = drafts.interfaces[name]
        draft.interface = replace(draft.interface, vpc_id=vpc_id)


def _settle(drafts: Drafts, vpc_id: str) -> None:
    for kind, names in (("group", drafts.groups), ("interface", drafts.interfaces)):
        for name in names:
            if _vpc(drafts, (kind, name)) is None:
                _put(drafts, (kind, name), vpc_id)
    for name, subnet in drafts.subnets.items():
        if subnet.vpc_id is None:
            drafts.subnets[name] = replace(subnet, vpc_id=vpc_id)
