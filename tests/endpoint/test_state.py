"""The state file: whole at every moment, and never behind."""

from __future__ import annotations

import errno
import os
import threading

import pytest

from sgsim.endpoint import StateFile
from sgsim.errors import OutputError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.json"


@pytest.fixture
def file(path):
    file = StateFile(path)
    yield file
    file.close()


def test_what_is_kept_is_there(file, path):
    """And nothing else is beside it but the lock."""
    file.keep(1, lambda: (1, b"one"))
    assert path.read_bytes() == b"one"
    assert {each.name for each in path.parent.iterdir()} == {"state.json", "state.json.lock"}


def test_a_revision_that_is_kept_is_not_written_again(file):
    """A call that changed nothing costs no write."""
    file.keep(3, lambda: (5, b"five"))
    file.keep(5, lambda: pytest.fail("written again"))


def test_calls_that_wait_share_a_write(file):
    """While one is written, others gather; the next write is for all of them."""
    revision, writes = [0], []
    writing, go_on = threading.Event(), threading.Event()

    def state() -> tuple[int, bytes]:
        writes.append(revision[0])
        if len(writes) == 1:
            writing.set()
            assert go_on.wait(30)
        return writes[-1], b"%d" % writes[-1]

    threads = []
    for number in range(20):
        revision[0] = number + 1
        threads.append(threading.Thread(target=file.keep, args=(number + 1, state)))
        threads[-1].start()
        if number == 0:
            assert writing.wait(30)
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert writes[0] == 1
    assert writes[1:] == [20]


@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_file_before(file, path, monkeypatch, where):
    """The caller is told; the next write makes up for it."""
    file.keep(1, lambda: (1, b"one"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, where, full)
        with pytest.raises(OutputError, match=r"state\.json: the state cannot be written: No space left"):
            file.keep(2, lambda: (2, b"two"))
        assert path.read_bytes() == b"one"
    file.keep(2, lambda: (3, b"three"))
    assert path.read_bytes() == b"three"


def test_an_error_while_the_state_is_taken_blocks_nobody(file, path):
    """The next caller writes."""
    with pytest.raises(ZeroDivisionError):
        file.keep(1, lambda: 1 // 0)
    file.keep(1, lambda: (1, b"one"))
    assert path.read_bytes() == b"one"


def test_one_process_has_the_file(path):
    """The lock is the file's, however it is named, and free when it is closed."""
    file = StateFile(path)
    link = path.with_name("link.json")
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(OutputError, match="another sgsim serve keeps its state there"):
            StateFile(name)
    file.close()
    StateFile(path).close()
    assert not path.exists()
    assert not path.with_name("state.json.lock").exists()


def test_a_symbolic_link_and_the_mode_stay(path):
    """It is the file that is replaced, as it was."""
    path.write_bytes(b"zero")
    path.chmod(0o600)
    link = path.with_name("link.json")
    link.symlink_to(path)
    file = StateFile(link)
    file.keep(1, lambda: (1, b"one"))
    file.close()
    assert link.is_symlink()
    assert path.read_bytes() == b"one"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["/dev/null", "/", "/no/such/folder/state.json"])
def test_what_cannot_be_a_state_file_is_refused(name):
    """Before anything is served."""
    with pytest.raises(OutputError, match=name):
        StateFile(name)
