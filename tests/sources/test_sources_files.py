"""What a snapshot may be: folders, single files, compression, encodings; recognised by content."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from sgsim.errors import InputError
from sgsim.model import Topology
from sgsim.sources import load_topology

GROUP = {"GroupId": "sg-1", "GroupName": "web", "VpcId": "vpc-1", "IpPermissions": [], "IpPermissionsEgress": []}
ENI = {
    "NetworkInterfaceId": "eni-1",
    "VpcId": "vpc-1",
    "Groups": [{"GroupId": "sg-1", "GroupName": "web"}],
    "PrivateIpAddress": "10.0.0.10",
}


def line_of(path: Path, *, strict: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        load_topology(path, strict=strict)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_folder_is_read_recursively(folder) -> None:
    """Files of any depth are joined, compressed ones too; order is that of the sorted paths."""
    second = {"SecurityGroups": [GROUP | {"GroupId": "sg-2"}]}
    root = folder(
        {
            "b/groups.json": {"SecurityGroups": [GROUP]},
            "a/deep/groups.json.gz": gzip.compress(json.dumps(second).encode()),
            "enis.json": {"NetworkInterfaces": [ENI]},
        }
    )
    topology = load_topology(root)
    assert list(topology.groups) == ["sg-2", "sg-1"]
    assert topology.interfaces["eni-1"].group_ids == ("sg-1",)
    assert topology.warnings == ()


def test_several_keys_in_one_file(load) -> None:
    """One file may hold all keys merged."""
    topology = load({"SecurityGroups": [GROUP], "NetworkInterfaces": [ENI], "Vpcs": [{"VpcId": "vpc-1"}]})
    assert list(topology.interfaces) == ["eni-1"]
    assert list(topology.vpcs) == ["vpc-1"]


def test_single_compressed_file(tmp_path: Path) -> None:
    """A gzip file of several members is one file."""
    text = json.dumps({"SecurityGroups": [GROUP]}).encode()
    path = tmp_path / "groups.json.gz"
    path.write_bytes(gzip.compress(text[:20], mtime=0) + gzip.compress(text[20:]) + b"\0\0")
    assert list(load_topology(path).groups) == ["sg-1"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_shells_write(tmp_path: Path, encoding: str) -> None:
    """PowerShell writes UTF-16, some editors a byte order mark."""
    path = tmp_path / "groups.json"
    path.write_bytes(json.dumps({"SecurityGroups": [GROUP]}).encode(encoding))
    assert list(load_topology(str(path)).groups) == ["sg-1"]


def test_describe_output_as_yaml(load) -> None:
    """``--output yaml`` is describe output too; an unquoted -1 is a number there."""
    topology = load(
        "SecurityGroups:\n- GroupId: sg-1\n  VpcId: vpc-1\n  GroupName: 'on'\n"
        "  IpPermissions:\n  - IpProtocol: -1\n    IpRanges: [{CidrIp: 10.0.0.0/8}]\n"
    )
    assert topology.groups["sg-1"].ingress[0].protocol == -1
    assert topology.groups["sg-1"].name == "on"


def test_same_id_with_equal_content_is_one(folder) -> None:
    """Overlapping pages agree; what sgsim does not read may differ."""
    root = folder(
        {
            "1.json": {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailableIpAddressCount": 9}]},
            "2.json": {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailableIpAddressCount": 8}]},
        }
    )
    assert list(load_topology(root).subnets) == ["subnet-1"]


def test_same_id_with_different_content_names_both_files(folder) -> None:
    """Two states of one group cannot both be the snapshot."""
    other = GROUP | {"VpcId": "vpc-2"}
    line = line_of(folder({"1.json": {"SecurityGroups": [GROUP]}, "2.json": {"SecurityGroups": [other]}}))
    assert "2.json: SecurityGroups[0]: sg-1 has other content than in " in line
    assert "1.json: SecurityGroups[0]" in line


def test_next_token_is_a_warning(load, refused) -> None:
    """A page of several is an incomplete snapshot; strict loading refuses it, an empty token is none."""
    page = {"SecurityGroups": [GROUP], "NextToken": "abc"}
    (warning,) = load(page).warnings
    assert "NextToken: is set: the snapshot is incomplete" in warning
    assert "NextToken" in refused(page, strict=True)
    assert load(page | {"NextToken": ""}, strict=True).warnings == ()


def test_other_json_files_are_named_once(folder) -> None:
    """What is no describe output is passed over, and all of it named in one warning."""
    root = folder(
        {
            "groups.json": {"SecurityGroups": [GROUP]},
            "template.json": {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {}},
            "x/list.json": [1, 2],
            "k8s.yaml": "kind: Service\nspec: !Ref other\n",
        }
    )
    (warning,) = load_topology(root, strict=True).warnings
    assert warning.endswith("passed over, being no describe output: k8s.yaml, template.json, x/list.json")


def test_unneeded_describe_output_is_silent(folder) -> None:
    """Route tables and the like, other services' groups and hidden files are passed over without a word."""
    root = folder(
        {
            "groups.json": {"SecurityGroups": [GROUP]},
            "routes.json": {"RouteTables": []},
            "stale.json": {"StaleSecurityGroupSet": [], "NextToken": "x"},
            "mount-target.json": {"SecurityGroups": ["sg-1"]},
            ".git/x.json": "no json",
            "._groups.json": b"\x00\x05",
            "notes.txt": "hello",
        }
    )
    assert load_topology(root).warnings == ()


def test_folder_without_anything_of_use(folder) -> None:
    """A folder of other files is an error that says what is wanted; one with a scenario names it."""
    assert "holds no describe output that sgsim can use (give the output of" in line_of(folder({"a.json": {"A": []}}))
    assert "s.yaml is a scenario: give that file itself" in line_of(folder({"s.yaml": "security_groups: {}"}))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.json", b'{"SecurityGroups": [}', "x.json: line 1 column 21: is no JSON: Expecting value"),
        ("x.json", b'{"SecurityGroups": []}\n{}', "x.json: line 2 column 1: is no JSON: Extra data"),
        ("x.json", b'{"SecurityGroups": [', "x.json: line 1 column 21: is no JSON"),
        ("x.json", b'{"Vpcs": NaN}', "x.json: is no JSON: "),
        ("x.json", b"", "x.json: is empty"),
        ("x.json", b'{"a": "\xff"}', "x.json: byte 7: is no UTF-8 text (save it as UTF-8)"),
        ("x.json", b"[" * 100_000, "x.json: is nested too deeply"),
        ("x.yaml", b"[" * 100_000, "x.yaml: line 1: is nested too deeply"),
        ("x.json", b'[{"GroupId": "sg-1"}]', "x.json: is no snapshot: its top level is a list"),
        ("x.json", b'{"Resources": {}}', "x.json: is no snapshot: nothing of use under its keys (Resources)"),
        ("x.json", b'{"SecurityGroup": []}', "x.json: SecurityGroup: is no key of a snapshot (did you mean "),
        ("x.yaml", b"a: [b\nc: }", "x.yaml: line 2 column "),
        ("x.yaml", b"a: \0", "x.yaml: is no YAML"),
        ("x.yaml", b"security_groups: {}\n---\na: b", "x.yaml: line 2: a second YAML document begins"),
        ("x.yaml", b"interfaces: {}", "x.yaml: has no security_groups"),
        ("x.yaml", b"hello", "x.yaml: is no snapshot: its top level is a text"),
        ("x.json.gz", gzip.compress(b"{}", mtime=0)[:-9], "x.json.gz: gzip data is cut off"),
        ("x.json.gz", b"\x1f\x8b\x09" + bytes(20), "x.json.gz: gzip data is damaged"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    """Each is one line that names the file and, where there is one, line and column."""
    path = tmp_path / name
    path.write_bytes(content)
    assert str(tmp_path / expected) in line_of(path)


def test_missing_file(tmp_path: Path) -> None:
    """A path that is not there is said to be so."""
    assert line_of(tmp_path / "none").endswith("none: does not exist (give a directory or a file)")


def test_unreadable_json_in_a_folder_is_an_error(folder) -> None:
    """A broken file is not passed over: it may be the one that matters."""
    root = folder({"a.json": {"SecurityGroups": [GROUP]}, "b.json": "{"})
    assert "b.json: line 1 column 2: is no JSON" in line_of(root)


def test_wrong_shape_names_the_path(refused) -> None:
    """A value of another type is named by its place in the file."""
    assert refused({"SecurityGroups": [{"GroupName": "x"}]}).startswith(
        "snapshot.json: SecurityGroups[0]: does not look like describe output: object missing required field `GroupId`"
    )
    permission = {"IpProtocol": "tcp", "FromPort": "22"}
    assert "SecurityGroups[0].IpPermissions[0].FromPort: " in refused(
        {"SecurityGroups": [GROUP | {"IpPermissions": [permission]}]}
    )


def test_nulls_are_absent(load) -> None:
    """Other tools write null for what a reply lacks."""
    topology = load({"SecurityGroups": [GROUP | {"IpPermissions": None, "Tags": None}], "NetworkInterfaces": None})
    assert topology.groups["sg-1"].ingress == ()


def test_empty_snapshot_of_the_right_shape(load) -> None:
    """Empty lists make an empty topology."""
    assert load({"SecurityGroups": []}) == Topology()
