"""Rows say what they mean: how answers are compared, and what the table's loader refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.control.conformance import table
from tests.control.conformance.marks import RowLoader, difference, filled
from tests.control.conformance.table import RefusedError, Step, read_rows, run_step


def expected(text: str, **variables: Any) -> Any:
    """What a piece of a row expects."""
    return filled(yaml.load(text, RowLoader), variables)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{a: 1}", {"a": 1, "b": 2}),
        ("{a: <absent>}", {"b": 1}),
        ("{a: <none>}", {"a": []}),
        ("{a: <none>}", {}),
        ("{a: <any>}", {"a": None}),
        ("[{a: 1}, {a: 2}]", [{"a": 2}, {"a": 1}]),
        ("[<any>, {a: 1}]", [{"a": 1}, {"a": 2}]),
        ("!some [{a: 1}]", [{"a": 2}, {"a": 1}]),
        ('!re "sg-[0-9a-f]{3}"', "sg-123"),
        ("!times [d, 3]", "ddd"),
        ("!ipv4 2 from 255", [{"CidrIp": "10.0.255.0/24"}, {"CidrIp": "10.1.0.0/24"}]),
        ('!first64 "2001:db8::/56"', "2001:db8::/64"),
    ],
)
def test_alike(text: str, found: Any) -> None:
    """What a row leaves open may be anything."""
    assert difference(expected(text), found) is None


@pytest.mark.parametrize(
    ("text", "found", "where"),
    [
        ("{a: 1}", {"a": 2}, "answer.a: 2 instead of 1"),
        ("{a: 1}", {"a": "1"}, "answer.a: '1' instead of 1"),
        ("{a: true}", {"a": 1}, "answer.a: 1 instead of True"),
        ("{a: 1}", {}, "answer.a: not there"),
        ("{a: <absent>}", {"a": None}, "answer.a: None, which should not be there"),
        ("{a: <none>}", {"a": [1]}, r"answer.a: \[1\], which should be empty"),
        ("{a: <any>}", {}, "answer.a: not there"),
        ("{a: []}", {}, "answer.a: not there"),
        ("[]", [1], "answer: 1 items instead of 0"),
        ("[{a: 1}, {a: 1}]", [{"a": 1}, {"a": 2}], "answer: nothing like"),
        ("[{a: {b: 1}}]", [{"a": {"b": 2}}], r"answer\[0\].a.b: 2 instead of 1"),
        ("!some [1, 1]", [1, 2], "answer: nothing like 1"),
        ('!re "sg-[0-9]"', "sg-12", "is not of the form"),
        ("{a: {b: 1}}", {"a": []}, "is no mapping"),
        ("{a: [1]}", {"a": {}}, "is no list"),
    ],
)
def test_different(text: str, found: Any, where: str) -> None:
    """What differs is told with its place."""
    with pytest.raises(AssertionError, match=where):
        raise AssertionError(difference(expected(text), found))


def test_variables() -> None:
    """A variable alone keeps its kind, and is plain text within a pattern."""
    assert expected("{a: $ids, b: id-$n}", ids=["1", "2"], n=3) == {"a": ["1", "2"], "b": "id-3"}
    assert difference(expected('!re "$block.*"', block="10.0.0.0/8"), "10x0.0.0/8") is not None
    assert filled("a-zA-Z!$*", {}) == "a-zA-Z!$*"
    with pytest.raises(KeyError):
        filled("$unknown", {})


class Echo:
    """Answers with the parameters, and refuses what asks for it."""

    def call(self, operation: str, params: dict[str, Any], account: str, region: str) -> dict[str, Any]:
        """See Answers."""
        if operation == "Refuse":
            raise RefusedError("Code", "Message")
        return {**params, "Account": account, "Region": region}


def test_steps() -> None:
    """Steps keep what they are told to, once or in a list, and call as whom and where they say."""
    variables: dict[str, Any] = {"account": "1", "other": "2"}
    assert run_step(Step("Do", {"Name": "x"}, account="other", keep={"who": "Account"}), Echo(), variables) is None
    assert run_step(Step("Do", {"Name": "x-$n"}, repeat=2, keep={"names": "Name"}), Echo(), variables) is None
    assert run_step(Step("Do", {"Name": "$item"}, each="names", keep={"again": "Name"}), Echo(), variables) is None
    assert (variables["who"], variables["names"], variables["again"]) == ("2", ["x-0", "x-1"], ["x-0", "x-1"])


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        (Step("Refuse", {}), "Refuse was refused: Code: Message"),
        (Step("Refuse", {}, error={"code": "Other"}), "error.code: 'Code' instead of 'Other'"),
        (Step("Refuse", {}, error={"code": "Code", "message": "No"}), "error.message: 'Message' instead of 'No'"),
        (Step("Do", {}, error={"code": "Code"}), "Do was not refused with Code"),
        (Step("Do", {"Name": "x"}, answer={"Name": "y"}), "Do.Name: 'x' instead of 'y'"),
    ],
)
def test_steps_that_fail(step: Step, wrong: str) -> None:
    """A step that goes otherwise than its row says is told in one line."""
    with pytest.raises(AssertionError, match=wrong):
        raise AssertionError(run_step(step, Echo(), {"account": "1"}))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("{name: n, source: s, call: Do, answr: {}}", "unknown keys"),
        ("{name: n, source: s, call: Do}", "either an error or an answer"),
        ("{name: n, source: s, call: Do, answer: {}, error: {}}", "either an error or an answer"),
        ("{name: n, source: s, call: Do, answer: {}, given: [{Do: {}, Undo: {}}]}", "a step has one operation"),
        ("{name: n, source: s, call: Do, answer: {}, given: [{Do: {}, kep: {}}]}", "unknown keys"),
        ("{name: n, name: m, source: s, call: Do, answer: {}}", "keys given twice"),
    ],
)
def test_slips_of_the_pen(row: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row with a key that means nothing, or twice the same, is no row."""
    (tmp_path / "rows").mkdir()
    (tmp_path / "stages.yaml").write_text("{}", encoding="utf-8")
    (tmp_path / "rows" / "some.yaml").write_text(f"- {row}\n", encoding="utf-8")
    monkeypatch.setattr(table, "HERE", tmp_path)
    with pytest.raises((ValueError, yaml.YAMLError), match=problem):
        read_rows()
