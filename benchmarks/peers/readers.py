"""Ways to read a capture in Python, each a server: python -m benchmarks.peers.readers NAME FILE PACKETS"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from itertools import islice

from benchmarks.peers.serving import serve


def sgsim(path: str, packets: int) -> None:
    """Walk and decode to columns."""
    from sgsim.captures import open_capture

    with open_capture(path) as capture:
        read = sum(len(batch.columns.skip) for batch in capture.batches())
    assert read >= packets


def raw(path: str, packets: int) -> None:
    """scapy's RawPcapReader: the bytes of each packet, nothing more."""
    from scapy.utils import RawPcapReader

    with RawPcapReader(path) as reader:
        assert sum(1 for _ in islice(reader, packets)) == packets


def dissected(path: str, packets: int) -> None:
    """scapy's PcapReader: each packet as layers."""
    for layers in ("l2", "inet", "inet6"):  # scapy dissects what has been imported
        import_module(f"scapy.layers.{layers}")
    from scapy.utils import PcapReader

    with PcapReader(path) as reader:
        assert sum(1 for _ in islice(reader, packets)) == packets


READERS: dict[str, Callable[[str, int], None]] = {"sgsim": sgsim, "raw": raw, "dissected": dissected}

if __name__ == "__main__":
    name, path, packets = sys.argv[1:]
    READERS[name](path, int(packets))  # imported and compiled before it is measured
    serve({"packets": int(packets)}, {"run": lambda: READERS[name](path, int(packets))})
