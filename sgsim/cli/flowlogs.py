"""``sgsim flowlogs``."""

from __future__ import annotations

import sys
from typing import Any

import click

from sgsim.cli.exits import NO
from sgsim.cli.options import STANDARD_OUTPUT, engine, interfaces, option_group, settings_of, tracking
from sgsim.cli.snapshots import infrastructure
from sgsim.cli.telling import listening
from sgsim.model import Midstream

log_format = click.option(
    "--format",
    "format_",
    metavar="FIELDS",
    help="The fields of lines without a header, as AWS takes them: '${version} ${srcaddr} ...', or plain names."
    "  [default: version 2]",
)
which = option_group(
    interfaces,
    infrastructure,
    log_format,
)
results = option_group(
    click.option(
        "-o",
        "records",
        metavar="FILE",
        multiple=True,
        help="Write the judged records as .ndjson, .csv or .parquet; - is NDJSON on standard output. May be repeated.",
    ),
    click.option(
        "--only",
        type=click.Choice(["allow", "drop", "possible", "disagreement"]),
        help="Only these records in -o; disagreement: those where AWS decided otherwise.",
    ),
    click.option(
        "--examples",
        metavar="N",
        type=click.IntRange(0, 1_000),
        default=3,
        show_default=True,
        help="Examples of each cause of disagreement.",
    ),
    click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object instead of a table."),
    click.option("--exit-code", is_flag=True, help="Exit code 1 when a verdict disagrees with what AWS did."),
)
judging = option_group(
    click.option("--open-loop", is_flag=True, help="Judge each record on its own, though its beginning was dropped."),
    click.option(
        "--midstream",
        type=click.Choice([str(each) for each in Midstream]),
        default=str(Midstream.EVALUATE),
        show_default=True,
        help="Answers whose connection may be older than the log: judged by the rules like any other, or taken for "
        "connections if the rules admit the other direction.",
    ),
    tracking,
)
running = option_group(
    engine,
    click.option("--strict", is_flag=True, help="Doubtful input, malformed lines too, is an error."),
)


@click.command("flowlogs")
@click.argument("snapshot")
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@which
@results
@judging
@running
def command(snapshot: str, logs: tuple[str, ...], **options: Any) -> None:
    """Judge the records of VPC flow logs, and compare with what AWS did.

    SNAPSHOT is a folder of `aws ec2 describe-...` output, one such file, a YAML scenario, or a Terraform plan or state
    (`terraform show -json`), or a CloudFormation template; LOG is a flow log (text, gzip or zstd of it, Parquet,
    CloudWatch Logs events as JSON), a folder of them, a pattern, or - for standard input.
    """
    to_stdout = STANDARD_OUTPUT in options["records"]
    if options["as_json"] and to_stdout:
        raise click.UsageError("-o - and --json both go to standard output: give -o a file, or leave out --json")
    if options["only"] and not options["records"]:
        raise click.UsageError("--only chooses what -o writes: add -o FILE")
    summary = _flowlogs(snapshot, logs, options)
    if options["as_json"]:
        click.echo(summary.json())
    else:
        from sgsim.reports.flowlogs.table import print_log_summary

        print_log_summary(summary, sys.stderr if to_stdout else sys.stdout)
    if options["exit_code"] and summary.disagreements:
        raise click.exceptions.Exit(NO)


def _flowlogs(snapshot: str, logs: tuple[str, ...], options: dict[str, Any]) -> Any:
    from sgsim.flowlogs import Only, RecordOutputs, flowlogs

    outputs = RecordOutputs(options["records"], Only(options["only"]) if options["only"] else None)
    with listening("records") as listeners:
        return flowlogs(
            snapshot,
            logs,
            format=options["format_"],
            settings=settings_of(options),
            enis=options["enis"],
            vpc_id=options["vpc_id"],
            engine=options["engine"],
            outputs=outputs,
            examples=options["examples"],
            strict=options["strict"],
            plan_before=options["plan_before"],
            parameters=options["parameters"],
            listeners=listeners,
        )
