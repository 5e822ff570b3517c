"""Flows drawn for the rules of a topology, and how many packets each has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.errors import SelectionError
from sgsim.model import ICMP, TCP, UDP, Topology
from sgsim.workload.offers import CALLED, CALLING, INBOUND, OPEN, OUTBOUND, Members, Offers, offers_of

SHARES = {TCP: 0.75, UDP: 0.20, ICMP: 0.05}  # of the packets, and of the flows; ICMP: echo, of either version
UNTRACKED, REFUSED, BETWEEN = 0.20, 0.10, 1 / 6  # of the flows: no entry; dropped at some gate; passing two gates
INWARD = 0.65  # of those between an interface and the outside

REFUSED_PORTS = (23, 135, 445, 1433, 3389)  # what scanners ask for; no rule of workload vpc has them
STRANGERS = 201 << 24, 0x2A0F << 48  # 201.0.0.0/8 and 2a0f::/32: no rule of workload vpc has them
_FEWEST = 20  # flows: one of each protocol at least
CLIENT_PORTS = 32_768, 61_000
_PARETO = 1.3  # shape of the flows' lengths
_LONGEST = 0.003  # about the share of its protocol's packets that one flow may have: no stream is a single flow's

_STEPS = np.sqrt(np.array([2.0, 3.0, 5.0, 7.0])) % 1  # independent ways to fill the unit interval evenly


@dataclass(frozen=True, slots=True)
class Traffic:
    """How much traffic is drawn."""

    packets: int = 5_000_000
    flows: int = 100_000
    ipv6: float = 0.1  # share of the packets
    seed: int = 1


class Flows(NamedTuple):
    """n flows, one array of length n for each field. The source opens it; addresses as in layout.PacketColumns."""

    protocol: NDArray[np.uint8]  # TCP, UDP or ICMP, which stands for ICMPv6 as well
    v6: NDArray[np.bool_]
    src_hi: NDArray[np.uint64]
    src_lo: NDArray[np.uint64]
    dst_hi: NDArray[np.uint64]
    dst_lo: NDArray[np.uint64]
    src_port: NDArray[np.uint16]  # ICMP: the identifier
    dst_port: NDArray[np.uint16]
    packets: NDArray[np.int64]  # in both directions


def draw_flows(traffic: Traffic, topology: Topology) -> Flows:
    """Flows that some rule asks for, but for a tenth that is refused.

    Shares hold for flows and packets alike, since flows of all lengths are dealt out evenly; where the topology has no
    rule of a kind (no UDP, no IPv6, nothing untracked, no group references), other flows take their place. Raises
    SelectionError if no rule of any interface asks for TCP, UDP or echo requests from or to a known address.
    """
    offers, members = offers_of(topology)
    if not len(offers.kind):
        raise SelectionError(
            "no traffic can be drawn for this topology: no rule of an interface admits TCP, UDP or ICMP echo requests"
        )
    if traffic.flows < _FEWEST or traffic.packets < traffic.flows:
        raise SelectionError(
            f"{traffic.packets:,} packets of {traffic.flows:,} flows: at least {_FEWEST} flows, and a packet for each"
        )
    rng = np.random.default_rng(traffic.seed)
    parts = []
    for protocol, flows, packets in _split(traffic):
        lengths = pareto_lengths(rng, flows, packets, least=6 if protocol == TCP else 2)
        offer, refused, strange = _wanted(rng, traffic, offers, protocol, flows)
        parts.append(_drawn(rng, offers, members, offer, refused, strange, lengths))
    return Flows._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _split(traffic: Traffic) -> list[tuple[int, int, int]]:
    """Protocol, flows and packets of each share; together exactly the workload's."""
    bounds = np.cumsum([0.0, *SHARES.values()])
    flows, packets = (np.diff(np.round(bounds * whole)).astype(int) for whole in (traffic.flows, traffic.packets))
    return list(zip(SHARES, flows.tolist(), packets.tolist(), strict=True))


def pareto_lengths(rng: np.random.Generator, flows: int, packets: int, least: int) -> NDArray[np.int64]:
    """Pareto lengths of at least ``least``, the longest first, ``packets`` together."""
    least = min(least, packets // flows)
    weights = np.sort(np.minimum(rng.pareto(_PARETO, size=flows), max(10.0, 3 * _LONGEST * flows)))[::-1]
    spare = packets - least * flows
    lengths: NDArray[np.int64] = least + np.floor(weights * (spare / max(weights.sum(), 1e-9))).astype(np.int64)
    left = packets - int(lengths.sum())
    lengths[rng.permutation(flows)[:left]] += 1
    return lengths


def _wanted(
    rng: np.random.Generator, traffic: Traffic, offers: Offers, protocol: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Flows of a protocol, the longest first: what each is for (a row of ``offers``), whether it is to be refused, and
    whether it comes from (or goes to) a stranger then. Multiples of irrational numbers deal out each property evenly.
    """
    dealt = (np.arange(1, count + 1)[:, None] * _STEPS + rng.random(len(_STEPS))) % 1
    v6 = dealt[:, 0] < traffic.ipv6
    refused = dealt[:, 1] >= 1 - REFUSED
    kind = _kinds(dealt[:, 1], dealt[:, 2], UNTRACKED / SHARES[TCP] if protocol == TCP else 0.0)
    if protocol == ICMP:
        kind[refused] = INBOUND  # between interfaces there is no port to refuse it by
    offer = _choose(rng, offers, protocol, kind, v6, refused)
    strange = refused & ((offers.protocol[offer] == ICMP) | (dealt[:, 3] < 0.5)) & (offers.remote[offer] < 0)
    return offer, refused, strange


def _drawn(
    rng: np.random.Generator,
    offers: Offers,
    members: Members,
    offer: NDArray[np.int64],
    refused: NDArray[np.bool_],
    strange: NDArray[np.bool_],
    lengths: NDArray[np.int64],
) -> Flows:
    """Flows for the offers of these rows."""
    count, protocol, kind, v6 = len(offer), offers.protocol[offer], offers.kind[offer], offers.v6[offer]
    local_hi, local_lo = _member(rng, members, offers.local[offer], None)
    remote_hi, remote_lo = _outside(rng, offers, offer)
    known = np.flatnonzero(offers.remote[offer] >= 0)
    remote_hi[known], remote_lo[known] = _member(
        rng, members, offers.remote[offer[known]], (local_hi[known], local_lo[known])
    )
    port = rng.integers(offers.low[offer], offers.high[offer] + 1)
    remote_hi[strange & v6] = STRANGERS[1] | rng.integers(0, 1 << 32, size=count, dtype=np.uint64)[strange & v6]
    remote_lo[strange & ~v6] = STRANGERS[0] | rng.integers(0, 1 << 24, size=count, dtype=np.uint64)[strange & ~v6]
    port[refused] = rng.choice(REFUSED_PORTS, size=count)[refused]
    port[protocol == ICMP] = 0
    out = (kind == OUTBOUND) | (kind == CALLING)
    return Flows(
        protocol=protocol,
        v6=v6,
        src_hi=np.where(out, local_hi, remote_hi),
        src_lo=np.where(out, local_lo, remote_lo),
        dst_hi=np.where(out, remote_hi, local_hi),
        dst_lo=np.where(out, remote_lo, local_lo),
        src_port=rng.integers(*CLIENT_PORTS, size=count).astype(np.uint16),
        dst_port=port.astype(np.uint16),
        packets=lengths,
    )


def _kinds(dealt: NDArray[np.float64], way: NDArray[np.float64], untracked: float) -> NDArray[np.uint8]:
    """The last part of ``dealt`` is refused: a quarter of it between interfaces, the rest to or from outside."""
    kind = np.where(way < INWARD, INBOUND, OUTBOUND)
    refused = dealt >= 1 - REFUSED
    between = np.where(refused, way < 0.25, (dealt >= untracked) & (dealt < untracked + BETWEEN))
    return np.where(dealt < untracked, OPEN, np.where(between, CALLED, kind)).astype(np.uint8)


def _choose(
    rng: np.random.Generator,
    offers: Offers,
    protocol: int,
    kind: NDArray[np.uint8],
    v6: NDArray[np.bool_],
    refused: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """An offer for each flow, of its kind and version as far as there are any."""
    chosen = np.empty(len(kind), dtype=np.int64)
    for wanted in (OPEN, CALLED, INBOUND, OUTBOUND):
        for six in (False, True):
            for no in (False, True):
                rows = np.flatnonzero((kind == wanted) & (v6 == six) & (refused == no))
                if len(rows):
                    chosen[rows] = rng.choice(_candidates(offers, protocol, wanted, six, no), size=len(rows))
    return chosen


def _candidates(offers: Offers, protocol: int, kind: int, six: bool, refused: bool) -> NDArray[np.int64]:
    """The nearest to what is wanted: the protocol goes before the version, that before the kind. What is to be refused
    is not asked of interfaces that let everything in (out)."""
    found = np.ones(len(offers.kind), dtype=np.bool_)
    wishes = [offers.protocol == protocol, offers.v6 == six, offers.kind == kind]
    if refused:
        side = 2 * offers.local + ((offers.kind == OUTBOUND) | (offers.kind == CALLING))
        wishes.insert(1, ~np.isin(side, side[offers.high - offers.low == 65_535]))
    for wish in wishes:
        if (found & wish).any():
            found &= wish
    return np.flatnonzero(found)


def _member(
    rng: np.random.Generator,
    members: Members,
    places: NDArray[np.int64],
    other_than: tuple[NDArray[np.uint64], NDArray[np.uint64]] | None,
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Addresses of a random member of each list or group; the next one of it where that is ``other_than``."""
    begins, ends = members.begins[places], members.begins[places + 1]
    row = rng.integers(begins, ends)
    if other_than is not None:
        same = (members.hi[row] == other_than[0]) & (members.lo[row] == other_than[1])
        row = np.where(same, begins + (row + 1 - begins) % (ends - begins), row)
    return members.hi[row], members.lo[row]


def _outside(
    rng: np.random.Generator, offers: Offers, offer: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """A random address of each offer's network; of everywhere: of 20.0.0.0 to 199.255.255.255, or 2600::/12."""
    count = len(offer)
    hi = rng.integers(0, 1 << 64, size=count, dtype=np.uint64) & offers.hi_hosts[offer]
    lo = rng.integers(0, 1 << 64, size=count, dtype=np.uint64) & offers.lo_hosts[offer]
    all_v4 = ~offers.v6[offer] & (offers.lo_hosts[offer] == (1 << 32) - 1)
    all_v6 = offers.v6[offer] & (offers.hi_hosts[offer] == (1 << 64) - 1)
    lo = np.where(all_v4, lo % np.uint64(180 << 24) + np.uint64(20 << 24), lo)
    hi = np.where(all_v6, hi >> np.uint64(12) | np.uint64(0x260 << 52), hi)
    return hi | offers.hi[offer], lo | offers.lo[offer]
