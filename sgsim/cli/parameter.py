"""``--parameter``, of the verbs that take a snapshot."""

from __future__ import annotations

import click


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


parameter = click.option(
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    callback=_values,
    multiple=True,
    help="A value for a parameter of a CloudFormation template (AWS::Region and the like too); may be repeated.",
)
