"""How a run ends: exit codes, and one line on standard error for whatever was wrong."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable

import click

from sgsim.errors import SgsimError

DONE, NO, WRONG = 0, 1, 2
INTERRUPTED = 128 + 2  # as a shell reports SIGINT
READER_GONE = 128 + 13  # SIGPIPE
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # a disk's, where standard output goes to a file


def exit_code(run: Callable[[], None]) -> int:
    """Run a command; what it raises becomes an exit code and at most one line on standard error."""
    try:
        code = _code_of(run)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _silence_stdout()
        return READER_GONE
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        _silence_stdout()
        return say(f"standard output: cannot be written: {error.strerror}")


def _code_of(run: Callable[[], None]) -> int:
    try:
        run()
        return DONE
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        return say(_usage_line(error))
    except click.ClickException as error:
        return say(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except SgsimError as error:
        return say(str(error))


def say(problem: str) -> int:
    """Print the one error line; returns the exit code of an error."""
    with contextlib.suppress(BrokenPipeError):
        print("sgsim: error:", " ".join(problem.split()), file=sys.stderr)
    return WRONG


def _usage_line(error: click.UsageError) -> str:
    command = error.ctx.command_path if error.ctx else "sgsim"
    return f"{error.format_message().rstrip('.')}; see {command} --help"


def _silence_stdout() -> None:
    """What is still buffered must not be flushed at exit: it would complain again."""
    with contextlib.suppress(OSError, ValueError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, sys.stdout.fileno())
        os.close(sink)
