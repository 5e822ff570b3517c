"""The values of a template's parameters: what the caller says, else their defaults, else nobody knows yet.

Source: CloudFormation user guide, "Parameters" and "Pseudo parameters".
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from sgsim.sources.infrastructure.values import Unknown, Value

#: Known once a stack has a name, an account and a Region. AWS::NoValue is none of them: it takes a property away.
PSEUDO_PARAMETERS = (
    "AWS::AccountId",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
)

_STORED = "AWS::SSM::Parameter::Value"  # the default is the name of a value in Parameter Store


def parameter_values(template: Value, given: Mapping[str, str]) -> dict[str, Any]:
    """Text or a list of texts by name; Unknown by the parameter's name where there is no value.

    Raises InputError for a given name that is no parameter of the template.
    """
    values: dict[str, Any] = {name: given.get(name, Unknown(name)) for name in PSEUDO_PARAMETERS}
    declared = template.at("Parameters").members()
    for name, parameter in declared.items():
        kind = parameter.at("Type").word()
        listed = kind == "CommaDelimitedList" or "List<" in kind
        default = parameter.at("Default")
        if name in given:
            values[name] = _split(given[name]) if listed else given[name]
        elif default.raw is None or kind.startswith(_STORED):
            values[name] = Unknown(name)
        elif listed:
            values[name] = (
                [str(item) for item in default.raw] if isinstance(default.raw, list) else _split(_text(default))
            )
        else:
            values[name] = _text(default)
    for name in given:
        if name not in values:
            near = get_close_matches(name, list(values), n=1)
            remedy = f"did you mean {near[0]}?" if near else f"it has {', '.join(list(declared)[:10]) or 'none'}"
            raise template.place.refusal(f"has no parameter {name}", remedy)
    return values


def _split(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")]


def _text(value: Value) -> str:
    """A default as text; YAML may have read a number or a boolean."""
    return str(value.raw).lower() if isinstance(value.raw, bool) else value.word()
