"""pytest collects *.sgtest.yaml: each case is a test, and a failing one prints why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if not file_path.name.endswith((".sgtest.yaml", ".sgtest.yml")):
        return None
    return CheckFileItem.from_parent(parent, path=file_path)


class CheckFileItem(pytest.File):
    """A check file."""

    def collect(self) -> Iterator[pytest.Item]:
        from sgsim.checks.files import CheckFile
        from sgsim.errors import SgsimError

        try:
            for case in CheckFile(self.path).cases(strict=False, warning=self._warn):
                yield CaseItem.from_parent(self, name=case.name, case=case)
        except SgsimError as error:
            raise self.CollectError(str(error)) from None

    def _warn(self, text: str) -> None:
        self.warn(pytest.PytestWarning(f"sgsim: {text}"))


class CaseItem(pytest.Item):
    """One case."""

    def __init__(self, *, case: Any, **more: Any) -> None:
        super().__init__(**more)
        self._case = case

    def runtest(self) -> None:
        from sgsim.checks.running import outcome_of

        outcome = outcome_of(self._case)
        if not outcome.passed:
            raise CaseFailedError(outcome)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from sgsim.errors import SgsimError

        if isinstance(excinfo.value, CaseFailedError | SgsimError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        line = self._case.place.line
        return self.path, line - 1 if line else None, self.name


class CaseFailedError(AssertionError):
    """A case does not hold; its text explains."""

    def __init__(self, outcome: Any) -> None:
        from sgsim.reports.checks import explanation

        super().__init__("\n\n".join(map(explanation, outcome.failures)))
