"""IpPermissions of a request -> the rules that it names, one for each peer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sgsim.control.call import Call, named
from sgsim.control.cidrs import cidr4, cidr6
from sgsim.control.errors import ApiError, invalid, missing
from sgsim.control.peers import group_peer, prefix_list_peer
from sgsim.control.requests.groups import IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair
from sgsim.control.services import Service, service, service_text
from sgsim.control.texts import rule_description
from sgsim.model import Direction, GroupReference, Peer, PrefixListReference, Rule, SecurityGroup, UnknownPeer

#: What makes two rules of a group the same: descriptions and tags do not count (EC2 API reference, Revoke...).
Identity = tuple[Direction, int, int | None, int | None, object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One rule as a request names it; ``permission`` is what it came in, with this peer alone."""

    direction: Direction
    service: Service
    peer: Peer
    description: str
    described: bool
    permission: IpPermission

    @property
    def identity(self) -> Identity:
        return (self.direction, *self.service, peer_identity(self.peer))

    def rule(self, rule_id: str, group_id: str) -> Rule:
        return Rule(rule_id, group_id, self.direction, *self.service, self.peer, self.description)


def identity(rule: Rule) -> Identity:
    return rule.direction, rule.protocol, rule.from_port, rule.to_port, peer_identity(rule.peer)


def peer_identity(peer: Peer) -> object:
    return peer.group_id if isinstance(peer, GroupReference) else peer


def peer_text(peer: Peer) -> str:
    if isinstance(peer, GroupReference):
        return peer.group_id
    return peer.prefix_list_id if isinstance(peer, PrefixListReference) else str(peer)


def rule_text(rule: Rule | Wanted) -> str:
    """How AWS's messages put a rule."""
    words = rule.service if isinstance(rule, Wanted) else (rule.protocol, rule.from_port, rule.to_port)
    return f"peer: {peer_text(rule.peer)}, {service_text(*words)}, ALLOW"


def wanted_rules(
    call: Call, group: SecurityGroup, direction: Direction, permissions: Sequence[IpPermission], known: bool = True
) -> list[Wanted]:
    """The rules that the permissions name, in their order.

    ``known``: groups and prefix lists must be there and be usable in the group's VPC.

    Raises ApiError: what AWS refuses in a permission; the same rule twice.
    """
    if not permissions:
        raise missing("ipPermissions")
    found = [wanted for each in permissions for wanted in _of_permission(call, group, direction, each, known)]
    seen: set[Identity] = set()
    for wanted in found:
        if wanted.identity in seen:
            raise invalid("The same permission must not appear multiple times")
        seen.add(wanted.identity)
    return found


def _of_permission(
    call: Call, group: SecurityGroup, direction: Direction, permission: IpPermission, known: bool
) -> Iterator[Wanted]:
    of_service = service(permission.ip_protocol, permission.from_port, permission.to_port)
    peers = (
        permission.ip_ranges,
        permission.ipv6_ranges,
        permission.prefix_list_ids,
        permission.user_id_group_pairs,
    )
    if not any(peers):
        message = "Missing source specification: include source security group or CIDR information"
        raise ApiError("MissingParameter", message)
    for member in (each for kind in peers for each in kind):
        peer = _peer(call, group, member, known)
        description = rule_description(member.description)
        described = member.description is not None
        yield Wanted(direction, of_service, peer, description, described, _alone(permission, member))


def _peer(
    call: Call, group: SecurityGroup, member: IpRange | Ipv6Range | PrefixListId | UserIdGroupPair, known: bool
) -> Peer:
    if isinstance(member, IpRange):
        return cidr4(_block(member.cidr_ip))
    if isinstance(member, Ipv6Range):
        return cidr6(_block(member.cidr_ipv6))
    if isinstance(member, PrefixListId):
        return prefix_list_peer(call, named(member.prefix_list_id, "PrefixListId"), known)
    return group_peer(call, group, member, known)


def _block(text: str | None) -> str:
    """The block of an address range, which has to be there (EC2 API error codes, InvalidPermission.Malformed)."""
    if text is None:
        raise ApiError("InvalidPermission.Malformed", "The permission has an address range without a CIDR block")
    return text


def _alone(permission: IpPermission, member: IpRange | Ipv6Range | PrefixListId | UserIdGroupPair) -> IpPermission:
    """The permission with this one peer."""
    return IpPermission(
        ip_protocol=permission.ip_protocol,
        from_port=permission.from_port,
        to_port=permission.to_port,
        ip_ranges=[member] if isinstance(member, IpRange) else [],
        ipv6_ranges=[member] if isinstance(member, Ipv6Range) else [],
        prefix_list_ids=[member] if isinstance(member, PrefixListId) else [],
        user_id_group_pairs=[member] if isinstance(member, UserIdGroupPair) else [],
    )


def placed(rules: Iterable[Rule], rule: Rule) -> tuple[Rule, ...]:
    """The rules with one more, where describe shows it: with those of its protocol and ports, after those of its kind
    of peer. So the order of credit is the order of describe output, also when that is read again as a snapshot."""
    found = list(rules)
    alike = [n for n, each in enumerate(found) if _service(each) == _service(rule)]
    before = [n for n in alike if peer_kind(found[n].peer) <= peer_kind(rule.peer)]
    position = before[-1] + 1 if before else alike[0] if alike else len(found)
    found.insert(position, rule)
    return tuple(found)


def _service(rule: Rule) -> Service:
    return rule.protocol, rule.from_port, rule.to_port


def peer_kind(peer: Peer) -> int:
    """The order of peers in an IpPermission: IpRanges, Ipv6Ranges, PrefixListIds, UserIdGroupPairs."""
    if isinstance(peer, GroupReference):
        return 3
    if isinstance(peer, PrefixListReference):
        return 2
    if isinstance(peer, UnknownPeer):  # no API has such: only a replay's cloud
        return 4
    return 0 if peer.version == 4 else 1
