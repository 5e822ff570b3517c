"""The reading kernels in the two modes that show what compiled ones hide: as plain Python, and bounds-checked."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import pytest

from tests.captures.layouts import FRAME, enhanced, interface, pcap, read_file, section, simple

ROOT = Path(__file__).resolve().parents[2]

# Small captures with what is rarest: fragments, extension headers, ICMP errors, odd links, sections, clocks, damage.
SAMPLE = (
    "pcap/zeek+zeek/testing/btest/Traces/icmp/icmp6-destunreach-no-context.pcap",
    "pcap/the-tcpdump-group+tcpdump/tests/ipv6-next-header-oobr-2.pcap",
    "pcap/OISF+suricata-verify/tests/decode-arp-3/arp-encap.pcap",
    "pcap/OISF+suricata-verify/tests/bug-4810/pppoe-session-http.pcap",
    "pcap/OISF+suricata-verify/tests/bug-6875-01/fuzz.pcap",
    "pcap/the-tcpdump-group+tcpdump/tests/tcp-handshake-nano.pcap",
    "pcap/the-tcpdump-group+tcpdump/tests/mpls-label-heapoverflow.pcap",
    "pcap/ntop+nDPI/tests/cfgs/default/pcap/fuzz-2021-10-13.pcap",
    "pcap/hadrielk+pcapng-test-generator/output_be/difficult/test202.pcapng",
    "pcap/hadrielk+pcapng-test-generator/output_le/basic/test008.pcapng",
    "pcap/google+gopacket/pcapgo/tests/le/test902.pcapng",
    "pcap/zeek+zeek/testing/btest/Traces/tunnels/vxlan-triple-v2.pcap",
    "pcap/brimdata+zui/packages/sample-data/data/bad.pcapng",
)
MODES = {"plain Python": {"NUMBA_DISABLE_JIT": "1"}, "bounds checked": {"NUMBA_BOUNDSCHECK": "1"}}


def hostile(folder: Path) -> list[str]:
    """Made-up captures whose last packets end where the window does: a byte too far is out of bounds."""
    rng = random.Random(12)
    frames = [FRAME[: rng.randrange(47)] + rng.randbytes(rng.choice((0, 0, 3, 40))) for _ in range(60)]
    starts = [bytes(12) + b"\x08\0\x45", bytes(12) + b"\x86\xdd\x60", bytes(12) + b"\x88\x47", bytes(12) + b"\x88\x64"]
    frames += [rng.choice(starts) + rng.randbytes(rng.randrange(60)) for _ in range(200)]
    udp = b"\x12\xb5" * 2 + bytes(4)  # to port 4789, its length unstated
    tunnel = bytes(12) + b"\x08\0\x45" + bytes(8) + b"\x11" + bytes(10) + udp + b"\x08" + bytes(7)
    frames += [(tunnel + start + rng.randbytes(60))[: rng.randrange(20, 110)] for start in starts * 40]
    clocks = [interface(resolution=rng.randrange(256), offset=rng.choice((0, -5, 2**62))) for _ in range(40)]
    blocks = [enhanced(frame, number=n % 40, ticks=rng.getrandbits(64)) for n, frame in enumerate(frames)]
    contents = [pcap(frames), pcap(frames, ">", link=101), section() + b"".join(clocks + blocks) + simple(FRAME)]
    names = []
    for place, content in enumerate(contents):
        path = folder / f"made{place}"
        path.write_bytes(content)
        names.append(str(path))
    return names


def digest(names: list[str]) -> str:
    """Of all that reading these captures gives, the errors included."""
    state = blake2b()
    for name in names:
        for inside in (False, True):
            found = read_file(Path(name), inside=inside)
            state.update(repr((found.rows, found.warnings, str(found.error))).encode())
    return state.hexdigest()


@pytest.mark.parametrize("mode", [*MODES])
def test_the_same_is_read_in_every_mode(data, tmp_path, mode):
    """A named sample and made-up captures: plain Python and bounds-checked kernels read what compiled ones do."""
    names = [str(data / name) for name in SAMPLE] + hostile(tmp_path)
    environment = {**os.environ, **MODES[mode], "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    script = "import sys; from tests.captures.test_modes import digest; print(digest(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", script, *names], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == digest(names)
