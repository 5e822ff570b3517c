"""Where a snapshot goes: a file, a folder as the AWS CLI would have filled it; whole or not at all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sgsim.sources import load_topology
from tests.pull.conftest import Ended
from tests.pull.endpoint import Asked, Endpoint
from tests.pull.world import IRELAND, A, prefix_list

Run = Callable[..., Ended]

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "instances.json": "Reservations",
    "managed-prefix-lists.json": "PrefixLists",
    "network-interfaces.json": "NetworkInterfaces",
    "security-group-rules.json": "SecurityGroupRules",
    "security-group-vpc-associations.json": "SecurityGroupVpcAssociations",
    "security-groups.json": "SecurityGroups",
    "subnets.json": "Subnets",
    "vpc-peering-connections.json": "VpcPeeringConnections",
    "vpcs.json": "Vpcs",
}
ENTRIES = {"pl-aws1.json": "Entries", "pl-corp1.json": "Entries", "pl-spare1.json": "Entries"}


@pytest.fixture
def pull_to(sgsim: Run, endpoint: Endpoint) -> Run:
    """Pull with profile a to what is named."""

    def run(output: object, *more: object) -> Ended:
        return sgsim("pull", "-o", output, "--profile", "a", "--endpoint-url", endpoint.url, *more)

    return run


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_has_a_file_for_each_command(pull_to: Run, tmp_path: Path):
    """A name that ends with a slash becomes a folder; each file is the command's reply, and nothing but that."""
    assert pull_to(f"{tmp_path}/new/").code == 0
    files = COMMANDS | ENTRIES
    assert listing(tmp_path / "new") == sorted(files)
    for name, key in files.items():
        assert list(json.loads((tmp_path / "new" / name).read_bytes())) == [key]
    assert "Entries" not in (tmp_path / "new" / "managed-prefix-lists.json").read_text()


def test_a_folder_loads_as_the_file_does(pull_to: Run, tmp_path: Path):
    """Warnings aside, which name files."""
    pull_to(f"{tmp_path}/new/")
    pull_to(tmp_path / "one.json")
    folder, file = load_topology(tmp_path / "new"), load_topology(tmp_path / "one.json")
    assert (folder.groups, folder.interfaces, folder.vpcs) == (file.groups, file.interfaces, file.vpcs)
    assert (folder.prefix_lists, folder.peerings, folder.subnets) == (file.prefix_lists, file.peerings, file.subnets)
    assert folder.associations == file.associations


def test_a_folder_that_is_there_is_replaced(pull_to: Run, endpoint: Endpoint, tmp_path: Path):
    """What an earlier pull left and this one has not is removed; what no snapshot reads may stay."""
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "README.txt").write_text("ours")
    assert pull_to(folder).code == 0
    endpoint.sees["KEYA", IRELAND]["PrefixLists"].pop()
    endpoint.refuse("DescribeSubnets", "UnauthorizedOperation")
    assert pull_to(folder).code == 0
    left = sorted({"README.txt", *COMMANDS, *ENTRIES} - {"pl-spare1.json", "subnets.json"})
    assert listing(folder) == left


@pytest.mark.parametrize("name", ["office", "../office", "pl-1/../../x"])
def test_ids_that_are_not_awss_name_no_file(pull_to: Run, endpoint: Endpoint, tmp_path: Path, name: str):
    """A stand-in's prefix list keeps its entries inside: a file's name could not say whose they are."""
    endpoint.sees["KEYA", IRELAND]["PrefixLists"].append(prefix_list("x", A, "192.0.2.0/28") | {"PrefixListId": name})
    assert pull_to(f"{tmp_path}/new/").code == 0
    assert listing(tmp_path) == ["new"]
    assert listing(tmp_path / "new") == sorted(COMMANDS | ENTRIES)
    entries = load_topology(tmp_path / "new").prefix_lists[name].entries
    assert [str(each) for each in entries or ()] == ["192.0.2.0/28"]


@pytest.mark.parametrize("name", ["notes.yaml", "route-tables.json", "sub/vpcs.json"])
def test_a_folder_with_other_files_is_refused(pull_to: Run, endpoint: Endpoint, tmp_path: Path, name: str):
    """They would be read as part of the snapshot; nothing is asked for then."""
    other = tmp_path / "there" / name
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    assert pull_to(tmp_path / "there").error == (
        f"{tmp_path}/there: holds {name}, which would be read as part of the snapshot: choose another folder"
    )
    assert not endpoint.asked


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("none/s.json", "none does not exist: create it first"),
        ("none/s/", "none does not exist: create it first"),
        ("file/", "is no folder: choose another name"),
    ],
)
def test_what_cannot_be_written_is_found_first(pull_to: Run, endpoint: Endpoint, tmp_path: Path, name: str, part: str):
    """Before any call is made."""
    (tmp_path / "file").write_text("")
    assert part in pull_to(f"{tmp_path}/{name}").error
    assert not endpoint.asked


def test_a_file_is_replaced_when_it_is_whole(pull_to: Run, endpoint: Endpoint, tmp_path: Path):
    """A pull that fails leaves the old one as it was, and nothing beside it."""
    path = tmp_path / "s.json"
    path.write_text("old")
    endpoint.refuse("DescribeVpcs", "AuthFailure")
    assert pull_to(path).code == 2
    assert (path.read_text(), listing(tmp_path)) == ("old", ["s.json"])
    endpoint.answers.clear()
    assert pull_to(path).code == 0
    assert path.read_text() != "old"
    assert listing(tmp_path) == ["s.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_line(pull_to: Run):
    """Exit code 2, and what the matter is."""
    assert "/dev/full: cannot be written: No space left on device" in pull_to("/dev/full").error


def test_an_interrupt_leaves_nothing(endpoint: Endpoint, tmp_path: Path):
    """Ctrl-C while calls are under way: exit code 130 at once, no traceback, no file."""
    asked, over = threading.Event(), threading.Event()

    def never(call: Asked) -> None:
        asked.set()
        over.wait(100)

    endpoint.answers["DescribeVpcs"] = never
    words = ["pull", "-o", tmp_path / "s.json", "--profile", "a", "--endpoint-url", endpoint.url]
    running = subprocess.Popen([sys.executable, "-m", "sgsim", *map(str, words)], cwd=ROOT, stderr=subprocess.PIPE)
    assert asked.wait(100)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=100)
    over.set()
    assert (running.returncode, err) == (130, b"")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_filled_keeps_its_old_files(pull_to: Run, endpoint: Endpoint, tmp_path: Path):
    """No file gets its name before all of them are written."""
    folder = tmp_path / "there"
    pull_to(f"{folder}/")
    before = {name: (folder / name).read_bytes() for name in listing(folder)}
    endpoint.sees["KEYA", IRELAND]["SecurityGroups"].pop()
    (folder / "vpcs.json.part").mkdir()
    assert "vpcs.json.part: cannot be written: Is a directory" in pull_to(folder).error
    assert {name: (folder / name).read_bytes() for name in before} == before
