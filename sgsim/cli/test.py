"""``sgsim test``."""

from __future__ import annotations

import click

from sgsim.cli.exits import NO
from sgsim.cli.paint import paint
from sgsim.cli.telling import warn


@click.command("test")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--junit", metavar="FILE", help="Also JUnit XML, for what shows test results.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "github", "tap"]),
    default="table",
    show_default=True,
    help="A table; annotations for GitHub Actions behind it; or the Test Anything Protocol.",
)
@click.option("--strict", is_flag=True, help="Doubtful snapshots are errors.")
def command(files: tuple[str, ...], junit: str | None, form: str, strict: bool) -> None:
    """Do the cases of these check files hold? Each case names a snapshot, packets or flows with times, and what must
    become of them.

    FILE is a YAML file, a folder of *.sgtest.yaml, or a pattern. Exit code 0: all hold, 1: some fail.
    """
    from sgsim.checks import check
    from sgsim.reports import checks
    from sgsim.reports.outputs import OutputFile, check_outputs

    check_outputs([junit] if junit else [], files)
    outcomes = check(files, strict=strict, warning=warn)
    for line in checks.tap(outcomes) if form == "tap" else checks.table(outcomes, paint):
        click.echo(line)
    if form == "github":
        for line in checks.github(outcomes):
            click.echo(line)
    if junit:
        with OutputFile(junit) as file:
            file.write(checks.junit(outcomes))
    if not all(outcome.passed for outcome in outcomes):
        raise click.exceptions.Exit(NO)
