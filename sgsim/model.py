"""The records of sgsim, in AWS's words: what a snapshot says, what a packet is, what was decided.

Frozen and plain: no numpy, no input checks (those live in ``sgsim.sources``), no behaviour beyond small look-ups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

ANY_PROTOCOL = -1
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
PROTOCOL_NAMES = {ANY_PROTOCOL: "all", ICMP: "icmp", TCP: "tcp", UDP: "udp", ICMPV6: "icmpv6"}

EVERYWHERE: dict[int, Network] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}


class Direction(StrEnum):
    """Seen from the interface that is guarded."""

    INGRESS = "ingress"
    EGRESS = "egress"

    @property
    def opposite(self) -> Direction:
        return Direction.EGRESS if self is Direction.INGRESS else Direction.INGRESS


class Verdict(StrEnum):
    ALLOW = "allow"
    DROP = "drop"


class Reason(StrEnum):
    """Why a packet passed or not. The order is the order of the codes in columns (``sgsim.layout``)."""

    RULE = "rule"
    TRACKED = "tracked"
    RELATED = "related"
    EXEMPT = "exempt"
    UNFILTERED = "unfiltered"
    ASSUMED = "assumed"
    FRAGMENT = "fragment"
    NO_RULE = "no_rule"
    UNRESOLVED = "unresolved"
    NOT_REACHED = "not_reached"
    NO_STATE = "no_state"
    TABLE_FULL = "table_full"
    LATER_FRAGMENT = "later_fragment"

    @property
    def verdict(self) -> Verdict:
        return Verdict.ALLOW if self in _ALLOWING else Verdict.DROP


_ALLOWING = frozenset(
    {Reason.RULE, Reason.TRACKED, Reason.RELATED, Reason.EXEMPT, Reason.UNFILTERED, Reason.ASSUMED, Reason.FRAGMENT}
)


class Skip(StrEnum):
    """Why a packet made no observation. The order is the order of the codes in columns."""

    NOT_IP = "not_ip"
    LOCAL = "local"
    NO_INTERFACE = "no_interface"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    UNSUPPORTED_LINK = "unsupported_link"


class RecordVerdict(StrEnum):
    """What the rules say of a flow log record. ``possible``: the record does not say enough (the ICMP type, or which
    side asked); what it says of the flow may pass or may not."""

    ALLOW = "allow"
    DROP = "drop"
    POSSIBLE = "possible"


class LogSkip(StrEnum):
    """Why a flow log record was not judged. The order is the order of the codes in columns."""

    NO_DATA = "no_data"
    SKIP_DATA = "skip_data"
    MALFORMED = "malformed"
    NOT_IP = "not_ip"
    NO_INTERFACE = "no_interface"
    LOCAL = "local"
    UNCLEAR = "unclear"


# --- what a snapshot says -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PrefixListReference:
    prefix_list_id: str


@dataclass(frozen=True, slots=True)
class GroupReference:
    """A security group as peer (UserIdGroupPair); the last three are given for groups of peered VPCs."""

    group_id: str
    vpc_id: str | None = None
    vpc_peering_connection_id: str | None = None
    peering_status: str | None = None


@dataclass(frozen=True, slots=True)
class UnknownPeer:
    """What infrastructure code does not say before it is applied; ``address`` is where it stands there.

    It matches nothing, and what it might have admitted is unresolved: in one IP version (4 or 6), or in both.
    """

    address: str
    family: int | None = None


Peer = IPv4Network | IPv6Network | PrefixListReference | GroupReference | UnknownPeer


@dataclass(frozen=True, slots=True)
class Rule:
    """One direction, one protocol, one port range (or ICMP type and code), one peer.

    ``protocol`` is the IP protocol number, or -1 for all. ``from_port`` and ``to_port`` are ports for TCP and UDP,
    type and code for ICMP and ICMPv6 (-1: any), and None where AWS ignores them (all protocols, other numbers).
    """

    rule_id: str
    group_id: str
    direction: Direction
    protocol: int
    from_port: int | None
    to_port: int | None
    peer: Peer
    description: str = ""


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    group_id: str
    name: str
    vpc_id: str | None
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]

    def rules(self, direction: Direction) -> tuple[Rule, ...]:
        return self.ingress if direction is Direction.INGRESS else self.egress

    def with_rules(self, direction: Direction, rules: Iterable[Rule]) -> SecurityGroup:
        """The group with other rules in one direction."""
        if direction is Direction.INGRESS:
            return replace(self, ingress=tuple(rules))
        return replace(self, egress=tuple(rules))


@dataclass(frozen=True, slots=True)
class PrefixList:
    """``entries`` is None where the snapshot does not hold them; ``family`` (4 or 6) where it is known."""

    prefix_list_id: str
    name: str
    family: int | None
    entries: tuple[Network, ...] | None


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface (ENI). Addresses are in the snapshot's order, the primary first of its family.

    Timeouts are the interface's own (``ConnectionTrackingConfiguration``), in seconds; None means AWS's default.
    """

    interface_id: str
    name: str = ""
    vpc_id: str | None = None
    subnet_id: str | None = None
    interface_type: str | None = None
    instance_id: str | None = None
    device_index: int | None = None
    addresses: tuple[Address, ...] = ()
    prefixes: tuple[Network, ...] = ()
    public_addresses: tuple[Address, ...] = ()
    group_ids: tuple[str, ...] = ()
    tcp_established_timeout: int | None = None
    udp_timeout: int | None = None
    udp_stream_timeout: int | None = None

    def primary(self, version: int) -> Address | None:
        """The first address of the IP version, or None."""
        return next((address for address in self.addresses if address.version == version), None)


@dataclass(frozen=True, slots=True)
class Vpc:
    """``cidr`` is the primary IPv4 CIDR."""

    vpc_id: str
    cidr: IPv4Network | None = None
    name: str = ""

    @property
    def resolver(self) -> IPv4Address | None:
        """The Route 53 Resolver's address, where the CIDR is known (VPC user guide, "DHCP option sets")."""
        return None if self.cidr is None else self.cidr.network_address + 2


@dataclass(frozen=True, slots=True)
class Subnet:
    subnet_id: str
    vpc_id: str | None = None
    cidr: IPv4Network | None = None

    @property
    def router(self) -> IPv4Address | None:
        """The VPC router's address in it, where the CIDR is known (VPC user guide, "Subnet CIDR blocks")."""
        return None if self.cidr is None else self.cidr.network_address + 1


@dataclass(frozen=True, slots=True)
class VpcPeeringConnection:
    vpc_peering_connection_id: str
    requester_vpc_id: str
    accepter_vpc_id: str
    status: str
    requester_region: str | None = None
    accepter_region: str | None = None

    def joins(self, one: str | None, other: str | None) -> bool:
        """True when the connection is between exactly these two VPCs."""
        return {one, other} == {self.requester_vpc_id, self.accepter_vpc_id}


@dataclass(frozen=True, slots=True)
class GroupVpcAssociation:
    """A security group that may be used in another VPC of its owner; ``state`` is AWS's ("associated", ...)."""

    group_id: str
    vpc_id: str
    state: str = "associated"


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything a snapshot says, in the snapshot's order. ``warnings`` is what loading found doubtful."""

    groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    prefix_lists: Mapping[str, PrefixList] = field(default_factory=dict)
    vpcs: Mapping[str, Vpc] = field(default_factory=dict)
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    peerings: Mapping[str, VpcPeeringConnection] = field(default_factory=dict)
    associations: tuple[GroupVpcAssociation, ...] = ()
    auto_tracked: tuple[Network, ...] = ()
    warnings: tuple[str, ...] = ()

    def rules(self) -> list[Rule]:
        """Every rule of every group, group by group, ingress before egress."""
        return [rule for group in self.groups.values() for rule in (*group.ingress, *group.egress)]


# --- how to judge -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Idle timeouts in seconds. The first three are AWS's documented ones, the others Linux's defaults (a choice).

    Source: EC2 user guide, "Security group connection tracking", idle connection tracking timeout.
    """

    tcp_established: int = 432_000
    udp: int = 30
    udp_stream: int = 180
    tcp_opening: int = 120
    tcp_closing: int = 120
    tcp_reset: int = 10
    icmp: int = 30
    other: int = 600
    fragment: int = 30


class Fragments(StrEnum):
    """What happens to later fragments: they follow their first one, all pass, or all are dropped."""

    TRACK = "track"
    PERMIT = "permit"
    DROP = "drop"


class TcpPickup(StrEnum):
    """Whether a TCP packet that is no SYN may make an entry."""

    LOOSE = "loose"
    STRICT = "strict"


class Midstream(StrEnum):
    """What becomes of a packet whose flow may be older than the capture: the rules alone judge it, or it passes."""

    EVALUATE = "evaluate"
    ASSUME = "assume"


class Tunnel(StrEnum):
    """What can be looked into: the frames inside are judged instead of the packets that carry them."""

    VXLAN = "vxlan"


@dataclass(frozen=True, slots=True)
class Settings:
    """How to judge, where AWS is silent or the snapshot cannot say."""

    open_loop: bool = False
    fragments: Fragments = Fragments.TRACK
    tcp_pickup: TcpPickup = TcpPickup.LOOSE
    midstream: Midstream = Midstream.EVALUATE
    timeouts: Timeouts = Timeouts()
    auto_tracked: tuple[Network, ...] = ()
    conntrack_max: int | None = None


# --- packets and decisions ----------------------------------------------------------------------------------------


class FragmentKind(StrEnum):
    WHOLE = "whole"
    FIRST = "first"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Quoted:
    """The packet that an ICMP error is about, as far as it is quoted. ``icmp_id`` is None where it has none."""

    src: Address
    dst: Address
    protocol: int
    src_port: int | None = None
    dst_port: int | None = None
    icmp_type: int | None = None
    icmp_id: int | None = None


@dataclass(frozen=True, slots=True)
class Packet:
    """One IP packet, decoded. Ports are None but for TCP and UDP, the icmp fields but for ICMP(v6) of its own family;
    all of them are None in later fragments. ``time_ns`` counts from the epoch, ``length`` is in bytes on the wire."""

    time_ns: int
    src: Address
    dst: Address
    protocol: int
    src_port: int | None = None
    dst_port: int | None = None
    tcp_flags: int = 0
    icmp_type: int | None = None
    icmp_code: int | None = None
    icmp_id: int | None = None
    length: int = 0
    fragment: FragmentKind = FragmentKind.WHOLE
    fragment_id: int = 0
    quoted: Quoted | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What one interface's gate decided about one packet.

    ``opened``: the packet made an entry; ``replaced``: it took the place of a live one; ``midstream``: it is the first
    dropped packet of a flow that may be older than the capture.
    """

    interface_id: str
    direction: Direction
    reason: Reason
    rule: Rule | None = None
    tracked: bool = False
    opened: bool = False
    replaced: bool = False
    midstream: bool = False

    @property
    def verdict(self) -> Verdict:
        return self.reason.verdict
