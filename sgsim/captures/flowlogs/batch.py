"""What a flow log is handed on as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class RecordBatch(NamedTuple):
    """n records of one log, in its order.

    ``records`` are LOG_RECORDs with srcaddr and dstaddr; ``packet_ends``, uint64, shape (n, 4), holds pkt-srcaddr and
    pkt-dstaddr, upper and lower half of each, where a record's marks say that they are given. Both belong to the
    reader and hold until the next batch of any log is asked for.
    """

    records: NDArray[np.void]
    packet_ends: NDArray[np.uint64]


class Log(Protocol):
    """A flow log, opened."""

    @property
    def name(self) -> str:
        """As given, or as found in the folder given."""

    @property
    def size(self) -> int | None:
        """Bytes of the file, None for a stream."""

    @property
    def position(self) -> int:
        """How many of them are read."""

    @property
    def warnings(self) -> list[str]:
        """What reading found doubtful; complete after the last batch."""

    def batches(self) -> Iterator[RecordBatch]:
        """The records, once. Raises LogError where the log cannot be read on."""

    def close(self) -> None: ...
