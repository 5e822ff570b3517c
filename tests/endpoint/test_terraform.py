"""Terraform itself, where it is: ``terraform`` on the path, and a folder of provider plugins in
``$SGSIM_TERRAFORM_PLUGINS`` (as ``terraform providers mirror`` makes it)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sgsim.sources import load_topology

PLUGINS = os.environ.get("SGSIM_TERRAFORM_PLUGINS")
CONFIGURATION = Path(__file__).parent / "terraform" / "main.tf"

pytestmark = pytest.mark.skipif(
    not PLUGINS or shutil.which("terraform") is None, reason="needs terraform and $SGSIM_TERRAFORM_PLUGINS"
)


def test_a_network_is_made_left_alone_and_destroyed(serving, tmp_path, monkeypatch):
    """Applied whole; a second plan finds nothing to do; the state file holds it; destroyed whole."""
    state = tmp_path / "state.json"
    process = serving("--state", state)
    monkeypatch.setenv("AWS_ENDPOINT_URL", process.url)
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "none.tfrc"))
    (tmp_path / "none.tfrc").touch()
    shutil.copy(CONFIGURATION, tmp_path)

    def terraform(*arguments: str) -> str:
        done = subprocess.run(
            ["terraform", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    terraform("init", f"-plugin-dir={PLUGINS}")
    terraform("apply", "-auto-approve", "-no-color")
    assert json.loads(terraform("output", "-json"))["account"]["value"] == "111122223333"
    terraform("plan", "-detailed-exitcode", "-no-color")  # 2, were there anything to do
    topology = load_topology(state, strict=True)
    assert {group.name for group in topology.groups.values()} >= {"web", "peer"}
    assert {interface.name for interface in topology.interfaces.values()} >= {"web-1"}
    terraform("destroy", "-auto-approve", "-no-color")
    assert not {group.name for group in load_topology(state).groups.values()} & {"web", "peer"}
