"""Observations -> comments of pcapng packets: an option (opt_comment) for each, one after the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel
from sgsim.layout import REASONS

U8, U64 = np.uint8, np.uint64

COMMENT = 1  # opt_comment
OPTION_HEADER = 4  # bytes: code and length, 16 bits each, little-endian; values are padded to multiples of four


class CommentWording(NamedTuple):
    """The words of comments, one after the other."""

    text: NDArray[np.uint8]  # UTF-8
    offsets: NDArray[np.int64]  # where each word begins; the last element is where the last one ends
    # Which of the words is the first
    ways: np.int64  # by direction * len(REASONS) + reason: verdict, reason, direction
    enis: np.int64  # by place of the interface
    rules: np.int64  # by place + 1: rule and group; the first is for none


@inner
def _put_word(out, at, wording, word):
    begin, end = wording.offsets[word], wording.offsets[word + 1]
    for byte in range(begin, end):
        out[at + byte - begin] = wording.text[byte]
    return at + end - begin


@inner
def _put_header(out, at, code, size):
    out[at], out[at + 1] = U8(code), U8(0)
    out[at + 2], out[at + 3] = U8(size & 255), U8(size >> 8)


@kernel
def lay_comments(
    verdicts: NDArray[np.void],
    places: NDArray[np.int64],
    wording: CommentWording,
    begins: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> int:
    """Put the options of all packets of a batch into ``out``; returns their bytes.

    ``places`` are those of ``verdicts`` (records of VERDICT) that are told. Of packet ``i``, from ``begins[i]`` to
    ``begins[i + 1]`` in ``out``: a comment for each of its observations, and the end of options; nothing where it has
    none.
    """
    at, k = 0, 0
    for packet in range(len(begins) - 1):
        begins[packet] = at
        while k < len(places) and verdicts[places[k]]["packet"] == packet:
            verdict = verdicts[places[k]]
            way = np.int64(verdict["direction"]) * len(REASONS) + np.int64(verdict["reason"])
            end = _put_word(out, at + OPTION_HEADER, wording, wording.ways + way)
            end = _put_word(out, end, wording, wording.enis + verdict["interface"])
            end = _put_word(out, end, wording, wording.rules + verdict["rule"] + 1)
            _put_header(out, at, COMMENT, end - at - OPTION_HEADER)
            at = end
            while at & 3:
                out[at] = U8(0)
                at += 1
            k += 1
        if at > begins[packet]:
            _put_header(out, at, 0, 0)
            at += OPTION_HEADER
    begins[len(begins) - 1] = at
    return at
