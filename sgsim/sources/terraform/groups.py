"""Security groups and their rules: those written in a group, and those that are resources by themselves.

Source: AWS provider documentation, aws_security_group, aws_security_group_rule, aws_vpc_security_group_ingress_rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sgsim.model import Direction, GroupReference, Peer, PrefixListReference, UnknownPeer
from sgsim.sources.infrastructure.drafts import Doubts, Drafts, GroupDraft, RuleDraft
from sgsim.sources.infrastructure.rules import UNRESOLVED, Service, networks, rule_draft, service, unknown_rules
from sgsim.sources.infrastructure.values import Unknown, Value
from sgsim.sources.places import Place
from sgsim.sources.terraform.names import GROUP, PREFIX_LIST, VPC, Kind, Names
from sgsim.sources.terraform.resources import Resource
from sgsim.sources.terraform.state import required

GROUP_TYPES = ("aws_security_group", "aws_default_security_group")
LEGACY_RULE = "aws_security_group_rule"
RULE_TYPES = {
    "aws_vpc_security_group_ingress_rule": Direction.INGRESS,
    "aws_vpc_security_group_egress_rule": Direction.EGRESS,
}
STANDALONE = frozenset({LEGACY_RULE, *RULE_TYPES})

_RuleKey = tuple[str, Direction, int, int | None, int | None, Peer]


class Groups:
    """Reads groups and rules into drafts. ``replaced``: resources of STANDALONE as they are before a plan."""

    def __init__(self, names: Names, drafts: Drafts, doubts: Doubts, replaced: Iterable[Resource] = ()) -> None:
        self._names, self._drafts, self._doubts = names, drafts, doubts
        self._replaced: set[_RuleKey] = set()
        self._silent: list[str] = []  # groups without a word about their rules of a direction
        for resource in replaced:
            for group_id, rule in self._standalone(resource):
                self._replaced |= {_key(group_id, rule, peer) for peer in rule.peers}

    def read(self, resources: Iterable[Resource]) -> None:
        managed = [resource for resource in resources if resource.mode == "managed"]
        for resource in managed:
            if resource.type in STANDALONE:
                for group_id, rule in self._standalone(resource):
                    self._drafts.rules.append((group_id, rule))
        apart = {(group_id, rule.direction) for group_id, rule in self._drafts.rules}
        for resource in managed:
            if resource.type in GROUP_TYPES:
                self._read_group(resource, apart)
        if self._silent:
            names = ", ".join(self._silent[:10]) + (f" and {len(self._silent) - 10} more" * (len(self._silent) > 10))
            problem = f"no rules are given (a plan does not show dynamic blocks): taken for none: {names}"
            self._doubts.notes.note(Place(self._doubts.source).refusal(problem))

    # --- groups ---------------------------------------------------------------------------------------------------

    def _read_group(self, resource: Resource, apart: set[tuple[str, Direction]]) -> None:
        group_id = self._names.own(resource)
        if group_id in self._drafts.groups:
            first = self._drafts.groups[group_id].place.path
            problem = f"{group_id} is managed twice: as {first} already"
            self._doubts.notes.doubt(resource.place.refusal(problem, "remove one"))
            return
        vpc_id = self._names.one(resource, VPC, "vpc_id")
        name = resource.value("name").word() or resource.value("name_prefix").word() or resource.address
        draft = GroupDraft(resource.place, group_id, name, vpc_id if isinstance(vpc_id, str) else None)
        self._drafts.groups[group_id] = draft
        for direction in Direction:
            draft.rules += self._inline(resource, group_id, direction, (group_id, direction) in apart)

    def _inline(self, resource: Resource, group_id: str, direction: Direction, apart: bool) -> Iterator[RuleDraft]:
        """Rules written in the group. Terraform takes AWS's own egress rules away when it makes a group."""
        value, is_set = resource.value(direction), self._names.is_set(resource, direction)
        if direction not in resource.values.members_raw() and not resource.trimmed:
            value = Value(None if resource.created else Unknown(value.place.path), value.place)
        if isinstance(value.raw, Unknown):
            if resource.created and is_set is False:
                if not apart:
                    self._silent.append(f"{resource.address}.{direction}")
                return
            self._doubts.unknown(value.place, value.raw, "what only these rules might admit is unresolved")
            yield unknown_rules(direction, value.raw)
            return
        if apart and value and (is_set or resource.created):
            problem = f"has {direction} rules of its own and others that are resources: they overwrite each other"
            self._doubts.notes.doubt(value.place.refusal(problem, "keep one kind"))
        blocks = value.items()
        for number in range(len(blocks)):
            rule = self._inline_rule(resource, group_id, direction, number, blocks)
            if not is_set:  # it lists what others made, as it was before the plan
                peers = [peer for peer in rule.peers if _key(group_id, rule, peer) not in self._replaced]
                rule = replace(rule, peers=tuple(peers))
            yield rule

    def _inline_rule(
        self, resource: Resource, group_id: str, direction: Direction, number: int, blocks: list[Value]
    ) -> RuleDraft:
        item = blocks[number]
        asked = service(item.at("protocol"), item.at("from_port"), item.at("to_port"), self._doubts)
        peers = networks(item.at("cidr_blocks"), 4, self._doubts)
        peers += networks(item.at("ipv6_cidr_blocks"), 6, self._doubts)
        for key, kind in (("prefix_list_ids", PREFIX_LIST), ("security_groups", GROUP)):
            peers += self._nested(resource, direction, number, blocks, key, kind)
        peers += self._itself(item.at("self"), group_id)
        return rule_draft(item.place, direction, asked, peers, self._doubts, description=item.at("description").word())

    def _nested(
        self, resource: Resource, direction: Direction, number: int, blocks: list[Value], key: str, kind: Kind
    ) -> Iterator[Peer]:
        """Ids within one of several blocks, whose expressions a plan may show as one: they are told apart where only
        one block can be meant, or all mean the same."""
        value = blocks[number].at(key)
        items = value.items()
        unknown = next((item.raw for item in items if isinstance(item.raw, Unknown)), None)
        if unknown is None:
            yield from (_reference(item.word(), kind) for item in items if item.word())
            return
        alike = [block for block in blocks if _has_unknown(block.at(key))]
        found = self._names.meant(resource, kind, direction, number, key)
        others = {item.raw for block in blocks for item in block.at(key).items() if block is not blocks[number]}
        likely = [name for name in found.ids if name not in others]
        if len(alike) > 1 and len(likely) != 1:
            likely = []
        yield from (_reference(name, kind) for name in likely)
        yield from (
            _reference(item.word(), kind) for item in items if not isinstance(item.raw, Unknown) and item.word()
        )
        if not likely or found.hidden:
            self._doubts.unknown(value.place, Unknown(value.place.path), UNRESOLVED)
            yield UnknownPeer(value.place.path)

    def _itself(self, value: Value, group_id: str) -> list[Peer]:
        flag = value.flag()
        if isinstance(flag, Unknown):
            self._doubts.unknown(value.place, flag, UNRESOLVED)
            return [UnknownPeer(flag.name)]
        return [GroupReference(group_id)] if flag else []

    # --- rules that are resources ---------------------------------------------------------------------------------

    def _standalone(self, resource: Resource) -> Iterator[tuple[str, RuleDraft]]:
        """A rule with its group, or with every group that it may belong to."""
        group = self._names.one(resource, GROUP, "security_group_id")
        if group is None:
            required(resource.value("security_group_id"))
        rule_id = resource.value("security_group_rule_id").word() or resource.address
        if isinstance(group, Unknown):
            place = resource.value("security_group_id").place
            self._doubts.unknown(place, group, "taken for one that any group might have which is made with it")
            for each in self._names.new_of(GROUP):
                for direction in _directions(resource):
                    yield each, unknown_rules(direction, group, f"{rule_id}/{each}")
        elif resource.type == LEGACY_RULE:
            for direction in _directions(resource):
                yield str(group), self._legacy(resource, str(group), direction, rule_id)
        else:
            yield str(group), self._modern(resource, RULE_TYPES[resource.type], rule_id)

    def _legacy(self, resource: Resource, group_id: str, direction: Direction, rule_id: str) -> RuleDraft:
        kind = resource.value("type")
        if isinstance(kind.raw, Unknown):
            self._doubts.unknown(kind.place, kind.raw, UNRESOLVED)
            return unknown_rules(direction, kind.raw, f"{rule_id}/{direction}")
        asked = service(
            resource.value("protocol"), resource.value("from_port"), resource.value("to_port"), self._doubts
        )
        peers = networks(resource.value("cidr_blocks"), 4, self._doubts)
        peers += networks(resource.value("ipv6_cidr_blocks"), 6, self._doubts)
        peers += self._peers(resource, "prefix_list_ids", PREFIX_LIST)
        own = self._itself(resource.value("self"), group_id)
        source = "source_security_group_id"  # AWS's provider computes it where there is another peer
        computed = isinstance(resource.value(source).raw, Unknown) and not self._names.is_set(resource, source)
        if not (computed and peers + own):
            peers += self._peers(resource, source, GROUP)
        return self._draft(resource, direction, asked, [*peers, *own], rule_id)

    def _modern(self, resource: Resource, direction: Direction, rule_id: str) -> RuleDraft:
        asked = service(
            resource.value("ip_protocol"), resource.value("from_port"), resource.value("to_port"), self._doubts
        )
        peers = networks(resource.value("cidr_ipv4"), 4, self._doubts)
        peers += networks(resource.value("cidr_ipv6"), 6, self._doubts)
        peers += self._peers(resource, "prefix_list_id", PREFIX_LIST)
        peers += self._peers(resource, "referenced_security_group_id", GROUP)
        return self._draft(resource, direction, asked, peers, rule_id)

    def _peers(self, resource: Resource, key: str, kind: Kind) -> Iterator[Peer]:
        value = resource.value(key)
        found: list[str | Unknown] = []
        if isinstance(value.raw, list) or key.endswith("s"):
            found = self._names.several(resource, kind, key)
        elif (only := self._names.one(resource, kind, key)) is not None:
            found = [only]
        for each in found:
            if isinstance(each, Unknown):
                self._doubts.unknown(value.place, each, UNRESOLVED)
                yield UnknownPeer(each.name)
            else:
                yield _reference(each, kind)

    def _draft(
        self, resource: Resource, direction: Direction, asked: Service, peers: list[Peer], rule_id: str
    ) -> RuleDraft:
        text = resource.value("description").word()
        return rule_draft(resource.place, direction, asked, peers, self._doubts, description=text, rule_id=rule_id)


def _directions(resource: Resource) -> list[Direction]:
    if resource.type in RULE_TYPES:
        return [RULE_TYPES[resource.type]]
    kind = resource.value("type")
    if isinstance(kind.raw, Unknown):
        return list(Direction)
    if required(kind) not in tuple(Direction):
        raise kind.place.refusal(f"{kind.word()!r} is neither ingress nor egress")
    return [Direction(kind.word())]


def _reference(name: str, kind: Kind) -> Peer:
    return PrefixListReference(name) if kind is PREFIX_LIST else GroupReference(name.rpartition("/")[2])


def _has_unknown(value: Value) -> bool:
    return any(isinstance(item.raw, Unknown) for item in value.items())


def _key(group_id: str, rule: RuleDraft, peer: Peer) -> _RuleKey:
    return group_id, rule.direction, rule.protocol, rule.from_port, rule.to_port, peer
