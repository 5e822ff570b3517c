"""The examples of pages about the endpoint are executed, in their order, against one server."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sgsim.endpoint import dispatch, server
from tests.endpoint.clients import ACCOUNT, REGION

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "serve.md").read_text()
BIN = Path(sys.executable).parent
END = "= end of an example ="


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a language, at most one."""
    text = (DOCS / page).read_text()
    found = [text for name, text in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S) if name == language]
    assert len(found) < 2
    return found


@pytest.mark.skipif(not (BIN / "aws").exists(), reason="needs awscli")
@pytest.mark.parametrize("page", ["serve.md", "howto/groups.md"])
def test_the_examples_print_what_the_page_says(serving, tmp_path, monkeypatch, page):
    """The shell's commands, one after the other, then Python's."""
    url = serving("--state", tmp_path / "cloud.json").url
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_PAGER": "",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }.items():
        monkeypatch.setenv(name, value)
    commands = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", blocks(page, "console")[0], re.M)
    script = "".join(f"{command}\necho '{END}'\n" for command, _ in commands)
    done = subprocess.run(
        ["bash"], input=script, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    printed = done.stdout.split(f"{END}\n")[:-1]
    assert printed == [expected for _, expected in commands]
    for code, expected in zip(blocks(page, "python"), blocks(page, "text"), strict=True):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, page, "exec"), {})
        assert out.getvalue() == expected


def test_the_page_names_the_bounds_and_the_services():
    """As they are in the code."""
    assert f"{server.MOST_BODY >> 20} MiB" in PAGE
    assert f"{server.REQUEST_SECONDS:.0f} seconds" in PAGE
    assert f"{server.MOST_CONNECTIONS} connections" in PAGE
    assert dispatch.OTHER_SERVICES == ("sts", "iam", "ssm", "kms", "logs")
    assert "STS, IAM, SSM, KMS\nand CloudWatch Logs" in PAGE
