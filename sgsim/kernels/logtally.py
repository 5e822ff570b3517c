"""One pass over judged flow log records that counts all that their summary tells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgsim.kernels.compiling import inner, kernel
from sgsim.layout import (
    ACCEPT,
    FOREIGN,
    MIDSTREAM,
    NO_ACTION,
    PKT_DST,
    PKT_SRC,
    REASONS,
    RECORD_VERDICTS,
    REJECT,
)
from sgsim.model import Reason, RecordVerdict

_ALLOW, _DROP, _POSSIBLE = (RECORD_VERDICTS.index(verdict) for verdict in RecordVerdict)
_RULE = REASONS.index(Reason.RULE)

# What was credited to a rule. Times in Unix seconds.
LOG_CREDIT = np.dtype(
    [
        ("records", np.int64),
        ("possible", np.int64),  # of them, those that are only possible
        ("accepted", np.int64),  # of them, those that it admitted by itself and AWS accepted
        ("flows", np.int64),  # connections made under it
        ("packets", np.int64),
        ("bytes", np.int64),
        ("first", np.int64),
        ("last", np.int64),
    ]
)


class LogCounts(NamedTuple):
    """Everything that is counted."""

    gates: NDArray[np.int64]  # (interfaces, 2, 3) records by interface, direction and verdict
    against: NDArray[np.int64]  # (interfaces, 2) those of them whose verdict is not AWS's action
    actions: NDArray[np.int64]  # (3, 3) records by AWS's action and verdict
    reasons: NDArray[np.int64]  # (reasons,)
    rules: NDArray[np.void]  # (rules,) records of LOG_CREDIT
    span: NDArray[np.int64]  # (2,) earliest start and latest end
    midstream: NDArray[np.int64]  # (1,) dropped flows that may be older than the log
    elsewhere: NDArray[np.int64]  # (1,) records of local addresses that their interface does not own


@inner
def disagrees(verdict, action):
    """Whether AWS did what the verdict says it does not do."""
    return (verdict == _ALLOW and action == REJECT) or (verdict == _DROP and action == ACCEPT)


@inner
def _credit(record, row):
    row["possible"] += np.int64(record["verdict"] == _POSSIBLE)
    row["accepted"] += np.int64(record["reason"] == _RULE and record["action"] == ACCEPT)
    row["flows"] += np.int64(record["opened"] != 0)
    row["packets"] += record["packets"]
    row["bytes"] += record["bytes"]
    if row["records"] == 0 or record["start"] < row["first"]:
        row["first"] = record["start"]
    if row["records"] == 0 or record["end"] > row["last"]:
        row["last"] = record["end"]
    row["records"] += np.int64(1)


@kernel
def tally_records(records: NDArray[np.void], counts: LogCounts, against: NDArray[np.int64]) -> int:
    """Add judged LOG_RECORDs to the counts; returns how many of them disagree with AWS, their places in ``against``."""
    found = 0
    for n in range(len(records)):
        record = records[n]
        place, direction = record["interface"], record["direction"]
        verdict, action = record["verdict"], record["action"]
        counts.gates[place, direction, verdict] += 1
        counts.actions[action, verdict] += 1
        counts.reasons[record["reason"]] += 1
        counts.midstream[0] += np.int64(record["flags"] & MIDSTREAM != 0)
        counts.elsewhere[0] += np.int64(record["marks"] & FOREIGN != 0 and record["marks"] & (PKT_SRC | PKT_DST) == 0)
        counts.span[0] = min(counts.span[0], record["start"])
        counts.span[1] = max(counts.span[1], record["end"])
        if record["rule"] >= 0:
            _credit(record, counts.rules[record["rule"]])
        if action != NO_ACTION and disagrees(verdict, action):
            counts.against[place, direction] += 1
            against[found] = n
            found += 1
    return found
