"""VPC flow logs -> batches of records: text, gzip, zstd, Parquet, CloudWatch Logs events, folders of them.

logs = Logs(log_files(["logs/"]), Meetings())
for batch in logs.batches():
    batch.records["dst_port"], ...
"""

from __future__ import annotations

from sgsim.captures.flowlogs.batch import RecordBatch
from sgsim.captures.flowlogs.fields import parse_format
from sgsim.captures.flowlogs.files import log_files
from sgsim.captures.flowlogs.merge import Logs
from sgsim.captures.flowlogs.met import Meetings

__all__ = ["Logs", "Meetings", "RecordBatch", "log_files", "parse_format"]
