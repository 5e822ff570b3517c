"""Every shared capture against its manifest: packets, link types, and which files are refused, and why."""

from __future__ import annotations

import re

import pytest

from tests.captures.layouts import read_file
from tests.captures.shared import FOLDERS, captures

# Wireshark's names of link types, as the manifest has them, and the numbers that stand for them.
SUPPORTED = {
    "ether": {1},
    "rawip": {12, 14, 101},
    "rawip4": {228},
    "rawip6": {229},
    "null": {0, 108},
    "linux-sll": {113},
    "linux-sll2": {276},
}
UNSUPPORTED = {
    "ppp": {9, 50}, "chdlc": {104}, "frelay": {107}, "slip": {8}, "xeth": {2}, "fddi-swapped": {10}, "tr": {6},
    "ieee-802-11": {105}, "ieee-802-11-radiotap": {127}, "ppi": {192}, "wpan": {195}, "wpan-nofcs": {230},
    "arcnet_linux": {129}, "atm-rfc1483": {100}, "atm-pdus": {123}, "linux-atm-clip": {106}, "juniper-atm1": {137},
    "juniper-ether": {178}, "bacnet-ms-tp": {165}, "dbus": {231}, "ipnet": {226}, "netlink": {253}, "nflog": {239},
    "pktap": {258}, "vsock": {271}, "user2": {149}, "user13": {160},
}  # fmt: skip
SEVERAL = {"per-packet", "unknown"}  # links of several types; no link described

# What is refused although its link type is supported: (what is wrong with it, packets before that place).
REFUSED = {
    "bug-1450-04/tls_DER-incomplete-header.pcap": ("captured length of 4325376", 6),
    "bug-1450-05/tls_DER-incomplete-content.pcap": ("captured length of 4325376", 6),
    "bug-6875-01/fuzz.pcap": ("captured length of 1409179648", 1),
    "be/test901.pcapng": ("version 2.0", 1),  # its second section is of version 2.0
    "le/test901.pcapng": ("version 2.0", 1),
    "tests/pcap-invalid-version-1.pcap": ("version 1.4", 0),
    "tests/pcap-invalid-version-2.pcap": ("version 2.5", 0),  # libpcap refuses it, Wireshark does not
    "tests/shb-option-too-long.pcapng": ("two lengths of a section header", 0),
}
# What is cut off: packets before that place are Wireshark's.
CUT_OFF = ("data/bad.pcapng", "pcap/fuzz-2021-10-13.pcap")


def entry(table, name):
    """The value, or element, whose key the name ends with."""
    found = [key for key in table if name.endswith("/" + key)]
    return found[0] if found else None


@pytest.mark.parametrize("folder", FOLDERS)
def test_packets_and_link_types_are_those_of_the_manifest(data, folder):
    """As many packets as Wireshark counts, of the same link types; what is refused or cut off is in the tables."""
    files = captures(data, folder)
    assert files
    for capture in files:
        found = read_file(capture.path)
        refused = entry(REFUSED, capture.name)
        if refused:
            phrase, packets = REFUSED[refused]
            assert phrase in str(found.error), capture.name
            assert len(found.rows) == packets, capture.name
        elif capture.link in SUPPORTED or capture.link in SEVERAL:
            assert found.error is None, capture.name
            assert len(found.rows) == capture.packets, capture.name
            assert bool(found.warnings) == (entry(CUT_OFF, capture.name) is not None), capture.name
            if capture.link in SUPPORTED:
                assert {found.link_types[row.link] for row in found.rows} <= SUPPORTED[capture.link], capture.name
        else:
            assert _refused_types(str(found.error)) <= _link_types_of(capture), capture.name
            assert found.rows == [], capture.name


def _refused_types(error: str) -> set[int]:
    """The link types that an error names, each by its number and its name."""
    assert "is not supported" in error, error
    named = {int(number) for number in re.findall(r"(\d+) \(LINKTYPE_\w+\)", error)}
    assert named, error
    return named


def _link_types_of(capture) -> set[int]:
    if capture.link:
        return UNSUPPORTED[capture.link]
    (number,) = re.findall(r"network type (\d+) unknown", capture.capinfos)  # unknown to capinfos
    return {int(number) & 0x03FFFFFF}


def test_every_capture_is_in_a_folder_that_is_tested(data):
    """So that no new one is left out."""
    assert {capture.name.split("/")[1] for capture in captures(data)} == set(FOLDERS)


def test_the_tables_hold_no_more_than_there_is(data):
    """An entry that explains nothing is to be deleted."""
    names = [capture.name for capture in captures(data)]
    for table in (REFUSED, CUT_OFF):
        assert all(any(name.endswith("/" + key) for name in names) for key in table)
    assert set(UNSUPPORTED) <= {capture.link for capture in captures(data)}
