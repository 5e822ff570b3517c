"""The command line: translates options and errors, nothing else.

A verb's module is imported when the verb is used, and what a verb needs when it runs: ``sgsim --help`` loads
click alone.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

import sgsim
from sgsim.cli.exits import exit_code

# verb: (its module, what `sgsim --help` says of it)
VERBS = {
    "replay": ("sgsim.cli.replay", "Judge every packet of captures; say which rule, or the lack of one, decided."),
    "report": ("sgsim.cli.report", "Captures or flow logs as one HTML page: what passed, when, where, and why not."),
    "query": ("sgsim.cli.query", "Would this packet pass, and its reply? By which rule, or why not?"),
    "show": ("sgsim.cli.show", "The rules that hold at each interface, expanded, and what is never filtered."),
    "flowlogs": ("sgsim.cli.flowlogs", "Judge VPC flow logs; say where AWS did otherwise, and likely why."),
    "serve": ("sgsim.cli.serve", "An EC2 endpoint for the AWS CLI, boto3 and Terraform: security groups without AWS."),
    "test": ("sgsim.cli.test", "Do the cases of check files hold? For CI."),
    "bench": ("sgsim.cli.bench", "What does a rule set cost? Packets a second, and what compiling it takes."),
    "pull": ("sgsim.cli.pull", "Take a snapshot from AWS, or from another EC2 endpoint."),
}

COMPLETION = "_SGSIM_COMPLETE"  # set by a shell's completion script


class LazyGroup(click.Group):
    """Knows its verbs by name; imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = import_module(VERBS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, text) for verb, (_, text) in VERBS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and leave the process by ``SystemExit``: exit codes and error lines are documented in the README."""
        name = prog_name or "sgsim"
        if (complete_var or COMPLETION) in os.environ:
            super().main(args, name, complete_var or COMPLETION, standalone_mode, **extra)
        arguments = list(sys.argv[1:] if args is None else args)
        raise SystemExit(exit_code(lambda: self._run(name, arguments)))

    def _run(self, name: str, arguments: list[str]) -> None:
        if not arguments:
            raise click.UsageError(f"name a command: {', '.join(VERBS)}")
        with self.make_context(name, arguments) as context:
            self.invoke(context)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(sgsim.__version__, message="sgsim %(version)s")
def cli() -> None:
    """What would AWS VPC security groups have done with these packets, at which interface, by which rule?

    Exit codes: 0 done (query: the packet passes), 1 the answer is no, 2 usage or input error.
    """


def main() -> NoReturn:
    """The ``sgsim`` command. Libraries load without garbage collection, a seventh of start-up, which what runs for
    longer turns on again; and are not taken down at the end, a tenth of a second: all results are written by then."""
    gc.disable()
    code: object = 0
    try:
        cli.main()
    except SystemExit as end:
        code = end.code
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # a stream that is closed or full has been told of
            stream.flush()
    os._exit(code if isinstance(code, int) else 0)
