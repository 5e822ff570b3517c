"""Numbers and addresses as text -> what they stand for, byte by byte: the fields of flow log records."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel, rare

U8, U64, I64 = np.uint8, np.uint64, np.int64
ZERO = U64(0)

DASH, DOT, COLON, SPACE, TAB, LINE_END, RETURN = (U8(ord(c)) for c in "-.: \t\n\r")
DIGIT = U8(ord("0"))

ABSENT, WRONG = I64(-1), I64(-2)  # in the place of a number: "-"; no number, or one beyond LARGEST
LARGEST = U64(1 << 62)


@inner
def is_dash(data, begin, end):
    """Whether the field is "-": not applicable."""
    return end - begin == U64(1) and data[begin] == DASH


@inner
def number(data, begin, end):
    """A decimal number without sign; ABSENT or WRONG."""
    if is_dash(data, begin, end):
        return ABSENT
    if end == begin or end - begin > U64(19):
        return WRONG
    value = ZERO
    for at in range(begin, end):
        digit = U64(U8(data[U64(at)] - DIGIT))
        if digit > U64(9):
            return WRONG
        value = value * U64(10) + digit
    return I64(value) if value <= LARGEST else WRONG


@inner
def _ipv4(data, begin, end):
    """(True, the address) of four decimal numbers up to 255 without leading zeros; (False, 0) of anything else."""
    value, part, digits, dots = ZERO, ZERO, 0, 0
    for place in range(begin, end):
        byte = data[U64(place)]
        if byte == DOT:
            if digits == 0 or dots == 3:
                return False, ZERO
            value, part, digits, dots = value << U64(8) | part, ZERO, 0, dots + 1
            continue
        digit = U64(U8(byte - DIGIT))
        if digit > U64(9) or digits == 3 or (digits > 0 and part == ZERO):
            return False, ZERO
        part, digits = part * U64(10) + digit, digits + 1
        if part > U64(255):
            return False, ZERO
    return digits > 0 and dots == 3, value << U64(8) | part


@inner
def _hexadecimal(byte):
    """A digit's value, or 16."""
    digit = U64(U8(byte - DIGIT))
    if digit <= U64(9):
        return digit
    letter = U64(U8((byte | U8(32)) - U8(ord("a"))))
    return letter + U64(10) if letter <= U64(5) else U64(16)


@inner
def _appended(hi, lo, group):
    return hi << U64(16) | lo >> U64(48), lo << U64(16) | group


@rare
def _ipv6(data, begin, end):
    """(True, upper half, lower half) of an address as RFC 4291, section 2.2, writes it; (False, 0, 0) of anything
    else. A zone ("%eth0") is none of it."""
    wrong = False, ZERO, ZERO
    hi, lo = ZERO, ZERO  # all groups so far, or those before "::"
    after_hi, after_lo = ZERO, ZERO  # those behind it
    groups, gap, at = 0, -1, begin
    if end - begin < U64(2) or (data[begin] == COLON and data[begin + U64(1)] != COLON):
        return wrong
    while at < end:
        if data[at] == COLON:  # the second one of "::", or the first two
            if gap >= 0:
                return wrong
            gap = groups
            at += U64(2) if at == begin else U64(1)
            continue
        group, digits, first = ZERO, 0, at
        while at < end and digits < 5 and _hexadecimal(data[at]) < U64(16):
            group = group << U64(4) | _hexadecimal(data[at])
            digits += 1
            at += U64(1)
        if at < end and data[at] == DOT:
            good, dotted = _ipv4(data, first, end)
            if not good or groups > 6:
                return wrong
            for half in (dotted >> U64(16), dotted & U64(0xFFFF)):
                if gap < 0:
                    hi, lo = _appended(hi, lo, half)
                else:
                    after_hi, after_lo = _appended(after_hi, after_lo, half)
            groups, at = groups + 2, end
            break
        if digits == 0 or digits == 5 or groups == 8:
            return wrong
        if gap < 0:
            hi, lo = _appended(hi, lo, group)
        else:
            after_hi, after_lo = _appended(after_hi, after_lo, group)
        groups += 1
        if at < end:
            if data[at] != COLON or at + U64(1) == end:
                return wrong
            at += U64(1)
    if gap < 0:
        return groups == 8, hi, lo
    if groups > 7:
        return wrong
    for _ in range(8 - gap):
        hi, lo = _appended(hi, lo, ZERO)
    return True, hi | after_hi, lo | after_lo


@inner
def address(data, begin, end):
    """(IP version, upper half, lower half), halves as in layout.BODY; the version is 0 where it is no address."""
    if end - begin <= U64(15):
        good, value = _ipv4(data, begin, end)
        if good:
            return 4, ZERO, value
    good, hi, lo = _ipv6(data, begin, end)
    return (6 if good else 0), hi, lo


@inner
def is_word(data, begin, end, word):
    """Whether the field is this word, an array of its bytes."""
    if end - begin != U64(len(word)):
        return False
    for n in range(len(word)):
        if data[begin + U64(n)] != word[n]:
            return False
    return True


@kernel
def parse_numbers(data: NDArray[np.uint8], offsets: NDArray[np.int64], out: NDArray[np.int64]) -> None:
    """The numbers in ``data[offsets[k]:offsets[k + 1]]``, for each k; ABSENT, WRONG."""
    for k in range(len(out)):
        out[k] = number(data, U64(offsets[k]), U64(offsets[k + 1]))


@kernel
def parse_addresses(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], version: NDArray[np.uint8], halves: NDArray[np.uint64]
) -> None:
    """The addresses in ``data[offsets[k]:offsets[k + 1]]``: their versions, 0 for what is none, 255 for "-"; ``halves``
    has the shape (2, n)."""
    for k in range(len(version)):
        begin, end = U64(offsets[k]), U64(offsets[k + 1])
        if is_dash(data, begin, end):
            version[k] = U8(255)
        else:
            kind, halves[0, k], halves[1, k] = address(data, begin, end)
            version[k] = U8(kind)
