"""Flows -> a capture file: interleaved, with handshakes and closes, in frames of 64 to 128 bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from sgsim.model import ICMP, ICMPV6, TCP, UDP
from sgsim.workload.flows import Flows

_EPOCH_NS = 1_700_000_000_000_000_000
_SHORTEST, _LONGEST = 64, 128  # bytes of a frame
_GAP_NS = 200, 2_000  # between packets
_CHUNK = 1 << 16  # packets made at a time: 9 MiB of frames

_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_CLOSED = 6  # packets of the shortest TCP flow that is opened and closed
_RESET = 4  # each fourth of them is closed by a RST

_FILE_HEADER = np.array([0xA1B23C4D, 0x00040002, 0, 0, 262_144, 1], dtype="<u4").tobytes()
_RECORD = [("seconds", "<u4"), ("nanoseconds", "<u4"), ("captured", "<u4"), ("length", "<u4")]
_ETHERNET = [("macs", "u1", 12), ("ethertype", ">u2")]
_IPV4 = [
    *[("version", ">u2"), ("ip_length", ">u2"), ("identification", ">u4"), ("ttl", "u1"), ("next", "u1")],
    *[("ip_checksum", ">u2"), ("src_lo", ">u4"), ("dst_lo", ">u4")],
]
_IPV6 = [
    *[("version", ">u4"), ("ip_length", ">u2"), ("next", "u1"), ("ttl", "u1")],
    *[("src_hi", ">u8"), ("src_lo", ">u8"), ("dst_hi", ">u8"), ("dst_lo", ">u8")],
]
_TRANSPORT = {
    TCP: [
        *[("src_port", ">u2"), ("dst_port", ">u2"), ("sequence", ">u8"), ("flags", ">u2"), ("window", ">u2")],
        *[("checksum", ">u2"), ("urgent", ">u2")],
    ],
    UDP: [("src_port", ">u2"), ("dst_port", ">u2"), ("udp_length", ">u2"), ("checksum", ">u2")],
    ICMP: [("type", ">u2"), ("checksum", ">u2"), ("src_port", ">u2"), ("dst_port", ">u2")],  # identifier, sequence
}
_FRAME, _NETWORK = 16, 30  # where the frame and its IP header begin in a row
_WIDTH = _FRAME + _LONGEST


def write_stream(path: str | os.PathLike[str], made: Flows, seed: int, times: int = 1) -> int:
    """Write the flows' packets to a pcap (little-endian, nanoseconds, Ethernet), ``times`` times over, each time later.

    Returns the packets written. Memory does not grow with ``times``. Checksums are right; TCP sequence numbers are 0.
    """
    begins: list[NDArray[np.int64]] = []
    stamps: list[NDArray[np.int64]] = []
    with Path(path).open("wb+") as file:
        file.write(_FILE_HEADER)
        for rows, sizes, time_ns in _rows(made, np.random.default_rng(seed)):
            begins.append(file.tell() + np.cumsum(sizes) - sizes)
            stamps.append(time_ns)
            file.write(rows[np.arange(_WIDTH) < sizes[:, None]].data)
        begins.append(np.array([file.tell()]))
        for again in range(1, times):
            _write_again(file, begins, stamps, again)
    return times * sum(map(len, stamps))


def _write_again(file: BinaryIO, begins: list[NDArray[np.int64]], stamps: list[NDArray[np.int64]], again: int) -> None:
    """Append the packets that the file begins with once more, ``again`` times their whole time later."""
    shift = again * (int(stamps[-1][-1]) - _EPOCH_NS + _GAP_NS[1])
    for at, ends, time_ns in zip(begins[:-1], begins[1:], stamps, strict=True):
        file.seek(int(at[0]))
        octets = np.frombuffer(file.read(int(ends[0] - at[0])), dtype=np.uint8).copy()
        for offset, values in enumerate(np.divmod(time_ns + shift, 10**9)):
            for place in range(4):
                octets[at - at[0] + 4 * offset + place] = values >> 8 * place & 255
        file.seek(0, os.SEEK_END)
        file.write(octets.data)


def schedule(made: Flows, rng: np.random.Generator) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Of each packet, in the order of time: its flow, and its place in the flow, from 0.

    A flow takes up to a fourth of the stream's time, at an even pace, and begins anywhere.
    """
    lengths = made.packets
    flow = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    place = (np.arange(len(flow)) - np.repeat(np.cumsum(lengths) - lengths, lengths)).astype(np.int32)
    pace = (rng.random(len(lengths)) / 3 / np.maximum(lengths, 1)).astype(np.float32)
    when = pace[flow]
    when *= place
    when += rng.random(len(lengths), dtype=np.float32)[flow]
    order = np.argsort(when, kind="stable")
    return flow[order], place[order]


def _rows(
    made: Flows, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]]:
    """Packets, some at a time: their records, in rows of fixed width; how long each record is; their times."""
    flow, place = schedule(made, rng)
    resets = (np.arange(len(made.packets)) % _RESET == 0) & (made.protocol == TCP)
    clock = _EPOCH_NS
    for begin in range(0, len(flow), _CHUNK):
        of = flow[begin : begin + _CHUNK]
        time_ns = clock + np.cumsum(rng.integers(*_GAP_NS, size=len(of)))
        clock = int(time_ns[-1])
        size = rng.integers(_SHORTEST, _LONGEST + 1, size=len(of))
        rows = np.zeros((len(of), _WIDTH), dtype=np.uint8)
        for protocol in _TRANSPORT:
            for v6 in (False, True):
                chosen = np.flatnonzero((made.protocol[of] == protocol) & (made.v6[of] == v6))
                part = Flows._make(column[of[chosen]] for column in made)
                packets = _records(protocol, v6, part, place[begin + chosen], resets[of[chosen]], size[chosen])
                packets["seconds"], packets["nanoseconds"] = np.divmod(time_ns[chosen], 10**9)
                size[chosen] = packets["length"]
                rows[chosen] = packets.view(np.uint8).reshape(len(chosen), _WIDTH)
        yield rows, _FRAME + size, time_ns


def _records(
    protocol: int,
    v6: bool,
    of: Flows,
    place: NDArray[np.int32],
    resets: NDArray[np.bool_],
    size: NDArray[np.int64],
) -> NDArray[np.void]:
    """Packets of one protocol and IP version; all arguments but the first two have one entry for each."""
    network, transport = _IPV6 if v6 else _IPV4, _TRANSPORT[protocol]
    headers = np.dtype([*_RECORD, *_ETHERNET, *network, *transport])
    rows = np.zeros(len(place), dtype=np.dtype([*headers.descr, ("payload", "u1", _WIDTH - headers.itemsize)]))
    size = np.maximum(size, headers.itemsize - _FRAME)
    above = size - (_NETWORK - _FRAME) - np.dtype(network).itemsize  # bytes of the transport header and what follows
    forward, flags = _course(of, place, resets)
    rows["captured"] = rows["length"] = size
    rows["macs"][:, [0, 5, 6, 11]] = [2, 2, 2, 1]
    rows["ethertype"] = 0x86DD if v6 else 0x0800
    rows["version"] = 6 << 28 if v6 else 0x4500
    rows["ip_length"] = above if v6 else above + 20
    rows["next"] = ICMPV6 if protocol == ICMP and v6 else protocol
    rows["ttl"] = 64
    for part in ("hi", "lo", "port") if v6 else ("lo", "port"):
        near, far = getattr(of, f"src_{part}"), getattr(of, f"dst_{part}")
        rows[f"src_{part}"] = np.where(forward, near, far)
        rows[f"dst_{part}"] = np.where(forward, far, near)
    if protocol == TCP:
        rows["flags"] = 0x5000 | flags
        rows["window"] = 65_535
    elif protocol == UDP:
        rows["udp_length"] = above
    else:
        rows["type"] = np.where(forward, 128, 129) << 8 if v6 else np.where(forward, 8, 0) << 8
        rows["src_port"], rows["dst_port"] = of.src_port, place // 2
    if not v6:
        rows["ip_checksum"] = _checksum(rows, np.zeros_like(above), _NETWORK, _NETWORK + 20)
    bare = protocol == ICMP and not v6  # its checksum knows no addresses; the others' do, which end the IP header
    begin = headers.itemsize - np.dtype(transport).itemsize - (0 if bare else 32 if v6 else 8)
    pseudo = np.zeros_like(above) if bare else above + rows["next"]
    rows["checksum"] = _checksum(rows, pseudo, begin, _WIDTH)
    return rows


def _course(
    of: Flows, place: NDArray[np.int32], resets: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Whether the flow's source sends the packet, and the flags it has if it is TCP.

    SYN, SYN-ACK, ACK, then turn by turn; at the end FIN, FIN, ACK or a RST, if there is room for all of it.
    """
    left = of.packets - 1 - place  # packets to come
    closed = (of.protocol == TCP) & (of.packets >= _CLOSED)
    closing = closed & (left <= np.where(resets, 0, 2))
    flags = np.select(
        [closing & resets, closing & (left > 0), place == 0, place == 1],
        [_RST | _ACK, _FIN | _ACK, _SYN, _SYN | _ACK],
        _ACK,
    )
    return np.where(closing, left, place) % 2 == 0, flags


def _checksum(rows: NDArray[np.void], pseudo: NDArray[np.int64], begin: int, end: int) -> NDArray[np.int64]:
    """The Internet checksum (RFC 1071) of these bytes of the rows and of the number ``pseudo`` (of 16 bits)."""
    words = rows.view(np.uint8).reshape(len(rows), _WIDTH)[:, begin:end].copy().view(">u2")
    total = words.sum(axis=1, dtype=np.int64) + pseudo
    total = (total & 0xFFFF) + (total >> 16)
    checksum: NDArray[np.int64] = ~(total + (total >> 16)) & 0xFFFF
    return checksum
