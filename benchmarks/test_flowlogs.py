"""Judging flow logs: the whole way from a file to the summary, of text and of Parquet."""

from __future__ import annotations

import pytest

from benchmarks.logs import LOG, draw_records, write_parquet, write_text
from sgsim.flowlogs import flowlogs

RECORDS = 1_000_000  # at most: of so many flows as the stream's


@pytest.mark.parametrize("form", ["text", "parquet"])
def test_flow_logs_log_v1(timed, streams, tmp_path, form):
    workload, made, _ = streams.get("vpc-v2")
    records, ids = draw_records(workload, made, RECORDS)
    path = tmp_path / f"flow.{form}"
    (write_text if form == "text" else write_parquet)(path, records, ids)
    summary = flowlogs(made, [path])
    assert summary.judged == len(records.src)
    assert not summary.disagreements

    about = f"{LOG} of {workload.name}"
    timed(lambda: flowlogs(made, [path]), about, summary.judged, "records", flows=workload.flows, seed=workload.seed)
