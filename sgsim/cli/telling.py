"""What a run says beside its results, on standard error: warnings, notices, and how far it is."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sgsim.replay import Listeners


def warn(text: str) -> None:
    click.echo(f"sgsim: warning: {text}", err=True)


def warn_of(texts: Iterable[str]) -> None:
    for text in texts:
        warn(text)


def notice(text: str) -> None:
    click.echo(f"sgsim: {text}", err=True)


@contextmanager
def listening(what: str = "packets") -> Iterator[Listeners]:
    """Listeners that say it here, with a progress bar that counts ``what``."""
    from sgsim.cli.progress import ProgressBar
    from sgsim.replay import Listeners

    with ProgressBar(what) as bar:

        def progress(read: int, size: int | None, judged: int) -> None:
            gc.enable()  # after the first batch everything is loaded
            bar(read, size, judged)

        yield Listeners(warning=warn, notice=notice, progress=progress)
