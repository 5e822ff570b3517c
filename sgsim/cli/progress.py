"""The progress bar: on standard error, where that is a terminal, and only for runs worth one."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SHOWN_AFTER = 1.0  # seconds
REDRAWN_AFTER = 0.1


class ProgressBar:
    """Call it with (bytes read, bytes in all or None, how many of ``what`` are judged); rich is imported when a bar is
    first shown."""

    def __init__(self, what: str = "packets") -> None:
        self._what = what
        self._wanted = sys.stderr.isatty()
        self._next = time.monotonic() + SHOWN_AFTER
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __call__(self, read: int, size: int | None, judged: int) -> None:
        if not self._wanted or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + REDRAWN_AFTER
        if self._bar is None:
            self._show()
        assert self._bar is not None
        assert self._task is not None
        self._bar.update(self._task, completed=read, total=size, judged=f"{judged:,}")

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[judged]} " + self._what),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=None, judged="0")
        self._bar.start()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
