"""Several captures as one stream in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from sgsim.captures.batch import Batch, MergedBatch


class Batches(Protocol):
    """What can be merged: a Capture, a PacketCapture."""

    def batches(self, packets: int = 8192) -> Iterator[Batch]: ...


def merged(captures: Sequence[Batches], packets: int = 8192) -> Iterator[MergedBatch]:
    """The packets of all captures by time, at most ``packets`` at a time; ties in the order given.

    Each capture's own order is kept: a packet is sorted by the running maximum of its capture's times. One capture
    alone is passed on as it is. Raises what reading the captures raises.
    """
    raise NotImplementedError
