"""Captures -> batches of packets in columns: pcap and pcapng files and streams, gzip and zstd of each, scapy packets.

    with open_capture("trace.pcapng.gz") as capture:
        for batch in capture.batches():
            batch.columns.src_lo, batch.columns.dst_port, ...

Several captures as one stream in the order of time: ``merged([capture, ...])``. Packets back into files:
``PacketWriter``. The frames inside VXLAN packets: ``Decapsulated(capture)``.
"""

from __future__ import annotations

from sgsim.captures.batch import Batch, Link, MergedBatch
from sgsim.captures.capture import Capture, open_capture
from sgsim.captures.merge import merged
from sgsim.captures.packets import PacketCapture, from_packets
from sgsim.captures.tunnel import Decapsulated
from sgsim.captures.write import PacketWriter

__all__ = [
    "Batch",
    "Capture",
    "Decapsulated",
    "Link",
    "MergedBatch",
    "PacketCapture",
    "PacketWriter",
    "from_packets",
    "merged",
    "open_capture",
]
