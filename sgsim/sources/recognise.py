"""Which kind of snapshot a path holds, told by content, and its parsed files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any

from sgsim.errors import InputError
from sgsim.sources.parse import PLAN_WANTED, processed_template, read_document
from sgsim.sources.places import Document, Notes

#: The top-level keys of describe output that make a topology.
DESCRIBE_KEYS = frozenset(
    {
        "SecurityGroups",
        "SecurityGroupRules",
        "NetworkInterfaces",
        "Reservations",
        "PrefixLists",
        "Entries",
        "VpcPeeringConnections",
        "Vpcs",
        "Subnets",
        "SecurityGroupVpcAssociations",
    }
)
#: The top-level keys of a scenario; the first makes it one.
SCENARIO_KEYS = (
    "security_groups",
    "prefix_lists",
    "interfaces",
    "vpcs",
    "subnets",
    "peerings",
    "auto_tracked",
)
_ENDINGS = (".json", ".json.gz", ".yaml", ".yml", ".yaml.gz", ".yml.gz")
_AWS_KEY = re.compile(r"[A-Z][A-Za-z0-9]*\Z")
_SHOWN_KEYS = ("planned_values", "resource_changes", "values", "terraform_version")  # of terraform show -json
_WANTED = "give the output of aws ec2 describe-security-groups and describe-network-interfaces, or a YAML scenario"


class Kind(Enum):
    DESCRIBE = "describe output"
    SCENARIO = "scenario"
    TERRAFORM = "Terraform plan or state"
    CLOUDFORMATION = "CloudFormation template"


def recognise(path: Path, notes: Notes) -> tuple[Kind, list[Document]]:
    """Read a snapshot's files; of a directory only those that are describe output sgsim uses.

    Raises InputError: nothing there, a file that cannot be parsed, nothing that sgsim can use.
    """
    if path.is_dir():
        return Kind.DESCRIBE, _read_directory(path, notes)
    if not path.exists():
        raise InputError(str(path), "", "does not exist", "give a directory or a file")
    document = processed_template(read_document(path))
    for kind, is_kind in _KINDS.items():
        if is_kind(document.data):
            return kind, [document]
    raise _no_snapshot(document)


def is_scenario(data: Any) -> bool:
    return isinstance(data, dict) and SCENARIO_KEYS[0] in data


def is_terraform(data: Any) -> bool:
    """The output of ``terraform show -json``, of a plan or a state, or a state file."""
    if not isinstance(data, dict):
        return False
    if "format_version" in data:
        return not data.keys().isdisjoint(_SHOWN_KEYS) or len(data) == 1
    return "version" in data and not data.keys().isdisjoint(("resources", "modules"))


def describe_keys(data: Any) -> list[str]:
    """The keys of a file that sgsim uses. Other services have a ``SecurityGroups`` too: a list of ids, no objects."""
    if not isinstance(data, dict):
        return []
    return [
        key
        for key, value in data.items()
        if key in DESCRIBE_KEYS and not (isinstance(value, list) and value and not isinstance(value[0], dict))
    ]


def is_template(data: Any) -> bool:
    """A CloudFormation template: its resources have types like AWS::EC2::Instance."""
    if not isinstance(data, dict):
        return False
    resources = data.get("Resources")
    return "AWSTemplateFormatVersion" in data or (
        isinstance(resources, dict)
        and any(isinstance(each, dict) and "::" in str(each.get("Type")) for each in resources.values())
    )


#: Files that are snapshots by themselves; the first that says yes.
_KINDS: Mapping[Kind, Callable[[Any], bool]] = {
    Kind.SCENARIO: is_scenario,
    Kind.TERRAFORM: is_terraform,
    Kind.CLOUDFORMATION: is_template,
    Kind.DESCRIBE: lambda data: bool(describe_keys(data)),
}


def _is_other_describe_output(data: Any) -> bool:
    """Output of some describe command that sgsim has no use for (RouteTables, ...): a list under a key of AWS's."""
    return (
        isinstance(data, dict)
        and all(_AWS_KEY.match(key) for key in data)
        and any(isinstance(value, list) for value in data.values())
    )


def _read_directory(root: Path, notes: Notes) -> list[Document]:
    documents: list[Document] = []
    passed_over: list[str] = []
    whole: tuple[Kind, str] | None = None  # the first file that is a snapshot by itself
    for path in snapshot_files(root):
        document = read_document(path)
        if describe_keys(document.data):
            documents.append(document)
        elif not _is_other_describe_output(document.data):
            passed_over.append(str(path.relative_to(root)))
            kind = next((kind for kind, is_kind in _KINDS.items() if is_kind(document.data)), None)
            whole = whole or (kind and (kind, str(path)))
    if not documents:
        remedy = f"{whole[1]} is a {whole[0].value}: give that file itself" if whole else _WANTED
        raise InputError(str(root), "", "holds no describe output that sgsim can use", remedy)
    if passed_over:
        names = ", ".join(passed_over[:10]) + (f" and {len(passed_over) - 10} more" if len(passed_over) > 10 else "")
        notes.note(InputError(str(root), "", f"passed over, being no describe output: {names}"))
    return documents


def snapshot_files(root: Path) -> Iterator[Path]:
    """All files with a known ending, sorted by folder and name; hidden ones (``.git``, ``._x.json``) left out."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(_ENDINGS) and not name.startswith("."):
                yield Path(folder, name)


def _no_snapshot(document: Document) -> InputError:
    data = document.data
    if not isinstance(data, dict):
        return InputError(document.file, "", f"is no snapshot: its top level is a {_shape(data)}, no object", _WANTED)
    if any(key in ("resource", "data", "module") or key.startswith("aws_") for key in data):
        return InputError(document.file, "", "looks like Terraform configuration", PLAN_WANTED)
    for key in data:
        near = get_close_matches(key, [*SCENARIO_KEYS, *sorted(DESCRIBE_KEYS)], n=1, cutoff=0.75)
        if near and near[0] != key:
            return InputError(document.file, key, "is no key of a snapshot", f"did you mean {near[0]}?")
        if near and near[0] in SCENARIO_KEYS:
            return InputError(document.file, "", "has no security_groups", "a scenario needs them: security_groups: {}")
    keys = ", ".join(list(data)[:6]) or "none"
    return InputError(document.file, "", f"is no snapshot: nothing of use under its keys ({keys})", _WANTED)


def _shape(data: Any) -> str:
    return "list" if isinstance(data, list) else "text" if isinstance(data, str) else type(data).__name__
