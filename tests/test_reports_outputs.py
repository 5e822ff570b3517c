"""Output files: found wanting before any work, written as FILE.part, renamed at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from sgsim.errors import OutputError
from sgsim.reports.outputs import OutputFile, check_outputs, is_special


def test_the_name_appears_when_the_file_is_complete(tmp_path: Path):
    """Within the block the bytes stand in FILE.part; after it, in FILE, which may have existed."""
    final = tmp_path / "o.csv"
    final.write_text("old")
    with OutputFile(str(final)) as output:
        output.write(b"new")
        output.flush()
        assert final.read_text() == "old"
        assert (tmp_path / "o.csv.part").read_text() == "new"
    assert final.read_text() == "new"
    assert not (tmp_path / "o.csv.part").exists()


def test_what_fails_keeps_its_part(tmp_path: Path):
    """An exception leaves FILE.part, and the old FILE as it was."""
    final = tmp_path / "o.csv"
    with pytest.raises(KeyboardInterrupt), OutputFile(str(final)) as output:
        output.write(b"half")
        raise KeyboardInterrupt
    assert (tmp_path / "o.csv.part").read_text() == "half"
    assert not final.exists()


def test_devices_are_written_directly():
    """/dev/null and - are special; names that do not exist, and plain files, are not."""
    assert is_special("/dev/null")
    assert is_special("-")
    assert not is_special("no-such-file.csv")
    assert not is_special(__file__)


def test_an_output_must_not_be_an_input(tmp_path: Path):
    """The same file under another name, and a file inside a snapshot folder, are refused."""
    source = tmp_path / "a.pcap"
    source.write_bytes(b"x")
    (tmp_path / "b.pcap").hardlink_to(source)
    with pytest.raises(OutputError, match="it is the input"):
        check_outputs([str(tmp_path / "b.pcap")], [str(source)])
    with pytest.raises(OutputError, match="it is the input"):
        check_outputs([str(source)], [str(tmp_path)])
    check_outputs([str(tmp_path / "new.pcap"), "/dev/null", "/dev/null"], [str(source), "/dev/null", "-"])


def test_a_folder_that_cannot_be_written_is_found(tmp_path: Path):
    """A missing folder, or a folder in place of a file, is one line that says what to do."""
    with pytest.raises(OutputError, match="create it first"):
        check_outputs([str(tmp_path / "none" / "o.csv")])
    with pytest.raises(OutputError, match="name a file in it"):
        check_outputs([str(tmp_path)])
