"""The rules of all tables as columns, in credit order, and the sets of addresses that their peers stand for."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from sgsim.compile.peers import Peer, PeerBook, Span, network_span
from sgsim.compile.ragged import Ints, distinct, spread
from sgsim.compile.services import ABSENT, service_spans
from sgsim.compile.sets import AddressLines, Placed, Sets, joined, spans_of_members
from sgsim.errors import SelectionError
from sgsim.layout import RULE_BITS
from sgsim.model import ANY_PROTOCOL, TCP, UDP, Direction, Rule, Topology
from sgsim.model import Peer as RulePeer

Block = tuple[tuple[str, ...], str | None, Direction]  # groups whose rules are asked together, seen from a VPC


class Rows(NamedTuple):
    """The rules of all blocks, in credit order; a rule may stand in several."""

    block: Ints
    number: Ints  # how answers name the rule
    peer: Ints  # number of its set of addresses; negative where nothing is known to be in it
    everywhere: Ints  # 1: its peer is 0.0.0.0/0, 2: ::/0
    unresolved: Ints  # 1: it might stand for something in IPv4, 2: in IPv6
    all_ports: Ints  # 1: it admits every port of TCP, 2: of UDP
    service: tuple[Ints, Ints, Ints]  # (row, begin, end) of the services that it admits


class _Rules:
    """The rules of the groups that are asked, each fetched once, as columns."""

    def __init__(self, topology: Topology, blocks: Sequence[Block], numbers: Ints | None) -> None:
        asked = {(group_id, direction) for group_ids, _, direction in blocks for group_id in group_ids}
        ranges: dict[tuple[str, Direction], tuple[int, int]] = {}
        self.rules: list[Rule] = []
        places = [np.zeros(0, dtype=np.int64)]
        place = 0
        for group in topology.groups.values():
            for direction in Direction:
                rules = group.rules(direction)
                if (group.group_id, direction) in asked:
                    ranges[group.group_id, direction] = (len(self.rules), len(self.rules) + len(rules))
                    self.rules += rules
                    places.append(np.arange(place, place + len(rules)))
                place += len(rules)
        self.number, known = np.concatenate(places), place
        if numbers is not None:
            self.number, known = numbers[self.number], int(numbers.max(initial=-1)) + 1
        if known > RULE_BITS:
            raise SelectionError(f"{known} rules: {RULE_BITS} is the most that can be told apart; leave groups out")
        self.protocol, self.first, self.last = (
            np.array([ABSENT if n is None else n for n in map(attrgetter(name), self.rules)], dtype=np.int64)
            for name in ("protocol", "from_port", "to_port")
        )
        self.peers = [rule.peer for rule in self.rules]
        parts = [(n, *ranges[name, block[2]]) for n, block in enumerate(blocks) for name in block[0]]
        self.parts = np.array(parts, dtype=np.int64).reshape(-1, 3)


def rows_and_sets(
    topology: Topology,
    blocks: Sequence[Block],
    numbers: Ints | None,
    owned: Sequence[Sequence[Span]],
    lines: AddressLines,
) -> tuple[Rows, Sets, AddressLines]:
    """The rules of the blocks, what their peers stand for, and the address lines with what this takes.

    ``numbers``: how answers name each of the topology's rules (None: by its place); ``owned``: the addresses of each of
    its interfaces, which ``lines`` places already.
    Raises SelectionError where there are more rules than answers can tell apart.
    """
    rules = _Rules(topology, blocks, numbers)
    part, rule = spread(rules.parts[:, 1], rules.parts[:, 2])
    block = rules.parts[part, 0]
    peers = _Peers(rules.peers)
    book = PeerBook(topology)
    peer = peers.of_rule[rule]
    references = np.flatnonzero(peer == _REFERENCE)
    asking = zip(rule[references].tolist(), block[references].tolist(), strict=True)
    peer[references] = [peers.refer(rules.rules[n], blocks[m][1], book) for n, m in asking]
    sets, lines = peers.sets(owned, lines)
    whole = (rules.first == 0) & (rules.last == 65535)
    tcp, udp = (whole & (rules.protocol == number) | (rules.protocol == ANY_PROTOCOL) for number in (TCP, UDP))
    rows = Rows(
        block=block,
        number=rules.number[rule],
        peer=peer,
        everywhere=peers.everywhere[rule],
        unresolved=np.where(peer < 0, ~peer, 0),
        all_ports=(tcp + 2 * udp)[rule],
        service=service_spans(rules.protocol[rule], rules.first[rule], rules.last[rule]),
    )
    return rows, sets, lines


_ALL_OF_V6 = Span(6, 0, 1 << 128)
_REFERENCE = -100  # in place of a set's number: not expanded yet


class _Peers:
    """Numbers the sets that peers stand for: first those of IPv4 networks, then those of IPv6 networks, then others.

    A peer that stands for nothing has a negative number: -1, or ~(1 | 2) of the IP versions where it is unresolved.
    """

    def __init__(self, peers: Sequence[RulePeer]) -> None:
        self.of_rule = np.full(len(peers), _REFERENCE, dtype=np.int64)
        self.everywhere = np.zeros(len(peers), dtype=np.int64)
        v4 = np.array([n for n, peer in enumerate(peers) if isinstance(peer, IPv4Network)], dtype=np.int64)
        networks = [peers[n] for n in v4.tolist()]
        begin = np.fromiter(map(int, map(attrgetter("network_address"), networks)), np.int64, len(networks))
        length = np.fromiter(map(attrgetter("prefixlen"), networks), np.int64, len(networks))
        examples, self.of_rule[v4] = distinct(begin << 6 | length)
        self.everywhere[v4[length == 0]] = 1
        self._v4 = (begin[examples], begin[examples] + (1 << 32 - length[examples]))

        v6 = {n: network_span(peer) for n, peer in enumerate(peers) if isinstance(peer, IPv6Network)}
        self._v6 = {span: n for n, span in enumerate(dict.fromkeys(v6.values()))}
        self.of_rule[list(v6)] = [len(examples) + self._v6[span] for span in v6.values()]
        self.everywhere[[n for n, span in v6.items() if span == _ALL_OF_V6]] = 2
        self._others: list[Peer] = []
        self._numbers: dict[tuple[object, str | None, str | None], int] = {}

    def refer(self, rule: Rule, vpc_id: str | None, book: PeerBook) -> int:
        """The number of what a reference stands for, seen from the VPC."""
        key = (rule.peer, book.topology.groups[rule.group_id].vpc_id, vpc_id)
        number = self._numbers.get(key)
        if number is None:
            peer = book.expand(rule, vpc_id)
            if peer.networks or peer.members:
                number = len(self._v4[0]) + len(self._v6) + len(self._others)
                self._others.append(peer)
            else:
                number = ~sum(1 << (version == 6) for version in peer.families)
            self._numbers[key] = number
        return number

    def sets(self, owned: Sequence[Sequence[Span]], lines: AddressLines) -> tuple[Sets, AddressLines]:
        listed = [(n, network_span(network)) for n, peer in enumerate(self._others) for network in peer.networks]
        lines = lines.including((*self._v6, *(span for _, span in listed)))
        count = len(self._v4[0])
        parts = [Placed(np.arange(count), np.zeros(count, dtype=np.int64), *self._v4)]
        parts.append(lines.place(range(count, count + len(self._v6)), list(self._v6)))
        count += len(self._v6)
        parts.append(lines.place([count + n for n, _ in listed], [span for _, span in listed]))
        of_set = np.repeat(np.arange(count, count + len(self._others)), [len(peer.members) for peer in self._others])
        member = np.array([place for peer in self._others for place in peer.members], dtype=np.int64)
        spans = [span for found in owned for span in found]
        mine = lines.place([place for place, found in enumerate(owned) for _ in found], spans)
        parts.append(spans_of_members(of_set, member, mine, len(owned)))
        return joined(count + len(self._others), parts), lines
