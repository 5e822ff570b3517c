"""The state file: a whole snapshot at every moment, and never behind a call that was answered.

It is written beside its name, brought to the disk and renamed. A call is answered when a file that holds all that it
did or saw is in place; calls that wait meanwhile share the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

from sgsim.errors import OutputError

State = Callable[[], tuple[int, bytes]]  # a cloud's revision, and its state at that revision


class StateFile:
    """Keeps a cloud's state in a file. One process at a time has it; others are refused."""

    def __init__(self, path: str | Path) -> None:
        """Lock the file, which need not exist yet.

        Raises OutputError: another server has it, it is not a file, its folder cannot be written to.
        """
        self.name = str(path)
        self.path = Path(os.path.realpath(path))  # a symbolic link stays one
        if self.path.exists() and not self.path.is_file():
            raise OutputError(f"{self.name}: is not a file: the state cannot be kept there")
        self._lock = _Lock(self.path.with_name(f"{self.path.name}.lock"), self.name)
        self._turn = threading.Condition()
        self._kept = -1  # the revision in the file
        self._is_writing = False

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def keep(self, revision: int, state: State) -> None:
        """Return when a state of that revision or a later one is on the disk under the file's name.

        Whoever finds nobody writing writes, for all whose revision is in it by then.

        Raises OutputError where it cannot be written; the file is then the one before.
        """
        with self._turn:
            while self._is_writing and self._kept < revision:
                self._turn.wait()
            if self._kept >= revision:
                return
            self._is_writing = True
        kept = self._kept
        try:
            now, text = state()
            self._write(text)
            kept = now
        finally:
            with self._turn:
                self._is_writing = False
                self._kept = kept
                self._turn.notify_all()

    def _write(self, data: bytes) -> None:
        part = self.path.with_name(f"{self.path.name}.part")
        try:
            with open(part, "wb") as file:
                if self.path.exists():
                    os.fchmod(file.fileno(), self.path.stat().st_mode & 0o7777)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path)
            _bring_to_disk(self.path.parent)
        except OSError as error:
            raise OutputError(f"{self.name}: the state cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Let others have the file."""
        self._lock.release()


class _Lock:
    """A file beside the state file that one process has locked; the lock ends with the process, however that ends."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        try:
            self._file = self._locked()
        except BlockingIOError as error:
            remedy = "give each a file of its own"
            raise OutputError(f"{name}: another sgsim serve keeps its state there ({remedy})") from error
        except OSError as error:
            raise OutputError(f"{name}: the state cannot be kept there: {error.strerror}") from error

    def _locked(self) -> int:
        while True:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(file), os.stat(self._path)):
                        return file
            except BaseException:
                os.close(file)
                raise
            os.close(file)  # the one before removed it between the two: that lock says nothing

    def release(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        os.close(self._file)


def _bring_to_disk(folder: Path) -> None:
    """A rename is on the disk when its folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
