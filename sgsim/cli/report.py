"""``sgsim report``."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from sgsim.cli.flowlogs import log_format
from sgsim.cli.options import STANDARD_OUTPUT, option_group, settings_of
from sgsim.cli.replay import excerpt, happening, judging, running, which
from sgsim.cli.telling import listening
from sgsim.model import Tunnel

# What only one of the two kinds of input has.
OF_CAPTURES = {
    "at": "--at",
    "maps": "--map",
    "decapsulate": "--decapsulate",
    "since": "--since",
    "until": "--until",
    "count": "--count",
    "changes": "--changes",
    "fragments": "--fragments",
    "tcp_pickup": "--tcp-pickup",
    "conntrack_max": "--conntrack-max",
    "jobs": "--jobs",
}
results = option_group(
    click.option("-o", "page", metavar="FILE", required=True, help="The page, one HTML file; - is standard output."),
    click.option("--png", metavar="DIR", help="Write its plots into this folder too, as PNG files."),
)
logs = option_group(
    click.option("--flowlogs", "of_logs", is_flag=True, help="What comes behind SNAPSHOT are VPC flow logs."),
    log_format,
)


@click.command("report")
@click.argument("snapshot")
@click.argument("inputs", nargs=-1, required=True, metavar="CAPTURE...")
@results
@logs
@which
@excerpt
@happening
@judging
@running
@click.pass_context
def command(ctx: click.Context, /, snapshot: str, inputs: tuple[str, ...], **options: Any) -> None:
    """Replay captures, or judge flow logs, and write one HTML page that shows it.

    The page loads nothing and can be sent to others: what passed and what did not over time, at which interface, why,
    who talks to whom, which rules nothing used. SNAPSHOT and CAPTURE are what `sgsim replay` takes; with --flowlogs,
    the logs are what `sgsim flowlogs` takes.
    """
    if options["of_logs"]:
        for name, option in OF_CAPTURES.items():
            if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
                raise click.UsageError(f"{option} is for captures: leave it out, or --flowlogs")
    elif options["format_"] is not None:
        raise click.UsageError("--format is for flow logs: add --flowlogs, or leave it out")
    _report(snapshot, inputs, options)


def _report(snapshot: str, inputs: tuple[str, ...], options: dict[str, Any]) -> None:
    from sgsim.report import log_report, report

    of_logs = options["of_logs"]
    with listening("records" if of_logs else "packets") as listeners:
        both: dict[str, Any] = {
            "pictures": options["png"],
            "settings": settings_of(options),
            "enis": options["enis"],
            "vpc_id": options["vpc_id"],
            "engine": options["engine"],
            "strict": options["strict"],
            "plan_before": options["plan_before"],
            "parameters": options["parameters"],
            "listeners": listeners,
        }
        if of_logs:
            logs_summary = log_report(snapshot, inputs, options["page"], format=options["format_"], **both)
            counts = [f"{count:,} {verdict}" for verdict, count in logs_summary.by_verdict.items()]
            line = f"{logs_summary.judged:,} records judged: {', '.join(counts)}"
        else:
            summary = report(
                snapshot,
                inputs,
                options["page"],
                at=options["at"],
                maps=options["maps"],
                decapsulate=Tunnel(options["decapsulate"]) if options["decapsulate"] else None,
                jobs=options["jobs"],
                changes=options["changes"],
                since=options["since"],
                until=options["until"],
                count=options["count"],
                **both,
            )
            line = f"{summary.observations:,} observations: {summary.allowed:,} allowed, {summary.dropped:,} dropped"
    if options["page"] != STANDARD_OUTPUT:
        click.echo(f"{options['page']}: {line}")
