"""Where a verdict and AWS's action disagree: sorted by what likely causes it, with examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.engine.packets import address_of
from sgsim.layout import (
    EGRESS,
    HAS_FLAGS,
    LIKELY_INITIATOR,
    MIDSTREAM,
    PUBLIC_ACCESS_BLOCKED,
    REASONS,
    RECORD_VERDICTS,
    REPLY,
)
from sgsim.model import (
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Direction,
    GroupReference,
    Interface,
    Packet,
    Reason,
    RecordVerdict,
    Rule,
    Settings,
    Topology,
)
from sgsim.reference import RuleBook
from sgsim.reference.packets import admits_service

MOST_FLOWS = 1 << 16  # kinds of flow that are told apart; of the others only the cause is known
_SYN = 2


class Cause(StrEnum):
    """What likely made AWS decide otherwise. The order is that of the codes, and of the report."""

    # AWS rejected what these rules allow
    PUBLIC_ACCESS_BLOCKED = "public_access_blocked"
    RULE_NEWER = "rule_newer"
    NETWORK_ACL = "network_acl"
    REPLY_REFUSED = "reply_refused"
    CONNECTION_GONE = "connection_gone"
    # AWS accepted what these rules drop
    UNRESOLVED = "unresolved"
    EMPTY_GROUP = "empty_group"
    RULES_DIFFER = "rules_differ"
    FLOW_OLDER = "flow_older"
    ICMP_ERROR = "icmp_error"
    FOLLOWS = "follows"


CAUSES = tuple(Cause)
ALLOWED = frozenset(CAUSES[: CAUSES.index(Cause.UNRESOLVED)])

_BY_STATE = [REASONS.index(reason) for reason in (Reason.TRACKED, Reason.ASSUMED, Reason.RELATED)]
_ALLOW = RECORD_VERDICTS.index(RecordVerdict.ALLOW)


@dataclass(frozen=True, slots=True)
class Example:
    """One record of a kind of flow, of which there are ``records``."""

    log: str
    line: int
    interface: Interface
    direction: Direction
    protocol: int
    src: str
    src_port: int | None
    dst: str
    dst_port: int | None
    start: int
    reason: Reason
    rule: Rule | None
    records: int


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Records of one cause; ``flows`` are kinds of flow: interface, direction, protocol and service (or rule)."""

    cause: Cause
    records: int
    packets: int
    bytes: int
    flows: int
    examples: tuple[Example, ...]

    @property
    def allowed(self) -> bool:
        """Whether the verdict is allow and AWS rejected; else it is drop and AWS accepted."""
        return self.cause in ALLOWED


class _Kind(NamedTuple):
    """A kind of flow: what is counted of it, and its first record."""

    counts: list[int]  # records, packets, bytes
    first: NDArray[np.void]


class Disagreements:
    """Add the records that disagree; then ask for them, sorted."""

    def __init__(self, topology: Topology, settings: Settings, interfaces: Sequence[Interface], rules: Sequence[Rule]):
        self._interfaces, self._rules = interfaces, rules
        self._book = RuleBook(topology, settings)
        self._kinds: dict[int, _Kind] = {}
        self._rest: dict[Cause, list[int]] = {}

    def add(self, records: NDArray[np.void]) -> None:
        """Judged LOG_RECORDs, all of which disagree."""
        causes = _causes(records)
        keys, first, kind = np.unique(_keys(records, causes), return_index=True, return_inverse=True)
        counts = np.zeros((len(keys), 3), dtype=np.int64)
        counts[:, 0] = np.bincount(kind, minlength=len(keys))
        for place, name in ((1, "packets"), (2, "bytes")):
            np.add.at(counts[:, place], kind, records[name])
        rows = zip(first.tolist(), keys.tolist(), counts.tolist(), strict=True)
        for row, key, more in sorted(rows):  # kinds stand in the order of their first records
            known = self._kinds.get(key)
            if known is not None:
                _increase(known.counts, more)
            elif len(self._kinds) < MOST_FLOWS:
                self._kinds[key] = _Kind(more, records[row].copy())
            else:
                _increase(self._rest.setdefault(CAUSES[causes[row]], [0, 0, 0]), more)

    def by_cause(self, names: Sequence[str], accepted: NDArray[np.int64], examples: int) -> list[Disagreement]:
        """All of them, in the order of Cause. ``names`` are the logs', ``accepted`` says how many records each rule
        admitted by itself that AWS accepted; so many ``examples`` each at most, those of most records first."""
        sorted_kinds: dict[Cause, list[_Kind]] = {}
        for kind in self._kinds.values():
            sorted_kinds.setdefault(self._final(kind.first, accepted), []).append(kind)
        found = []
        for cause in Cause:
            kinds = sorted(sorted_kinds.get(cause, []), key=lambda kind: -kind.counts[0])
            totals = list(self._rest.get(cause, [0, 0, 0]))
            for kind in kinds:
                _increase(totals, kind.counts)
            if totals[0]:
                shown = tuple(self._example(kind, names) for kind in kinds[:examples])
                count, packets, size = totals
                found.append(Disagreement(cause, count, packets, size, len(kinds), shown))
        return found

    # --- causes ---------------------------------------------------------------------------------------------------

    def _final(self, record: NDArray[np.void], accepted: NDArray[np.int64]) -> Cause:
        """The cause, where all records of the log, or the rules, say more than the record did."""
        cause: Cause = CAUSES[int(_causes(record.reshape(1))[0])]
        if cause is Cause.NETWORK_ACL and record["rule"] >= 0 and not accepted[record["rule"]]:
            return Cause.RULE_NEWER
        if cause is Cause.RULES_DIFFER and self._would_be_admitted_by_members(record):
            return Cause.EMPTY_GROUP
        return cause

    def _would_be_admitted_by_members(self, record: NDArray[np.void]) -> bool:
        """Whether a rule would admit the record's packets if the group that it refers to had members."""
        interface = self._interfaces[int(record["interface"])]
        packet = _packet(record)
        for rule in self._book.rules(interface, _direction(record)):
            if isinstance(rule.peer, GroupReference) and admits_service(rule, packet):
                peers = self._book.peers(interface, rule)
                if peers.resolved and not peers.stale and not peers.owners:
                    return True
        return False

    def _example(self, kind: _Kind, names: Sequence[str]) -> Example:
        record, with_ports = kind.first, int(kind.first["protocol"]) in (TCP, UDP)
        version = int(record["version"])
        rule = int(record["rule"])
        return Example(
            log=names[int(record["log"])],
            line=int(record["line"]),
            interface=self._interfaces[int(record["interface"])],
            direction=_direction(record),
            protocol=int(record["protocol"]),
            src=str(address_of(version, int(record["src_hi"]), int(record["src_lo"]))),
            src_port=int(record["src_port"]) if with_ports else None,
            dst=str(address_of(version, int(record["dst_hi"]), int(record["dst_lo"]))),
            dst_port=int(record["dst_port"]) if with_ports else None,
            start=int(record["start"]),
            reason=REASONS[int(record["reason"])],
            rule=None if rule < 0 else self._rules[rule],
            records=kind.counts[0],
        )


def _increase(totals: list[int], more: Sequence[int]) -> None:
    for place, value in enumerate(more):
        totals[place] += value


def _direction(record: NDArray[np.void]) -> Direction:
    return Direction.EGRESS if int(record["direction"]) == EGRESS else Direction.INGRESS


def _packet(record: NDArray[np.void]) -> Packet:
    """A packet that stands for the record; of ICMP without a type, which only rules for all types admit."""
    version, protocol = int(record["version"]), int(record["protocol"])
    src, dst = (address_of(version, int(record[f"{end}_hi"]), int(record[f"{end}_lo"])) for end in ("src", "dst"))
    ports = (int(record["src_port"]), int(record["dst_port"])) if protocol in (TCP, UDP) else (None, None)
    return Packet(int(record["start"]) * 10**9, src, dst, protocol, *ports)


def _causes(records: NDArray[np.void]) -> NDArray[np.uint8]:
    """The code of the likely cause of each, as far as the record itself tells it."""
    reason, role, marks, protocol = (records[name] for name in ("reason", "role", "marks", "protocol"))
    silent = (protocol == TCP) & (marks & HAS_FLAGS != 0) & (records["tcp_flags"] & _SYN == 0)  # no SYN in it
    replies = role > LIKELY_INITIATOR
    allowed = [
        (marks & PUBLIC_ACCESS_BLOCKED != 0, Cause.PUBLIC_ACCESS_BLOCKED),
        (silent, Cause.CONNECTION_GONE),
        (np.isin(reason, _BY_STATE) | (role == REPLY), Cause.REPLY_REFUSED),
        (np.ones(len(records), dtype=np.bool_), Cause.NETWORK_ACL),
    ]
    dropped = [
        (reason == REASONS.index(Reason.UNRESOLVED), Cause.UNRESOLVED),
        (reason == REASONS.index(Reason.NOT_REACHED), Cause.FOLLOWS),
        ((protocol == ICMP) | (protocol == ICMPV6), Cause.ICMP_ERROR),
        ((records["flags"] & MIDSTREAM != 0) | silent | replies, Cause.FLOW_OLDER),
        (np.ones(len(records), dtype=np.bool_), Cause.RULES_DIFFER),
    ]
    return np.where(records["verdict"] == _ALLOW, _first_of(allowed), _first_of(dropped)).astype(np.uint8)


def _first_of(choices: Sequence[tuple[NDArray[np.bool_], Cause]]) -> NDArray[np.int64]:
    return np.select([rows for rows, _ in choices], [CAUSES.index(cause) for _, cause in choices])


def _keys(records: NDArray[np.void], causes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """What is one kind of flow: cause (4 bits), then interface (20), direction, protocol (8) and the server's port;
    or, of what a rule admits, interface and rule (24)."""
    key = causes.astype(np.int64) << 56 | records["interface"].astype(np.int64) << 32
    port = np.where(records["role"] <= LIKELY_INITIATOR, records["dst_port"], records["src_port"]).astype(np.int64)
    service = records["direction"].astype(np.int64) << 24 | records["protocol"].astype(np.int64) << 16 | port
    of_rule = np.int64(1) << 31 | records["rule"]
    with_rule = (causes == CAUSES.index(Cause.NETWORK_ACL)) & (records["rule"] >= 0)
    return key | np.where(with_rule, of_rule, service)
