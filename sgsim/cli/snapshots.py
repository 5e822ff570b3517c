"""What verbs that take a snapshot share: the options of infrastructure code, and reading it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sgsim.cli.options import option_group
from sgsim.cli.telling import warn_of

if TYPE_CHECKING:
    from sgsim.model import Topology


def _values(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE, the first = counting: values may hold some."""
    found: dict[str, str] = {}
    for each in values:
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{each!r} is not of the form {param.metavar}", ctx, param)
        if found.setdefault(name, value) != value:
            raise click.BadParameter(f"{name} is given twice, as {found[name]} and as {value}", ctx, param)
    return found


infrastructure = option_group(
    click.option("--plan-before", is_flag=True, help="Of a Terraform plan, what there is before it is applied."),
    click.option(
        "--parameter",
        "parameters",
        metavar="NAME=VALUE",
        callback=_values,
        multiple=True,
        help="A value for a parameter of a CloudFormation template (AWS::Region and the like too); may be repeated.",
    ),
)


def loaded(snapshot: str, *, strict: bool, plan_before: bool, parameters: dict[str, str]) -> Topology:
    """The topology of a snapshot; what is doubtful about it is said."""
    from sgsim.sources import load_topology

    topology = load_topology(snapshot, strict=strict, plan_before=plan_before, parameters=parameters)
    warn_of(topology.warnings)
    return topology
