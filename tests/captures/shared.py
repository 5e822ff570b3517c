"""The shared captures and what their manifest says of them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple


class Shared(NamedTuple):
    """One line of MANIFEST.tsv: ``packets`` is None and ``link`` empty where Wireshark's capinfos refuses the file."""

    name: str
    path: Path
    packets: int | None
    link: str
    capinfos: str


def captures(data: Path, folder: str = "") -> list[Shared]:
    """The captures of the manifest, or those of one folder below ``pcap``."""
    with open(data / "MANIFEST.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    start = f"pcap/{folder}/" if folder else "pcap/"
    return [
        Shared(
            row["path"],
            data / row["path"],
            int(row["packets"]) if row["packets"] else None,
            row["linktype"],
            row["capinfos"],
        )
        for row in rows
        if row["path"].startswith(start)
    ]


# One test for each folder, so that they can be spread over processes.
FOLDERS = (
    "CharlesJu1+pcap-samples",
    "OISF+suricata-verify",
    "appneta+tcpreplay",
    "boundary+wireshark",
    "brimdata+zui",
    "google+gopacket",
    "hadrielk+pcapng-test-generator",
    "kbandla+dpkt",
    "ntop+nDPI",
    "rshk+python-pcapng",
    "secdev+scapy",
    "seladb+PcapPlusPlus",
    "the-tcpdump-group+libpcap",
    "the-tcpdump-group+tcpdump",
    "zeek+zeek",
)
