"""The kernels in the two modes that catch what the compiled ones would hide: as plain Python, and bounds-checked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# A named sample: seeds of random worlds, and captures with fragments, ICMP errors, extension headers, odd links.
SAMPLE = """
import sys
from tests.differential.test_streams import world
from tests.differential.test_captures import batches_of, busiest
from tests.differential.compare import assert_same
from tests.differential.worlds import topology_of
from sgsim.model import Settings
from pathlib import Path
import random
for seed in range(int(sys.argv[1])):
    world(seed)
for name in sys.argv[2:]:
    batches = batches_of(Path(name))
    for seed in (1, 2):
        topology = topology_of(random.Random(seed), busiest(batches, 24))
        assert_same(topology, Settings(open_loop=seed == 2), batches)
"""

CAPTURES = (
    "pcap/zeek+zeek/testing/btest/Traces/icmp/icmp6-destunreach-no-context.pcap",
    "pcap/the-tcpdump-group+tcpdump/tests/ipv6-next-header-oobr-2.pcap",
    "pcap/OISF+suricata-verify/tests/decode-arp-3/arp-encap.pcap",
    "pcap/the-tcpdump-group+tcpdump/tests/tcp-handshake-nano.pcap",
)


@pytest.mark.parametrize(
    ("switch", "seeds"), [("NUMBA_DISABLE_JIT", 12), ("NUMBA_BOUNDSCHECK", 60)], ids=["plain Python", "bounds-checked"]
)
def test_the_sample_is_judged_the_same(switch, seeds, data, tmp_path):
    """Engine and reference agree, and no index is out of bounds."""
    captures = [os.fspath(data / name) for name in CAPTURES]
    # Hashes overflow on purpose, which plain numpy scalars mention.
    command = [sys.executable, "-W", "ignore::RuntimeWarning", "-c", SAMPLE, str(seeds), *captures]
    environment = os.environ | {switch: "1", "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path)}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
