"""A pulled snapshot -> one file, or a folder of files as the AWS CLI's commands would have written them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec

from sgsim.errors import OutputError
from sgsim.pulling.calls import CALLS, PREFIX_LIST_ENTRIES, PREFIX_LISTS, Record, Snapshot
from sgsim.reports.outputs import OutputFile, check_outputs
from sgsim.sources.recognise import snapshot_files

_COMMANDS = frozenset(call.file for call in CALLS)
_ENTRIES = re.compile(r"pl-[0-9A-Za-z]+\.json\Z")


def check_destination(name: str) -> None:
    """Find before any call what cannot be written. Raises OutputError: what ``check_outputs`` refuses, and a folder
    that holds other files than a pull's, which would be read as part of the snapshot."""
    if not is_folder(name):
        check_outputs([name])
        return
    folder = Path(name)
    if folder.is_dir():
        for path in snapshot_files(folder):
            if path.parent != folder or not _is_ours(path.name):
                problem = f"holds {path.relative_to(folder)}, which would be read as part of the snapshot"
                raise OutputError(f"{name}: {problem}: choose another folder")
        check_outputs([os.path.join(name, call.file) for call in CALLS])
    elif folder.exists():
        raise OutputError(f"{name}: is no folder: choose another name")
    else:
        check_outputs([str(folder)])


def is_folder(name: str) -> bool:
    """Whether the name stands for a folder: it ends with a slash, or is one."""
    return name.endswith(os.sep) or os.path.isdir(name)


def write(snapshot: Snapshot, name: str) -> None:
    """Write a snapshot to a file, to standard output (``-``), or to a folder, whole or not at all.

    In a folder the files of an earlier pull are replaced, and those that this one has not are removed. Raises
    OutputError and what ``OutputFile`` raises.
    """
    if is_folder(name):
        _write_folder(snapshot, Path(name))
        return
    with OutputFile(name) as output:
        output.write(_json(snapshot))


def _write_folder(snapshot: Snapshot, folder: Path) -> None:
    files = dict(_files(snapshot))
    try:
        folder.mkdir(exist_ok=True)
        with ExitStack() as stack:  # all are written before the first one gets its name
            for name, reply in files.items():
                stack.enter_context(OutputFile(str(folder / name))).write(_json(reply))
        for path in folder.iterdir():
            if _is_ours(path.name) and path.name not in files:
                path.unlink()
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror}") from None


def _files(snapshot: Snapshot) -> Iterator[tuple[str, Snapshot]]:
    """The reply of each command by the file's name; that of a prefix list's entries names the list."""
    lists = {name: record for record in snapshot.get(PREFIX_LISTS.key, ()) if (name := _entries_file(record))}
    for call in CALLS:
        if call.key in snapshot:
            records = snapshot[call.key]
            yield call.file, {call.key: [_without_entries(each) if _entries_file(each) else each for each in records]}
    for name, record in lists.items():
        yield name, {PREFIX_LIST_ENTRIES.key: record[PREFIX_LIST_ENTRIES.key]}


def _entries_file(record: Record) -> str | None:
    """Where a prefix list's entries stand. With an id that is not AWS's (a stand-in's) they stay inside the list:
    readers know the list by the file's name."""
    name = f"{record.get('PrefixListId')}.json"
    return name if PREFIX_LIST_ENTRIES.key in record and _ENTRIES.match(name) else None


def _without_entries(record: Record) -> Record:
    return {key: value for key, value in record.items() if key != PREFIX_LIST_ENTRIES.key}


def _is_ours(name: str) -> bool:
    return name in _COMMANDS or bool(_ENTRIES.match(name))


def _json(reply: Snapshot) -> bytes:
    """As the AWS CLI writes it: indented by four blanks, not escaped."""
    return msgspec.json.format(msgspec.json.encode(reply), indent=4) + b"\n"
