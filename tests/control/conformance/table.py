"""The table: rows of YAML, a file a topic, and how one row is run against whatever answers calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import jmespath
import yaml

from tests.control.conformance.marks import RowLoader, difference, filled

HERE = Path(__file__).parent
ROW_KEYS = {"name", "source", "unconfirmed", "quotas", "given", "call", "params", "as", "region"}
ROW_KEYS |= {"error", "answer", "then", "cli"}
STEP_KEYS = {"keep", "as", "region", "answer", "error", "repeat", "for"}
CLI_KEYS = {"run", "keep", "answer", "error"}
HOME, ABROAD = "us-east-1", "eu-west-1"


@dataclass(frozen=True, slots=True)
class RefusedError(Exception):
    """A call that was answered by an error."""

    code: str
    message: str


class Answers(Protocol):
    """What answers the calls of a row: the control plane itself, or a client in front of it."""

    def call(self, operation: str, params: dict[str, Any], account: str, region: str) -> dict[str, Any]:
        """The answer in boto3's shape. Raises RefusedError."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One call. ``keep``: variable -> JMESPath into the answer. ``repeat``: that often, ``$n`` counting from 0;
    ``each``: once for each item of that variable, as ``$item``; what is kept is then a list.

    ``error`` and ``answer`` as in a row; with neither, the call only has to succeed.
    """

    operation: str
    params: dict[str, Any]
    account: str = "account"
    region: str = HOME
    keep: dict[str, str] = field(default_factory=dict)
    repeat: int | None = None
    each: str | None = None
    answer: Any = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One command line of the AWS CLI; ``answer`` is what its JSON has to show, ``error`` the error it has to print."""

    run: str
    keep: dict[str, str]
    answer: Any
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Row:
    """``tested``: the call that the row is about; None in rows of the AWS CLI. ``quotas``: quotas other than AWS's."""

    name: str
    topic: str
    source: str
    unconfirmed: bool
    quotas: dict[str, int]
    given: tuple[Step, ...]
    tested: Step | None
    then: tuple[Step, ...]
    commands: tuple[Command, ...]

    def __str__(self) -> str:
        return f"{self.topic}: {self.name}"

    def steps(self) -> Iterator[Step]:
        """Every call of the row, in order."""
        yield from self.given
        if self.tested is not None:
            yield self.tested
        yield from self.then


def read_rows() -> list[Row]:
    """All rows, files by name. Raises ValueError for keys that mean nothing: no row passes by a slip of the pen."""
    stages = {name: tuple(_steps(name, steps, {})) for name, steps in _read(HERE / "stages.yaml").items()}
    rows = [
        _row(path.stem, written, stages) for path in sorted((HERE / "rows").glob("*.yaml")) for written in _read(path)
    ]
    names = [str(row) for row in rows]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"rows named twice: {twice}")
    return rows


def run_row(row: Row, answers: Answers, variables: dict[str, Any]) -> str | None:
    """Run a row, and say in one line what was wrong; None if nothing was. ``variables`` gains what the row keeps."""
    for step in row.steps():
        if wrong := run_step(step, answers, variables):
            return wrong
    return None


def run_step(step: Step, answers: Answers, variables: dict[str, Any]) -> str | None:
    """Make the calls of a step; what is wrong with an answer, or None."""
    if step.each is not None:
        turns = [{"item": item} for item in variables[step.each]]
    else:
        turns = [{"n": place} for place in range(step.repeat or 1)]
    many = step.repeat is not None or step.each is not None
    kept: dict[str, list[Any]] = {name: [] for name in step.keep}
    for turn in turns:
        known = {**variables, **turn}
        try:
            found = answers.call(step.operation, filled(step.params, known), str(known[step.account]), step.region)
        except RefusedError as refused:
            if step.error is None:
                return f"{step.operation} was refused: {refused.code}: {refused.message}"
            answer = {"code": refused.code, "message": refused.message}
            return difference(filled(step.error, known), answer, f"{step.operation} error")
        if step.error is not None:
            return f"{step.operation} was not refused with {step.error['code']}, but answered {found!r}"
        for name, path in step.keep.items():
            kept[name].append(jmespath.search(path, found))
        if step.answer is not None and (wrong := difference(filled(step.answer, known), found, step.operation)):
            return wrong
    variables.update({name: values if many else values[0] for name, values in kept.items()})
    return None


def _read(path: Path) -> Any:
    with path.open(encoding="utf-8") as file:
        return yaml.load(file, RowLoader)


def _row(topic: str, written: dict[str, Any], stages: Mapping[str, tuple[Step, ...]]) -> Row:
    where = f"{topic}: {written.get('name')}"
    _refuse_unknown(where, written, ROW_KEYS)
    if "cli" not in written and ("error" in written) == ("answer" in written):
        raise ValueError(f"{where}: a row expects either an error or an answer")
    tested = None
    if "call" in written:
        tested = _step(where, {written["call"]: written.get("params", {}), **_only(written, STEP_KEYS)})
    return Row(
        name=written["name"],
        topic=topic,
        source=written["source"],
        unconfirmed=written.get("unconfirmed", False),
        quotas=written.get("quotas", {}),
        given=tuple(_steps(where, written.get("given", []), stages)),
        tested=tested,
        then=tuple(_steps(where, written.get("then", []), stages)),
        commands=tuple(_command(where, command) for command in written.get("cli", [])),
    )


def _steps(where: str, written: list[Any], stages: Mapping[str, tuple[Step, ...]]) -> Iterator[Step]:
    """Steps, or names of stages that stand for steps."""
    for step in written:
        if isinstance(step, str):
            yield from stages[step]
        else:
            yield _step(where, step)


def _step(where: str, written: dict[str, Any]) -> Step:
    operations = [key for key in written if key[0].isupper()]
    if len(operations) != 1:
        raise ValueError(f"{where}: a step has one operation, not {operations}")
    _refuse_unknown(where, written, STEP_KEYS | set(operations))
    return Step(
        operation=operations[0],
        params=written[operations[0]] or {},
        account=written.get("as", "account"),
        region=written.get("region", HOME),
        keep=written.get("keep", {}),
        repeat=written.get("repeat"),
        each=written["for"].removeprefix("$") if "for" in written else None,
        answer=written.get("answer"),
        error=written.get("error"),
    )


def _command(where: str, written: dict[str, Any]) -> Command:
    _refuse_unknown(where, written, CLI_KEYS)
    return Command(written["run"], written.get("keep", {}), written.get("answer"), written.get("error"))


def _only(written: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in written.items() if key in keys}


def _refuse_unknown(where: str, written: dict[str, Any], known: set[str]) -> None:
    if unknown := set(written) - known:
        raise ValueError(f"{where}: unknown keys {sorted(unknown)}: use {', '.join(sorted(known))}")
