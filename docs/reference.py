"""The pages of the reference that are made from the code when the guide is built: they cannot be out of date."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import click

from sgsim.cli import VERBS, cli
from sgsim.cli.exits import DONE, INTERRUPTED, NO, READER_GONE, WRONG
from sgsim.model import Reason
from sgsim.reports.wording import REASON_WORDS

_ANNOTATION = re.compile(r"(: |-> )'([^']*)'")  # annotations are texts; they are read as what they say

#: The modules whose public names are the Python API.
MODULES = ("sgsim", "sgsim.control", "sgsim.testing", "sgsim.captures.traffic")


def on_files(files: Any, config: Any) -> Any:
    """A hook of mkdocs: adds the pages."""
    from mkdocs.structure.files import File

    for name, text in pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def pages() -> dict[str, str]:
    """The Markdown of each page, by name."""
    return {
        "verbs": "\n".join(_verbs()) + "\n",
        "reasons": "\n".join(_reasons()) + "\n",
        "python": "\n".join(_python()) + "\n",
    }


def _verbs() -> Iterator[str]:
    yield "# Verbs and options"
    for name, (_, line) in VERBS.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        context = click.Context(command, info_name=f"sgsim {name}", max_content_width=100)
        yield from ("", f"## sgsim {name}", "", _plain(line), "", "```text", command.get_help(context), "```")


def _reasons() -> Iterator[str]:
    yield from ("# Reasons and exit codes", "", "Every verdict has a reason.", "", "| reason | verdict | in words |")
    yield "|---|---|---|"
    for reason in Reason:
        yield f"| `{reason}` | {reason.verdict} | {REASON_WORDS[reason]} |"
    yield from ("", "## Exit codes", "", "| code | |", "|---|---|")
    for code, meaning in (
        (DONE, "done; for `query` and `test`: the packet passes, all cases hold"),
        (NO, "the answer is no"),
        (WRONG, "usage or input error: one line on standard error names file, place and remedy"),
        (INTERRUPTED, "interrupted (Ctrl-C)"),
        (READER_GONE, "the reader of standard output went away"),
    ):
        yield f"| {code} | {meaning} |"


def _python() -> Iterator[str]:
    yield "# Python"
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        yield from ("", f"## {module_name}", "", _plain(inspect.getdoc(module)))
        for name in _public(module):
            yield from _member(name, getattr(module, name))


def _public(module: Any) -> list[str]:
    own = [name for name, member in vars(module).items() if getattr(member, "__module__", None) == module.__name__]
    return list(getattr(module, "__all__", [name for name in own if not name.startswith("_")]))


def _member(name: str, member: Any) -> Iterator[str]:
    if not callable(member):
        return
    yield from ("", f"### {name}", "", "```python", _signature(name, member), "```", "", _plain(inspect.getdoc(member)))
    if not inspect.isclass(member):
        return
    for inner, function in vars(member).items():
        if not inner.startswith("_") and inspect.isfunction(function) and function.__doc__:
            yield from ("", f"#### {name}.{inner}", "", "```python", _signature(inner, function), "```")
            yield from ("", _plain(inspect.getdoc(function)))


def _signature(name: str, member: Any) -> str:
    try:
        return name + _ANNOTATION.sub(r"\1\2", str(inspect.signature(member)))
    except (TypeError, ValueError):
        return name


def _plain(text: str | None) -> str:
    """A docstring as Markdown: its double backticks are single ones there, and its brackets no links."""
    parts = (text or "").split("``")
    return "`".join(part if n % 2 else part.replace("[", "\\[") for n, part in enumerate(parts))
