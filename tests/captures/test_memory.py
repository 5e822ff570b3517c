"""Memory is bounded whatever the length of the capture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.captures.layouts import FRAME, enhanced, interface, pcap_header, record, section

ROOT = Path(__file__).resolve().parents[2]
MEBIBYTE = 1 << 20

# Reads a capture twice, a small one first: what was compiled and imported is there before the measurement.
MEASURE = """
import sys
from sgsim.captures import merged, open_capture

def own():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return max(int(line.split()[1]) for line in lines if line.startswith(("Anonymous:", "Private_Dirty:")))

def read(names):
    captures = [open_capture(name) for name in names]
    packets, most = 0, 0
    for number, batch in enumerate(merged(captures)):
        packets += len(batch.capture)
        if number % 100 == 0:
            most = max(most, own())
    return packets, max(most, own())

read(sys.argv[1:2])
before = own()
packets, most = read(sys.argv[2:])
print(packets, most - before)
"""


def grown(*names: Path) -> tuple[int, int]:
    """(packets, KiB that reading them took more than reading the first)."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, names)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    packets, kibibytes = done.stdout.split()
    return int(packets), int(kibibytes)


def repeated(path: Path, start: bytes, piece: bytes, size: int) -> int:
    """A file of about that size; how many pieces are in it."""
    many = piece * (MEBIBYTE // len(piece))
    with open(path, "wb") as file:
        file.write(start)
        rounds = size // len(many)
        for _ in range(rounds):
            file.write(many)
    return rounds * (MEBIBYTE // len(piece))


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small"
    path.write_bytes(pcap_header() + record(FRAME))
    return path


def test_a_gigabyte_of_records_takes_a_few_mebibytes(tmp_path, small):
    """Read in windows: the memory of the process does not grow with the file."""
    path = tmp_path / "long.pcap"
    expected = repeated(path, pcap_header(), record(bytes(1400)), 1 << 30)
    packets, kibibytes = grown(small, path)
    path.unlink()
    assert packets == expected
    assert kibibytes < 16 * 1024


def test_a_long_pcapng_takes_no_more(tmp_path, small):
    """Nor do blocks that are passed over stay in memory."""
    path = tmp_path / "long.pcapng"
    expected = repeated(path, section() + interface(), enhanced(FRAME * 6), 200 * MEBIBYTE)
    packets, kibibytes = grown(small, path)
    path.unlink()
    assert packets == expected
    assert kibibytes < 16 * 1024


def test_merging_takes_a_window_for_each_capture(tmp_path, small):
    """And not more, even if one capture's packets all come before the other's."""
    first, second = tmp_path / "first", tmp_path / "second"
    expected = repeated(first, pcap_header(), record(bytes(200), seconds=1), 60 * MEBIBYTE)
    expected += repeated(second, pcap_header(), record(bytes(200), seconds=2), 60 * MEBIBYTE)
    packets, kibibytes = grown(small, first, second)
    assert packets == expected
    assert kibibytes < 24 * 1024


REPLAY = """
import resource, sys
from ipaddress import ip_address
from sgsim.model import Interface, Topology
from sgsim.replay import replay

topology = Topology(interfaces={"eni": Interface("eni", vpc_id=None, addresses=(ip_address("10.0.0.5"),))})

def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

replay(topology, sys.argv[1:2], jobs=5)
before = most()
print(replay(topology, sys.argv[2:], jobs=5).packets, most() - before)
"""


def test_threads_keep_a_few_batches_between_them(tmp_path, small):
    """--jobs: what is read waits for what is judged and written, however long the capture."""
    path = tmp_path / "long.pcap"
    expected = repeated(path, pcap_header(), record(FRAME + bytes(400)), 400 * MEBIBYTE)
    done = subprocess.run(
        [sys.executable, "-c", REPLAY, str(small), str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    path.unlink()
    packets, kibibytes = map(int, done.stdout.split())
    assert packets == expected
    assert kibibytes < 64 * 1024
