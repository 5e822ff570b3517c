"""The kernels in the two modes that catch what the compiled ones would hide: as plain Python, and bounds-checked."""

from __future__ import annotations

import os
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import numpy as np
import pytest

from sgsim.captures.buffers import allocate
from sgsim.engine import Simulator
from sgsim.kernels.decode import decode
from sgsim.kernels.judge import judge
from sgsim.kernels.walk import PcapFormat, read_pcap
from sgsim.layout import PacketColumns
from sgsim.model import EVERYWHERE, Direction, Interface, Packet, Rule, SecurityGroup, Topology
from tests.differential.worlds import columns_of

ROOT = Path(__file__).resolve().parents[2]

# A named sample: seeds of random worlds, and captures with fragments, ICMP errors, extension headers, odd links.
SAMPLE = """
import sys
from tests.differential.test_changes import changing_world
from tests.differential.test_streams import world
from tests.differential.test_captures import batches_of, busiest
from tests.differential.compare import assert_same
from tests.differential.worlds import topology_of
from sgsim.model import Settings
from pathlib import Path
import random
for seed in range(int(sys.argv[1])):
    world(seed)
    changing_world(seed)
for name in sys.argv[2:]:
    batches = batches_of(Path(name))
    for seed in (1, 2):
        topology = topology_of(random.Random(seed), busiest(batches, 24))
        assert_same(topology, Settings(open_loop=seed == 2), batches)
from tests.differential.test_modes import PLANTED
for read in PLANTED:
    try:
        read()
    except IndexError:
        continue
    raise SystemExit(f"{read.__name__}: read beyond an array, and nobody noticed")
"""

CAPTURES = (
    "pcap/zeek+zeek/testing/btest/Traces/icmp/icmp6-destunreach-no-context.pcap",
    "pcap/the-tcpdump-group+tcpdump/tests/ipv6-next-header-oobr-2.pcap",
    "pcap/OISF+suricata-verify/tests/decode-arp-3/arp-encap.pcap",
    "pcap/the-tcpdump-group+tcpdump/tests/tcp-handshake-nano.pcap",
)


def a_frame_at_the_end_of_its_window() -> None:
    """The columns say that it has 48 bytes, of which 45 are in the window."""
    columns = allocate(1)
    columns.heads["captured"] = columns.heads["length"] = 48
    frame = bytes(12) + b"\x08\0\x45\0\0\x22" + bytes(5) + b"\x06" + bytes(21)
    decode(np.frombuffer(frame, dtype=np.uint8), np.ones(1, dtype=np.uint16), columns, 1)


def a_record_at_the_end_of_its_window() -> None:
    """A pcap record's header, of whose lengths the last two bytes are missing; the walk is told that they are there."""
    form = PcapFormat(False, 16, 0, 1000)
    read_pcap(np.zeros(14, dtype=np.uint8), 0, 16, form, 1, allocate(1))


def an_address_beyond_the_flow_table() -> None:
    """The table has no room for the addresses of IPv6 flows."""
    engine = Simulator(*_one_flow())
    table = engine._state.table._replace(wide=np.zeros(0, dtype=np.uint64))
    engine._state = engine._state._replace(table=table)
    engine.judge_columns(_packet())


def an_observation_without_room() -> None:
    """The rows of the verdicts end before the first."""
    engine = Simulator(*_one_flow())
    judge(_packet(), engine.table, np.zeros(0, np.int32), engine._state, np.zeros(1, np.int64))


def a_place_without_packet() -> None:
    """Where packets were captured is said of fewer packets than there are."""
    engine = Simulator(*_one_flow())
    engine.judge_columns(_packet(2), np.zeros(1, np.int32))


PLANTED = (
    a_frame_at_the_end_of_its_window,
    a_record_at_the_end_of_its_window,
    an_address_beyond_the_flow_table,
    an_observation_without_room,
    a_place_without_packet,
)


def _one_flow() -> tuple[Topology]:
    group = SecurityGroup("sg", "sg", None, (Rule("r", "sg", Direction.INGRESS, -1, None, None, EVERYWHERE[6]),), ())
    owner = Interface("eni", vpc_id=None, addresses=(ip_address("2001:db8::5"),), group_ids=("sg",))
    return (Topology(groups={"sg": group}, interfaces={"eni": owner}),)


def _packet(count: int = 1) -> PacketColumns:
    src, dst = ip_address("2001:db8::9"), ip_address("2001:db8::5")
    return columns_of([Packet(0, src, dst, 6, src_port=1, dst_port=2, tcp_flags=2, length=60)] * count)


@pytest.mark.parametrize(
    ("switch", "seeds"), [("NUMBA_DISABLE_JIT", 12), ("NUMBA_BOUNDSCHECK", 60)], ids=["plain Python", "bounds-checked"]
)
def test_the_sample_is_judged_the_same(switch, seeds, data, tmp_path):
    """Engine and reference agree, no index is out of bounds, and one that is would be found: PLANTED's are."""
    captures = [os.fspath(data / name) for name in CAPTURES]
    # Hashes overflow on purpose, which plain numpy scalars mention.
    command = [sys.executable, "-W", "ignore::RuntimeWarning", "-c", SAMPLE, str(seeds), *captures]
    environment = os.environ | {switch: "1", "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path)}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
