"""What came of checks, in each format: table, JUnit XML, GitHub's annotations, TAP."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
import yaml

from tests.checks.conftest import TO_DB

SCHEMA = xmlschema.XMLSchema(str(Path(__file__).with_name("junit.xsd")))
DROPPED = "from: web-1, to: db-1, protocol: tcp, port: 22"
NAMES = [
    "plain",
    'a "b" <c> & d',
    "50%, done: x",
    "it # has \\ both",
    "naïve 網路 🙂",
    "-",
    "ok 2 - x",
    "\x7f\x85\u2028z",
]


def quoted(text: str) -> str:
    return yaml.safe_dump(text, default_style='"', width=1000).strip()


@pytest.fixture
def odd(write):
    """A case of each name, each second of which fails."""
    cases = [
        f"  - {{name: {quoted(name)}, {DROPPED if n % 2 else TO_DB}, expect: allow}}\n" for n, name in enumerate(NAMES)
    ]
    return write("cases:\n" + "".join(cases))


def test_the_table_explains_what_fails(write, check):
    """A line a case; below a failing one what was expected, what was found, the gates and the nearest rule."""
    ended = check(
        write(f"cases: [{{name: one, {TO_DB}, expect: allow}}, {{name: two, at: 1.5s, {DROPPED}, expect: allow}}]")
    )
    assert ended.exit_code == 1
    assert "  ok    one\n  FAIL  two\n" in ended.stdout
    assert (
        "line 2: expected allow at 1.5 s, found drop no_rule at web-1 (egress), then drop not_reached" in ended.stdout
    )
    assert "tcp 5432 to db  fails on port  (web/egress/0)" in ended.stdout
    assert ended.stdout.endswith("\n1 passed, 1 failed\n")


@pytest.mark.parametrize(
    ("at", "text"), [("86400s", "86400 s"), ("1234567.000000001s", "1234567.000000001 s"), ("1ms", "0.001 s")]
)
def test_times_are_exact(write, check, at, text):
    """Not rounded, as a float would be."""
    assert f"expected allow at {text}, found" in check(write(f"cases: [{{at: {at}, {DROPPED}, expect: allow}}]")).stdout


def test_junit_is_valid(odd, check, tmp_path):
    """A suite a file, counts that add up, names and failures as they are."""
    ended = check(odd, "--junit", tmp_path / "j.xml")
    assert ended.exit_code == 1
    contents = (tmp_path / "j.xml").read_bytes()
    SCHEMA.validate(contents.decode())
    (suite,) = ElementTree.fromstring(contents)
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == (str(odd), "8", "4")
    assert [case.get("name") for case in suite][:7] == NAMES[:7]
    failure = suite[1].find("failure")
    assert failure is not None
    assert failure.get("message", "").startswith("expected allow, found drop no_rule at web-1")
    assert "fails on port" in (failure.text or "")


def test_the_schema_can_refuse():
    """Else it would prove nothing."""
    for wrong in ("<testsuites/>", '<testsuites><testsuite name="a"/></testsuites>', "<x/>"):
        assert not SCHEMA.is_valid(wrong)


def test_junit_of_characters_that_xml_cannot_hold(write, check, tmp_path):
    """They become replacement characters, in names and in explanations."""
    name = quoted("bell \x07 and \ufffe escape \x1b")
    ended = check(write(f"cases: [{{name: {name}, {DROPPED}, expect: allow}}]"), "--junit", tmp_path / "j.xml")
    assert ended.exit_code == 1
    contents = (tmp_path / "j.xml").read_text()
    SCHEMA.validate(contents)
    assert 'name="bell � and � escape �"' in contents


def test_github_annotations_are_escaped(write, check):
    """Percent signs, line ends, and in properties commas and colons; unescaped they say what the table does."""
    path = write(f"cases:\n  - {{name: '50%, a::b', {DROPPED}, expect: allow}}\n", "odd, name%.sgtest.yaml")
    ended = check(path, "--format", "github")
    assert ended.exit_code == 1
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("::error ")]
    match = re.fullmatch(r"::error file=([^,:]*),line=([0-9]+),title=([^,:]*)::(.*)", line)
    assert match is not None
    file, number, title, message = match.groups()
    assert (unescaped(file), number, unescaped(title)) == (str(path), "3", "50%, a::b")
    assert unescaped(message).startswith("line 3: expected allow, found drop no_rule")
    assert "\n      tcp 5432 to db  fails on port" in unescaped(message)


def unescaped(text: str) -> str:
    assert re.sub("%(25|0D|0A|3A|2C)", "", text).count("%") == 0
    return re.sub("%([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)


def test_what_passes_is_no_annotation(write, check):
    assert "::error" not in check(write(f"cases: [{{{TO_DB}, expect: allow}}]"), "--format", "github").stdout


def tap_points(text: str) -> list[tuple[bool, int, str, dict | None]]:
    """A parser of version 14 of TAP, as far as test points and their YAML blocks go."""
    lines = text.splitlines()
    assert lines[0] == "TAP version 14"
    plan = re.fullmatch(r"1\.\.([0-9]+)", lines[1])
    assert plan is not None
    points: list[tuple[bool, int, str, dict | None]] = []
    at = 2
    while at < len(lines):
        match = re.fullmatch(r"(not )?ok ([0-9]+) - ((?:[^\\#]|\\\\|\\#)*)", lines[at])
        assert match is not None, lines[at]
        block = None
        at += 1
        if at < len(lines) and lines[at] == "  ---":
            end = lines.index("  ...", at)
            block = yaml.safe_load("\n".join(line[2:] for line in lines[at + 1 : end]))
            at = end + 1
        points.append((not match[1], int(match[2]), re.sub(r"\\(.)", r"\1", match[3]), block))
    assert [number for _, number, *_ in points] == [*range(1, int(plan[1]) + 1)]
    return points


def test_tap_can_be_parsed(odd, check):
    """Descriptions with # and backslashes are escaped; what failed has a YAML block."""
    ended = check(odd, "--format", "tap")
    assert ended.exit_code == 1
    points = tap_points(ended.stdout)
    assert [name for _, _, name, _ in points][:7] == NAMES[:7]
    for passed, number, _, block in points:
        assert passed is (number % 2 == 1)
        assert (block is None) is passed
        if block is not None:
            assert (block["file"], block["line"]) == (str(odd), number + 2)
            assert block["message"].startswith(f"line {number + 2}: expected allow, found drop")


@pytest.mark.parametrize("form", ["table", "github", "tap"])
def test_a_name_is_one_line(write, check, form):
    """Line ends in it are blanks."""
    ended = check(write('cases: [{name: "a\\nok 1 - b\\r::error::c", ' + TO_DB + ", expect: allow}]"), "--format", form)
    assert ended.exit_code == 0
    assert any("a ok 1 - b ::error::c" in line for line in ended.stdout.splitlines())
