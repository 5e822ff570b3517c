"""Files that results go to: written beside their final name, renamed at the end; standard output, pipes and devices
are written directly."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

from sgsim.errors import OutputError

STANDARD_OUTPUT = "-"


def check_outputs(names: Iterable[str], inputs: Iterable[str] = ()) -> None:
    """Find before any work what cannot be written. Raises OutputError: a folder that does not exist, a name given
    twice, a name that is an input, a folder in the place of a file."""
    sources = list(inputs)
    seen: dict[str, str] = {}
    for name in names:
        if name == STANDARD_OUTPUT:
            identity = name
        else:
            _check_place(name)
            if is_special(name):
                continue
            identity = os.path.realpath(name)
            for source in sources:
                if _same_file(name, source):
                    raise OutputError(f"{name}: it is the input {source}: choose another name")
        if identity in seen:
            where = "standard output (-)" if name == STANDARD_OUTPUT else name
            raise OutputError(f"{where}: given as an output twice: choose another name")
        seen[identity] = name


def _check_place(name: str) -> None:
    path = Path(name)
    if not path.name or path.is_dir():
        raise OutputError(f"{name or repr(name)}: is a folder: name a file in it")
    if not path.parent.is_dir():
        raise OutputError(f"{name}: its folder {path.parent} does not exist: create it first")
    if not path.exists() and not os.access(path.parent, os.W_OK):
        raise OutputError(f"{name}: its folder {path.parent} is not writable: choose another")


def _same_file(name: str, source: str) -> bool:
    if not os.path.exists(source):
        return False
    if os.path.isdir(source):  # a snapshot folder: nothing of it may be overwritten
        return os.path.exists(name) and Path(name).resolve().is_relative_to(Path(source).resolve())
    return os.path.exists(name) and os.path.samefile(name, source)


def is_special(name: str) -> bool:
    """Whether the name is standard output, or a pipe, socket or device: something that is written directly."""
    if name == STANDARD_OUTPUT:
        return True
    try:
        return not stat.S_ISREG(os.stat(name).st_mode)
    except OSError:
        return False


class OutputFile:
    """One result, opened. Leaving the ``with`` block without an exception renames ``FILE.part`` to ``FILE``.

    Raises OutputError where bytes are refused; BrokenPipeError only for standard output, whose reader may leave.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._direct = is_special(name)
        self._part = name if self._direct else name + ".part"
        if name == STANDARD_OUTPUT:
            self._file = cast(BinaryIO, sys.stdout.buffer)
            return
        try:
            self._file = open(self._part, "wb")  # noqa: SIM115
        except OSError as error:
            raise self._refusal(error) from None

    @property
    def raw(self) -> BinaryIO:
        """The binary file itself, for a writer that reports its own errors."""
        return self._file

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            raise self._refusal(error) from None

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            raise self._refusal(error) from None

    def _refusal(self, error: OSError) -> Exception:
        if self.name == STANDARD_OUTPUT:
            if isinstance(error, BrokenPipeError):
                return error
            return OutputError(f"standard output: cannot be written: {error.strerror}")
        return OutputError(f"{self._part}: cannot be written: {error.strerror}")

    def close(self, complete: bool) -> None:
        """Close the file; a complete one gets its final name, another stays ``FILE.part``."""
        if self.name == STANDARD_OUTPUT:
            if complete:
                self.flush()
            return
        try:
            self._file.close()
            if complete and not self._direct:
                os.replace(self._part, self.name)
        except OSError as error:
            if complete:
                raise self._refusal(error) from None

    def __enter__(self) -> OutputFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(complete=kind is None)
