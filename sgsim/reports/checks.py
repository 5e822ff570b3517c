"""What came of checks: a table for people, JUnit XML, TAP, and annotations for GitHub Actions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from sgsim.checks import Failure, Outcome
from sgsim.reports.answer import Paint, answer_text, plain

_SECOND = 1_000_000_000
_NO_XML = re.compile("[^\\t\\n\\r\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def table(outcomes: Sequence[Outcome], paint: Paint = plain) -> Iterator[str]:
    """A line a case, what failed explained below it, and the totals."""
    file = ""
    for outcome in outcomes:
        case = outcome.case
        if case.place.file != file:
            file = case.place.file
            yield file
        mark = paint("ok  ", "green") if outcome.passed else paint("FAIL", "red")
        yield f"  {mark}  {case.name}"
        for failure in outcome.failures:
            yield from (f"          {line}".rstrip() for line in explanation(failure).splitlines())
    failed = sum(not outcome.passed for outcome in outcomes)
    passed = len(outcomes) - failed
    yield ""
    yield f"{passed} passed" + (f", {paint(f'{failed} failed', 'red')}" if failed else "")


def explanation(failure: Failure) -> str:
    """What was expected, what was found, and why: each gate with its rules, or the nearest ones."""
    step = failure.step
    when = f" at {_seconds(step.packet.time_ns)} s" if step.packet.time_ns else ""
    line = f"line {step.place.line}: " if step.place.line else ""
    head = f"{line}expected {step.expected}{when}, found {failure.found}"
    return f"{head}\n{answer_text(failure.answer, failure.topology, reply=False)}"


def _seconds(time_ns: int) -> str:
    """Exact, without zeros that say nothing."""
    whole, rest = divmod(time_ns, _SECOND)
    return f"{whole}.{rest:09}".rstrip("0").rstrip(".")


def junit(outcomes: Sequence[Outcome]) -> bytes:
    """JUnit XML as Jenkins, GitLab and others read it: a suite a file, a test case a case."""
    root = ElementTree.Element("testsuites")
    for file in dict.fromkeys(outcome.case.place.file for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.case.place.file == file]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_xml(file),
            tests=str(len(own)),
            failures=str(sum(not outcome.passed for outcome in own)),
            errors="0",
            skipped="0",
            time=f"{sum(outcome.seconds for outcome in own):.3f}",
        )
        for outcome in own:
            case = ElementTree.SubElement(
                suite, "testcase", classname=_xml(file), name=_xml(outcome.case.name), time=f"{outcome.seconds:.3f}"
            )
            for failure in outcome.failures[:1]:
                message = f"expected {failure.step.expected}, found {failure.found}"
                element = ElementTree.SubElement(case, "failure", message=_xml(message), type="verdict")
                element.text = _xml("\n\n".join(map(explanation, outcome.failures)))
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _xml(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def tap(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Version 14 of the Test Anything Protocol; what failed is explained in a YAML block."""
    yield "TAP version 14"
    yield f"1..{len(outcomes)}"
    for number, outcome in enumerate(outcomes, start=1):
        name = outcome.case.name.replace("\\", "\\\\").replace("#", "\\#")
        yield f"{'ok' if outcome.passed else 'not ok'} {number} - {name}"
        if not outcome.passed:
            yield "  ---"
            yield f"  file: {json.dumps(outcome.case.place.file)}"
            yield f"  line: {outcome.case.place.line}"
            yield "  message: |"
            for failure in outcome.failures:
                yield from (f"    {_xml(line)}".rstrip() for line in explanation(failure).splitlines())
            yield "  ..."


def github(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Workflow commands of GitHub Actions: each failure is shown at its line of the file."""
    for outcome in outcomes:
        for failure in outcome.failures:
            place = failure.step.place
            line = f",line={place.line}" if place.line else ""
            file, title = (_property(text) for text in (place.file, outcome.case.name))
            yield f"::error file={file}{line},title={title}::{_escaped(explanation(failure))}"


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
