"""Addresses numbered in the order in which they come, and their text: what a dictionary of them is made of."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel, rare

U8, U64 = np.uint8, np.uint64
ZERO, ONE = U64(0), U64(1)

LONGEST_TEXT = 39  # eight groups of four digits

# Python 3.13 and later write IPv4-mapped addresses with dots; records say what str() says.
MAPPED_DOTTED = "." in str(IPv6Address("::ffff:0:1"))

DOT, COLON = U8(ord(".")), U8(ord(":"))
DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


class AddressTable(NamedTuple):
    """Distinct addresses, each numbered from 0 when it is first met."""

    slots: NDArray[np.int32]  # (a power of two,) number + 1, open addressing with linear probing; 0: free
    version: NDArray[np.uint8]  # by number, as are the next two: 4 or 6
    hi: NDArray[np.uint64]  # as in PacketColumns
    lo: NDArray[np.uint64]
    count: NDArray[np.int64]  # (1,) how many there are


@inner
def _home(table, hi, lo):
    """Where the probe for an address begins: Fibonacci hashing, whose best bits are the upper ones."""
    mixed = (lo ^ (hi * U64(0x9E3779B97F4A7C15))) * U64(0xD6E8FEB86659FD93)
    return (mixed >> U64(32)) & U64(len(table.slots) - 1)


@inner
def numbered(table, version, hi, lo):
    """The number of an address. There must be room for it."""
    mask = U64(len(table.slots) - 1)
    place = _home(table, hi, lo)
    while True:
        number = table.slots[place]
        if number == 0:
            new = table.count[0]
            table.slots[place] = np.int32(new + 1)
            table.version[new], table.hi[new], table.lo[new] = version, hi, lo
            table.count[0] = new + 1
            return np.int32(new)
        known = U64(number - 1)
        if table.lo[known] == lo and table.hi[known] == hi and table.version[known] == version:
            return np.int32(number - 1)
        place = (place + ONE) & mask


@kernel
def reindex(table: AddressTable) -> None:
    """Fill the empty slots of a table from its addresses."""
    mask = U64(len(table.slots) - 1)
    for number in range(table.count[0]):
        place = _home(table, table.hi[number], table.lo[number])
        while table.slots[place] != 0:
            place = (place + ONE) & mask
        table.slots[place] = np.int32(number + 1)


@inner
def _dotted(out, at, address):
    for n in range(4):
        value = address >> U64(24 - 8 * n) & U64(255)
        if n > 0:
            out[at] = DOT
            at += 1
        if value >= U64(100):
            out[at] = DIGITS[value // U64(100)]
            at += 1
        if value >= U64(10):
            out[at] = DIGITS[value // U64(10) % U64(10)]
            at += 1
        out[at] = DIGITS[value % U64(10)]
        at += 1
    return at


@inner
def _group(hi, lo, n):
    """16 bits of an IPv6 address, the n-th from the left."""
    half = hi if n < 4 else lo
    return half >> U64(48 - 16 * (n & 3)) & U64(0xFFFF)


@rare
def _colons(out, at, hi, lo):
    """RFC 5952: no leading zeros, the first longest run of two or more zero groups left out."""
    best, longest, run = 8, 1, 0
    for n in range(8):
        run = run + 1 if _group(hi, lo, n) == ZERO else 0
        if run > longest:
            best, longest = n + 1 - run, run
    n = 0
    while n < 8:
        if n == best:
            out[at], out[at + 1] = COLON, COLON
            at += 2
            n += longest
            continue
        if n > 0 and n != best + longest:
            out[at] = COLON
            at += 1
        group = _group(hi, lo, n)
        for shift in (12, 8, 4, 0):
            if shift == 0 or group >> U64(shift) != ZERO:
                out[at] = DIGITS[group >> U64(shift) & U64(15)]
                at += 1
        n += 1
    return at


@inner
def put_address(out, at, version, hi, lo, dotted):
    """An address as text; where it ends. ``dotted``: an IPv4-mapped one as ::ffff:192.0.2.1."""
    mapped = dotted and hi == ZERO and lo >> U64(32) == U64(0xFFFF)
    if mapped:
        at = _colons(out, at, hi, U64(0xFFFF_0000_0000)) - 3  # ::ffff:0:0
    if mapped or version == 4:
        return _dotted(out, at, lo & U64(0xFFFF_FFFF))
    return _colons(out, at, hi, lo)


@kernel
def write_texts(table: AddressTable, dotted: bool, offsets: NDArray[np.int32], out: NDArray[np.uint8]) -> int:
    """The text of each address, one after the other, into ``out`` (LONGEST_TEXT bytes each fit); returns its bytes.

    ``offsets``, one more than there are addresses: where each begins.
    """
    at = 0
    for number in range(table.count[0]):
        offsets[number] = at
        at = put_address(out, at, table.version[number], table.hi[number], table.lo[number], dotted)
    offsets[table.count[0]] = at
    return at
