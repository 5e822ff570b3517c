"""The configuration that a plan carries: which attributes are set, and what their expressions refer to.

Terraform leaves locals and ``dynamic`` blocks out of it.
Source: Terraform documentation, "JSON output format", configuration representation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sgsim.sources.infrastructure.values import Value
from sgsim.sources.terraform.addresses import Index, Step
from sgsim.sources.terraform.resources import Resource


class Scope(NamedTuple):
    """Where an expression stands: its module's instance, and the key and for_each of what it belongs to."""

    module: tuple[Step, ...]
    key: Index | None
    for_each: Value


class Configuration:
    """``plan`` is the whole plan; one without a configuration knows nothing of any resource."""

    def __init__(self, plan: Value) -> None:
        self._root = plan.at("configuration").at("root_module")
        self.variables = plan.at("variables")
        self._resources: dict[tuple[str, ...], dict[str, Value]] = {}

    def block(self, resource: Resource) -> Value | None:
        """What the configuration says of a resource; None where it does not mention it."""
        names = tuple(step.name for step in resource.module)
        if names not in self._resources:
            listed = self.module(resource.module).at("resources").items()
            self._resources[names] = {record.at("address").word(): record for record in listed}
        return self._resources[names].get(resource.head)

    def scope(self, resource: Resource, block: Value) -> Scope:
        return Scope(resource.module, resource.index, block.at("for_each_expression"))

    def is_set(self, resource: Resource, key: str) -> bool | None:
        """Whether an attribute is given in the configuration; None where that is not known."""
        block = self.block(resource)
        return None if block is None else block.at("expressions").at(key).raw is not None

    def module(self, steps: Sequence[Step]) -> Value:
        module = self._root
        for step in steps:
            module = module.at("module_calls").at(step.name).at("module")
        return module

    def call(self, steps: Sequence[Step]) -> tuple[Value, Scope]:
        """The call that made a module's instance, and where it stands."""
        call = self.module(steps[:-1]).at("module_calls").at(steps[-1].name)
        return call, Scope(tuple(steps[:-1]), steps[-1].key, call.at("for_each_expression"))


def leaves(expression: Value, keys: Sequence[Index]) -> Iterator[Value]:
    """The expressions of an attribute at ``keys`` within it: of all its blocks, since positions are not those of the
    values. Where a block was given as one expression, that."""
    if isinstance(expression.raw, list):
        for inner in expression.items():
            yield from leaves(inner, keys)
    elif not isinstance(expression.raw, dict):
        return
    elif "references" in expression.raw or "constant_value" in expression.raw:
        yield expression
    else:
        names = [key for key in keys if isinstance(key, str)]
        if names:
            yield from leaves(expression.at(names[0]), names[1:])
