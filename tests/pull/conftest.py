"""An endpoint to pull from, and an AWS configuration that is the tests' own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from botocore.loaders import create_loader

from sgsim.cli import cli
from tests.pull.endpoint import Endpoint, serve
from tests.pull.world import IRELAND, VIRGINIA, A, B, ireland_of_a, ireland_of_b, virginia_of_a

CONFIG = """
[profile a]
region = eu-west-1
[profile network]
region = eu-west-1
[profile shop]
region = eu-west-1
[profile b]
region = eu-west-1
[profile stranger]
region = eu-west-1
[profile half]
region = eu-west-1
[profile nowhere]
[profile role]
region = eu-west-1
role_arn = arn:aws:iam::222222222222:role/reader
source_profile = a
"""
CREDENTIALS = """
[network]
aws_access_key_id = KEYA
aws_secret_access_key = secret
[shop]
aws_access_key_id = KEYB
aws_secret_access_key = secret
[a]
aws_access_key_id = KEYA
aws_secret_access_key = secret
[b]
aws_access_key_id = KEYB
aws_secret_access_key = secret
[stranger]
aws_access_key_id = KEYS
aws_secret_access_key = secret
[half]
aws_access_key_id = KEYH
[nowhere]
aws_access_key_id = KEYA
aws_secret_access_key = secret
"""


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def warnings(self) -> list[str]:
        start = "sgsim: warning: "
        return [line.removeprefix(start) for line in self.err.splitlines() if line.startswith(start)]

    @property
    def error(self) -> str:
        """The one error line of a run that failed."""
        assert (self.code, self.out) == (2, "")
        (line,) = (line for line in self.err.splitlines() if not line.startswith("sgsim: warning: "))
        return line.removeprefix("sgsim: error: ")


@pytest.fixture(scope="session", autouse=True)
def service_models() -> Iterator[None]:
    """EC2's service model is loaded once for all tests, not once for each run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sgsim.pulling.connect.create_loader", cache(create_loader))
        yield


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Profiles for both accounts and some that fail; two tries of each call; nothing of the machine's own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    folder = tmp_path_factory.mktemp("aws")
    for variable, name, text in (
        ("AWS_CONFIG_FILE", "config", CONFIG),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", CREDENTIALS),
    ):
        (folder / name).write_text(text)
        monkeypatch.setenv(variable, str(folder / name))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """The world of ``world.py``, seen with profile a in both Regions and with b in one."""
    made = Endpoint(
        sees={
            ("KEYA", IRELAND): ireland_of_a(),
            ("KEYA", VIRGINIA): virginia_of_a(),
            ("KEYB", IRELAND): ireland_of_b(),
        },
        accounts={"KEYA": A, "KEYB": B},
    )
    server = serve(made)
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def sgsim(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the command in this process."""

    def run(*arguments: object) -> Ended:
        with pytest.raises(SystemExit) as end:
            cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(end.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def pull(sgsim: Callable[..., Ended], endpoint: Endpoint, tmp_path: Path) -> Callable[..., Ended]:
    """Pull into ``snapshot.json`` from the endpoint, with profile a unless another is named."""

    def run(*arguments: object) -> Ended:
        words = [str(argument) for argument in arguments]
        if "--profile" not in words:
            words += ["--profile", "a"]
        return sgsim("pull", "-o", tmp_path / "snapshot.json", "--endpoint-url", endpoint.url, *words)

    return run
