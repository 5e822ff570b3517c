"""The arrays that batches are made in, used again from batch to batch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import numpy as np

from sgsim.layout import BODY, HEAD, QUOTE, PacketColumns


def allocate(packets: int) -> PacketColumns:
    """Columns for so many packets, all zero."""
    return PacketColumns(*(np.zeros(packets, dtype) for dtype in (HEAD, BODY, QUOTE)))


def trimmed(columns: PacketColumns, packets: int, quotes: int) -> PacketColumns:
    """Views of the first packets, and of the first quotes."""
    return PacketColumns(columns.heads[:packets], columns.bodies[:packets], columns.quotes[:quotes])


def rounds(packets: int, ahead: int) -> Iterator[PacketColumns]:
    """Columns for one batch after the other: each is used again ``ahead`` batches later."""
    return cycle([allocate(packets) for _ in range(ahead)])
