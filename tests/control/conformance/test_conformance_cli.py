"""The rows that are command lines of the user guides, typed into the AWS CLI itself."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jmespath
import pytest

from tests.control.conformance.marks import difference, filled
from tests.control.conformance.table import HOME, Command, Row, read_rows, run_step
from tests.control.served import Served, new_account

AWS = Path(sys.executable).with_name("aws")
REFUSAL = re.compile(
    r"An error occurred \((?P<code>[^)]+)\) when calling the \w+ operation: (?P<message>.*)", re.DOTALL
)
ROWS = [row for row in read_rows() if row.commands]
MOST_COMMANDS = 25  # each takes most of a second to start


@pytest.mark.skipif(not AWS.exists(), reason="needs awscli")
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row(row: Row, served: Served) -> None:
    """Every command prints what the row expects."""
    variables: dict[str, Any] = {"account": new_account(), "region": HOME}
    for step in row.given:
        assert run_step(step, served, variables) is None
    for command in row.commands:
        if wrong := run_command(command, served, variables):
            pytest.fail(f"{row.name} ({row.source}): {wrong}", pytrace=False)


def test_number_of_commands() -> None:
    """The table does not grow slow."""
    assert sum(len(row.commands) for row in ROWS) <= MOST_COMMANDS


def run_command(command: Command, served: Served, variables: dict[str, Any]) -> str | None:
    """Run one command line; what is wrong with what it printed, or None."""
    words = shlex.split(filled(command.run, variables))
    assert words[:2] == ["aws", "ec2"], words
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": variables["account"],
        "AWS_SECRET_ACCESS_KEY": "any secret will do",
        "AWS_DEFAULT_REGION": HOME,
        "AWS_ENDPOINT_URL": served.server.url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }
    done = subprocess.run([AWS, *words[1:]], env=environment, capture_output=True, text=True, timeout=60)
    if command.error is not None:
        refusal = REFUSAL.search(done.stderr)
        if done.returncode == 0 or refusal is None:
            return f"{command.run} was not refused: {done.stdout}{done.stderr}"
        found = {"code": refusal["code"], "message": refusal["message"].strip()}
        return difference(filled(command.error, variables), found, "error")
    if done.returncode != 0:
        return f"{command.run} was refused: {done.stderr.strip()}"
    printed: Any = done.stdout.strip()
    if printed[:1] in ("{", "["):
        printed = json.loads(printed)
    for name, path in command.keep.items():
        variables[name] = jmespath.search(path, printed)
    return difference(filled(command.answer, variables), printed, command.run) if command.answer is not None else None
