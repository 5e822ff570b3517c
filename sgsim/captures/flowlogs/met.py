"""What is met while logs are read, beside records: interface ids, and lines that are no records."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.logids import LONGEST_ID, MOST_IDS, OTHER_ID, Ids, number_ids
from sgsim.kernels.loglines import FAULT, Met
from sgsim.model import LogSkip

BATCH = 1 << 15  # records handed on at a time, at most
_FAULTS = 16  # malformed lines of a log that are told one by one at most

# In the order of the kernel's counts.
_COUNTED = (LogSkip.NO_DATA, LogSkip.SKIP_DATA, LogSkip.MALFORMED, LogSkip.NOT_IP)


class Meetings:
    """Shared by all logs of a run."""

    def __init__(self) -> None:
        ids = Ids(
            slots=np.zeros(2 * MOST_IDS, dtype=np.int32),
            ends=np.zeros(MOST_IDS, dtype=np.int64),
            text=np.zeros(MOST_IDS * LONGEST_ID, dtype=np.uint8),  # untouched pages take no memory
            count=np.zeros(1, dtype=np.int64),
        )
        self.met = Met(
            ids=ids,
            counts=np.zeros(len(_COUNTED), dtype=np.int64),
            faults=np.zeros(_FAULTS, dtype=FAULT),
            faults_met=np.zeros(1, dtype=np.int64),
            packet_ends=np.zeros((BATCH, 4), dtype=np.uint64),
        )

    @property
    def ids(self) -> int:
        """How many distinct interface ids there were so far."""
        return int(self.met.ids.count[0])

    def id_text(self, number: int) -> str:
        """The interface id of that number."""
        if number == OTHER_ID:
            return "others"
        ids = self.met.ids
        first = int(ids.ends[number - 1]) if number else 0
        return ids.text[first : int(ids.ends[number])].tobytes().decode("utf-8", "backslashreplace")

    def numbers(self, texts: list[bytes]) -> NDArray[np.int32]:
        """The numbers of interface ids, shape (n,); -1 for "-", TOO_LONG."""
        offsets = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum([len(text) for text in texts], out=offsets[1:])
        found = np.zeros(len(texts), dtype=np.int32)
        number_ids(self.met.ids, np.frombuffer(b"".join(texts) or b"\0", dtype=np.uint8), offsets, found)
        return found

    def skipped(self) -> dict[LogSkip, int]:
        """Lines and rows that are no records, by cause, so far."""
        return dict(zip(_COUNTED, self.met.counts.tolist(), strict=True))

    def count(self, skip: LogSkip, lines: int) -> None:
        self.met.counts[_COUNTED.index(skip)] += lines
