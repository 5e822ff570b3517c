"""Captures that were cut, altered and made up: counted skips or one clear error, never a crash or a hang."""

from __future__ import annotations

import gzip
import random
import time
from collections.abc import Callable
from struct import pack

import pytest

from sgsim.model import Skip
from tests.captures.layouts import (
    FRAME,
    ORDERS,
    Reading,
    block,
    enhanced,
    interface,
    obsolete,
    pcap,
    pcapng,
    section,
    simple,
)
from tests.captures.oracle import said

SAMPLE = (  # small captures, of each format, with what is rarest in them
    "pcap/the-tcpdump-group+tcpdump/tests/ipv6-next-header-oobr-2.pcap",
    "pcap/zeek+zeek/testing/btest/Traces/icmp/icmp6-destunreach-no-context.pcap",
    "pcap/hadrielk+pcapng-test-generator/output_be/difficult/test202.pcapng",
    "pcap/hadrielk+pcapng-test-generator/output_le/advanced/test102.pcapng",
    "pcap/the-tcpdump-group+tcpdump/tests/tcp-handshake-nano.pcap",
    "pcap/google+gopacket/pcapgo/tests/le/test902.pcapng",
)


def check(found: Reading) -> None:
    """Whatever was read is consistent; an error is one line."""
    if found.error is not None:
        message = str(found.error)
        assert "\n" not in message
        assert len(message) < 400
    assert [row.number for row in found.rows] == list(range(1, len(found.rows) + 1))
    for row in found.rows:
        assert row.captured == len(row.frame) <= 262_144
        assert abs(row.time_ns) <= 2**62
        if row.skip is not Skip.UNSUPPORTED_LINK:
            expected = said(row.frame, found.link_types[row.link], row.length)
            assert (row.skip, *row[6:16]) == expected


@pytest.mark.parametrize("name", SAMPLE)
def test_captures_cut_at_every_byte(data, read, name):
    """At each of the first 400 bytes, and at 100 random places."""
    whole = (data / name).read_bytes()
    rng = random.Random(name)
    everything = read(whole)
    for size in [*range(min(400, len(whole))), *(rng.randrange(len(whole)) for _ in range(100))]:
        found = read(whole[:size])
        assert found.rows == everything.rows[: len(found.rows)]
        check(found)


def altered(whole: bytes, rng: random.Random) -> bytes:
    """One to eight bits or bytes changed, most often to what is a limit somewhere."""
    out = bytearray(whole)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(min(len(out), 600) if rng.random() < 0.7 else len(out))
        match rng.randrange(4):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                limit = rng.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1))
                out[at : at + 4] = pack(rng.choice(ORDERS) + "I", limit)
            case _:
                del out[at : at + rng.randint(1, 5)]
    return bytes(out)


@pytest.mark.parametrize("name", SAMPLE)
def test_captures_with_bits_flipped(data, read, name):
    """400 alterations of each, seeded by its name."""
    whole = (data / name).read_bytes()[:5000]
    rng = random.Random(name)
    for _ in range(400):
        check(read(altered(whole, rng)))


FRAMES = [FRAME, FRAME[:20], bytes(60), FRAME[14:], b""]
BLOCKS: list[Callable[[random.Random, str], bytes]] = [
    lambda rng, order: section(rng.choice(ORDERS)),
    lambda rng, order: interface(order, link=rng.choice((1, 101, 105)), resolution=rng.randrange(256)),
    lambda rng, order: interface(order, snaplen=rng.choice((0, 20, 2**32 - 1)), offset=rng.choice((-1, 2**62))),
    lambda rng, order: enhanced(rng.choice(FRAMES), order, number=rng.randrange(4), ticks=rng.getrandbits(64)),
    lambda rng, order: obsolete(rng.choice(FRAMES), order, number=rng.randrange(4), ticks=rng.getrandbits(40)),
    lambda rng, order: simple(rng.choice(FRAMES), order, length=rng.choice((0, 30, 2**32 - 1))),
    lambda rng, order: block(rng.getrandbits(32), rng.randbytes(rng.randrange(0, 40, 4)), order),
    lambda rng, order: rng.randbytes(12),
]


@pytest.mark.parametrize("seed", range(300))
def test_blocks_in_any_order(read, seed):
    """Sections, interfaces and packets as they come, some in the wrong byte order."""
    rng = random.Random(seed)
    order = rng.choice(ORDERS)
    out = [section(order), interface(order), interface(order, link=101)]
    for _ in range(rng.randint(1, 30)):
        make = rng.choices(BLOCKS, weights=[1, 3, 3, 20, 10, 10, 3, rng.random() < 0.1])[0]
        out.append(make(rng, order if rng.random() < 0.98 else rng.choice(ORDERS)))
    data = b"".join(out)
    found = read(data)
    check(found)
    assert read(data, packets=1)[:3] == found[:3]


@pytest.mark.parametrize("seed", range(100))
def test_random_frames(read, seed):
    """Noise behind an IP header of either version, on each link type, held against the oracle."""
    rng = random.Random(seed)
    link = rng.choice((0, 1, 12, 101, 108, 113, 228, 229, 276))
    ethernet, cooked = bytes(12), bytes(14)
    starts = [b"", b"\x45", b"\x60", ethernet + b"\x08\0\x45", ethernet + b"\x86\xdd\x60", b"\2\0\0\0\x45"]
    starts += [cooked + b"\x08\0\x45", b"\x86\xdd" + bytes(18) + b"\x60"]
    following = bytes([0, 0, 43, 44, 44, 60, 58, 6, 17, 1, 51])

    def frame() -> bytes:
        start, size = rng.choice(starts), rng.choice((0, 1, 7, 30, 60, 100, 300))
        noise = bytearray(rng.randbytes(size))
        for at in range(0, size, rng.choice((1, 2, 8))):  # few values where a header has its next one and its length
            if rng.random() < 0.5:
                noise[at] = rng.choice(following)
        return start + bytes(noise)

    check(read(pcap([frame() for _ in range(200)], link=link)))


def test_a_file_of_damaged_gzip_data_ends(data, read):
    """Flipped bits of the compressed data are found, or the records in it make no sense."""
    whole = gzip.compress((data / SAMPLE[1]).read_bytes() + bytes(3000))
    rng = random.Random(1)
    for _ in range(300):
        check(read(altered(whole, rng)))


def test_nothing_takes_long(read):
    """The most blocks, records and sections that 2 MB can hold."""
    begin = time.perf_counter()
    read(section() * 70_000)
    read(section() + interface() + block(0xBAD, b"") * 160_000)
    read(section() + interface() * 60_000 + enhanced(b"") * 20_000)
    read((section() + interface() + enhanced(b"")) * 20_000)
    assert time.perf_counter() - begin < 60


def test_big_blocks_are_read_whole(read):
    """Up to 16 MiB, which libpcap allows."""
    big = block(4, bytes((16 << 20) - 12))
    found = read(pcapng([FRAME]) + big + enhanced(FRAME))
    assert len(found.rows) == 2
    assert "16777220" in str(read(pcapng([FRAME]) + block(4, bytes((16 << 20) - 8))).error)
