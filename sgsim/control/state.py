"""What a cloud holds -> a text: one file of describe output, a snapshot like any other, from which it is loaded again.

Beside the members of describe output a record has those that AWS shows nowhere but that decide what later calls answer:
``Region``, ``OutboundChanged`` of groups, ``AssociatePublicIpAddress`` of interfaces, ``Versions`` of prefix lists,
``AccepterTags`` of peerings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from sgsim.control.answers import Shown, shown_group, shown_rule, tag_list
from sgsim.control.call import ACCEPTER_TAGS, Call
from sgsim.control.instanceanswers import UNSHOWN, shown_instance
from sgsim.control.interfaceanswers import WANTS_PUBLIC, shown_interface
from sgsim.control.operations.associations import shown_association
from sgsim.control.operations.groups import OUTBOUND_CHANGED
from sgsim.control.operations.peerings import shown_peering
from sgsim.control.operations.subnets import shown_subnet
from sgsim.control.operations.vpcs import shown_vpc
from sgsim.control.prefixlists import VERSIONS, current_entries, shown_entries, shown_list, versions
from sgsim.control.store import Store

_encode = msgspec.json.Encoder(enc_hook=str).encode  # names of a scenario are texts that know their line

Show = Callable[[Call, Any], Iterable[Shown]]
Chunk = bytes  # the records of one resource under one key, with commas between


def _subnet(call: Call, subnet: Any) -> Iterable[Shown]:
    """Without the number of its free addresses: interfaces change that, and it can be counted again."""
    shown = _with_region(call, subnet.subnet_id, shown_subnet(call, subnet))
    shown.pop("AvailableIpAddressCount", None)
    yield shown


def _with_region(call: Call, name: str, shown: Shown) -> Shown:
    return shown | {"Region": call.papers(name).region}


def _unshown(call: Call, name: str, *members: str) -> Shown:
    """Members of its papers that describe does not show, as far as it has them."""
    fields = call.papers(name).fields
    return {member: fields[member] for member in members if member in fields}


def _group(call: Call, group: Any) -> Iterable[Shown]:
    unshown = _unshown(call, group.group_id, OUTBOUND_CHANGED)
    yield _with_region(call, group.group_id, shown_group(group, call.draft.papers) | unshown)


def _interface(call: Call, interface: Any) -> Iterable[Shown]:
    unshown = _unshown(call, interface.interface_id, WANTS_PUBLIC)
    yield _with_region(call, interface.interface_id, shown_interface(call, interface) | unshown)


def _list(call: Call, listed: Any) -> Iterable[Shown]:
    name = listed.prefix_list_id
    entries = {} if listed.entries is None else {"Entries": shown_entries(current_entries(call, listed))}
    kept = versions(call, listed)
    yield _with_region(call, name, shown_list(call, listed) | entries | ({VERSIONS: kept} if kept else {}))


def _reservation(call: Call, instance: Any) -> Iterable[Shown]:
    """Of one instance. Its interfaces are under their own key: they change without it."""
    papers = call.papers(instance.instance_id)
    shown = shown_instance(call, instance, ()) | {"Region": papers.region}
    shown |= _unshown(call, instance.instance_id, *UNSHOWN)
    for name in ("NetworkInterfaces", "SecurityGroups"):
        del shown[name]
    yield {"ReservationId": papers.fields.get("ReservationId"), "OwnerId": papers.owner, "Instances": [shown]}


def _peering(call: Call, connection: Any) -> Iterable[Shown]:
    """With the tags of both sides, whoever's the state is."""
    name = connection.vpc_peering_connection_id
    tags = {"Tags": tag_list(call.papers(name).tags)}
    yield _with_region(call, name, shown_peering(call, connection) | tags | _unshown(call, name, ACCEPTER_TAGS))


def _rules(call: Call, group: Any) -> Iterable[Shown]:
    return (shown_rule(rule, call.draft.papers) for rule in (*group.ingress, *group.egress))


#: The keys of the file, in its order: the store's table of each, and what a record of it becomes.
_KEYS: dict[str, tuple[str, Show]] = {
    "SecurityGroups": ("groups", _group),
    "SecurityGroupRules": ("groups", _rules),
    "Vpcs": ("vpcs", lambda call, vpc: [_with_region(call, vpc.vpc_id, shown_vpc(call, vpc))]),
    "Subnets": ("subnets", _subnet),
    "NetworkInterfaces": ("interfaces", _interface),
    "Reservations": ("instances", _reservation),
    "VpcPeeringConnections": ("peerings", _peering),
    "PrefixLists": ("prefix_lists", _list),
    "SecurityGroupVpcAssociations": ("associations", lambda call, each: [shown_association(call, each)]),
}


class StateText:
    """Keeps the text of each resource, so that a change costs what it touches."""

    def __init__(self) -> None:
        self._chunks: dict[str, dict[Any, Chunk]] = {key: {} for key in _KEYS}

    def forget(self, names: Iterable[Any], rule_groups: Mapping[str, str]) -> None:
        """These resources are no longer what they were. Peering connections show the blocks of their VPCs."""
        for name in names:
            if name in self._chunks["Vpcs"]:
                self._chunks["VpcPeeringConnections"].clear()
            for chunks in self._chunks.values():
                chunks.pop(name, None)
                chunks.pop(rule_groups.get(name), None)

    def text(self, store: Store, call: Call) -> bytes:
        """The whole file. ``call`` sees the store."""
        pieces: list[Chunk] = []
        for key, (table, show) in _KEYS.items():
            chunks = self._chunks[key]
            before = b"%b%b: [\n" % (b",\n" if pieces else b"{", _encode(key))
            for name, record in getattr(store, table).items():
                chunk = chunks.get(name)
                if chunk is None:
                    chunk = chunks[name] = b",\n".join(map(_encode, show(call, record)))
                if chunk:
                    pieces += before, chunk
                    before = b",\n"
            pieces.append(b"\n]" if before == b",\n" else before + b"]")
        own: Shown = {"Account": call.caller.account, "Region": call.caller.region, "IdsMade": store.ids_made}
        if store.settled is not None:
            own["Settled"] = sorted(store.settled)
        if store.auto_tracked:
            own["AutoTracked"] = list(map(str, store.auto_tracked))
        pieces += b',\n"Sgsim": ', _encode(own), b"}\n"
        return b"".join(pieces)  # once: 0.02 s for 23 MB, put together key by key it took 0.2
