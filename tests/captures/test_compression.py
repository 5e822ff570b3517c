"""gzip and zstd: members and frames one after the other, padding, what is cut off and what is damaged."""

from __future__ import annotations

import gzip
import io
import os
import random
import sys
import threading
import zlib

import pytest
import zstandard

from sgsim.captures import open_capture
from sgsim.errors import MissingExtraError
from tests.captures.layouts import FRAME, pcap, pcapng


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def zstd_of_unknown_size(data: bytes) -> bytes:
    compressor = zstandard.ZstdCompressor().compressobj()
    return compressor.compress(data) + compressor.flush()


def named_gzip(data: bytes) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile("a name", "wb", fileobj=out, mtime=1) as file:
        file.write(data)
    return out.getvalue()


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


KINDS = {"gzip": gzip.compress, "gzip with a name": named_gzip, "zstd": zstd, "zstd streamed": zstd_of_unknown_size}
SKIPPABLE = b"\x5a\x2a\x4d\x18\x03\0\0\0abc"
COMPRESSED = pytest.mark.parametrize("compress", [*KINDS.values()], ids=[*KINDS])


@COMPRESSED
@pytest.mark.parametrize("made", [pcap, pcapng])
def test_both_formats_in_each(read, compress, made):
    """Recognised by content; the same packets as without."""
    data = made([noise(size) for size in range(700)])
    assert read(compress(data)) == read(data)


@COMPRESSED
@pytest.mark.parametrize("at", [0, 1, 3, 24, 50, 500])
def test_members_one_after_the_other_are_one_capture(read, compress, at):
    """As zcat reads them, wherever the cut lies; empty members too."""
    data = pcap([FRAME] * 20)
    found = read(compress(data[:at]) + compress(b"") + compress(data[at:]))
    assert len(found.rows) == 20
    assert (found.warnings, found.error) == ([], None)


def test_zeros_behind_gzip_data_are_padding(read):
    """Tapes and block devices fill up with them."""
    data = pcap([FRAME] * 3)
    found = read(gzip.compress(data[:30]) + bytes(70) + gzip.compress(data[30:]) + bytes(1000))
    assert (len(found.rows), found.warnings) == (3, [])


def test_skippable_frames_of_zstd_are_passed_over(read):
    """Before, between and behind the data."""
    data = pcap([FRAME] * 3)
    found = read(SKIPPABLE + zstd(data[:30]) + SKIPPABLE + zstd(data[30:]) + SKIPPABLE)
    assert (len(found.rows), found.warnings, found.error) == (3, [], None)


@COMPRESSED
def test_what_follows_and_is_none_is_warned_about(read, compress):
    """It was not read; the offset says where it begins."""
    data = compress(pcap([FRAME] * 3))
    found = read(data + b"something else")
    assert (len(found.rows), found.error) == (3, None)
    (warning,) = found.warnings
    assert f"offset {len(data)}" in warning
    assert read(data + b"something else", strict=True).error is not None


@COMPRESSED
def test_data_cut_off_anywhere_gives_what_there_is(read, compress):
    """What can be decompressed is read, then a warning; no packets at all is an error."""
    data = compress(pcap([noise(100) for _ in range(40)]))
    counts = []
    for size in (*range(4, 40), *range(40, len(data), 67), *range(len(data) - 12, len(data))):
        found = read(data[:size])
        counts.append(len(found.rows))
        if found.error is None:
            assert any("cut off" in warning for warning in found.warnings), size
        else:
            assert not found.rows
        strict = read(data[:size], strict=True)
        assert strict.error is not None
        assert len(strict.rows) == len(found.rows)
    assert counts == sorted(counts)
    assert counts[-1] == 40 or compress is zstd_of_unknown_size  # only its checksum is missing


@COMPRESSED
def test_damaged_data_is_an_error(read, compress):
    """With the offset, and after all that could be read before."""
    data = bytearray(compress(pcap([noise(1000) for _ in range(400)])))
    data[-5] ^= 0xFF  # of the checksum, or of the last block
    found = read(bytes(data))
    if found.error is None:  # streamed zstd has no checksum: one byte of noise differs
        assert compress is zstd_of_unknown_size
        return
    assert "damaged" in str(found.error)
    assert "offset" in str(found.error)


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
def test_compressed_twice_is_refused(read, compress):
    """It is said what it is, or at least what it begins with."""
    found = read(compress(compress(pcap([FRAME]))))
    assert found.rows == []
    assert "twice" in str(found.error) or "28b52ffd" in str(found.error)


@COMPRESSED
def test_nothing_compressed_is_empty(read, compress):
    """An empty file, compressed."""
    assert "empty once decompressed" in str(read(compress(b"")).error)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_compressed_stream_is_live(tmp_path, kind):
    """What a flushed piece holds is read before the stream goes on."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    first, second = pcap([FRAME]), pcap([FRAME, FRAME])[24 + 16 + len(FRAME) :]
    arrived = threading.Event()

    def source() -> None:
        with open(path, "wb", buffering=0) as file:
            if kind == "gzip":
                compressor = zlib.compressobj(wbits=31)
                file.write(compressor.compress(first) + compressor.flush(zlib.Z_SYNC_FLUSH))
                assert arrived.wait(20)
                file.write(compressor.compress(second) + compressor.flush())
            else:
                frame = zstandard.ZstdCompressor().compressobj()
                file.write(frame.compress(first) + frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
                assert arrived.wait(20)
                file.write(frame.compress(second) + frame.flush())

    thread = threading.Thread(target=source, daemon=True)
    thread.start()
    with open_capture(str(path)) as capture:
        batches = capture.batches()
        assert len(next(batches).columns.skip) == 1
        arrived.set()
        assert [batch.first for batch in batches] == [2]
        assert capture.warnings == []
    thread.join(20)


def test_position_counts_compressed_bytes(tmp_path):
    """As the size does, so a progress bar ends at the end."""
    path = tmp_path / "capture.gz"
    path.write_bytes(gzip.compress(pcap([noise(200) for _ in range(20_000)])))
    with open_capture(str(path)) as capture:
        positions = [capture.position for _ in capture.batches()]
        assert positions[0] < positions[-1] == capture.size


def test_without_the_library_zstd_names_the_extra(tmp_path, monkeypatch):
    """One line that says what to install."""
    path = tmp_path / "capture.zst"
    path.write_bytes(zstd(pcap([FRAME])))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtraError, match=r"sgsim\[zstd\]"):
        open_capture(str(path))


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
def test_a_bomb_goes_off_piece_by_piece(tmp_path, compress):
    """64 MiB of zeros in a few KiB are four million empty packets, and never lie in memory at once."""
    path = tmp_path / "bomb"
    path.write_bytes(compress(pcap([])) + compress(bytes(1 << 26)))
    packets = widest = 0
    with open_capture(str(path)) as capture:
        for batch in capture.batches():
            packets += len(batch.columns.skip)
            widest = max(widest, len(batch.window))
    assert packets == (1 << 26) // 16
    assert widest <= 4 << 20
