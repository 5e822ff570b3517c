"""``sgsim show``."""

from __future__ import annotations

import json

import click

from sgsim.cli.options import interfaces
from sgsim.cli.paint import paint
from sgsim.cli.snapshots import infrastructure, loaded


@click.command("show")
@click.argument("snapshot")
@interfaces
@infrastructure
@click.option("--strict", is_flag=True, help="Doubtful input is an error.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def command(
    snapshot: str,
    enis: tuple[str, ...],
    vpc_id: str | None,
    plan_before: bool,
    parameters: dict[str, str],
    strict: bool,
    as_json: bool,
) -> None:
    """What holds at each interface: its rules with their ids and what their peers stand for, what is untracked, stale
    or unresolved, and what is never filtered."""
    from sgsim.effective import effective

    topology = loaded(snapshot, strict=strict, plan_before=plan_before, parameters=parameters)
    found = effective(topology, enis, vpc_id)
    if as_json:
        click.echo(json.dumps([each.as_json() for each in found], indent=2))
    else:
        from sgsim.reports.effective import effective_text

        click.echo(effective_text(found, topology, paint))
