"""Checks in CI: cases in YAML say what must pass and what must not, with times and changes; each is judged.

``check`` is the door. The plain-Python judge does the judging: a file of checks is not worth a second of compiling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sgsim.checks.files import check_files
from sgsim.checks.records import Case, Failure, Outcome, Step
from sgsim.checks.running import outcome_of

__all__ = ["Case", "Failure", "Outcome", "Step", "check"]


def check(
    patterns: Iterable[str],
    *,
    strict: bool = False,
    warning: Callable[[str], None] = lambda _: None,
) -> Sequence[Outcome]:
    """Judge the cases of all files that the patterns name (files, folders, globs), in their order.

    ``warning`` is told what is doubtful about a snapshot, each once. Raises InputError: a file that cannot be read, a
    case that makes no sense, no file at all; with ``strict``, a doubtful snapshot too.
    """
    told: set[str] = set()

    def once(text: str) -> None:
        if text not in told:
            told.add(text)
            warning(text)

    cases = [case for file in check_files(patterns) for case in file.cases(strict, once)]
    return [outcome_of(case) for case in cases]
