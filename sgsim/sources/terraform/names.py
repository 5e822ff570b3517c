"""Which resources the attributes of others name: by AWS's ids, or where those are not known, by the expressions.

A resource goes by its id, or by its address until it has one. An expression shows its references and not what it does
with them, so that what is found is what it can mean: where that is not one thing, it is said or left unknown.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sgsim.sources.infrastructure.drafts import Doubts
from sgsim.sources.infrastructure.values import Unknown, Value
from sgsim.sources.terraform.addresses import Index, Reference, Step, read_references
from sgsim.sources.terraform.configuration import Configuration, Scope, leaves
from sgsim.sources.terraform.resources import Resource

_FARTHEST = 40  # references followed one behind another: modules nest some five deep


class Kind(NamedTuple):
    """A kind of id: resources that have it (none: all), the attributes that name it, what AWS's ids begin with."""

    types: tuple[str, ...]
    attribute: re.Pattern[str]
    prefix: str

    def has(self, resource: Resource) -> bool:
        return not self.types or resource.type in self.types


GROUP = Kind(
    ("aws_security_group", "aws_default_security_group"),
    re.compile(r"(?:^|_)security_group(?:s|_ids?)$|^groups$"),
    "sg-",
)
VPC = Kind(("aws_vpc", "aws_default_vpc"), re.compile(r"(?:^|_)vpc_id$"), "vpc-")
SUBNET = Kind(("aws_subnet", "aws_default_subnet"), re.compile(r"(?:^|_)subnet_ids?$"), "subnet-")
INTERFACE = Kind(("aws_network_interface",), re.compile(r"(?:^|_)network_interface_id$"), "eni-")
INSTANCE = Kind(("aws_instance",), re.compile(r"(?:^|_)instance(?:_id)?$"), "i-")
PREFIX_LIST = Kind(("aws_ec2_managed_prefix_list", "aws_prefix_list"), re.compile(r"(?:^|_)prefix_list_ids?$"), "pl-")
PEERING = Kind(
    ("aws_vpc_peering_connection",),
    re.compile(r"(?:^|_)peering_connection_id$"),
    "pcx-",
)
ANYTHING = Kind((), re.compile(r"(?:^|_)network_interface_id$"), "")
_IDENTITIES = (("id",), ("arn",), ("name",), ("prefix_list_id",))


@dataclass(slots=True)
class Found:
    """Ids that an expression can mean, in its order; ``hidden``: what it refers to that a plan does not show."""

    ids: dict[str, None] = field(default_factory=dict)
    hidden: dict[str, None] = field(default_factory=dict)
    seen: set[object] = field(default_factory=set)  # expressions that were followed, each with its scope


class Names:
    """``resources`` of one state or of one side of a plan; ``configuration`` of a plan's later side."""

    def __init__(self, resources: Iterable[Resource], configuration: Configuration | None, doubts: Doubts) -> None:
        self._doubts, self._configuration = doubts, configuration
        self._instances: dict[tuple[tuple[Step, ...], str], list[Resource]] = defaultdict(list)
        self._nameless: dict[tuple[tuple[Step, ...], str], list[Resource]] = defaultdict(list)
        self._modules: dict[tuple[Step, ...], None] = {}
        self.new: set[str] = set()  # addresses, of resources and attributes, that stand for ids not known yet
        self.default_groups: dict[str, str] = {}  # of VPCs, where they are known
        for resource in resources:
            self._instances[resource.module, resource.head].append(resource)
            for length in range(1, len(resource.module) + 1):
                self._modules[resource.module[:length]] = None
            if self.own(resource) == resource.address:
                self.new.add(resource.address)
                if resource.mode == "managed":
                    self._nameless[resource.module, resource.type].append(resource)

    def own(self, resource: Resource) -> str:
        """A resource's id, or its address."""
        return resource.value("id").word() or resource.address

    def new_of(self, kind: Kind) -> list[str]:
        """Addresses of what is made of a kind and has no id yet."""
        return [each.address for (_, name), made in self._nameless.items() if name in kind.types for each in made]

    def is_set(self, resource: Resource, key: str) -> bool | None:
        """Whether the configuration gives an attribute; None where that is not known."""
        return self._configuration.is_set(resource, key) if self._configuration else None

    def one(self, resource: Resource, kind: Kind, *keys: Index) -> str | Unknown | None:
        """The id that an attribute names. One that is left out of the configuration names none."""
        text = resource.value(*keys).text()
        if not isinstance(text, Unknown):
            return _bare(text, kind) or None
        if self.is_set(resource, str(keys[0])) is False:
            return None
        found = self.meant(resource, kind, *keys)
        likely = [name for name in found.ids if name in self.new] or list(found.ids)
        if len(likely) == 1:
            if found.hidden:
                self._say(resource, keys, likely[0], found)
            return likely[0]
        sole = None if likely else self._sole(resource, kind, keys, found)
        return sole or Unknown(text.name)

    def several(self, resource: Resource, kind: Kind, *keys: Index) -> list[str | Unknown]:
        """The ids that an attribute lists; Unknown among them for what else may be in it."""
        known: dict[str, None] = {}
        unknown: Unknown | None = None
        value = resource.value(*keys)
        for item in value.items() if isinstance(value.raw, list | Unknown) else [value]:
            text = item.text()
            if isinstance(text, Unknown):
                unknown = unknown or text
            elif text:
                known[_bare(text, kind)] = None
        if unknown is None:
            return list(known)
        whole = Unknown(value.place.path)
        if self.is_set(resource, str(keys[0])) is False:
            return [*known, whole]
        found = self.meant(resource, kind, *keys)
        known |= found.ids
        if not found.ids:
            sole = self._sole(resource, kind, keys, found)
            return [*known, sole or whole]
        return [*known, whole] if found.hidden else list(known)

    # --- expressions ----------------------------------------------------------------------------------------------

    def meant(self, resource: Resource, kind: Kind, *keys: Index) -> Found:
        """What the expression of an attribute can mean, whatever its value."""
        found = Found()
        self._follow_attribute(resource, keys, kind, 0, found)
        return found

    def _follow_attribute(
        self, resource: Resource, keys: tuple[Index, ...], kind: Kind, depth: int, found: Found
    ) -> None:
        block = self._configuration.block(resource) if self._configuration else None
        if self._configuration is None or block is None:
            return
        scope = self._configuration.scope(resource, block)
        for leaf in leaves(block.at("expressions").at(str(keys[0])), keys[1:]):
            self._follow(leaf, scope, kind, depth, found)

    def _follow(self, expression: Value, scope: Scope, kind: Kind, depth: int, found: Found) -> None:
        if (expression.place, scope.module, scope.key) in found.seen:
            return
        found.seen.add((expression.place, scope.module, scope.key))
        if depth > _FARTHEST:
            found.hidden["references beyond the fortieth"] = None
            return
        _add_constants(expression.at("constant_value").raw, kind, found)
        texts = [item.word() for item in expression.at("references").items()]
        for reference in read_references(texts):
            word, _, name = reference.head.partition(".")
            if word == "var":
                self._follow_variable(name, scope, kind, depth, found)
            elif word == "module":
                self._follow_module(name, reference, scope, kind, depth, found)
            elif word == "local":
                found.hidden[reference.head] = None
            elif reference.head == "each.value":
                for leaf in leaves(scope.for_each, ()):
                    self._follow(leaf, scope, kind, depth + 1, found)
                found.hidden[reference.head] = None
            elif word not in ("each", "count", "path", "self", "terraform"):
                for instance in self._chosen(self._instances[scope.module, reference.head], reference, scope):
                    self._identify(instance, reference.attribute, kind, depth, found)

    def _follow_variable(self, name: str, scope: Scope, kind: Kind, depth: int, found: Found) -> None:
        assert self._configuration is not None
        if not scope.module:
            _add_constants(self._configuration.variables.at(name).at("value").raw, kind, found)
            return
        call, outside = self._configuration.call(scope.module)
        self._follow(call.at("expressions").at(name), outside, kind, depth + 1, found)

    def _follow_module(
        self, name: str, reference: Reference, scope: Scope, kind: Kind, depth: int, found: Found
    ) -> None:
        assert self._configuration is not None
        output = str(reference.attribute[0]) if reference.attribute else ""
        expression = self._configuration.module((*scope.module, Step(name))).at("outputs").at(output).at("expression")
        if not output or expression.raw is None:
            found.hidden[reference.head] = None
            return
        length = len(scope.module)
        steps = [
            module
            for module in self._modules
            if len(module) == length + 1 and module[:length] == scope.module and module[-1].name == name
        ]
        wanted = self._index(reference, scope, [module[-1].key for module in steps])
        for module in steps:
            if wanted is None or module[-1].key == wanted:
                self._follow(expression, Scope(module, None, Value(None, expression.place)), kind, depth + 1, found)

    def _chosen(self, instances: list[Resource], reference: Reference, scope: Scope) -> list[Resource]:
        wanted = self._index(reference, scope, [instance.index for instance in instances])
        return [instance for instance in instances if wanted is None or instance.index == wanted]

    def _index(self, reference: Reference, scope: Scope, there: list[Index | None]) -> Index | None:
        """Which instance is meant; None: any. An index that is each.key is the one of what the expression is in."""
        if reference.key is not None or not reference.chosen_by:
            return reference.key
        return scope.key if scope.key in there else None

    def _identify(self, instance: Resource, attribute: tuple[Index, ...], kind: Kind, depth: int, found: Found) -> None:
        """Add the ids of the kind that an attribute of an instance has."""
        if not attribute:
            if kind.has(instance):
                found.ids[self.own(instance)] = None
                return
            likely = [key for key in instance.values.members_raw() if kind.attribute.search(key)]
            if len(likely) != 1:
                return
            attribute = (likely[0],)
        if attribute in _IDENTITIES and kind.has(instance):
            found.ids[self.own(instance)] = None
            return
        last = next((key for key in reversed(attribute) if isinstance(key, str)), "")
        if last == "id" or not kind.attribute.search(last):
            return
        if last == "default_security_group_id" and self.own(instance) in self.default_groups:
            found.ids[self.default_groups[self.own(instance)]] = None
            return
        value = instance.value(*attribute)
        items = value.items() if isinstance(value.raw, list) else [value]
        if not any(isinstance(item.raw, Unknown) for item in items):
            found.ids |= {_bare(item.word(), kind): None for item in items if item.word()}
            return
        before = len(found.ids)
        self._follow_attribute(instance, attribute, kind, depth + 1, found)
        if len(found.ids) == before:
            found.ids[value.place.path] = None
            self.new.add(value.place.path)

    def _sole(self, resource: Resource, kind: Kind, keys: tuple[Index, ...], found: Found) -> str | None:
        """What a hidden reference must mean if it stays in its module: the only one that the module makes."""
        made = [each for kind_type in kind.types for each in self._nameless[resource.module, kind_type]]
        if not found.hidden or len(made) != 1:
            return None
        self._say(resource, keys, made[0].address, found)
        return made[0].address

    def _say(self, resource: Resource, keys: tuple[Index, ...], name: str, found: Found) -> None:
        hidden = ", ".join(list(found.hidden)[:3])
        problem = f"depends on {hidden}, which a plan does not show: taken for {name}"
        self._doubts.notes.doubt(resource.value(*keys).place.refusal(problem))


def _bare(text: str | None, kind: Kind) -> str:
    """The id of a group of another account without the account (``123456789012/sg-0123``)."""
    return (text or "").rpartition("/")[2] if kind is GROUP else text or ""


def _add_constants(raw: Any, kind: Kind, found: Found) -> None:
    texts = raw if isinstance(raw, list) else [raw]
    found.ids |= {
        text: None for text in texts if isinstance(text, str) and text.startswith(kind.prefix) and kind.prefix
    }
