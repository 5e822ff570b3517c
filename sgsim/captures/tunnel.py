"""Captures of mirrored traffic: the frames inside VXLAN packets take the place of these (semantics, section 12)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from sgsim.captures.batch import BATCH, Batch, Link
from sgsim.kernels.links import TRUNCATED
from sgsim.kernels.tunnel import VXLAN_PORT, unwrap
from sgsim.layout import FIRST_FRAGMENT, QUOTE, WHOLE, PacketColumns
from sgsim.model import UDP

_MOST_DATAGRAMS = 4096  # whose later fragments are waited for


class HasBatches(Protocol):
    """What can be decapsulated: a Capture, a PacketCapture."""

    @property
    def links(self) -> Sequence[Link]: ...

    def batches(self, packets: int = BATCH, ahead: int = 1) -> Iterator[Batch]: ...


class Decapsulated:
    """The batches of a capture, with the frames inside VXLAN packets in place of the packets.

    ``columns.length`` is then that of the inner frame, ``Batch.lengths`` has the outer frame's; the bytes that offset
    and captured point to are still the outer frame.
    """

    def __init__(self, capture: HasBatches) -> None:
        self._capture = capture
        self._fragmented: dict[tuple[int, ...], None] = {}  # VXLAN datagrams of which a first fragment came, in order

    def batches(self, packets: int = BATCH, ahead: int = 1) -> Iterator[Batch]:
        """As the capture's own."""
        return map(self._unwrapped, self._capture.batches(packets, ahead))

    def _unwrapped(self, batch: Batch) -> Batch:
        columns = batch.columns
        self._refuse_pieces(columns)
        if not ((columns.skip == 0) & (columns.protocol == UDP) & (columns.dst_port == VXLAN_PORT)).any():
            return batch
        quotes = np.zeros(len(columns.skip), dtype=QUOTE)
        quotes[: len(columns.quotes)] = columns.quotes
        lengths = columns.length.copy()
        link_types = np.array([link.link_type for link in self._capture.links], dtype=np.uint16)
        made = unwrap(batch.window, link_types, columns._replace(quotes=quotes), len(columns.quotes))
        return batch._replace(columns=columns._replace(quotes=quotes[:made]), lengths=lengths)

    def _refuse_pieces(self, columns: PacketColumns) -> None:
        """A later fragment of a VXLAN datagram holds the rest of a frame: nothing that could be judged."""
        fields = (columns.version, columns.src_hi, columns.src_lo, columns.dst_hi, columns.dst_lo, columns.fragment_id)
        for row in np.flatnonzero((columns.shape != WHOLE) & (columns.protocol == UDP) & (columns.skip == 0)).tolist():
            datagram = tuple(int(field[row]) for field in fields)
            if columns.shape[row] != FIRST_FRAGMENT:
                if datagram in self._fragmented:
                    columns.skip[row], columns.version[row], columns.flow[row] = int(TRUNCATED), 0, 0
                continue
            self._fragmented.pop(datagram, None)  # the newest first fragment counts
            if columns.dst_port[row] == VXLAN_PORT:
                self._fragmented[datagram] = None
                if len(self._fragmented) > _MOST_DATAGRAMS:
                    del self._fragmented[next(iter(self._fragmented))]
