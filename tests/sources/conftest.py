"""How the tests of snapshots write one and load it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sgsim.errors import InputError
from sgsim.model import Topology
from sgsim.sources import load_topology
from sgsim.sources.changes import ApiChange, Changes, read_changes

Load = Callable[..., Topology]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Writes a snapshot (describe output as a dict, else YAML text) to ``snapshot.json`` or ``.yaml`` and loads it."""

    def write_and_load(content: dict[str, Any] | str, **options: Any) -> Topology:
        path = tmp_path / ("snapshot.yaml" if isinstance(content, str) else "snapshot.json")
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return load_topology(path, **options)

    return write_and_load


@pytest.fixture
def refused(load: Load) -> Callable[..., str]:
    """Loads what must be refused; gives the one line of the error without the file's folder."""

    def load_and_catch(content: dict[str, Any] | str, **options: Any) -> str:
        with pytest.raises(InputError) as caught:
            load(content, **options)
        line = str(caught.value)
        assert "\n" not in line
        return line[line.index("snapshot.") :]

    return load_and_catch


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes files by name (dicts as JSON, bytes and text as they are) into a folder and gives its path."""

    def write_files(files: dict[str, Any]) -> Path:
        root = tmp_path / "folder"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content if isinstance(content, str) else json.dumps(content))
        return root

    return write_files


@pytest.fixture
def changes(tmp_path: Path) -> Callable[..., Changes]:
    """Writes a file of changes (text and bytes as they are, anything else as JSON) and reads it."""

    def write_and_read(content: Any, *, name: str = "changes.yaml", strict: bool = False) -> Changes:
        path = tmp_path / name
        text = content if isinstance(content, str | bytes) else json.dumps(content)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        return read_changes([path], strict=strict)

    return write_and_read


@pytest.fixture
def no_changes(changes: Callable[..., Changes]) -> Callable[..., str]:
    """Reads what must be refused; gives the one line of the error without the file's folder."""

    def read_and_catch(content: Any, *, name: str = "changes.yaml", strict: bool = False) -> str:
        with pytest.raises(InputError) as caught:
            changes(content, name=name, strict=strict)
        line = str(caught.value)
        assert "\n" not in line
        assert len(line) < 600
        return line[line.index(name) :]

    return read_and_catch


@pytest.fixture
def one_event(changes: Callable[..., Changes]) -> Callable[[dict[str, Any]], ApiChange]:
    """Reads one event of CloudTrail's; gives the change."""

    def read(record: dict[str, Any]) -> ApiChange:
        (change,) = changes({"Records": [record]}, name="trail.json").changes
        return change

    return read
