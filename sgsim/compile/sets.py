"""Sets of addresses, each a number: what the peers of rules stand for, as spans on two address lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.compile.peers import Span
from sgsim.compile.ragged import Ints, offsets, spread, united

LINE = 1 << 32  # length of an address line: IPv4 addresses, or ranks of the IPv6 addresses where spans begin or end


class Sets(NamedTuple):
    """Disjoint spans, set after set."""

    first: Ints  # (sets + 1,) where the spans of each set begin
    family: Ints  # 0: on the IPv4 line, 1: on the IPv6 line
    begin: Ints
    end: Ints


class Placed(NamedTuple):
    """Spans of numbered owners on the two lines."""

    owner: Ints
    family: Ints
    begin: Ints
    end: Ints


class AddressLines:
    """The positions of addresses. ``v6``: all IPv6 addresses where spans begin or end."""

    def __init__(self, v6: Iterable[int]) -> None:
        self.v6_starts = sorted({0, *v6} - {1 << 128})
        self._rank = dict(zip(self.v6_starts, range(len(self.v6_starts)), strict=True)) | {1 << 128: LINE}

    def including(self, spans: Iterable[Span]) -> AddressLines:
        """Lines that place these spans too: these lines, if they do."""
        missing = [end for span in spans if span.version == 6 for end in span[1:] if end not in self._rank]
        return AddressLines([*self.v6_starts, *missing]) if missing else self

    def positions_of(self, before: AddressLines) -> Ints | None:
        """Where the starts of earlier lines, which these include, are now; None if they are the same lines."""
        return None if before is self else np.array([self._rank[start] for start in before.v6_starts], dtype=np.int64)

    def place(self, owners: Sequence[int], spans: Sequence[Span]) -> Placed:
        """The spans as arrays; ``owners`` says whose each one is."""
        rank = self._rank
        rows = [(0, b, e) if version == 4 else (1, rank[b], rank[e]) for version, b, e in spans]
        family, begin, end = np.array(rows, dtype=np.int64).reshape(-1, 3).T
        return Placed(np.array(owners, dtype=np.int64), family, begin, end)

    @cached_property
    def v6_halves(self) -> NDArray[np.uint64]:
        """Upper and lower half of each of ``v6_starts``."""
        packed = b"".join(start.to_bytes(16, "big") for start in self.v6_starts)
        return np.frombuffer(packed, dtype=">u8").astype(np.uint64)


def spans_of_members(of_set: Ints, member: Ints, owned: Placed, owners: int) -> Placed:
    """What the members of sets own; ``owned`` is in the order of its ``owners``."""
    first = offsets(np.bincount(owned.owner, minlength=owners))
    of_member, span = spread(first[member], first[member + 1])
    return Placed(of_set[of_member], owned.family[span], owned.begin[span], owned.end[span])


def joined(count: int, parts: Sequence[Placed]) -> Sets:
    """The sets numbered below ``count``, whose spans may overlap as they are given."""
    owner, family, begin, end = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    both, begin, end = united(owner * 2 + family, begin, end, LINE.bit_length())
    return Sets(offsets(np.bincount(both >> 1, minlength=count)), both & 1, begin, end)
