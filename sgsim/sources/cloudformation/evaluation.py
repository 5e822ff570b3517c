"""What the values of a template are, as far as they are known before deployment.

What depends on something unknown is Unknown, named by what it is made of: the same expression is the same value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sgsim.sources.cloudformation.functions import (
    FUNCTIONS,
    Truth,
    all_of,
    any_of,
    equal,
    find_in_map,
    joined,
    listed,
    named,
    negation,
)
from sgsim.sources.cloudformation.parameters import parameter_values
from sgsim.sources.infrastructure.drafts import Doubts
from sgsim.sources.infrastructure.values import Unknown, Value
from sgsim.sources.places import Place

#: Attributes of resources that a template tells: a property, or "" for the resource's own id. Ref is "".
ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "AWS::EC2::SecurityGroup": {"Ref": "", "GroupId": "", "Id": "", "GroupName": "", "VpcId": "VpcId"},
    "AWS::EC2::VPC": {"Ref": "", "VpcId": "", "CidrBlock": "CidrBlock"},
    "AWS::EC2::Subnet": {"Ref": "", "SubnetId": "", "VpcId": "VpcId", "CidrBlock": "CidrBlock"},
    "AWS::EC2::NetworkInterface": {"Ref": "", "Id": "", "PrimaryPrivateIpAddress": "PrivateIpAddress"},
    "AWS::EC2::Instance": {"Ref": "", "InstanceId": "", "PrivateIp": "PrivateIpAddress"},
    "AWS::EC2::PrefixList": {"Ref": "", "PrefixListId": ""},
    "AWS::EC2::VPCPeeringConnection": {"Ref": "", "Id": ""},
}

_DEEPEST = 100
_MOST_VALUES = 2_000_000  # that are evaluated: a template has at most a megabyte
_SUBSTITUTE = re.compile(r"\$\{(!?)([^{}]*)\}")
_TRUTHS = frozenset({"Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not"})


class _NoValue:
    """AWS::NoValue: what has it is not there."""


_NO_VALUE = _NoValue()


class Evaluator:
    """Evaluates parts of one template. Raises InputError for what CloudFormation would refuse, and for what expands
    beyond any template. ``processed``: no transform or module makes resources that a reference could be to."""

    def __init__(self, template: Value, given: Mapping[str, str], doubts: Doubts, *, processed: bool = True) -> None:
        self._processed = processed
        self.parameters = parameter_values(template, given)
        listed = template.at("Resources").members()
        self.resources = {name: resource for name, resource in listed.items() if not name.startswith("Fn::")}
        self._mappings = template.at("Mappings")
        self._conditions = template.at("Conditions").members()
        self._doubts = doubts
        self._truths: dict[str, Truth | None] = {}  # None: being evaluated
        self._attributes: dict[tuple[str, str], Any] = {}
        self._open: set[tuple[str, str]] = set()
        self._count = 0

    def value(self, raw: Value) -> Value:
        """The value with all its functions evaluated; null for AWS::NoValue."""
        return Value(self._plain(raw.raw, raw.place, 0), raw.place)

    def condition(self, name: str, place: Place, depth: int = 0) -> Truth:
        """Whether one of the template's conditions holds."""
        if name not in self._truths:
            if name not in self._conditions:
                raise place.refusal(f"{name!r} is no condition of the template")
            self._truths[name] = None
            condition = self._conditions[name]
            self._truths[name] = self._truth(condition.raw, condition.place, depth + 1)
        truth = self._truths[name]
        if truth is None:
            raise place.refusal(f"the condition {name} refers to itself")
        return truth

    # --- values ---------------------------------------------------------------------------------------------------

    def _plain(self, raw: Any, place: Place, depth: int) -> Any:
        """Text, numbers, lists, objects and Unknown; None for AWS::NoValue."""
        found = self._evaluate(raw, place, depth)
        return None if isinstance(found, _NoValue) else found

    def _evaluate(self, raw: Any, place: Place, depth: int) -> Any:
        self._count += 1
        if depth > _DEEPEST:
            raise place.refusal("is nested too deeply to be a template")
        if self._count > _MOST_VALUES:
            raise place.refusal(f"makes the template expand to more than {_MOST_VALUES} values")
        if isinstance(raw, list):
            items = [self._evaluate(item, place.at(number), depth + 1) for number, item in enumerate(raw)]
            return [item for item in items if not isinstance(item, _NoValue)]
        if not isinstance(raw, dict):
            return raw
        if len(raw) == 1:
            ((name, argument),) = raw.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument, place.at(name), depth + 1)
        for key in raw:
            if key.startswith("Fn::"):  # Fn::ForEach, Fn::Transform: they make members
                problem = "is not evaluated: what it makes is not known"
                self._doubts.notes.doubt(place.at(key).refusal(problem))
        members = {key: self._evaluate(inner, place.at(key), depth + 1) for key, inner in raw.items()}
        return {key: inner for key, inner in members.items() if not isinstance(inner, _NoValue)}

    def _call(self, name: str, argument: Any, place: Place, depth: int) -> Any:
        if name == "Ref":
            return self._ref(_word(argument, place), place, depth)
        if name == "Fn::GetAtt":
            return self._get_att(argument, place, depth)
        if name == "Fn::Sub":
            return self._sub(argument, place, depth)
        if name == "Fn::If":
            return self._if(argument, place, depth)
        if name in _TRUTHS:
            return self._truth({name: argument}, place, depth)
        arguments = self._plain(argument, place, depth)
        if name == "Fn::FindInMap":
            return find_in_map(arguments, self._mappings, place)
        if name in FUNCTIONS:
            return FUNCTIONS[name](arguments, place)
        self._doubts.notes.doubt(place.refusal("is not evaluated: its value is not known"))
        return Unknown(named(name, arguments))

    def _ref(self, name: str, place: Place, depth: int) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        return self.parameters[name] if name in self.parameters else self._attribute(name, "Ref", place, depth)

    def _get_att(self, raw: Any, place: Place, depth: int) -> Any:
        if isinstance(raw, str):
            name, _, attribute = raw.partition(".")
            return self._attribute(name, attribute, place, depth)
        parts = listed(raw, place, 2)
        evaluated = self._plain(parts[1], place, depth)
        if isinstance(evaluated, Unknown):
            return Unknown(named("Fn::GetAtt", [parts[0], evaluated]))
        return self._attribute(_word(parts[0], place), _word(evaluated, place), place, depth)

    def _attribute(self, name: str, attribute: str, place: Place, depth: int) -> Any:
        """An attribute of a resource; "Ref" for what Ref gives."""
        if name not in self.resources and not self._processed:
            return Unknown(name if attribute == "Ref" else f"{name}.{attribute}")
        if name not in self.resources:
            raise place.refusal(f"{name!r} is no parameter and no resource of the template")
        key = (name, attribute)
        if key not in self._attributes:
            if key in self._open:
                raise place.refusal(f"{name}.{attribute} refers to itself")
            self._open.add(key)
            self._attributes[key] = self._told(name, attribute, depth)
            self._open.discard(key)
        return self._attributes[key]

    def _told(self, name: str, attribute: str, depth: int) -> Any:
        resource = self.resources[name]
        known = ATTRIBUTES.get(str(resource.at("Type").raw), {}).get(attribute)
        if known == "":
            return name
        if known is not None:
            inner = resource.at("Properties").at(known)
            found = self._plain(inner.raw, inner.place, depth + 1)
            if found is not None:
                return found
        return Unknown(name if attribute == "Ref" else f"{name}.{attribute}")

    def _sub(self, raw: Any, place: Place, depth: int) -> Any:
        template, variables = (raw, {}) if isinstance(raw, str) else listed(raw, place, 2)
        if not isinstance(variables, dict):
            raise place.refusal("takes a text, or a text and an object of variables")
        known = {key: self._plain(inner, place.at(key), depth) for key, inner in variables.items()}
        parts: list[Any] = []
        text, end = _word(template, place), 0
        for match in _SUBSTITUTE.finditer(text):
            parts.append(text[end : match.start()])
            end, name = match.end(), match[2].strip()
            if match[1]:  # ${!Literal}
                parts.append("${" + name + "}")
            elif name in known:
                parts.append(known[name])
            elif "." in name:
                parts.append(self._get_att(name, place, depth))
            else:
                parts.append(self._ref(name, place, depth))
        parts.append(text[end:])
        return joined("", ["" if isinstance(part, _NoValue) else part for part in parts], place)

    # --- conditions -----------------------------------------------------------------------------------------------

    def _if(self, raw: Any, place: Place, depth: int) -> Any:
        name, then, otherwise = listed(raw, place, 3)
        truth = self.condition(_word(name, place), place, depth)
        if not isinstance(truth, Unknown):
            return self._evaluate(then if truth else otherwise, place, depth)
        both = [self._evaluate(each, place, depth) for each in (then, otherwise)]
        if both[0] is both[1] or (type(both[0]) is type(both[1]) and both[0] == both[1]):
            return both[0]
        return Unknown(named("Fn::If", [name, *("" if isinstance(each, _NoValue) else each for each in both)]))

    def _truth(self, raw: Any, place: Place, depth: int) -> Truth:
        """Whether an expression holds: what is unknown decides nothing where it need not."""
        if depth > _DEEPEST:
            raise place.refusal("is nested too deeply to be a template")
        if isinstance(raw, dict) and len(raw) == 1:
            ((name, argument),) = raw.items()
            if name == "Condition":
                return self.condition(_word(argument, place), place, depth)
            if name == "Fn::Equals":
                one, other = (self._plain(each, place, depth + 1) for each in listed(argument, place, 2))
                return equal(one, other, place)
            if name == "Fn::Not":
                (only,) = listed(argument, place, 1)
                return negation(self._truth(only, place, depth + 1))
            if name in _TRUTHS:
                truths = [self._truth(each, place, depth + 1) for each in listed(argument, place, 2, 10)]
                return all_of(truths) if name == "Fn::And" else any_of(truths)
        truth = Value(self._plain(raw, place, depth + 1), place).flag()
        if truth is None:
            raise place.refusal("is no condition")
        return truth


def _word(raw: Any, place: Place) -> str:
    if not isinstance(raw, str):
        raise place.refusal("takes a text here")
    return raw
