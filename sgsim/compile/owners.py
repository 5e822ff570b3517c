"""What an address decides whatever the rules are: whose it is, and the blocks of sections 2, 4 and 6."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network

import numpy as np
from numpy.typing import NDArray

from sgsim import layout
from sgsim.compile.peers import Span, network_span
from sgsim.compile.ragged import Ints, spread
from sgsim.compile.sets import AddressLines
from sgsim.compile.tries import Trie, trie
from sgsim.layout import GATE
from sgsim.model import Interface, Network, Settings, Topology

# Blocks that decide something whatever the rules are (sections 2 and 4 of the semantics).
_BLOCKS: dict[int, tuple[Network, ...]] = {
    layout.NEVER_FILTERED: (IPv4Network("169.254.0.0/16"), IPv6Network("fd00:ec2::/32")),
    layout.DHCP_REMOTE: (IPv4Network("0.0.0.0/32"), IPv4Network("255.255.255.255/32")),
    layout.DHCPV6_REMOTE: (IPv6Network("fe80::/10"), IPv6Network("ff02::/16")),
    layout.MANY_HOSTS: (IPv4Network("224.0.0.0/4"), IPv4Network("255.255.255.255/32"), IPv6Network("ff00::/8")),
}

# Interface types behind which AWS tracks whatever the rules are: EC2 user guide, "Automatically tracked connections".
_AUTO_TRACKED_TYPES = frozenset(
    {
        "nat_gateway",
        "network_load_balancer",
        "gateway_load_balancer",
        "gateway_load_balancer_endpoint",
        "vpc_endpoint",
        "lambda",
        "transit_gateway",
        "global_accelerator_managed",
    }
)


def deciding_blocks(topology: Topology, settings: Settings) -> dict[int, list[Span]]:
    """The addresses that decide something, by the flag that says so (see the layout)."""
    blocks = {flag: list(map(network_span, networks)) for flag, networks in _BLOCKS.items()}
    blocks[layout.AUTO_TRACKED] = list(map(network_span, topology.auto_tracked + settings.auto_tracked))
    return blocks


class OwnerLine:
    """Both address lines cut wherever the owner of addresses, or whether they are in a deciding block, changes:
    intervals of IPv4, numbered from 0, then those of ``lines`` for IPv6.

    ``owned``: the addresses of each of the topology's interfaces. Those of interfaces that are not selected matter only
    where some of them are of a kind that is automatically tracked.
    """

    def __init__(
        self,
        topology: Topology,
        selected: Sequence[Interface],
        owned: Sequence[Sequence[Span]],
        blocks: Mapping[int, Sequence[Span]],
        lines: AddressLines,
    ) -> None:
        self._selected = selected
        self._interfaces = list(topology.interfaces.values())
        self.any_automatic = any(i.interface_type in _AUTO_TRACKED_TYPES for i in self._interfaces)
        chosen = {interface.interface_id for interface in selected}
        looked_at = [n for n, i in enumerate(self._interfaces) if self.any_automatic or i.interface_id in chosen]
        spans = [span for n in looked_at for span in owned[n]]
        self._owner = np.repeat(looked_at, [len(owned[n]) for n in looked_at]).astype(np.int64)
        exact = [place < len(self._interfaces[n].addresses) for n in looked_at for place in range(len(owned[n]))]
        self._exact_last = np.argsort(exact, kind="stable")  # another VPC may have the address in a prefix
        every = (*spans, *(span for found in blocks.values() for span in found))
        self._starts = sorted({0, *(end for span in every if span.version == 4 for end in span[1:])} - {1 << 32})
        self.v6_first = len(self._starts)
        self.count = self.v6_first + len(lines.v6_starts)
        place = {start: n for n, start in enumerate(self._starts)} | {1 << 32: self.v6_first}
        place6 = {start: n for n, start in enumerate(lines.v6_starts, self.v6_first)} | {1 << 128: self.count}
        self._place = {4: place, 6: place6}
        self._blocks = {flag: self._placed(found) for flag, found in blocks.items()}
        self._ranges = self._placed(spans)

    def _placed(self, spans: Iterable[Span]) -> Ints:
        """Half-open ranges of intervals, shape (n, 2)."""
        place = self._place
        ranges = [(place[version][begin], place[version][end]) for version, begin, end in spans]
        return np.array(ranges, dtype=np.int64).reshape(-1, 2)

    def trie(self) -> Trie:
        """Leads to the interval of each IPv4 address."""
        return trie(np.array(self._starts, dtype=np.int64), np.arange(self.v6_first))

    def about(self) -> NDArray[np.int32]:
        """The owner among the selected interfaces and the flags of each interval, see MatchTable."""
        value = {each.interface_id: (n + 1) << layout.OWNER_SHIFT for n, each in enumerate(self._selected)}
        of_interface = np.array([value.get(i.interface_id, 0) for i in self._interfaces], dtype=np.int32)
        about = np.zeros(self.count, dtype=np.int32)
        ranges = self._ranges[self._exact_last]
        span, interval = spread(ranges[:, 0], ranges[:, 1])
        values = of_interface[self._owner[self._exact_last[span]]]
        selected = values != 0
        about[interval[selected]] = values[selected]
        for flag, ranges in self._blocks.items():
            for begin, end in ranges:
                about[begin:end] |= flag
        return about

    def auto_owners(self, vpc_ids: Sequence[str | None]) -> NDArray[np.uint8]:
        """1 where an interval belongs to an automatically tracked kind of interface, seen from each VPC, one VPC
        after the other.

        An address in use in several VPCs is the one of the VPC that looks, if it is in use there.
        """
        automatic = np.array([i.interface_type in _AUTO_TRACKED_TYPES for i in self._interfaces], dtype=np.bool_)
        span, interval = spread(self._ranges[:, 0], self._ranges[:, 1])
        owner = self._owner[span]
        anywhere = np.zeros(self.count, dtype=np.uint8)
        anywhere[interval[automatic[owner]]] = 1
        result = np.tile(anywhere, (len(vpc_ids), 1))
        for row, vpc_id in zip(result, vpc_ids, strict=True):
            here = np.array([i.vpc_id == vpc_id for i in self._interfaces], dtype=np.bool_)[owner]
            row[interval[here]] = 0
            row[interval[here & automatic[owner]]] = 1
        return result.ravel()


def gates_of(topology: Topology, interfaces: Sequence[Interface], lists: Sequence[int]) -> NDArray[np.void]:
    """Records of GATE; ``lists`` says which list of groups each interface has, or -1."""
    gates = np.zeros(len(interfaces), dtype=GATE)
    for place, interface in enumerate(interfaces):
        vpc = topology.vpcs.get(interface.vpc_id or "")
        subnet = topology.subnets.get(interface.subnet_id or "")
        router = -1 if subnet is None or subnet.cidr is None else int(subnet.cidr.network_address) + 1
        resolver = -1 if vpc is None or vpc.cidr is None else int(vpc.cidr.network_address) + 2
        gates[place] = (lists[place], router, resolver)
    return gates
