"""The examples of docs/pull.md, run as they stand."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from sgsim.pulling.calls import CALLS, PREFIX_LIST_ENTRIES
from tests.pull.conftest import Ended
from tests.pull.endpoint import Endpoint

PAGE = (Path(__file__).resolve().parents[2] / "docs/pull.md").read_text()
BLOCKS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_a_console_block_prints_what_the_page_says(
    sgsim: Callable[..., Ended],
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    block: str,
):
    """Each command in turn, in one folder; what stands under it is its standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.url)
    if "--profile" not in block:
        monkeypatch.setenv("AWS_PROFILE", "a")
    for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
        words = shlex.split(command)
        assert words[0] == "sgsim"
        ended = sgsim(*words[1:])
        assert ended.code == 0
        assert not printed or ended.err == printed


def test_the_policy_allows_what_is_called():
    """Every call, and nothing else."""
    policy = json.loads(PAGE.partition("```json\n")[2].partition("```")[0])
    (statement,) = policy["Statement"]
    assert sorted(statement["Action"]) == sorted(call.action for call in (*CALLS, PREFIX_LIST_ENTRIES))


def test_every_option_is_on_the_page():
    """The table has all of them."""
    from sgsim.cli.pull import command

    options = [name for parameter in command.params for name in parameter.opts]
    assert all(f"`{name} " in PAGE or f"`{name}`" in PAGE for name in options)
