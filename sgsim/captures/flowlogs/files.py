"""What a user names -> the files of flow logs in it."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sgsim.errors import LogError

STANDARD_INPUT = "-"
_UNFINISHED = (".part", ".tmp", ".crc")


class LogFile(NamedTuple):
    """``found``: it was found in a folder, and may be something else than a flow log."""

    path: str
    found: bool = False


def log_files(names: Sequence[str]) -> list[LogFile]:
    """The files named, those that match a pattern, and those in folders, recursively (hive partitions are folders);
    hidden ones and markers (``_SUCCESS``) are left out. Each file once, in the order of the names.

    Raises LogError: nothing matches, a folder without files.
    """
    files: dict[str, LogFile] = {}
    for name in names:
        found = list(_matching(name))
        if not found:
            what = "is a folder without files" if os.path.isdir(name) else "matches no file"
            raise LogError(name, what, "name flow logs, a folder of them, or a pattern like 'logs/**/*.gz'")
        for file in found:
            files.setdefault(os.path.realpath(file.path) if file.path != STANDARD_INPUT else "", file)
    return list(files.values())


def _matching(name: str) -> Iterator[LogFile]:
    if name != STANDARD_INPUT and os.path.isdir(name):
        yield from _within(name)
    elif glob.has_magic(name) and not os.path.exists(name):
        for path in sorted(glob.glob(name, recursive=True)):
            if os.path.isdir(path):
                if "**" not in name:
                    yield from _within(path)
            else:
                yield LogFile(path, found=True)
    else:
        yield LogFile(name)


def _within(folder: str) -> Iterator[LogFile]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith((".", "_")))
        for name in sorted(names):
            if not name.startswith((".", "_")) and not name.endswith(_UNFINISHED):
                yield LogFile(os.path.join(place, name), found=True)
